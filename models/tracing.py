"""From pictures back to polygons: the roomiest of those with the fewest vertices that draw a picture.

A place is (row, column) and pixel (r, c) has its centre at (r, c). Turned to the outward direction θ, a side
that touches the white centres w leaves a centre b outside by g_b(θ) = b·θ - max_w w·θ. Sides in directions
θ_1 ... θ_k, neighbours less than 180° apart, bound a polygon that draws the picture iff each black centre is
left outside by one of them. The directions with g_b >= m are an arc for every m >= 0, so the fewest
directions that meet every black centre's arc are found by a greedy chain from each start, and the greatest m
for which as few do, by bisection. Then the sides are turned, one after another, to where all black centres
are as far outside as they can be, and each is moved half-way out to the next black centre: the polygon with
the most room to err.

The directions are taken from a finite list, with one between any two neighbouring directions that join pixel
centres. So the number of vertices is exact, but for polygons with a corner sharper than 180° - `WIDEST`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Pictures = NDArray[np.bool_]

EVENLY = 360
"""Directions spread evenly, besides those between neighbouring directions of pixel centres."""

WIDEST = np.radians(165.0)
"""Angle between neighbouring sides at most: no corner is sharper than 15°, nor far from its picture."""

NARROWEST = np.radians(8.0)
"""Angle between neighbouring sides at least, where they can be turned."""

ROOM = 0.08
"""A black centre's cost falls by a factor e each so many pixels that it is further outside."""

OUTSIDE = 1e-5
"""How far outside a centre must be, in pixels: more than rounding, less than any lattice gives."""

BISECTIONS, SWEEPS, TOGETHER = 9, 4, 64
FULL_TURN = 2 * np.pi


class Polygons(NamedTuple):
    """Polygons float64[n, most, 2], (row, column) in order, and their numbers of vertices int64[n].

    Beyond its number a polygon repeats its first vertex. The number of a picture without white is 0.
    """

    vertices: Floats
    number: NDArray[np.int64]


class Compass(NamedTuple):
    """Directions float64[a] in ascending order, and from each the last that is not too wide (unrolled)."""

    angles: Floats
    reach: NDArray[np.int64]


class Chains(NamedTuple):
    """From each direction: how far the next side may turn at most, and how many sides close the chain."""

    step: NDArray[np.int64]
    length: NDArray[np.int64]


def traced(pictures: Pictures, most: int) -> Polygons:
    """The polygons of pictures bool[n, h, w], with at most so many vertices.

    A picture that is not convex is taken for the hull of its white centres. Where that needs more vertices
    than `most`, sides may cut off white centres, as little as a chain of so many can.
    """
    vertices, count = np.zeros((len(pictures), most, 2)), np.zeros(len(pictures), np.int64)
    compass = compass_of(*pictures.shape[1:])
    for chosen, beyond, support in batches(pictures, compass):
        k = np.minimum(chains(beyond, np.full(len(chosen), OUTSIDE), compass, most).length.min(axis=1), most)
        margin = widest_margin(beyond, k, compass)
        found = chains(beyond, margin, compass, most)
        start = found.length.argmin(axis=1)
        for number in np.unique(k):
            own = np.flatnonzero(k == number)
            sides = sides_of(found.step[own], start[own], number)
            sides = turned(beyond[own], sides, compass)
            corners = corners_of(beyond[own], support[own], sides, compass)
            vertices[chosen[own], :number] = corners
            vertices[chosen[own], number:] = corners[:, :1]
        count[chosen] = k
    return Polygons(vertices, count)


def fewest_vertices(pictures: Pictures, most: int) -> NDArray[np.int64]:
    """The numbers of vertices that `traced` gives: int64[n]."""
    count = np.zeros(len(pictures), np.int64)
    compass = compass_of(*pictures.shape[1:])
    for chosen, beyond, _ in batches(pictures, compass):
        found = chains(beyond, np.full(len(chosen), OUTSIDE), compass, most)
        count[chosen] = np.minimum(found.length.min(axis=1), most)
    return count


@lru_cache(maxsize=16)
def compass_of(height: int, width: int) -> Compass:
    """The directions to look in on a grid."""
    rows, columns = range(1 - max(height, 2), max(height, 2)), range(1 - max(width, 2), max(width, 2))
    joining = np.array(sorted(np.arctan2(r, c) for r in rows for c in columns if gcd(r, c) == 1))
    between = (joining + np.append(joining[1:], joining[0] + FULL_TURN)) / 2
    evenly = (np.arange(EVENLY) + 0.5) / EVENLY * FULL_TURN - np.pi
    angles = np.sort(np.concatenate([between, evenly]))
    unrolled = np.concatenate([angles, angles + FULL_TURN])
    return Compass(angles, np.searchsorted(unrolled, angles + WIDEST, side="right") - 1)


def batches(pictures: Pictures, compass: Compass) -> Iterator[tuple[NDArray[np.int64], Floats, Floats]]:
    """Places of pictures with white, g float32[m, h * w, a] (infinite in the hull), and max_w w·θ [m, a]."""
    _, height, width = pictures.shape
    rows, columns = np.divmod(np.arange(height * width), width)
    along = np.sin(compass.angles) * rows[:, None] + np.cos(compass.angles) * columns[:, None]
    along = along.astype(np.float32)
    lit = np.flatnonzero(pictures.any(axis=(1, 2)))
    for first in range(0, len(lit), TOGETHER):
        chosen = lit[first : first + TOGETHER]
        white = pictures[chosen].reshape(len(chosen), -1)
        support = np.stack([along[own].max(axis=0) for own in white])
        beyond = along - support[:, None]
        beyond[beyond.max(axis=2) < OUTSIDE] = np.inf
        yield chosen, beyond, support


