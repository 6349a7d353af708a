"""Shapes of the plane against independent definitions: matplotlib, scikit-image, scipy, integrals."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from matplotlib.path import Path
from scipy import integrate, ndimage, stats
from skimage.measure import points_in_poly

import grammars
from grammars import plane_polygons
from grammars.prefractals import koch_outline

GRAMMAR = grammars.load("regions")
RNG_SEED = 20260301


def region(text: str, window: float = 2.0):
    return grammars.load("regions", grammars.Plane(window)).parse(text, "Set").denote()


def uniform(n: int, reach: float = 2.0, seed: int = RNG_SEED) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-reach, reach, (n, 2))


def polar(points: np.ndarray, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    return np.linalg.norm(points - (x, y), axis=1), np.degrees(
        np.arctan2(points[:, 1] - y, points[:, 0] - x)
    ) % 360


# Membership by definition.


def test_round_shapes_by_definition() -> None:
    points = uniform(20_000)
    radius, angle = polar(points, 0.5, -0.25)
    np.testing.assert_array_equal(region("disc(0.5, -0.25, radius=1.0)").contains(points), radius <= 1)
    inside = (radius >= 0.8) & (radius <= 1.2)
    np.testing.assert_array_equal(region("ring(0.5, -0.25, radius=1.0, width=0.4)").contains(points), inside)
    half = inside & ((angle - 40) % 360 <= 180)
    moon = region("moon(0.5, -0.25, radius=1.0, width=0.4, angle=40.0)")
    np.testing.assert_array_equal(moon.contains(points), half)
    filled = region("ring(0.5, -0.25, radius=0.2, width=0.4)")
    assert filled.convex
    np.testing.assert_array_equal(filled.contains(points), radius <= 0.4)


def test_edges_belong_to_a_region() -> None:
    on = np.array([(1.0, 0.0), (0.0, -1.0), (0.0, 1.0)])
    assert region("disc(0.0, 0.0, radius=1.0)").contains(on).all()
    assert region("ring(0.0, 0.0, radius=1.5, width=1.0)").contains(on).all()
    assert region("rectangle(0.0, 0.0, width=2.0, height=2.0)").contains(on).all()
    assert region("rectangle(0.0, 0.0, width=2.0, height=2.0, angle=90.0)").contains(on).all()
    assert region("half_plane(1.0)").contains(on).all()
    assert region("polygon(at(1.0, 0.0), at(0.0, 1.0), at(0.0, -1.0))").contains(on).all()
    # Between two parts of a carpet there is no crack, wherever it is.
    for text in ("carpet(0.3, 0.1, side=1.1, depth=3)", "carpet(0.0, 0.0, side=1.0, depth=4, angle=45.0)"):
        carpet = region(text)
        edges = np.concatenate([carpet.pieces.mean(axis=1), carpet.pieces.reshape(-1, 2)])
        halves = (carpet.pieces + np.roll(carpet.pieces, 1, axis=1)).reshape(-1, 2) / 2
        assert carpet.contains(np.concatenate([edges, halves])).all()


def test_straight_shapes_by_definition() -> None:
    points = uniform(20_000)
    turned = points @ np.array(
        [
            [math.cos(math.radians(-30)), math.sin(math.radians(-30))],
            [-math.sin(math.radians(-30)), math.cos(math.radians(-30))],
        ]
    )
    np.testing.assert_array_equal(region("half_plane(0.5, angle=30.0)").contains(points), turned[:, 0] <= 0.5)
    band = np.abs((turned[:, 0] - 0.1 + 0.4) % 0.8 - 0.4) <= 0.15
    stripes = region("stripes(0.3, gap=0.5, offset=0.1, angle=30.0)")
    np.testing.assert_array_equal(stripes.contains(points), band)
    assert region("everywhere()").contains(1e6 * points).all()


def test_spiral_by_definition() -> None:
    points = uniform(5000)
    radius, angle = polar(points, 0.1, 0.0)
    turns, pitch, width = 3.0, 1.5 / 3.0, 0.4 * 1.5 / 3.0
    inside = np.zeros(len(points), bool)
    for k in range(4):
        t = (angle - 20) % 360 / 360 + k
        inside |= (t <= turns) & (np.abs(radius - pitch * t) <= width / 2)
    spiral = region("spiral(0.1, 0.0, radius=1.5, turns=3.0, share=0.4, angle=20.0)")
    np.testing.assert_array_equal(spiral.contains(points), inside)


@pytest.mark.parametrize("seed", range(8))
def test_polygons_against_two_libraries(seed: int) -> None:
    """Any vertices in any order: even-odd where edges cross."""
    rng = np.random.default_rng(seed)
    vertices = rng.integers(-150, 151, (3 + seed, 2)) / 100
    text = ", ".join(f"at({x!r}, {y!r})" for x, y in vertices.tolist())
    points = uniform(3000)
    inside = region(f"polygon({text})").contains(points)
    np.testing.assert_array_equal(inside, points_in_poly(points, vertices))
    simple = plane_polygons.is_simple(vertices)
    assert simple == crosses_nowhere(vertices)
    if simple:  # matplotlib counts windings.
        np.testing.assert_array_equal(inside, Path(vertices).contains_points(points))


def crosses_nowhere(vertices: np.ndarray) -> bool:
    """By solving for the crossing of every pair of edges that are not neighbours; for general positions."""
    n = len(vertices)
    for i, j in itertools.combinations(range(n), 2):
        if (j - i) % n in (1, n - 1):
            continue
        a, b, c, d = vertices[i], vertices[(i + 1) % n], vertices[j], vertices[(j + 1) % n]
        s, t = np.linalg.solve(np.stack([b - a, c - d], axis=1), c - a)
        if 0 <= s <= 1 and 0 <= t <= 1:
            return False
    return True


def test_simple_and_convex_polygons() -> None:
    def of(*points: tuple[float, float]) -> tuple[bool | None, bool]:
        text = ", ".join(f"at({float(x)!r}, {float(y)!r})" for x, y in points)
        found = region(f"polygon({text})")
        return found.convex, found.distance_is_exact

    assert of((0, 0), (1, 0), (1, 1), (0, 1)) == (True, True)
    assert of((0, 0), (0, 1), (1, 1), (1, 0)) == (True, True)
    assert of((0, 0), (1, 0), (1, 1), (0.5, 0.25), (0, 1)) == (False, True)
    assert of((0, 0), (0.5, 0), (1, 0), (1, 1)) == (True, True)  # A corner on an edge.
    assert of((0, 0), (1, 1), (1, 0), (0, 1)) == (None, False)  # A bow tie.
    assert of((0, 0), (1, 0), (0.5, 0)) == (None, False)  # No area.
    assert of((0, 0), (1, 0), (0.5, 0), (0.5, 1)) == (None, False)  # An edge runs back.
    assert of((0, 0), (1, 0), (1, 1), (0.5, 0), (0, 1)) == (None, False)  # A corner touches an edge.
    star = region("polygon(at(0.0, 1.0), at(0.59, -0.81), at(-0.95, 0.31), at(0.95, 0.31), at(-0.59, -0.81))")
    assert star.convex is None
    assert not star.contains(np.zeros((1, 2)))[0]
    flat = region("polygon(at(0.0, 0.0), at(1.0, 0.0), at(0.5, 0.0))")
    assert len(flat.sample(5, np.random.default_rng(0))) == 0
    point = region("polygon(at(1.0, 0.0), at(1.0, 0.0), at(1.0, 0.0))")
    assert point.size() == 0


# Prefractals by other definitions.


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("carpet(0.0, 0.0, side=2.0, depth={})", [[1, 1, 1], [1, 0, 1], [1, 1, 1]]),
        ("carpet(0.0, 0.0, side=2.0, depth={}, cells='plus')", [[0, 1, 0], [1, 1, 1], [0, 1, 0]]),
        ("carpet(0.0, 0.0, side=2.0, depth={}, cells='cross')", [[1, 0, 1], [0, 1, 0], [1, 0, 1]]),
        ("dust(0.0, 0.0, side=2.0, depth={})", [[1, 0, 1], [0, 0, 0], [1, 0, 1]]),
    ],
)
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_carpets_are_kronecker_powers(text: str, cells: list[list[int]], depth: int) -> None:
    picture = np.array([[1]])
    for _ in range(depth):
        picture = np.kron(picture, cells)
    side = 3**depth
    centres = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(centres, -centres)
    carpet = region(text.format(depth))
    inside = carpet.contains(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(side, side)
    np.testing.assert_array_equal(inside, picture.astype(bool))
    assert carpet.area == pytest.approx(4 * picture.sum() / side**2, rel=1e-12)
    assert len(carpet.pieces) == picture.sum()


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_gasket_is_pascals_triangle(depth: int) -> None:
    """An upright small triangle is there iff its two coordinates share no binary digit (Kummer)."""
    n = 2**depth
    gasket = region(f"gasket(0.0, 0.0, side=2.0, depth={depth})")
    left, right, top = 2 * np.array(
        [(-0.5, -math.sqrt(1 / 12)), (0.5, -math.sqrt(1 / 12)), (0, math.sqrt(1 / 3))]
    )
    i, j = np.array([(i, j) for i in range(n) for j in range(n - i)]).T
    centres = left + (right - left) * ((i + 1 / 3) / n)[:, None] + (top - left) * ((j + 1 / 3) / n)[:, None]
    np.testing.assert_array_equal(gasket.contains(centres), (i & j) == 0)
    assert gasket.area == pytest.approx(math.sqrt(3) * 0.75**depth)


def test_koch_is_snowflake() -> None:
    for depth in range(1, 6):
        snowflake = region(f"koch(0.0, 0.0, side=1.0, depth={depth})")
        assert snowflake.area == pytest.approx(math.sqrt(3) / 4 * (8 / 5 - 3 / 5 * (4 / 9) ** depth))
    assert all(plane_polygons.is_simple(koch_outline(depth)) for depth in range(3))
    hexagram = region("koch(0.0, 0.0, side=1.5, depth=1)")
    points = uniform(4000, 1.0)
    up, down = (region(f"regular(3, 0.0, 0.0, radius=1.0, angle={angle})") for angle in (0.0, 180.0))
    scaled = points / 1.5 * math.sqrt(3)
    np.testing.assert_array_equal(hexagram.contains(points), up.contains(scaled) | down.contains(scaled))


def test_ifs_with_overlaps_is_uniform() -> None:
    """Pieces overlap, so that drawing words alone would put more points where they do."""
    text = (
        "ifs(shrink(-0.3, 0.0, ratio=0.6), shrink(0.3, 0.0, ratio=0.6), shrink(0.0, 0.4, ratio=0.5), depth=2)"
    )
    fractal = region(text)
    points = uniform(4000, 1.0)
    by_hand = np.zeros(len(points), bool)
    maps = [(0.6, (-0.3, 0.0)), (0.6, (0.3, 0.0)), (0.5, (0.0, 0.4))]
    for (r, a), (s, b) in itertools.product(maps, maps):
        square = np.abs(((points - a) / r - b) / s)
        by_hand |= (square <= 1).all(axis=1)
    np.testing.assert_array_equal(fractal.contains(points), by_hand)
    check_uniform(fractal)


# Distances.


EXACT = (
    "disc(0.25, 0.0, radius=1.0)",
    "ring(0.25, 0.0, radius=1.0, width=0.4)",
    "moon(0.25, 0.0, radius=1.0, width=0.4, angle=25.0)",
    "rectangle(0.0, 0.5, width=1.5, height=0.5, angle=15.0)",
    "polygon(at(-1.5, -1.0), at(1.0, -1.5), at(0.0, 0.0), at(1.5, 1.5), at(-1.0, 1.0))",
    "half_plane(0.5, angle=30.0)",
    "stripes(0.3, gap=0.5, angle=60.0)",
    "carpet(0.0, 0.0, side=2.0, depth=2, angle=10.0)",
    "scale(dust(0.0, 0.0, side=2.0, depth=2), 1.5)",
    "gasket(0.0, 0.0, side=2.0, depth=3)",
    "koch(0.0, 0.0, side=2.0, depth=2)",
    "ifs(shrink(-0.5, -0.5, ratio=0.5, angle=45.0), shrink(0.5, 0.0, ratio=0.6), depth=2)",
    "union(disc(-1.0, 0.0, radius=0.5), mirror(moon(-1.0, 0.0, radius=0.5, width=0.2)))",
    "intersect(regular(3, 0.0, 0.0, radius=1.5), half_plane(0.0))",
    "intersect(rectangle(0.0, 0.0, width=1.0, height=2.0), regular(5, 0.3, 0.3, radius=1.0))",
)


@pytest.mark.parametrize("text", EXACT)
def test_distance_against_a_distance_transform(text: str) -> None:
    """Pixels of 1/100: the transform is off by a pixel's diagonal, and by more at the sharpest corners."""
    found = region(text)
    assert found.distance_is_exact
    axis = np.arange(-3, 3, 0.01) + 0.005
    x, y = np.meshgrid(axis, axis)
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    transform = 0.01 * ndimage.distance_transform_edt(~found.contains(points).reshape(x.shape)).ravel()
    chosen = np.random.default_rng(RNG_SEED).integers(len(points), size=600)
    chosen = chosen[np.abs(points[chosen]).max(axis=1) < 2]  # The transform knows nothing beyond its edge.
    np.testing.assert_allclose(found.distance(points[chosen]), transform[chosen], atol=0.025)


