"""Witnesses of codes: parities that hold throughout a sample, seeds, and pictures that were exchanged.

A linear code is known by its checks, and whether one holds can be seen. So the shortest list of regions is
found greedily (the independent lists of checks are a matroid), a random code by the first two checks of its
seed, and a picture that was exchanged in all of a sample by the parities that are odd.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from analysis.describing.covers import few_members
from analysis.describing.one_picture import shortest_picture
from analysis.describing.sample import Pictures, Sample
from analysis.describing.tables import table
from grammars import ExampleSet, Grammar, Sentence, gf2
from grammars.linear_code import LinearCode
from grammars.literals import Domain

SHARE = 0.9
"""Share of a sample of which a parity must hold."""

CODES = 600
"""Short sets among which codes are looked for, and sets of which a copy was flipped."""

LISTED = 512
"""Members at most of a set of which it is tried which picture was exchanged in it."""

FLIPS, PICTURES, LISTED_PICTURES = 3, 4, 16
"""Pictures tried for each code, and for each other set, of so many that pass."""

FEW, FEW_SHARE = 8, 0.8
"""Probes that these pictures are tried on first, and the share of which they must make members."""

MOST_SEEDS = 8
"""Seeds tried of those that pass the first checks."""

CODE_PROBES, CODE_SHARE = 48, 0.8
"""Pictures that a first check is tried on, and the share of them that must pass."""

CHANCE = 4.25
"""Standard deviations above chance in which the checks of a seed hold, where a motion hides them."""


def witnessed(sample: Sample) -> Iterator[Sentence]:
    """Codes that the sample shows: by regions, by seeds, and with a picture exchanged."""
    if "linear" in sample.grammar.productions:
        yield from even_regions(sample)
        yield from seeded(sample)
        yield from cosets(sample)


def hidden(sample: Sample) -> Iterator[Sentence]:
    """The same where it takes longer: with a motion around it, and in sets that are no codes."""
    if "linear" in sample.grammar.productions:
        yield from moved_seeds(sample)
        yield from exchanged(sample)


def even_regions(sample: Sample) -> Iterator[Sentence]:
    """The shortest list of regions that fixes all parities of short regions, with noise and without."""
    production = sample.grammar.productions["even"]
    known = table(sample.grammar, "Region")
    assert known.covers is not None
    for core in sample.cores():
        odd = core.counts @ gf2.product(core.pictures.reshape(len(core.pictures), -1), known.covers.T)
        share = odd / core.counts.sum()
        fixed = np.flatnonzero((share <= 1 - SHARE) | (share >= SHARE))
        chosen = independent(known.covers, sorted(fixed, key=lambda i: (known.sentences[i].bits, i)))
        if not chosen:
            continue
        listed = production.sentence(tuple(known.sentences[i] for i in chosen))
        wrong = share[chosen] > 0.5
        if wrong.any():
            yield from flipped(listed, known.covers[chosen], wrong)
        even = [i for i, is_wrong in zip(chosen, wrong, strict=True) if not is_wrong]
        if even:
            yield production.sentence(tuple(known.sentences[i] for i in even))


def independent(rows: NDArray[np.bool_], order: list[int]) -> list[int]:
    """Those of the rows, in this order, that are no sum of rows before: a shortest basis."""
    chosen: list[int] = []
    for i in order:
        if gf2.rank(rows[[*chosen, i]]) > len(chosen):
            chosen.append(i)
    return chosen


def flipped(code: Sentence, checks: NDArray[np.bool_], odd: NDArray[np.bool_]) -> Iterator[Sentence]:
    """A code with the shortest pictures exchanged that make these of its checks odd."""
    grammar = code.grammar
    for i in islice(np.flatnonzero((_parities(grammar, checks) == odd).all(axis=1)), FLIPS):
        picture = table(grammar, "Picture").sentences[i]
        yield grammar.productions["flipped"].sentence((code, picture))


def _parities(grammar: Grammar, checks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return gf2.product(_said(grammar), checks.T)


@lru_cache(maxsize=8)
def _said(grammar: Grammar) -> NDArray[np.bool_]:
    """What the short sentences for pictures say, bool[m, pixels]."""
    return np.array([one.denote().ravel() for one in table(grammar, "Picture").sentences])


@lru_cache(maxsize=8)
def _short(grammar: Grammar) -> tuple[Sentence, ...]:
    return tuple(islice(grammar.enumerate("Set", 40.0), CODES))


def cosets(sample: Sample) -> Iterator[Sentence]:
    """Short codes with a short picture exchanged."""
    probes = sample.pictures[sample.probes].reshape(len(sample.probes), -1)
    for sentence in _short(sample.grammar):
        denoted = sentence.denote()
        if isinstance(denoted, LinearCode) and len(denoted.checks):
            odd = (gf2.product(probes, denoted.checks.T) ^ denoted.odd).mean(axis=0)
            if ((odd <= 1 - SHARE) | (odd >= SHARE)).all() and (odd > 0.5).any():
                yield from flipped(sentence, denoted.checks, odd > 0.5)


def exchanged(sample: Sample) -> Iterator[Sentence]:
    """Short sets that can be listed with any picture exchanged: one that makes members of the probes.

    The picture is where the most frequent sample and one of the members differ; turns are tried around it.
    """
    grammar = sample.grammar
    first = sample.pictures[sample.frequent[0]]
    turns = [None, *(m for m in table(grammar, "Motion").sentences if not m.denote().shift)]
    probes = sample.pictures[sample.probes]
    for motion in turns:
        images = np.stack(
            [probes] if motion is None else [i for i, _ in motion.denote().images(probes)], axis=1
        )
        for sentence in _listable(grammar):
            denoted = sentence.denote()
            where = first ^ denoted.members()
            where = where[where.any(axis=(1, 2))]
            for few in (images[:: max(1, len(images) // FEW)], images):
                where = where[_in_one_of(denoted, few, where).mean(axis=1) >= FEW_SHARE]
            found = [p for w in where[:LISTED_PICTURES] if (p := shortest_picture(grammar, w)) is not None]
            for picture in sorted(found, key=lambda p: (p.bits, str(p)))[:PICTURES]:
                whole = grammar.productions["flipped"].sentence((sentence, picture))
                yield whole if motion is None else grammar.productions["orbit"].sentence((whole, motion))


def _in_one_of(denoted: ExampleSet, images: Pictures, where: Pictures) -> NDArray[np.bool_]:
    """Whether one of the images of each picture is a member if these pixels are exchanged, bool[m, n]."""
    moved = images[None] ^ where[:, None, None]
    inside = denoted.contains(moved.reshape(-1, *where.shape[1:]))
    return np.asarray(inside.reshape(moved.shape[:3]).any(axis=2))


@lru_cache(maxsize=8)
def _listable(grammar: Grammar) -> tuple[Sentence, ...]:
    """Short sets of few members that are no codes."""
    found = []
    for sentence in _short(grammar):
        denoted = sentence.denote()
        if not isinstance(denoted, LinearCode) and few_members(denoted, LISTED) is not None:
            found.append(sentence)
    return tuple(found)


# Seeds.


def seeded(sample: Sample) -> Iterator[Sentence]:
    """Random linear codes by the seeds of which the first two checks are the same for most pictures."""
    chosen = sample.frequent[np.linspace(0, len(sample.frequent) - 1, CODE_PROBES).astype(int)]
    cells = sample.pictures[chosen].reshape(CODE_PROBES, -1)
    checks = first_checks(sample.pixels)
    same = np.ones(len(checks), dtype=bool)
    for row in (0, 1):
        passing = np.flatnonzero(same)
        odd = gf2.product(checks[passing, row], cells.T).mean(axis=1)
        same[passing] = (odd <= 1 - CODE_SHARE) | (odd >= CODE_SHARE)
    for seed in np.flatnonzero(same)[:MOST_SEEDS].tolist():
        for code in _of_seed(sample, seed):
            yield code
            denoted = code.denote()
            odd = gf2.product(cells, denoted.checks.T).mean(axis=0)
            if ((odd <= 1 - CODE_SHARE) | (odd >= CODE_SHARE)).all() and (odd > 0.5).any():
                yield from flipped(code, denoted.checks, odd > 0.5)


def moved_seeds(sample: Sample) -> Iterator[Sentence]:
    """Turned random codes: of their seeds the first two checks hold more often than for a quarter."""
    if len(sample.pictures) < 2 * CODE_PROBES:
        return
    cells = sample.pictures.reshape(len(sample.pictures), -1)
    checks = first_checks(sample.pixels)
    odd = gf2.product(checks[:, 0], cells.T) | gf2.product(checks[:, 1], cells.T)
    above = ((~odd).mean(axis=1) - 0.25) * np.sqrt(len(cells) / (0.25 * 0.75))
    for seed in np.argsort(-above, kind="stable")[:2].tolist():
        if above[seed] > CHANCE:
            for code in _of_seed(sample, seed):
                for motion in table(sample.grammar, "Motion").sentences:
                    if not motion.denote().shift:
                        yield sample.grammar.productions["orbit"].sentence((code, motion))


def _of_seed(sample: Sample, seed: int) -> Iterator[Sentence]:
    production = sample.grammar.productions["linear"]
    for domain in (slot.domain for slot in production.slots if slot.name == "rate"):
        assert isinstance(domain, Domain)
        for _, rate in domain.options():
            yield production.sentence((rate, seed))


@lru_cache(maxsize=2)
def first_checks(pixels: int) -> NDArray[np.bool_]:
    """The first two checks of the random linear codes of each seed, bool[65536, 2, pixels].

    The rows of a random matrix are drawn one after the other, so that they are the same for every rate.
    """
    found = np.zeros((2**16, 2, pixels), dtype=bool)
    for seed in range(len(found)):
        rng = np.random.Generator(np.random.PCG64(seed))
        found[seed] = rng.integers(0, 2, size=(2, pixels), dtype=np.uint8)
    return found
