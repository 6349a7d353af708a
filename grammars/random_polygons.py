"""Random convex polygons: the declared law behind sets of convex pictures that have no uniform sampler.

One polygon in sixteen is *scattered*, the others are *round*:

round      v vertices on a circle, the angles between them by a Dirichlet law (concentration 6), each pulled
           inwards by up to 15 %; stretched along a random axis to a ratio of axes between 1/e and e;
           scaled so that the square root of its area is uniform; placed uniformly where its bounding box
           keeps off the outer ring of pixel centres. Those that are not convex or do not fit are dropped.
scattered  v independent points, uniform in a square whose side is at least the grid's and has an
           exponential tail, the square centred anywhere on the grid; dropped unless in convex position.

The scattered ones are for completeness: every convex polygon with v vertices has positive density among them,
so every picture of a stratum has positive probability.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grammars.convexity import Pictures
from grammars.rasterise import rasterise_convex

Polygons = NDArray[np.float64]

CONCENTRATION = 6.0
PULL = 0.15
SCATTERED = 1 / 16


def random_pictures(
    shape: tuple[int, int], vertices: int, area: tuple[int, int], tries: int, rng: np.random.Generator
) -> Pictures:
    """Pictures of random convex polygons with an area in range and a black outer ring: at most `tries`.

    The polygons have so many vertices; what is left of them on the grid may be had with fewer.
    """
    scattered = rng.binomial(tries, SCATTERED)
    parts = [
        round_polygons(shape, vertices, area, tries - scattered, rng),
        scattered_polygons(shape, vertices, scattered, rng),
    ]
    pictures = rasterise_convex(np.concatenate(parts), shape)[rng.permutation(sum(map(len, parts)))]
    return pictures[in_range(pictures, area)]


def in_range(pictures: Pictures, area: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether the number of white pixels is within bounds and the outer ring of pixels is black: bool[n]."""
    white = pictures.sum(axis=(1, 2))
    inner = pictures[:, 1:-1, 1:-1].sum(axis=(1, 2))
    return (area[0] <= white) & (white <= area[1]) & (inner == white)


def round_polygons(
    shape: tuple[int, int], vertices: int, area: tuple[int, int], tries: int, rng: np.random.Generator
) -> Polygons:
    """The round ones of `tries`: float[m, v, 2], m <= tries."""
    gaps = rng.dirichlet(np.full(vertices, CONCENTRATION), tries)
    angle = 2 * np.pi * (np.cumsum(gaps, axis=1) + rng.random((tries, 1)))
    radius = 1 - PULL * rng.random((tries, vertices))
    polygons = radius[..., None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1)

    stretch = np.exp(rng.uniform(-0.5, 0.5, (tries, 1, 1)))
    polygons *= np.concatenate([stretch, 1 / stretch], axis=-1)
    polygons = polygons @ _turns(rng.uniform(0, np.pi, tries))
    side = rng.uniform(0.95 * np.sqrt(area[0]), 1.02 * np.sqrt(area[1]), tries)
    polygons *= (side / np.sqrt(np.abs(signed_areas(polygons))))[:, None, None]

    low, high = polygons.min(axis=1), polygons.max(axis=1)
    slack = np.array(shape) - 1.0 - (high - low)
    polygons += (rng.random((tries, 2)) * slack - low)[:, None]
    return polygons[(slack > 0).all(axis=1) & in_convex_position(polygons)]


def scattered_polygons(
    shape: tuple[int, int], vertices: int, tries: int, rng: np.random.Generator
) -> Polygons:
    """The scattered ones of `tries`: float[m, v, 2], m <= tries."""
    side = max(shape) * (1 + rng.exponential(0.5, (tries, 1, 1)))
    centre = rng.random((tries, 1, 2)) * np.array(shape) - 0.5
    polygons = centre + side * (rng.random((tries, vertices, 2)) - 0.5)
    from_middle = polygons - polygons.mean(axis=1, keepdims=True)
    order = np.argsort(np.arctan2(from_middle[..., 0], from_middle[..., 1]), axis=1)
    polygons = np.take_along_axis(polygons, order[..., None], axis=1)
    return polygons[in_convex_position(polygons)]


def signed_areas(polygons: Polygons) -> NDArray[np.float64]:
    """Areas by the shoelace formula, positive in the sense of `in_convex_position`: float[n]."""
    after = np.roll(polygons, -1, axis=1)
    return 0.5 * _cross(polygons, after).sum(axis=1)


def in_convex_position(polygons: Polygons) -> NDArray[np.bool_]:
    """Whether polygons that wind once around a point of theirs turn the same way at every vertex: bool[n]."""
    edges = np.roll(polygons, -1, axis=1) - polygons
    turns = _cross(edges, np.roll(edges, -1, axis=1))
    return (turns > 0).all(axis=1) | (turns < 0).all(axis=1)


def _cross(a: Polygons, b: Polygons) -> Polygons:
    return a[..., 1] * b[..., 0] - a[..., 0] * b[..., 1]


def _turns(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices float[n, 2, 2]."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)