def test_distance_of_the_spiral_is_near() -> None:
    spiral = region("spiral(0.0, 0.0, radius=1.5, turns=2.0, share=0.5)")
    assert not spiral.distance_is_exact
    points = uniform(200)
    members = spiral.sample(40_000, np.random.default_rng(0))
    nearest = np.array([np.hypot(*(members - point).T).min() for point in points])
    outside = ~spiral.contains(points)
    assert (spiral.distance(points)[outside] >= nearest[outside] - 0.02).all()
    assert np.median(spiral.distance(points)[outside] - nearest[outside]) < 0.05


# Areas and laws.


def test_area_of_spirals_by_integration() -> None:
    for turns, share in ((1.0, 0.95), (3.25, 0.5), (6.0, 0.05)):
        spiral = region(f"spiral(0.0, 0.0, radius=1.8, turns={turns}, share={share})")
        band = lambda t, w=share: ((t + w / 2) ** 2 - max(0.0, t - w / 2) ** 2) / 2  # noqa: E731
        value, _ = integrate.quad(band, 0, turns, points=[share / 2])
        assert spiral.area == pytest.approx(2 * math.pi * value * (1.8 / turns) ** 2)


def test_area_of_two_discs_by_integration() -> None:
    lens = region("intersect(disc(0.0, 0.0, radius=1.0), disc(0.8, 0.0, radius=0.6))")
    height = lambda x: 2 * math.sqrt(max(0.0, min(1 - x**2, 0.36 - (x - 0.8) ** 2)))  # noqa: E731
    value, _ = integrate.quad(height, 0.2, 1.0, points=[(1 - 0.36 + 0.64) / 1.6], limit=200)
    assert lens.area == pytest.approx(value, rel=1e-6)
    assert lens.convex
    both = region("union(disc(0.0, 0.0, radius=1.0), disc(0.8, 0.0, radius=0.6))")
    assert both.area == pytest.approx(math.pi * 1.36 - value, rel=1e-6)
    rest = region("difference(disc(0.0, 0.0, radius=1.0), disc(0.8, 0.0, radius=0.6))")
    assert rest.area == pytest.approx(math.pi - value, rel=1e-6)


