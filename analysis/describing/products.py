"""Witnesses of products: a set of which each picture has a member, and what is left without it.

A product of two sets has in each picture one member of each. A first part shows when the members that it has
in the pictures are more white pixels than its bits could say: one dot of each picture in a small region, a
tile that is always there. What is left of the pictures without them is a smaller question.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.describing.covers import few_members
from analysis.describing.one_picture import shortest_picture
from analysis.describing.sample import Pictures, Sample
from analysis.describing.tables import front, table
from grammars import Grammar, GrammarError, Sentence
from grammars.spaces import flat

SHORT, LISTED = 400, 1024
"""Short sets that may be a first part, and members that one has at most."""

SHARE, OFTEN = 0.9, 0.95
"""Share of the pictures that must have a member of a first part; and in which a pixel is always white."""

DOTS = (1, 2)
"""Numbers of dots of a first part that is dots in a region."""

LEAST_GAIN = 0.25
"""Bits of a picture that a first part must save, at least."""

FIRSTS = 2
"""First parts tried, of different sizes or members."""

SPLITS, SIMPLE = 2, 9.0
"""Regions by which pictures are taken apart, each with another number of dots; and as many of those that are
said in so few bits."""

JUST, FEWEST = 0.1, 24
"""Share and number of the pictures that must have there just as many white pixels as all have at least."""

ALONE = 0.5
"""Share of the pictures with just one member of the first part, from which on the others are left out."""


@dataclass(frozen=True)
class Divided:
    """A first part, by sentences or as a sample of it, and what is left of the pictures without it."""

    first: list[Sentence] | Sample
    rest: Sample


def divided(sample: Sample) -> Iterator[Divided]:
    """First parts that the pictures may have, those first that save most, and what each leaves over."""
    if "product" not in sample.grammar.productions:
        return
    core = list(sample.cores())[-1] if len(sample.pictures) else sample
    probes = core.pictures[core.probes]
    ranked = sorted(
        ((gain, str(sentence), sentence, members) for sentence, members, gain in _saving(core, probes)),
        key=lambda item: (-item[0] * core.n + item[2].bits, item[1]),
    )
    tried: set[bytes] = set()
    for _, _, sentence, members in ranked:
        rest = _without(core, members)
        key = rest.pictures.tobytes()
        if rest.n >= SHARE * ALONE * core.n and key not in tried:
            tried.add(key)
            yield Divided([sentence], rest)
        if len(tried) == FIRSTS:
            break
    yield from _split(core)


def _split(core: Sample) -> Iterator[Divided]:
    """Pictures taken apart by regions that always have so many dots: one part is in them, the rest outside.

    Looked at are the pictures with just as many there, of which the other part has none.
    """
    known = table(core.grammar, "Region") if "Region" in core.grammar.categories else None
    if known is None or known.covers is None or not core.counts.sum():
        return
    white = flat(core.pictures).astype(np.float32) @ known.covers.T.astype(np.float32)
    ranked = np.sort(np.repeat(white, core.counts, axis=0), axis=0)
    always = ranked[int((1 - OFTEN) * len(ranked))]
    room = known.covers.sum(axis=1)
    saved = [
        _log2_choose(core.pixels, int(k)) - _log2_choose(int(r), int(k)) if 0 < k <= r else 0.0
        for k, r in zip(always, room, strict=True)
    ]
    order = sorted(range(len(saved)), key=lambda i: (-saved[i] * core.n + known.sentences[i].bits, i))
    short = [i for i in order if known.sentences[i].bits <= SIMPLE]
    tried: set[int] = set()
    for some in (short, order):
        numbers: set[int] = set()
        for i in some:
            just = (white[:, i] == always[i]) & (core.white > always[i])
            enough = core.counts[just].sum() >= max(FEWEST, JUST * core.counts.sum())
            if saved[i] < LEAST_GAIN or len(numbers) == SPLITS:
                break
            if enough and int(always[i]) not in numbers:
                numbers.add(int(always[i]))
                if i not in tried:
                    yield _taken_apart(core, just, known.covers[i])
                tried.add(i)


def _taken_apart(core: Sample, chosen: NDArray[np.bool_], region: NDArray[np.bool_]) -> Divided:
    where = region.reshape(core.pictures.shape[1:])
    parts = core.pictures[chosen] & where, core.pictures[chosen] & ~where
    first, rest = (Sample.counted(core.grammar, np.repeat(p, core.counts[chosen], axis=0)) for p in parts)
    return Divided(first, rest)


def _log2_choose(n: int, k: int) -> float:
    return (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)) / math.log(2)


def _saving(core: Sample, probes: Pictures) -> Iterator[tuple[Sentence, Pictures, float]]:
    """Sets with a member in most of the probes, and the bits saved on a picture by saying which."""
    whole = flat(probes).astype(np.float32)
    each = _pixel_bits(core)
    for sentence, members in (*_small_sets(core.grammar), *_always(core), *_dots(core)):
        parts = flat(members).astype(np.float32)
        white = parts.sum(axis=1)
        fits = whole @ parts.T == white
        if fits.any(axis=1).mean() >= SHARE:
            said = np.where(fits, white, 0.0).max(axis=1).mean()
            gain = float(said) * each - math.log2(len(members))
            if gain >= LEAST_GAIN:
                yield sentence, members, gain


def _pixel_bits(core: Sample) -> float:
    """Bits of a white pixel of a picture that is written out."""
    white = max(1, round(float(core.counts @ core.white / core.counts.sum())))
    return _log2_choose(core.pixels, white) / white


@lru_cache(maxsize=8)
def _small_sets(grammar: Grammar) -> tuple[tuple[Sentence, Pictures], ...]:
    """Short sets with few members, each of which has white pixels; one for each different list."""
    found: dict[bytes, tuple[Sentence, Pictures]] = {}
    for sentence in islice(grammar.enumerate("Set", 40.0), SHORT):
        members = few_members(sentence.denote(), LISTED)
        if members is not None and members.any(axis=(1, 2)).all():
            found.setdefault(members.tobytes(), (sentence, members))
    return tuple(found.values())


def _always(core: Sample) -> Iterator[tuple[Sentence, Pictures]]:
    """The pixels that are white in nearly every picture."""
    often = core.counts @ core.pictures.reshape(len(core.pictures), -1) / core.counts.sum() >= OFTEN
    where = often.reshape(core.pictures.shape[1:])
    if where.any() and not often.all():
        picture = shortest_picture(core.grammar, where)
        if picture is not None:
            yield core.grammar.productions["explicit"].sentence((picture,)), where[None]


def _dots(core: Sample) -> Iterator[tuple[Sentence, Pictures]]:
    """So many dots in a region that always has as many: of these regions the shortest for their size."""
    known = table(core.grammar, "Region") if "dots" in core.grammar.productions else None
    if known is None or known.covers is None:
        return
    white = core.pictures.reshape(len(core.pictures), -1).astype(np.float32) @ known.covers.T.astype(
        np.float32
    )
    for number in DOTS:
        enough = (core.counts @ (white >= number)) >= OFTEN * core.counts.sum()
        pairs = [(known.sentences[i], known.covers[i]) for i in np.flatnonzero(enough)]
        for region in front(pairs):
            if math.comb(int(region.denote().sum()), number) > LISTED:
                continue
            try:
                sentence = core.grammar.parse(f"dots(k={number}, region={region})", "Set")
            except GrammarError:
                return
            members = sentence.denote().members()
            if members is not None and len(members):
                yield sentence, members


def _without(core: Sample, members: Any) -> Sample:
    """The pictures without a member: of several that they have the largest, if most do not have but one."""
    parts = flat(members).astype(np.float32)
    white = parts.sum(axis=1)
    fits: NDArray[np.bool_] = (
        core.pictures.reshape(len(core.pictures), -1).astype(np.float32) @ parts.T == white
    )
    alone = fits.sum(axis=1) == 1
    chosen = alone if core.counts[alone].sum() >= ALONE * core.counts.sum() else fits.any(axis=1)
    largest = np.where(fits[chosen], white, -1.0).argmax(axis=1)
    rest = core.pictures[chosen] & ~members[largest]
    return Sample.counted(core.grammar, np.repeat(rest, core.counts[chosen], axis=0))
