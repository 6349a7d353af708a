"""What a text must be before Python's parser may see it: short, balanced, and nothing but calls and literals.

One pass over the tokens, so that no text costs more than reading it, and every fault is found where it is.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from grammars.errors import SentenceError, shorten

LONGEST = 2**20
"""Longest text, in bytes."""

MOST_NESTED = 100
"""Most brackets open at one point."""

_TOKEN = re.compile(
    r"""(?P<name>[A-Za-z_][A-Za-z0-9_]*+(?!['"]))
      | (?P<number>-?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![A-Za-z0-9_.]))
      | (?P<string>'[ !#-&(-\[\]-~]*'|"[ !#-&(-\[\]-~]*")
      | (?P<open>\()
      | (?P<close>\))
      | (?P<comma>,)
      | (?P<equals>=)""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n]*")
_VALUES = frozenset({"name", "number", "string"})
_DIGITS = 100


_SPARE = 8
"""Arguments too many that are left for the reader to explain."""


@dataclass
class _Call:
    """An open bracket: where it is, how many arguments it may have, and the argument being read."""

    position: int
    name: str
    most: int
    count: int = 0
    keywords: set[str] = field(default_factory=set)
    start: int = -1
    named: bool = False


def scan(source: str, most: Mapping[str, int]) -> None:
    """Pass over a text that is a call or a literal; raise SentenceError at the first token out of place.

    most: how many arguments each rule takes at most.
    """
    if len(source) > LONGEST or len(source.encode("utf-8", "replace")) > LONGEST:
        raise SentenceError("a sentence is at most 1 MiB long", LONGEST + 1)
    calls: list[_Call] = []
    before, name = "", ""
    position = _skip(source, 0)
    if position == len(source):
        raise SentenceError("a sentence is expected, but the text is empty", 1)
    while position < len(source):
        token = _TOKEN.match(source, position)
        if token is None:
            raise SentenceError(_no_token(source, position), position + 1)
        kind, text = str(token.lastgroup), token.group()
        problem = _value(kind, text, before, calls, position) if kind in _VALUES else None
        if kind == "open":
            problem = _open(before, calls)
            calls.append(_Call(position, name, most.get(name, 0) + _SPARE))
        elif kind == "equals":
            problem = _equals(before, name, calls)
        elif kind in ("comma", "close"):
            problem = _end_of_argument(kind, before, calls)
        if problem:
            raise SentenceError(problem, position + 1)
        before, name = kind, text
        position = _skip(source, token.end())
    if calls:
        raise SentenceError("this bracket is never closed", calls[-1].position + 1)


def _skip(source: str, position: int) -> int:
    space = _SPACE.match(source, position)
    return space.end() if space else position


def _no_token(source: str, position: int) -> str:
    # A form feed or a no-break space is no space of a sentence, but `split` would swallow it.
    found = source[position] if source[position].isspace() else source[position : position + 30].split()[0]
    if found[0] in "'\"":
        return "this quoted string does not end, or holds a quote, a backslash or an unusual character"
    return f"this is no name, number, string or bracket: {shorten(found, 20)!r}"


def _value(kind: str, text: str, before: str, calls: list[_Call], position: int) -> str | None:
    if before in _VALUES or before == "close":
        if not calls:
            return f"the sentence ends before {shorten(text, 20)!r}"
        return f"a comma is expected before {shorten(text, 20)!r}"
    if kind == "number" and len(text) > _DIGITS:
        return f"a number has at most {_DIGITS} digits"
    if kind == "name" and keyword.iskeyword(text):
        return f"{text!r} is a word of Python, not of a sentence"
    if calls and before != "equals":
        call = calls[-1]
        call.start, call.named, call.count = position, False, call.count + 1
        if call.count > call.most:
            return f"{shorten(call.name, 20)} has too many arguments"
    return None


def _open(before: str, calls: list[_Call]) -> str | None:
    if before != "name":
        return "a bracket follows the name of a rule"
    return f"at most {MOST_NESTED} brackets are nested" if len(calls) >= MOST_NESTED else None


def _equals(before: str, name: str, calls: list[_Call]) -> str | None:
    if before != "name" or not calls or calls[-1].named:
        return "an equals sign follows the name of an argument"
    if name in calls[-1].keywords:
        return f"{shorten(name, 20)} is given twice"
    calls[-1].keywords.add(name)
    calls[-1].named = True
    return None


def _end_of_argument(kind: str, before: str, calls: list[_Call]) -> str | None:
    if not calls:
        return "this bracket closes nothing" if kind == "close" else "a sentence is one call, without commas"
    if before == "equals" or (kind == "comma" and before in ("comma", "open")):
        return "a value is expected here"
    call = calls[-1]
    if call.start >= 0 and not call.named and call.keywords:
        raise SentenceError("arguments without a name come before those with one", call.start + 1)
    if kind == "close":
        calls.pop()
    else:
        call.start = -1
    return None
