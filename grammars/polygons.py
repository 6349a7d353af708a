"""Polygons on a grid: a pixel is white when its centre lies inside. Convex ones are the target.

Sets: `convex`, `star_shaped`, `simple` and `rectangles` by their vertices, area and place; `filled`, exactly
the pictures of given shapes; `outlines` and `several`, made of other sets. Regular polygons and stars in any
place are orbits: `orbit(filled(star(5, outer=6.0, inner=2.5)), translations())`. Strata:
`grammars.polygon_traits`.

How many members the strata of the default target have, as log2 (`.denote().sizes()` up to 7x7, `.estimates()`
above, with the standard error in the last digit), and what the smallest grids lack:

    grid    3 vertices   4           5           6           all
    6x6     9.7          8.8         2.0         none        10.3   (818, 434, 4 pictures)
    7x7     12.2         13.3        9.8         2.0         13.9   (the last: 4 pictures)
    8x8     15.74        17.51       15.40       9.93        18.13  (listed once: 54726, 187220, 43164, 974)
    10x10   20.47(6)     23.55(2)    23.52(2)    21.06(7)    24.73(2)
    12x12   24.0(1)      28.22(3)    29.65(2)    28.83(3)    30.62(2)
    14x14   26.6(2)      31.95(6)    34.58(3)    34.99(2)    35.90(2)
    16x16   29.7(4)      35.3(1)     38.74(4)    40.08(3)    40.60(2)
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from grammars import algebra, boundary, motions, shapes
from grammars.combinations import Explicit
from grammars.convex_set import ConvexSet
from grammars.example_set import Traits, draw_accepted
from grammars.language import Language
from grammars.literals import Between, Steps
from grammars.outlines import Outlines
from grammars.pieces import SeveralPieces
from grammars.polygon_traits import POLYGONS
from grammars.rectangles import Rectangles
from grammars.rules import Lesson, Motion, Nonterminal, Picture, Region, Set, Several, default, rule
from grammars.simple_set import SimpleSet
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


Bound = Annotated[int, Between(4, 8)]
VertexCount = Annotated[int, Between(3, most_vertices)]
Pixels = Annotated[int, Between(1, lambda grid: grid.size)]
Row = Annotated[float, Steps(0.5, lambda grid: max(0.5, grid.height - 1.5), 0.5)]
Column = Annotated[float, Steps(0.5, lambda grid: max(0.5, grid.width - 1.5), 0.5)]
Length = Annotated[float, Steps(1.0, lambda grid: float(max(grid.shape)), 0.5)]
Angle = Annotated[float, Steps(0.0, 345.0, 15.0)]
Factor = Annotated[float, Steps(0.25, 2.0, 0.25)]
Corners = Annotated[Point, Several(3, 12, more=0.5)]


# Sets.


@rule(weight=24)
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


@rule(weight=1)
def star_shaped(
    space: Grid, traits: Traits, *, vertices: Bound, area: Area = MODERATE, region: Region = INTERIOR
) -> Set:
    """Star-shaped polygons, not convex, with at most so many vertices, by white pixels and place."""
    return SimpleSet(space, traits, True, vertices, area, region)


@rule(weight=1)
def simple(
    space: Grid, traits: Traits, *, vertices: Bound, area: Area = MODERATE, region: Region = INTERIOR
) -> Set:
    """Polygons that do not cross themselves, not convex, with at most so many vertices."""
    return SimpleSet(space, traits, False, vertices, area, region)


@rule(weight=1)
def rectangles(space: Grid, traits: Traits, *, area: Area = MODERATE, region: Region = INTERIOR) -> Set:
    """Rectangles of rows and columns, by white pixels and place."""
    return Rectangles(space, traits, area, region)


@rule(weight=1)
def outlines(of: Set) -> Set:
    """Of every picture of a set that has no hole the white pixels that share a side with a black one."""
    return Outlines(of)


@rule(weight=0.5)
def several(number: Annotated[int, Between(2, 5, law="harmonic")], of: Set) -> Set:
    """So many pictures of a set in one, with a black gap between them."""
    return SeveralPieces(of, number)


@rule(weight=2)
def filled(space: Grid, traits: Traits, of: Shape) -> Set:
    """Exactly the pictures of these polygons."""
    return Explicit(space, shapes.pictures_of(of, space.shape), traits)


@rule(weight=2)
def orbit(of: Set, motion: Motion) -> Set:
    """Every picture of a set in every position of a motion."""
    if isinstance(of, PolygonOrbit):
        return PolygonOrbit(of.base, of.motions.then(motion))
    found = motions.orbit_of(of, motion)
    return PolygonOrbit(found.base, found.motions) if type(found) is motions.Orbit else found


# Lessons and pictures.


@rule(weight=1)
def each(space: Grid, of: Shape) -> Lesson:
    """Each polygon as a picture, at most 1024; those without a white pixel are left out."""
    return distinct(shapes.pictures_of(of, space.shape), algebra.MOST_EXAMPLES)


@rule(weight=5)
def solid(space: Grid, of: Shape) -> Picture:
    """Everything inside any of the polygons."""
    return np.asarray(shapes.pictures_of(of, space.shape).any(axis=0))


@rule(weight=1)
def outline(of: Picture) -> Picture:
    """The white pixels that share a side with a black one or with the edge of the grid."""
    return boundary.outline(of[None])[0]


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


@rule(weight=2)
def star(
    n: Annotated[int, Between(3, 12)],
    *,
    outer: Length,
    inner: Length,
    at: Point = MIDDLE,
    angle: Angle = 0.0,
) -> Shape:
    """A regular star: tips, their radius and that of the corners between, centre, degrees clockwise."""
    return (shapes.star_polygon(n, outer, inner, at, angle),)


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

    That happens near the edge of the grid, beyond which no centre has to be cut. So the strata of a set that
    is not listed are those that at least one in 32 images of draws belongs to; the rarest are contained, but
    never drawn. Where the base is drawn by a generator, the image of a draw in a random position is a draw.
    """

    def _strata(self) -> list[int]:
        rng = np.random.Generator(np.random.PCG64(0))
        images = self.motions.random_images(self.base.sample(256, rng), rng)
        found, counts = np.unique(self.traits.stratum(images), return_counts=True)
        return [int(s) for s in found[counts * 32 >= len(images)]]

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        if self.base.sampling == "uniform":
            return super()._draw(stratum, n, rng)
        return draw_accepted(
            n,
            lambda m: np.asarray(self.motions.random_images(self.base.sample(m, rng), rng)),
            lambda images: self.traits.stratum(images) == stratum,
            empty(self.space),
            self.base.work,
        )


LANGUAGE = Language(
    name="polygons",
    summary="polygons on a grid: how many vertices, how large, where; filled or outlined, one or several",
    rules=(
        *(convex, star_shaped, simple, rectangles, filled, outlines, several, orbit),
        *(each, solid, outline),
        *(hull, polygon, regular, star, rectangle, turns, scales, mirrors, shifts, both),
        *(point, middle, exactly, between, moderate, pixels),
        *algebra.LESSONS,
        *(overlay, picture),
        *(algebra.explicit, algebra.union, algebra.intersect, algebra.difference, algebra.within),
        *(algebra.translations, algebra.rotations, algebra.reflections, algebra.symmetries),
        *algebra.REGIONS,
    ),
    space=Grid(16, 16),
    target="convex(vertices=between(3, 6))",
    traits=POLYGONS,
)
