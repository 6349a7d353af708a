"""What is said of any picture seen as a polygon: its stratum, its size, place and shape.

The stratum of a picture, all of it decided exactly:

    3, 4, ...        a convex polygon makes it: the least number of vertices of one that does
    1001 ... 1004    one piece without a hole, not convex: the dents, 1 to 3 or more than 3. A dent is a part,
                     joined by sides, of what the convex hull of the white centres has more
    2002, ...        that many pieces, not convex
    10000 + stratum  the outline of a picture of that stratum with something inside
    0                anything else, the black picture among them
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.boundary import count_dents, count_pieces, fill, is_whole, outline
from grammars.convexity import Pictures, least_vertices
from grammars.example_set import Traits
from grammars.pictures import mean_column, mean_row, white_pixels

NOT_CONVEX = 0
"""Stratum of the pictures that are none of what follows, the black one among them."""

DENTED, MOST_DENTS = 1000, 4
"""More dents than `MOST_DENTS` count as so many."""

IN_PIECES = 2000

OUTLINED = 10_000

Values = NDArray[np.float64]


def stratum_of(pictures: Any) -> NDArray[np.int64]:
    """See above: int64[n]."""
    found = np.maximum(least_vertices(pictures), NOT_CONVEX)
    rest = np.flatnonzero(found == NOT_CONVEX)
    if len(rest):
        found[rest] = _of_not_convex(pictures[rest])
    return found


def _of_not_convex(pictures: Pictures) -> NDArray[np.int64]:
    found = np.full(len(pictures), NOT_CONVEX, np.int64)
    pieces = count_pieces(pictures)
    found[pieces > 1] = IN_PIECES + pieces[pieces > 1]
    whole = np.flatnonzero(is_whole(pictures))
    found[whole] = DENTED + np.minimum(count_dents(pictures[whole]), MOST_DENTS)
    hollow = np.flatnonzero((outline(pictures) == pictures).all(axis=(1, 2)))
    filled = fill(pictures[hollow])
    lines = (filled != pictures[hollow]).any(axis=(1, 2))
    lines &= (outline(filled) == pictures[hollow]).all(axis=(1, 2))
    found[hollow[lines]] = OUTLINED + stratum_of(filled[lines])
    return found


def stratum_name(stratum: int) -> str:
    if stratum >= OUTLINED:
        return f"outline of {stratum_name(stratum - OUTLINED)}"
    if stratum > IN_PIECES:
        return f"{stratum - IN_PIECES} pieces"
    if stratum >= DENTED:
        dents = stratum - DENTED
        return "1 dent" if dents == 1 else f"{dents} dents{' or more' if dents == MOST_DENTS else ''}"
    return "not convex" if stratum == NOT_CONVEX else f"{stratum} vertices"


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
    stratum=stratum_of,
    stratum_name=stratum_name,
    properties={
        "area": area,
        "mean row": mean_row,
        "mean column": mean_column,
        "elongation": elongation,
        "lying": lying,
        "slant": slant,
    },
)
"""Pictures as polygons: the stratum of a convex one is its least number of vertices."""
