"""Convex pictures counted, drawn and measured, against lists of all of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from grammars import GrammarError, Grid
from grammars.convex_count import ConvexPictures, every_convex_picture
from grammars.convex_set import FEWEST_PIXELS, ConvexSet, inside_ring, ringed
from grammars.convexity import is_convex, least_vertices
from grammars.example_set import ExampleSet, hamming
from grammars.pictures import white_pixels
from grammars.polygon_traits import POLYGONS
from grammars.spaces import keys


def all_pictures(height: int, width: int) -> np.ndarray:
    bits = np.arange(2 ** (height * width))[:, None] >> np.arange(height * width)
    return (bits & 1).astype(bool).reshape(-1, height, width)


def convex_set(
    side: int,
    low: int = 12,
    high: int | None = None,
    vertices: range = range(3, 7),
    region: np.ndarray | None = None,
) -> ConvexSet:
    grid = Grid(side, side)
    where = inside_ring(grid) if region is None else region
    return ConvexSet(grid, POLYGONS, frozenset(vertices), (low, high or side * side // 2), where)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 3), (3, 3), (3, 4), (4, 4)])
def test_convex_pictures_are_counted_and_listed(shape: tuple[int, int]) -> None:
    pictures = all_pictures(*shape)
    convex = pictures[is_convex(pictures)]
    assert ConvexPictures(*shape).total == len(convex)
    listed = every_convex_picture(*shape)
    assert len(listed) == len(convex)
    assert set(keys(listed).tolist()) == set(keys(convex).tolist())


def test_chains_and_rows_count_the_same_where_no_list_of_all_pictures_fits() -> None:
    assert len(every_convex_picture(5, 5)) == ConvexPictures(5, 5).total == 33366


@pytest.mark.parametrize("tilt", [1.0, 0.3])
def test_convex_pictures_are_drawn_by_their_weights(tilt: float) -> None:
    family = ConvexPictures(3, 3, tilt)
    draws = family.draw(60_000, rng())
    assert is_convex(draws.pictures).all()
    _, first, counts = np.unique(keys(draws.pictures), return_index=True, return_counts=True)
    assert len(counts) == 213
    expected = len(draws.pictures) * tilt ** draws.edges[first] / family.total
    assert ((counts - expected) ** 2 / expected).sum() < chi2.ppf(1 - 1e-6, 212)


def test_sizes_and_membership_on_6x6_by_all_pictures() -> None:
    pictures = ringed(all_pictures(4, 4))
    area, least = white_pixels(pictures), least_vertices(pictures)
    expected = (area >= 8) & (area <= 14) & (least >= 3) & (least <= 4)
    target = convex_set(6, 8, 14, range(3, 5))
    np.testing.assert_array_equal(target.contains(pictures), expected)
    np.testing.assert_array_equal(target.strata(pictures), np.where(expected, least, -1))
    assert target.sizes() == {3: (least[expected] == 3).sum(), 4: (least[expected] == 4).sum()}
    assert target.size() == expected.sum()
    assert target.sampling == "uniform"
    members = target.members()
    assert members is not None
    np.testing.assert_array_equal(np.sort(keys(members)), np.sort(keys(pictures[expected])))


def test_the_ring_must_be_black() -> None:
    pictures = all_pictures(4, 4)
    target = convex_set(4, 1, 16)
    white_ring = pictures.sum(axis=(1, 2)) != pictures[:, 1:-1, 1:-1].sum(axis=(1, 2))
    assert not target.contains(pictures[white_ring]).any()
    assert target.size() == 15


@pytest.mark.parametrize("side", [8, 10, 12, 16])
def test_draws_are_members_of_all_strata_in_equal_parts(side: int) -> None:
    vertices = range(3, 6) if side == 8 else range(3, 7)
    target = convex_set(side, vertices=vertices)
    assert list(target.weights) == list(vertices)
    assert target.size() is None
    assert target.sampling == "generator"
    drawn = target.sample(400, rng(1))
    assert len(drawn) == 400
    assert target.contains(drawn).all()
    least = least_vertices(drawn)
    np.testing.assert_array_equal(target.strata(drawn), least)
    share = np.array([(least == v).mean() for v in vertices])
    assert np.abs(share - 1 / len(vertices)).max() < 0.1
    area = white_pixels(drawn)
    assert area.min() >= 12
    assert area.max() <= side * side // 2
    assert np.ptp(area) > (side * side // 2 - 12) / 2
    np.testing.assert_array_equal(target.sample(400, rng(1)), drawn)
    assert not (target.sample(400, rng(2)) == drawn).all()


def test_distinct_draws_differ_and_the_few_are_the_first_of_the_many() -> None:
    target = convex_set(12)
    many = target.sample(200, rng(3), distinct=True)
    assert len(set(keys(many).tolist())) == 200
    np.testing.assert_array_equal(target.sample(20, rng(3), distinct=True), many[:20])


@pytest.mark.parametrize("side", [6, 7])
def test_estimates_agree_with_counts(side: int) -> None:
    target = convex_set(side, 6, 14)
    exact = target.sizes()
    for stratum, (value, error) in target.estimates().items():
        assert abs(value - (exact[stratum] or 0)) <= max(5 * error, 0.0 if error else 10.0)
    assert abs(target._estimate(rng())[0] - np.log2(target.size() or 1)) < 0.1


@pytest.mark.slow
def test_all_convex_pictures_on_8x8() -> None:
    """349,894 convex pictures inside the ring: everything against the list of them."""
    pictures = ringed(every_convex_picture(6, 6))
    assert len(pictures) == ConvexPictures(6, 6).total
    target = convex_set(8)
    area, least = white_pixels(pictures), least_vertices(pictures)
    member = (area >= 12) & (area <= 32) & (least <= 6)
    np.testing.assert_array_equal(target.contains(pictures), member)
    exact = {v: int((least[member] == v).sum()) for v in range(3, 7)}
    assert exact == {3: 54726, 4: 187220, 5: 43164, 6: 974}
    for stratum, (value, error) in target.estimates().items():
        assert abs(value - exact[stratum]) < 5 * error
    value, error = target.log2_size(rng())
    assert abs(value - np.log2(member.sum())) < 5 * error
    some = np.concatenate([rng().random((40, 8, 8)) < 0.4, near_misses(target, 40)])
    outside = some[~target.contains(some)]
    assert (target.distance(outside) >= hamming(outside, pictures[member])).all()


def near_misses(target: ExampleSet, n: int) -> np.ndarray:
    """Members with one pixel inside the ring flipped."""
    generator = rng(7)
    pictures = target.sample(n, generator)
    height, width = pictures.shape[1:]
    row, column = generator.integers(1, height - 1, n), generator.integers(1, width - 1, n)
    pictures[np.arange(n), row, column] ^= True
    return pictures


def test_distance_is_zero_exactly_on_members_and_small_next_to_them() -> None:
    target = convex_set(12)
    members = target.sample(100, rng(4))
    assert (target.distance(members) == 0).all()
    near = near_misses(target, 200)
    distance = target.distance(near)
    np.testing.assert_array_equal(distance == 0, target.contains(near))
    assert np.median(distance) == 1
    noise = rng(5).random((50, 12, 12)) < 0.3
    far = target.distance(noise)
    assert (far > 10).all()
    assert (far <= 144).all()


def test_estimates_of_parts_add_up_and_never_exceed_the_whole() -> None:
    whole = convex_set(12).log2_size(rng())[0]
    parts = [convex_set(12, vertices=range(v, v + 1)).log2_size(rng())[0] for v in range(3, 7)]
    assert abs(np.log2(np.exp2(parts).sum()) - whole) < 1e-9
    assert max(parts) < whole
    # Uniform draws of all convex pictures, no weights: an estimate of another kind.
    draws = ConvexPictures(10, 10).draw(20_000, rng(9))
    area, least = white_pixels(draws.pictures), least_vertices(ringed(draws.pictures))
    share = ((area >= 12) & (area <= 72) & (least >= 3) & (least <= 6)).mean()
    assert abs(np.log2(ConvexPictures(10, 10).total * share) - whole) < 0.1


def test_intersection_restriction_and_difference_of_convex_sets() -> None:
    pictures = ringed(every_convex_picture(5, 5))
    first, second = convex_set(7, 4, 12, range(3, 5)), convex_set(7, 8, 20, range(4, 7))
    met = first.meet(second)
    assert met is not None
    np.testing.assert_array_equal(
        met.contains(pictures), first.contains(pictures) & second.contains(pictures)
    )
    left = np.zeros((7, 7), bool)
    left[:, :4] = True
    expected = first.contains(pictures) & ~(pictures & ~left).any(axis=(1, 2))
    np.testing.assert_array_equal(first.restricted(left).contains(pictures), expected)
    rest = first.without(convex_set(7, 1, 25, range(4, 7)))
    assert rest is not None
    np.testing.assert_array_equal(
        rest.contains(pictures), first.contains(pictures) & (least_vertices(pictures) == 3)
    )
    assert first.without(second) is None


def test_many_vertices_need_many_pixels() -> None:
    pictures = ringed(every_convex_picture(5, 5))
    area, least = white_pixels(pictures), least_vertices(pictures)
    for vertices in range(5, int(least.max()) + 1):
        assert area[least == vertices].min() >= FEWEST_PIXELS[vertices]


def test_sets_that_are_hard_to_draw_from_say_so() -> None:
    assert convex_set(16).work == 32
    rare = convex_set(16, 2, 5, range(3, 9))
    assert list(rare.weights) == [3, 4]
    assert rare.work > 1000


def test_a_region_is_kept() -> None:
    region = np.zeros((12, 12), bool)
    region[2:11, 5:11] = True
    target = convex_set(12, region=region, vertices=range(3, 6))
    drawn = target.sample(90, rng())
    assert len(drawn) == 90
    assert not (drawn & ~region).any()
    assert (drawn & region).any(axis=0)[2:11, 5:11].mean() > 0.9


@pytest.mark.parametrize(
    "target",
    [convex_set(3), convex_set(2, 1, 4), convex_set(16, 20, 10), convex_set(16, vertices=range(3, 3))],
    ids=["small", "tiny", "no area", "no vertices"],
)
def test_empty_sets_say_so(target: ConvexSet) -> None:
    assert target.size() == 0
    assert len(target.sample(5, rng())) == 0
    assert len(target.sample(5, rng(), distinct=True)) == 0
    assert target.log2_size(rng()) == (-np.inf, 0.0)
    black = np.zeros((1, *target.grid.shape), bool)
    assert not target.contains(black).any()
    assert target.distance(black)[0] == target.grid.size + 1


def test_pictures_of_another_grid_are_refused() -> None:
    with pytest.raises(GrammarError, match="8x8"):
        convex_set(8).contains(np.zeros((1, 9, 8), bool))
