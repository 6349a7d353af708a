"""Star-shaped and simple polygons, outlines, several pieces, rectangles: against definitions of their own."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes
from scipy.optimize import linprog
from skimage.measure import label
from skimage.segmentation import find_boundaries

import grammars
from grammars import Grid
from grammars.boundary import count_dents, count_pieces, fill, is_whole, outline, trace
from grammars.convexity import is_convex, least_vertices
from grammars.example_set import hamming
from grammars.polygon_traits import POLYGONS, stratum_of
from grammars.random_simple import random_pictures
from grammars.rectangles import Rectangles
from grammars.simple_set import SimpleSet
from grammars.spaces import keys
from grammars.witness import find_witness, is_simple


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def denote(text: str, side: int | tuple[int, int] = 12) -> grammars.ExampleSet:
    shape = side if isinstance(side, tuple) else (side, side)
    return grammars.load("polygons", Grid(*shape)).parse(text, "Set").denote()


def all_pictures(height: int, width: int) -> np.ndarray:
    bits = np.arange(2 ** (height * width))[:, None] >> np.arange(height * width)
    return (bits & 1).astype(bool).reshape(-1, height, width)


# What a polygon is, again, in fractions.


def turn(a: list[Fraction], b: list[Fraction], c: list[Fraction]) -> int:
    value = (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1])
    return (value > 0) - (value < 0)


def on_segment(a: list[Fraction], b: list[Fraction], p: list[Fraction]) -> bool:
    within = all(min(a[i], b[i]) <= p[i] <= max(a[i], b[i]) for i in (0, 1))
    return turn(a, b, p) == 0 and within


def segments_meet(a: list[Fraction], b: list[Fraction], c: list[Fraction], d: list[Fraction]) -> bool:
    if turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0:
        return True
    return on_segment(a, b, c) or on_segment(a, b, d) or on_segment(c, d, a) or on_segment(c, d, b)


def simple_by_fractions(polygon: np.ndarray) -> bool:
    corners = [[Fraction(float(x)) for x in corner] for corner in polygon]
    n = len(corners)
    for i, j in combinations(range(n), 2):
        a, b, c, d = corners[i], corners[(i + 1) % n], corners[j], corners[(j + 1) % n]
        if j == i + 1 and (on_segment(a, b, d) or on_segment(c, d, a)):
            return False
        if i == 0 and j == n - 1 and (on_segment(c, d, b) or on_segment(a, b, c)):
            return False
        neighbours = j == i + 1 or (i == 0 and j == n - 1)
        if not neighbours and segments_meet(a, b, c, d):
            return False
    return True


def picture_by_fractions(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """By the winding number, where `rasterise` counts crossings."""
    corners = [[Fraction(float(x)) for x in corner] for corner in polygon]
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
    picture = np.zeros(shape, bool)
    for row, column in np.ndindex(shape):
        p = [Fraction(row), Fraction(column)]
        winding = 0
        for a, b in edges:
            if a[0] <= p[0] < b[0]:
                winding += turn(a, b, p) > 0
            elif b[0] <= p[0] < a[0]:
                winding -= turn(a, b, p) < 0
        picture[row, column] = winding != 0 or any(on_segment(a, b, p) for a, b in edges)
    return picture


def star_by_linear_programme(polygon: np.ndarray) -> bool:
    """Whether a place sees all of a simple polygon: it lies on the inner side of every edge."""
    edge = np.roll(polygon, -1, axis=0) - polygon
    normal = np.stack([edge[:, 1], -edge[:, 0]], axis=-1)
    bound = (normal * polygon).sum(axis=1)
    return any(
        linprog([0, 0], A_ub=sign * normal, b_ub=sign * bound, bounds=(None, None)).status == 0
        for sign in (1, -1)
    )


@pytest.mark.parametrize(("rule", "vertices"), [("star_shaped", 6), ("simple", 5), ("simple", 8)])
def test_every_witness_is_what_it_says(rule: str, vertices: int) -> None:
    target = denote(f"{rule}(vertices={vertices})")
    assert isinstance(target, SimpleSet)
    pictures = target.sample(24, rng())
    assert len(pictures) == 24
    flipped = pictures.copy()
    flipped[np.arange(24), rng(1).integers(1, 11, 24), rng(2).integers(1, 11, 24)] ^= True
    pictures = np.concatenate([pictures, flipped])
    polygons = target.witness(pictures)
    np.testing.assert_array_equal(target.contains(pictures), [p is not None for p in polygons])
    assert target.contains(pictures[:24]).all()
    for picture, polygon in zip(pictures, polygons, strict=True):
        if polygon is not None:
            assert 4 <= len(polygon) <= vertices
            assert simple_by_fractions(polygon)
            np.testing.assert_array_equal(picture_by_fractions(polygon, picture.shape), picture)
            assert rule == "simple" or star_by_linear_programme(polygon)


def test_crossings_and_touches_are_seen() -> None:
    generator = rng(3)
    corners = generator.integers(0, 5, (400, 5, 2)).astype(float)
    expected = [simple_by_fractions(polygon) for polygon in corners]
    assert 0 < sum(expected) < 400
    assert [is_simple(polygon) for polygon in corners] == expected


@pytest.mark.parametrize(("star", "least"), [(True, 0.97), (False, 0.95)])
def test_few_witnesses_are_missed(star: bool, least: float) -> None:
    """The table in POLYGONS.md, with fewer pictures."""
    target = denote(f"{'star_shaped' if star else 'simple'}(vertices=8)")
    pictures = random_pictures(star, 8, target.wanted, 1024, rng(11))[:100]
    assert target.contains(pictures).mean() >= least


def test_whether_a_witness_is_found_depends_on_neither_place_nor_position() -> None:
    target = denote("simple(vertices=6)")
    pictures = np.concatenate([target.sample(6, rng()), denote("simple(vertices=8)").sample(6, rng(1))])
    for picture in pictures:
        found = find_witness(picture, 6)
        assert (find_witness(np.pad(picture, ((3, 0), (1, 2))), 6) is None) == (found is None)
        for image in (np.rot90(picture), picture[::-1], picture.T):
            other = find_witness(image, 6)
            assert (other is None) == (found is None)
            if other is not None:
                np.testing.assert_array_equal(picture_by_fractions(other, image.shape), image)


def test_pictures_with_holes_in_pieces_or_convex_are_not_in_it() -> None:
    target = denote("simple(vertices=8, area=pixels(1, 64), region=everywhere())", 8)
    ring, pair, square = np.zeros((3, 8, 8), bool)
    ring[2:6, 2:6] = True
    ring[3, 3] = False
    pair[2:4, 2:6] = pair[5:7, 2:4] = True
    square[2:6, 2:6] = True
    notched = square.copy()
    notched[2, 3:5] = False
    edge = np.zeros((8, 8), bool)
    edge[0, :5] = edge[1:4, 0] = True
    np.testing.assert_array_equal(
        target.contains(np.stack([ring, pair, square, notched, edge])), [False, False, False, True, False]
    )


def test_most_pictures_of_quadrilaterals_are_found() -> None:
    """Where the bound leaves no vertex to spare."""
    target = denote("simple(vertices=4)", 8)
    pictures = random_pictures(False, 4, target.wanted, 40_000, rng(5))
    _, first = np.unique(keys(pictures), return_index=True)
    assert len(first) > 30
    assert target.contains(pictures[first]).mean() > 0.8


# Topology.


def test_pieces_holes_and_outlines_agree_with_scikit_image() -> None:
    pictures = rng(0).random((300, 7, 8)) < 0.45
    pieces = [label(picture, connectivity=2).max() for picture in pictures]
    np.testing.assert_array_equal(count_pieces(pictures), pieces)
    filled = np.stack([binary_fill_holes(picture) for picture in pictures])
    np.testing.assert_array_equal(fill(pictures), filled)
    whole = (np.array(pieces) == 1) & (filled == pictures).all(axis=(1, 2))
    np.testing.assert_array_equal(is_whole(pictures), whole)
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    borders = np.stack([find_boundaries(p, connectivity=1, mode="inner") & p for p in padded])
    np.testing.assert_array_equal(outline(pictures), borders[:, 1:-1, 1:-1])


def test_the_curve_around_a_piece_goes_between_white_and_black_once() -> None:
    pictures = all_pictures(4, 4)
    for picture in pictures[is_whole(pictures)][::37]:
        curve = trace(picture)
        padded = np.pad(picture, 1)
        assert padded[tuple(curve.white.T + 1)].all()
        assert not padded[tuple(curve.black.T + 1)].any()
        assert (np.abs(curve.white - curve.black).sum(axis=1) == 1).all()
        pairs = {(*w, *b) for w, b in zip(curve.white.tolist(), curve.black.tolist(), strict=True)}
        across = (padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum()
        assert len(pairs) == len(curve.white) == across


def test_strata_of_all_small_pictures() -> None:
    pictures = np.pad(all_pictures(4, 3), ((0, 0), (1, 1), (1, 1)))
    strata = stratum_of(pictures)
    convex = is_convex(pictures)
    np.testing.assert_array_equal(strata[convex], least_vertices(pictures[convex]))
    ring = np.zeros((5, 5), bool)
    ring[1:4, 1:4] = True
    ring[2, 2] = False
    for picture, stratum in zip(pictures[~convex], strata[~convex], strict=True):
        pieces = label(picture, connectivity=2).max()
        if binary_fill_holes(picture).sum() > picture.sum():
            hollow = (outline(binary_fill_holes(picture)[None])[0] == picture).all()
            assert (stratum >= 10_000) == hollow
        elif pieces > 1:
            assert stratum == 2000 + pieces
        else:
            assert stratum == (1000 + min(4, count_dents(picture[None])[0]) if pieces else 0)
    names = [POLYGONS.stratum_name(s) for s in (0, 3, 1001, 1004, 2002, 10_004, 11_001)]
    assert names[1:4] == ["3 vertices", "1 dent", "4 dents or more"]
    assert names[4:] == ["2 pieces", "outline of 4 vertices", "outline of 1 dent"]


# Outlines, pieces, rectangles: by all pictures of a small grid.


def test_outlines_are_the_outlines_of_the_members() -> None:
    base = denote("convex(vertices=between(3, 6), area=pixels(1, 30))", (5, 6))
    target = denote("outlines(convex(vertices=between(3, 6), area=pixels(1, 30)))", (5, 6))
    members = base.members()
    expected = {}
    for member in members:
        drawn = find_boundaries(np.pad(member, 1), connectivity=1, mode="inner")[1:-1, 1:-1] & member
        if (drawn != member).any():
            expected[drawn.tobytes()] = 10_000 + int(least_vertices(member[None])[0])
    pictures = np.pad(all_pictures(3, 4), ((0, 0), (1, 1), (1, 1)))
    inside = target.contains(pictures)
    assert {p.tobytes() for p in pictures[inside]} == set(expected)
    assert target.size() == len(expected)
    assert sorted(target.sizes()) == sorted(set(expected.values()))
    for picture in target.members():
        assert target.strata(picture[None])[0] == expected[picture.tobytes()]


def test_outlines_of_larger_sets() -> None:
    target = denote("outlines(convex(vertices=between(3, 6)))", 16)
    drawn = target.sample(40, rng())
    assert target.contains(drawn).all()
    np.testing.assert_array_equal(target.strata(drawn), 10_000 + least_vertices(fill(drawn)))
    flipped = drawn.copy()
    flipped[:, 8, 8] ^= True
    filled = np.stack([binary_fill_holes(p) for p in flipped])
    again = (outline(filled) == flipped).all(axis=(1, 2)) & (filled != flipped).any(axis=(1, 2))
    np.testing.assert_array_equal(
        target.contains(flipped), again & denote("convex(vertices=between(3, 6))", 16).contains(filled)
    )


@pytest.mark.parametrize("number", [2, 3])
def test_several_pieces_by_all_pictures(number: int) -> None:
    base = "rectangles(area=pixels(1, 4), region=everywhere())"
    target = denote(f"several({number}, {base})", (2, 6))
    single = denote(base, (2, 6))
    pictures = all_pictures(2, 6)
    expected = np.zeros(len(pictures), bool)
    for i, picture in enumerate(pictures):
        labels = label(picture, connectivity=2)
        if labels.max() == number:
            pieces = np.stack([labels == k for k in range(1, number + 1)])
            expected[i] = single.contains(pieces).all() and not is_convex(picture[None])[0]
    np.testing.assert_array_equal(target.contains(pictures), expected)
    assert target.size() == expected.sum() > 0
    assert target.sizes() == {2000 + number: int(expected.sum())}


def test_several_convex_polygons() -> None:
    target = denote("several(3, convex(vertices=between(3, 5), area=pixels(4, 20)))", 16)
    drawn = target.sample(30, rng())
    assert len(drawn) == 30
    assert target.contains(drawn).all()
    assert target.weights == {2003: 1.0}
    for picture in drawn:
        assert label(picture, connectivity=2).max() == 3
    joined = drawn.copy()
    joined[:, 1:15, 8] = True
    assert not target.contains(joined).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 4), (2, 6)])
def test_rectangles_by_all_pictures(shape: tuple[int, int]) -> None:
    height, width = shape
    region = np.ones(shape, bool)
    target = Rectangles(Grid(*shape), POLYGONS, (1, height * width), region)
    assert len(target.corners) == height * (height + 1) * width * (width + 1) // 4
    pictures = all_pictures(*shape)
    expected = np.array(
        [
            p.any()
            and p[np.ix_(np.arange(height)[p.any(axis=1)], np.arange(width)[p.any(axis=0)])].all()
            and (np.diff(np.flatnonzero(p.any(axis=1))) == 1).all()
            and (np.diff(np.flatnonzero(p.any(axis=0))) == 1).all()
            for p in pictures
        ]
    )
    np.testing.assert_array_equal(target.contains(pictures), expected)
    strata, counts = np.unique(least_vertices(pictures[expected]), return_counts=True)
    assert target.sizes() == dict(zip(strata.tolist(), counts.tolist(), strict=True))


def test_rectangles_know_their_strata_sizes_and_distances() -> None:
    region = np.ones((9, 11), bool)
    region[4, 5] = False
    target = Rectangles(Grid(9, 11), POLYGONS, (2, 30), region)
    every = target._pictures(target.corners)
    np.testing.assert_array_equal(target._stratum, least_vertices(every))
    assert target.size() == len(np.unique(keys(every)))
    noise = rng(0).random((40, 9, 11)) < 0.3
    np.testing.assert_array_equal(target.distance(noise), hamming(noise, every))
    assert target.distance_is_exact
    drawn = target.sample(400, rng(1))
    assert target.contains(drawn).all()
    assert abs((target.strata(drawn) == 3).mean() - 0.5) < 0.1


def test_stars_and_outlined_shapes() -> None:
    grammar = grammars.load("polygons", Grid(16, 16))
    stars = grammar.parse("filled(star(5, outer=6.0, inner=2.5))", "Set").denote()
    assert stars.size() == 1
    assert stars.members()[0][:, ::-1].sum() == stars.members()[0].sum()
    assert list(stars.weights) == [1004]
    lesson = grammar.parse("these(outline(solid(rectangle(6.0, 8.0))))", "Lesson").denote()
    assert lesson.sum() == 2 * (6 + 8) - 4
    assert not lesson[0, 8, 8]
