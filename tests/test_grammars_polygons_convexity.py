"""The least number of vertices, against decisions made in other ways."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, reduce
from itertools import combinations, count, product
from operator import or_

import numpy as np
import pytest

from grammars.convex_set import inside_ring
from grammars.convexity import convex_distance, directions, fill_hull, is_convex, least_vertices
from grammars.random_polygons import Wanted, round_polygons
from grammars.rasterise import rasterise, rasterise_convex
from grammars.spaces import Grid


def all_pictures(height: int, width: int) -> np.ndarray:
    bits = np.arange(2 ** (height * width))[:, None] >> np.arange(height * width)
    return (bits & 1).astype(bool).reshape(-1, height, width)


def ringed(pictures: np.ndarray) -> np.ndarray:
    return np.pad(pictures, ((0, 0), (1, 1), (1, 1)))


def mask(places: Iterable[tuple[int, int]], width: int) -> int:
    return sum(1 << (r * width + c) for r, c in places)


def half_plane_cuts(height: int, width: int) -> list[int]:
    """Every set of centres that a line separates from the others: a line moved until it meets two centres
    leaves one side and a beginning or an end of the centres on it."""
    points = list(product(range(height), range(width)))
    cuts = set()
    for p in points:
        for q in points:
            if p == q:
                continue
            d = (q[0] - p[0], q[1] - p[1])
            side = {x: d[0] * (x[1] - p[1]) - d[1] * (x[0] - p[0]) for x in points}
            strict = [x for x in points if side[x] > 0]
            on = sorted((x for x in points if side[x] == 0), key=lambda x: x[0] * d[0] + x[1] * d[1])
            for i in range(len(on) + 1):
                cuts |= {mask(strict + on[:i], width), mask(strict + on[i:], width)}
    return sorted(cuts)


def least_cover(universe: int, cuts: list[int]) -> int | None:
    """Least number of cuts whose union is the universe, by exhaustive branching."""
    cuts = sorted({c & universe for c in cuts}, key=int.bit_count, reverse=True)
    maximal: list[int] = []
    for cut in cuts:
        if not any(cut & ~other == 0 for other in maximal):
            maximal.append(cut)

    def coverable(rest: int, budget: int) -> bool:
        if rest == 0:
            return True
        if budget == 0:
            return False
        lowest = rest & -rest
        return any(coverable(rest & ~cut, budget - 1) for cut in maximal if cut & lowest)

    if universe & ~reduce(or_, maximal, 0):
        return None
    return next(size for size in count() if coverable(universe, size))


def test_every_picture_with_a_4x4_interior_against_separating_half_planes() -> None:
    """With a black ring: the least number of half-planes that cut off all black centres, or 3."""
    pictures = ringed(all_pictures(4, 4))
    cuts = np.array(half_plane_cuts(6, 6), np.int64)
    white = pictures.reshape(-1, 36) @ (1 << np.arange(36, dtype=np.int64))
    black = (1 << 36) - 1 - white
    reachable = np.zeros(len(white), np.int64)
    for cut in cuts:
        np.bitwise_or(reachable, cut, out=reachable, where=(cut & white) == 0)
    expected = np.full(len(white), -1)
    for i in np.flatnonzero((reachable == black) & (white > 0)):
        free = cuts[(cuts & white[i]) == 0]
        size = least_cover(int(black[i]), free.tolist())
        assert size is not None
        expected[i] = max(3, size)
    np.testing.assert_array_equal(least_vertices(pictures), expected)
    assert set(expected) == {-1, 3, 4, 5}


@cache
def normals_and_far_cuts(height: int, width: int) -> tuple[np.ndarray, list[int], int]:
    """Normals in three places of every cell, the directions to infinity that each cuts, and all of these.

    A polygon is bounded iff every direction to infinity is cut; the hardest are perpendicular to a normal.
    """
    vectors = directions(height, width).vectors
    after = np.roll(vectors, -1, axis=0)
    normals = np.concatenate([a * vectors + (4 - a) * after for a in (1, 2, 3)])
    quarter = normals @ np.array([[0, 1], [-1, 0]])
    seen = normals @ np.concatenate([quarter, -quarter]).T > 0
    return normals, [sum(1 << i for i, bit in enumerate(row) if bit) for row in seen], 2 * len(normals)


def bounded_oracle(picture: np.ndarray) -> int:
    """Least number of the normals that cut all black centres and every direction to infinity."""
    if not picture.any():
        return -1
    normals, far_cuts, far = normals_and_far_cuts(*picture.shape)
    white, black = np.argwhere(picture), np.argwhere(~picture)
    beyond = normals @ black.T > (normals @ white.T).max(axis=1)[:, None]
    cuts = [
        cut | sum(1 << far + i for i, bit in enumerate(row) if bit)
        for cut, row in zip(far_cuts, beyond, strict=True)
    ]
    return least_cover((1 << far + len(black)) - 1, cuts) or -1


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 3), (3, 3), (3, 2)])
def test_pictures_without_a_ring_against_bounded_covers(shape: tuple[int, int]) -> None:
    pictures = all_pictures(*shape)
    np.testing.assert_array_equal(least_vertices(pictures), [bounded_oracle(p) for p in pictures])


def test_hull_is_the_union_of_the_triangles_of_white_centres() -> None:
    rng = np.random.default_rng(1)
    pictures = rng.random((200, 5, 6)) < rng.choice([0.1, 0.2, 0.4], (200, 1, 1))
    filled = fill_hull(pictures)
    for picture, hull in zip(pictures, filled, strict=True):
        white = [(int(r), int(c)) for r, c in np.argwhere(picture)]
        triangles = [(p, q, r) for p, q, r in combinations(white * 3, 3)] if len(white) < 3 else None
        corners = np.array(triangles or list(combinations(white, 3)), float).reshape(-1, 3, 2)
        expected = rasterise(corners, picture.shape).any(axis=0) if white else picture
        np.testing.assert_array_equal(hull, expected)


@pytest.mark.parametrize("vertices", [3, 4, 5, 6, 8])
def test_polygons_never_need_more_vertices_than_they_have(vertices: int) -> None:
    """Inscribed polygons of all sizes, slim ones and ones that leave the grid among them."""
    rng = np.random.default_rng(vertices)
    angle = np.sort(rng.uniform(0, 2 * np.pi, (5000, vertices)), axis=1)
    circle = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    stretch = rng.normal(size=(5000, 2, 2)) * np.exp(rng.uniform(-1, 3, (5000, 1, 1)))
    polygons = np.einsum("nij,nvj->nvi", stretch, circle) + rng.uniform(-4, 16, (5000, 1, 2))
    pictures = rasterise_convex(polygons, (13, 12))
    np.testing.assert_array_equal(pictures, rasterise(polygons, (13, 12)))
    pictures = pictures[pictures.any(axis=(1, 2))]
    least = least_vertices(pictures)
    assert len(pictures) > 1500
    assert least.min() == 3
    assert least.max() <= vertices
    np.testing.assert_array_equal(least_vertices(pictures, at_most=4), np.where(least <= 4, least, -1))


@pytest.mark.slow
def test_100_000_generated_polygons_never_need_more_vertices_than_they_have() -> None:
    """Those of the declared generator, 3 to 7 vertices, before it asks for the exact stratum."""
    rng = np.random.default_rng(0)
    wanted = Wanted(12, 128, inside_ring(Grid(16, 16)))
    for vertices in range(3, 8):
        polygons = np.zeros((0, vertices, 2))
        while len(polygons) < 20_000:
            polygons = np.concatenate([polygons, round_polygons(vertices, wanted, 10_000, rng)])
        least = least_vertices(rasterise_convex(polygons[:20_000], (16, 16)))
        assert least.min() == 3
        assert least.max() == vertices


def test_least_vertices_keeps_under_the_symmetries_of_the_grid() -> None:
    rng = np.random.default_rng(5)
    angle = np.sort(rng.uniform(0, 2 * np.pi, (1000, 9)), axis=1)
    polygons = 6.5 * np.stack([np.sin(angle), np.cos(angle)], axis=-1) + rng.uniform(6, 9, (1000, 1, 2))
    pictures = rasterise_convex(polygons, (16, 16))
    least = least_vertices(pictures)
    assert len(set(least)) >= 5
    for turned in (pictures.swapaxes(1, 2), pictures[:, ::-1], pictures[:, :, ::-1]):
        np.testing.assert_array_equal(least_vertices(turned), least)


def test_known_pictures() -> None:
    def least(*rows: str) -> int:
        return int(least_vertices(np.array([[[c == "#" for c in row] for row in rows]]))[0])

    assert least("...", ".#.", "...") == 3
    assert least("....", ".##.", ".##.", "....") == 3  # a triangle turned a little
    assert least(".....", ".###.", ".###.", ".###.", ".....") == 4
    assert least("###", "###") == 3  # without a ring nothing has to be cut
    assert least(".....", ".#.#.", ".....") == -1
    assert least(".....", "..#..", ".###.", "..#..", ".....") == 4
    assert least("....", "....", "....") == -1


def test_distance_to_convexity_is_a_bound_and_zero_exactly_on_convex_pictures() -> None:
    pictures = all_pictures(3, 4)
    convex = pictures[is_convex(pictures)]
    exact = np.array([(convex != p).sum(axis=(1, 2)).min() for p in pictures])
    bound = convex_distance(pictures)
    assert (bound >= exact).all()
    np.testing.assert_array_equal(bound == 0, exact == 0)
    assert (bound == exact).mean() > 0.5


@pytest.mark.parametrize("polygon", [rasterise, rasterise_convex])
def test_edges_and_vertices_are_inside(polygon) -> None:  # type: ignore[no-untyped-def]
    square = polygon([[(1, 1), (1, 3), (3, 3), (3, 1)]], (5, 5))[0]
    assert square.sum() == 9
    assert square[1:4, 1:4].all()
    flat = polygon([[(1, 1), (1, 3), (1, 3)]], (5, 5))[0]
    assert {tuple(p) for p in np.argwhere(flat)} == {(1, 1), (1, 2), (1, 3)}


def test_even_odd_rule_against_scikit_image() -> None:
    """Vertices at odd eighths: no centre lies on an edge's end, and the libraries agree inside."""
    from skimage.measure import points_in_poly

    rng = np.random.default_rng(3)
    polygons = rng.integers(-8, 88, (300, 7, 2)) / 8 + 1 / 16
    pictures = rasterise(polygons, (10, 11))
    centres = np.array(list(product(range(10), range(11))), float)
    expected = np.array([points_in_poly(centres, p).reshape(10, 11) for p in polygons])
    np.testing.assert_array_equal(pictures, expected)