def chains(beyond: Floats, margin: Floats, compass: Compass, most: int) -> Chains:
    """The greedy chains of sides that leave every black centre outside by a margin float[n].

    A chain that does not close with `most` sides, or cannot reach some centre, has length most + 1.
    """
    met = beyond >= margin[:, None, None]
    n, _, a = met.shape
    width = np.count_nonzero(met, axis=2)
    first = (met & ~np.roll(met, 1, axis=2)).argmax(axis=2)
    last = np.full((n, a), 3 * a)  # the last direction that meets the arcs which begin here
    picture, centre = np.nonzero(width < a)
    begin = first[picture, centre]
    np.minimum.at(last, (picture, begin), begin + width[picture, centre] - 1)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    after = np.concatenate([last[:, 1:], last[:, :1] + a], axis=1)
    step = np.minimum(np.minimum(compass.reach, after), last[:, :1] + a) - np.arange(a)

    place, gone = np.broadcast_to(np.arange(a), (n, a)), np.zeros((n, a), np.int64)
    length = np.full((n, a), most + 1)
    for sides in range(1, most + 1):
        stride = np.take_along_axis(step, place, axis=1)
        gone = gone + stride
        place = (place + stride) % a
        if sides >= 3:
            length[(gone >= a) & (length > most)] = sides
    length[(width == 0).any(axis=1)] = most + 1
    return Chains(step, length)


def widest_margin(beyond: Floats, count: NDArray[np.int64], compass: Compass) -> Floats:
    """The greatest margin, up to 1, by which so many sides leave every black centre outside: float[n]."""
    most = int(count.max())
    low, high = np.full(len(beyond), OUTSIDE), np.ones(len(beyond))
    # Too few vertices were allowed: a margin below 0, at the worst so wide that nothing need be cut.
    hopeless = chains(beyond, low, compass, most).length.min(axis=1) > count
    low[hopeless], high[hopeless] = -float(sum(beyond.shape[1:])), OUTSIDE
    for _ in range(BISECTIONS if not hopeless.any() else 2 * BISECTIONS):
        middle = (low + high) / 2
        enough = chains(beyond, middle, compass, most).length.min(axis=1) <= count
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    return low


def sides_of(step: NDArray[np.int64], start: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Places in the compass of the first `count` sides of chains, in ascending order: int64[n, count]."""
    a = step.shape[1]
    places = [start]
    for _ in range(count - 1):
        places.append(places[-1] + step[np.arange(len(step)), places[-1] % a])
    sides = np.stack(places, axis=1)
    return np.asarray(np.sort(np.minimum(sides, sides[:, :1] + a - 1) % a, axis=1))


def turned(beyond: Floats, sides: NDArray[np.int64], compass: Compass) -> NDArray[np.int64]:
    """Sides where the sum over black centres of exp(-distance outside / ROOM) is least, side by side."""
    cost = np.exp(-np.clip(beyond, -1.0, 1.5) / ROOM)
    cost[np.isinf(beyond)] = 0.0
    count = sides.shape[1]
    for _ in range(SWEEPS):
        for j in range(count):
            others = np.take_along_axis(cost, np.delete(sides, j, axis=1)[:, None], axis=2).min(axis=2)
            total = np.minimum(others[:, :, None], cost).sum(axis=1)
            before, next_one = compass.angles[sides[:, j - 1]], compass.angles[sides[:, (j + 1) % count]]
            since = (compass.angles - before[:, None]) % FULL_TURN
            until = (next_one[:, None] - compass.angles) % FULL_TURN
            between = np.abs(since + until - ((next_one - before) % FULL_TURN)[:, None]) < 1e-6
            allowed = between & (np.minimum(since, until) > NARROWEST) & (np.maximum(since, until) < WIDEST)
            allowed[np.arange(len(sides)), sides[:, j]] = True
            sides[:, j] = np.where(allowed, total, np.inf).argmin(axis=1)
    return sides


def corners_of(beyond: Floats, support: Floats, sides: NDArray[np.int64], compass: Compass) -> Floats:
    """Each side half-way out to the nearest black centre that it is there for; where neighbours meet."""
    outside = np.take_along_axis(beyond, sides[:, None], axis=2)
    nearest = outside.max(axis=2, keepdims=True)
    outside = np.where((outside == nearest) & np.isfinite(nearest), outside, 1.0)
    offset = np.take_along_axis(support, sides, axis=1) + np.minimum(outside.min(axis=1), 1.0) / 2
    down, right = np.sin(compass.angles[sides]), np.cos(compass.angles[sides])
    down_next, right_next = np.roll(down, -1, axis=1), np.roll(right, -1, axis=1)
    offset_next = np.roll(offset, -1, axis=1)
    area = down * right_next - right * down_next
    row = (offset * right_next - offset_next * right) / area
    column = (down * offset_next - down_next * offset) / area
    return np.stack([row, column], axis=2)
