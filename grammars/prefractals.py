"""Prefractals: the images of a polygon under all words of so many maps (Hutchinson 1981), of positive area.

A fractal itself has no area, and no uniform law in the plane; after a stated number of steps it has both.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import plane_polygons
from grammars.example_set import Traits
from grammars.frames import Box, Frame, Points, box_around, scaled, shifted
from grammars.plane_sets import Shape
from grammars.spaces import Plane

MOST_PIECES = 4096
"""Pieces of the largest prefractal."""

CHUNK = 1024
"""Points looked at together: each may have as many preimages as there are pieces."""

ROUNDING = 1e-12
"""How far outside a piece, in its own coordinates, still counts as inside."""

SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
"""Side 1, about the origin."""

TRIANGLE = np.array([(-0.5, -math.sqrt(1 / 12)), (0.5, -math.sqrt(1 / 12)), (0.0, math.sqrt(1 / 3))])
"""Equilateral, side 1, about the origin."""

CELLS = {
    "ring": ("###", "#.#", "###"),
    "plus": (".#.", "###", ".#."),
    "cross": ("#.#", ".#.", "#.#"),
    "corners": ("#.#", "...", "#.#"),
}
"""Which of the nine parts of a square stay: Sierpinski's carpet, Vicsek's two, Cantor's dust."""


def cell_maps(cells: str) -> tuple[Frame, ...]:
    """The maps of the unit square onto the parts that stay."""
    return tuple(
        scaled(1 / 3).then(shifted((column - 1) / 3, (1 - row) / 3))
        for row, line in enumerate(CELLS[cells])
        for column, mark in enumerate(line)
        if mark == "#"
    )


def gasket_maps() -> tuple[Frame, ...]:
    """The maps of the triangle onto its three corners, half as large."""
    return tuple(scaled(0.5).then(shifted(x / 2, y / 2)) for x, y in TRIANGLE)


def koch_outline(depth: int) -> Points:
    """Koch's snowflake around the triangle of side 1 after so many steps: 3 * 4^depth vertices."""
    vertices = TRIANGLE
    outwards = np.array([(0.5, -math.sqrt(0.75)), (math.sqrt(0.75), 0.5)])  # Clockwise by a sixth of a turn.
    for _ in range(depth):
        third = (np.roll(vertices, -1, axis=0) - vertices) / 3
        tips = vertices + third + third @ outwards
        new = [vertices, vertices + third, tips, vertices + 2 * third]
        vertices = np.stack(new, axis=1).reshape(-1, 2)
    return vertices


