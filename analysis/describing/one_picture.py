"""The shortest sentence that is found for one picture: a part of what lists pictures one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from analysis.describing import moves
from analysis.describing.tables import table
from grammars import Grammar, Sentence
from grammars.bitmap import to_text
from grammars.bound import Production, Slot

Picture = NDArray[np.bool_]  # bool[height, width]

EASY = 40.0
"""Bits of a picture for which it is not worth looking further."""

STARTS = 4
"""Sentences that are made better pixel by pixel."""

MOST_STARTS = 14
"""Starts in all, those with an element less of what was found included."""

RANDOM = 200
"""Random sentences among which the starts are chosen."""

TRIED = 1000
"""Sentences tried from each start."""

MOST_PARTS = 16
"""Parts laid over one another."""

MOST_DOTS = 32
"""Pixels written one by one."""

ANYWHERE = 3000
"""Of shapes that are cut off by the edge, so many at random."""

SIZES = (0.45, 0.65, 0.9, 1.25)
"""Lengths of a shape, as shares of the side of a square with as many pixels."""

PARTS = 6
"""Parts of the types within pictures that are tried at a place."""


def shortest_picture(grammar: Grammar, picture: Picture, hard: bool = False) -> Sentence | None:
    """A short Picture sentence for exactly this picture; None where the language cannot write it.

    From a table of the short ones, written out, or overlaid from parts of the table and single pixels; `hard`
    asks for more: random ones, made more like it by changing their literals and parts.
    """
    return _shortest(grammar, picture.shape, picture.tobytes(), hard)


@lru_cache(maxsize=512)
def _shortest(grammar: Grammar, shape: tuple[int, int], pixels: bytes, hard: bool) -> Sentence | None:
    picture = np.frombuffer(pixels, dtype=bool).reshape(shape)
    if "Picture" not in grammar.categories:
        return None
    found = [*_known(grammar, picture), *_written(grammar, picture), *_overlaid(grammar, picture)]
    best = min(found, key=lambda s: (s.bits, str(s)), default=None)
    if hard and (best is None or best.bits > EASY):
        better = drawn(grammar, "Picture", picture)
        found += [] if better is None else [better]
    return min(found, key=lambda s: (s.bits, str(s)), default=None)


@lru_cache(maxsize=8)
def _pictures(grammar: Grammar) -> tuple[dict[bytes, Sentence], list[Sentence], NDArray[np.bool_]]:
    """The short sentences for pictures by what they say, and in order beside bool[m, pixels]."""
    sentences = list(table(grammar, "Picture").sentences)
    said = np.array([s.denote().ravel() for s in sentences])
    return {p.tobytes(): s for s, p in zip(sentences, said, strict=True)}, sentences, said


def _known(grammar: Grammar, picture: Picture) -> list[Sentence]:
    found = _pictures(grammar)[0].get(picture.tobytes())
    return [] if found is None else [found]


def _written(grammar: Grammar, picture: Picture) -> list[Sentence]:
    if "picture" not in grammar.productions:
        return []
    return [grammar.productions["picture"].sentence((to_text(picture),))]


def _overlaid(grammar: Grammar, picture: Picture) -> list[Sentence]:
    """Parts over one another, each for what it saves of the rest, which is written out or dots."""
    if "overlay" not in grammar.productions or not picture.any():
        return []
    _, sentences, said = _pictures(grammar)
    inside = np.flatnonzero(said.any(axis=1) & ~(said & ~picture.ravel()).any(axis=1))
    bits = np.array([sentences[i].bits for i in inside])
    parts: list[Sentence] = []
    found: list[Sentence] = []
    rest = picture.ravel().copy()
    while rest.any() and len(parts) < MOST_PARTS and len(inside):
        gain = (said[inside] & rest).sum(axis=1) * _pixel_bits(picture) - bits
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        parts.append(sentences[inside[best]])
        rest &= ~said[inside[best]]
        found += [_together(grammar, [*parts, *t]) for t in _tails(grammar, rest.reshape(picture.shape))]
    return [one for one in found if (one.denote() == picture).all()]


def _tails(grammar: Grammar, rest: Picture) -> list[list[Sentence]]:
    """What is left: nothing, the dots one by one, or written out."""
    if not rest.any():
        return [[]]
    found = [[s] for s in _written(grammar, rest)]
    if "at" in grammar.productions and rest.sum() <= MOST_DOTS:
        at = grammar.productions["at"]
        found.append([at.sentence((int(row), int(column))) for row, column in np.argwhere(rest)])
    return found


def _together(grammar: Grammar, parts: list[Sentence]) -> Sentence:
    return parts[0] if len(parts) == 1 else grammar.productions["overlay"].sentence(tuple(parts))


def _pixel_bits(picture: Picture) -> float:
    """Bits of a pixel of a picture that is written out."""
    white, d = int(picture.sum()), picture.size
    choose = math.lgamma(d + 1) - math.lgamma(white + 1) - math.lgamma(d - white + 1)
    return max(1.0, choose / math.log(2) / max(white, 1))


def drawn(grammar: Grammar, type_name: str, mask: Picture) -> Sentence | None:
    """A sentence of a type that says exactly these pixels: the best of several starts after a descent.

    The descent is in bits and wrong pixels, and the starts are shapes as large as it around its middle and
    polygons through its corners, where the language has such, and the best of random sentences. None where
    pixels are wrong at the end of each.
    """
    wrong = math.log2(mask.size) + 1.0
    seen: dict[Sentence, float] = {}

    def loss(sentence: Sentence) -> float:
        if sentence not in seen:
            seen[sentence] = sentence.bits + wrong * float((sentence.denote() != mask).sum())
        return seen[sentence]

    def choices(name: str) -> list[Sentence]:
        return list(table(grammar, name).sentences[:PARTS])

    rng = np.random.Generator(np.random.PCG64(0))
    starts = [grammar.random(type_name, rng, max_bits=80.0) for _ in range(RANDOM)]
    starts = sorted(dict.fromkeys(starts), key=lambda s: (loss(s), str(s)))
    best: Sentence | None = None
    regular = sorted(shaped(grammar, type_name, mask), key=lambda s: (loss(s), str(s)))[:STARTS]
    waiting = list(dict.fromkeys([*regular, *cornered(grammar, type_name, mask), *starts[:STARTS]]))
    for _ in range(MOST_STARTS):
        if not waiting:
            break
        here = moves.descended(waiting.pop(0), loss, choices, most=TRIED)
        if (here.denote() == mask).all() and (best is None or here.bits < best.bits):
            best = here
            # With one corner less the others may make up for it.
            waiting = [less for less in shorter(best) if less not in seen] + waiting
    return best


def shorter(sentence: Sentence) -> list[Sentence]:
    """The sentence with one element less in one of its lists."""
    found = []
    for path, part in sentence.walk():
        for less in moves.lists(part, lambda name: []):
            if len(less.args) < len(part.args):
                found.append(sentence.replace(path, less))
    return found


def cornered(grammar: Grammar, type_name: str, mask: Picture) -> list[Sentence]:
    """Shapes through 3, 4, ... corners of the hull of the white pixels, made into a sentence of the type.

    Corners are arguments of a type that one rule makes of two numbers, row and column, any number of them.
    """
    corners = hull_corners(mask)
    found = []
    for production in grammar.productions.values():
        slot = production.several
        points = [] if slot is None or slot.category is None else slot.category.productions
        for point in points:
            if [getattr(s.domain, "kind", None) for s in point.slots] != [float, float] or slot is None:
                continue
            for count in range(3, min(6, len(corners)) + 1):
                values = [_nearest(point, corner) for corner in fewer(corners, count)]
                found += _lifted(grammar, production.sentence(tuple(values)), type_name)
    return found


def shaped(grammar: Grammar, type_name: str, mask: Picture) -> Iterator[Sentence]:
    """Shapes that are turned by an angle, in all angles and numbers, about as large as the white pixels and
    around their middle, made into a sentence of the type."""
    if not mask.any():
        return
    middle, side = np.argwhere(mask).mean(axis=0), math.sqrt(mask.sum())
    for production in grammar.productions.values():
        if "angle" not in [slot.name for slot in production.slots]:
            continue
        options: list[list[Any]] = []
        for slot in production.slots:
            if slot.category is not None:
                points = [p for p in slot.category.productions if len(p.slots) == 2]
                options.append([_nearest(point, middle) for point in points])
            elif slot.name == "angle" or slot.domain.kind is int:  # type: ignore[union-attr]
                options.append(list(getattr(slot.domain, "values", ())))
            else:
                options.append(sorted({_closest(slot, share * side) for share in SIZES}))
        for args in product(*options):
            yield from _lifted(grammar, production.sentence(args), type_name)
        if mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any():
            yield from (s for one in _anywhere(production) for s in _lifted(grammar, one, type_name))


def _anywhere(production: Production) -> Iterator[Sentence]:
    """Some of a shape in all places and sizes: where the edge cuts it off, it is larger than it seems."""
    rng = np.random.Generator(np.random.PCG64(0))
    for _ in range(ANYWHERE):
        args: list[Any] = []
        for slot in production.slots:
            point = None if slot.category is None else slot.category.productions[0]
            values = [_values(s) for s in ([slot] if point is None else point.slots)]
            drawn = [some[int(rng.integers(len(some)))] for some in values]
            args.append(point.sentence(tuple(drawn)) if point else _typed(slot, drawn[0]))
        yield production.sentence(tuple(args))


def _typed(slot: Slot, value: float) -> float | int:
    return int(value) if slot.domain.kind is int else value  # type: ignore[union-attr]


def _nearest(point: Production, corner: NDArray[np.float64]) -> Sentence:
    places = zip(point.slots, corner.tolist(), strict=True)
    return point.sentence(tuple(_closest(slot, x) for slot, x in places))


def _closest(slot: Slot, wanted: float) -> float:
    return min(_values(slot), key=lambda value: abs(value - wanted))


def _values(slot: Slot) -> list[float]:
    return [float(value) for value in getattr(slot.domain, "values", ())]


def _lifted(grammar: Grammar, part: Sentence, type_name: str) -> list[Sentence]:
    """A sentence of the type made of one part alone."""
    if part.type == type_name:
        return [part]
    rules = grammar.category(type_name).productions
    only = [p for p in rules if len(p.slots) == 1 and p.slots[0].category and not p.slots[0].several]
    return [p.sentence((part,)) for p in only if p.slots[0].category is grammar.category(part.type)]


def hull_corners(mask: Picture) -> NDArray[np.float64]:
    """Corners of the convex hull of the white pixels' centres, in order, float[k, 2]; none of a line."""
    try:
        white = np.argwhere(mask).astype(np.float64)
        return np.asarray(white[ConvexHull(white).vertices])
    except (QhullError, ValueError):
        return np.zeros((0, 2))


def fewer(corners: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """So many of the corners: those are left out first without which the least area is lost."""
    while len(corners) > count:
        before, after = np.roll(corners, 1, axis=0) - corners, np.roll(corners, -1, axis=0) - corners
        lost = abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
        corners = np.delete(corners, lost.argmin(), axis=0)
    return corners
