"""Random convex polygons: the declared law behind sets of convex pictures that have no uniform sampler.

A picture with v vertices is *angular* with probability 2^(v - 5 - side/8), at most 15/16, and else *round*;
the side is the lesser one of the region's box with a ring around it.

angular  drawn from all convex pictures in the box of the region, each edge of its hull making it
         4^(5 - side/4) times as probable, but at least four times (`grammars.convex_count`). Left out where
         the grid is too large to count them.
round    v vertices on a circle, the angles between them by a Dirichlet law (concentration 6), each pulled
         inwards by up to 15 %; stretched along a random axis to a ratio of axes between 1/e and e; scaled so
         that the square root of its area is uniform; placed uniformly where its bounding box holds no centres
         outside that of the region. Those that are not convex or do not fit are dropped.

The angular ones give every picture positive probability, and find the rare ones that need many vertices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grammars.convex_count import convex_pictures
from grammars.convexity import Pictures
from grammars.rasterise import rasterise_convex

Polygons = NDArray[np.float64]

CONCENTRATION = 6.0
PULL = 0.15

COUNTABLE = 24 * 24
"""Most pixels of a grid whose convex pictures are counted: the tables grow with the fifth power of a side."""


class Wanted(NamedTuple):
    """What the pictures must satisfy: white pixels between `low` and `high` in number, all in a region.

    region: bool[height, width].
    """

    low: int
    high: int
    region: Pictures

    def holds(self, pictures: Pictures) -> Pictures:
        """Whether they do: bool[n]."""
        white = np.count_nonzero(pictures, axis=(1, 2))
        inside = np.count_nonzero(pictures & self.region, axis=(1, 2))
        return np.asarray((self.low <= white) & (white <= self.high) & (inside == white))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The region's first and last row, first and last column; of an empty region all -1."""
        if not self.region.any():
            return -1, -1, -1, -1
        rows, columns = np.flatnonzero(self.region.any(axis=1)), np.flatnonzero(self.region.any(axis=0))
        return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])

    @property
    def side(self) -> int:
        """The lesser side of the box with a ring around it."""
        top, bottom, left, right = self.box
        return min(bottom - top, right - left) + 3


def random_pictures(vertices: int, wanted: Wanted, tries: int, rng: np.random.Generator) -> Pictures:
    """Pictures of random convex polygons that are as wanted: at most `tries`.

    The polygons have so many vertices; what is left of them on the grid may be had with fewer.
    """
    angular = int(rng.binomial(tries, angular_share(vertices, wanted)))
    polygons = round_polygons(vertices, wanted, tries - angular, rng)
    pictures = np.concatenate(
        [rasterise_convex(polygons, wanted.region.shape), angular_pictures(wanted, angular, rng)]
    )
    return rng.permutation(pictures[wanted.holds(pictures)])


def angular_share(vertices: int, wanted: Wanted) -> float:
    """Probability of an angular picture: the greater, the rarer so many vertices are in so small a box."""
    if wanted.region.size > COUNTABLE:
        return 0.0
    return float(min(15 / 16, 2.0 ** (vertices - 5 - wanted.side / 8)))


def angular_pictures(wanted: Wanted, n: int, rng: np.random.Generator) -> Pictures:
    """The angular ones of n tries: bool[n, height, width]."""
    top, bottom, left, right = wanted.box
    pictures = np.zeros((n, *wanted.region.shape), bool)
    if n and top >= 0:
        tilt = max(4.0, 4.0 ** (5 - wanted.side / 4))
        family = convex_pictures(bottom - top + 1, right - left + 1, tilt)
        pictures[:, top : bottom + 1, left : right + 1] = family.draw(n, rng).pictures
    return pictures


def round_polygons(vertices: int, wanted: Wanted, tries: int, rng: np.random.Generator) -> Polygons:
    """The round ones of `tries`: float[m, v, 2], m <= tries."""
    gaps = rng.dirichlet(np.full(vertices, CONCENTRATION), tries)
    angle = 2 * np.pi * (np.cumsum(gaps, axis=1) + rng.random((tries, 1)))
    radius = 1 - PULL * rng.random((tries, vertices))
    polygons = radius[..., None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1)

    stretch = np.exp(rng.uniform(-0.5, 0.5, (tries, 1, 1)))
    polygons *= np.concatenate([stretch, 1 / stretch], axis=-1)
    polygons = polygons @ _turns(rng.uniform(0, np.pi, tries))
    side = rng.uniform(0.95 * np.sqrt(wanted.low), 1.02 * np.sqrt(wanted.high), tries)
    polygons *= (side / np.sqrt(np.abs(signed_areas(polygons))))[:, None, None]

    top, bottom, left, right = wanted.box
    low, high = polygons.min(axis=1), polygons.max(axis=1)
    slack = np.array([bottom - top + 2.0, right - left + 2.0]) - (high - low)
    polygons += (np.array([top - 1.0, left - 1.0]) + rng.random((tries, 2)) * slack - low)[:, None]
    return polygons[(slack > 0).all(axis=1) & in_convex_position(polygons)]


def signed_areas(polygons: Polygons) -> NDArray[np.float64]:
    """Areas by the shoelace formula, positive in the sense of `in_convex_position`: float[n]."""
    after = np.roll(polygons, -1, axis=1)
    return 0.5 * _cross(polygons, after).sum(axis=1)


def in_convex_position(polygons: Polygons) -> Pictures:
    """Whether polygons that wind once around a point of theirs turn the same way at every vertex: bool[n]."""
    edges = np.roll(polygons, -1, axis=1) - polygons
    turns = _cross(edges, np.roll(edges, -1, axis=1))
    return np.asarray((turns > 0).all(axis=1) | (turns < 0).all(axis=1))


def _cross(a: Polygons, b: Polygons) -> Polygons:
    return a[..., 1] * b[..., 0] - a[..., 0] * b[..., 1]


def _turns(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices float[n, 2, 2]."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)
