"""White dots on a grid: k separated dots, anywhere or in a region, and everything made of such sets."""

from __future__ import annotations

from typing import Annotated

from grammars import algebra, arrangements, fractal_regions
from grammars.algebra import EVERYWHERE
from grammars.city_block import CityDots, Neighbours
from grammars.example_set import Traits
from grammars.language import Language
from grammars.literals import Between
from grammars.pictures import DOTS
from grammars.rules import Count, Region, Set, rule
from grammars.separated import SeparatedDots
from grammars.spaces import Grid

Number = Annotated[int, Between(0, lambda grid: grid.size, law="count")]
Step = Annotated[int, Between(2, lambda grid: max(2, grid.size), law="harmonic")]
Gap = Annotated[int, Between(0, lambda grid: max(1, min(grid.shape) - 1), law="harmonic")]
Down = Annotated[int, Between(1, lambda grid: grid.height, law="harmonic")]
Right = Annotated[int, Between(1, lambda grid: grid.width, law="harmonic")]
Slant = Annotated[int, Between(0, lambda grid: grid.width - 1, law="harmonic")]


@rule(weight=8)
def dots(
    space: Grid,
    traits: Traits,
    *,
    k: Count,
    gap: Gap = 1,
    region: Region = EVERYWHERE,
    neighbours: Annotated[int, Neighbours()] = 8,
) -> Set:
    """k dots in a region, any two more than `gap` steps apart (0: may touch; 1: are no neighbours)."""
    if neighbours == 8 or gap == 0:
        return SeparatedDots(space, k, gap, region, traits)
    return CityDots(space, k, gap, region, traits)


@rule(weight=1)
def lines(space: Grid, traits: Traits, *, k: Count, gap: Gap = 1) -> Set:
    """k dots evenly spaced on a straight line of any direction, neighbours more than `gap` pixels apart."""
    return arrangements.Lines(space, k, gap, traits)


@rule(weight=1)
def lattice(space: Grid, traits: Traits, down: Down, right: Right, *, slant: Slant = 0) -> Set:
    """Dots in each `down`-th row and `right`-th column, in all places; rows are moved on by `slant`."""
    return arrangements.Lattices(space, traits, down, right, slant)


@rule(bare=True, weight=2)
def exactly(k: Number) -> Count:
    """Just this number."""
    return frozenset({k})


@rule(symmetric=True)
def between(low: Number, high: Number) -> Count:
    """Every number from low to high, both included."""
    return frozenset(range(low, high + 1))


@rule(weight=0.5)
def multiple_of(space: Grid, step: Step, *, plus: Number = 0) -> Count:
    """`plus` and every `step` numbers from there: multiple_of(2) is 0, 2, 4, ...; plus=1 makes them odd."""
    return frozenset(range(plus, space.size + 1, step))


@rule(weight=1)
def subgrid(
    space: Grid, down: Down, right: Right, *, row: algebra.Row = 0, column: algebra.Column = 0
) -> Region:
    """Each `down`-th row and `right`-th column, this row and column among them."""
    return arrangements.subgrid(space, down, right, row, column)


LANGUAGE = Language(
    name="dots",
    summary="white dots on a grid: how many, how far apart, where",
    rules=(
        *(dots, lines, lattice),
        *(exactly, between, multiple_of),
        *algebra.RULES,
        subgrid,
        *fractal_regions.RULES,
    ),
    space=Grid(8, 8),
    target="dots(k=between(1, 4))",
    traits=DOTS,
)
