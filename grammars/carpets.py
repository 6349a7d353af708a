"""Substitution carpets: tiles nested in tiles. Exact membership, exact counts, uniform draws."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.example_set import ExampleSet, Traits
from grammars.iterated import centred
from grammars.motions import Motions
from grammars.pictures import white_pixels
from grammars.spaces import Examples, Grid, empty, keys, ordered
from grammars.tiles import Tiles, levels_that_fit, nested

Counts = dict[int, int]
"""How many pictures there are with so many white pixels."""

Table = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Numbers to choose from and the cumulative shares of their counts."""

TILE = -1
"""What is chosen is the tile of a block, not the white pixels of one of its cells."""

MOST_EXTENT = 32
"""Longest side of a mosaic: beyond, the counts by white pixels have millions of digits."""


class Carpets(ExampleSet):
    """A white pixel, `levels` times over replaced: white by a tile, black by black. One tile for each level.

    Different choices of tiles give different pictures, so with m tiles there are m^levels. In the middle of
    the grid; as many levels as fit it. Strata are the numbers of white pixels. Membership, sizes and draws
    are exact; `distance` is an upper bound except for sets with a list of at most 4,096.
    """

    def __init__(self, space: Grid, traits: Traits, tiles: Tiles, depth: int) -> None:
        super().__init__(space, traits)
        self.grid = space
        self.tiles = tiles
        self.side = tiles.shape[1]
        self.levels = self._levels(depth)
        self.extent = self.side**self.levels
        self.cells = tiles.reshape(len(tiles), self.side**2)
        self.whites = self.cells.sum(axis=1)
        self._tables: dict[tuple[int, int, int], Table] = {}

    def _levels(self, depth: int) -> int:
        return levels_that_fit(self.side, self.grid.shape, depth)

    # Membership.

    @cached_property
    def frame(self) -> NDArray[np.bool_]:
        """Where white pixels may be, bool[height, width]."""
        return np.asarray(centred(np.ones((1, self.extent, self.extent), dtype=bool), self.grid.shape)[0])

    def _framed(self, examples: Any) -> Any:
        inside = examples[:, self.frame].reshape(-1, self.extent, self.extent)
        return np.ascontiguousarray(inside)

    def _codes(self, whites: Any) -> NDArray[np.int64]:
        """Which of its cells are white, for each block: bool[n, size, size] -> int[n, blocks]."""
        return np.asarray(self._cells_of(whites) @ (1 << np.arange(self.side**2)))

    def _cells_of(self, values: Any) -> Any:
        """The cells of each block: [n, size, size] -> [n, blocks, side^2]."""
        count, size = len(values), values.shape[1] // self.side
        split = values.reshape(count, size, self.side, size, self.side).swapaxes(2, 3)
        return split.reshape(count, size * size, self.side**2)

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        """Which codes are tiles."""
        known = np.zeros(2 ** (self.side**2), dtype=bool)
        known[self.cells @ (1 << np.arange(self.side**2))] = True
        return known

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = ~examples[:, ~self.frame].any(axis=1)
        whites = self._framed(examples)
        for _ in range(self.levels):
            codes = self._codes(whites)
            inside &= self._fit(codes)
            size = whites.shape[1] // self.side
            whites = (codes > 0).reshape(-1, size, size)
        return np.asarray(inside & whites[:, 0, 0])

    def _fit(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the blocks that are not black are all the same tile."""
        most = codes.max(axis=1)
        return ((codes == most[:, None]) | (codes == 0)).all(axis=1) & self._known[most]

    def keeps(self, motion: Any) -> bool:
        """Turns keep the set if they keep its tiles and the frame is in the middle; shifts do not."""
        if motion.shift or not motion.keeps(self.frame):
            return False
        known = keys(self.tiles)
        oblong = self.grid.height != self.grid.width
        turns = Motions(turn="reflections" if oblong and motion.turn == "symmetries" else motion.turn)
        return all(np.isin(keys(image), known).all() for image, _ in turns.images(self.tiles))

    # Counts.

    @cached_property
    def _alternatives(self) -> Counts:
        """How many tiles have so many white cells."""
        return {int(w): int((self.whites == w).sum()) for w in np.unique(self.whites)}

    @cached_property
    def _counts(self) -> list[Counts]:
        """For each number of levels, 0, 1, ..., how many pictures have so many white pixels."""
        counts: list[Counts] = [{1: 1}]
        for _ in range(self.levels):
            larger: Counts = {}
            for white, ways in counts[-1].items():
                for cells, tiles in self._alternatives.items():
                    larger[white * cells] = larger.get(white * cells, 0) + ways * tiles
            counts.append(larger)
        return counts

    def _strata(self) -> list[int]:
        return sorted(self._counts[-1])

    def _sizes(self) -> dict[int, int | None]:
        return dict(sorted(self._counts[-1].items()))

    # Drawing and listing.

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        if stratum not in self._counts[-1]:
            return empty(self.space)
        pictures = np.ones((n, 1, 1), dtype=bool)
        left = np.full(n, stratum)
        for below in range(self.levels - 1, -1, -1):
            cells = self._chosen(left, below, TILE, rng)
            pictures = nested(pictures, self.tiles[self._tiles_with(cells, rng)])
            left //= cells
        return centred(pictures, self.grid.shape)

    def _chosen(
        self, left: NDArray[np.int64], below: int, what: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """One of the options of `_ways` for each number of white pixels, by its count."""
        chosen = np.zeros(len(left), dtype=np.int64)
        points = rng.random(len(left))
        for white in np.unique(left):
            key = below, what, int(white)
            if key not in self._tables:
                self._tables[key] = _table(self._ways(*key))
            options, cumulative = self._tables[key]
            here = left == white
            chosen[here] = options[np.searchsorted(cumulative, points[here], side="right")]
        return chosen

    def _ways(self, below: int, what: int, white: int) -> Counts:
        """For each number of white cells that a tile may have, how often `white` pixels come of it."""
        counts, alternatives = self._counts[below], self._alternatives.items()
        return {c: m * counts.get(white // c, 0) for c, m in alternatives if white % c == 0}

    def _tiles_with(self, cells: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """For each number of white cells, one of the tiles that have so many."""
        tiles = np.zeros(len(cells), dtype=np.int64)
        for white in np.unique(cells):
            here = np.flatnonzero(cells == white)
            tiles[here] = rng.choice(np.flatnonzero(self.whites == white), size=len(here))
        return tiles

    def _members(self, limit: int) -> Examples | None:
        total = sum(self._counts[-1].values())
        if total == 0:
            return empty(self.space)
        if total > limit:
            return None
        return ordered(centred(self._listed(), self.grid.shape))

    def _listed(self) -> NDArray[np.bool_]:
        pictures = np.ones((1, 1, 1), dtype=bool)
        for _ in range(self.levels):
            outer, inner = np.divmod(np.arange(len(pictures) * len(self.tiles)), len(self.tiles))
            pictures = nested(pictures[outer], self.tiles[inner])
        return pictures


class Mosaics(Carpets):
    """A white pixel, `levels` times over replaced: white by a tile, black by black. One tile for each pixel.

    Different choices give different pictures here, too: N(0) = 1, N(l + 1) = sum over the tiles of
    N(l)^(their white cells). At most 32 pixels to a side. Membership, sizes, draws and distance are exact:
    what is in one block has nothing to do with what is in another.
    """

    def _levels(self, depth: int) -> int:
        high, wide = self.grid.shape
        return levels_that_fit(self.side, (min(high, MOST_EXTENT), min(wide, MOST_EXTENT)), depth)

    def _fit(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each block that is not black is a tile."""
        return np.asarray((self._known[codes] | (codes == 0)).all(axis=1))

    @cached_property
    def _powers(self) -> list[list[Counts]]:
        """For each number of levels, how many ways 0, 1, 2, ... such blocks have so many white pixels.

        The counts of a block are the coefficients of a polynomial in z, kept as one integer with z = 2^bits
        (Kronecker substitution), so that several blocks are a power of it.
        """
        total = 1
        for _ in range(self.levels):
            total = sum(m * total**c for c, m in self._alternatives.items())
        # Of any power that is needed no coefficient is above the number of pictures of the last level.
        bits = max(1, total.bit_length())
        polynomial = 1 << bits
        powers = []
        for _ in range(self.levels):
            several = [1]
            for _ in range(max(self._alternatives, default=1)):
                several.append(several[-1] * polynomial)
            powers.append([_coefficients(p, bits) for p in several])
            polynomial = sum(m * several[c] for c, m in self._alternatives.items())
        powers.append([{0: 1}, _coefficients(polynomial, bits)])
        return powers

    @cached_property
    def _counts(self) -> list[Counts]:
        return [{1: 1} if level == 0 else several[1] for level, several in enumerate(self._powers)]

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        if stratum not in self._counts[-1]:
            return empty(self.space)
        whites = np.full((n, 1, 1), stratum)
        for below in range(self.levels - 1, -1, -1):
            blocks = np.flatnonzero(whites)
            cells = np.zeros((whites.size, self.side**2), dtype=np.int64)
            cells[blocks] = self._divided(whites.reshape(-1)[blocks], below, rng)
            size = whites.shape[1]
            split = cells.reshape(n, size, size, self.side, self.side).swapaxes(2, 3)
            whites = split.reshape(n, size * self.side, size * self.side)
        return centred(whites > 0, self.grid.shape)

    def _divided(self, left: NDArray[np.int64], below: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """A tile for each block and the white pixels of each of its cells, int[blocks, side^2]."""
        many = self._chosen(left, below, TILE, rng)
        tiles = self.cells[self._tiles_with(many, rng)]
        parts = np.zeros(tiles.shape, dtype=np.int64)
        left, rest = left.copy(), many.copy()
        for cell in range(self.side**2):
            for others in np.unique(rest[tiles[:, cell]]) - 1:
                here = np.flatnonzero(tiles[:, cell] & (rest == others + 1))
                parts[here, cell] = self._chosen(left[here], below, int(others), rng)
            left -= parts[:, cell]
            rest -= tiles[:, cell]
        return parts

    def _ways(self, below: int, what: int, white: int) -> Counts:
        """The same; or the white pixels of one block, if it and `what` others have so many together."""
        powers = self._powers[below]
        if what == TILE:
            return {c: m * powers[c].get(white, 0) for c, m in self._alternatives.items()}
        return {part: count * powers[what].get(white - part, 0) for part, count in powers[1].items()}

    def _listed(self) -> NDArray[np.bool_]:
        pictures = np.ones((1, 1, 1), dtype=bool)
        for _ in range(self.levels):
            pictures = np.concatenate([self._with_blocks(tile, pictures) for tile in self.tiles])
        return pictures

    def _with_blocks(self, tile: NDArray[np.bool_], blocks: Any) -> NDArray[np.bool_]:
        """The tile with any of the blocks in each of its white cells."""
        size, cells = blocks.shape[1], np.argwhere(tile)
        chosen = np.array(list(itertools.product(range(len(blocks)), repeat=len(cells))))
        pictures = np.zeros((len(chosen), size * self.side, size * self.side), dtype=bool)
        for (row, column), block in zip(cells, chosen.T, strict=True):
            pictures[:, row * size : (row + 1) * size, column * size : (column + 1) * size] = blocks[block]
        return pictures

    # Distance.

    @property
    def distance_is_exact(self) -> bool:
        return True

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        """The cheapest tile for each block, from the smallest blocks to the whole."""
        least = np.full(len(examples), self.grid.size + 1, dtype=np.int64)
        if not len(self.tiles) and self.levels:
            return least
        rows = max(1, 2**22 // max(1, self.extent**2 * len(self.tiles)))
        for start in range(0, len(examples), rows):
            some = examples[start : start + rows]
            framed = self._framed(some)
            to_white, to_black = (~framed).astype(np.int64), framed.astype(np.int64)
            for _ in range(self.levels):
                size = to_white.shape[1] // self.side
                white, black = self._cells_of(to_white), self._cells_of(to_black)
                cheapest = ((white - black) @ self.cells.T.astype(np.int64)).min(axis=2)
                to_black = black.sum(axis=2).reshape(-1, size, size)
                to_white = to_black + cheapest.reshape(-1, size, size)
            outside = white_pixels(some) - white_pixels(framed)
            least[start : start + rows] = to_white[:, 0, 0] + outside
        return least


def _coefficients(polynomial: int, bits: int) -> Counts:
    """Those that are not 0, by their powers."""
    found: Counts = {}
    mask = (1 << bits) - 1
    for power in range(polynomial.bit_length() // bits + 1):
        coefficient = polynomial >> bits * power & mask
        if coefficient:
            found[power] = coefficient
    return found


def _table(counts: Counts) -> Table:
    """The options and their cumulative shares, as precise as a float."""
    options = [option for option, count in counts.items() if count]
    total = sum(counts.values())
    below = 0
    cumulative = []
    for option in options:
        below += counts[option]
        cumulative.append(below / total)
    return np.array(options), np.array(cumulative)
