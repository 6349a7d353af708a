"""Size against locality: sets of pictures for each of the four cases, so that the two can be told apart.

What a set says of itself is in `growth` and `locality` (see `grammars.square`). On n x n grids, d = n^2:

    sentence            size                    growth          a window that decides
    steps(1, 1)         2n                      polynomial      2x2
    corner('top left')  d + 1                   polynomial      2x2
    dots(k=1)           d                       polynomial      none
    dots()              non-attacking kings     exponential     2x2 (counted up to about 16x16)
    parity()            2^((n - 1)^2)           exponential     none
    linear(rate=r,...)  2^round(r d)            exponential     none
    windows(2, 2)       2^(2n - 1)              subexponential  2x2

Everything is one stratum: draws are uniform among all pictures of a set.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from grammars import algebra, flips, gf2
from grammars.algebra import EVERYWHERE, Seed
from grammars.dots import Gap, between, exactly, multiple_of
from grammars.example_set import Traits
from grammars.language import Language
from grammars.linear_code import LinearCode, RowsAndColumns
from grammars.literals import Between, Choice, Steps
from grammars.pictures import mean_column, mean_row, white_pixels
from grammars.rules import Count, Picture, Region, Set, Several, default, rule
from grammars.separated import SeparatedDots
from grammars.spaces import Examples, Grid
from grammars.square import (
    EXPONENTIAL,
    POLYNOMIAL,
    SUBEXPONENTIAL,
    Corners,
    Patterns,
    StepEdges,
)

SQUARE = {
    ("polynomial", "local"): "corner('top left')",
    ("polynomial", "non-local"): "dots(k=1)",
    ("exponential", "local"): "dots()",
    ("exponential", "non-local"): "parity()",
}
"""A sentence for each of the four cases; the two polynomial ones have d + 1 and d members."""

ANY = default("any_number()")

Slope = Annotated[int, Between(-3, 3)]
Corner = Annotated[str, Choice("top left", "top right", "bottom left", "bottom right")]
Parity = Annotated[str, Choice("even", "odd", "any")]
Rate = Annotated[float, Steps(0.0, 1.0, 0.125)]
Height = Annotated[int, Between(1, lambda grid: grid.height, law="harmonic")]
Width = Annotated[int, Between(1, lambda grid: grid.width, law="harmonic")]


# Polynomial.


@rule(weight=2)
def steps(space: Grid, traits: Traits, down: Slope, right: Slope) -> Set:
    """One straight edge: white where down*row + right*column is below a threshold, any threshold."""
    return StepEdges(space, traits, down, right)


@rule(weight=1)
def corner(space: Grid, traits: Traits, where: Corner) -> Set:
    """A white rectangle of any size in a corner of the grid, or none."""
    return Corners(space, traits, where)


@rule(weight=4)
def dots(space: Grid, traits: Traits, *, k: Count = ANY, gap: Gap = 1, region: Region = EVERYWHERE) -> Set:
    """k white dots in a region, any two more than `gap` pixels apart; as many as there are, unless told."""
    return Patterns(SeparatedDots(space, k, gap, region), traits)


@rule
def any_number(space: Grid) -> Count:
    """Every number."""
    return frozenset(range(space.size + 1))


# Parity.


@rule(weight=3)
def parity(space: Grid, traits: Traits, *, rows: Parity = "even", columns: Parity = "even") -> Set:
    """An even (odd, any) number of white pixels in every row, and in every column."""
    return RowsAndColumns(space, traits, rows, columns)


@rule(weight=2, symmetric=True)
def even(space: Grid, traits: Traits, *regions: Annotated[Region, Several(1, 64, more=0.5)]) -> Set:
    """An even number of white pixels in each of these regions."""
    checks = np.stack([region.ravel() for region in regions])
    return LinearCode(space, traits, checks, np.zeros(len(checks), dtype=bool))


@rule(weight=2)
def windows(space: Grid, traits: Traits, height: Height, width: Width) -> Set:
    """An even number of white pixels in every window of this height and width."""
    checks = window_checks(space, height, width)
    # Free are the pixels that are last in no window: height - 1 rows and width - 1 columns.
    growth = POLYNOMIAL if height == width == 1 else SUBEXPONENTIAL
    return LinearCode(space, traits, checks, np.zeros(len(checks), dtype=bool), growth)


@rule(weight=3)
def linear(space: Grid, traits: Traits, *, rate: Rate, seed: Seed) -> Set:
    """A random linear code: 2^(rate * pixels) pictures; the pixels in which any two differ are one again."""
    rng = np.random.Generator(np.random.PCG64(seed))
    checks = gf2.random_of_full_rank(space.size - round(rate * space.size), space.size, rng)
    growth = EXPONENTIAL if rate > 0 else POLYNOMIAL
    return LinearCode(space, traits, checks, np.zeros(len(checks), dtype=bool), growth)


@rule(weight=1)
def flipped(of: Set, where: Picture) -> Set:
    """Every picture of a set with black and white exchanged where another picture is white."""
    return flips.flipped(of, where)


def window_checks(space: Grid, height: int, width: int) -> gf2.Matrix:
    """A check for each window; they are independent: each has a last pixel that no window before it has."""
    down, right = space.height - height + 1, space.width - width + 1
    checks = np.zeros((down, right, *space.shape), dtype=bool)
    for row in range(down):
        for column in range(right):
            checks[row, column, row : row + height, column : column + width] = True
    return checks.reshape(down * right, space.size)


def _one_stratum(pictures: Examples) -> NDArray[np.int64]:
    return np.zeros(len(pictures), dtype=np.int64)


def _stratum_name(stratum: int) -> str:
    return "all pictures"


def share_white(pictures: Examples) -> NDArray[np.float64]:
    """White pixels as a share of all."""
    return white_pixels(pictures) / pictures[0].size if len(pictures) else np.zeros(0)


def changes(pictures: Examples) -> NDArray[np.float64]:
    """Pairs of neighbouring pixels, above or beside each other, of which one is white."""
    down = (pictures[:, 1:] != pictures[:, :-1]).sum(axis=(1, 2))
    right = (pictures[:, :, 1:] != pictures[:, :, :-1]).sum(axis=(1, 2))
    return np.asarray(down + right, dtype=np.float64)


CODES = Traits(
    stratum=_one_stratum,
    stratum_name=_stratum_name,
    properties={
        "mean row": mean_row,
        "mean column": mean_column,
        "share white": share_white,
        "changes": changes,
    },
)
"""Pictures of one stratum."""

LANGUAGE = Language(
    name="codes",
    summary="size against locality: steps, separated dots, parities, linear codes",
    rules=(
        *(steps, corner, dots, parity, even, windows, linear, flipped),
        *(any_number, exactly, between, multiple_of),
        *algebra.LESSONS,
        *algebra.PICTURES,
        *(algebra.explicit, algebra.union, algebra.intersect, algebra.difference),
        *(algebra.orbit, algebra.within),
        *algebra.MOTIONS,
        *algebra.REGIONS,
    ),
    space=Grid(8, 8),
    target="parity()",
    traits=CODES,
)
