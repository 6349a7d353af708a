"""Sets of pictures of simple polygons that are not convex, with a bounded number of vertices."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import effort
from grammars.boundary import is_whole
from grammars.convex_set import inside_ring
from grammars.convexity import Pictures, is_convex
from grammars.example_set import ExampleSet, Traits, log2_with_error
from grammars.polygon_traits import stratum_of
from grammars.random_polygons import Wanted
from grammars.random_simple import random_pictures
from grammars.shapes import Polygon
from grammars.spaces import Examples, Grid, empty, keys
from grammars.witness import find_witness

TRIES, TRIES_EACH = 2**12, 2**9
"""Most polygons drawn for n members of a stratum: TRIES + n * TRIES_EACH."""

EFFORT, SEARCH = 40.0, 1024.0
"""What a polygon drawn and what a search for a witness count as; see `grammars.effort`."""

PROBES = 2**13
"""Polygons drawn once to see which strata there are."""

NEAR = 32
"""Members drawn once for the upper bound of the distance."""


class SimpleSet(ExampleSet):
    """Pictures that some simple polygon with at most so many vertices makes and no convex one does.

    A picture must be one piece without a hole, with white pixels as many and where allowed, never on the
    outer ring. star: the polygon must be star-shaped.

    Membership is by a witness (`witness`, `grammars.witness`): what is in the set is proven to be, by the
    polygon; what is not may only not have been found, so the set is what the search finds. How much that
    misses stands in `POLYGONS.md`. It depends neither on the place nor on the position of a picture.

    Draws come from the generator of `grammars.random_simple` and are kept where their witness is found.
    Strata are those of at least one in 16 pictures of 8,192 random polygons; rarer ones are contained, never
    drawn. `size()` is None: nothing is known by which such pictures could be counted. `distance` is an upper
    bound.
    """

    _sampling = "generator"
    work = 4096.0

    def __init__(
        self,
        space: Grid,
        traits: Traits,
        star: bool,
        vertices: int,
        area: tuple[int, int],
        region: NDArray[np.bool_],
    ) -> None:
        super().__init__(space, traits)
        self.grid = space
        self.star, self.vertices = star, vertices
        self.wanted = Wanted(*area, region & inside_ring(space))

    def witness(self, pictures: Examples) -> list[Polygon | None]:
        """For each picture a polygon float[v, 2] that makes it; None for those that are not in the set."""
        found: list[Polygon | None] = [None] * len(pictures)
        for i in np.flatnonzero(self._possible(pictures)):
            found[i] = find_witness(pictures[i], self.vertices, self.star)
        return found

    def _possible(self, pictures: Pictures) -> Pictures:
        possible = self.wanted.holds(pictures)
        possible[possible] = is_whole(pictures[possible])
        possible[possible] = ~is_convex(pictures[possible])
        return possible

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        return np.array([polygon is not None for polygon in self.witness(examples)], bool)

    def _strata(self) -> list[int]:
        return list(_strata(*self._law))

    @property
    def _law(self) -> tuple[Grid, bool, int, int, int, bytes]:
        low, high, region = self.wanted
        return self.grid, self.star, self.vertices, low, high, region.tobytes()

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        kept = [empty(self.grid)]
        found, tried, tries = 0, 0, 128
        while found < n and tried < TRIES + n * TRIES_EACH and effort.spend(tries * EFFORT):
            pictures = random_pictures(self.star, self.vertices, self.wanted, tries, rng)
            pictures = pictures[self.traits.stratum(pictures) == stratum][: n - found]
            effort.spend(len(pictures) * SEARCH)
            pictures = pictures[self._contains(pictures)]
            kept.append(pictures)
            found += len(pictures)
            tried += tries
            tries = max(128, min(int(1.2 * (n - found) * tried / max(found, 1)), 1024))
        return np.concatenate(kept)

    @cached_property
    def _pool(self) -> Any:
        return self.sample(NEAR, np.random.Generator(np.random.PCG64(0)))

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """log2 of the size by collisions of random pictures, without a search for their witnesses.

        A lower bound, as in `ExampleSet`, but for the members that the search misses; without a collision
        that of one, with an infinite standard error.
        """
        pictures, strata = _probed(*self._law)
        sizes, errors = [], []
        for stratum in self.weights:
            drawn = pictures[strata == stratum]
            _, counts = np.unique(keys(drawn), return_counts=True)
            collisions = float((counts * (counts - 1) // 2).sum())
            sizes.append(max(float(len(counts)), len(drawn) * (len(drawn) - 1) / 2 / max(collisions, 1.0)))
            errors.append(sizes[-1] / np.sqrt(collisions) if collisions else np.inf)
        return log2_with_error(float(sum(sizes)), float(np.hypot.reduce([0.0, *errors])))

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        alike = isinstance(other, SimpleSet) and (other.star, other.vertices) == (self.star, self.vertices)
        if not isinstance(other, SimpleSet) or not alike:
            return None
        area = max(self.wanted.low, other.wanted.low), min(self.wanted.high, other.wanted.high)
        return self._with(area, self.wanted.region & other.wanted.region)

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        low, high, mine = self.wanted
        return self._with((low, high), mine & region)

    def _with(self, area: tuple[int, int], region: NDArray[np.bool_]) -> ExampleSet:
        return SimpleSet(self.grid, self.traits, self.star, self.vertices, area, region)

    def keeps(self, motion: Any) -> bool:
        return not motion.shift and bool(motion.keeps(self.wanted.region))


@lru_cache(maxsize=64)
def _probed(
    grid: Grid, star: bool, vertices: int, low: int, high: int, region: bytes
) -> tuple[Pictures, NDArray[np.int64]]:
    """Random pictures by a fixed seed and their strata, whether or not their witnesses are found."""
    wanted = Wanted(low, high, np.frombuffer(region, bool).reshape(grid.shape))
    if low > min(high, int(wanted.region.sum())):
        return np.zeros((0, *grid.shape), bool), np.zeros(0, np.int64)
    rng = np.random.Generator(np.random.PCG64(0))
    pictures = random_pictures(star, vertices, wanted, PROBES, rng)
    return pictures, stratum_of(pictures)


@lru_cache(maxsize=256)
def _strata(grid: Grid, star: bool, vertices: int, low: int, high: int, region: bytes) -> tuple[int, ...]:
    """Strata of at least one in 16 random pictures of which a witness is found for one of the first eight."""
    pictures, strata = _probed(grid, star, vertices, low, high, region)
    found, counts = np.unique(strata, return_counts=True)
    return tuple(
        int(s)
        for s in found[counts * 16 >= len(pictures)]
        if any(find_witness(p, vertices, star) is not None for p in pictures[strata == s][:8])
    )
