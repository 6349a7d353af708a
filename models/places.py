"""How tokens on a lattice of rows and columns know where they are, and which of them see each other."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

# Longest period of the sinusoids is 2 pi times this (Vaswani et al. 2017, section 3.5).
LONGEST = 10000.0


@cache
def sinusoids(rows: int, columns: int, channels: int) -> NDArray[np.float32]:
    """Sines and cosines of row and column at geometrically falling frequencies, float32[tokens, channels].

    Vaswani et al. 2017, section 3.5, for two axes: four numbers a frequency, fast ones first.
    """
    count = -(-channels // 4)
    frequencies = LONGEST ** (-np.arange(count) / count)
    row, column = (place.ravel()[:, None] * frequencies for place in np.indices((rows, columns)))
    waves = np.stack([np.sin(row), np.cos(row), np.sin(column), np.cos(column)], 2)
    return np.ascontiguousarray(waves.reshape(rows * columns, -1)[:, :channels], dtype=np.float32)


def steps(length: int, circular: bool) -> NDArray[np.int64]:
    """How far place j lies after place i, int64[length, length]; on a ring the shorter way round."""
    away = np.arange(length)[None, :] - np.arange(length)[:, None]
    return (away + (length - 1) // 2) % length - (length - 1) // 2 if circular else away


def count_offsets(rows: int, columns: int, circular: bool) -> int:
    """How many different offsets there are between tokens."""
    return rows * columns if circular else (2 * rows - 1) * (2 * columns - 1)


@cache
def offsets(rows: int, columns: int, circular: bool) -> NDArray[np.int64]:
    """Which offset lies between each token and each, as a number, int64[tokens, tokens]."""
    down, right = steps(rows, circular), steps(columns, circular)
    kinds = columns if circular else 2 * columns - 1
    number = (down - down.min())[:, None, :, None] * kinds + (right - right.min())[None, :, None, :]
    return np.ascontiguousarray(number.reshape(rows * columns, rows * columns))


@cache
def window(rows: int, columns: int, circular: bool, radius: int) -> NDArray[np.bool_]:
    """Whether each token sees each: no more than `radius` rows and columns away, bool[tokens, tokens]."""
    down, right = (np.abs(steps(length, circular)) <= radius for length in (rows, columns))
    near = down[:, None, :, None] & right[None, :, None, :]
    return np.ascontiguousarray(near.reshape(rows * columns, rows * columns))
