"""Settings: each declared once, beside its learner, with its meaning, unit and range or choices.

A learner's settings are a dataclass whose fields are made by `setting`; whoever reads a configuration finds
`help`, `unit`, `range` (inclusive; `None` is open) and `choices` in the field's metadata.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import ModelError, nearest

S = TypeVar("S", bound="Settings")


def setting(
    default: Any,
    help: str,
    unit: str = "",
    range: tuple[float | None, float | None] | None = None,
    choices: Sequence[str] | None = None,
) -> Any:
    """A dataclass field with its meaning, unit and range (inclusive, `None` is open) or choices."""
    metadata: dict[str, Any] = {"help": help, "unit": unit}
    if range is not None:
        metadata["range"] = range
    if choices is not None:
        metadata["choices"] = tuple(choices)
    return field(default=default, metadata=metadata)


@dataclass(kw_only=True)
class Settings:
    """Base of all settings: values are checked when they are made."""

    def __post_init__(self) -> None:
        types = get_type_hints(type(self))
        for declared in fields(self):
            value = checked(declared, types[declared.name], getattr(self, declared.name))
            setattr(self, declared.name, value)

    @classmethod
    def of(cls: type[S], values: dict[str, Any]) -> S:
        """Settings by name; an unknown name is a `ModelError` with the nearest right one."""
        names = [declared.name for declared in fields(cls)]
        for name in values:
            if name not in names:
                raise ModelError(f"no setting {name!r}; {nearest(name, names)}")
        return cls(**values)


def checked(declared: Field[Any], kind: Any, value: Any) -> Any:
    """The value as its declared type, or a `ModelError` that says the rule and the value."""
    name = declared.name
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if value is None:
        if type(None) in options:
            return None
        raise ModelError(f"{name} must have a value, but got None")
    wanted = next(option for option in options if option is not type(None))
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ModelError(f"{name} must be of type {wanted.__name__}, but got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ModelError(f"{name} must be finite, but got {value!r}")
    choices = declared.metadata.get("choices")
    if choices is not None and value not in choices:
        raise ModelError(
            f"{name} must be one of {', '.join(choices)}, but got {value!r}; {nearest(value, choices)}"
        )
    low, high = declared.metadata.get("range", (None, None))
    if (low is not None and value < low) or (high is not None and value > high):
        rule = " <= ".join(str(part) for part in (low, name, high) if part is not None)
        raise ModelError(f"`{rule}` must hold, but got {name}={value!r}")
    return value
