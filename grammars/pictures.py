"""Plain facts about black and white pictures, bool[n, height, width]: how many white pixels, where."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.example_set import Traits
from grammars.spaces import flat

Pictures = NDArray[np.bool_]

CHUNK = 2**15
"""Pictures looked at together: fits the processor's cache."""


def white_pixels(pictures: Pictures) -> NDArray[np.int64]:
    """Number of white pixels of each picture."""
    counts = np.empty(len(pictures), dtype=np.int64)
    for start in range(0, len(pictures), CHUNK):
        packed = np.packbits(flat(pictures[start : start + CHUNK]), axis=1)
        if packed.shape[1] % 8 == 0:
            packed = packed.view(np.uint64)
        ones = np.bitwise_count(packed)
        # A sum over one column is slow, and 8x8 is the common case.
        counts[start : start + CHUNK] = ones[:, 0] if ones.shape[1] == 1 else ones.sum(axis=1, dtype=np.int64)
    return counts


def mean_row(pictures: Pictures) -> NDArray[np.float64]:
    """Mean row of the white pixels, in pixels from the top; the middle of the grid where there are none."""
    rows = np.arange(pictures.shape[1])
    return _mean(pictures.sum(axis=2) @ rows, pictures, (pictures.shape[1] - 1) / 2)


def mean_column(pictures: Pictures) -> NDArray[np.float64]:
    """Mean column of the white pixels, in pixels from the left; the middle of the grid without any."""
    columns = np.arange(pictures.shape[2])
    return _mean(pictures.sum(axis=1) @ columns, pictures, (pictures.shape[2] - 1) / 2)


def spread(pictures: Pictures) -> NDArray[np.float64]:
    """Root mean square distance of the white pixels from their mean, in pixels; 0 without any."""
    rows, columns = np.arange(pictures.shape[1]), np.arange(pictures.shape[2])
    squares = pictures.sum(axis=2) @ rows**2 + pictures.sum(axis=1) @ columns**2
    variance = _mean(squares, pictures, 0.0)
    count = white_pixels(pictures)
    centre = np.where(count > 0, mean_row(pictures) ** 2 + mean_column(pictures) ** 2, 0.0)
    return np.sqrt(np.maximum(0.0, variance - centre))


def _mean(total: Any, pictures: Pictures, otherwise: float) -> NDArray[np.float64]:
    count = white_pixels(pictures)
    return np.where(count > 0, total / np.maximum(count, 1), otherwise).astype(np.float64)


def dots_name(count: int) -> str:
    return f"{count} dot" if count == 1 else f"{count} dots"


DOTS = Traits(
    stratum=white_pixels,
    stratum_name=dots_name,
    properties={"mean row": mean_row, "mean column": mean_column, "spread": spread},
    additive=True,
)
"""Pictures as dots: the stratum is the number of white pixels."""
