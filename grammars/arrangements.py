"""Regular arrangements of dots: evenly spaced on a straight line, and on lattices."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.combinations import Explicit
from grammars.example_set import ExampleSet, Traits
from grammars.pictures import white_pixels
from grammars.spaces import Examples, Grid, empty, flat, ordered


class Lines(ExampleSet):
    """Pictures of k white pixels, k in `counts`, evenly spaced on a straight line of any direction.

    From each to the next is the same step (down, right), more than `gap` pixels in one of the two; fewer than
    two dots are always a line. Strata are k. Sizes are sums over the steps, (height - (k - 1) down) (width -
    (k - 1) |right|); membership and uniform draws are exact. `distance` is an upper bound, exact for sets
    short enough to be compared with all members.
    """

    def __init__(self, space: Grid, counts: frozenset[int], gap: int, traits: Traits) -> None:
        super().__init__(space, traits)
        self.grid, self.gap = space, gap
        self.counts = tuple(sorted(k for k in counts if 0 <= k <= max(1, *space.shape)))

    @cached_property
    def _steps(self) -> NDArray[np.int64]:
        """Every step that leads to a later pixel, int[m, 2]."""
        height, width = self.grid.shape
        steps = np.argwhere(np.ones((height, 2 * width - 1), dtype=bool)) - (0, width - 1)
        later = (steps[:, 0] > 0) | (steps[:, 1] > 0)
        return np.asarray(steps[later & (abs(steps).max(axis=1) > self.gap)])

    def _starts(self, count: int) -> NDArray[np.int64]:
        """For each step, how many rows and columns the first of so many dots may be in, int[m, 2]."""
        return np.maximum(0, np.array(self.grid.shape) - (count - 1) * abs(self._steps))

    def _strata(self) -> list[int]:
        return list(self.counts)

    def _sizes(self) -> dict[int, int | None]:
        few = {0: 1, 1: self.grid.size}
        return {k: few[k] if k < 2 else int(self._starts(k).prod(axis=1).sum()) for k in self.counts}

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        white = white_pixels(examples)
        inside = np.isin(white, self.counts)
        for k in self.counts:
            if k >= 2:
                those = np.flatnonzero(white == k)
                inside[those] = self._are_lines(examples[those], k)
        return inside

    def _are_lines(self, pictures: Any, k: int) -> NDArray[np.bool_]:
        places = np.nonzero(flat(pictures))[1].reshape(-1, k)
        steps = np.diff(np.stack(np.divmod(places, self.grid.width)), axis=2)
        even = (steps == steps[:, :, :1]).all(axis=(0, 2))
        return np.asarray(even & (abs(steps[:, :, 0]).max(axis=0) > self.gap))

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        if self.sizes().get(stratum, 0) == 0:
            return empty(self.space)
        if stratum < 2:
            first, steps = rng.integers(self.grid.shape, size=(n, 2)), np.zeros((n, 2), dtype=np.int64)
        else:
            starts = self._starts(stratum)
            ways = starts.prod(axis=1)
            chosen = rng.choice(len(ways), size=n, p=ways / ways.sum())
            steps = self._steps[chosen]
            first = rng.integers(starts[chosen])
            # A line to the left starts on the right.
            first[:, 1] += np.where(steps[:, 1] < 0, -(stratum - 1) * steps[:, 1], 0)
        return self._drawn(first, steps, stratum)

    def _drawn(self, first: Any, steps: Any, count: int) -> Examples:
        pictures = empty(self.space, len(first))
        for index in range(count):
            rows, columns = (first + index * steps).T
            pictures[np.arange(len(first)), rows, columns] = True
        return pictures

    def _members(self, limit: int) -> Examples | None:
        if sum(size or 0 for size in self._sizes().values()) > limit:
            return None
        parts = [empty(self.space)]
        pixels = np.argwhere(np.ones(self.grid.shape, dtype=bool))
        for k in self.counts:
            if k < 2:
                parts.append(self._drawn(pixels[: 1 if k == 0 else None], np.zeros(2, dtype=np.int64), k))
                continue
            for step in self._steps:
                last = pixels + (k - 1) * step
                there = ((last >= 0) & (last < self.grid.shape)).all(axis=1)
                parts.append(self._drawn(pixels[there], step, k))
        return ordered(np.concatenate(parts))

    def keeps(self, motion: Any) -> bool:
        """Everything but wrapping keeps lines."""
        return motion.shift != "rolls" or max(self.counts, default=0) < 2


class Lattices(Explicit):
    """White pixels on a lattice, in every place: each `down` rows, each `right` columns in those.

    Each of these rows is moved by `slant` more columns than the one above. At most down * right pictures.
    """

    def __init__(self, space: Grid, traits: Traits, down: int, right: int, slant: int) -> None:
        rows, columns = np.indices(space.shape)
        places = np.arange(down * right)
        first, offset = (part[:, None, None] for part in np.divmod(places, right))
        number, rest = np.divmod(rows - first, down)
        white = (rest == 0) & ((columns - offset - number * slant) % right == 0)
        super().__init__(space, white, traits)


def subgrid(space: Grid, down: int, right: int, row: int, column: int) -> NDArray[np.bool_]:
    """Every `down`-th row and `right`-th column, so that a row and a column are among them: bool[h, w]."""
    rows, columns = np.indices(space.shape)
    return np.asarray(((rows - row) % down == 0) & ((columns - column) % right == 0))
