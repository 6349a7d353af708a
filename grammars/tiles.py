"""Small square pictures as literals, '11/10' or '111/101/111', and what nesting them in themselves gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.errors import shorten
from grammars.literals import Domain, Value, _Listed
from grammars.motions import Motions
from grammars.spaces import Space, distinct

Tiles = NDArray[np.bool_]
"""Different tiles of one side, none of them all black: bool[m, side, side]."""


class Tile:
    """Literal of a square of black (0) and white (1) cells, not all black, its rows divided by slashes.

    `Annotated[str, Tile(2, 3)]`: 2x2 or 3x3. Each side is as probable as the others, then each square of it.
    """

    def __init__(self, *sides: int) -> None:
        self.sides = sides

    def bind(self, space: Space) -> Domain:
        return _TileTexts(self.sides)


class _TileTexts(_Listed):
    kind = str

    def __init__(self, sides: tuple[int, ...]) -> None:
        self.sides = sides
        texts: list[Value] = []
        costs: list[float] = []
        for side in sorted(sides):
            all_of_it = [tile_text(tile) for tile in all_tiles(side)]
            texts += all_of_it
            costs += [math.log2(len(all_of_it) * len(sides))] * len(all_of_it)
        super().__init__(texts, costs)
        self._places = {text: place for place, text in enumerate(texts)}

    def index(self, value: Value) -> int:
        return self._places[value]

    def problem(self, value: Value) -> str | None:
        if value in self._places:
            return None
        return f"is {self.describe()}, not all 0, but got {shorten(repr(value), 40)}"

    def nudge(self, value: Value, rng: np.random.Generator) -> Value:
        """One cell changes; a tile stays that would be black without it."""
        tile = tile_of(str(value))
        row, column = rng.integers(len(tile), size=2)
        tile[row, column] ^= True
        return tile_text(tile) if tile.any() else value

    def describe(self) -> str:
        return "|".join(repr("/".join(["0" * (side - 1) + "1"] * side)) for side in self.sides)


def tile_text(tile: NDArray[np.bool_]) -> str:
    return "/".join("".join("1" if cell else "0" for cell in row) for row in tile)


def tile_of(text: str) -> NDArray[np.bool_]:
    """The cells of a tile's text, bool[side, side]."""
    return np.array([[cell == "1" for cell in row] for row in text.split("/")])


def all_tiles(side: int) -> Tiles:
    """Every tile of a side, in the order of its text."""
    codes = np.arange(1, 2 ** (side * side))
    bits = codes[:, None] >> np.arange(side * side)[::-1] & 1
    return bits.astype(bool).reshape(-1, side, side)


def turned(tiles: Tiles) -> Tiles:
    """Every tile in all its positions under the symmetries of the square."""
    return distinct(np.concatenate([image for image, _ in Motions(turn="symmetries").images(tiles)]))


def nested(outer: Any, inner: Any) -> NDArray[np.bool_]:
    """Every white cell of each outer picture replaced by the inner one: bool[n, a, a], bool[n, b, b] ->
    bool[n, ab, ab]."""
    whole = outer[:, :, None, :, None] & inner[:, None, :, None, :]
    return np.asarray(whole.reshape(len(whole), outer.shape[1] * inner.shape[1], -1))


def levels_that_fit(side: int, shape: tuple[int, int], most: int) -> int:
    """As many levels of a tile as fit a grid, and at most so many."""
    levels = 0
    while levels < most and side ** (levels + 1) <= min(shape):
        levels += 1
    return levels


def tiling(tile: NDArray[np.bool_], shape: tuple[int, int], depth: int) -> NDArray[np.bool_]:
    """A tile nested in itself to a depth, from the top left over the whole grid: bool[height, width].

    A pixel is white where at each level its place in its block is white in the tile. A depth whose blocks
    are larger than the grid is not needed: the grid lies in the first block.
    """
    side = len(tile)
    rows, columns = np.indices(shape)
    region = np.ones(shape, dtype=bool)
    block = 1
    for _ in range(depth):
        region &= tile[rows // block % side, columns // block % side]
        block *= side
        if block >= max(shape):
            break
    return region
