"""Plain shapes of the plane: rings and their halves, polygons, spirals, half-planes, stripes, everything."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from grammars import plane_polygons
from grammars.example_set import Traits
from grammars.frames import EVERYWHERE, Box, Frame, Points, box_around
from grammars.plane_sets import Shape
from grammars.spaces import Plane

MOST_STRIPES = 4096
"""Most stripes whose parts inside the window are added up."""


class Ring(Shape):
    """Points between two radii, both included, a disc where the inner one is 0: all of it, or where y >= 0.

    Distance and area are exact; points are drawn directly.
    """

    _distance_is_exact = True

    def __init__(
        self, space: Plane, traits: Traits, frame: Frame, inner: float, outer: float, half: bool = False
    ) -> None:
        super().__init__(space, traits, frame)
        self.inner, self.outer, self.half = max(0.0, inner), outer, half

    @property
    def convex(self) -> bool | None:
        return self.inner == 0

    @property
    def locally_convex(self) -> bool | None:
        return self.inner == 0

    @property
    def own_area(self) -> float | None:
        return math.pi * (self.outer**2 - self.inner**2) / (2 if self.half else 1)

    @property
    def own_box(self) -> Box:
        return Box(-self.outer, 0.0 if self.half else -self.outer, self.outer, self.outer)

    @cached_property
    def box(self) -> Box:
        """Turned with the frame; of a whole ring, always as small as can be."""
        if self.half:
            return super().box
        x, y, reach = self.frame.e, self.frame.f, self.outer * self.frame.scale
        return Box(x - reach, y - reach, x + reach, y + reach)

    def _inside_own(self, points: Points) -> NDArray[np.bool_]:
        radius = np.hypot(points[:, 0], points[:, 1])
        inside = (self.inner <= radius) & (radius <= self.outer)
        return np.asarray(inside & (points[:, 1] >= 0) if self.half else inside)

    def _away(self, points: Points) -> NDArray[np.float64]:
        radius = np.hypot(points[:, 0], points[:, 1])
        radial = np.maximum(self.inner - radius, radius - self.outer)
        if not self.half:
            return radial
        feet = np.array([(self.inner, 0.0), (-self.inner, 0.0)])
        ends = np.array([(self.outer, 0.0), (-self.outer, 0.0)])
        # Below the half, the nearest point is on one of the two ends.
        return np.where(points[:, 1] >= 0, radial, plane_polygons.distance_to_segments(points, feet, ends))

    def _draw_own(self, n: int, rng: np.random.Generator) -> Points:
        angle = rng.random(n) * (math.pi if self.half else 2 * math.pi)
        radius = np.sqrt(self.inner**2 + rng.random(n) * (self.outer**2 - self.inner**2))
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


class Polygon(Shape):
    """A polygon by its vertices, its edges included; where edges cross, what is inside twice is outside.

    Where it is simple, distance and area are exact and so is the area inside the window.
    """

    def __init__(
        self, space: Plane, traits: Traits, frame: Frame, vertices: Points, simple: bool | None = None
    ) -> None:
        """`simple`: whether no edges touch but neighbours, where that is known and need not be found out."""
        super().__init__(space, traits, frame)
        shorter = plane_polygons.without_repeats(vertices)
        self.vertices = shorter if len(shorter) else vertices[:1]
        self.simple = plane_polygons.is_simple(self.vertices) if simple is None else simple

    @property
    def _distance_is_exact(self) -> bool:  # type: ignore[override]
        return self.simple

    @cached_property
    def _own_convex(self) -> bool:
        return self.simple and plane_polygons.is_convex(self.vertices)

    @property
    def convex(self) -> bool | None:
        return self._own_convex if self.simple else None

    @property
    def locally_convex(self) -> bool | None:
        """Of a simple polygon, which is closed and connected, the same as convex."""
        return self.convex

    @property
    def own_area(self) -> float | None:
        if len(self.vertices) < 3:
            return 0.0
        return abs(plane_polygons.signed_area(self.vertices)) if self.simple else None

    @property
    def area_in_window(self) -> float | None:
        if self.window.holds(self.box) or not self.simple:
            return super().area_in_window
        return abs(plane_polygons.signed_area(plane_polygons.clipped_to(self.placed, self.window.corners)))

    @property
    def placed(self) -> Points:
        """The vertices where the frame puts them."""
        return self.frame.out(self.vertices)

    @property
    def own_box(self) -> Box:
        return box_around(self.vertices)

    @cached_property
    def box(self) -> Box:
        return box_around(self.placed)

    @property
    def work(self) -> float:
        return max(1.0, len(self.vertices) / 8)

    def at_least(self, points: Points) -> NDArray[np.float64]:
        """The outline holds the boundary, also where edges cross."""
        away = plane_polygons.distance_to_edges(points, self.placed)
        return np.where(self._inside(points), 0.0, away)

    def _inside_own(self, points: Points) -> NDArray[np.bool_]:
        return plane_polygons.inside(points, self.vertices)

    def _away(self, points: Points) -> NDArray[np.float64] | None:
        return plane_polygons.distance_to_edges(points, self.vertices) if self.simple else None


class Spiral(Shape):
    """An Archimedean band: |r - t| <= width / 2 at the angle of t turns, 0 <= t <= turns; the pitch is 1.

    0 < width < 1, so that the band does not meet itself, and at least one turn. The area is exact; the
    distance is an upper bound, to the point of the band on the same ray or at one of the ends.
    """

    def __init__(self, space: Plane, traits: Traits, frame: Frame, turns: float, width: float) -> None:
        super().__init__(space, traits, frame)
        self.turns, self.width = turns, width

    @property
    def convex(self) -> bool | None:
        return False

    @property
    def locally_convex(self) -> bool | None:
        """It is closed, connected and not convex."""
        return False

    @property
    def own_area(self) -> float | None:
        # 2 pi times the integral over t of (outer^2 - inner^2) / 2, inner = max(0, t - width / 2).
        return 2 * math.pi * (7 * self.width**3 / 48 + self.width / 2 * (self.turns**2 - self.width**2 / 4))

    @property
    def own_box(self) -> Box:
        reach = self.turns + self.width / 2
        return Box(-reach, -reach, reach, reach)

    def _inside_own(self, points: Points) -> NDArray[np.bool_]:
        radius, turn = _polar(points)
        on = turn + np.round(radius - turn)
        near = np.abs(radius - on) <= self.width / 2
        return np.asarray(near & (on >= 0) & (on <= self.turns))

    def _away(self, points: Points) -> NDArray[np.float64]:
        radius, turn = _polar(points)
        last = np.floor(self.turns - turn)
        on = turn + np.clip(np.round(radius - turn), 0.0, np.maximum(last, 0.0))
        radial = np.where(last >= 0, np.abs(radius - on) - self.width / 2, math.inf)
        angle = 2 * math.pi * self.turns
        end = np.array([math.cos(angle), math.sin(angle)])
        feet = np.array([(0.0, 0.0), (self.turns - self.width / 2) * end])
        tips = np.array([(self.width / 2, 0.0), (self.turns + self.width / 2) * end])
        return np.minimum(radial, plane_polygons.distance_to_segments(points, feet, tips))

    def at_least(self, points: Points) -> NDArray[np.float64]:
        """A step of length s from the radius r changes r by at most s, and the turn by at most
        s / (2 pi (r - s)): to cross a radial gap g takes at least g / (1 + 1 / (pi r)), or r / 2."""
        own = self.frame.into(points)
        radius, turn = _polar(own)
        gap = np.maximum(0.0, np.abs(radius - turn - np.round(radius - turn)) - self.width / 2)
        near = np.minimum(radius / 2, gap * radius / (radius + 1 / math.pi))
        return np.maximum(near, radius - self.turns - self.width / 2) * self.frame.scale


def _polar(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Radius, and angle in turns, in [0, 1)."""
    x, y = points.T
    turn = np.arctan2(y, x) / (2 * math.pi)
    return np.hypot(x, y), np.where(turn < 0, turn + 1.0, turn)


