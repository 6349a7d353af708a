"""Filled polygons on a grid: a pixel is white when its centre lies inside. Convex ones are the target."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from grammars import algebra, motions, shapes
from grammars.combinations import Difference, Explicit, Restriction
from grammars.convex_set import ConvexSet
from grammars.example_set import ExampleSet, Traits, draw_accepted
from grammars.language import Language
from grammars.literals import Between, Steps
from grammars.polygon_traits import POLYGONS
from grammars.rules import Lesson, Motion, Nonterminal, Picture, Region, Set, Several, default, rule
from grammars.spaces import Examples, Grid, distinct, empty

Vertices = Annotated[frozenset[int], Nonterminal("Vertices")]
Area = Annotated[tuple[int, int], Nonterminal("Area")]
Point = Annotated[shapes.Place, Nonterminal("Point")]
Shape = Annotated[shapes.Shape, Nonterminal("Shape")]

SMALLEST_AREA = 12

MODERATE = default("moderate()")
INTERIOR = default("interior()")
MIDDLE = default("middle()")


def most_vertices(grid: Grid) -> int:
    """Greatest number of vertices that may be asked for: more are rare on such a grid."""
    return min(8, max(6, min(grid.shape) // 2))


VertexCount = Annotated[int, Between(3, most_vertices)]
Pixels = Annotated[int, Between(1, lambda grid: grid.size)]
Row = Annotated[float, Steps(0.5, lambda grid: max(0.5, grid.height - 1.5), 0.5)]
Column = Annotated[float, Steps(0.5, lambda grid: max(0.5, grid.width - 1.5), 0.5)]
Length = Annotated[float, Steps(1.0, lambda grid: float(max(grid.shape)), 0.5)]
Angle = Annotated[float, Steps(0.0, 345.0, 15.0)]
Factor = Annotated[float, Steps(0.25, 2.0, 0.25)]
Corners = Annotated[Point, Several(3, 12, more=0.5)]


# Sets.


@rule(weight=8)
def convex(
    space: Grid,
    traits: Traits,
    *,
    vertices: Vertices,
    area: Area = MODERATE,
    region: Region = INTERIOR,
) -> Set:
    """Convex polygons by their least number of vertices, white pixels, and place inside the outer ring."""
    return ConvexSet(space, traits, vertices, area, region)


@rule(weight=4)
def filled(space: Grid, traits: Traits, of: Shape) -> Set:
    """Exactly the pictures of these polygons."""
    return Explicit(space, shapes.pictures_of(of, space.shape), traits)


@rule(weight=2)
def orbit(of: Set, motion: Motion) -> Set:
    """Every picture of a set in every position of a motion."""
    return of if _keeps(of, motion) else PolygonOrbit(of, motion)


@rule(weight=1)
def within(of: Set, region: Region) -> Set:
    """Pictures of a set whose white pixels all lie in a region."""
    return of.restricted(region) if isinstance(of, ConvexSet) else Restriction(of, region)


@rule(weight=0.5)
def difference(first: Set, second: Set) -> Set:
    """Everything in the first and not in the second."""
    simple = first.without(second) if isinstance(first, ConvexSet) else None
    return Difference(first, second) if simple is None else simple


# Lessons and pictures.


@rule(weight=4)
def each(space: Grid, of: Shape) -> Lesson:
    """Each polygon as a picture, at most 1024; those without a white pixel are left out."""
    return distinct(shapes.pictures_of(of, space.shape), algebra.MOST_EXAMPLES)


@rule(weight=5)
def solid(space: Grid, of: Shape) -> Picture:
    """Everything inside any of the polygons."""
    return np.asarray(shapes.pictures_of(of, space.shape).any(axis=0))


# Bare pixels are seldom a polygon.
overlay = rule(weight=0.5, symmetric=True)(algebra.overlay.function)
picture = rule(weight=0.25)(algebra.picture.function)


# Shapes.


@rule(weight=4, symmetric=True)
def hull(*points: Corners) -> Shape:
    """The convex hull of points."""
    return (shapes.hull_of(list(points)),)


@rule(weight=1)
def polygon(*points: Corners) -> Shape:
    """The polygon with these vertices in order; where edges cross, what is inside twice is outside."""
    return (shapes.polygon_through(list(points)),)


@rule(weight=4)
def regular(
    n: Annotated[int, Between(3, 12)],
    *,
    radius: Length,
    at: Point = MIDDLE,
    angle: Angle = 0.0,
) -> Shape:
    """A regular polygon: vertices, radius, centre, degrees clockwise from a vertex straight up."""
    return (shapes.regular_polygon(n, radius, at, angle),)


@rule(weight=2)
def rectangle(height: Length, width: Length, *, at: Point = MIDDLE, angle: Angle = 0.0) -> Shape:
    """A rectangle by height, width, centre, and degrees turned clockwise."""
    return (shapes.rectangle_around(height, width, at, angle),)


@rule(weight=3)
def turns(of: Shape, n: Annotated[int, Between(2, 24, law="harmonic")]) -> Shape:
    """Each polygon in n positions, turned about its centre of mass."""
    return shapes.turned(of, n)


@rule(weight=1, symmetric=True)
def scales(of: Shape, *, smallest: Factor, largest: Factor) -> Shape:
    """Each polygon in all sizes from smallest to largest times its own, in quarters."""
    low, high = sorted((smallest, largest))
    return shapes.scaled(of, [low + 0.25 * i for i in range(round(4 * (high - low)) + 1)])


@rule(weight=1)
def mirrors(of: Shape) -> Shape:
    """Each polygon and its mirror image."""
    return shapes.mirrored(of)


@rule(weight=3)
def shifts(space: Grid, of: Shape, *, step: Annotated[float, Steps(0.5, 4.0, 0.5)] = 1.0) -> Shape:
    """Each polygon in all places inside the outer ring that multiples of a step take it to."""
    return shapes.shifted(of, step, space.shape)


@rule(weight=1, symmetric=True)
def both(first: Shape, second: Shape) -> Shape:
    """The polygons of both."""
    return (*first, *second)[: shapes.MOST_POLYGONS]


# Points, vertices, areas.


@rule(weight=4)
def point(row: Row, column: Column) -> Point:
    """A place by row and column; pixel (r, c) has its centre at (r, c), from 0 at the top left."""
    return row, column


@rule(weight=1)
def middle(space: Grid) -> Point:
    """The middle of the grid."""
    return (space.height - 1) / 2, (space.width - 1) / 2


@rule(bare=True, weight=2)
def exactly(k: VertexCount) -> Vertices:
    """Just this number of vertices."""
    return frozenset({k})


@rule(symmetric=True)
def between(low: VertexCount, high: VertexCount) -> Vertices:
    """Every number of vertices from low to high, both included."""
    return frozenset(range(low, high + 1))


@rule
def moderate(space: Grid) -> Area:
    """12 pixels, or half of those inside the ring where that is less, to half of the grid."""
    inner = max(0, space.height - 2) * max(0, space.width - 2)
    return max(1, min(SMALLEST_AREA, inner // 2)), space.size // 2


@rule(weight=2, symmetric=True)
def pixels(low: Pixels, high: Pixels) -> Area:
    """From low to high white pixels, both included."""
    return low, high


class PolygonOrbit(motions.Orbit):
    """An orbit in which an image may need another number of vertices than its origin.

    That happens at the outer ring, beyond which no centre has to be cut. So the strata of a set that is not
    listed are those that turn up among the images of 512 draws. Where the base is drawn by a generator, the
    image of a draw in a random position is a draw here, if it is of the stratum.
    """

    def _strata(self) -> list[int]:
        rng = np.random.Generator(np.random.PCG64(0))
        images = self._moved(self.base.sample(512, rng), rng)
        return sorted({*self.base.weights, *np.unique(self.traits.stratum(images)).tolist()})

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        if self.base.sampling == "uniform":
            return super()._draw(stratum, n, rng)
        return draw_accepted(
            n,
            lambda m: self._moved(self.base.sample(min(m, 256), rng), rng),
            lambda images: self.traits.stratum(images) == stratum,
            empty(self.space),
        )

    def _moved(self, pictures: Examples, rng: np.random.Generator) -> Examples:
        if isinstance(self.motions, motions.Translations):
            return shifted_anywhere(pictures, rng)
        return np.asarray(self.motions.random_images(pictures, rng))

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """The base's size times the mean, over 32 draws, of images had over images in the base."""
        log_base, error = self.base.log2_size(rng)
        drawn = self.base.sample(32, rng)
        if not len(drawn):
            return -math.inf, 0.0
        applying, leading = self._multiplicities(drawn)
        ratio = applying / leading
        mean = float(ratio.mean())
        spread = float(ratio.std(ddof=1)) / math.sqrt(len(ratio)) if len(ratio) > 1 else 0.0
        return log_base + math.log2(mean), math.hypot(error, spread / mean / math.log(2))


