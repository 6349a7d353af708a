"""The boundary of pictures: pieces, fillings, outlines, dents, and the curve around a piece without holes.

White pixels are neighbours if they share a side or a corner, black ones if they share a side. So a picture's
*pieces* are its 8-connected white parts, and a *hole* is a black part that no chain of sides joins to the
outside; what is beyond the grid is black.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grammars.convexity import Pictures, fill_hull

_SIDES = np.zeros((3, 3, 3), bool)
_SIDES[1] = [[False, True, False], [True, True, True], [False, True, False]]
_CORNERS = np.zeros((3, 3, 3), bool)
_CORNERS[1] = True

# East, south, west, north: clockwise, rows running down.
_HEADINGS = ((0, 1), (1, 0), (0, -1), (-1, 0))


class Curve(NamedTuple):
    """The unit steps around a piece, clockwise: the white pixel to the right of each and the black one to the
    left.

    white, black: int[steps, 2], (row, column); a black one may lie beyond the grid.
    """

    white: NDArray[np.int64]
    black: NDArray[np.int64]


def count_pieces(pictures: Pictures) -> NDArray[np.int64]:
    """Number of pieces of each picture: int[n]."""
    return _count(pictures, _CORNERS)


def fill(pictures: Pictures) -> Pictures:
    """Pictures with their holes made white."""
    outside, _ = ndimage.label(~_ringed(pictures), _SIDES)
    return np.asarray(outside != outside[:, :1, :1])[:, 1:-1, 1:-1]


def outline(pictures: Pictures) -> Pictures:
    """The white pixels that share a side with a black one or with the edge of the grid."""
    padded = _ringed(pictures)
    inner = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    return np.asarray(pictures & ~inner)


def is_whole(pictures: Pictures) -> Pictures:
    """Whether a picture is one piece without a hole: bool[n]."""
    whole = _euler_numbers(pictures) == 1
    some = np.flatnonzero(whole)
    if len(some):
        whole[some] = count_pieces(pictures[some]) == 1
    return whole


def count_dents(pictures: Pictures) -> NDArray[np.int64]:
    """Number of parts, joined by sides, of what the convex hull of the white centres has more: int[n]."""
    return _count(fill_hull(pictures) & ~pictures, _SIDES)


def trace(picture: Pictures) -> Curve:
    """The curve around the one piece of a picture without holes, bool[height, width]."""
    padded = np.pad(picture, 1).tolist()
    row, column = (int(i[0]) + 1 for i in np.nonzero(picture))
    start = (row, column, 0)
    heading = 0
    white, black = [], []
    while True:
        # (row, column) is the white pixel to the right of the step.
        down, right = _HEADINGS[heading]
        white.append((row - 1, column - 1))
        black.append((row - 1 - right, column - 1 + down))
        ahead = row + down, column + right
        left = ahead[0] - right, ahead[1] + down
        if padded[left[0]][left[1]]:
            row, column = left
            heading = (heading - 1) % 4
        elif padded[ahead[0]][ahead[1]]:
            row, column = ahead
        else:
            heading = (heading + 1) % 4
        if (row, column, heading) == start:
            return Curve(np.array(white), np.array(black))


def _count(pictures: Pictures, neighbours: Pictures) -> NDArray[np.int64]:
    labels, count = ndimage.label(pictures, neighbours)
    owner = np.zeros(count + 1, np.int64)
    where = np.nonzero(labels)
    owner[labels[where]] = where[0]
    return np.bincount(owner[1:], minlength=len(pictures)).astype(np.int64)


def _euler_numbers(pictures: Pictures) -> NDArray[np.int64]:
    """Pieces less holes, from the 2x2 blocks (Gray 1971): int[n]."""
    padded = _ringed(pictures).astype(np.int8)
    a, b, c, d = padded[:, :-1, :-1], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, 1:, 1:]
    white = a + b + c + d
    diagonal = (white == 2) & (a == d)
    one, three = (white == 1).sum(axis=(1, 2)), (white == 3).sum(axis=(1, 2))
    return np.asarray((one - three - 2 * diagonal.sum(axis=(1, 2))) // 4)


def _ringed(pictures: Pictures) -> Pictures:
    return np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
