"""How many convex pictures there are, exactly; uniform draws of them; all of them on a small grid.

A convex picture is the lattice points of a convex lattice polygon, the hull of its white centres, and
different pictures have different hulls. A hull falls apart at its lowest-leftmost vertex s and its
highest-rightmost vertex t into a chain up from s to t and a chain down from t to s, which is a chain up once
turned by half a turn. A chain up uses each primitive direction with an angle in [0, π) at most once, in the
order of the angles, as a whole multiple. So the number of chains from s to any t obeys one recursion over the
directions, and the number of pictures is a sum of products: 1, 15, 213, 2855, ... on n x n squares.

An edge may be given a weight `tilt`, so that pictures with few edges, rare among all, are drawn often enough
to be counted by importance sampling.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from math import atan2, gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grammars.convexity import Pictures, fill_hull, is_convex

Integers = NDArray[np.int64]


class Draws(NamedTuple):
    """Convex pictures bool[n, h, w] and the number of edges of their hulls int[n] (a segment has 2)."""

    pictures: Pictures
    edges: Integers


class ConvexPictures:
    """The convex pictures of a height x width grid, each with the weight tilt ** edges.

    `reach[k][x, r, c]`: weight of the chains up from (0, x) to (r, c) that use the first k directions only.
    """

    def __init__(self, height: int, width: int, tilt: float = 1.0) -> None:
        self.height, self.width, self.tilt = height, width, tilt
        self.steps = sorted(
            (
                (dy, dx)
                for dy in range(height)
                for dx in range(1 - width, width)
                if gcd(dy, dx) == 1 and (dy > 0 or dx > 0)
            ),
            key=lambda d: atan2(d[0], d[1]),
        )
        start = np.zeros((width, height, width))
        start[np.arange(width), 0, np.arange(width)] = 1.0
        self.reach = [start]
        for step in self.steps:
            self.reach.append(_extended(self.reach[-1], step, tilt))

    @cached_property
    def pairs(self) -> NDArray[np.float64]:
        """Weight of the pictures whose chains run from (r0, x) to (r0 + r, c), for all r0: [x, r, c]."""
        up = self.reach[-1]
        down = up[::-1, :, ::-1].transpose(2, 1, 0)
        return up * down * (self.height - np.arange(self.height))[:, None]

    @cached_property
    def total(self) -> float:
        """Weight of all convex pictures; their number, without tilt."""
        return float(self.pairs.sum())

    def draw(self, n: int, rng: np.random.Generator) -> Draws:
        """n independent convex pictures, each with a probability proportional to its weight."""
        chosen = rng.choice(self.pairs.size, n, p=self.pairs.ravel() / self.total)
        x, rows, column = np.unravel_index(chosen, self.pairs.shape)
        up, edges_up = self._chains(x, rows, column, rng)
        down, edges_down = self._chains(self.width - 1 - column, rows, self.width - 1 - x, rng)
        corners = np.zeros((n, self.height, self.width), bool)
        lowest = rng.integers(0, self.height - rows)
        which, r, c = np.nonzero(up)
        corners[which, lowest[which] + r, c] = True
        which, r, c = np.nonzero(down)
        corners[which, lowest[which] + rows[which] - r, self.width - 1 - c] = True
        return Draws(fill_hull(corners), edges_up + edges_down)

    def _chains(
        self, x: Integers, rows: Integers, column: Integers, rng: np.random.Generator
    ) -> tuple[Pictures, Integers]:
        """Vertices of random chains from (0, x) to (rows, column), found from their ends backwards."""
        each = np.arange(len(x))
        corners = np.zeros((len(x), self.height, self.width), bool)
        edges = np.zeros(len(x), np.int64)
        r, c = rows.copy(), column.copy()
        corners[each, r, c] = True
        for k in range(len(self.steps) - 1, -1, -1):
            dy, dx = self.steps[k]
            # A share of reach[k + 1] comes by t = 0 multiples of this step, the rest by t = 1, 2, ...
            point = rng.random(len(x)) * self.reach[k + 1][x, r, c] - self.reach[k][x, r, c]
            left = each[point > 0]
            t = 0
            while len(left):
                t += 1
                from_r, from_c = r[left] - t * dy, c[left] - t * dx
                on_grid = (from_r >= 0) & (from_c >= 0) & (from_c < self.width)
                left, from_r, from_c = left[on_grid], from_r[on_grid], from_c[on_grid]
                point[left] -= self.tilt * self.reach[k][x[left], from_r, from_c]
                here = point[left] <= 0
                done = left[here]
                r[done], c[done] = from_r[here], from_c[here]
                corners[done, r[done], c[done]] = True
                edges[done] += 1
                left = left[~here]
        return corners, edges


def _extended(reach: NDArray[np.float64], step: tuple[int, int], tilt: float) -> NDArray[np.float64]:
    """Chains that may use one direction more."""
    _, height, width = reach.shape
    dy, dx = step
    longer = reach.copy()
    t = 1
    while t * dy < height and t * abs(dx) < width:
        to = (slice(None), slice(t * dy, None), slice(max(0, t * dx), width + min(0, t * dx)))
        origin = (slice(None), slice(None, height - t * dy), slice(max(0, -t * dx), width - max(0, t * dx)))
        longer[to] += tilt * reach[origin]
        t += 1
    return longer


@lru_cache(maxsize=12)
def convex_pictures(height: int, width: int, tilt: float = 1.0) -> ConvexPictures:
    """`ConvexPictures`, kept for the next caller."""
    return ConvexPictures(height, width, tilt)


@lru_cache(maxsize=4)
def every_convex_picture(height: int, width: int) -> Pictures:
    """All convex pictures bool[n, height, width], in ascending order of rows.

    Row by row: what a convex picture has in its first rows is convex (or black) as well.
    """
    runs = [np.zeros(width, bool)]
    for first in range(width):
        for last in range(first, width):
            runs.append((np.arange(width) >= first) & (np.arange(width) <= last))
    found = np.zeros((1, height, width), bool)
    for row in range(height):
        longer = np.repeat(found, len(runs), axis=0)
        longer[:, row] = np.tile(np.array(runs), (len(found), 1))
        found = longer[is_convex(longer) | ~longer.any(axis=(1, 2))]
    return found[found.any(axis=(1, 2))]
