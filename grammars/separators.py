"""Lines that separate white from black along the boundary of a picture, and where one may follow another.

The edges of a polygon that made a picture run between its white and its black pixels. So along the curve
around the picture (`grammars.boundary.trace`) each edge lies on a line with the white pixels of an arc of the
curve on one side and the black pixels of that arc on the other; a polygon is a chain of such lines, each one
beginning inside or at the end of the arc of the one before, and its vertices are where they meet.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grammars.boundary import Curve
from grammars.convexity import Numbers, Pictures, directions


class Care(NamedTuple):
    """How many lines a search works with.

    steepest: greatest component of a normal, before the ones halfway between two of them are added. alike:
    most lines for one arc, the widest gaps between white and black first. most: of all these, the ones whose
    arcs are longest for their place on the curve.
    """

    steepest: int
    alike: int
    most: int


SHORT = 1.0
"""Pixels from the curve within which a vertex needs no look at what lies around it."""


class Lines(NamedTuple):
    """k lines: inside is normal·place <= offset.

    normal int[k, 2], outwards; offset float[k], halfway between white and black; gap float[k], between them
    in pixels. The arc: first int[k], a step of the curve, and length int[k], in steps.
    """

    normal: NDArray[np.int64]
    offset: NDArray[np.float64]
    gap: NDArray[np.float64]
    first: NDArray[np.int64]
    length: NDArray[np.int64]

    def arcs(self, steps: int) -> Pictures:
        """Which steps of the curve each arc holds: bool[k, steps]."""
        return np.asarray((np.arange(steps) - self.first[:, None]) % steps < self.length[:, None])

    def those(self, chosen: NDArray[np.intp]) -> Lines:
        return Lines(
            self.normal[chosen],
            self.offset[chosen],
            self.gap[chosen],
            self.first[chosen],
            self.length[chosen],
        )


class Junctions(NamedTuple):
    """cost float[k, k] of a line (row) followed by another (column), infinite where it may not; vertex
    float[k, k, 2]."""

    cost: NDArray[np.float64]
    vertex: NDArray[np.float64]


@lru_cache(maxsize=2)
def normals(steepest: int) -> NDArray[np.int64]:
    """Directions all around: int[m, 2]."""
    primitive = directions(steepest + 1, steepest + 1).vectors
    return np.concatenate([primitive, primitive + np.roll(primitive, -1, axis=0)])


def separated(curve: Curve, normal: NDArray[np.int64]) -> tuple[Numbers, Numbers, Numbers]:
    """How long an arc from each step on each normal separates, its white pixels' greatest projection and its
    black ones' least: three arrays int[normals, steps]."""
    inner, outer = normal @ curve.white.T, normal @ curve.black.T
    steps = inner.shape[1]
    twice_inner, twice_outer = np.tile(inner, 2).ravel(), np.tile(outer, 2).ravel()
    low, high = inner.ravel().copy(), outer.ravel().copy()
    length = (low < high).astype(np.int64)
    growing = np.flatnonzero(length)
    for more in range(1, steps):
        at = growing + growing // steps * steps + more  # In the doubled tables a row is twice as long.
        lower, upper = np.maximum(low[growing], twice_inner[at]), np.minimum(high[growing], twice_outer[at])
        still = lower < upper
        growing, lower, upper = growing[still], lower[still], upper[still]
        if not len(growing):
            break
        low[growing], high[growing] = lower, upper
        length[growing] += 1
    return length.reshape(inner.shape), low.reshape(inner.shape), high.reshape(inner.shape)


def fewest_arcs(length: Numbers, most: int) -> int:
    """Least number of separated arcs that go once around; more than `most` is said to be most + 1."""
    steps = length.shape[1]
    reach = length.max(axis=0)
    gone = np.zeros(steps, np.int64)
    for count in range(1, most + 1):
        gone += reach[(np.arange(steps) + gone) % steps]
        if gone.max() >= steps:
            return count
    return most + 1


def lines_along(curve: Curve, most: int, care: Care) -> Lines | None:
    """Lines of the arcs that are part of no longer one with the same normal.

    None where more than `most` arcs are needed to go once around.
    """
    normal = normals(care.steepest)
    length, low, high = separated(curve, normal)
    steps = length.shape[1]
    if fewest_arcs(length, most) > most:
        return None
    before = np.concatenate([length[:, -1:], length[:, :-1]], axis=1)
    d, first = np.nonzero((length > 0) & (before <= length))
    low, high, length = low[d, first], high[d, first], length[d, first]
    gap = np.asarray((high - low) / np.hypot(*normal[d].T), np.float64)
    offset = np.asarray(0.5 * (low + high), np.float64)
    lines = Lines(normal[d], offset, gap, first, length)
    return lines.those(_chosen(lines, steps, care))


