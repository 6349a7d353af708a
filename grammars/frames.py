"""Similarities of the plane, and boxes with sides along the axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """The similarity (x, y) -> (a x + b y + e, c x + d y + f): where a shape's own coordinates lie.

    Written out by coordinate: what happens to a point does not depend on its batch, to the last bit.
    """

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    @property
    def scale(self) -> float:
        """How much longer lengths become."""
        return math.hypot(self.a, self.c)

    def then(self, other: Frame) -> Frame:
        """This one, and the other after it."""
        a, b, c, d = self.a, self.b, self.c, self.d
        e, f = other.a * self.e + other.b * self.f + other.e, other.c * self.e + other.d * self.f + other.f
        return Frame(
            other.a * a + other.b * c,
            other.a * b + other.b * d,
            other.c * a + other.d * c,
            other.c * b + other.d * d,
            e,
            f,
        )

    def out(self, points: Points) -> Points:
        """From a shape's own coordinates to the plane's; float64[n, 2]."""
        x, y = points[:, 0], points[:, 1]
        # Adding 0.0 makes -0.0 the same bits as 0.0: examples are compared by their bits.
        return np.stack(
            [self.a * x + self.b * y + self.e + 0.0, self.c * x + self.d * y + self.f + 0.0], axis=1
        )

    def into(self, points: Points) -> Points:
        """From the plane's coordinates to a shape's own."""
        determinant = self.a * self.d - self.b * self.c
        x, y = points[:, 0] - self.e, points[:, 1] - self.f
        return np.stack(
            [(self.d * x - self.b * y) / determinant, (self.a * y - self.c * x) / determinant], axis=1
        )


def shifted(x: float, y: float) -> Frame:
    return Frame(e=x, f=y)


def scaled(factor: float) -> Frame:
    return Frame(a=factor, d=factor)


def turned(degrees: float) -> Frame:
    """Counterclockwise about the origin; quarter turns are exact."""
    quarters, rest = divmod(degrees % 360.0, 90.0)
    cosine, sine = (1.0, 0.0) if rest == 0 else (math.cos(math.radians(rest)), math.sin(math.radians(rest)))
    for _ in range(int(quarters)):
        cosine, sine = -sine, cosine
    return Frame(a=cosine, b=-sine, c=sine, d=cosine)


MIRRORED = Frame(a=-1.0)
"""Left and right exchanged."""


class Box(NamedTuple):
    """left <= x <= right, bottom <= y <= top; may be infinite, or empty."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def area(self) -> float:
        return max(0.0, self.right - self.left) * max(0.0, self.top - self.bottom)

    @property
    def is_empty(self) -> bool:
        return self.right < self.left or self.top < self.bottom

    @property
    def is_finite(self) -> bool:
        return all(map(math.isfinite, self))

    @property
    def corners(self) -> Points:
        """In order around the box, counterclockwise: float64[4, 2]."""
        left, bottom, right, top = self
        return np.array([(left, bottom), (right, bottom), (right, top), (left, top)])

    def meet(self, other: Box) -> Box:
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )

    def join(self, other: Box) -> Box:
        """The least box around both."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Box(
            min(self.left, other.left),
            min(self.bottom, other.bottom),
            max(self.right, other.right),
            max(self.top, other.top),
        )

    def holds(self, other: Box) -> bool:
        return other.is_empty or self.meet(other) == other

    def inside(self, points: Points) -> NDArray[np.bool_]:
        x, y = points[:, 0], points[:, 1]
        return np.asarray((self.left <= x) & (x <= self.right) & (self.bottom <= y) & (y <= self.top))

    def distance(self, points: Points) -> NDArray[np.float64]:
        """Euclidean distance to the box; infinite to an empty one."""
        if self.is_empty:
            return np.full(len(points), math.inf)
        low, high = np.array(self[:2]), np.array(self[2:])
        apart = np.maximum(0.0, np.maximum(low - points, points - high))
        return np.asarray(np.hypot(apart[:, 0], apart[:, 1]))

    def draw(self, n: int, rng: np.random.Generator) -> Points:
        """n points, uniform in a finite box."""
        low, high = np.array(self[:2]), np.array(self[2:])
        return np.asarray(low + rng.random((n, 2)) * (high - low) + 0.0)


NOWHERE = Box(math.inf, math.inf, -math.inf, -math.inf)
EVERYWHERE = Box(-math.inf, -math.inf, math.inf, math.inf)


def box_around(points: Points) -> Box:
    """The least box around points."""
    left, bottom = points.min(axis=0)
    right, top = points.max(axis=0)
    return Box(float(left), float(bottom), float(right), float(top))
