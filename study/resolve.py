"""From a command line to a resolved configuration, or one line that says what is wrong with it."""

import importlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

import grammars
import models
import search
from search.errors import nearest
from study.config import DEFAULT_LEARNER, FREE, FREE_SECTIONS, VARIANTS, Config, setting
from study.errors import StudyError

FLAGS = ("--help", "--cfg", "--dry-run")
KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


@dataclass(frozen=True)
class Request:
    """What a command line asks for: the resolved settings and the flags given."""

    settings: DictConfig
    flags: frozenset[str]


def resolve(arguments: Sequence[str]) -> Request:
    """Settings in the order defaults < file < chosen variant < command line, checked and complete."""
    flags = frozenset("--help" if word == "-h" else word for word in arguments if word.startswith("-"))
    for flag in sorted(flags - set(FLAGS)):
        raise StudyError(f"{flag} is not a flag; {nearest(flag, FLAGS)}")
    line = dict(pair(word) for word in arguments if not word.startswith("-"))
    file = read_file(line.pop("config")) if "config" in line else {}
    import_plugins(line, file)
    grammar, learner = chosen("grammar", line, file), chosen("learner", line, file)
    if "learner.name" in file and file["learner.name"] != learner:
        # The settings below another learner's name mean nothing to this one.
        file = {key: value for key, value in file.items() if not key.startswith("learner.")}
    settings = blank(grammar, learner)
    layers = [variant(grammar, learner), file]
    if "grammar" in line or "learner" in line:
        layers.reverse()
    for layer in [*layers, line]:
        for key, value in layer.items():
            put(settings, key, value)
    return Request(complete(settings), flags)


