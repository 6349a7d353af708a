"""The parts of a picture: connected components, single dots, holes, Euler number and gaps.

White is 8-connected and black 4-connected, so that a closed curve always parts its inside from its outside.
All take bool[n, h, w] and give float64[n]; NaN where a picture has nothing of the kind.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.packing import Pictures

Values = NDArray[np.float64]

BLOCK = 1 << 13  # pictures labelled at a time: a few megabytes
WITHIN = np.zeros((3, 3, 3), int)  # pictures lie on top of each other: no part goes from one to the next
WITHIN[1] = 1
CROSS = np.zeros((3, 3, 3), int)
CROSS[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]


def components(pictures: Pictures) -> Values:
    """Number of 8-connected white components."""
    return _per_block(pictures, lambda block: _count(block, WITHIN))


def components_4(pictures: Pictures) -> Values:
    """Number of 4-connected white components: pixels that touch at a corner only are apart."""
    return _per_block(pictures, lambda block: _count(block, CROSS))


def dots(pictures: Pictures) -> Values:
    """Number of white pixels without a white neighbour among the eight: components of one pixel."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    height, width = pictures.shape[1:]
    alone = pictures.copy()
    for down in range(3):
        for right in range(3):
            if (down, right) != (1, 1):
                alone &= ~padded[:, down : down + height, right : right + width]
    return alone.sum(axis=(1, 2)).astype(np.float64)


def euler_number(pictures: Pictures) -> Values:
    """Components less holes, by counting 2x2 windows. Gray 1971, for 8-connected white."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1))).astype(np.int8)
    a, b = padded[:, :-1, :-1], padded[:, :-1, 1:]
    c, d = padded[:, 1:, :-1], padded[:, 1:, 1:]
    white = a + b + c + d
    one, three = (np.count_nonzero(white == k, axis=(1, 2)) for k in (1, 3))
    diagonal = np.count_nonzero((white == 2) & (a == d), axis=(1, 2))
    return np.asarray((one - three - 2 * diagonal) / 4.0)


def holes(pictures: Pictures) -> Values:
    """Number of black regions that do not reach the grid's edge."""
    return components(pictures) - euler_number(pictures)


def gap(pictures: Pictures) -> Values:
    """Least Euclidean distance between pixels of different components, in pixels; NaN with fewer than two."""
    return _per_block(pictures, _least_gap)


def _per_block(pictures: Pictures, compute: Callable[[Pictures], Values]) -> Values:
    blocks = [compute(pictures[start : start + BLOCK]) for start in range(0, len(pictures), BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros(0)


def _count(block: Pictures, structure: NDArray[np.int_]) -> Values:
    """Labels run on from picture to picture, so that each belongs to the picture of its first pixel."""
    labels, total = ndimage.label(block, structure)
    flat = labels.ravel()
    owner = np.zeros(total + 1, np.int64)
    white = np.flatnonzero(flat)
    owner[flat[white]] = white // (block.shape[1] * block.shape[2])
    return np.bincount(owner[1:], minlength=len(block)).astype(np.float64)


def _least_gap(block: Pictures) -> Values:
    """Offsets from short to long: a picture is done at the first that joins two different components."""
    labels, _ = ndimage.label(block, WITHIN)
    height, width = block.shape[1:]
    found = np.full(len(block), np.nan)
    several = np.flatnonzero(_count(block, WITHIN) > 1)
    labels = labels[several]
    offsets = [
        (down, right)
        for down in range(height)
        for right in range(-width + 1, width)
        if max(down, abs(right)) > 1 and (down > 0 or right > 0)
    ]
    for down, right in sorted(offsets, key=lambda o: (o[0] ** 2 + o[1] ** 2, o)):
        if not len(several):
            break
        here = labels[:, : height - down, max(0, -right) : width - max(0, right)]
        there = labels[:, down:, max(0, right) : width - max(0, -right)]
        apart = ((here != there) & (here > 0) & (there > 0)).any(axis=(1, 2))
        found[several[apart]] = np.hypot(down, right)
        several, labels = several[~apart], labels[~apart]
    return found
