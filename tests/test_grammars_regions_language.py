"""The language regions: its target, lessons and errors, what follows in the algebra, and its measures."""

from __future__ import annotations

import math

import numpy as np
import pytest

import analysis
import grammars
from analysis import Yardstick, measures

GRAMMAR = grammars.load("regions")
DISC = "disc(0.0, 0.0, radius=1.0)"
SMALL = "disc(0.25, 0.0, radius=0.5)"
FAR = "disc(1.5, 1.5, radius=0.3)"
PAIR = f"union({DISC}, {FAR})"


def region(text: str):
    return GRAMMAR.parse(text, "Set").denote()


def lesson(text: str) -> np.ndarray:
    return GRAMMAR.parse(text, "Lesson").denote()


def test_default_target_is_two_moons() -> None:
    moons = GRAMMAR.target.denote()
    assert moons.convex is False
    assert moons.locally_convex is False
    assert moons.bounded is True
    assert moons.area == moons.area_in_window == pytest.approx(2 * math.pi * 1.0 * 0.4)
    assert moons.distance_is_exact
    assert moons.density_is_exact
    assert moons.sampling == "uniform"
    assert moons.mass_beyond == 0
    assert moons.stratum_names == {0: "region"}
    assert set(moons.properties) == {"x", "y", "radius"}
    assert len(str(GRAMMAR.target)) < 110


def test_text_is_short_and_canonical() -> None:
    for given, canonical in (
        ("disc(0, 0, radius=1)", "disc(0.0, 0.0, radius=1.0)"),
        (f"union({SMALL}, {DISC})", f"union({DISC}, {SMALL})"),
        ("stripes(0.5, angle=0.0, gap=0.5)", "stripes(0.5, gap=0.5)"),
        ("these(at(1, 0.25), at(-1.0, 0), at(1.0, 0.25))", "these(at(-1.0, 0.0), at(1.0, 0.25))"),
        ("carpet(0.0, 0.0, side=2.0, depth=2, cells='ring')", "carpet(0.0, 0.0, side=2.0, depth=2)"),
    ):
        assert str(GRAMMAR.parse(given)) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("disk(0.0, 0.0, radius=1.0)", "disc"),
        ("disc(0.0, 0.0)", "radius"),
        ("disc(0.01, 0.0, radius=1.0)", "nearest: 0.0"),
        ("disc(0.0, 0.0, radius=99.0)", "nearest: 2.0"),
        ("carpet(0.0, 0.0, side=1.0, depth=9)", "nearest: 4"),
        ("carpet(0.0, 0.0, side=1.0, depth=1, cells='rings')", "'ring'"),
        ("polygon(at(0.0, 0.0), at(1.0, 0.0))", "polygon"),
        ("spiral(0.0, 0.0, radius=1.0, turns=0.5)", "nearest: 1.0"),
    ],
)
def test_errors_say_the_nearest_right_thing(text: str, message: str) -> None:
    with pytest.raises(grammars.SentenceError, match=message) as caught:
        GRAMMAR.parse(text)
    assert "\n" not in str(caught.value)


def test_lessons() -> None:
    taken = lesson(f"take(100, {DISC}, seed=3)")
    assert taken.shape == (100, 2)
    assert region(DISC).contains(taken).all()
    np.testing.assert_array_equal(lesson(f"take(7, {DISC}, seed=3)"), taken[:7])
    assert not np.isin(taken[:, 0], lesson(f"take(100, {DISC}, seed=4)")[:, 0]).any()
    np.testing.assert_array_equal(lesson("these(at(0.5, -0.25), at(-1.0, 0.0))"), [(-1, 0), (0.5, -0.25)])
    joined = lesson("join(these(at(0.0, 0.0)), these(at(0.0, 0.0), at(1.0, 0.0)))")
    np.testing.assert_array_equal(joined, [(0, 0), (1, 0)])
    square = lesson("lattice(rectangle(0.0, 0.0, width=1.0, height=1.0), spacing=0.5)")
    assert {tuple(point) for point in square.tolist()} == {
        (x, y) for x in (-0.5, 0.0, 0.5) for y in (-0.5, 0.0, 0.5)
    }
    many = lesson("lattice(everywhere(), spacing=0.05)")
    assert len(many) == 1024
    assert np.abs(many).max() <= 2
    assert len(lesson(f"lattice(shift({FAR}, 2.0, 2.0), spacing=0.05)")) == 0
    assert len(lesson(f"take(5, intersect({SMALL}, {FAR}), seed=0)")) == 0


