"""Which white pixels are too near to each other, for many pictures at once, by machine words.

Too near means at most `gap` apart in Chebyshev distance: gap 1 forbids the 8 neighbours, gap 0 nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.pictures import CHUNK
from grammars.spaces import flat

Window = tuple[slice, slice]


def separated(pictures: Any, gap: int) -> NDArray[np.bool_]:
    """Whether any two white pixels of a picture are more than `gap` apart, bool[n]."""
    if gap == 0:
        return np.ones(len(pictures), dtype=bool)
    good = np.empty(len(pictures), dtype=bool)
    test = _separated_word if pictures[:1].size <= 64 and gap == 1 else _separated_rows
    for start in range(0, len(pictures), CHUNK):
        good[start : start + CHUNK] = test(pictures[start : start + CHUNK], gap)
    return good


def words(pictures: Any) -> NDArray[np.uint64]:
    """Pictures of at most 64 pixels as machine words: pixel i in reading order is bit i."""
    packed = np.zeros((len(pictures), 8), dtype=np.uint8)
    bits = np.packbits(flat(pictures), axis=1, bitorder="little")
    packed[:, : bits.shape[1]] = bits
    return packed.view("<u8")[:, 0]


def near_in_words(whole: NDArray[np.uint64], shape: tuple[int, int], gap: int) -> NDArray[np.uint64]:
    """For each word, which dots have another one too near and later: a shift moves all dots at once."""
    near = np.zeros(len(whole), dtype=np.uint64)
    for mask, shift in _shifts(*shape, gap):
        near |= (whole & mask) & (whole >> shift)
    return near


def _separated_word(pictures: Any, gap: int) -> NDArray[np.bool_]:
    return near_in_words(words(pictures), pictures.shape[1:], gap) == 0


@lru_cache(maxsize=256)
def _shifts(height: int, width: int, gap: int) -> list[tuple[np.uint64, np.uint64]]:
    """For each direction to a near pixel: which pixels have one there, and how far on it is."""
    found = []
    for down, right in offsets(gap):
        here, _ = overlap((height, width), down, right)
        pixels = np.zeros((1, height, width), dtype=bool)
        pixels[:, *here] = True
        found.append((words(pixels)[0], np.uint64(down * width + right)))
    return found


def _separated_rows(pictures: Any, gap: int) -> NDArray[np.bool_]:
    """One word holds a row: rows are compared with the `gap` rows above, widened by `gap` to both sides."""
    rows = _row_words(pictures)
    ahead = np.zeros_like(rows)
    behind = np.zeros_like(rows)
    for _ in range(gap):
        ahead = (ahead | rows) << 1
        behind = (behind | rows) >> 1
    near = rows & ahead
    wide = rows | ahead | behind
    for down in range(1, min(gap + 1, len(rows))):
        near[down:] |= rows[down:] & wide[:-down]
    return ~near.any(axis=0)


def _row_words(pictures: Any) -> Any:
    """Each row as a word, uint[height, n], bit i for column i."""
    count, height, width = pictures.shape
    bits = next(b for b in (8, 16, 32, 64) if b >= width)
    if width < bits:
        wide = np.zeros((count, height, bits), dtype=bool)
        wide[:, :, :width] = pictures
        pictures = wide
    packed = np.packbits(flat(pictures), axis=1, bitorder="little")
    return np.ascontiguousarray(packed.view(f"<u{bits // 8}").T)


def conflicts(pictures: Any, gap: int) -> NDArray[np.int64]:
    """For every white pixel, how many white pixels are too near: int64[n, height, width]."""
    near = np.zeros(pictures.shape, dtype=np.int64)
    for down, right in offsets(gap):
        here, there = overlap(pictures.shape[1:], down, right)
        both = pictures[:, *here] & pictures[:, *there]
        near[:, *here] += both
        near[:, *there] += both
    return near


def neighbourhoods(height: int, width: int, gap: int) -> NDArray[np.bool_]:
    """For each pixel in reading order, which ones are at most `gap` away, itself included: bool[d, d]."""
    rows, columns = np.divmod(np.arange(height * width), width)
    down, right = abs(rows[:, None] - rows), abs(columns[:, None] - columns)
    return np.asarray(np.maximum(down, right) <= gap)


def offsets(gap: int) -> list[tuple[int, int]]:
    """Half of the neighbourhood of a pixel: the part that comes later in reading order."""
    rows, columns = range(gap + 1), range(-gap, gap + 1)
    return [(down, right) for down in rows for right in columns if down > 0 or right > 0]


def overlap(shape: tuple[int, int], down: int, right: int) -> tuple[Window, Window]:
    """Where a picture and its shift overlap: pixels here and their neighbours there."""
    height, width = shape
    rows = slice(0, max(0, height - down)), slice(min(height, down), height)
    if right >= 0:
        columns = slice(0, max(0, width - right)), slice(min(width, right), width)
    else:
        columns = slice(min(width, -right), width), slice(0, max(0, width + right))
    return (rows[0], columns[0]), (rows[1], columns[1])
