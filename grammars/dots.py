"""White dots on a grid: k separated dots, anywhere or in a region, and everything made of such sets."""

from __future__ import annotations

from typing import Annotated

from grammars import algebra
from grammars.algebra import EVERYWHERE
from grammars.language import Language
from grammars.literals import Between
from grammars.pictures import DOTS
from grammars.rules import Count, Region, Set, rule
from grammars.separated import SeparatedDots
from grammars.spaces import Grid

Number = Annotated[int, Between(0, lambda grid: grid.size, law="count")]
Step = Annotated[int, Between(2, lambda grid: max(2, grid.size), law="harmonic")]
Gap = Annotated[int, Between(0, lambda grid: max(1, min(grid.shape) - 1), law="harmonic")]


@rule(weight=8)
def dots(space: Grid, *, k: Count, gap: Gap = 1, region: Region = EVERYWHERE) -> Set:
    """k dots in a region, any two more than `gap` pixels apart (0: may touch; 1: 8-neighbours not)."""
    return SeparatedDots(space, k, gap, region)


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


LANGUAGE = Language(
    name="dots",
    summary="white dots on a grid: how many, how far apart, where",
    rules=(dots, exactly, between, multiple_of, *algebra.RULES),
    space=Grid(8, 8),
    target="dots(k=between(1, 4))",
    traits=DOTS,
)