def test_large_sets_in_a_lesson_are_seen() -> None:
    target = GRAMMAR.parse(DISC)
    assert GRAMMAR.parse(f"take(5, {DISC}, seed=0)").uses_target(target)
    assert GRAMMAR.parse("lattice(half_plane(0.0), spacing=0.5)").uses_target(target)
    assert not GRAMMAR.parse(f"take(5, {SMALL}, seed=0)").uses_target(target)
    assert not GRAMMAR.parse("these(at(0.0, 0.0))").uses_target(target)


STATED = [  # text, convex, locally convex, bounded, area
    (DISC, True, True, True, math.pi),
    ("ring(0.0, 0.0, radius=1.0, width=0.5)", False, False, True, math.pi),
    ("moon(0.0, 0.0, radius=0.5, width=1.0)", True, True, True, math.pi / 2),
    ("half_plane(0.5, angle=30.0)", True, True, False, math.inf),
    ("stripes(0.5, gap=0.5)", False, True, False, math.inf),
    ("everywhere()", True, True, False, math.inf),
    ("dust(0.0, 0.0, side=2.0, depth=2)", False, True, True, 4 * (4 / 9) ** 2),
    ("carpet(0.0, 0.0, side=2.0, depth=2)", False, False, True, 4 * (8 / 9) ** 2),
    # Parts that are apart, one that lies in another, neither.
    (PAIR, False, True, True, math.pi * 1.09),
    (f"union({FAR}, dust(0.0, 0.0, side=1.5, depth=1))", False, True, True, math.pi * 0.09 + 1.0),
    (f"union({FAR}, ring(0.0, 0.0, radius=1.0, width=0.5))", False, False, True, math.pi * 1.09),
    (f"union({DISC}, {SMALL})", True, True, True, math.pi),
    (f"intersect({DISC}, {SMALL})", True, True, True, math.pi / 4),
    (f"intersect({DISC}, {FAR})", True, True, True, 0.0),
    (f"difference({DISC}, {FAR})", True, True, True, math.pi),
    (f"difference({SMALL}, {DISC})", True, True, True, 0.0),
    (f"difference({DISC}, {SMALL})", False, False, True, math.pi * 0.75),
    (f"difference(everywhere(), {DISC})", False, False, False, math.inf),
    (f"intersect({DISC}, half_plane(0.5))", True, True, True, None),
    (f"intersect({PAIR}, half_plane(0.5))", None, True, True, None),
    ("intersect(half_plane(0.5), half_plane(0.5, angle=180.0))", True, True, None, None),
    (f"mixture({DISC}, {FAR})", False, True, True, math.pi * 1.09),
    (f"scale(turn(mirror(shift({PAIR}, 0.5, 0.0)), 30.0), 0.5)", False, True, True, math.pi * 1.09 / 4),
    # Around one another, with boxes that overlap.
    ("union(disc(0.0, 0.0, radius=0.5), ring(0.0, 0.0, radius=1.0, width=0.5))", False, False, True,
     math.pi * 1.25),
    ("union(rectangle(-0.5, -0.5, width=1.9, height=0.1, angle=45.0),"
     " rectangle(0.5, 0.5, width=1.9, height=0.1, angle=45.0))", None, None, True, None),
    ("union(rectangle(-0.5, 0.5, width=1.9, height=0.1, angle=45.0),"
     " rectangle(0.5, -0.5, width=1.9, height=0.1, angle=45.0))", False, True, True, 0.38),
]  # fmt: skip