def _chosen(lines: Lines, steps: int, care: Care) -> NDArray[np.intp]:
    order = np.lexsort((-lines.gap, lines.length, lines.first))
    arc = lines.first[order] * (steps + 1) + lines.length[order]
    begins = np.flatnonzero(np.r_[True, arc[1:] != arc[:-1]])
    rank = np.arange(len(order)) - np.repeat(begins, np.diff(np.r_[begins, len(order)]))
    order = order[rank < care.alike]
    length = lines.length[order]
    arcs = lines.those(order).arcs(steps)
    longest = np.where(arcs, length[:, None], 0).max(axis=0)
    lack = np.where(arcs, longest, 2 * steps).min(axis=1) - length
    return np.asarray(order[np.lexsort((-lines.gap[order], -length, lack))[: care.most]])


def junctions(lines: Lines, curve: Curve, picture: Pictures) -> Junctions:
    """Where each line may follow each other one; the cheaper, the nearer the vertex is to the curve.

    At a vertex that points outwards the white pixels of both arcs lie inside both lines; at one that points
    inwards the black ones lie outside both.
    """
    steps = len(curve.white)
    n = lines.normal.astype(np.float64)
    arcs = lines.arcs(steps).astype(np.float32)
    lost = (n @ curve.white.T > lines.offset[:, None]).astype(np.float32) @ arcs.T > 0
    gained = (n @ curve.black.T <= lines.offset[:, None]).astype(np.float32) @ arcs.T > 0
    later = (lines.first - lines.first[:, None]) % steps
    follows = (later >= 1) & (later <= lines.length[:, None]) & (later + lines.length > lines.length[:, None])
    cross = n[:, None, 0] * n[:, 1] - n[:, None, 1] * n[:, 0]
    outwards = (cross < 0) & ~(lost | lost.T)
    inwards = (cross > 0) & ~(gained | gained.T)
    u, v = np.nonzero(follows & (outwards | inwards))

    meets = np.stack(
        [
            lines.offset[u] * n[v, 1] - lines.offset[v] * n[u, 1],
            n[u, 0] * lines.offset[v] - n[v, 0] * lines.offset[u],
        ],
        axis=-1,
    )
    place = meets / cross[u, v][:, None]
    middles = (curve.white + curve.black) / 2.0
    away = np.hypot(*(place - middles[lines.first[v]]).T)
    good = away < max(picture.shape)
    tips = np.flatnonzero(good & (away > SHORT))
    good[tips] = _clear(lines, u[tips], v[tips], place[tips], middles, picture)

    u, v, place, away = u[good], v[good], place[good], away[good]
    cost = np.full(later.shape, np.inf)
    vertex = np.zeros((*later.shape, 2))
    cost[u, v] = 1.0 + 0.01 * away + 0.01 / (0.1 + lines.gap[v])
    vertex[u, v] = place
    return Junctions(cost, vertex)


def _clear(
    lines: Lines,
    u: NDArray[np.intp],
    v: NDArray[np.intp],
    place: NDArray[np.float64],
    middles: NDArray[np.float64],
    picture: Pictures,
) -> Pictures:
    """Whether the triangle of a vertex and both arcs' middles is free of black, or of white if it points
    inwards: bool[pairs]."""
    n = lines.normal.astype(np.float64)
    anchor = middles[(lines.first + lines.length // 2) % len(middles)]
    anchor = anchor - (((n * anchor).sum(axis=1) - lines.offset) / (n * n).sum(axis=1))[:, None] * n
    outwards = n[u, 0] * n[v, 1] - n[u, 1] * n[v, 0] < 0
    chord = anchor[v] - anchor[u]
    normal = np.stack([chord[:, 1], -chord[:, 0]], axis=-1)
    normal *= np.sign((normal * (place - anchor[u])).sum(axis=1))[:, None]
    bound = (normal * anchor[u]).sum(axis=1)[:, None] + 1e-9
    clear = np.zeros(len(u), bool)
    for points_out in (True, False):
        some = np.flatnonzero(outwards == points_out)
        centres = np.argwhere(picture != points_out).astype(np.float64).T
        within = (n @ centres <= lines.offset[:, None]) == points_out
        beyond = normal[some] @ centres > bound[some]
        clear[some] = ~(within[u[some]] & within[v[some]] & beyond).any(axis=1)
    return clear