def test_areas_that_the_window_cuts() -> None:
    assert region("half_plane(0.5)").area_in_window == pytest.approx(10.0)
    assert region("half_plane(0.0, angle=45.0)").area_in_window == pytest.approx(8.0)
    assert region("stripes(0.5, gap=0.5)").area_in_window == pytest.approx(8.0)
    assert region("everywhere()").area_in_window == 16.0
    square = region("rectangle(2.0, 2.0, width=1.0, height=1.0)")
    assert (square.area, square.area_in_window, square.mass_beyond) == pytest.approx((1.0, 0.25, 0.75))
    arrow = region("polygon(at(0.0, 0.0), at(2.0, 1.0), at(0.0, 2.0), at(1.0, 1.0))")
    assert arrow.area == pytest.approx(1.0)
    cut = region("shift(polygon(at(0.0, 0.0), at(2.0, 1.0), at(0.0, 2.0), at(1.0, 1.0)), 0.0, 1.5)")
    assert cut.area_in_window == pytest.approx(1 / 8)  # Below y = 2, a triangle 1/2 high and 1/2 wide.
    assert region("half_plane(0.5)").mass_beyond == 1.0
    assert region("disc(0.0, 0.0, radius=1.0)").mass_beyond == 0.0
    assert region("disc(2.0, 0.0, radius=1.0)").mass_beyond is None
    value, error = region("disc(2.0, 0.0, radius=1.0)").estimated_area(np.random.default_rng(0))
    assert abs(value - math.pi / 2) < 4 * error < 0.2