@pytest.mark.parametrize(("text", "convex", "locally", "bounded", "area"), STATED)
def test_what_follows(
    text: str, convex: bool | None, locally: bool | None, bounded: bool | None, area: float | None
) -> None:
    found = region(text)
    assert found.convex is convex
    assert found.locally_convex is locally
    assert found.bounded is bounded
    if area is None:
        assert found.area is None or found.area > 0
    else:
        assert found.area == pytest.approx(area, abs=1e-12)


def test_what_is_not_locally_convex_is_not_so_near_some_point() -> None:
    """However short the segments: some have both ends in the set and their middle, near its edge, outside."""
    rng = np.random.default_rng(0)
    for text in (
        "ring(0.0, 0.0, radius=1.0, width=0.5)",
        "spiral(0.0, 0.0, radius=1.5, turns=2.0)",
        "carpet(0.0, 0.0, side=2.0, depth=1)",
        "gasket(0.0, 0.0, side=2.0, depth=1)",
        "polygon(at(-1.5, -1.0), at(1.0, -1.5), at(0.0, 0.0), at(1.5, 1.5), at(-1.0, 1.0))",
    ):
        found = region(text)
        assert found.locally_convex is False
        points = found.view.draw(200_000, rng)
        points = points[~found.contains(points)]
        away = found.distance(points)
        for reach in (0.2, 0.05):
            near = points[away < reach**2 / 20]
            angle = rng.uniform(0, math.pi, (64, len(near)))
            step = reach * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
            ends = [found.contains((near + sign * step).reshape(-1, 2)) for sign in (-1, 1)]
            assert (ends[0] & ends[1]).any(), (text, reach)


def test_half_plane_has_members_beyond_the_window() -> None:
    half = region("half_plane(0.5)")
    points = np.array([(-1.0, 0.0), (-100.0, 3.0), (1.0, 0.0), (0.5, -7.0)])
    assert half.contains(points).tolist() == [True, True, False, True]
    assert half.beyond(points).tolist() == [False, True, False, True]
    np.testing.assert_allclose(half.density(points), [0.1, 0, 0, 0])
    np.testing.assert_allclose(half.distance(points), [0, 0, 0.5, 0])
    assert half.mass_beyond == 1.0


