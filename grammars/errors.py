"""What the languages say when something cannot be done: one line, with the nearest right thing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GrammarError(ValueError):
    """Anything wrong with a language, a space, a set or what was asked of them."""


class SentenceError(GrammarError):
    """A text that is not a sentence of the language.

    `column` is the 1-based position in the text at which it stops being one.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.message = message
        self.column = column

    def __reduce__(self) -> tuple[type[SentenceError], tuple[str, int]]:
        return SentenceError, (self.message, self.column)


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice spelt most like `name`, or None where nothing comes near."""
    # difflib is quadratic in the length: nobody mistypes a name at such length.
    found = difflib.get_close_matches(name[:100], sorted(choices), n=1, cutoff=0.5)
    return found[0] if found else None


def unknown(what: str, name: str, choices: Iterable[str]) -> str:
    """One line for a name that does not exist: the nearest right one, or the list of all."""
    names = sorted(choices)
    near = nearest(name, names)
    hint = f"did you mean {near!r}?" if near else f"known: {', '.join(names)}"
    return f"unknown {what} {shorten(name)!r}; {hint}"


def shorten(text: str, length: int = 60) -> str:
    """The text, cut so that an error stays one line."""
    return text if len(text) <= length else text[: length - 3] + "..."
