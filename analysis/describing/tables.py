"""What may stand at a place: the short sentences of each type, and of these the ones that the data ask for.

A region that holds all white pixels, a count that allows all numbers of dots, a list of tiles that has all
that occur: of everything that covers what was seen only the shortest for its size can belong to the shortest
description, so a place has few candidates (the Pareto front of bits and size).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.describing.sample import Sample
from grammars import Grammar, Sentence
from grammars.bound import Production
from grammars.literals import Domain

MOST = 2500
"""Sentences of a type that are written down, shortest first."""

LONGEST = 22.0
"""Bits of the longest of them."""

SIDES = (2, 3)
"""Sides of the tiles that a picture is cut into."""

RARE = (0.0, 0.01, 0.04)
"""Shares of the sample up to which what was seen may be noise: each is tried."""

PAIR_WEIGHT = 4.0
"""Bits that a pixel less of two regions together is worth: many samples have to be said."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Table:
    """Sentences of one type that say different things, shortest first.

    kind: what is compared, "pixels", "numbers" or "tiles"; None where sayings are only equal or not.
    covers: bool[m, universe], what each one allows; None without a kind.
    """

    sentences: tuple[Sentence, ...]
    kind: str | None
    covers: Mask | None


@lru_cache(maxsize=256)
def table(grammar: Grammar, type_name: str) -> Table:
    """The short sentences of a type, one for each different saying."""
    kept: dict[Any, tuple[Sentence, Any]] = {}
    for sentence in islice(grammar.enumerate(type_name, LONGEST), MOST):
        said = sentence.denote()
        kept.setdefault(identity(said), (sentence, said))
    sentences = tuple(sentence for sentence, _ in kept.values())
    said = [value for _, value in kept.values()]
    kind = kind_of(type_name, said[0]) if said else None
    covers = np.array([allowed(value, kind, grammar) for value in said]) if kind else None
    return Table(sentences, kind, covers)


def identity(said: Any) -> Any:
    """Equal for sayings that are the same."""
    if isinstance(said, np.ndarray):
        return said.shape, said.tobytes()
    if isinstance(said, tuple) and all(isinstance(part, np.ndarray) for part in said):
        return tuple((part.shape, part.tobytes()) for part in said)
    return said


def kind_of(type_name: str, said: Any) -> str | None:
    """How the sayings of a type are compared with what was seen."""
    if type_name == "Region":
        return "pixels"
    if isinstance(said, frozenset) or (isinstance(said, tuple) and [*map(type, said)] == [int, int]):
        return "numbers"
    if isinstance(said, np.ndarray) and said.dtype == bool and said.ndim == 3:
        return "tiles"
    return None


def allowed(said: Any, kind: str, grammar: Grammar) -> Mask:
    """What a saying allows, over the universe of its kind."""
    if kind == "pixels":
        return np.asarray(said).ravel()
    mask = np.zeros(universe(kind, grammar), dtype=bool)
    if kind == "tiles":
        mask[[tile_code(tile) for tile in said]] = True
        return mask
    numbers = range(said[0], said[1] + 1) if isinstance(said, tuple) else sorted(said)
    mask[[k for k in numbers if 0 <= k < len(mask)]] = True
    return mask


def allows_more(sentence: Sentence, other: Sentence) -> bool:
    """Whether a sentence is no shorter than another of the same rule and allows at each place what that does.

    Then it has all that the other has: counts, regions and tiles only ever say what a picture may have.
    """
    if sentence.rule != other.rule or sentence.bits < other.bits or sentence.production.several:
        return False
    return all(_covers(mine, its) for mine, its in zip(sentence.args, other.args, strict=True))


def _covers(mine: Any, its: Any) -> bool:
    if mine == its:
        return True
    if not isinstance(mine, Sentence) or mine.type in ("Set", "Picture"):
        return False
    said, other = mine.denote(), its.denote()
    kind = kind_of(mine.type, said)
    grammar = mine.grammar
    return kind is not None and bool((allowed(said, kind, grammar) >= allowed(other, kind, grammar)).all())


def universe(kind: str, grammar: Grammar) -> int:
    pixels = int(np.prod(grammar.space.shape))
    return {"pixels": pixels, "numbers": pixels + 1, "tiles": sum(2 ** (s * s) for s in SIDES)}[kind]


def tile_code(tile: Mask) -> int:
    """A number for each tile of any side."""
    before = sum(2 ** (s * s) for s in SIDES if s < len(tile))
    return before + int(tile.ravel() @ (1 << np.arange(tile.size)))


def tile_text(code: int) -> str:
    """The literal of a tile's number."""
    for side in SIDES:
        if code < 2 ** (side * side):
            cells = code >> np.arange(side * side) & 1
            return "/".join("".join(map(str, row)) for row in cells.reshape(side, side))
        code -= 2 ** (side * side)
    raise ValueError(code)


# What was seen.


def seen(sample: Sample, kind: str) -> list[Mask]:
    """What any description must allow: alternatives, since some of the sample may be noise."""
    found: dict[bytes, Mask] = {}
    for core in sample.cores():
        for often in _often(core, kind):
            for rare in RARE:
                mask = often > rare * core.counts.sum()
                for one in (mask, _filled(mask)) if kind == "numbers" else (mask,):
                    if one.any():
                        found.setdefault(one.tobytes(), one)
    return list(found.values())


def _filled(mask: Mask) -> Mask:
    """Everything from the first to the last."""
    there = np.flatnonzero(mask)
    filled = np.zeros_like(mask)
    if len(there):
        filled[there[0] : there[-1] + 1] = True
    return filled


