"""What every language of the plane must do, run over each one in the registry."""

from __future__ import annotations

import math

import numpy as np
import pytest

import grammars
from grammars.plane_sets import Region

NAMES = [
    name for name in sorted(grammars.available()) if isinstance(grammars.load(name).space, grammars.Plane)
]
SEED = 20260201
SETS = 100
BOXED = 4000


@pytest.fixture(scope="module", params=NAMES)
def grammar(request: pytest.FixtureRequest) -> grammars.Grammar:
    return grammars.load(request.param)


@pytest.fixture(scope="module")
def sets(grammar: grammars.Grammar) -> list[tuple[str, Region]]:
    """The default target and random sets, longer and shorter ones."""
    rng = np.random.default_rng(SEED)
    found = [grammar.target]
    found += [grammar.random("Set", rng, max_bits=60 if i % 2 else 200) for i in range(SETS)]
    return [(str(sentence), sentence.denote()) for sentence in found]


def scattered(region: Region, n: int = 200) -> np.ndarray:
    """Points in and around the window."""
    return np.random.default_rng(SEED).uniform(-1.5, 1.5, (n, 2)) * region.space.window


def test_there_is_one() -> None:
    assert "regions" in NAMES


def test_text_survives(grammar: grammars.Grammar) -> None:
    rng = np.random.default_rng(SEED)
    for type_name in grammar.types:
        for _ in range(500):
            sentence = grammar.random(type_name, rng)
            again = grammar.parse(str(sentence), type_name)
            assert again == sentence
            assert again.bits == sentence.bits
            assert 0 < sentence.bits <= 120


def test_any_window_will_do(grammar: grammars.Grammar) -> None:
    rng = np.random.default_rng(SEED)
    for window in (0.03, 1.0, 1.37, 25.0, 1e9):
        bound = grammars.load(grammar.name, grammars.Plane(window))
        assert bound.parse(str(bound.target)) == bound.target
        for _ in range(20):
            drawn = bound.random("Set", rng).denote().sample(8, rng)
            assert (np.abs(drawn) <= window).all()


def test_lessons_are_distinct_points(grammar: grammars.Grammar) -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(150):
        sentence = grammar.random("Lesson", rng)
        points = sentence.denote()
        assert points.dtype == np.float64
        assert points.shape[1:] == (2,)
        assert len(points) <= 1024
        assert np.isfinite(points).all()
        assert len(np.unique(points, axis=0)) == len(points)
        np.testing.assert_array_equal(points, sentence.denote())


def test_drawn_points_are_members_in_the_window(sets: list[tuple[str, Region]]) -> None:
    rng = np.random.default_rng(SEED)
    full = 0
    for text, region in sets:
        drawn = region.sample(32, rng)
        full += len(drawn) == 32
        assert region.contains(drawn).all(), text
        assert not region.beyond(drawn).any(), text
        assert region.view.inside(drawn).all(), text
        assert (region.distance(drawn) == 0).all(), text
        assert (region.strata(drawn) == 0).all(), text
        assert (region.density(drawn) > 0).all(), text
        assert len(np.unique(grammars.keys(region.sample(32, rng, distinct=True)))) <= 32
        for of in region.properties.values():
            values = of(drawn)
            assert values.shape == (len(drawn),)
            assert values.dtype == np.float64
    assert full > 0.9 * len(sets)


def test_a_continuum_has_no_number(sets: list[tuple[str, Region]]) -> None:
    rng = np.random.default_rng(SEED)
    for text, region in sets:
        value, error = region.log2_size(rng)
        if region.area_in_window == 0:
            assert region.size() == 0
            assert region.weights == {}
            assert value == -math.inf
            assert not len(region.sample(10, rng)), text
            continue
        assert region.size() is None
        assert region.sizes() == {0: None}
        assert region.weights == {0: 1.0}
        if region.area_in_window is not None:
            assert (value, error) == (math.log2(region.area_in_window), 0.0)


def test_points_that_are_no_points(sets: list[tuple[str, Region]]) -> None:
    odd = np.array([(math.nan, 0.0), (0.0, math.inf), (-math.inf, math.nan), (1e300, -1e300), (5e-324, -0.0)])
    for text, region in sets:
        inside = region.contains(odd)
        assert not inside[:3].any(), text
        assert (region.distance(odd)[:3] == math.inf).all()
        assert region.contains(np.zeros((0, 2))).shape == (0,)
        assert region.distance(np.zeros((0, 2))).shape == (0,)
        with pytest.raises(grammars.GrammarError, match="have the shape"):
            region.contains(np.zeros((3, 3)))


def test_membership_does_not_depend_on_the_batch(sets: list[tuple[str, Region]]) -> None:
    for text, region in sets[::3]:
        points = scattered(region, 50)
        alone = [region.contains(point[None])[0] for point in points]
        np.testing.assert_array_equal(region.contains(points), alone, err_msg=text)


