"""Which pictures are the grid's centres inside a convex polygon, and how many vertices it needs at least.

All is integer arithmetic and exact. A place is (row, column); pixel (r, c) has its centre at (r, c); the
polygon may lie anywhere in the plane, and only the grid's centres count.

**From polygons to directions.** Let W be the white centres. A bounded convex polygon with m vertices is the
intersection of m half-planes whose outward normals leave no angular gap of π or more (else it is unbounded).
One that contains W and has normal θ cuts a black centre b only if (b - w)·θ > 0 for every w in W, and then
the supporting half-plane of W with that normal does cut it. So the least number of vertices is the least
number of directions such that every black centre is cut by one of them and every gap is below π. (The m
supporting lines, moved outwards a little, cut the same centres and leave a polygon with an interior even
where W is one centre or a line; had it fewer than m vertices, m would not be least. Gaps below π make m at
least 3.)

**From directions to integers.** For a black centre b outside the hull of W the vectors b - w span an angle
below π, from u (clockwise end) to v. The directions that cut b are an open arc, the wider the narrower that
angle: from v to -u, once all directions are turned by a quarter. Only the M primitive differences of two
centres occur as ends, a set closed under negation; they are numbered 0..M-1 anticlockwise, -d is M/2 further
than d, and the open *cell* j lies between directions j and j + 1. Arcs are open and so is "gap < π": chosen
directions can be moved off the critical ones, so each lies in a cell, and the arc from direction l to
direction r is the cells l..r-1.

**The greedy chain is exact.** Unroll the circle to the integers. After a direction in cell j the next one
must come before the end of every arc that starts later (l > j), and less than π further; so its cell is at
most

    F(j) = min( min { r - 1 : arcs with l > j },  j + M/2 ).

*m >= 3 directions, one of them in cell j, suffice iff m applications of F to j reach j + M.*

Only if: F does not decrease, so by induction the i-th next direction's cell is at most F^i(j), and the m-th
next is the first one again, in cell j + M. If: take the cells j, F(j), F²(j), ... below j + M, say k <= m of
them. Every arc is met, and every gap shorter than M/2 cells is below π wherever in their cells the directions
stand. A gap of exactly M/2 cells needs the later direction at the smaller offset in its cell. Along the chain
the offsets can decrease; only a last gap of M/2 asks for the contrary. Then the other gaps sum to M/2: if
there are several, all are shorter and no offset is bound; if there is one, k = 2 and a third direction
(k < m) splits the last gap.

Some direction lies in the shortest arc, so the least m over the cells j of the shortest arc is the answer.
"""

from __future__ import annotations

from functools import lru_cache
from math import atan2, gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.bool_]
Numbers = NDArray[np.signedinteger]

# Directions in which a black centre looks past its black neighbour for a white one (see `_arcs`).
_SIGHTS = [(0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1)]
_BATCH_BYTES = 1 << 20


class Directions(NamedTuple):
    """The primitive differences of two centres, anticlockwise.

    numbers[dy + h - 1, dx + w - 1] is the number of the direction (dy, dx); vectors int[turn, 2]; turn is M.
    """

    numbers: Numbers
    vectors: NDArray[np.int64]
    turn: int