def _often(core: Sample, kind: str) -> Iterator[NDArray[np.float64]]:
    """In how many of the samples each pixel, number of dots or vertices, or tile was seen."""
    if kind == "pixels":
        yield (core.counts @ core.pictures.reshape(len(core.pictures), -1)).astype(np.float64)
    elif kind == "numbers":
        size = universe(kind, core.grammar)
        for values in (core.white, core.strata):
            inside = (values >= 0) & (values < size)
            yield np.bincount(values[inside], core.counts[inside], size).astype(np.float64)
    else:
        yield from _tiles_often(core)


def _tiles_often(core: Sample) -> Iterator[NDArray[np.float64]]:
    """Blocks of the pictures at all levels of each centred square whose side is a power of a tile's."""
    height, width = core.pictures.shape[1:]
    for side in SIDES:
        extent = side
        while extent * side <= min(height, width):
            extent *= side
        start, codes = tile_code(np.zeros((side, side), dtype=bool)), 2 ** (side * side)
        while extent >= side:
            top, left = (height - extent) // 2, (width - extent) // 2
            framed = core.pictures[:, top : top + extent, left : left + extent]
            whole = framed.sum(axis=(1, 2)) == core.white
            there = np.zeros((int(whole.sum()), codes), dtype=bool)
            blocks = framed[whole]
            while len(blocks) and blocks.shape[1] >= side:
                found, blocks = _cut(blocks, side)
                there[np.arange(len(found))[:, None], found] = True
            often = np.zeros(universe("tiles", core.grammar))
            often[start + 1 : start + codes] = core.counts[whole] @ there[:, 1:]
            yield often
            extent //= side


def _cut(pictures: Mask, side: int) -> tuple[NDArray[np.int64], Mask]:
    """The code of each block, int[n, blocks], and which blocks have any white, bool[n, size, size]."""
    n, size = len(pictures), pictures.shape[1] // side
    cells = pictures.reshape(n, size, side, size, side).swapaxes(2, 3).reshape(n, size * size, side * side)
    codes = cells @ (1 << np.arange(side * side))
    return codes, (codes > 0).reshape(n, size, size)


# What may stand there.


def candidates(sample: Sample, type_name: str, most: int = 12) -> list[Sentence]:
    """What may stand at a place of a type, in the order of promise; for what was seen the Pareto front."""
    known = table(sample.grammar, type_name)
    if known.kind is None or known.covers is None:
        return list(known.sentences[:most])
    found: dict[Sentence, None] = {}
    for mask in seen(sample, known.kind):
        extra = [(s, allowed(s.denote(), known.kind, sample.grammar)) for s in _made(sample, type_name, mask)]
        chosen = known.covers[:, mask].all(axis=1)
        pairs = [(known.sentences[i], known.covers[i]) for i in np.flatnonzero(chosen)]
        pairs += [(s, cover) for s, cover in extra if cover[mask].all()]
        found |= dict.fromkeys(front(pairs))
    return list(found)[: 2 * most]


def pairs(sample: Sample, most: int = 6) -> list[tuple[Sentence, Sentence]]:
    """Two regions that both have what was seen, and together less than any one that is tabled."""
    if "Region" not in sample.grammar.categories:
        return []
    known = table(sample.grammar, "Region")
    assert known.covers is not None
    found: dict[tuple[Sentence, Sentence], None] = {}
    for mask in seen(sample, "pixels"):
        chosen = np.flatnonzero(known.covers[:, mask].all(axis=1))
        covers = known.covers[chosen].astype(np.float32)
        if not len(chosen):
            continue
        size = covers @ covers.T
        least = float(np.diag(size).min())
        bits = np.array([known.sentences[i].bits for i in chosen])
        cost = size * PAIR_WEIGHT + bits[:, None] + bits
        cost[size >= least] = np.inf
        for place in np.argsort(cost, axis=None, kind="stable")[: 2 * most]:
            first, second = np.unravel_index(place, cost.shape)
            if np.isfinite(cost[first, second]) and first < second:
                one, other = known.sentences[chosen[first]], known.sentences[chosen[second]]
                found.setdefault((one, other))
    return list(found)[:most]


def front(pairs: list[tuple[Sentence, Mask]]) -> list[Sentence]:
    """Of those no other is both shorter and smaller, the smallest first."""
    front: list[Sentence] = []
    least = np.inf
    for sentence, cover in sorted(pairs, key=lambda p: (p[0].bits, p[1].sum(), str(p[0]))):
        if cover.sum() < least:
            least = cover.sum()
            front.append(sentence)
    return front[::-1]


def _made(sample: Sample, type_name: str, mask: Mask) -> Iterator[Sentence]:
    """Sentences with the seen numbers themselves as arguments, and lists of the seen tiles."""
    numbers = np.flatnonzero(mask)
    for production in sample.grammar.category(type_name).productions:
        slot = production.several
        if slot is not None and isinstance(slot.domain, Domain) and slot.several:
            tiles = [tile_text(int(code)) for code in numbers] if slot.domain.kind is str else []
            if slot.several.low <= len(tiles) <= slot.several.high and all(
                slot.domain.problem(tile) is None for tile in tiles
            ):
                yield production.sentence(tuple(tiles))
        elif production.slots and len(numbers):
            yield from _with_numbers(production, numbers)


def _with_numbers(production: Production, numbers: NDArray[np.int64]) -> Iterator[Sentence]:
    choices: list[list[Any]] = []
    steps = [int(step) for step in np.unique(np.diff(numbers))]
    values = sorted({int(numbers[0]), int(numbers[-1]), *steps})
    for slot in production.slots:
        if not isinstance(slot.domain, Domain) or slot.domain.kind is not int:
            return
        choices.append([value for value in values if slot.domain.problem(value) is None])
    for args in islice(product(*choices), 64):
        yield production.sentence(args)
