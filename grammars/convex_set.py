"""The set of convex pictures with bounds on vertices, area and place: the default target of `polygons`."""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grammars import effort
from grammars.convex_count import convex_pictures, every_convex_picture
from grammars.convexity import Pictures, hulls, least_vertices
from grammars.example_set import ExampleSet, Traits, log2_with_error
from grammars.random_polygons import COUNTABLE, Wanted, random_pictures
from grammars.spaces import Examples, Grid, empty

TRIES, TRIES_EACH = 2**13, 2**10
"""Most polygons drawn for n members of a stratum: TRIES + n * TRIES_EACH."""

EFFORT = 12.0
"""What one of them counts as; see `grammars.effort`."""

FEWEST_PIXELS = {5: 6, 6: 7, 7: 11, 8: 12}
"""White pixels at least of a picture that needs so many vertices.

Its hull has as many: moved outwards a little, the hull's edges are a polygon that makes the picture, and four
do where it is flat. A convex polygon with v vertices on the lattice has an area of at least 5/2, 3, 13/2, 7
for v = 5, 6, 7, 8 (Simpson 1990) and so, by Pick's theorem, at least area + v/2 + 1 points.
"""

RARE = 1 / 64
"""Share of good pictures among the generator's, below which drawing one is dearer than testing one."""

LISTABLE = 40_000
"""Most convex pictures inside the ring of a grid that is listed: up to 7x7."""

REMEMBERED, MEMORY = 1024, 2**18
"""Pictures asked about together whose vertices are remembered, and how many are until all are forgotten."""

TILTS = (1.0, 0.4, 0.15)
"""Weights of an edge in the three parts of an estimate of sizes."""

DRAWS = 4096
"""Pictures that each part of an estimate draws."""


