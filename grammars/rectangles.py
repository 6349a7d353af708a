"""The set of rectangles with sides along the rows and columns."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.convexity import Pictures
from grammars.example_set import ExampleSet, Traits
from grammars.polygon_traits import stratum_of
from grammars.spaces import Examples, Grid, empty, ordered

BATCH = 2**18


class Rectangles(ExampleSet):
    """Pictures whose white pixels fill a rectangle of rows and columns, as many and where they are allowed.

    Exact throughout: the rectangles are enumerated by their sides, so sizes are counts, draws are uniform
    within a stratum, and the distance is the least over all of them. On a free h x w grid there are
    h(h+1)w(w+1)/4.
    """

    _distance_is_exact = True

    def __init__(self, space: Grid, traits: Traits, area: tuple[int, int], region: NDArray[np.bool_]) -> None:
        super().__init__(space, traits)
        self.grid, self.area, self.region = space, area, region

    @cached_property
    def corners(self) -> NDArray[np.int64]:
        """Of each rectangle the first row and column and the ones after the last: int[n, 4]."""
        every = _rectangles(*self.grid.shape)
        top, left, bottom, right = every.T
        pixels = (bottom - top) * (right - left)
        white = _within(_sums(self.region[None]), every)[0]
        return every[(self.area[0] <= pixels) & (pixels <= self.area[1]) & (white == pixels)]

    @cached_property
    def _stratum(self) -> NDArray[np.int64]:
        """Stratum of each rectangle.

        It depends on the sides and on which of them lie on the edge of the grid, once both are 2 or longer:
        then the hull with any black centre that is not a neighbour of the rectangle contains one that is.
        """
        top, left, bottom, right = self.corners.T
        height, width = self.grid.shape
        kind = np.stack(
            [bottom - top, right - left, top == 0, left == 0, bottom == height, right == width], axis=-1
        ).astype(np.int64)
        thin = np.minimum(kind[:, 0], kind[:, 1]) == 1
        kind = np.concatenate([kind, np.where(thin[:, None], self.corners[:, :2], -1)], axis=1)
        _, first, inverse = np.unique(kind, axis=0, return_index=True, return_inverse=True)
        return np.asarray(stratum_of(self._pictures(self.corners[first]))[inverse.ravel()])

    def _pictures(self, corners: NDArray[np.int64]) -> Pictures:
        top, left, bottom, right = corners.T[:, :, None]
        rows, columns = np.arange(self.grid.height), np.arange(self.grid.width)
        down, across = (top <= rows) & (rows < bottom), (left <= columns) & (columns < right)
        return np.asarray(down[:, :, None] & across[:, None, :])

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        rows, columns = examples.any(axis=2), examples.any(axis=1)
        white = examples.sum(axis=(1, 2))
        solid = (examples == rows[:, :, None] & columns[:, None, :]).all(axis=(1, 2))
        for line in (rows, columns):
            solid &= np.diff(np.pad(line, ((0, 0), (1, 1))).astype(np.int8), axis=1).clip(0).sum(axis=1) == 1
        within = ~(examples & ~self.region).any(axis=(1, 2))
        return np.asarray(solid & within & (self.area[0] <= white) & (white <= self.area[1]))

    def _strata(self) -> list[int]:
        return [int(s) for s in np.unique(self._stratum)]

    def _sizes(self) -> dict[int, int | None]:
        found, counts = np.unique(self._stratum, return_counts=True)
        return {int(s): int(c) for s, c in zip(found, counts, strict=True)}

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        choices = self.corners[self._stratum == stratum]
        if not len(choices):
            return empty(self.grid)
        return self._pictures(choices[rng.integers(len(choices), size=n)])

    def _members(self, limit: int) -> Examples | None:
        if len(self.corners) > min(limit, 4096):
            return None
        return ordered(self._pictures(self.corners)) if len(self.corners) else empty(self.grid)

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        least = np.full(len(examples), self.grid.size + 1)
        if not len(self.corners):
            return least
        top, left, bottom, right = self.corners.T
        pixels = (bottom - top) * (right - left)
        step = max(1, BATCH // len(pixels))
        for start in range(0, len(examples), step):
            sums = _sums(examples[start : start + step])
            common = _within(sums, self.corners)
            least[start : start + step] = (sums[:, -1, -1, None] + pixels - 2 * common).min(axis=1)
        return least

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        if not isinstance(other, Rectangles):
            return None
        area = max(self.area[0], other.area[0]), min(self.area[1], other.area[1])
        return Rectangles(self.grid, self.traits, area, self.region & other.region)

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return Rectangles(self.grid, self.traits, self.area, self.region & region)

    def keeps(self, motion: Any) -> bool:
        return not motion.shift and bool(motion.keeps(self.region))


@lru_cache(maxsize=8)
def _rectangles(height: int, width: int) -> NDArray[np.int64]:
    rows, columns = (np.stack(np.triu_indices(side + 1, 1), axis=-1) for side in (height, width))
    r, c = (i.ravel() for i in np.indices((len(rows), len(columns))))
    return np.stack([rows[r, 0], columns[c, 0], rows[r, 1], columns[c, 1]], axis=-1).astype(np.int64)


def _sums(pictures: Pictures) -> NDArray[np.int64]:
    """White pixels above and to the left of each corner: int[n, h + 1, w + 1]."""
    return np.pad(pictures.astype(np.int64).cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))


def _within(sums: NDArray[np.int64], corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """White pixels in each rectangle: int[n, rectangles]."""
    top, left, bottom, right = corners.T
    return np.asarray(
        sums[:, bottom, right] - sums[:, top, right] - sums[:, bottom, left] + sums[:, top, left]
    )
