"""Pictures of k dots kept apart in steps to the 4 neighbours: exact membership and counts, uniform draws."""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import counting, effort
from grammars.counting import Placements
from grammars.errors import shorten
from grammars.example_set import ExampleSet, Traits, draw_accepted, log2_with_error
from grammars.literals import Domain, Value, _Listed
from grammars.pictures import white_pixels
from grammars.separated import FEWEST_ACCEPTED, PLACING
from grammars.separation import overlap
from grammars.spaces import Examples, Grid, Space, empty, flat, ordered


class Neighbours:
    """Literal of how many pixels are the neighbours of one: 8, or 4 without those across a corner."""

    def bind(self, space: Space) -> Domain:
        return _EightOrFour([8, 4], [1.0, 1.0])


class _EightOrFour(_Listed):
    kind = int

    def problem(self, value: Value) -> str | None:
        return None if value in (8, 4) else f"is 4 or 8, but got {shorten(repr(value), 40)}"

    def describe(self) -> str:
        return "4|8"


class CityDots(ExampleSet):
    """Pictures with k white pixels, k in `counts`, all in `region`, any two more than `gap` steps apart.

    A step goes to one of the 4 neighbours (city-block distance): with gap 1 no two dots share an edge, which
    makes them the independent sets of the grid graph. Strata are k. Sizes are exact by transfer matrix, None
    where that needs too many profiles (gap 1 and both sides beyond 16 pixels or so). Draws are uniform, by
    rejection or counted out; elsewhere dots are set down one by one wherever there is room, which is a
    generator. `distance` is an upper bound, exact for sets short enough to be compared with all members.
    """

    def __init__(
        self, space: Grid, counts: frozenset[int], gap: int, region: NDArray[np.bool_], traits: Traits
    ) -> None:
        super().__init__(space, traits)
        self.grid, self.gap, self.region = space, gap, region.astype(bool)
        self.room = int(self.region.sum())
        height, width = space.shape
        # Of gap + 1 pixels in a line at most one is white.
        most = min(self.room, height * -(-width // (gap + 1)), width * -(-height // (gap + 1)))
        self.counts = tuple(sorted(k for k in counts if 0 <= k <= most))

    @cached_property
    def _placements(self) -> Placements | None:
        if not self.counts:
            return None
        return placements(*self.grid.shape, self.region.tobytes(), self.gap, self.counts[-1])

    def _strata(self) -> list[int]:
        return list(self.counts)

    def _sizes(self) -> dict[int, int | None]:
        if self._placements is None:
            return dict.fromkeys(self.counts, None)
        return {k: self._placements.counts[k] for k in self.counts}

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        good = separated(examples, self.gap) & np.isin(white_pixels(examples), self.counts)
        return np.asarray(good & ~examples[:, ~self.region].any(axis=1))

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        thrown = all(self._is_roomy(k) for k in self.counts)
        return "uniform" if thrown or self._can_place else "generator"

    @property
    def _can_place(self) -> bool:
        return self._placements is not None and self._placements.can_place

    def _is_roomy(self, count: int) -> bool:
        """Whether dots thrown at random are often enough apart."""
        size = self.sizes().get(count, 0)
        if size is not None:
            return size >= FEWEST_ACCEPTED * math.comb(self.room, count)
        near = math.comb(count, 2) * 2 * self.gap * (self.gap + 1) / max(1, self.room - 1)
        return 1.0 - near >= FEWEST_ACCEPTED

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        size = self.sizes().get(stratum, 0)
        if size == 0:
            return empty(self.space)
        if self._can_place and not self._is_roomy(stratum):
            n = n if effort.spend(n * PLACING) else 0
            return self._placed([(stratum, counting.below(size or 0, rng)) for _ in range(n)])
        propose = self._thrown if self._is_roomy(stratum) else self._set_down
        return draw_accepted(n, lambda m: propose(stratum, m, rng), self._contains, empty(self.space), 2.0)

    def _placed(self, which: list[tuple[int, int]]) -> Examples:
        """The placements of so many dots with these indices."""
        assert self._placements is not None
        drawn = [self._placements.placement(k, index) for k, index in which]
        return np.array(drawn, dtype=bool).reshape(len(which), *self.grid.shape)

    def _thrown(self, count: int, n: int, rng: np.random.Generator) -> Examples:
        """n pictures with so many white pixels anywhere in the region."""
        places = np.flatnonzero(self.region)
        order = np.argsort(rng.random((n, len(places))), axis=1)[:, :count]
        cells = np.zeros((n, self.grid.size), dtype=bool)
        cells[np.arange(n)[:, None], places[order]] = True
        return cells.reshape(n, *self.grid.shape)

    def _set_down(self, count: int, n: int, rng: np.random.Generator) -> Examples:
        """n pictures with so many dots, or fewer where there is no room, set down one by one at random."""
        near = neighbourhoods(*self.grid.shape, self.gap)
        cells = np.zeros((n, self.grid.size), dtype=bool)
        free = np.tile(self.region.ravel(), (n, 1))
        for _ in range(count):
            place = np.where(free, rng.random(free.shape), -1.0).argmax(axis=1)
            cells[np.arange(n), place] |= free[np.arange(n), place]
            free &= ~near[place]
        return cells.reshape(n, *self.grid.shape)

    def _members(self, limit: int) -> Examples | None:
        sizes = self.sizes()
        if None in sizes.values() or sum(size or 0 for size in sizes.values()) > limit:
            return None
        if not sizes:
            return empty(self.space)
        fewer = CityDots(self.grid, frozenset(range(self.counts[-1])), self.gap, self.region, self.traits)
        below = fewer.size()
        if below is not None and below <= 8 * limit:
            near = neighbourhoods(*self.grid.shape, self.gap)
            levels = counting.levels(self.region, near, self.counts[-1])
            return ordered(np.concatenate([levels[k] for k in self.counts]))
        if not self._can_place:
            return None
        return ordered(self._placed([(k, index) for k, size in sizes.items() for index in range(size or 0)]))

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """log2 of the size and its standard error by setting dots down; see `counting.ways`. Not by `rng`."""
        near = neighbourhoods(*self.grid.shape, self.gap)
        return log2_with_error(*counting.estimated(self.region, near, self.counts))

    # What is made of such sets.

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        """Fewer counts, the wider gap, both regions."""
        if not isinstance(other, CityDots):
            return None
        counts = frozenset(self.counts) & frozenset(other.counts)
        return CityDots(self.grid, counts, max(self.gap, other.gap), self.region & other.region, self.traits)

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return CityDots(self.grid, frozenset(self.counts), self.gap, self.region & region, self.traits)

    def keeps(self, motion: Any) -> bool:
        """Shifts keep dots that may be anywhere; wrapped ones only a single dot."""
        if motion.shift and not self.region.all():
            return False
        if motion.shift == "rolls" and max(self.counts, default=0) > 1:
            return False
        return bool(motion.keeps(self.region))


def separated(pictures: Any, gap: int) -> NDArray[np.bool_]:
    """Whether any two white pixels of a picture are more than `gap` steps apart, bool[n]."""
    good = np.ones(len(pictures), dtype=bool)
    for down in range(gap + 1):
        for right in range(down - gap, gap - down + 1):
            if down > 0 or right > 0:
                here, there = overlap(pictures.shape[1:], down, right)
                good &= ~flat(pictures[:, *here] & pictures[:, *there]).any(axis=1)
    return good


def neighbourhoods(height: int, width: int, gap: int) -> NDArray[np.bool_]:
    """For each pixel in reading order, which ones are at most `gap` steps away, itself too: bool[d, d]."""
    rows, columns = np.divmod(np.arange(height * width), width)
    return np.asarray(abs(rows[:, None] - rows) + abs(columns[:, None] - columns) <= gap)


class CityPlacements(Placements):
    """`Placements` of dots more than `gap` steps to the 4 neighbours apart, `gap >= 1`."""

    def __init__(self, allowed: NDArray[np.bool_], gap: int, most: int) -> None:
        height, width = allowed.shape
        self.flipped = width > height
        self.allowed = (allowed.T if self.flipped else allowed).ravel().tolist()
        self.width = min(height, width)
        self.shape = allowed.shape
        self.most = most
        free = sum(self.allowed)
        self.bits = max(math.comb(free, j) for j in range(most + 1)).bit_length() + 1
        self.truncate = (1 << self.bits * (most + 1)) - 1
        self.forbidding = [_forbidding(self.width, column, gap) for column in range(self.width)]
        self.keep = (1 << max(mask.bit_length() for mask in self.forbidding)) - 1
        self.steps = 0
        self.counts = self._count()


def _forbidding(width: int, column: int, gap: int) -> int:
    """Which earlier pixels forbid a white one in this column; bit i is the pixel i + 1 back."""
    mask = 0
    for up in range(gap + 1):
        for other in range(max(0, column - gap + up), min(width, column + gap - up + 1)):
            back = up * width + column - other
            if back > 0:
                mask |= 1 << (back - 1)
    return mask


@lru_cache(maxsize=16)
def placements(height: int, width: int, allowed: bytes, gap: int, most: int) -> Placements | None:
    """`CityPlacements`, kept for the next caller; None where the grid is too wide to count."""
    mask = np.frombuffer(allowed, dtype=bool).reshape(height, width)
    try:
        return CityPlacements(mask, gap, most)
    except OverflowError:
        return None