def test_sampling_is_bounded_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Two discs that touch in a point share it, and no area."""
    touching = region("intersect(disc(-1.0, 0.0, radius=1.0), disc(1.0, 0.0, radius=1.0))")
    assert touching.contains(np.zeros((1, 2)))[0]
    with caplog.at_level("INFO"):
        assert len(touching.sample(10, np.random.default_rng(0))) == 0
    sliver = region(
        "difference(everywhere(), scale(scale(rectangle(0.0, 0.0, width=2.0, height=2.0), 2.0), 1.0))"
    )
    assert len(sliver.sample(10, np.random.default_rng(0))) == 0
    unknown = region("difference(stripes(1.0, gap=1.0), stripes(1.05, gap=0.95))")
    with caplog.at_level("INFO"):
        assert len(unknown.sample(10, np.random.default_rng(0))) == 0
    assert "bounded tries" in caplog.text


def test_polygons_that_touch_share_their_edge_and_no_area() -> None:
    left = "rectangle(-0.5, 0.0, width=1.0, height=1.0)"
    on, off = np.array([(0.0, 0.25)]), np.array([(0.25, 0.25)])
    for right in ("rectangle(0.5, 0.0, width=1.0, height=2.0)", "half_plane(0.0, angle=180.0)"):
        edge = region(f"intersect({left}, {right})")
        assert edge.contains(on).all()
        assert edge.area == edge.size() == 0
        np.testing.assert_allclose(edge.distance(np.concatenate([on, off])), [0.0, 0.25])
        assert len(edge.sample(3, np.random.default_rng(0))) == 0
    corner = region(f"intersect({left}, rectangle(0.5, 1.0, width=1.0, height=1.0))")
    assert corner.contains(np.array([(0.0, 0.5)])).all()
    assert not corner.contains(on).any()
    assert region(f"intersect({left}, rectangle(1.0, 0.0, width=1.0, height=1.0))").box.is_empty


# Measures.


def test_perfect_samplers_have_g_near_one() -> None:
    rng = np.random.default_rng(1)
    for text in (
        str(GRAMMAR.target),
        "ring(0.0, 0.0, radius=1.0, width=0.4)",
        "carpet(0.0, 0.0, side=2.0, depth=3)",
        "stripes(0.5, gap=0.5, angle=30.0)",
        f"mixture({DISC}, {FAR}, weight=0.3)",
    ):
        target = region(text)
        taught = lesson(f"take(64, {text}, seed=0)")
        dataset = analysis.measure(target.sample(512, rng).astype(np.float32), target, taught)
        assert float(dataset["generalization"]) > 0.95, text
        assert float(dataset["validity"]) > 0.99
        assert float(dataset["copy_rate"]) < 0.3


def test_learners_of_something_else_have_less() -> None:
    rng = np.random.default_rng(2)
    moons = GRAMMAR.target.denote()
    yardstick = Yardstick.of(moons)
    taught = lesson(f"take(64, {GRAMMAR.target}, seed=0)")
    copies = measures(taught[rng.integers(64, size=512)], moons, taught, yardstick)
    assert copies["copy_rate"] == 1
    assert copies["novelty"] == 0
    one = region("moon(-0.5, -0.25, radius=1.0, width=0.4)").sample(512, rng)
    assert measures(one, moons, taught, yardstick)["generalization"] < 0.75
    everywhere = region("everywhere()").sample(512, rng)
    assert measures(everywhere, moons, taught, yardstick)["validity"] == pytest.approx(2.51 / 16, abs=0.06)


def test_a_smoothed_sample_is_judged_by_membership() -> None:
    """The share of noisy points that stay in a half-plane is a normal distribution's."""
    rng = np.random.default_rng(3)
    half = region("half_plane(0.0)")
    noisy = np.stack([rng.normal(0, 1, 20_000), rng.uniform(-2, 2, 20_000)], axis=1)
    assert measures(noisy, half, np.zeros((0, 2)))["validity"] == pytest.approx(0.5, abs=0.02)
    assert half.beyond(noisy).mean() == pytest.approx(0.0455, abs=0.01)


def test_what_lies_beyond_the_window_is_reported() -> None:
    half = region("half_plane(0.0)")
    rng = np.random.default_rng(4)
    noisy = np.stack([rng.normal(0, 1, 2000), rng.uniform(-2, 2, 2000)], axis=1)
    noisy[0] = math.nan
    dataset = analysis.measure(noisy, half, np.zeros((0, 2)))
    assert float(dataset["beyond"]) == pytest.approx((noisy[:, 0] < -2).mean())
    assert float(dataset["target_beyond"]) == 1
    assert dataset["beyond"].attrs["units"] == "1"
    moons = GRAMMAR.target.denote()
    dataset = analysis.measure(moons.sample(100, rng), moons, np.zeros((0, 2)))
    assert float(dataset["beyond"]) == float(dataset["target_beyond"]) == 0
    cut = region("disc(2.0, 0.0, radius=1.0)")
    assert math.isnan(analysis.measure(cut.sample(100, rng), cut, np.zeros((0, 2)))["target_beyond"])


def test_targets_with_nothing_to_draw_are_refused() -> None:
    for text in (
        f"intersect({SMALL}, {FAR})",
        "intersect(disc(-1.0, 0.0, radius=1.0), disc(1.0, 0.0, radius=1.0))",
        "difference(stripes(1.0, gap=1.0), stripes(1.05, gap=0.95))",
    ):
        with pytest.raises(analysis.AnalysisError, match="nothing can be measured|only 0 points"):
            Yardstick.of(region(text))
