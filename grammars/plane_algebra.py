"""Regions made of regions: union, intersection, difference, mixture.

Membership is exact. What a region states about itself follows where two parts are proved to be apart, or one
to lie inside the other; it is None elsewhere. Sampling is uniform on the part inside the window, by rejection
with bounded tries.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import plane_polygons
from grammars.frames import Box, Frame, Points
from grammars.plane_proofs import apart, has_area, lens_area, surely_inside
from grammars.plane_sets import Nowhere, Region
from grammars.plane_shapes import HalfPlane, Polygon, Ring
from grammars.spaces import Examples, empty


class _Two(Region):
    """A region made of two."""

    def __init__(self, a: Region, b: Region) -> None:
        super().__init__(a.plane, a.traits)
        self.a, self.b = a, b

    @property
    def work(self) -> float:
        return self.a.work + self.b.work


class Union(_Two):
    """Everything in a or in b, uniform on both together."""

    def moved(self, frame: Frame) -> Region:
        return union(self.a.moved(frame), self.b.moved(frame))

    @property
    def box(self) -> Box:
        return self.a.box.join(self.b.box)

    @cached_property
    def _apart(self) -> bool:
        return apart(self.a, self.b)

    @property
    def convex(self) -> bool | None:
        return False if self._apart and has_area(self.a) and has_area(self.b) else None

    @property
    def locally_convex(self) -> bool | None:
        """Parts that are apart have neighbourhoods of their own."""
        if not self._apart:
            return None
        parts = [part.locally_convex for part in (self.a, self.b)]
        return False if False in parts else None if None in parts else True

    @property
    def bounded(self) -> bool | None:
        parts = [part.bounded for part in (self.a, self.b)]
        return False if False in parts else None if None in parts else True

    @property
    def area(self) -> float | None:
        if math.inf in (self.a.area, self.b.area):
            return math.inf
        return _total(
            self.a.area, self.b.area, None if None in (self.a.area, self.b.area) else self._both.area
        )

    @property
    def area_in_window(self) -> float | None:
        a, b = self.a.area_in_window, self.b.area_in_window
        return None if a is None or b is None else _total(a, b, self._both.area_in_window)

    @cached_property
    def _both(self) -> Region:
        return Nowhere(self.a.plane, self.a.traits) if self._apart else intersection(self.a, self.b)

    @property
    def _distance_is_exact(self) -> bool:  # type: ignore[override]
        return self.a.distance_is_exact and self.b.distance_is_exact

    def at_least(self, points: Points) -> NDArray[np.float64]:
        return np.minimum(self.a.at_least(points), self.b.at_least(points))

    def _inside(self, points: Points) -> NDArray[np.bool_]:
        inside = self.a.contains(points)
        rest = np.flatnonzero(~inside)
        inside[rest] = self.b.contains(points[rest])
        return inside

    def _distance_from_outside(self, examples: Points) -> Any:
        return np.minimum(self.a.distance(examples), self.b.distance(examples))

    def _propose(self, n: int, rng: np.random.Generator) -> Points:
        """By the areas of the parts; what b draws is turned away where a has it too (Karp & Luby 1983)."""
        a, b = self.a.area_in_window, self.b.area_in_window
        if a is None or b is None or a + b == 0 or a + b > self.view.area:
            return super()._propose(n, rng)
        of_a = rng.random(n) * (a + b) < a
        found = np.full((n, 2), math.nan)  # Not a member: where a part drew less than asked for.
        _put(found, np.flatnonzero(of_a), self.a.draw(0, int(of_a.sum()), rng))
        from_b = self.b.draw(0, int((~of_a).sum()), rng)
        from_b[self.a.contains(from_b)] = math.nan
        _put(found, np.flatnonzero(~of_a), from_b)
        return found


class _Part(_Two):
    """The members of a that pass a test on b."""

    def _proposals(self) -> list[Region]:
        """Regions to draw from instead of the box."""
        return [self.a]

    @cached_property
    def _source(self) -> Region | None:
        """The smallest known set around this one, to draw from; None for the box."""
        known = [(part.area_in_window, i) for i, part in enumerate(self._proposals())]
        area, index = min(((math.inf if area is None else area), i) for area, i in known)
        return self._proposals()[index] if area < self.view.area else None

    def _propose(self, n: int, rng: np.random.Generator) -> Points:
        source = self._source
        return super()._propose(n, rng) if source is None else source.draw(0, n, rng)


class Intersection(_Part):
    """Everything in a and in b."""

    def moved(self, frame: Frame) -> Region:
        return intersection(self.a.moved(frame), self.b.moved(frame))

    @property
    def box(self) -> Box:
        return self.a.box.meet(self.b.box)

    @property
    def convex(self) -> bool | None:
        return True if self.a.convex and self.b.convex else None

    @property
    def locally_convex(self) -> bool | None:
        return True if self.a.locally_convex and self.b.locally_convex else None

    @property
    def bounded(self) -> bool | None:
        return True if self.a.bounded or self.b.bounded else super().bounded

    @property
    def area(self) -> float | None:
        if isinstance(self.a, Ring) and isinstance(self.b, Ring):
            return lens_area(self.a, self.b)
        return None

    def at_least(self, points: Points) -> NDArray[np.float64]:
        return np.maximum(self.a.at_least(points), self.b.at_least(points))

    def _proposals(self) -> list[Region]:
        return [self.a, self.b]

    def _inside(self, points: Points) -> NDArray[np.bool_]:
        inside = self.a.contains(points)
        inside[inside] = self.b.contains(points[inside])
        return inside


class Difference(_Part):
    """Everything in a that is not in b."""

    def moved(self, frame: Frame) -> Region:
        return difference(self.a.moved(frame), self.b.moved(frame))

    @property
    def box(self) -> Box:
        return self.a.box

    @cached_property
    def _is_hole(self) -> bool:
        """b is bounded and lies in the interior of a: at a point of it that sticks out of its convex hull,
        what is left is on both sides of it, and it is not."""
        return surely_inside(self.b, self.a) and has_area(self.b) and self.b.box.is_finite

    @property
    def convex(self) -> bool | None:
        return False if self._is_hole else None

    @property
    def locally_convex(self) -> bool | None:
        return False if self._is_hole else None

    @property
    def bounded(self) -> bool | None:
        if self.a.bounded is False and self.b.bounded:
            return False
        return True if self.a.bounded else super().bounded

    @property
    def area(self) -> float | None:
        a = self.a.area
        if a == math.inf:
            return math.inf if self.b.bounded else None
        both = self._both.area
        return None if a is None or both is None else max(0.0, a - both)

    @property
    def area_in_window(self) -> float | None:
        a, both = self.a.area_in_window, self._both.area_in_window
        return None if a is None or both is None else max(0.0, a - both)

    @cached_property
    def _both(self) -> Region:
        return intersection(self.a, self.b)

    def at_least(self, points: Points) -> NDArray[np.float64]:
        return self.a.at_least(points)

    def _inside(self, points: Points) -> NDArray[np.bool_]:
        inside = self.a.contains(points)
        inside[inside] = ~self.b.contains(points[inside])
        return inside


class Mixture(Union):
    """a with probability `weight`, else b: each by its own law. As a set, the union.

    A part of which nothing lies in the window leaves its share to the other.
    """

    _sampling = "generator"

    def __init__(self, a: Region, b: Region, weight: float) -> None:
        super().__init__(a, b)
        self.weight = weight

    @property
    def support(self) -> Region:
        return union(self.a.support, self.b.support)

    def moved(self, frame: Frame) -> Region:
        return Mixture(self.a.moved(frame), self.b.moved(frame), self.weight)

    @property
    def density_is_exact(self) -> bool:
        return self.a.density_is_exact and self.b.density_is_exact

    def density(self, points: Points) -> NDArray[np.float64]:
        share = self.share
        return np.asarray(share * self.a.density(points) + (1.0 - share) * self.b.density(points))

    @cached_property
    def share(self) -> float:
        """Probability of a: its weight, unless one of the two has nothing in the window."""
        if not (has_area(self.a) and has_area(self.b)):
            return 1.0 if has_area(self.a) else 0.0
        return self.weight

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        if stratum != 0:
            return empty(self.space)
        of_a = rng.random(n) < self.share
        found = np.full((n, 2), math.nan)
        _put(found, np.flatnonzero(of_a), self.a.draw(0, int(of_a.sum()), rng))
        _put(found, np.flatnonzero(~of_a), self.b.draw(0, int((~of_a).sum()), rng))
        return found[np.isfinite(found[:, 0])]


def union(a: Region, b: Region) -> Region:
    """Everything in a or in b, uniform; one of them where the other lies inside."""
    a, b = a.support, b.support
    if surely_inside(b, a):
        return a
    return b if surely_inside(a, b) else Union(a, b)


def intersection(a: Region, b: Region) -> Region:
    """Everything in a and in b, in the form that knows most about itself."""
    a, b = a.support, b.support
    if surely_inside(b, a):
        return b
    if surely_inside(a, b):
        return a
    if isinstance(a, Polygon) and a.convex and isinstance(b, Polygon | HalfPlane) and b.convex:
        return _clipped(a, b)
    if isinstance(b, Polygon) and b.convex and isinstance(a, HalfPlane):
        return _clipped(b, a)
    return Nowhere(a.plane, a.traits) if apart(a, b) else Intersection(a, b)


def difference(a: Region, b: Region) -> Region:
    """Everything in a that is not in b; a itself where the two are apart."""
    a, b = a.support, b.support
    if surely_inside(a, b):
        return Nowhere(a.plane, a.traits)
    return a if apart(a, b) else Difference(a, b)


def _clipped(polygon: Polygon, other: Polygon | HalfPlane) -> Region:
    """A convex polygon cut by another, or by a half-plane."""
    if isinstance(other, HalfPlane):
        own = plane_polygons.clipped(other.frame.into(polygon.placed), (1.0, 0.0), 0.0)
        vertices = other.frame.out(own)
    else:
        vertices = plane_polygons.clipped_to(polygon.placed, other.placed)
    if not len(vertices):
        return Nowhere(polygon.plane, polygon.traits)
    shorter = plane_polygons.without_repeats(vertices)  # None is left where the two touch in a point.
    return ConvexCut(polygon, other, shorter if len(shorter) else vertices[:1])


class ConvexCut(Intersection):
    """The intersection of a convex polygon with another or a half-plane: a convex polygon by its vertices.

    Membership is that of both; area and distance are those of the polygon that is left.
    """

    _distance_is_exact = True

    def __init__(self, a: Region, b: Region, vertices: Points) -> None:
        super().__init__(a, b)
        self.vertices = vertices

    @property
    def box(self) -> Box:
        (left, bottom), (right, top) = self.vertices.min(axis=0), self.vertices.max(axis=0)
        return Box(float(left), float(bottom), float(right), float(top))

    @property
    def area(self) -> float | None:
        return abs(plane_polygons.signed_area(self.vertices))

    @property
    def area_in_window(self) -> float | None:
        return abs(plane_polygons.signed_area(plane_polygons.clipped_to(self.vertices, self.window.corners)))

    def _distance_from_outside(self, examples: Points) -> Any:
        return plane_polygons.distance_to_edges(examples, self.vertices)

    def at_least(self, points: Points) -> NDArray[np.float64]:
        return self.distance(points)


def _total(a: float | None, b: float | None, both: float | None) -> float | None:
    """Inclusion and exclusion."""
    return None if a is None or b is None or both is None else max(0.0, a + b - both)


def _put(found: Points, places: NDArray[np.intp], drawn: Points) -> None:
    found[places[: len(drawn)]] = drawn
