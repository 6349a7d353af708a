"""One value laid over a tree of settings, and every value held to what was declared beside it.

Text is text, whether it stands on a command line or in a file: OmegaConf could read `${oc.env:HOME}` as a
reference, and here never does.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import grammars
import models
import search
from search.errors import nearest
from study.errors import StudyError

KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def choices(what: str) -> dict[str, str]:
    """Names to choose from with a line about each: the registries of the rooms below."""
    rooms = {"grammars": grammars.available, "learners": models.available, "searchers": search.available}
    return dict(rooms[what]())


def flatten(tree: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names; a list is one value."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def values(settings: DictConfig) -> dict[str, Any]:
    """Every setting as a plain value by its dotted name."""
    return flatten(cast(Mapping[Any, Any], OmegaConf.to_container(settings, resolve=True)))


def put(settings: DictConfig, key: str, value: Any) -> None:
    """Lay one value over the settings; text from a command line becomes the declared type."""
    known = list(flatten(cast(Mapping[Any, Any], OmegaConf.to_container(settings, resolve=False))))
    if key not in known:
        raise StudyError(unknown(key, known))
    node = OmegaConf.select(settings, key)
    if isinstance(value, str):
        if isinstance(node, ListConfig):
            value = items(value)
        elif value == "null":
            value = None
    if "???" in (value if isinstance(value, list) else [value]):
        raise StudyError(f"{key} cannot be ???, by which OmegaConf says that something is missing")
    kind = kind_of(node)  # of what stands there before
    try:
        OmegaConf.update(settings, key, literal(value))
        if "${" in str(value):
            values(settings)  # OmegaConf holds such text to the kind of the setting only when it is read
    except OmegaConfBaseException:
        raise StudyError(f"{key} takes {kind}, but got {value!r}") from None


def kind_of(value: Any) -> str:
    """What kind of value a setting takes that has this one, in words."""
    if not isinstance(value, ListConfig):
        return KINDS.get(type(value).__name__, "another kind of value")
    whole = OmegaConf.get_type(value) is not None and any(isinstance(item, int) for item in value)
    return "a list such as [1, 4]" if whole else "a list such as [a, b]"


def unknown(key: str, known: Iterable[str]) -> str:
    """One line about a name that no setting has."""
    names = list(known)
    below = [name for name in names if name.startswith(f"{key}.")]
    if below:
        return f"{key} is a group of settings: {', '.join(below)}"
    tail = key.rpartition(".")[2]
    alike = [name for name in names if name.rpartition(".")[2] == tail]
    alike = alike or get_close_matches(key, names, n=1)
    hint = f"did you mean {' or '.join(alike)}?" if alike else "--help lists them"
    return f"{key} is not a setting; {hint}"


def literal(value: Any) -> Any:
    """Text, or all text of a tree, as OmegaConf keeps it: a sentence is a value, never a reference."""
    if isinstance(value, Mapping):
        return {key: literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [literal(inner) for inner in value]
    # Before `${` a backslash says that what follows is text, and two are one: those that stand there already
    # would turn it into a reference again.
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", value) if isinstance(value, str) else value


def read(path: Path) -> Any:
    """The tree of a YAML file of settings, its text as it stands; errors are those of YAML and OmegaConf."""
    return OmegaConf.to_container(OmegaConf.load(path), resolve=False)


def items(text: str) -> list[str]:
    """The elements of `[a, b(1, 2)]` or `a,b`: commas within brackets belong to an element."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    parts, depth = [""], 0
    for sign in inner:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def declarations(settings: DictConfig) -> dict[str, Mapping[str, Any]]:
    """Dotted name -> metadata (`help`, `unit`, `range`, `choices`) of every setting, in order."""
    groups = [name for name in settings if is_dataclass(OmegaConf.get_type(settings[name]))]
    found: dict[str, Mapping[str, Any]] = {}
    for declared in fields(cast(Any, OmegaConf.get_type(settings))):
        if declared.name in groups:
            below = OmegaConf.get_type(settings[declared.name])
            for inner in fields(cast(Any, below)):
                found[f"{declared.name}.{inner.name}"] = inner.metadata
        else:
            found[declared.name] = declared.metadata
    return found


def options(declared: Mapping[str, Any]) -> Iterable[str] | None:
    """The choices of a setting, those of a registry included; None where it has none."""
    named = declared.get("choices")
    return choices(named) if isinstance(named, str) else named


def check(key: str, value: Any, declared: Mapping[str, Any]) -> None:
    """Hold a value to its choices and its range; the `StudyError` says the rule and the value."""
    allowed = options(declared)
    if allowed is not None and value is not None and value not in allowed:
        raise StudyError(f"{key}={value}: not one of its choices; {nearest(str(value), allowed)}")
    if value is None or isinstance(value, str | bool):
        return
    low, high = declared.get("range", (None, None))
    for one in value if isinstance(value, ListConfig) else [value]:
        # written so that NaN breaks the rule
        if (low is not None and not one >= low) or (high is not None and not one <= high):
            raise StudyError(f"`{rule(key, low, high)}` must hold, but got {key}={value}")


def rule(name: str, low: float | None, high: float | None) -> str:
    """A range as it would be written in mathematics."""
    if low is None or high is None:
        return f"{name} <= {high}" if low is None else f"{name} >= {low}"
    return f"{low} <= {name} <= {high}"
