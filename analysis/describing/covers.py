"""Witnesses of unions of small sets: all their members are in the sample.

Of a set with few members that is part of what was learned every member is seen sooner or later. So the short
sets of which that holds are put together greedily, for the pictures that each explains; what they leave over
is written picture by picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from analysis import packing
from analysis.describing.one_picture import shortest_picture
from analysis.describing.sample import Pictures, Sample
from analysis.describing.tables import table
from grammars import ExampleSet, Grammar, Sentence

SHORT, LISTED = 800, 256
"""Short sets that may be parts, and members that one has at most."""

MOVED = 400
"""Of these as many that may be parts in all positions of a motion."""

MOST_DIFFERENT, MOST_REST = 0.6, 24
"""Different pictures, as a share of the sample, that may be made of small sets; and those left over."""

SEEN = 0.9
"""Share of the members of a part that must be in the sample."""

PARTS = 4


def covers(sample: Sample) -> Iterator[Sentence]:
    """Unions of the short sets that explain most of the sample, with and without the rest of it."""
    if "union" not in sample.grammar.productions:
        return
    for core in sample.cores():
        if len(core.pictures) > MOST_DIFFERENT * core.counts.sum():
            continue
        chosen: list[Sentence] = []
        left = np.ones(len(core.pictures), dtype=bool)
        for sentence, places in _greedy(core):
            chosen.append(sentence)
            left[places] = False
            yield from _together(core, chosen, left)


def _greedy(core: Sample) -> Iterator[tuple[Sentence, NDArray[np.int64]]]:
    """The parts, each the one that saves most when those before it are there, and the pictures it has."""
    known = {key: i for i, key in enumerate(_keys(core.pictures))}
    parts = []
    for sentence, keys in _parts(core.grammar):
        places = np.array([known[key] for key in keys if key in known], dtype=np.int64)
        if len(places) >= SEEN * len(keys):
            parts.append((sentence, places))
    new = np.ones(len(core.pictures))
    for _ in range(PARTS):
        saved = [new[places].sum() * core.pixels / 4 - sentence.bits for sentence, places in parts]
        best = int(np.argmax(saved)) if saved else -1
        if best < 0 or saved[best] <= 0:
            return
        yield parts[best]
        new[parts[best][1]] = 0.0


def _together(core: Sample, chosen: list[Sentence], left: NDArray[np.bool_]) -> Iterator[Sentence]:
    rules = core.grammar.productions
    whole = chosen[0]
    for part in chosen[1:]:
        whole = rules["union"].sentence((whole, part))
    yield whole
    if 0 < left.sum() <= MOST_REST and "explicit" in rules:
        found = [shortest_picture(core.grammar, picture) for picture in core.pictures[left]]
        rest = rules["explicit"].sentence(tuple(p for p in found if p is not None))
        yield rules["union"].sentence((whole, rest))


@lru_cache(maxsize=8)
def _parts(grammar: Grammar) -> tuple[tuple[Sentence, list[bytes]], ...]:
    """Short sets of few members, and orbits of the shortest; one for each different list."""
    found: dict[tuple[bytes, ...], tuple[Sentence, list[bytes]]] = {}
    short = list(islice(grammar.enumerate("Set", 40.0), SHORT))
    motions = table(grammar, "Motion").sentences if "orbit" in grammar.productions else ()
    moved = [grammar.productions["orbit"].sentence((s, m)) for s in short[:MOVED] for m in motions]
    for sentence in sorted([*short, *moved], key=lambda s: (s.bits, str(s))):
        members = few_members(sentence.denote(), LISTED)
        if members is not None:
            keys = _keys(members)
            found.setdefault(tuple(keys), (sentence, keys))
    return tuple(found.values())


def few_members(denoted: ExampleSet, most: int) -> Pictures | None:
    """All members of a set that has from 1 to so many, where that is known without drawing any."""
    counted = type(denoted)._sizes is not ExampleSet._sizes  # Else by the list, or strata from draws.
    size = denoted.size() if counted else 0
    members = denoted.members() if size is not None and size <= most else None
    return members if members is not None and 0 < len(members) <= most else None


def _keys(pictures: NDArray[np.bool_]) -> list[bytes]:
    return [key.tobytes() for key in packing.keys(pictures)]
