"""The outline of a picture: extent, perimeter, moments, convexity and symmetry.

All take bool[n, h, w] and give float64[n]; lengths are in pixels and rows count from the top. NaN where a
picture is black, and wherever a quantity has no meaning (the direction of a round one).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.packing import Pictures
from grammars.convexity import fill_hull, least_vertices

Values = NDArray[np.float64]

BLOCK = 1 << 13
ROUND = 1e-9  # of the variances: what differs less has no direction
# Benkrid et al. 2000: a border pixel's part of the perimeter, by its neighbours on the border.
WEIGHTS = np.zeros(50)
WEIGHTS[[5, 7, 15, 17, 25, 27]] = 1.0
WEIGHTS[[21, 33]] = np.sqrt(2.0)
WEIGHTS[[13, 23]] = (1.0 + np.sqrt(2.0)) / 2.0


def area(pictures: Pictures) -> Values:
    """Number of white pixels."""
    return pictures.sum(axis=(1, 2)).astype(np.float64)


def mean_row(pictures: Pictures) -> Values:
    """Mean row of the white pixels."""
    return _mean(pictures.sum(axis=2) @ np.arange(pictures.shape[1]), area(pictures))


def mean_column(pictures: Pictures) -> Values:
    """Mean column of the white pixels."""
    return _mean(pictures.sum(axis=1) @ np.arange(pictures.shape[2]), area(pictures))


def spread(pictures: Pictures) -> Values:
    """Root mean square distance of the white pixels from their mean."""
    down, across, _ = _variances(pictures)
    return np.sqrt(np.maximum(down + across, 0.0))


def height(pictures: Pictures) -> Values:
    """Rows from the first to the last with white."""
    return _extent(np.asarray(pictures.any(axis=2)))


def width(pictures: Pictures) -> Values:
    """Columns from the first to the last with white."""
    return _extent(np.asarray(pictures.any(axis=1)))


def edges(pictures: Pictures) -> Values:
    """Number of pixel sides between white and black; beyond the grid all is black."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    down = np.count_nonzero(padded[:, 1:] != padded[:, :-1], axis=(1, 2))
    return (down + np.count_nonzero(padded[:, :, 1:] != padded[:, :, :-1], axis=(1, 2))).astype(np.float64)


def perimeter(pictures: Pictures) -> Values:
    """Length of the border through the centres of its pixels, of discs and polygons. Benkrid et al. 2000."""
    found = np.zeros(len(pictures))
    cross = np.zeros((3, 3, 3), bool)
    cross[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    kernel = np.zeros((3, 3, 3), int)
    kernel[1] = [[10, 2, 10], [2, 1, 2], [10, 2, 10]]
    for start in range(0, len(pictures), BLOCK):
        block = pictures[start : start + BLOCK]
        border = block & ~ndimage.binary_erosion(block, cross, border_value=0)
        kind = ndimage.convolve(border.astype(np.int64), kernel, mode="constant")
        weights = np.where(kind < len(WEIGHTS), WEIGHTS[np.minimum(kind, len(WEIGHTS) - 1)], 0.0)
        found[start : start + BLOCK] = weights.sum(axis=(1, 2))
    return found


def elongation(pictures: Pictures) -> Values:
    """Difference of the principal variances over their sum: 0 round, 1 a line; NaN for one pixel."""
    down, across, mixed = _variances(pictures)
    return _mean(np.hypot(across - down, 2 * mixed), down + across)


def orientation(pictures: Pictures) -> Values:
    """Angle of the long axis to the row axis, anticlockwise seen with rows upwards, in degrees (-90, 90].

    0 stands upright, 90 lies flat; NaN where the picture has no direction.
    """
    down, across, mixed = _variances(pictures)
    angle = 0.5 * np.degrees(np.arctan2(2 * mixed, down - across))
    none = np.hypot(down - across, 2 * mixed) <= ROUND * np.maximum(down + across, 1.0)
    return np.where(none | np.isnan(down), np.nan, np.where(angle <= -90, 90.0, angle))


def vertices(pictures: Pictures) -> Values:
    """Least number of vertices of a convex polygon with just these centres inside; NaN where none has."""
    found = least_vertices(pictures).astype(np.float64)
    return np.where(found < 0, np.nan, found)


def solidity(pictures: Pictures) -> Values:
    """White pixels over the centres in their convex hull: 1 for a convex picture."""
    found = np.full(len(pictures), np.nan)
    for start in range(0, len(pictures), BLOCK):
        block = pictures[start : start + BLOCK]
        found[start : start + BLOCK] = _mean(area(block), area(fill_hull(block)))
    return found


def left_right(pictures: Pictures) -> Values:
    """Share of the white pixels whose mirror image in the picture's own middle column is white."""
    return _kept(pictures, pictures[:, :, ::-1])


def up_down(pictures: Pictures) -> Values:
    """Share of the white pixels whose mirror image in the picture's own middle row is white."""
    return _kept(pictures, pictures[:, ::-1])


def half_turn(pictures: Pictures) -> Values:
    """Share of the white pixels whose image by half a turn about the picture's own middle is white."""
    return _kept(pictures, pictures[:, ::-1, ::-1])


def diagonal(pictures: Pictures) -> Values:
    """Share of the white pixels whose mirror image in the falling diagonal of its box is white.

    The box is the picture's own; one that is not square is held by its upper left corner.
    """
    side = max(pictures.shape[1:])
    square = np.pad(pictures, ((0, 0), (0, side - pictures.shape[1]), (0, side - pictures.shape[2])))
    return _kept(square, square.transpose(0, 2, 1))


def _kept(pictures: Pictures, moved: Pictures) -> Values:
    """How much of the white of each picture is there again in the moved one, both pushed to one corner."""
    both = np.count_nonzero(_cornered(pictures) & _cornered(moved), axis=(1, 2))
    return _mean(both, area(pictures))


def _cornered(pictures: Pictures) -> Pictures:
    """Pictures moved until they touch the first row and the first column."""
    count, rows, columns = pictures.shape
    up, left = (pictures.any(axis=axis).argmax(axis=1) for axis in (2, 1))
    down = np.minimum(np.arange(rows) + up[:, None], rows)
    right = np.minimum(np.arange(columns) + left[:, None], columns)
    padded = np.pad(pictures, ((0, 0), (0, 1), (0, 1)))
    return padded[np.arange(count)[:, None, None], down[:, :, None], right[:, None, :]]


def _extent(used: NDArray[np.bool_]) -> Values:
    last = used.shape[1] - used[:, ::-1].argmax(axis=1)
    return np.where(used.any(axis=1), last - used.argmax(axis=1), np.nan).astype(np.float64)


def _variances(pictures: Pictures) -> tuple[Values, Values, Values]:
    """Variances of the white pixels' rows and columns and their covariance: exact up to one rounding."""
    rows, columns = np.arange(pictures.shape[1]), np.arange(pictures.shape[2])
    count = area(pictures)
    by_row, by_column = pictures.sum(axis=2), pictures.sum(axis=1)
    y, x = by_row @ rows, by_column @ columns
    mixed = np.matmul(pictures.astype(np.float32), columns.astype(np.float32)).astype(np.float64) @ rows
    # Integers below 2**53: nothing is lost before the one division.
    square = count**2
    return (
        _mean(count * (by_row @ rows**2) - y.astype(np.float64) ** 2, square),
        _mean(count * (by_column @ columns**2) - x.astype(np.float64) ** 2, square),
        _mean(count * mixed - y.astype(np.float64) * x, square),
    )


def _mean(total: NDArray[np.number], count: Values) -> Values:
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