class ConvexSet(ExampleSet):
    """Pictures whose white centres are the grid's centres in a convex polygon with so many vertices at least.

    vertices: the least numbers of vertices that are allowed, which are the strata. area: least and greatest
    number of white pixels. region: where they may be, never on the outer ring of pixels.

    Membership and strata are exact. Draws come from the generator of `grammars.random_polygons`, and are kept
    if they are of the stratum: every member has positive probability, but not an equal one. On grids up to
    7x7 the members are listed, counted and drawn uniformly. Elsewhere `size()` is None: all convex pictures
    can be counted, for they are chains of edges, but how many vertices one needs depends on all its edges at
    once. `distance` is an upper bound.
    """

    _sampling = "generator"

    def __init__(
        self,
        space: Grid,
        traits: Traits,
        vertices: frozenset[int],
        area: tuple[int, int],
        region: NDArray[np.bool_],
    ) -> None:
        super().__init__(space, traits)
        self.grid = space
        self.vertices = frozenset(v for v in vertices if v >= 3)
        self.wanted = Wanted(*area, region & inside_ring(space))

    @property
    def work(self) -> float:
        """Cost of testing one example, or of drawing one of the rarest stratum where that is rare.

        So whoever draws many to judge a larger set, as estimates of sizes do, draws fewer of a set that is
        hard to draw from: at most about 24,000 polygons, a few seconds.
        """
        share = min([share for v in self.vertices if (share := self._share(v))], default=1.0)
        return 32.0 if share >= RARE else 5.0 * EFFORT / share

    def _share(self, stratum: int) -> float:
        low, high, region = self.wanted
        return share_of(self.grid, stratum, low, high, region.tobytes())

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = self.wanted.holds(examples)
        candidates = np.flatnonzero(inside)
        if len(candidates):
            inside[candidates] = np.isin(self._least(examples[candidates]), list(self.vertices))
        return inside

    def _least(self, pictures: Any) -> NDArray[np.int64]:
        """`least_vertices` of pictures, at most those that the set allows; of few pictures from memory."""
        if len(pictures) > REMEMBERED:
            return least_vertices(pictures, at_most=max(self.vertices, default=0))
        return remembered_vertices(pictures)

    def _strata(self) -> list[int]:
        return [v for v in sorted(self.vertices) if self._share(v)]

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        kept = [empty(self.grid)]
        found, tried, tries = 0, 0, max(64, min(4 * n, 4096))
        while found < n and tried < TRIES + n * TRIES_EACH and effort.spend(tries * EFFORT):
            pictures = random_pictures(stratum, self.wanted, tries, rng)
            pictures = pictures[least_vertices(pictures, at_most=stratum) == stratum]
            kept.append(pictures)
            found += len(pictures)
            tried += tries
            # What the share of good ones asks for, and a little more.
            share = max(found, 1) / tried
            tries = max(64, min(int(1.2 * (n - found) / share), 4096))
        return np.concatenate(kept)[:n]

    def _members(self, limit: int) -> Examples | None:
        listed = convex_members(self.grid)
        if listed is None:
            return None
        members = listed[self._contains(listed)]
        return members if len(members) <= limit else None

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """log2 of the size and its standard error by importance sampling; see `estimates`.

        The draws are made once for each grid, not with `rng`: a part is never estimated above the whole. On
        grids of more than 24x24 pixels by the collisions of draws, which gives a lower bound.
        """
        if self.grid.size > COUNTABLE:
            return super()._estimate(rng)
        sizes, errors = zip(*self.estimates().values(), strict=True)
        return log2_with_error(math.fsum(sizes), math.hypot(*errors))

    def estimates(self) -> dict[int, tuple[float, float]]:
        """Estimated number of members of each stratum and its standard error.

        All convex pictures inside the ring can be counted and drawn uniformly, and with any weight per edge
        of their hull (`grammars.convex_count`). A size is the mean over such draws of [is a member] divided
        by the probability of drawing it, a mixture of three weights per edge (Veach & Guibas 1995, balance
        heuristic): unbiased, whatever the law by which the set itself is sampled.
        """
        draws = weighted_draws(self.grid)
        inside = self.drawn
        return {s: draws.estimate(inside & (draws.vertices == s)) for s in self.weights}

    @cached_property
    def drawn(self) -> NDArray[np.bool_]:
        """Which pictures of `weighted_draws` are members, bool[m]."""
        draws = weighted_draws(self.grid)
        return np.asarray(self.wanted.holds(draws.pictures) & np.isin(draws.vertices, list(self.vertices)))

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        """To the hull of the picture in the region, less specks and spikes; or to a member drawn once."""
        least = super()._distance_from_outside(examples)
        for hull in hulls(examples & self.wanted.region):
            member = self._contains(hull)
            changed = (hull != examples).sum(axis=(1, 2))
            least[member] = np.minimum(least[member], changed[member])
        return least

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        if not isinstance(other, ConvexSet):
            return None
        low = max(self.wanted.low, other.wanted.low)
        high = min(self.wanted.high, other.wanted.high)
        region = self.wanted.region & other.wanted.region
        return ConvexSet(self.grid, self.traits, self.vertices & other.vertices, (low, high), region)

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        low, high, mine = self.wanted
        return ConvexSet(self.grid, self.traits, self.vertices, (low, high), mine & region)

    def without(self, other: ExampleSet) -> ExampleSet | None:
        if not isinstance(other, ConvexSet):
            return None
        if not self.vertices & other.vertices:
            return self
        mine, others = self.wanted, other.wanted
        covered = (
            others.low <= mine.low and mine.high <= others.high and not (mine.region & ~others.region).any()
        )
        area = mine.low, mine.high
        left = self.vertices - other.vertices
        return ConvexSet(self.grid, self.traits, left, area, mine.region) if covered else None

    def keeps(self, motion: Any) -> bool:
        return not motion.shift and bool(motion.keeps(self.wanted.region))


def inside_ring(grid: Grid) -> NDArray[np.bool_]:
    """All pixels but the outer ring: bool[height, width]."""
    region = np.zeros(grid.shape, bool)
    region[1:-1, 1:-1] = True
    return region


def ringed(pictures: Pictures) -> Pictures:
    """Pictures with a ring of black pixels around them."""
    return np.pad(pictures, ((0, 0), (1, 1), (1, 1)))


