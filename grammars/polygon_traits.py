"""What is said of any picture seen as a polygon: its least number of vertices, its size, place and shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.convexity import Pictures, least_vertices
from grammars.example_set import Traits
from grammars.pictures import mean_column, mean_row, white_pixels

NOT_CONVEX = 0
"""Stratum of the pictures that no convex polygon makes, the black one among them."""

Values = NDArray[np.float64]


def vertex_count(pictures: Any) -> NDArray[np.int64]:
    """Least number of vertices of a convex polygon with exactly these white centres, or `NOT_CONVEX`."""
    return np.maximum(least_vertices(pictures), NOT_CONVEX)


def vertex_name(count: int) -> str:
    return "not convex" if count == NOT_CONVEX else f"{count} vertices"


def area(pictures: Pictures) -> Values:
    """Number of white pixels."""
    return white_pixels(pictures).astype(np.float64)


def elongation(pictures: Pictures) -> Values:
    """Difference of the principal variances of the white pixels over their sum: 0 round, 1 a line."""
    return np.hypot(lying(pictures), slant(pictures))


def lying(pictures: Pictures) -> Values:
    """Variance across the columns less that across the rows, over their sum: 1 lies, -1 stands."""
    rows, columns, _ = _moments(pictures)
    return _share(columns - rows, rows + columns)


def slant(pictures: Pictures) -> Values:
    """Twice the covariance of row and column over their variances' sum: 1 falls to the right, -1 rises."""
    rows, columns, mixed = _moments(pictures)
    return _share(2.0 * mixed, rows + columns)


def _moments(pictures: Pictures) -> tuple[Values, Values, Values]:
    """Variances of the white pixels' rows and columns, and their covariance; 0 without white pixels."""
    rows = np.arange(pictures.shape[1]) - mean_row(pictures)[:, None]
    columns = np.arange(pictures.shape[2]) - mean_column(pictures)[:, None]
    white = pictures.astype(np.float64)
    count = np.maximum(white.sum(axis=(1, 2)), 1.0)
    down = np.einsum("nhw,nh->n", white, rows**2) / count
    across = np.einsum("nhw,nw->n", white, columns**2) / count
    mixed = np.einsum("nhw,nh,nw->n", white, rows, columns) / count
    return down, across, mixed


def _share(part: Values, whole: Values) -> Values:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 1e-9)


POLYGONS = Traits(
    stratum=vertex_count,
    stratum_name=vertex_name,
    properties={
        "area": area,
        "mean row": mean_row,
        "mean column": mean_column,
        "elongation": elongation,
        "lying": lying,
        "slant": slant,
    },
)
"""Pictures as polygons: the stratum is the least number of vertices."""
