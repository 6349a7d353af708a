"""Fractal subsets of a grid as regions, for any language: carpets and iterated function systems."""

from __future__ import annotations

from typing import Annotated

from grammars.iterated import QUARTERS, SCALES, Copy, attractor
from grammars.literals import Between
from grammars.rules import Nonterminal, Region, Several, default, rule
from grammars.spaces import LONGEST_SIDE, Grid
from grammars.tiles import Tile, tile_of, tiling

Depth = Annotated[int, Nonterminal("Depth")]
Map = Annotated[Copy, Nonterminal("Map")]

DEEPEST = default("deepest()")

AnyTile = Annotated[str, Tile(2, 3)]
Levels = Annotated[int, Between(1, lambda grid: max(1, (max(grid.shape) - 1).bit_length()))]
Quarters = Annotated[int, Between(0, QUARTERS)]
Scale = Annotated[int, Between(min(SCALES), max(SCALES), law="harmonic")]
Turn = Annotated[int, Between(0, 7)]


@rule(weight=2)
def carpet(space: Grid, tile: AnyTile, *, depth: Depth = DEEPEST) -> Region:
    """A tile nested in its own white cells (Sierpinski: '111/101/111'), over the grid from the top left."""
    return tiling(tile_of(tile), space.shape, depth)


@rule(weight=1, symmetric=True)
def ifs(space: Grid, *copies: Annotated[Map, Several(1, 6, more=0.65)], depth: Depth = DEEPEST) -> Region:
    """Copies of the whole made of copies: pixels with the centre of a copy of so many generations."""
    return attractor(list(copies), space.shape, depth)


@rule
def copy(row: Quarters, column: Quarters, *, scale: Scale = 2, turn: Turn = 0) -> Map:
    """The whole, shrunk by `scale`, so many quarters of the way down and right, turned (4 to 7: mirrored)."""
    return Copy(scale, row, column, turn)


@rule(bare=True)
def levels(number: Levels) -> Depth:
    """So many levels, or as many as fit the grid."""
    return number


@rule
def deepest() -> Depth:
    """As many levels as fit the grid."""
    return LONGEST_SIDE


RULES = (carpet, ifs, copy, levels, deepest)