def test_distances_bound_one_another(sets: list[tuple[str, Region]]) -> None:
    rng = np.random.default_rng(SEED)
    for text, region in sets:
        points = scattered(region)
        inside, distance, least = region.contains(points), region.distance(points), region.at_least(points)
        np.testing.assert_array_equal(distance == 0, inside, err_msg=text)
        assert (least <= distance + 1e-9).all(), text
        members = region.sample(400, rng)
        if len(members):
            nearest = np.hypot(*(points[:, None] - members).transpose(2, 0, 1)).min(axis=1)
            assert (least <= nearest + 1e-9).all(), text
            if region.distance_is_exact:
                assert (distance <= nearest + 1e-9).all(), text
                # What is exact changes by no more than the point moves.
                moved = points + rng.normal(0, 0.05, points.shape)
                step = np.hypot(*(moved - points).T)
                assert (np.abs(region.distance(moved) - distance) <= step + 1e-9).all(), text


def test_stated_areas(sets: list[tuple[str, Region]]) -> None:
    """Against points scattered over the box; at most 1 in 10,000 true statements would fail."""
    rng = np.random.default_rng(SEED)
    stated = 0
    for text, region in sets:
        for area, box in ((region.area, region.box), (region.area_in_window, region.window)):
            if area is None or not box.is_finite or area == math.inf:
                continue
            stated += 1
            if box.is_empty or box.area == 0:
                assert area == pytest.approx(0.0, abs=1e-12), text
                continue
            hits = region.contains(box.draw(BOXED, rng)).mean()
            share = min(1.0, area / box.area)
            assert abs(hits - share) < 4 * math.sqrt(share * (1 - share) / BOXED) + 4 / BOXED, text
    assert stated > len(sets)


def test_estimated_areas(sets: list[tuple[str, Region]]) -> None:
    rng = np.random.default_rng(SEED)
    for text, region in sets:
        value, error = Region.estimated_area(region, rng)
        again = region.contains(region.view.draw(BOXED, rng)).mean() if region.view.area else 0.0
        share = max(again, 1 / BOXED)
        spread = region.view.area * math.sqrt(share * (1 - share) / BOXED)
        assert abs(value - again * region.view.area) <= 5 * math.hypot(error, spread) + 1e-12, text


def segments_leave(region: Region, a: np.ndarray, b: np.ndarray) -> bool:
    """Whether some point of some segment from a[i] to b[i] is no member."""
    shares = np.linspace(0, 1, 19)[1:-1, None, None]
    between = (a + shares * (b - a)).reshape(-1, 2)
    return bool((~region.contains(between)).any())


def test_stated_convexity(sets: list[tuple[str, Region]]) -> None:
    """By random segments: none leaves a convex set; some leave one that is stated not to be."""
    rng = np.random.default_rng(SEED)
    for text, region in sets:
        drawn = region.sample(600, rng)
        left = segments_leave(region, drawn[: len(drawn) // 2], drawn[-(len(drawn) // 2) :])
        if region.convex:
            assert not left, text
        if region.convex is False and region.window.holds(region.box):
            assert left, text


def test_stated_local_convexity(sets: list[tuple[str, Region]]) -> None:
    """Short segments between points of a locally convex set do not leave it."""
    rng = np.random.default_rng(SEED)
    held = 0
    for text, region in sets:
        if not region.locally_convex:
            continue
        held += 1
        drawn = region.sample(1000, rng)
        near = drawn + rng.uniform(-1e-5, 1e-5, drawn.shape)
        inside = region.contains(near)
        assert not segments_leave(region, drawn[inside], near[inside]), text
        assert region.convex is not None or region.locally_convex
    assert held > 20


def test_convex_is_locally_convex(sets: list[tuple[str, Region]]) -> None:
    for text, region in sets:
        assert not region.convex or region.locally_convex, text
        assert region.locally_convex is not False or region.convex is False, text


def test_stated_bounds(sets: list[tuple[str, Region]]) -> None:
    far = 1e4 * np.stack([np.cos(np.arange(4000)), np.sin(np.arange(4000))], axis=1)
    seen = set()
    for text, region in sets:
        seen.add(region.bounded)
        if region.bounded:
            assert not region.contains(far).any(), text
            assert region.area != math.inf, text
        if region.bounded is False:
            assert region.contains(far).any(), text
    assert {True, False} <= seen


def test_density_has_mass_one(sets: list[tuple[str, Region]]) -> None:
    """Integrated over the box by scattered points."""
    rng = np.random.default_rng(SEED)
    for text, region in sets:
        if not region.density_is_exact or not region.view.area or not region.weights:
            continue
        density = region.density(region.view.draw(BOXED, rng))
        mean, spread = density.mean(), density.std() / math.sqrt(BOXED)
        if (density > 0).sum() > 40:
            assert abs(mean * region.view.area - 1) < 5 * spread * region.view.area + 1e-9, text
            points = region.sample(5, rng)
            np.testing.assert_allclose(np.exp(region.log_density(points)), region.density(points))