def shifted_anywhere(pictures: Any, rng: np.random.Generator) -> Examples:
    """Each picture shifted by whole pixels, uniformly among the shifts that keep it on the grid."""
    moved = np.zeros_like(pictures)
    which, row, column = np.nonzero(pictures)
    for axis, place in ((1, row), (2, column)):
        used = pictures.any(axis=3 - axis)
        first, last = used.argmax(axis=1), used.shape[1] - 1 - used[:, ::-1].argmax(axis=1)
        shift = rng.integers(-first, used.shape[1] - last)
        place += shift[which]
    moved[which, row, column] = True
    return moved


def _keeps(of: ExampleSet, motion: Any) -> bool:
    """Whether a motion takes a set to itself: the symmetries of the grid all convex polygons of some kind."""
    if not isinstance(of, ConvexSet) or not isinstance(
        motion, motions.Rotations | motions.Reflections | motions.Symmetries
    ):
        return False
    region: NDArray[np.bool_] = of.wanted.region
    return all((image[0] == region).all() for image, _ in motion.images(region[None]))


LANGUAGE = Language(
    name="polygons",
    summary="filled polygons on a grid: how many vertices, how large, where",
    rules=(
        *(convex, filled, orbit, within, difference),
        *(each, solid),
        *(hull, polygon, regular, rectangle, turns, scales, mirrors, shifts, both),
        *(point, middle, exactly, between, moderate, pixels),
        *algebra.LESSONS,
        *(overlay, picture),
        *(algebra.explicit, algebra.union, algebra.intersect),
        *(algebra.translations, algebra.rotations, algebra.reflections, algebra.symmetries),
        *algebra.REGIONS,
    ),
    space=Grid(16, 16),
    target="convex(vertices=between(3, 6))",
    traits=POLYGONS,
)
