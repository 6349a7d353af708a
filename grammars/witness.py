"""Which polygon made a picture: a search for one with at most so many vertices.

Sound: a polygon that is returned is simple, has at most so many vertices, is star-shaped where that was
asked, and rasterised it is exactly the picture; all of this is checked, in exact arithmetic. Not complete:
where none is returned there may be one. How often is measured: `POLYGONS.md`.

The search. Lines that separate white from black along the boundary are the candidates for edges
(`grammars.separators`). The cheapest chains of at most so many lines once around are found by dynamic
programming over chains from each line across the step of the curve that the fewest lines pass, and each
closed chain is rasterised and compared. For a star-shaped polygon only lines with one and the same place on
their inner side are used, for a few places that see the most lines.

The search sees the picture cropped to its white pixels with a margin and turned to the least of its eight
symmetric images. So what is found does not depend on where and how the picture lies, nor on the grid, and a
witness contains no centre of any larger grid either.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grammars.boundary import is_whole, trace
from grammars.convexity import Pictures
from grammars.rasterise import rasterise
from grammars.separators import Care, Junctions, Lines, junctions, lines_along
from grammars.shapes import Polygon, rounded

MARGIN = 3
"""Black pixels around the white ones within which the polygon must lie."""

CARE = (Care(steepest=6, alike=4, most=160), Care(steepest=12, alike=8, most=320))
"""The second is tried where the first finds nothing."""

ATTEMPTS = 32
"""Closed chains that are rasterised before the search gives up."""

CENTRES = 8
"""Places tried from which all of a star-shaped polygon is seen."""


def find_witness(picture: Pictures, most: int, star: bool = False) -> Polygon | None:
    """A simple polygon, float[v, 2] with v <= most, that makes the picture bool[h, w]; None if none is found.

    None also for pictures that are not one piece without a hole. star: one that is star-shaped.
    """
    if not is_whole(picture[None])[0]:
        return None
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    cropped = np.pad(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], MARGIN)
    images = [
        (image.shape, image.tobytes(), quarters, mirrored)
        for mirrored in (False, True)
        for quarters in range(4)
        for image in (np.rot90(cropped[:, ::-1] if mirrored else cropped, quarters),)
    ]
    shape, pixels, quarters, mirrored = min(images)
    found = _search(shape, pixels, most, star)
    if found is None:
        return None
    polygon = found.copy()
    height, width = shape
    for _ in range(quarters):  # Undo np.rot90: what is at (r, c) came from (c, height - 1 - r).
        polygon = np.stack([polygon[:, 1], height - 1 - polygon[:, 0]], axis=-1)
        height, width = width, height
    if mirrored:
        polygon[:, 1] = width - 1 - polygon[:, 1]
    return polygon + np.array([rows[0] - MARGIN, columns[0] - MARGIN])


@lru_cache(maxsize=2**16)
def _search(shape: tuple[int, int], pixels: bytes, most: int, star: bool) -> Polygon | None:
    picture = np.frombuffer(pixels, bool).reshape(shape)
    for care in CARE:
        found = _search_with(care, picture, most, star)
        if found is not None:
            return found
    return None


def _search_with(care: Care, picture: Pictures, most: int, star: bool) -> Polygon | None:
    curve = trace(picture)
    lines = lines_along(curve, most, care)
    if lines is None:
        return None
    joined = junctions(lines, curve, picture)
    steps = len(curve.white)
    sights = _sights(lines, steps, picture) if star else [np.ones(len(lines.first), bool)]
    attempts = 0
    for seen in sights:
        for chain in closed_chains(lines, steps, joined, most, seen):
            polygon = rounded(joined.vertex[np.roll(chain, 1), chain])
            if makes(polygon, picture) and (not star or has_kernel(polygon)):
                return polygon
            attempts += 1
            if attempts == ATTEMPTS:
                return None
    return None


def _sights(lines: Lines, steps: int, picture: Pictures) -> list[Pictures]:
    """For places inside, which lines they see from within, all around: bool[k] each, the most lines first."""
    height, width = picture.shape
    places = 0.5 * np.argwhere(np.ones((2 * height - 1, 2 * width - 1), bool))
    sees = lines.normal @ places.T < lines.offset[:, None]
    around = (sees.T.astype(np.float32) @ lines.arcs(steps).astype(np.float32) > 0).all(axis=1)
    some = np.flatnonzero(around)
    some = some[np.argsort(-sees[:, some].sum(axis=0), kind="stable")]
    return [sees[:, place] for place in some[:CENTRES]]


def closed_chains(
    lines: Lines, steps: int, joined: Junctions, most: int, usable: Pictures
) -> Iterator[NDArray[np.intp]]:
    """Chains of 3 to `most` usable lines once around the curve, int[v]: for each first line and each length
    the cheapest one."""
    chosen = np.flatnonzero(usable)
    first = lines.first[chosen]
    arcs = lines.arcs(steps)[chosen]
    passing = arcs.sum(axis=0)
    if not len(chosen) or passing.min() == 0:
        return
    cost = joined.cost[np.ix_(chosen, chosen)]
    for start in np.flatnonzero(arcs[:, passing.argmin()]):
        progress = (first - first[start]) % steps
        ends, spent = np.array([start]), np.zeros(1)
        layers = [(ends, np.zeros(1, np.intp))]  # Lines that chains of so many lines end with; their parents.
        for count in range(1, most + 1):
            closing = spent + cost[ends, start]
            last = int(closing.argmin())
            if count >= 3 and np.isfinite(closing[last]):
                yield chosen[_backwards(layers, last)]
            onwards = np.where(progress[ends][:, None] < progress, cost[ends], np.inf) + spent[:, None]
            parents = onwards.argmin(axis=0)
            reached = onwards[parents, np.arange(len(chosen))]
            ends = np.flatnonzero(np.isfinite(reached))
            if not len(ends):
                break
            spent = reached[ends]
            layers.append((ends, parents[ends]))


def _backwards(layers: list[tuple[NDArray[np.intp], NDArray[np.intp]]], last: int) -> list[int]:
    chain = []
    for ends, parents in reversed(layers):
        chain.append(int(ends[last]))
        last = int(parents[last])
    return chain[::-1]


def makes(polygon: Polygon, picture: Pictures) -> bool:
    """Whether a polygon inside the margin is simple and exactly the picture is made by it."""
    low, high = -0.5, np.array(picture.shape) - 0.5
    if (polygon <= low).any() or (polygon >= high).any():
        return False
    return bool((rasterise(polygon[None], picture.shape[:2])[0] == picture).all()) and is_simple(polygon)


def is_simple(polygon: Polygon) -> bool:
    """Whether edges meet only as neighbours at their vertex. Exact for multiples of 2^-12 below 2^12."""
    n = len(polygon)
    after = np.roll(polygon, -1, axis=0)
    a, b, c, d = polygon[:, None], after[:, None], polygon[None], after[None]
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    across = _side(a, b, c) * _side(a, b, d) <= 0
    meet = across & across.T & (low <= high).all(axis=-1)
    between = np.subtract.outer(np.arange(n), np.arange(n)) % n
    if (meet & (between > 1) & (between < n - 1)).any():
        return False
    beyond = np.roll(after, -1, axis=0)
    back = ((after - polygon) * (beyond - after)).sum(axis=1) <= 0
    return not ((_side(polygon, after, beyond) == 0) & back).any()


def has_kernel(polygon: Polygon) -> bool:
    """Whether some half-integer place lies on the inner side of every edge, and so sees all the polygon."""
    low, high = np.floor(polygon.min(axis=0)), np.ceil(polygon.max(axis=0))
    sides = (2 * (high - low) + 1).astype(int)
    places = low + 0.5 * np.argwhere(np.ones(sides, bool))
    after = np.roll(polygon, -1, axis=0)
    side = _side(polygon[:, None], after[:, None], places[None])
    return bool((side > 0).all(axis=0).any() or (side < 0).all(axis=0).any())


def _side(a: NDArray[np.float64], b: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """On which side of the line from a to b places lie: a sign, 0 on it."""
    along, across = b - a, places - a
    return np.asarray(np.sign(along[..., 1] * across[..., 0] - along[..., 0] * across[..., 1]))