class Prefractal(Shape):
    """The union of the images of a convex polygon under all words of `depth` similarities.

    `disjoint`: the images of the polygon under the maps lie in it and share no area. Then the area is exact
    and points are drawn directly: a word, a point of the polygon, its image. Otherwise what is drawn in an
    overlap is thinned, and the area is estimated. The distance is exact: to the nearest of all the pieces.
    """

    _distance_is_exact = True

    def __init__(
        self,
        space: Plane,
        traits: Traits,
        frame: Frame,
        maps: tuple[Frame, ...],
        base: Points,
        depth: int,
        *,
        disjoint: bool,
        locally_convex: bool | None = None,
    ) -> None:
        """`locally_convex`: from depth 1 on, where there are two maps or more."""
        super().__init__(space, traits, frame)
        self.maps, self.base, self.depth, self.disjoint = maps, base, depth, disjoint
        self._stated = locally_convex

    @property
    def convex(self) -> bool | None:
        if self.depth == 0:
            return True
        return False if self.disjoint and len(self.maps) > 1 else None

    @property
    def locally_convex(self) -> bool | None:
        return True if self.depth == 0 else self._stated

    @property
    def own_area(self) -> float | None:
        if not self.disjoint and self.depth > 0:
            return None
        shrinking = math.fsum(frame.scale**2 for frame in self.maps)
        return abs(plane_polygons.signed_area(self.base)) * shrinking**self.depth

    @property
    def own_box(self) -> Box:
        return self._levels[self.depth]

    @property
    def work(self) -> float:
        return 4.0 * (self.depth + 1)

    @cached_property
    def _levels(self) -> list[Box]:
        """A box around the images of the polygon under all words of each length."""
        boxes = [box_around(self.base)]
        for _ in range(self.depth):
            images = [box_around(frame.out(boxes[-1].corners)) for frame in self.maps]
            boxes.append(box_around(np.concatenate([image.corners for image in images])))
        return boxes

    @cached_property
    def pieces(self) -> NDArray[np.float64]:
        """Every image of the polygon where the frame puts it: float64[pieces, v, 2]."""
        found = self.base[None]
        for _ in range(self.depth):
            flat = found.reshape(-1, 2)
            found = np.concatenate([frame.out(flat).reshape(found.shape) for frame in self.maps])
        return self.frame.out(found.reshape(-1, 2)).reshape(found.shape)

    def multiplicity(self, points: Points) -> NDArray[np.int64]:
        """In how many of the pieces each point lies, in own coordinates: int64[n].

        The preimages of a point under words of every length, as long as they lie in the boxes of `_levels`.
        """
        count = np.zeros(len(points), dtype=np.int64)
        for start in range(0, len(points), CHUNK):
            origin = np.arange(start, min(start + CHUNK, len(points)))
            origin, here = self._in_box(origin, points[origin], self.depth)
            for depth in reversed(range(self.depth)):
                parts = [self._in_box(origin, frame.into(here), depth) for frame in self.maps]
                origin = np.concatenate([part[0] for part in parts])
                here = np.concatenate([part[1] for part in parts])
            count += np.bincount(origin[self._inside_base(here)], minlength=len(points))
        return count

    def _in_box(
        self, origin: NDArray[np.intp], points: Points, depth: int
    ) -> tuple[NDArray[np.intp], Points]:
        left, bottom, right, top = self._levels[depth]
        slack = 1e-9 * max(right - left, top - bottom)  # The box only saves work: it must not decide.
        near = Box(left - slack, bottom - slack, right + slack, top + slack).inside(points)
        return origin[near], points[near]

    def _inside_base(self, points: Points) -> NDArray[np.bool_]:
        """In the polygon, or outside by no more than rounding: pieces side by side leave no cracks."""
        x, y = points.T
        inside = np.ones(len(points), dtype=bool)
        for (x1, y1), (x2, y2) in zip(self.base, np.roll(self.base, -1, axis=0), strict=True):
            inside &= (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1) >= -ROUNDING
        return inside

    def _inside_own(self, points: Points) -> NDArray[np.bool_]:
        return np.asarray(self.multiplicity(points) > 0)

    def _distance_from_outside(self, examples: Points) -> Any:
        starts, ends = self.pieces, np.roll(self.pieces, -1, axis=1)
        return plane_polygons.distance_to_segments(examples, starts.reshape(-1, 2), ends.reshape(-1, 2))

    def at_least(self, points: Points) -> NDArray[np.float64]:
        return self.box.distance(points)  # The pieces are many; what is asked here is asked often.

    @property
    def _draws_directly(self) -> bool:
        return True

    def _draw_own(self, n: int, rng: np.random.Generator) -> Points:
        """A word by the areas of its pieces, a point of the polygon by its corners, thinned in overlaps."""
        points = self._draw_base(n, rng)
        shares = np.array([frame.scale**2 for frame in self.maps])
        for _ in range(self.depth):
            chosen = rng.choice(len(self.maps), size=n, p=shares / shares.sum())
            for i, frame in enumerate(self.maps):
                points[chosen == i] = frame.out(points[chosen == i])
        if not self.disjoint:
            count = self.multiplicity(points)
            points[rng.random(n) * np.maximum(count, 1) >= 1.0] = math.nan
        return points

    def _draw_base(self, n: int, rng: np.random.Generator) -> Points:
        """Uniform in the polygon: a triangle of its fan by area, then a point of the triangle."""
        first, second, third = self.base[0], self.base[1:-1], self.base[2:]
        areas = np.array(
            [plane_polygons.signed_area(np.array([first, b, c])) for b, c in zip(second, third, strict=True)]
        )
        chosen = rng.choice(len(areas), size=n, p=areas / areas.sum())
        u, v = rng.random((2, n))
        folded = u + v > 1
        u, v = np.where(folded, 1 - u, u), np.where(folded, 1 - v, v)
        return np.asarray(
            first + u[:, None] * (second[chosen] - first) + v[:, None] * (third[chosen] - first)
        )
