"""Iterated function systems on a grid (Hutchinson 1981): shrunk and turned copies of the whole, and so on.

Points of the unit square are kept as integers over a common denominator, so that a pixel is the same on
every machine.
"""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grammars.motions import Motions
from grammars.spaces import distinct
from grammars.tiles import levels_that_fit

SCALES = (2, 3, 4)
QUARTERS = 4
"""Places of a copy in either direction: 0, 1, ..., 4 quarters of the way across."""

_UNIT = QUARTERS * 12
"""Of the places of copies of copies, 12 being a multiple of all scales."""


class Copy(NamedTuple):
    """A map of the square to itself: turned, shrunk by a whole factor, then moved.

    turn: quarter turns anticlockwise, and from 4 on the same with left and right exchanged before.
    row, column: quarters of the way from the top to the bottom, from the left to the right.
    """

    scale: int
    row: int
    column: int
    turn: int


def attractor(copies: list[Copy], shape: tuple[int, int], depth: int) -> NDArray[np.bool_]:
    """Pixels that hold the centre of a copy of copies of ... (`depth` times) the square, bool[h, w].

    Depth is limited to where copies at half the scale are smaller than a pixel.
    """
    enough = (max(shape) - 1).bit_length()
    points = np.ones((1, 2), dtype=np.int64)
    unit = 2
    for _ in range(min(depth, enough)):
        points = np.unique(np.concatenate([_copied(copy, points, unit) for copy in copies]), axis=0)
        unit *= _UNIT
    region = np.zeros(shape, dtype=bool)
    rows, columns = (points * np.array(shape)).T // unit
    region[rows, columns] = True
    return region


def _copied(copy: Copy, points: NDArray[np.int64], unit: int) -> NDArray[np.int64]:
    """The images of points / unit, as numerators over 48 times the unit."""
    rows, columns = points.T
    if copy.turn >= 4:
        columns = unit - columns
    for _ in range(copy.turn % 4):  # Anticlockwise: what was on the right comes to the top.
        rows, columns = unit - columns, rows
    both = np.stack([rows, columns], axis=1)
    place = np.array([copy.row, copy.column])
    moved = QUARTERS * both + place * (copy.scale - 1) * unit
    return np.asarray(moved * (_UNIT // (QUARTERS * copy.scale)))


def relatives(tile: NDArray[np.bool_], shape: tuple[int, int], depth: int) -> NDArray[np.bool_]:
    """All attractors with a copy in each white cell of a tile, each turned in its own way: bool[n, h, w].

    Of a 2x2 tile with three white cells these are the relatives of the Sierpinski gasket: 456 different ones,
    232 up to the reflection that keeps the tile (Peitgen, Juergens and Saupe 1992, section 5.3). In the
    middle of the grid, as many levels as fit.
    """
    side = len(tile)
    cells = np.argwhere(tile)
    ways = np.array(list(product(range(8), repeat=len(cells))), dtype=np.int64)
    found = np.ones((len(ways), 1, 1), dtype=bool)
    for _ in range(levels_that_fit(side, shape, depth)):
        size = found.shape[1]
        images = [image for image, _ in Motions(turn="symmetries").images(found)]
        larger = np.zeros((len(ways), side * size, side * size), dtype=bool)
        for (row, column), turn in zip(cells, ways.T, strict=True):
            block = larger[:, row * size : (row + 1) * size, column * size : (column + 1) * size]
            for index, image in enumerate(images):
                block[turn == index] = image[turn == index]
        found = larger
    return distinct(centred(found, shape))


def centred(pictures: Any, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Square pictures in the middle of a grid, above and left of it where there is no middle."""
    size = pictures.shape[1]
    top, left = ((length - size) // 2 for length in shape)
    framed = np.zeros((len(pictures), *shape), dtype=bool)
    framed[:, top : top + size, left : left + size] = pictures
    return framed