def check_uniform(found, n: int = 20_000, cells: int = 8) -> None:
    """Chi-square over the cells of a grid, each of whose area is known from points scattered in it."""
    rng = np.random.default_rng(RNG_SEED)
    drawn = found.sample(n, rng)
    assert len(drawn) == n
    scattered = found.view.draw(150_000, rng)
    scattered = scattered[found.contains(scattered)]
    low, high = np.array(found.view[:2]), np.array(found.view[2:])

    def counts(points: np.ndarray) -> np.ndarray:
        index = np.minimum((points - low) / (high - low) * cells, cells - 1).astype(int)
        return np.bincount(index[:, 0] * cells + index[:, 1], minlength=cells**2)

    table = np.stack([counts(drawn), counts(scattered)])
    table = table[:, table.sum(axis=0) > 20]
    assert stats.chi2_contingency(table).pvalue > 1e-4


@pytest.mark.parametrize(
    "text",
    [
        *EXACT,
        "disc(1.5, 1.5, radius=1.0)",
        "spiral(0.0, 0.0, radius=1.5, turns=2.5, angle=40.0)",
        str(GRAMMAR.target),
        "union(disc(-0.3, 0.0, radius=1.0), disc(0.5, 0.0, radius=0.8))",
        "union(disc(-1.5, 0.0, radius=0.3), polygon(at(0.0, 0.0), at(1.0, 1.0), at(1.0, 0.0), at(0.0, 1.0)))",
        "intersect(disc(0.0, 0.0, radius=1.0), stripes(0.2, gap=0.1))",
        "difference(carpet(0.0, 0.0, side=2.0, depth=2), disc(0.5, 0.5, radius=0.5))",
        "difference(everywhere(), disc(0.0, 0.0, radius=1.0))",
        "union(mixture(disc(-1.0, 0.0, radius=0.5), disc(1.0, 0.0, radius=0.5)), half_plane(-1.0))",
    ],
)
def test_draws_are_uniform(text: str) -> None:
    check_uniform(region(text))


