"""What goes wrong in front of a person: one line that says what, the rule, and the nearest right thing."""

import difflib
from collections.abc import Iterable


class StudyError(ValueError):
    """A wrong input on the command line, in a file of settings, or in a run's folder."""


def nearest(name: str, choices: Iterable[str]) -> str:
    """ "; did you mean X?" for the choice most like `name`, or the list of choices where none is alike."""
    known = sorted(choices)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"one of: {', '.join(known)}"
