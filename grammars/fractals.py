"""Fractals on a grid: substitution carpets, mosaics of tiles, iterated function systems.

Numbers of members on a 2^m x 2^m grid, d = 4^m pixels, with t tiles of 2x2:

    carpets(...)      t^m: polynomial in d, one tile for each level
    mosaics(...)      N(m) of N(l + 1) = sum over tiles of N(l)^(white cells): exponential in a power of d
    relatives(tile)   at most 8^(white cells): as many whatever d is
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from grammars import algebra, dots, fractal_regions
from grammars.carpets import Carpets, Mosaics
from grammars.combinations import Explicit
from grammars.example_set import Traits
from grammars.fractal_regions import DEEPEST, Depth
from grammars.iterated import relatives as relatives_of
from grammars.language import Language
from grammars.literals import Between
from grammars.pictures import DOTS, white_pixels
from grammars.rules import Nonterminal, Picture, Region, Set, Several, rule
from grammars.spaces import Examples, Grid
from grammars.tiles import Tile, Tiles, all_tiles, tile_of, turned

Motifs = Annotated[Tiles, Nonterminal("Motifs")]

Tile2 = Annotated[str, Tile(2)]
Tile3 = Annotated[str, Tile(3)]
Cells = Annotated[int, Between(1, 9, law="harmonic")]
Side = Annotated[int, Between(2, 3)]


# Sets.


@rule(weight=5)
def carpets(space: Grid, traits: Traits, motifs: Motifs, *, depth: Depth = DEEPEST) -> Set:
    """Tiles nested in each other's white cells, one tile for each level, in the middle of the grid."""
    return Carpets(space, traits, motifs, depth)


@rule(weight=3)
def mosaics(space: Grid, traits: Traits, motifs: Motifs, *, depth: Depth = DEEPEST) -> Set:
    """Tiles nested in each other's white cells, at each level a tile of its own for each of these cells."""
    return Mosaics(space, traits, motifs, depth)


@rule(weight=2)
def relatives(space: Grid, traits: Traits, tile: Tile2, *, depth: Depth = DEEPEST) -> Set:
    """Attractors with a copy in each white cell, each turned in its own way: Sierpinski's relatives."""
    return Explicit(space, relatives_of(tile_of(tile), space.shape, depth), traits)


dust = rule(weight=1)(dots.dots.function)  # Written dots(...): positions may be on a fractal.


# Tiles.


@rule(weight=2, symmetric=True)
def twos(*tiles: Annotated[Tile2, Several(1, 8, more=0.6)]) -> Motifs:
    """These tiles of 2x2 cells."""
    return _sorted_tiles(tiles)


@rule(weight=2, symmetric=True)
def threes(*tiles: Annotated[Tile3, Several(1, 8, more=0.6)]) -> Motifs:
    """These tiles of 3x3 cells."""
    return _sorted_tiles(tiles)


@rule(weight=3, symmetric=True)
def cells(low: Cells, high: Cells, *, side: Side = 2) -> Motifs:
    """All tiles of side 2 (or 3) with from low to high white cells."""
    tiles = all_tiles(side)
    white = tiles.sum(axis=(1, 2))
    chosen: Tiles = tiles[(white >= min(low, high)) & (white <= max(low, high))]
    return chosen


@rule(weight=2)
def turns(of: Motifs) -> Motifs:
    """Each tile in all positions that turning and mirroring bring it to."""
    return turned(of)


# Pictures.


@rule(weight=4)
def whole(of: Region) -> Picture:
    """Everything in a region."""
    return of


def _sorted_tiles(tiles: tuple[str, ...]) -> Tiles:
    return np.stack([tile_of(tile) for tile in sorted(set(tiles))])


def _stratum_name(count: int) -> str:
    return f"{count} white pixel" if count == 1 else f"{count} white pixels"


def thickness(pictures: Examples) -> NDArray[np.float64]:
    """log2 of white pixels by 2x2 blocks that hold any: the box dimension at the smallest scale, 0 to 2."""
    height, width = pictures.shape[1:]
    padded = np.pad(pictures, ((0, 0), (0, height % 2), (0, width % 2)))
    boxes = padded[:, ::2, ::2] | padded[:, 1::2, ::2] | padded[:, ::2, 1::2] | padded[:, 1::2, 1::2]
    return np.asarray(np.log2(np.maximum(1, white_pixels(pictures)) / np.maximum(1, boxes.sum(axis=(1, 2)))))


FRACTALS = Traits(
    stratum=white_pixels,
    stratum_name=_stratum_name,
    properties={**DOTS.properties, "thickness": thickness},
    additive=True,
)
"""The stratum is the number of white pixels."""

LANGUAGE = Language(
    name="fractals",
    summary="carpets of nested tiles, iterated function systems, dots on fractals",
    rules=(
        *(carpets, mosaics, relatives, dust),
        *(twos, threes, cells, turns),
        *(dots.exactly, dots.between, dots.multiple_of),
        *algebra.LESSONS,
        *(*algebra.PICTURES, whole),
        *algebra.SETS,
        *algebra.MOTIONS,
        *algebra.REGIONS,
        *fractal_regions.RULES,
    ),
    space=Grid(16, 16),
    target="carpets(cells(2, 3))",
    traits=FRACTALS,
)
