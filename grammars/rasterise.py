"""Polygons to pictures: a pixel is white when its centre lies inside the polygon.

A place is (row, column) and pixel (r, c) has its centre at (r, c), so it covers r ± 1/2, c ± 1/2. Polygons
are closed: a centre on an edge or at a vertex is inside. Where edges cross, the even-odd rule decides.
Vertices on multiples of a quarter are treated exactly, others to the rounding of float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rasterise(vertices: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pictures of n polygons, vertices float[n, v, 2] in order as (row, column) -> bool[n, height, width].

    The polygon closes itself. A vertex may be repeated, so polygons of several vertex counts fit one array.
    """
    corners = np.asarray(vertices, np.float64)
    row, column = _centres(shape)
    inside = np.zeros((len(corners), *shape), bool)
    edge = np.zeros_like(inside)
    for i in range(corners.shape[1]):
        y0, x0 = _coordinates(corners[:, i - 1])
        y1, x1 = _coordinates(corners[:, i])
        side = (x1 - x0) * (row - y0) - (column - x0) * (y1 - y0)  # positive on one side of the line
        # The half-line from the centre towards greater columns crosses the edge.
        inside ^= ((y0 <= row) & (row < y1) & (side > 0)) | ((y1 <= row) & (row < y0) & (side < 0))
        within_rows = (np.minimum(y0, y1) <= row) & (row <= np.maximum(y0, y1))
        within_columns = (np.minimum(x0, x1) <= column) & (column <= np.maximum(x0, x1))
        edge |= (side == 0) & within_rows & within_columns
    return inside | edge


def rasterise_convex(vertices: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """`rasterise` for convex polygons in either orientation, faster; vertices may be repeated."""
    corners = np.asarray(vertices, np.float64)
    row, column = _centres(shape)
    # A polygon squeezed flat is a segment: its line ends at the bounding box.
    (top, left), (bottom, right) = _coordinates(corners.min(axis=1)), _coordinates(corners.max(axis=1))
    one_side = (top <= row) & (row <= bottom) & (left <= column) & (column <= right)
    other_side = one_side.copy()
    for i in range(corners.shape[1]):
        y0, x0 = _coordinates(corners[:, i - 1])
        y1, x1 = _coordinates(corners[:, i])
        side = (x1 - x0) * (row - y0) - (column - x0) * (y1 - y0)
        one_side &= side >= 0
        other_side &= side <= 0
    return one_side | other_side


def _centres(shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows float[height, 1] and columns float[width] of the pixel centres."""
    return np.arange(shape[0], dtype=np.float64)[:, None], np.arange(shape[1], dtype=np.float64)


def _coordinates(places: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns of places float[n, 2], each float[n, 1, 1]."""
    return places[:, 0, None, None], places[:, 1, None, None]
