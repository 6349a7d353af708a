"""What goes wrong in this room, in one clear line each."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ModelError(ValueError):
    """A learner was asked for something it cannot do; the message says the rule and the offending value."""


def nearest(name: str, choices: Iterable[str]) -> str:
    """End of an error line: the nearest right name, else all of them."""
    names = sorted(choices)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(names)}"
