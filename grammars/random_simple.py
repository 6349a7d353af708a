"""Random polygons that are not convex: the declared laws behind sets of simple and of star-shaped polygons.

A polygon has 4 to so many vertices, each number as probable.

star    vertices around a centre, the angles between them by a Dirichlet law (concentration 4) but below π,
        their distances from it uniform between a quarter and the whole of the greatest
simple  vertices uniform in a square, in a random order; while edges cross, the way between two that do is
        reversed (2-opt). Those that still cross after 64 rounds are dropped

Both are stretched along a random axis to a ratio of axes between 1/e and e, scaled so that the square root of
the area is uniform, and placed uniformly where the bounding box holds no centres outside that of the region.
What does not fit, or is not as wanted, or is convex, or not one piece without a hole, is dropped.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grammars.boundary import is_whole
from grammars.convexity import Pictures, is_convex
from grammars.random_polygons import Polygons, Wanted, signed_areas
from grammars.rasterise import rasterise
from grammars.shapes import rounded

FEWEST = 4
CONCENTRATION = 4.0
ROUNDS = 64


def random_pictures(
    star: bool, vertices: int, wanted: Wanted, tries: int, rng: np.random.Generator
) -> Pictures:
    """Pictures of random polygons with at most so many vertices that are as wanted, not convex, one piece
    without a hole: at most `tries`."""
    polygons = random_polygons(star, vertices, wanted, tries, rng)
    pictures = rasterise(polygons, wanted.region.shape)
    pictures = pictures[wanted.holds(pictures)]
    pictures = pictures[is_whole(pictures)]
    return pictures[~is_convex(pictures)]


def random_polygons(
    star: bool, vertices: int, wanted: Wanted, tries: int, rng: np.random.Generator
) -> Polygons:
    """float[m, vertices, 2], m <= tries; of one with fewer vertices the last is repeated."""
    parts = []
    counts = range(FEWEST, vertices + 1)
    for count, share in zip(
        counts, rng.multinomial(tries, np.full(len(counts), 1 / len(counts))), strict=True
    ):
        polygons = star_polygons(count, share, rng) if star else untangled(rng.random((share, count, 2)))
        polygons = placed(polygons, wanted, rng)
        parts.append(np.pad(polygons, ((0, 0), (0, vertices - count), (0, 0)), mode="edge"))
    return rng.permutation(np.concatenate(parts))


def star_polygons(vertices: int, n: int, rng: np.random.Generator) -> Polygons:
    """Star-shaped ones about the origin, at most n: float[m, v, 2]."""
    gaps = rng.dirichlet(np.full(vertices, CONCENTRATION), n)
    gaps = gaps[gaps.max(axis=1) < 0.5]
    angle = 2 * np.pi * (np.cumsum(gaps, axis=1) + rng.random((len(gaps), 1)))
    return rng.uniform(0.25, 1.0, (len(gaps), vertices, 1)) * np.stack(
        [np.sin(angle), np.cos(angle)], axis=-1
    )


def untangled(polygons: Polygons) -> Polygons:
    """Closed ways float[n, v, 2] by 2-opt moves until no edges cross; those that still do are left out."""
    n, vertices = polygons.shape[:2]
    tangled = np.arange(n)
    places = np.arange(vertices)
    for _ in range(ROUNDS):
        crossed = np.zeros(len(tangled), bool)
        for i in range(vertices - 1):
            for j in range(i + 2, vertices - (i == 0)):
                ways = polygons[tangled]
                cross = _cross(ways[:, i], ways[:, i + 1], ways[:, j], ways[:, (j + 1) % vertices])
                reversed_part = np.where((places > i) & (places <= j), i + 1 + j - places, places)
                polygons[tangled[cross]] = ways[cross][:, reversed_part]
                crossed |= cross
        tangled = tangled[crossed]
        if not len(tangled):
            break
    return np.delete(polygons, tangled, axis=0)


def placed(polygons: Polygons, wanted: Wanted, rng: np.random.Generator) -> Polygons:
    """Stretched, scaled and placed; those that fit."""
    n = len(polygons)
    turn = rng.uniform(0, np.pi, n)
    axis = np.stack([np.cos(turn), np.sin(turn)], axis=-1)[:, None]
    stretch = np.exp(rng.uniform(-0.5, 0.5, (n, 1, 1)))
    polygons = polygons / stretch + (polygons * axis).sum(axis=-1, keepdims=True) * axis * (
        stretch - 1 / stretch
    )
    side = rng.uniform(0.95 * np.sqrt(wanted.low), 1.02 * np.sqrt(max(wanted.low, wanted.high)), n)
    areas = np.maximum(np.abs(signed_areas(polygons)), 1e-9)
    polygons = polygons * (side / np.sqrt(areas))[:, None, None]
    top, bottom, left, right = wanted.box
    low, high = polygons.min(axis=1), polygons.max(axis=1)
    slack = np.array([bottom - top + 2.0, right - left + 2.0]) - (high - low)
    fits = (slack > 0).all(axis=1)
    places = np.array([top - 1.0, left - 1.0]) + rng.random((n, 2)) * slack - low
    return rounded((polygons + places[:, None])[fits])


def _cross(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> Pictures:
    """Whether the edges from a to b and from c to d cross: bool[n]."""
    return np.asarray((_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0))


def _side(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    return (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) - (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1])
