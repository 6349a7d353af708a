"""Rules of every language over a grid: pictures, lessons, and sets made of sets.

A language lists them among its own rules: `rules=[dots, between, ..., *algebra.RULES]`.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from grammars import combinations, motions
from grammars.bitmap import Bitmap, from_text
from grammars.combinations import Explicit
from grammars.example_set import Traits
from grammars.literals import Between, Choice
from grammars.overlay import Overlay
from grammars.rules import Lesson, Motion, Picture, Region, Set, Several, default, rule
from grammars.spaces import Grid, distinct

MOST_EXAMPLES = 1024
"""Longest teaching set."""

Seed = Annotated[int, Between(0, 2**16 - 1, law="seed")]
"""16 bits of randomness, paid for in the sentence."""

Row = Annotated[int, Between(0, lambda grid: grid.height - 1)]
Column = Annotated[int, Between(0, lambda grid: grid.width - 1)]
Number = Annotated[int, Between(1, MOST_EXAMPLES, law="log")]
Side = Annotated[str, Choice("left", "right", "top", "bottom")]


EVERYWHERE = default("everywhere()")
"""Default of a region."""

# Lessons.


@rule(weight=5)
def take(n: Number, of: Set, *, seed: Seed) -> Lesson:
    """min(n, size) different examples of a set, drawn with the seed; the first of many are the few."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return of.sample(n, rng, distinct=True)


@rule(weight=3, symmetric=True)
def these(*pictures: Annotated[Picture, Several(1, MOST_EXAMPLES, more=0.75)]) -> Lesson:
    """These pictures."""
    return distinct(np.stack(pictures))


@rule(weight=1)
def every(of: Set) -> Lesson:
    """All examples of a set of at most 1024; of a larger one, 1024 drawn with the seed 0."""
    return of.sample(MOST_EXAMPLES, np.random.Generator(np.random.PCG64(0)), distinct=True)


@rule(weight=1, symmetric=True)
def join(first: Lesson, second: Lesson) -> Lesson:
    """Both lessons, without repetition, at most 1024 examples."""
    return distinct(np.concatenate([first, second]), MOST_EXAMPLES)


# Pictures.


@rule(weight=5)
def at(space: Grid, row: Row, column: Column) -> Picture:
    """One white dot at a row and a column, counted from the top left, from 0."""
    picture = np.zeros(space.shape, dtype=bool)
    picture[row, column] = True
    return picture


@rule(weight=2, symmetric=True)
def overlay(*pictures: Annotated[Picture, Several(2, 64, more=0.5)]) -> Picture:
    """Everything white in any of the pictures."""
    return np.logical_or.reduce(pictures)


@rule(weight=1)
def picture(space: Grid, bits: Annotated[str, Bitmap()]) -> Picture:
    """Any picture, row by row, four pixels to a hexadecimal digit, white = 1."""
    return from_text(bits, space)


# Sets of sets.


@rule(weight=2, symmetric=True)
def explicit(space: Grid, traits: Traits, *pictures: Annotated[Picture, Several()]) -> Set:
    """Exactly these pictures."""
    return Explicit(space, np.stack(pictures), traits)


@rule(weight=1, symmetric=True)
def union(first: Set, second: Set) -> Set:
    """Everything in one or the other."""
    return combinations.union(first, second)


@rule(weight=1, symmetric=True)
def intersect(first: Set, second: Set) -> Set:
    """Everything in both."""
    return combinations.intersection(first, second)


@rule(weight=0.5)
def difference(first: Set, second: Set) -> Set:
    """Everything in the first and not in the second."""
    return combinations.difference(first, second)


@rule(weight=1, symmetric=True)
def product(first: Set, second: Set) -> Set:
    """One picture of each, laid over one another without sharing a white pixel."""
    return Overlay(first, second)


@rule(weight=2)
def orbit(of: Set, motion: Motion) -> Set:
    """Every picture of a set in every position of a motion."""
    return motions.orbit_of(of, motion)


@rule(weight=1)
def within(of: Set, region: Region) -> Set:
    """Pictures of a set whose white pixels all lie in a region."""
    return combinations.restriction(of, region)


# Motions.


@rule(weight=2)
def translations() -> Motion:
    """All shifts that keep the white pixels on the grid."""
    return motions.Translations()


@rule(weight=2)
def rolls() -> Motion:
    """All shifts, wrapped around the edges."""
    return motions.Rolls()


@rule
def rotations() -> Motion:
    """Quarter turns on a square grid, half turns on another."""
    return motions.Rotations()


@rule
def reflections() -> Motion:
    """Left and right, top and bottom exchanged."""
    return motions.Reflections()


@rule
def symmetries() -> Motion:
    """Rotations and reflections."""
    return motions.Symmetries()


# Regions.


@rule(symmetric=True)
def rows(space: Grid, first: Row, last: Row) -> Region:
    """A band of rows, both included."""
    region = np.zeros(space.shape, dtype=bool)
    region[first : last + 1] = True
    return region


@rule(symmetric=True)
def columns(space: Grid, first: Column, last: Column) -> Region:
    """A band of columns, both included."""
    region = np.zeros(space.shape, dtype=bool)
    region[:, first : last + 1] = True
    return region


@rule
def border(space: Grid) -> Region:
    """The outer ring of pixels."""
    return ~_interior(space)


@rule
def interior(space: Grid) -> Region:
    """All pixels but the outer ring."""
    return _interior(space)


@rule(weight=2)
def half(space: Grid, side: Side) -> Region:
    """A half of the grid; the middle line of an odd side belongs to neither half."""
    region = np.zeros(space.shape, dtype=bool)
    down, right = space.height // 2, space.width // 2
    if side == "top":
        region[:down] = True
    elif side == "bottom":
        region[space.height - down :] = True
    elif side == "left":
        region[:, :right] = True
    else:
        region[:, space.width - right :] = True
    return region


@rule(weight=0.5)
def everywhere(space: Grid) -> Region:
    """The whole grid."""
    return np.ones(space.shape, dtype=bool)


@rule(weight=0.5)
def outside(region: Region) -> Region:
    """All pixels that are not in a region."""
    return ~region


def _interior(space: Grid) -> NDArray[np.bool_]:
    region = np.zeros(space.shape, dtype=bool)
    region[1:-1, 1:-1] = True
    return region


LESSONS = (take, these, every, join)
PICTURES = (at, overlay, picture)
SETS = (explicit, union, intersect, difference, product, orbit, within)
MOTIONS = (translations, rolls, rotations, reflections, symmetries)
REGIONS = (rows, columns, border, interior, half, everywhere, outside)
RULES = (*LESSONS, *PICTURES, *SETS, *MOTIONS, *REGIONS)