class HalfPlane(Shape):
    """Everything with x <= 0: convex, of infinite area. Exact throughout."""

    _distance_is_exact = True

    @property
    def convex(self) -> bool | None:
        return True

    @property
    def bounded(self) -> bool | None:
        return False

    @property
    def area(self) -> float | None:
        return math.inf

    @property
    def area_in_window(self) -> float | None:
        own = self.frame.into(self.window.corners)
        return (
            abs(plane_polygons.signed_area(plane_polygons.clipped(own, (1.0, 0.0), 0.0)))
            * self.frame.scale**2
        )

    @property
    def own_box(self) -> Box:
        return EVERYWHERE

    def _inside_own(self, points: Points) -> NDArray[np.bool_]:
        return np.asarray(points[:, 0] <= 0)

    def _away(self, points: Points) -> NDArray[np.float64]:
        return points[:, 0]


class Stripes(Shape):
    """Bands |x - k (width + gap)| <= width / 2 for all integers k: locally convex, of infinite area.

    Exact throughout.
    """

    _distance_is_exact = True

    def __init__(self, space: Plane, traits: Traits, frame: Frame, width: float, gap: float) -> None:
        super().__init__(space, traits, frame)
        self.width, self.period = width, width + gap

    @property
    def convex(self) -> bool | None:
        return False

    @property
    def locally_convex(self) -> bool | None:
        """Bands are convex, and apart."""
        return True

    @property
    def bounded(self) -> bool | None:
        return False

    @property
    def area(self) -> float | None:
        return math.inf

    @cached_property
    def _seen_area(self) -> float | None:
        own = self.frame.into(self.window.corners)
        low, high = own[:, 0].min(), own[:, 0].max()
        first, last = math.floor(low / self.period), math.ceil(high / self.period)
        if last - first > MOST_STRIPES:
            return None
        parts = []
        for k in range(first, last + 1):
            middle = k * self.period
            band = plane_polygons.clipped(own, (1.0, 0.0), middle + self.width / 2)
            if len(band):
                band = plane_polygons.clipped(band, (-1.0, 0.0), -(middle - self.width / 2))
            parts.append(abs(plane_polygons.signed_area(band)))
        return math.fsum(parts) * self.frame.scale**2

    @property
    def area_in_window(self) -> float | None:
        return self._seen_area

    @property
    def own_box(self) -> Box:
        return EVERYWHERE

    def _from_middle(self, points: Points) -> NDArray[np.float64]:
        x = points[:, 0]
        return np.abs(x - self.period * np.round(x / self.period))

    def _inside_own(self, points: Points) -> NDArray[np.bool_]:
        return np.asarray(self._from_middle(points) <= self.width / 2)

    def _away(self, points: Points) -> NDArray[np.float64]:
        return self._from_middle(points) - self.width / 2


class Everything(Shape):
    """The whole plane."""

    _distance_is_exact = True

    @property
    def convex(self) -> bool | None:
        return True

    @property
    def bounded(self) -> bool | None:
        return False

    @property
    def area(self) -> float | None:
        return math.inf

    @property
    def area_in_window(self) -> float | None:
        return self.window.area

    @property
    def own_box(self) -> Box:
        return EVERYWHERE

    def _inside_own(self, points: Points) -> NDArray[np.bool_]:
        return np.ones(len(points), dtype=bool)
