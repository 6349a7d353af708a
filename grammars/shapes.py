"""Shapes: one or several polygons in the plane of a grid, as arrays of vertices, and their pictures.

A polygon is float[v, 2], (row, column), in order. Every vertex is rounded to a multiple of 2^-12, so that the
same sentence gives the same pictures on every machine and centres on an edge are decided exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from grammars.convexity import Pictures
from grammars.rasterise import rasterise

Polygon = NDArray[np.float64]
Shape = tuple[Polygon, ...]
Place = tuple[float, float]

MOST_POLYGONS = 4096
"""Longest shape; what would come after is left out."""


def rounded(vertices: NDArray[np.float64]) -> Polygon:
    return np.round(np.asarray(vertices, np.float64) * 4096.0) / 4096.0


def polygon_through(points: list[Place]) -> Polygon:
    """The polygon with these vertices in this order."""
    return rounded(np.array(points))


def hull_of(points: list[Place]) -> Polygon:
    """The convex hull of points, its vertices in order; a segment or a point where they span no area."""
    places = np.unique(np.array(points), axis=0)
    try:
        return rounded(places[ConvexHull(places).vertices])
    except (
        QhullError,
        ValueError,
    ):  # Fewer than three points, or all on a line: the ends of the sorted list.
        return rounded(places[[0, -1]])


def regular_polygon(n: int, radius: float, centre: Place, angle: float) -> Polygon:
    """n vertices on a circle, the first one `angle` degrees clockwise from straight up."""
    turn = np.radians(angle) + 2 * np.pi * np.arange(n) / n
    return rounded(np.array(centre) + radius * np.stack([-np.cos(turn), np.sin(turn)], axis=-1))


def star_polygon(n: int, outer: float, inner: float, centre: Place, angle: float) -> Polygon:
    """2n vertices, by turns on two circles, the first one on the outer, `angle` degrees from straight up."""
    turn = np.radians(angle) + np.pi * np.arange(2 * n) / n
    radius = np.where(np.arange(2 * n) % 2 == 0, outer, inner)[:, None]
    return rounded(np.array(centre) + radius * np.stack([-np.cos(turn), np.sin(turn)], axis=-1))


def rectangle_around(height: float, width: float, centre: Place, angle: float) -> Polygon:
    """A rectangle turned clockwise by `angle` degrees about its centre."""
    corners = 0.5 * np.array([(-height, -width), (-height, width), (height, width), (height, -width)])
    return rounded(np.array(centre) + corners @ _turn(angle))


def turned(shape: Shape, n: int) -> Shape:
    """Each polygon in n positions, turned about its centre of mass by equal steps of a full turn."""
    found = []
    for polygon in shape[:MOST_POLYGONS]:
        centre = centre_of_mass(polygon)
        found += [rounded(centre + (polygon - centre) @ _turn(360.0 * i / n)) for i in range(n)]
    return tuple(found[:MOST_POLYGONS])


def scaled(shape: Shape, factors: list[float]) -> Shape:
    """Each polygon in several sizes about its centre of mass."""
    found = []
    for polygon in shape:
        centre = centre_of_mass(polygon)
        found += [rounded(centre + factor * (polygon - centre)) for factor in factors]
    return tuple(found[:MOST_POLYGONS])


def mirrored(shape: Shape) -> Shape:
    """Each polygon and its mirror image, left and right exchanged, about its centre of mass."""
    found = []
    for polygon in shape:
        centre = centre_of_mass(polygon)
        found += [polygon, rounded(centre + (polygon - centre) * np.array([1.0, -1.0]))]
    return tuple(found[:MOST_POLYGONS])


def shifted(shape: Shape, step: float, grid_shape: tuple[int, int]) -> Shape:
    """Each polygon wherever multiples of a step take it without meeting the outer ring of pixel centres."""
    found: list[Polygon] = []
    for polygon in shape:
        rows, columns = (
            _shifts(polygon[:, axis].min(), polygon[:, axis].max(), step, grid_shape[axis] - 1.0)
            for axis in (0, 1)
        )
        found += [rounded(polygon + np.array([down, right])) for down in rows for right in columns]
        if len(found) >= MOST_POLYGONS:
            break
    return tuple(found[:MOST_POLYGONS])


def _shifts(low: float, high: float, step: float, end: float) -> NDArray[np.float64]:
    """Multiples of `step` that take the interval from low to high strictly between 0 and `end`."""
    multiples = np.arange(np.floor(-low / step) + 1, np.ceil((end - high) / step))
    return multiples * step


def pictures_of(shape: Shape, grid_shape: tuple[int, int]) -> Pictures:
    """The picture of each polygon that contains a centre: bool[n, h, w], in order, equal ones once."""
    longest = max((len(polygon) for polygon in shape), default=1)
    padded = np.zeros((len(shape), longest, 2))
    for row, polygon in zip(padded, shape, strict=True):
        row[: len(polygon)] = polygon
        row[len(polygon) :] = polygon[-1]
    pictures = rasterise(padded, grid_shape)
    return pictures[pictures.any(axis=(1, 2))]


def centre_of_mass(polygon: Polygon) -> NDArray[np.float64]:
    """Of the area where there is any, else the mean of the vertices."""
    origin = polygon.mean(axis=0)
    here = polygon - origin
    after = np.roll(here, -1, axis=0)
    cross = here[:, 0] * after[:, 1] - here[:, 1] * after[:, 0]
    if abs(cross.sum()) < 1e-6:
        return np.asarray(origin)
    return np.asarray(origin + (cross[:, None] * (here + after)).sum(axis=0) / (3 * cross.sum()))


def _turn(degrees: float) -> NDArray[np.float64]:
    """Matrix that turns a row vector (row, column) clockwise as seen on the grid, rows running down."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin], [sin, cos]])
