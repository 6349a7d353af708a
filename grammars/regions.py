"""Regions of the plane: one example is one point, a target is a set of points with a law to draw them by.

Membership is exact everywhere and knows no window; the law is uniform on the part inside the window, of
mixtures weighted. What is exact besides, by rule:

    disc ring moon half_plane stripes everywhere   distance, area; the last three: area in the window
    polygon rectangle regular koch                 where simple: distance, area, area in the window
    spiral                                         area; the distance is an upper bound
    carpet dust gasket                             distance, area
    ifs                                            distance; images may overlap: the area is estimated
    union                                          distance where both parts'; area as below
    intersect difference                           area where the parts are apart, nested, two discs, or
                                                   convex polygons; the distance is an upper bound
    mixture shift turn scale mirror                what is exact of the parts

A disc that reaches beyond the window has an exact area, and an estimated one inside the window.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from grammars import algebra, frames, plane_algebra, prefractals
from grammars.example_set import Traits
from grammars.frames import Frame
from grammars.language import Language
from grammars.literals import Between, Choice, Steps
from grammars.plane_sets import Region
from grammars.plane_shapes import Everything, HalfPlane, Polygon, Ring, Spiral, Stripes
from grammars.prefractals import Prefractal
from grammars.rules import Lesson, Nonterminal, Several, rule
from grammars.spaces import Examples, Plane, distinct, empty

STEP = 0.05
"""Positions and lengths are multiples of it, those of points of a fifth of it."""

MOST_NODES = 256
"""Nodes of a lattice to either side of the middle, at most."""


def farthest(space: Plane) -> float:
    """Greatest coordinate that may be written: the window's edge, but between 1 and 10."""
    return min(10.0, max(1.0, math.floor(space.window / STEP + 1e-9) * STEP))


def _least(space: Plane) -> float:
    return -farthest(space)


Set = Annotated[Region, Nonterminal("Set")]
Point = Annotated[tuple[float, float], Nonterminal("Point")]
Map = Annotated[Frame, Nonterminal("Map")]
Place = Annotated[float, Steps(_least, farthest, STEP)]
Coordinate = Annotated[float, Steps(_least, farthest, STEP / 5)]
Length = Annotated[float, Steps(STEP, farthest, STEP)]
Angle = Annotated[float, Steps(0.0, 355.0, 5.0)]
Share = Annotated[float, Steps(0.05, 0.95, 0.05)]
Factor = Annotated[float, Steps(0.25, 2.0, 0.25)]


def _placed(x: float, y: float, angle: float = 0.0, scale: float = 1.0) -> Frame:
    return frames.scaled(scale).then(frames.turned(angle)).then(frames.shifted(x, y))


# Shapes.


@rule(weight=4)
def disc(space: Plane, traits: Traits, x: Place, y: Place, *, radius: Length) -> Set:
    """A disc by its centre and radius."""
    return Ring(space, traits, _placed(x, y), 0.0, radius)


@rule(weight=4)
def ring(space: Plane, traits: Traits, x: Place, y: Place, *, radius: Length, width: Length) -> Set:
    """A ring by its centre, the radius of its middle line, and its width."""
    return Ring(space, traits, _placed(x, y), radius - width / 2, radius + width / 2)


@rule(weight=4)
def moon(
    space: Plane, traits: Traits, x: Place, y: Place, *, radius: Length, width: Length, angle: Angle = 0.0
) -> Set:
    """The upper half of a ring, turned about its centre."""
    return Ring(space, traits, _placed(x, y, angle), radius - width / 2, radius + width / 2, half=True)


@rule(weight=2)
def polygon(space: Plane, traits: Traits, *corners: Annotated[Point, Several(3, 12, more=0.5)]) -> Set:
    """The polygon with these corners in order; where edges cross, what is inside twice is outside."""
    return Polygon(space, traits, Frame(), np.array(corners))


@rule(weight=3)
def rectangle(
    space: Plane, traits: Traits, x: Place, y: Place, *, width: Length, height: Length, angle: Angle = 0.0
) -> Set:
    """A rectangle by its centre, width and height, turned about its centre."""
    corners = prefractals.SQUARE * np.array([width, height])
    return Polygon(space, traits, _placed(x, y, angle), corners, simple=True)


@rule(weight=2)
def regular(
    space: Plane,
    traits: Traits,
    corners: Annotated[int, Between(3, 12)],
    x: Place,
    y: Place,
    *,
    radius: Length,
    angle: Angle = 0.0,
) -> Set:
    """A regular polygon: number of corners, centre, radius, degrees from a corner straight up."""
    turn = 2 * math.pi * np.arange(corners) / corners
    vertices = radius * np.stack([-np.sin(turn), np.cos(turn)], axis=1)
    return Polygon(space, traits, _placed(x, y, angle), vertices, simple=True)


