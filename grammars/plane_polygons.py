"""Polygons of the plane by their vertices, float64[v, 2]: inside, distance, area, convexity, clipping.

A polygon is closed: its edges belong to it. Where edges cross, what is inside twice is outside (even-odd).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from grammars.frames import Points

TOGETHER = 2**19
"""Pairs of a point and an edge looked at together."""


def inside(points: Points, vertices: Points) -> NDArray[np.bool_]:
    """Whether each point lies in the polygon or on an edge: bool[n], by crossings of the ray to the right."""
    found = np.empty(len(points), dtype=bool)
    step = max(1, TOGETHER // len(vertices))
    for start in range(0, len(points), step):
        found[start : start + step] = _inside(points[start : start + step], vertices)
    return found


def _inside(points: Points, vertices: Points) -> NDArray[np.bool_]:
    x, y = points[:, 0, None], points[:, 1, None]
    x1, y1 = vertices.T
    x2, y2 = np.roll(vertices, -1, axis=0).T
    side = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
    crossed = ((y1 <= y) != (y2 <= y)) & ((side > 0) == (y2 > y1)) & (side != 0)
    on_edge = (
        (side == 0)
        & (np.minimum(x1, x2) <= x)
        & (x <= np.maximum(x1, x2))
        & (np.minimum(y1, y2) <= y)
        & (y <= np.maximum(y1, y2))
    )
    return np.asarray((crossed.sum(axis=1) % 2 == 1) | on_edge.any(axis=1))


def distance_to_segments(points: Points, starts: Points, ends: Points) -> NDArray[np.float64]:
    """Least Euclidean distance of each point to one of the segments: float64[n]."""
    found = np.empty(len(points))
    along = ends - starts
    length = np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    step = max(1, TOGETHER // len(starts))
    for first in range(0, len(points), step):
        x = points[first : first + step, 0, None] - starts[:, 0]
        y = points[first : first + step, 1, None] - starts[:, 1]
        share = np.clip((x * along[:, 0] + y * along[:, 1]) / length, 0.0, 1.0)
        squares = (x - share * along[:, 0]) ** 2 + (y - share * along[:, 1]) ** 2
        found[first : first + step] = np.sqrt(squares.min(axis=1))
    return found


def distance_to_edges(points: Points, vertices: Points) -> NDArray[np.float64]:
    """Least Euclidean distance of each point to the outline."""
    return distance_to_segments(points, vertices, np.roll(vertices, -1, axis=0))


def signed_area(vertices: Points) -> float:
    """Positive for a simple polygon that runs counterclockwise."""
    if not len(vertices):
        return 0.0
    x, y = (vertices - vertices[0]).T  # Less is lost to rounding near the polygon than near the origin.
    return float(math.fsum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


def without_repeats(vertices: Points) -> Points:
    """Each vertex that equals the one before it left out."""
    return vertices[(vertices != np.roll(vertices, 1, axis=0)).any(axis=1)]


def is_simple(vertices: Points) -> bool:
    """Whether no two edges have a point in common but the vertex between neighbours."""
    count = len(vertices)
    if count < 3:
        return False
    ends = np.roll(vertices, -1, axis=0)
    for i in range(count):
        for j in range(i + 1, count):
            if j == i + 1 or (i == 0 and j == count - 1):
                tip, mid, tail = (i, j, (j + 1) % count) if j == i + 1 else (j, i, (i + 1) % count)
                if _turn(vertices[tip], vertices[mid], vertices[tail]) == 0 and (
                    (vertices[tail] - vertices[mid]) @ (vertices[tip] - vertices[mid]) > 0
                ):
                    return False  # An edge that runs back over the one before.
            elif _touch(vertices[i], ends[i], vertices[j], ends[j]):
                return False
    return True


def is_convex(vertices: Points) -> bool:
    """Whether a simple polygon is convex: all its turns go the same way."""
    before, after = np.roll(vertices, 1, axis=0), np.roll(vertices, -1, axis=0)
    turns = [_turn(*three) for three in zip(before, vertices, after, strict=True)]
    return min(turns) >= 0 or max(turns) <= 0


def clipped(vertices: Points, normal: tuple[float, float], offset: float) -> Points:
    """The part of a polygon where normal . p <= offset (Sutherland & Hodgman 1974); float64[0, 2] if none.

    Of a polygon that is not convex the parts may be joined by edges that run back and forth: its area is
    right, its outline is not.
    """
    kept: list[Points] = []
    heights = vertices @ np.array(normal) - offset
    for i, height in enumerate(heights):
        before = heights[i - 1]
        if (before < 0 < height) or (height < 0 < before):
            share = before / (before - height)
            kept.append(vertices[i - 1] + share * (vertices[i] - vertices[i - 1]))
        if height <= 0:
            kept.append(vertices[i])
    return np.array(kept) if kept else np.zeros((0, 2))


def clipped_to(vertices: Points, convex: Points) -> Points:
    """The part of a polygon inside a convex one; see `clipped`."""
    if signed_area(convex) < 0:
        convex = convex[::-1]
    for (x1, y1), (x2, y2) in zip(convex, np.roll(convex, -1, axis=0), strict=True):
        if not len(vertices):
            break
        normal = (y2 - y1, x1 - x2)
        vertices = clipped(vertices, normal, normal[0] * x1 + normal[1] * y1)
    return vertices


def _turn(a: Points, b: Points, c: Points) -> float:
    """Positive where a, b, c turn left. What rounding leaves of a straight line counts as straight."""
    first, second = (b[0] - a[0]) * (c[1] - b[1]), (b[1] - a[1]) * (c[0] - b[0])
    turn = float(first - second)
    return 0.0 if abs(turn) <= 1e-12 * (abs(first) + abs(second)) else turn


def _touch(a: Points, b: Points, c: Points, d: Points) -> bool:
    """Whether the segments ab and cd have a point in common."""
    box = np.minimum(a, b) <= np.maximum(c, d)
    if not (box & (np.minimum(c, d) <= np.maximum(a, b))).all():
        return False
    return _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0