def pair(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals:
        raise StudyError(
            f"settings are key=value, but got {word!r}; python -m study.search --help lists them"
        )
    return {"learner": "learner.name"}.get(key, key), value


def read_file(path: str) -> dict[str, Any]:
    """The settings of a YAML file by their dotted names; `learner: conv` names the learner."""
    if not Path(path).is_file():
        raise StudyError(f"config={path}: there is no such file")
    try:
        loaded = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise StudyError(
            f"config={path}: not a YAML file of settings: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(loaded, dict):
        raise StudyError(f"config={path}: a file of settings holds `key: value` lines, but got a list")
    flat = flatten(loaded)
    if "learner" in flat:
        flat["learner.name"] = flat.pop("learner")
    return flat


def flatten(tree: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def import_plugins(line: Mapping[str, Any], file: Mapping[str, Any]) -> None:
    named = line.get("plugins", file.get("plugins", []))
    for name in items(named) if isinstance(named, str) else named:
        try:
            importlib.import_module(str(name))
        except ModuleNotFoundError as error:
            raise StudyError(f"plugins: there is no module {error.name!r} to import") from None


def choices(what: str) -> dict[str, str]:
    """Names to choose from with a line about each: the registries of the rooms below."""
    rooms = {"grammars": grammars.available, "models": models.available, "search": search.available}
    return dict(rooms[what]())


def chosen(what: str, line: Mapping[str, Any], file: Mapping[str, Any]) -> str:
    key, registry, default = {
        "grammar": ("grammar", "grammars", cast(str, Config.grammar)),
        "learner": ("learner.name", "models", DEFAULT_LEARNER),
    }[what]
    name = str(line.get(key, file.get(key, default)))
    if name not in choices(registry):
        raise StudyError(f"{what}={name}: there is no such {what}; {nearest(name, choices(registry))}")
    return name


def blank(grammar: str, learner: str) -> DictConfig:
    """The defaults for one grammar and one learner, typed."""
    declared = make_dataclass(
        "Learner",
        [("name", str, setting(learner, "who is taught", choices="models"))],
        bases=(models.settings(learner),),
        kw_only=True,
    )
    settings = OmegaConf.structured(Config)
    settings.grammar = grammar
    settings.learner = OmegaConf.structured(declared)
    return cast(DictConfig, settings)


def variant(grammar: str, learner: str) -> dict[str, Any]:
    """What the chosen names bring along; a learner's settings may depend on the grammar."""
    below = VARIANTS.get((grammar, learner), {})
    return VARIANTS.get(grammar, {}) | {f"learner.{key}": value for key, value in below.items()}


def learner_settings(grammar: str, learner: str) -> dict[str, Any]:
    """The settings with which a learner is taught in this grammar when nothing else is said."""
    return dict(VARIANTS.get((grammar, learner), {}))


def keys(settings: DictConfig) -> list[str]:
    return list(flatten(cast(Mapping[Any, Any], OmegaConf.to_container(settings, resolve=False))))


def put(settings: DictConfig, key: str, value: Any) -> None:
    """Lay one value over the settings; text from the command line becomes the declared type."""
    known = keys(settings)
    if key not in known:
        below = [name for name in known if name.startswith(f"{key}.")]
        if below:
            raise StudyError(f"{key} is a group of settings: {', '.join(below)}")
        raise StudyError(f"{key} is not a setting; {nearest(key, known)}")
    node = OmegaConf.select(settings, key)
    if isinstance(value, str):
        if isinstance(node, ListConfig):
            value = items(value)
        elif value == "null":
            value = None
        else:
            value = value.replace("${", r"\${")  # a sentence is a value, never a reference
    try:
        OmegaConf.update(settings, key, value)
    except OmegaConfBaseException:
        kind = KINDS.get(type(node).__name__, "another kind of value")
        if isinstance(node, ListConfig):
            kind = "a list such as [a, b]"
        raise StudyError(f"{key} takes {kind}, but got {value!r}") from None


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


def complete(settings: DictConfig) -> DictConfig:
    """Fill in what follows from the grammar, and hold every value to its range or choices."""
    for key, declared in declarations(settings).items():
        check(key, OmegaConf.select(settings, key), declared)
    own = grammars.load(settings.grammar).space
    settings.space.height = settings.space.height or own.height
    settings.space.width = settings.space.width or own.width
    grammar = grammars.load(
        settings.grammar, space=grammars.Grid(settings.space.height, settings.space.width)
    )
    try:
        target = grammar.parse(settings.target, "Set") if settings.target else grammar.target
    except grammars.GrammarError as error:
        raise StudyError(f"target: {error}") from None
    settings.target = str(target)
    reason = models.load(settings.learner.name, **learner_values(settings)).supports(grammar.space.shape)
    if reason is not None:
        raise StudyError(f"learner={settings.learner.name}: {reason}")
    return settings


def learner_values(settings: DictConfig) -> dict[str, Any]:
    """The learner's own settings as plain values, without its name."""
    values = cast(dict[str, Any], OmegaConf.to_container(settings.learner))
    return {key: value for key, value in values.items() if key != "name"}


def declarations(settings: DictConfig) -> dict[str, Mapping[str, Any]]:
    """Dotted name -> metadata (`help`, `unit`, `range`, `choices`) of every setting."""
    found: dict[str, Mapping[str, Any]] = {}
    for group, kind in [
        ("", Config),
        *((name, OmegaConf.get_type(settings[name])) for name in groups(settings)),
    ]:
        for declared in fields(cast(Any, kind)):
            if group or declared.name not in groups(settings):
                found[f"{group}.{declared.name}" if group else declared.name] = declared.metadata
    return {key: found[key] for key in keys(settings)}


def groups(settings: DictConfig) -> list[str]:
    return [name for name in settings if is_dataclass(OmegaConf.get_type(settings[name]))]


def options(declared: Mapping[str, Any]) -> Iterable[str] | None:
    named = declared.get("choices")
    return choices(named) if isinstance(named, str) else named


def check(key: str, value: Any, declared: Mapping[str, Any]) -> None:
    allowed = options(declared)
    if allowed is not None and value is not None and value not in allowed:
        raise StudyError(f"{key}={value}: not one of its choices; {nearest(str(value), allowed)}")
    low, high = declared.get("range", (None, None))
    if value is None or isinstance(value, str | bool | ListConfig):
        return
    # written so that NaN breaks the rule
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        rule = f"{key} >= {low}" if high is None else f"{key} <= {high}"
        rule = f"{low} <= {key} <= {high}" if low is not None and high is not None else rule
        raise StudyError(f"`{rule}` must hold, but got {key}={value}")


def decisive(settings: DictConfig) -> dict[str, Any]:
    """The settings that change what a run finds, by their dotted names."""
    flat = flatten(cast(Mapping[Any, Any], OmegaConf.to_container(settings, resolve=True)))
    return {
        key: value
        for key, value in flat.items()
        if key not in FREE and key.partition(".")[0] not in FREE_SECTIONS
    }


def command(settings: DictConfig, module: str = "study.search") -> str:
    """The shortest command line that asks for these settings."""
    flat = flatten(cast(Mapping[Any, Any], OmegaConf.to_container(settings, resolve=True)))
    words = [f"grammar={settings.grammar}"]
    if settings.learner.name != DEFAULT_LEARNER:
        words.append(f"learner={settings.learner.name}")
    usual = resolve(words).settings
    default = flatten(cast(Mapping[Any, Any], OmegaConf.to_container(usual, resolve=True)))
    for key, value in flat.items():
        if key not in ("grammar", "learner.name") and value != default[key]:
            words.append(f"{key}={written(value)}")
    return shlex.join(["python", "-m", module, *words])


def written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(str(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
