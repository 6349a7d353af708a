"""Linear algebra over the field of two elements: matrices are bool, a sum is an exclusive or."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.bool_]


def eliminated(matrix: Matrix) -> tuple[Matrix, list[int]]:
    """The reduced row echelon form without its zero rows, and the column of each row's first one.

    Gauss-Jordan on packed rows: eight columns to a byte. The rank is the number of rows that are left.
    """
    rows, columns = matrix.shape
    packed = np.packbits(matrix, axis=1)
    pivots: list[int] = []
    for column in range(columns):
        rank = len(pivots)
        if rank == rows:
            break
        ones = (packed[:, column // 8] >> (7 - column % 8)) & 1
        candidates = np.flatnonzero(ones[rank:])
        if not len(candidates):
            continue
        first = rank + int(candidates[0])
        if first != rank:
            packed[[rank, first]] = packed[[first, rank]]
            ones[[rank, first]] = ones[[first, rank]]
        ones[rank] = 0
        packed[ones == 1] ^= packed[rank]
        pivots.append(column)
    whole = np.unpackbits(packed[: len(pivots)], axis=1)[:, :columns]
    return whole.astype(bool), pivots


def rank(matrix: Matrix) -> int:
    """Number of independent rows."""
    return len(eliminated(matrix)[1])


def product(a: Matrix, b: Matrix) -> Matrix:
    """The matrix product. Sums of so few ones are exact as floats."""
    counts = a.astype(np.float32) @ b.astype(np.float32)
    return np.asarray(counts.astype(np.int32) & 1, dtype=bool)


def random_of_full_rank(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """A uniform matrix among those with independent rows (`rows <= columns`); at least 28 % of all are."""
    while True:
        matrix = rng.integers(0, 2, size=(rows, columns), dtype=np.uint8).astype(bool)
        if rank(matrix) == rows:
            return matrix


def combinations(count: int) -> Matrix:
    """All vectors of `count` bits, bool[2^count, count]."""
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)
