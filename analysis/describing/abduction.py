"""What a part must have held, given what the whole made: undoing rules one at a time (abduction).

For some rules it can be seen from a sample what their arguments were: a union leaves over what the one part
does not hold, an outline can be filled, an orbit has one picture of each of its classes. Each function here
belongs to a rule by its name and gives smaller questions: a sample, and how a description of it becomes one
of the whole. In synthesis of programs from examples they are witness functions (Polozov & Gulwani 2015).
Codes, products and orbits have theirs in `parities`, `products` and `orbits`. A rule without one is only
searched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.describing.sample import Pictures, Sample
from analysis.describing.tables import table
from grammars import Grammar, Sentence
from grammars.bitmap import to_text
from grammars.boundary import fill, outline
from grammars.motions import Motions

FEWEST = 0.5
"""Least share of a sample that the undoing of a rule must make sense of."""


@dataclass(frozen=True)
class Question:
    """A sample to be described by a Set, and the sentence that its description is then a part of."""

    sample: Sample
    whole: Callable[[Sentence], Sentence]


Undoing = Callable[[Sample], Iterator[Question]]


def questions(sample: Sample) -> Iterator[Question]:
    """All smaller questions that the rules of the sample's language know of."""
    for name, undo in UNDOINGS.items():
        if name in sample.grammar.productions:
            yield from undo(sample)


def outlines(sample: Sample) -> Iterator[Question]:
    """What is inside of outlines."""
    filled = fill(sample.pictures)
    good = (outline(filled) == sample.pictures).all(axis=(1, 2))
    good &= (filled != sample.pictures).any(axis=(1, 2))
    if _enough(sample, good):
        inner = Sample(sample.grammar, filled[good], sample.counts[good], int(sample.counts[good].sum()))
        yield Question(inner, _around(sample.grammar, "outlines"))


def several(sample: Sample) -> Iterator[Question]:
    """The pieces of pictures in several pieces."""
    labelled = [ndimage.label(picture, np.ones((3, 3))) for picture in sample.pictures]
    numbers = np.array([count for _, count in labelled])
    for number in (2, 3, 4, 5):
        if _enough(sample, numbers == number):
            pieces = np.concatenate(
                [
                    label == np.arange(1, number + 1)[:, None, None]
                    for label, count in labelled
                    if count == number
                ]
            )
            yield Question(Sample.counted(sample.grammar, pieces), _around(sample.grammar, "several", number))


def flipped(sample: Sample) -> Iterator[Question]:
    """Pictures with those pixels exchanged that are white in most of them."""
    often = (sample.counts @ sample.pictures.reshape(len(sample.pictures), -1)) * 2 > sample.counts.sum()
    where = often.reshape(sample.pictures.shape[1:])
    if 0 < where.sum() <= where.size / 2 and "picture" in sample.grammar.productions:
        picture = sample.grammar.productions["picture"].sentence((to_text(where),))
        inner = Sample(sample.grammar, sample.pictures ^ where, sample.counts, sample.n)
        flip = sample.grammar.productions["flipped"]
        yield Question(inner, lambda s: flip.sentence((s, picture)))


def representatives(sample: Sample) -> Iterator[tuple[Sentence, Sample]]:
    """For each motion under which pictures go together, one picture of each class."""
    for motion in table(sample.grammar, "Motion").sentences if "orbit" in sample.grammar.productions else ():
        first = classes(sample.pictures, motion.denote())
        chosen = np.unique(first)
        if 2 * len(chosen) <= len(first):
            counts = np.bincount(first, sample.counts, len(first))[chosen].astype(np.int64)
            yield motion, Sample(sample.grammar, sample.pictures[chosen], counts, int(counts.sum()))


def classes(pictures: Pictures, motion: Motions) -> NDArray[np.int64]:
    """For each picture the first one of them that a motion takes to it."""
    names = {picture.tobytes(): i for i, picture in enumerate(pictures)}
    first = np.arange(len(pictures))
    for images, there in motion.images(pictures):
        for i in np.flatnonzero(there):
            found = names.get(np.ascontiguousarray(images[i]).tobytes())
            if found is not None:
                first[i] = min(first[i], found)
    while (first[first] != first).any():
        first = first[first]
    return first


UNDOINGS: dict[str, Undoing] = {
    "outlines": outlines,
    "several": several,
    "flipped": flipped,
}
"""The rules that can be undone, by their names."""


def _enough(sample: Sample, good: NDArray[np.bool_]) -> bool:
    return bool(sample.counts[good].sum() >= FEWEST * sample.counts.sum())


def _around(grammar: Grammar, name: str, *before: int) -> Callable[[Sentence], Sentence]:
    production = grammar.productions[name]
    return lambda s: production.sentence((*before, s))
