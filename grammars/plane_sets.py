"""A region: a set of points of the plane with a law to draw them by, and what it states about itself."""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.example_set import ExampleSet, Traits, draw_accepted, log2_with_error
from grammars.frames import NOWHERE, Box, Frame, Points
from grammars.spaces import Examples, Plane, check_examples, empty

DRAWS = 2**14
"""Points of an estimate of an area."""

LEAST = float(np.nextafter(0.0, 1.0))
"""Distance of a point that is not in the set while points as near as one likes are."""


class Region(ExampleSet):
    """A set of points of the plane.

    Membership is exact and knows no window. The law is uniform on the part inside the window, [-w, w]^2: a
    finite area may reach beyond it, an infinite one always does (`beyond`, `mass_beyond`).

    `size()` is None, since its points are a continuum; 0 where it is known to have no area in the window, so
    that nothing could be drawn. Where sizes are compared, `log2_size` stands for it: log2 of the area inside
    the window. There is one stratum, 0.

    What a region states about itself is proved, or None. It is said of the closure of the region's interior:
    what has no area is seen by no sample.

    convex:         the segment between any two points of the set lies in it. The empty set is convex.
    locally_convex: every point of the set has a neighbourhood whose intersection with the set is convex. A
                    closed connected set with this property is convex (Tietze 1928; Nakajima 1928).
    bounded:        it lies in some disc.
    area:           of the whole set, inf where it is infinite; None where it is not known exactly.
    """

    _sampling = "uniform"

    def __init__(self, space: Plane, traits: Traits) -> None:
        super().__init__(space, traits)
        self.plane = space
        self.window = Box(-space.window, -space.window, space.window, space.window)

    # What a subclass says.

    @abstractmethod
    def _inside(self, points: Points) -> NDArray[np.bool_]:
        """Membership of finite points."""

    @abstractmethod
    def moved(self, frame: Frame) -> Region:
        """The image under a similarity."""

    @property
    @abstractmethod
    def box(self) -> Box:
        """A box around the whole set, not always the least; infinite where it must be."""

    @property
    def convex(self) -> bool | None:
        return None

    @property
    def locally_convex(self) -> bool | None:
        """By default, what follows from being convex."""
        return True if self.convex else None

    @property
    def bounded(self) -> bool | None:
        return True if self.box.is_finite or self.box.is_empty else None

    @property
    def area(self) -> float | None:
        return None

    @property
    def area_in_window(self) -> float | None:
        """Exact area of the part inside the window; None where it is not known."""
        if self.view.area == 0 or self.area == 0:
            return 0.0
        return self.area if self.window.holds(self.box) else None

    def at_least(self, points: Points) -> NDArray[np.float64]:
        """A lower bound of the distance to the set, as `distance` is an upper one."""
        return self.distance(points) if self.distance_is_exact else self.box.distance(points)

    def _propose(self, n: int, rng: np.random.Generator) -> Points:
        """n points whose law, given that they lie in the set and in the window, is the region's."""
        return self.view.draw(n, rng)

    @property
    def support(self) -> Region:
        """The set alone, with the uniform law."""
        return self

    # What everybody asks.

    @property
    def view(self) -> Box:
        """The part of the box inside the window."""
        return self.box.meet(self.window)

    def beyond(self, points: Points) -> NDArray[np.bool_]:
        """Which points lie outside the window, where the law puts none; bool[n]."""
        return ~self.window.inside(check_examples(points, self.space))

    @property
    def mass_beyond(self) -> float | None:
        """Share of the area that the window cuts off: 1 of an infinite one, None where it is not known."""
        whole, seen = self.area, self.area_in_window
        if whole is None:
            return None
        if whole == math.inf:
            return 1.0
        return None if seen is None else 0.0 if whole == 0 else max(0.0, 1.0 - seen / whole)

    def estimated_area(self, rng: np.random.Generator) -> tuple[float, float]:
        """Area inside the window and its standard error: exact (error 0) where known, else by 16,384
        points drawn uniformly in the box. Where none of them is a member: 0, and the box's area / points."""
        if self.area_in_window is not None:
            return self.area_in_window, 0.0
        hits = float(self._inside(self.view.draw(DRAWS, rng)).mean()) if self.view.area else 0.0
        spread = math.sqrt(hits * (1 - hits) / DRAWS) if 0 < hits < 1 else 1.0 / DRAWS
        return hits * self.view.area, spread * self.view.area

    @property
    def density_is_exact(self) -> bool:
        """Whether `density` is exact, or rests on an estimated area."""
        return self.area_in_window is not None

    def density(self, points: Points) -> NDArray[np.float64]:
        """Density of the law at each point, per unit of area: float64[n]; 0 outside the set or the window."""
        seen = self.contains(points) & ~self.beyond(points)
        return np.where(seen, 1.0 / self._divisor, 0.0)

    def log_density(self, points: Points) -> NDArray[np.float64]:
        """Natural logarithm of the density; -inf where it is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.density(points)))

    def distance(self, examples: Examples) -> NDArray[np.float64]:
        """Euclidean distance to the set, float64[n]; 0 iff contained.

        Exact where `distance_is_exact`, else an upper bound: the distance to some points of the set. Infinite
        where no point of it is known. The smallest positive number for a point that is no member while points
        of the set are as near as one likes.
        """
        points = check_examples(examples, self.space)
        found = np.zeros(len(points))
        outside = np.flatnonzero(~self._contains(points))
        finite = np.isfinite(points[outside]).all(axis=1)
        found[outside] = math.inf
        if finite.any():
            with np.errstate(over="ignore", invalid="ignore"):  # Of numbers whose squares no float holds.
                away = np.asarray(self._distance_from_outside(points[outside[finite]]), np.float64)
            found[outside[finite]] = np.maximum(np.where(np.isnan(away), math.inf, away), LEAST)
        return found

    # How.

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        finite = np.isfinite(examples).all(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            finite[finite] = self._inside(examples[finite])
        return np.asarray(finite)

    def _strata(self) -> list[int]:
        return [0]

    def _sizes(self) -> dict[int, int | None]:
        return {} if self.area_in_window == 0 else {0: None}

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        if stratum != 0 or self.view.area == 0:
            return empty(self.space)
        return draw_accepted(n, lambda m: self._propose(m, rng), self._seen, empty(self.space), self.work)

    def _seen(self, points: Any) -> NDArray[np.bool_]:
        return self._contains(points) & self.window.inside(points)

    def _distance_from_outside(self, examples: Any) -> Any:
        return nearest(examples, self._pool)

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        return log2_with_error(*self.estimated_area(rng))

    @cached_property
    def _divisor(self) -> float:
        """The area that the density is one over; infinite where none is known, so that the density is 0."""
        return self.estimated_area(np.random.Generator(np.random.PCG64(0)))[0] or math.inf


class Nowhere(Region):
    """No point at all."""

    _distance_is_exact = True
    box = NOWHERE

    @property
    def convex(self) -> bool | None:
        return True

    @property
    def area(self) -> float | None:
        return 0.0

    def moved(self, frame: Frame) -> Region:
        return self

    def _inside(self, points: Points) -> NDArray[np.bool_]:
        return np.zeros(len(points), dtype=bool)

    def _members(self, limit: int) -> Examples | None:
        return empty(self.space)

    def _distance_from_outside(self, examples: Any) -> Any:
        return np.full(len(examples), math.inf)


class Shape(Region):
    """A region given in coordinates of its own, and the frame that places it.

    A subclass says what is inside (`_inside_own`), its own area and box, how far an outside point is, and
    draws points in its own coordinates where it can.
    """

    def __init__(self, space: Plane, traits: Traits, frame: Frame) -> None:
        super().__init__(space, traits)
        self.frame = frame

    @abstractmethod
    def _inside_own(self, points: Points) -> NDArray[np.bool_]:
        """Membership in own coordinates."""

    @property
    @abstractmethod
    def own_box(self) -> Box:
        """A box around the shape in its own coordinates."""

    @property
    def own_area(self) -> float | None:
        """Exact area in own coordinates; None where it is not known."""
        return None

    def _away(self, points: Points) -> NDArray[np.float64] | None:
        """Distance of outside points in own coordinates; None where drawn points must do."""
        return None

    def _draw_own(self, n: int, rng: np.random.Generator) -> Points | None:
        """n points uniform on the shape, in own coordinates; None where a box must do."""
        return None

    def moved(self, frame: Frame) -> Region:
        image = object.__new__(type(self))
        kept = vars(self).items()  # All but what was worked out, which may depend on the frame.
        vars(image).update(
            {k: v for k, v in kept if not isinstance(getattr(type(self), k, None), cached_property)}
        )
        image.frame = self.frame.then(frame)
        return image

    @property
    def area(self) -> float | None:
        own = self.own_area
        return None if own is None else own * self.frame.scale**2

    @cached_property
    def box(self) -> Box:
        if not self.own_box.is_finite:
            return Box(-math.inf, -math.inf, math.inf, math.inf)
        corners = self.frame.out(self.own_box.corners)
        (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
        return Box(float(left), float(bottom), float(right), float(top))

    def _inside(self, points: Points) -> NDArray[np.bool_]:
        return self._inside_own(self.frame.into(points))

    def _distance_from_outside(self, examples: Any) -> Any:
        away = self._away(self.frame.into(examples))
        return super()._distance_from_outside(examples) if away is None else away * self.frame.scale

    def _propose(self, n: int, rng: np.random.Generator) -> Points:
        own = self._draw_own(n, rng) if self._draws_directly else None
        return super()._propose(n, rng) if own is None else self.frame.out(own)

    @property
    def _draws_directly(self) -> bool:
        """Whether points are drawn on the whole shape: not where the window may cut nearly all of it off."""
        return self.window.holds(self.box)


def nearest(points: Points, members: Points) -> NDArray[np.float64]:
    """Euclidean distance of each point to the nearest member; infinite where there is none."""
    found = np.full(len(points), math.inf)
    if len(members):
        for start in range(0, len(points), 1024):
            apart = points[start : start + 1024, None] - members
            found[start : start + 1024] = np.hypot(apart[..., 0], apart[..., 1]).min(axis=1)
    return found