@lru_cache(maxsize=32)
def directions(height: int, width: int) -> Directions:
    """Number the directions between centres of a grid; multiples of one vector share its number."""
    h, w = max(height, 2), max(width, 2)
    rows, columns = range(1 - h, h), range(1 - w, w)
    primitive = [(dy, dx) for dy in rows for dx in columns if gcd(dy, dx) == 1]
    # Angles of two vectors of integers below 1000 differ by over 10^-7: no rounding of atan2 confuses them.
    primitive.sort(key=lambda d: atan2(d[0], d[1]))
    number = {d: i for i, d in enumerate(primitive)}
    # Three turns must fit into the type of the numbers.
    table = np.zeros((2 * h - 1, 2 * w - 1), np.int16 if len(primitive) < 10_000 else np.int32)
    for dy in rows:
        for dx in columns:
            if (divisor := gcd(dy, dx)) > 0:
                table[dy + h - 1, dx + w - 1] = number[dy // divisor, dx // divisor]
    return Directions(table, np.array(primitive, np.int64), len(primitive))


def least_vertices(pictures: Pictures, at_most: int | None = None) -> NDArray[np.int64]:
    """Least number of vertices of a bounded convex polygon that contains exactly the white centres: int[n].

    pictures: bool[n, h, w]. -1 where no convex polygon does (no white, or a black centre in the white hull),
    and where more than `at_most` vertices are needed.
    """
    pictures = np.asarray(pictures, bool)
    found = np.full(len(pictures), -1, np.int64)
    if pictures.size == 0:
        return found
    convex = np.flatnonzero(is_convex(pictures))
    # Pictures of about as many rows together: `_arcs` takes the time of the highest in a batch for each.
    convex = convex[np.argsort(pictures[convex].any(axis=2).sum(axis=1), kind="stable")]
    batch = max(64, _BATCH_BYTES // directions(*pictures.shape[1:]).turn)
    for start in range(0, len(convex), batch):
        chosen = convex[start : start + batch]
        found[chosen] = _least_of_convex(pictures[chosen], at_most)
    return found


def is_convex(pictures: Pictures) -> NDArray[np.bool_]:
    """Whether the white centres are exactly the grid's centres in some convex polygon: bool[n]."""
    convex = _single_runs(pictures)
    some = np.flatnonzero(convex)
    if len(some):
        convex[some] = (fill_hull(pictures[some]) == pictures[some]).all(axis=(1, 2))
    return convex


def _single_runs(pictures: Pictures) -> NDArray[np.bool_]:
    """Whether a picture has white, and at most one run of it in every row and column: bool[n].

    Cheap and necessary for convexity; it discards most of what an untrained learner draws.
    """
    rises = pictures[:, :, 1:] & ~pictures[:, :, :-1]
    good = (rises.sum(axis=2, dtype=np.uint8) + pictures[:, :, 0] <= 1).all(axis=1)
    rises = pictures[:, 1:, :] & ~pictures[:, :-1, :]
    good &= (rises.sum(axis=1, dtype=np.uint8) + pictures[:, 0, :] <= 1).all(axis=1)
    return good & pictures.any(axis=(1, 2))


def fill_hull(pictures: Pictures) -> Pictures:
    """Pictures with every centre in the convex hull of the white centres made white: bool[n, h, w].

    A centre is in the hull iff its column lies between the least left end and the greatest right end that the
    segments joining two rows' ends have in its row.
    """
    height, width = pictures.shape[1:]
    first, last, used = _ends(pictures)
    # Mirrored, a right end is a left end: one loop serves both. Rows without white end far to the right.
    left = np.stack([first, width - 1 - last]).astype(np.int32)
    left[:, ~used] = 4 * height * width
    ends = left.copy()
    for above in range(height - 2):
        for below in range(above + 2, height):
            gap = below - above
            step = np.arange(1, gap, dtype=np.int32)
            sloped = ends[..., above, None] * (gap - step) + ends[..., below, None] * step
            between = left[..., above + 1 : below]
            np.minimum(between, -(-sloped // gap), out=between)
    columns = np.arange(width)
    return (columns >= left[0, ..., None]) & (columns <= width - 1 - left[1, ..., None])


def convex_distance(pictures: Pictures) -> NDArray[np.int64]:
    """Upper bound of the pixels to change until the white centres are those of a convex polygon: int[n].

    0 iff they are. The polygons tried are the hulls of the white centres that have at least k white
    neighbours, k = 0 to 8: k = 0 only fills, larger k first drops specks and spikes.
    """
    pictures = np.asarray(pictures, bool)
    best = np.maximum(pictures.sum(axis=(1, 2)) - 1, 1)  # a single centre is convex, none is not
    for hull in hulls(pictures):
        changed = (hull != pictures).sum(axis=(1, 2))
        best = np.where(hull.any(axis=(1, 2)), np.minimum(best, changed), best)
    return best


def hulls(pictures: Pictures) -> list[Pictures]:
    """Filled hulls of the white centres that have at least k white neighbours, k = 0 to 8; some are empty."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    across = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    neighbours = across[:, :, :-2] + across[:, :, 1:-1] + across[:, :, 2:] - pictures
    return [fill_hull(pictures & (neighbours >= k)) for k in range(9)]


def _least_of_convex(pictures: Pictures, at_most: int | None) -> NDArray[np.int64]:
    """`least_vertices` of pictures known to be convex."""
    turn = directions(*pictures.shape[1:]).turn
    owner, begin, end = _arcs(pictures)
    step = _steps(len(pictures), turn, owner, begin, end)
    picture, cell = _starts(len(pictures), turn, owner, begin, end)
    least = np.full(len(pictures), -1, np.int64)
    gone = np.zeros(len(picture), np.int64)
    vertices = 0
    while len(picture) and (at_most is None or vertices < at_most):
        vertices += 1
        stride = step[picture, cell]
        gone += stride
        cell = (cell + stride) % turn
        if vertices >= 3:
            least[picture[gone >= turn]] = vertices
            pending = least[picture] < 0
            picture, cell, gone = picture[pending], cell[pending], gone[pending]
    return least


def _starts(
    n: int, turn: int, owner: NDArray[np.intp], begin: Numbers, end: Numbers
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The cells of the shortest arc of each picture, one pair (picture, cell) each; cell 0 without arcs."""
    length = (end - begin).astype(np.int64)
    shortest = np.full(n, turn, np.int64)
    np.minimum.at(shortest, owner, length)
    is_shortest = length == shortest[owner]
    first = np.zeros(n, np.int64)
    first[owner[is_shortest]] = begin[is_shortest]
    shortest[shortest == turn] = 1
    picture = np.repeat(np.arange(n), shortest)
    offset = np.arange(len(picture)) - np.repeat(np.cumsum(shortest) - shortest, shortest)
    return picture, (first[picture] + offset) % turn


def _steps(n: int, turn: int, owner: NDArray[np.intp], begin: Numbers, end: Numbers) -> Numbers:
    """F(j) - j of each picture's greedy chain, for the cells j of one turn: int[n, M]."""
    cells = np.arange(turn, dtype=begin.dtype)
    last = np.full((n, turn), 2 * turn, begin.dtype)  # last cell of the arcs that begin at a direction
    np.minimum.at(last, (owner, begin), end - 1)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    reach = np.minimum(cells + turn // 2, last[:, :1] + turn)
    np.minimum(reach[:, :-1], last[:, 1:], out=reach[:, :-1])
    return reach - cells


def _arcs(pictures: Pictures) -> tuple[NDArray[np.intp], Numbers, Numbers]:
    """Arcs of directions that cut the black centres of convex pictures: picture, begin < M, end > begin.

    Arcs that contain another one are left out where that is cheap to see. If the hull of W and b' contains
    another black centre b, the arc of b' contains that of b: b = λb' + (1-λ)x with x in the hull of W, so
    b·θ > max w·θ gives b'·θ > max w·θ. So b' is left out if in some direction its neighbour is black and has
    white behind it. The hull of W and b shrinks with every such look: each one left out has one that stays.
    """
    height, width = pictures.shape[1:]
    numbers, _, turn = directions(height, width)
    owner, row, column = np.nonzero(~pictures & ~_overlooked(pictures))

    # Only ends of rows can be vertices of the hull. Where a picture has fewer rows with white than another,
    # the first of them is repeated.
    first, last, used = _ends(pictures)
    most = int(used.sum(axis=1).max(initial=1))
    rows = np.argsort(~used, axis=1, kind="stable")[:, :most]
    rows = np.where(np.take_along_axis(used, rows, axis=1), rows, rows[:, :1])
    first, last = np.take_along_axis(first, rows, axis=1), np.take_along_axis(last, rows, axis=1)

    middle_y, middle_x = numbers.shape[0] // 2, numbers.shape[1] // 2
    lines = (row[:, None] - rows[owner] + middle_y) * numbers.shape[1] + column[:, None] + middle_x
    seen = np.empty((len(owner), 2 * most), numbers.dtype)
    seen[:, :most] = numbers.ravel()[lines - first[owner]]
    seen[:, most:] = numbers.ravel()[lines - last[owner]]

    # All lie within less than half a turn: measured from any of them, the extremes are the tangents.
    origin = seen[:, :1].copy()
    seen -= origin
    seen[seen < -(turn // 2)] += turn
    seen[seen >= turn // 2] -= turn
    clockwise, anticlockwise = seen.min(axis=1), seen.max(axis=1)
    begin = (origin[:, 0] + anticlockwise) % turn
    return owner, begin, begin + turn // 2 - (anticlockwise - clockwise)


def _ends(pictures: Pictures) -> tuple[Numbers, Numbers, Pictures]:
    """First and last white column of each row, and whether the row has one: three arrays [n, h]."""
    first = pictures.argmax(axis=2).astype(np.int16)
    last = pictures.shape[2] - 1 - pictures[:, :, ::-1].argmax(axis=2).astype(np.int16)
    return first, last, np.asarray(pictures.any(axis=2))


def _overlooked(pictures: Pictures) -> Pictures:
    """Black centres whose neighbour in some direction of sight is black and has white further on."""
    height, width = pictures.shape[1:]
    result = np.zeros_like(pictures)
    for dy, dx in _SIGHTS:
        for step_y, step_x in ((dy, dx), (-dy, -dx)):
            ahead = pictures.copy()  # white here or, after the loop, anywhere ahead
            reach = 1
            while reach * abs(step_y) < height and reach * abs(step_x) < width:
                here, there = _partners(reach * step_y, reach * step_x)
                ahead[here] |= ahead[there]
                reach *= 2
            here, there = _partners(step_y, step_x)
            result[here] |= ahead[there] & ~pictures[there]
    return result


def _partners(dy: int, dx: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Index of the pixels that have a pixel (dy, dx) away, and of the pixels there."""

    def along(step: int) -> tuple[slice, slice]:
        head, tail = slice(None, -abs(step) or None), slice(abs(step), None)
        return (head, tail) if step >= 0 else (tail, head)

    (here_y, there_y), (here_x, there_x) = along(dy), along(dx)
    return (slice(None), here_y, here_x), (slice(None), there_y, there_x)