@lru_cache(maxsize=4)
def _memory(shape: tuple[int, ...]) -> dict[bytes, int]:
    """Least numbers of vertices that were worked out, by the packed pixels of a picture of this shape."""
    return {}


def remembered_vertices(pictures: Pictures) -> NDArray[np.int64]:
    """`least_vertices`, each picture once: a search asks many sets about the same pictures."""
    memory = _memory(pictures.shape[1:])
    packed = np.packbits(pictures.reshape(len(pictures), -1), axis=1)
    keys = [row.tobytes() for row in packed]
    new = [i for i, key in enumerate(keys) if key not in memory]
    if new:
        if len(memory) > MEMORY:
            memory.clear()
            new = list(range(len(keys)))
        least = least_vertices(pictures[new]).tolist()
        memory.update(zip((keys[i] for i in new), least, strict=True))
    return np.array([memory[key] for key in keys], dtype=np.int64)


@lru_cache(maxsize=1024)
def share_of(grid: Grid, vertices: int, low: int, high: int, region: bytes) -> float:
    """Share of the pictures that need so many vertices among random polygons' up to the first of them.

    Random ones by a fixed seed, 15,360 in all, half of them with two vertices more, which often need fewer;
    fewer than 512 are not looked at. 0 where there is none. 1 or 0 where the convex pictures are listed.
    """
    wanted = Wanted(low, high, np.frombuffer(region, bool).reshape(grid.shape))
    most = min(high, int(wanted.region.sum()))
    if most < max(low, FEWEST_PIXELS.get(vertices, 1)):
        return 0.0
    listed = convex_members(grid)
    if listed is not None:
        return float((least_vertices(listed[wanted.holds(listed)]) == vertices).any())
    rng = np.random.Generator(np.random.PCG64(0))
    tried = 0
    for tries in (512, 1024, 2048, 4096):
        for spare in (0, 2):
            pictures = random_pictures(vertices + spare, wanted, tries, rng)
            good = np.count_nonzero(least_vertices(pictures, at_most=vertices) == vertices)
            tried += tries
            if good:
                return good / tried
    return 0.0


@lru_cache(maxsize=16)
def convex_members(grid: Grid) -> Pictures | None:
    """All convex pictures with a black outer ring, on grids up to 7x7; None on larger ones."""
    height, width = grid.height - 2, grid.width - 2
    if min(height, width) < 1:
        return np.zeros((0, *grid.shape), bool)
    if grid.size > COUNTABLE or convex_pictures(height, width).total > LISTABLE:
        return None
    return ringed(every_convex_picture(height, width))


class WeightedDraws(NamedTuple):
    """Draws of convex pictures with a black ring: bool[m, h, w], int[m], float[m]; a third for each tilt.

    The mean of [is one of some pictures] * weight estimates how many of these pictures there are.
    """

    pictures: Pictures
    vertices: NDArray[np.int64]
    weight: NDArray[np.float64]

    def estimate(self, chosen: NDArray[np.bool_]) -> tuple[float, float]:
        """How many pictures there are of those of which these draws were chosen, and the standard error."""
        parts = np.where(chosen, self.weight, 0.0).reshape(len(TILTS), -1)
        error = math.sqrt(parts.var(axis=1, ddof=1).sum() / parts.shape[1]) / len(TILTS)
        return float(parts.mean()), error


@lru_cache(maxsize=16)
def weighted_draws(grid: Grid) -> WeightedDraws:
    """The draws behind the estimates of all sets on a grid, by a fixed seed."""
    rng = np.random.Generator(np.random.PCG64(0))
    families = [convex_pictures(grid.height - 2, grid.width - 2, tilt) for tilt in TILTS]
    parts = [family.draw(DRAWS, rng) for family in families]
    pictures = ringed(np.concatenate([part.pictures for part in parts]))
    edges = np.concatenate([part.edges for part in parts])
    chance = np.mean([family.tilt**edges / family.total for family in families], axis=0)
    return WeightedDraws(pictures, least_vertices(pictures), 1.0 / chance)