def test_mixtures_have_their_weights() -> None:
    text = "mixture(disc(-1.0, 0.0, radius=0.5), rectangle(1.0, 0.0, width=1.0, height=2.0), weight=0.8)"
    mixed = region(text)
    assert mixed.sampling == "generator"
    drawn = mixed.sample(20_000, np.random.default_rng(0))
    assert (drawn[:, 0] < 0).mean() == pytest.approx(0.8, abs=0.015)
    middle = np.array([(-1.0, 0.0), (1.0, 0.0), (0.0, 0.0)])
    np.testing.assert_allclose(mixed.density(middle), [0.8 / (math.pi / 4), 0.1, 0.0])
    moved = region(f"shift({text}, 0.5, 0.0)")
    assert (moved.sample(20_000, np.random.default_rng(0))[:, 0] < 0.5).mean() == pytest.approx(
        0.8, abs=0.015
    )
    unseen = region("mixture(disc(0.0, 0.0, radius=0.5), shift(disc(2.0, 0.0, radius=0.5), 2.0, 0.0))")
    np.testing.assert_allclose(unseen.density(np.zeros((1, 2))), 4 / math.pi)
    overlapping = region("mixture(disc(0.0, 0.0, radius=1.0), disc(0.0, 0.0, radius=0.5), weight=0.5)")
    np.testing.assert_allclose(overlapping.density(np.zeros((1, 2))), 0.5 / math.pi + 0.5 * 4 / math.pi)
    assert overlapping.area == pytest.approx(math.pi)


def test_motions_move_every_point() -> None:
    half = "difference(carpet(0.0, 0.0, side=1.0, depth=2), half_plane(0.0))"
    inner = f"union(moon(0.25, 0.5, radius=1.0, width=0.4), {half})"
    points = uniform(4000, 1.0)
    inside = region(inner).contains(points)
    assert 0.1 < inside.mean() < 0.9
    x, y = points.T
    for motion, moved in (
        ("shift({}, 0.25, -0.5)", points + np.array([0.25, -0.5])),
        ("scale({}, 0.5)", points * 0.5),
        ("mirror({})", points * (-1, 1)),
        ("turn({}, 90.0)", np.stack([-y, x], axis=1)),
        ("turn(mirror(scale({}, 2.0)), 180.0)", np.stack([2 * x, -2 * y], axis=1)),
    ):
        np.testing.assert_array_equal(region(motion.format(inner)).contains(moved), inside)