@rule(weight=2)
def spiral(
    space: Plane,
    traits: Traits,
    x: Place,
    y: Place,
    *,
    radius: Length,
    turns: Annotated[float, Steps(1.0, 6.0, 0.25)],
    share: Share = 0.5,
    angle: Angle = 0.0,
) -> Set:
    """An Archimedean band from a centre outwards: its width is a share of the distance between turns."""
    return Spiral(space, traits, _placed(x, y, angle, radius / turns), turns, share)


@rule(weight=2)
def half_plane(space: Plane, traits: Traits, offset: Place, *, angle: Angle = 0.0) -> Set:
    """Everything with x <= offset, turned about the origin; its area is infinite."""
    return HalfPlane(space, traits, frames.shifted(offset, 0.0).then(frames.turned(angle)))


@rule(weight=2)
def stripes(
    space: Plane, traits: Traits, width: Length, *, gap: Length, offset: Place = 0.0, angle: Angle = 0.0
) -> Set:
    """Upright bands, one about x = offset, turned about the origin; their area is infinite."""
    frame = frames.shifted(offset, 0.0).then(frames.turned(angle))
    return Stripes(space, traits, frame, width, gap)


@rule(weight=0.5)
def everywhere(space: Plane, traits: Traits) -> Set:
    """The whole plane."""
    return Everything(space, traits, Frame())


# Prefractals.


@rule(weight=2)
def carpet(
    space: Plane,
    traits: Traits,
    x: Place,
    y: Place,
    *,
    side: Length,
    depth: Annotated[int, Between(1, 4)],
    cells: Annotated[str, Choice("ring", "plus", "cross")] = "ring",
    angle: Angle = 0.0,
) -> Set:
    """A square of 3 x 3 parts, some of which stay, again and again: ring is Sierpinski's carpet."""
    maps = prefractals.cell_maps(cells)
    frame = _placed(x, y, angle, side)
    return Prefractal(
        space, traits, frame, maps, prefractals.SQUARE, depth, disjoint=True, locally_convex=False
    )


@rule(weight=1)
def dust(
    space: Plane,
    traits: Traits,
    x: Place,
    y: Place,
    *,
    side: Length,
    depth: Annotated[int, Between(1, 6)],
    angle: Angle = 0.0,
) -> Set:
    """Cantor's dust: the four corners of a square, a third as wide, again and again; locally convex."""
    maps = prefractals.cell_maps("corners")
    frame = _placed(x, y, angle, side)
    return Prefractal(
        space, traits, frame, maps, prefractals.SQUARE, depth, disjoint=True, locally_convex=True
    )


@rule(weight=2)
def gasket(
    space: Plane,
    traits: Traits,
    x: Place,
    y: Place,
    *,
    side: Length,
    depth: Annotated[int, Between(1, 7)],
    angle: Angle = 0.0,
) -> Set:
    """Sierpinski's triangle: three triangles half as large in the corners of one, again and again."""
    maps = prefractals.gasket_maps()
    frame = _placed(x, y, angle, side)
    return Prefractal(
        space, traits, frame, maps, prefractals.TRIANGLE, depth, disjoint=True, locally_convex=False
    )


@rule(weight=1)
def koch(
    space: Plane,
    traits: Traits,
    x: Place,
    y: Place,
    *,
    side: Length,
    depth: Annotated[int, Between(1, 5)],
    angle: Angle = 0.0,
) -> Set:
    """Koch's snowflake around a triangle, filled."""
    return Polygon(space, traits, _placed(x, y, angle, side), prefractals.koch_outline(depth), simple=True)


@rule(weight=1, symmetric=True)
def ifs(
    space: Plane,
    traits: Traits,
    *maps: Annotated[Map, Several(2, 8, more=0.5)],
    depth: Annotated[int, Between(1, 4)],
) -> Set:
    """The square [-1, 1]^2 under all words of so many of these maps."""
    square = 2.0 * prefractals.SQUARE
    return Prefractal(space, traits, Frame(), maps, square, depth, disjoint=False)


@rule
def shrink(
    x: Annotated[float, Steps(-1.0, 1.0, STEP)],
    y: Annotated[float, Steps(-1.0, 1.0, STEP)],
    *,
    ratio: Annotated[float, Steps(0.1, 0.7, 0.05)],
    angle: Angle = 0.0,
) -> Map:
    """Everything so much smaller and turned about the origin, which then goes to (x, y)."""
    return _placed(x, y, angle, ratio)


