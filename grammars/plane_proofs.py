"""What can be proved of two regions: that they are apart, that one lies inside the other, what they share."""

from __future__ import annotations

import math

import numpy as np

from grammars import effort
from grammars.example_set import EFFORT
from grammars.frames import Box
from grammars.plane_sets import Nowhere, Region
from grammars.plane_shapes import Everything, Ring

MOST_CELLS = 2**14
"""Most cells looked at together to prove two sets to be apart."""

FINEST = 12
"""Halvings of the cells, at most."""


def has_area(region: Region) -> bool:
    """Whether the part inside the window is known to have a positive area: by its area, or a point drawn."""
    area = region.area_in_window
    if area is not None:
        return area > 0
    with effort.separately(EFFORT):
        return len(region.draw(0, 1, np.random.Generator(np.random.PCG64(0)))) > 0


def surely_inside(inner: Region, outer: Region) -> bool:
    """Whether the inner set is proved to lie in the interior of the outer one: False where this is not known.

    Known where there is nothing inside, where the outer one is the whole plane, and where all corners of the
    inner one's box lie in the interior of a convex outer one.
    """
    if isinstance(inner, Nowhere) or isinstance(outer, Everything):
        return True
    if not outer.convex or not inner.box.is_finite or not outer.distance_is_exact:
        return False
    # The corners of a box a little larger, so that they lie inside by more than rounding.
    left, bottom, right, top = inner.box
    margin = 1e-9 * (1.0 + max(map(abs, inner.box)))
    larger = Box(left - margin, bottom - margin, right + margin, top + margin)
    return bool(outer.contains(larger.corners).all())


def apart(a: Region, b: Region) -> bool:
    """Whether two sets are proved to have a positive distance: False where this is not known.

    The box that they share is cut into cells, finer and finer, until around every cell's centre one of them
    is known to be farther away than the cell reaches.
    """
    if isinstance(a, Nowhere) or isinstance(b, Nowhere):
        return True
    box = a.box.meet(b.box)
    if box.is_empty:
        return True
    if not box.is_finite:
        return False
    margin = 1e-9 * (1.0 + max(map(abs, box)))
    centres = np.array([((box.left + box.right) / 2, (box.bottom + box.top) / 2)])
    half = np.array([box.right - box.left, box.top - box.bottom]) / 2
    for _ in range(FINEST):
        reach = float(np.hypot(*half)) + margin
        left = ~((a.at_least(centres) > reach) | (b.at_least(centres) > reach))
        centres = centres[left]
        if not len(centres):
            return True
        if 4 * len(centres) > MOST_CELLS or (a.contains(centres) & b.contains(centres)).any():
            return False
        half = half / 2
        corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) * half
        centres = (centres[:, None] + corners).reshape(-1, 2)
    return False


def lens_area(a: Ring, b: Ring) -> float | None:
    """Area of the intersection of two discs; None of rings with a hole, or halves."""
    if a.inner or b.inner or a.half or b.half:
        return None
    first, second = a.outer * a.frame.scale, b.outer * b.frame.scale
    gap = math.hypot(a.frame.e - b.frame.e, a.frame.f - b.frame.f)
    if gap >= first + second:
        return 0.0
    if gap <= abs(first - second):
        return math.pi * min(first, second) ** 2
    total = 0.0
    for own, other in ((first, second), (second, first)):
        cosine = min(1.0, max(-1.0, (gap**2 + own**2 - other**2) / (2 * gap * own)))
        angle = math.acos(cosine)
        total += own**2 * (angle - math.sin(2 * angle) / 2)  # The segment beyond the common chord.
    return total
