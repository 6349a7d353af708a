"""A picture as a literal: hexadecimal text, cheap where few pixels are white.

The code is enumerative (Cover 1973): first the number of white pixels k, with probability proportional to
1/(k(k+1)) (0 being as rare as 4), then which of the C(d, k) pictures with that number.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.errors import GrammarError, shorten
from grammars.literals import Domain, Value, count_weight
from grammars.spaces import Grid, Space

DIGITS = "0123456789abcdef"


class Bitmap:
    """Literal of a whole picture of the grid; `Annotated[str, Bitmap()]`."""

    def bind(self, space: Space) -> Domain:
        if not isinstance(space, Grid):
            raise GrammarError(f"a bitmap is of a grid, but the space is {space}")
        return _Bitmaps(space)


class _Bitmaps(Domain):
    kind = str

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        size = grid.size
        weights = [count_weight(k) for k in range(size + 1)]
        total = math.fsum(weights)
        costs = [math.log2(total / w) + log2_choose(size, k) for k, w in enumerate(weights)]
        self._cost = costs
        self._order = sorted(range(size + 1), key=lambda k: (costs[k], k))
        self._costs = [costs[k] for k in self._order]
        self._cumulative = list(accumulate(weights[k] for k in self._order))
        self.cheapest = self._costs[0]

    def bits(self, value: Value) -> float:
        return self._cost[sum(digit.bit_count() for digit in bytes.fromhex(_even(str(value))))]

    def draw(self, rng: np.random.Generator, budget: float) -> Value:
        affordable = max(1, bisect_right(self._costs, budget))
        point = rng.random() * self._cumulative[affordable - 1]
        count = self._order[min(bisect_right(self._cumulative, point), affordable - 1)]
        cells = np.zeros(self.grid.size, dtype=bool)
        cells[rng.permutation(self.grid.size)[:count]] = True
        return to_text(cells)

    def problem(self, value: Value) -> str | None:
        size = self.grid.size
        digits = -(-size // 4)
        if not isinstance(value, str):
            return f"is a quoted picture, but got {value!r}"
        if len(value) != digits or any(c not in DIGITS for c in value):
            return f"is {self.describe()}, but got {len(value)} characters: {shorten(repr(value), 30)}"
        if int(value[-1], 16) & ((1 << (4 * digits - size)) - 1):
            return f"has only {size} pixels: the last {4 * digits - size} bits of {value!r} must be 0"
        return None

    def options(self) -> Iterator[tuple[float, Value]]:
        for cost, count in zip(self._costs, self._order, strict=True):
            for chosen in combinations(range(self.grid.size), count):
                cells = np.zeros(self.grid.size, dtype=bool)
                cells[list(chosen)] = True
                yield cost, to_text(cells)

    def nudge(self, value: Value, rng: np.random.Generator) -> Value:
        """Half the time one pixel flips, half the time a white pixel moves to a neighbour."""
        picture = from_text(str(value), self.grid)
        white = np.argwhere(picture)
        if not len(white) or rng.random() < 0.5:
            place = int(rng.integers(self.grid.size))
            picture.reshape(-1)[place] ^= True
        else:
            row, column = white[int(rng.integers(len(white)))]
            down, right = ((0, 1), (1, 0), (0, -1), (-1, 0))[int(rng.integers(4))]
            picture[row, column] = False
            picture[(row + down) % self.grid.height, (column + right) % self.grid.width] = True
        return to_text(picture)

    def describe(self) -> str:
        return f"'{-(-self.grid.size // 4)} hex digits'"


def log2_choose(n: int, k: int) -> float:
    return math.log2(math.comb(n, k))


def to_text(picture: NDArray[np.bool_]) -> str:
    """The hexadecimal text of a picture, row by row, padded with black at the end."""
    cells = picture.reshape(-1)
    return np.packbits(cells).tobytes().hex()[: -(-cells.size // 4)]


def from_text(text: str, grid: Grid) -> Any:
    """The picture of a text, bool[height, width]."""
    raw = np.frombuffer(bytes.fromhex(_even(text)), dtype=np.uint8)
    return np.unpackbits(raw)[: grid.size].astype(bool).reshape(grid.shape)


def _even(text: str) -> str:
    return text + "0" * (len(text) % 2)