# Sets of sets.


@rule(weight=3, symmetric=True)
def union(first: Set, second: Set) -> Set:
    """Everything in one or the other, uniform on both together."""
    return plane_algebra.union(first, second)


@rule(weight=1, symmetric=True)
def intersect(first: Set, second: Set) -> Set:
    """Everything in both."""
    return plane_algebra.intersection(first, second)


@rule(weight=1.5)
def difference(first: Set, second: Set) -> Set:
    """Everything in the first and not in the second."""
    return plane_algebra.difference(first, second)


@rule(weight=1)
def mixture(first: Set, second: Set, *, weight: Share = 0.5) -> Set:
    """The first with the probability `weight`, else the second; other rules see the union alone."""
    return plane_algebra.Mixture(first, second, weight)


@rule(weight=1)
def shift(of: Set, x: Place, y: Place) -> Set:
    """A set moved by (x, y)."""
    return of.moved(frames.shifted(x, y))


@rule(weight=1)
def turn(of: Set, angle: Angle) -> Set:
    """A set turned counterclockwise about the origin, in degrees."""
    return of.moved(frames.turned(angle))


@rule(weight=1)
def scale(of: Set, factor: Factor) -> Set:
    """A set made so many times as large, seen from the origin."""
    return of.moved(frames.scaled(factor))


@rule(weight=0.5)
def mirror(of: Set) -> Set:
    """A set with left and right exchanged."""
    return of.moved(frames.MIRRORED)


# Points and lessons.


@rule
def at(x: Coordinate, y: Coordinate) -> Point:
    """A point by its coordinates."""
    return x, y


@rule(weight=3, symmetric=True)
def these(*points: Annotated[Point, Several(1, algebra.MOST_EXAMPLES, more=0.75)]) -> Lesson:
    """These points."""
    return distinct(np.array(points, dtype=np.float64))


@rule(weight=2)
def lattice(space: Plane, of: Set, *, spacing: Length) -> Lesson:
    """Points of a square lattice through the origin that lie in a set and in the window, at most 1024.

    Where there are more, some of them, chosen with the seed 0.
    """
    view = of.view
    if view.is_empty:
        return empty(space)
    axes = [_multiples(view.left, view.right, spacing), _multiples(view.bottom, view.top, spacing)]
    nodes = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    nodes = nodes[of.contains(nodes)]
    if len(nodes) > algebra.MOST_EXAMPLES:
        chosen = np.random.Generator(np.random.PCG64(0)).permutation(len(nodes))
        nodes = nodes[np.sort(chosen[: algebra.MOST_EXAMPLES])]
    return nodes


def _multiples(low: float, high: float, spacing: float) -> Examples:
    """Multiples of the spacing from low to high, at most so many to either side of the middle."""
    first, last = math.ceil(low / spacing - 1e-9), math.floor(high / spacing + 1e-9)
    middle = (first + last) // 2
    steps = np.arange(max(first, middle - MOST_NODES), min(last, middle + MOST_NODES) + 1)
    return np.round(steps * spacing, 12) + 0.0


# What every point has.


def _x(points: Examples) -> Examples:
    return np.array(points[:, 0], dtype=np.float64)


def _y(points: Examples) -> Examples:
    return np.array(points[:, 1], dtype=np.float64)


def _radius(points: Examples) -> Examples:
    return np.asarray(np.hypot(points[:, 0], points[:, 1]))


POINTS = Traits(
    stratum=lambda points: np.zeros(len(points), dtype=np.int64),
    stratum_name=lambda stratum: "region",
    properties={"x": _x, "y": _y, "radius": _radius},
)
"""Points: all in one stratum."""

SHAPES = (disc, ring, moon, polygon, rectangle, regular, spiral, half_plane, stripes, everywhere)
FRACTALS = (carpet, dust, gasket, koch, ifs)
SETS = (union, intersect, difference, mixture, shift, turn, scale, mirror)

LANGUAGE = Language(
    name="regions",
    summary="points of the plane: discs, rings, moons, polygons, spirals, half-planes, prefractals",
    rules=(*SHAPES, *FRACTALS, shrink, *SETS, at, algebra.take, these, algebra.join, lattice),
    space=Plane(2.0),
    target=(
        "union(moon(-0.5, -0.25, radius=1.0, width=0.4), moon(0.5, 0.25, radius=1.0, width=0.4, angle=180.0))"
    ),
    traits=POINTS,
)
