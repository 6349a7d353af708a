"""What goes wrong in this room: one line that says what, the rule, and the nearest right thing."""

import difflib
from collections.abc import Iterable


class SearchError(RuntimeError):
    """A search that cannot start or go on: wrong settings, a ledger of another run, a folder in use."""


def nearest(name: str, choices: Iterable[str]) -> str:
    """The choice most like `name` as a question, or the list of choices where none is alike."""
    known = sorted(choices)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"one of: {', '.join(known)}"


def one_line(error: BaseException) -> str:
    """An exception as its type and the first line of its message: what a ledger and a table can hold."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."
