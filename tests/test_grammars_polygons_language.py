"""The language `polygons`: shapes, what they denote, and how varied its random lessons are."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask
from skimage.measure import label, regionprops

import grammars
from grammars import Grid, SentenceError, shapes
from grammars.convexity import least_vertices
from grammars.pictures import white_pixels
from grammars.polygon_traits import area, elongation, lying, slant
from grammars.spaces import keys


@pytest.fixture(scope="module")
def grammar() -> grammars.Grammar:
    return grammars.load("polygons", Grid(16, 16))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def examples(grammar: grammars.Grammar, text: str) -> np.ndarray:
    sentence = grammar.parse(text, "Lesson")
    assert str(sentence) == text
    return sentence.denote()


def test_default_target(grammar: grammars.Grammar) -> None:
    assert str(grammar.target) == "convex(vertices=between(3, 6))"
    target = grammar.target.denote()
    assert target.weights == {3: 0.25, 4: 0.25, 5: 0.25, 6: 0.25}
    assert target.stratum_names[3] == "3 vertices"
    pictures = target.sample(200, rng())
    assert white_pixels(pictures).min() >= 12
    assert white_pixels(pictures).max() <= 128
    assert list(target.properties)[:3] == ["area", "mean row", "mean column"]


@pytest.mark.parametrize(
    ("side", "strata"), [(6, [3, 4, 5]), (7, [3, 4, 5, 6]), (8, [3, 4, 5, 6]), (10, [3, 4, 5, 6])]
)
def test_strata_of_the_default_target_on_small_grids(side: int, strata: list[int]) -> None:
    target = grammars.load("polygons", Grid(side, side)).target.denote()
    assert list(target.weights) == strata


def test_default_target_needs_no_square() -> None:
    target = grammars.load("polygons", Grid(9, 14)).target.denote()
    drawn = target.sample(60, rng())
    assert len(drawn) == 60
    assert target.contains(drawn).all()


def test_explicit_polygons_are_their_pictures(grammar: grammars.Grammar) -> None:
    square = examples(
        grammar, "each(polygon(point(2.5, 3.0), point(2.5, 6.0), point(5.5, 6.0), point(5.5, 3.0)))"
    )
    assert square.shape == (1, 16, 16)
    expected = np.zeros((16, 16), bool)
    expected[3:6, 3:7] = True
    np.testing.assert_array_equal(square[0], expected)
    crossed = examples(
        grammar, "each(polygon(point(2.5, 2.5), point(2.5, 6.5), point(6.5, 2.5), point(6.5, 6.5)))"
    )
    assert least_vertices(crossed)[0] == -1
    hull = examples(grammar, "each(hull(point(2.5, 2.5), point(2.5, 6.5), point(6.5, 2.5), point(6.5, 6.5)))")
    assert hull.sum() == 16


def test_the_order_of_a_hulls_points_means_nothing(grammar: grammars.Grammar) -> None:
    one = grammar.parse("filled(hull(point(1.5, 1.0), point(9.0, 2.0), point(4.0, 8.0)))")
    other = grammar.parse("filled(hull(point(4.0, 8.0), point(1.5, 1.0), point(9.0, 2.0)))")
    assert one == other


@pytest.mark.parametrize(
    ("points", "vertices"),
    [
        ([(1, 1), (1, 1), (1, 1)], 1),
        ([(1, 1), (2, 2), (4, 4)], 2),
        ([(0, 0), (0, 4), (4, 4), (4, 0), (2, 2)], 4),
    ],
)
def test_hulls_of_points_on_a_line(points: list[tuple[float, float]], vertices: int) -> None:
    assert len(np.unique(shapes.hull_of(points), axis=0)) == vertices


@pytest.mark.parametrize("n", [3, 4, 5, 6, 12])
def test_regular_polygons_have_their_area(n: int) -> None:
    polygon = shapes.regular_polygon(n, 20.0, (31.3, 30.8), 10.0)
    picture = shapes.pictures_of((polygon,), (64, 64))[0]
    exact = n / 2 * 400 * np.sin(2 * np.pi / n)
    assert abs(picture.sum() - exact) < 0.03 * exact
    np.testing.assert_array_equal(picture, polygon2mask((64, 64), polygon))
    np.testing.assert_allclose(shapes.centre_of_mass(polygon), (31.3, 30.8), atol=1e-3)


def test_angles_are_clockwise_from_straight_up() -> None:
    up, right = shapes.regular_polygon(4, 3.0, (8.0, 8.0), 0.0)[:2]
    assert tuple(up) == (5.0, 8.0)
    assert tuple(right) == (8.0, 11.0)
    assert tuple(shapes.regular_polygon(3, 3.0, (8.0, 8.0), 90.0)[0]) == (8.0, 11.0)
    wide = shapes.pictures_of((shapes.rectangle_around(2.0, 9.0, (8.0, 8.0), 0.0),), (17, 17))[0]
    falling = shapes.pictures_of((shapes.rectangle_around(2.0, 9.0, (8.0, 8.0), 45.0),), (17, 17))[0]
    assert lying(wide[None])[0] > 0.8
    assert slant(falling[None])[0] > 0.8


def test_turns_scales_mirrors_and_shifts(grammar: grammars.Grammar) -> None:
    triangle = "hull(point(11.5, 6.5), point(4.0, 5.0), point(5.0, 11.0))"
    turned = examples(grammar, f"each(turns({triangle}, 8))")
    assert len(turned) == 8
    assert (least_vertices(turned) == 3).all()
    assert np.ptp(white_pixels(turned)) <= 6
    sizes = white_pixels(examples(grammar, f"each(scales({triangle}, smallest=0.5, largest=1.0))"))
    assert len(sizes) == 3
    assert sizes[0] < sizes[1] < sizes[2]
    both = examples(grammar, f"each(mirrors({triangle}))")
    assert len(both) == 2
    places = examples(grammar, f"each(shifts({triangle}))")
    rows, columns = 14 - 7, 14 - 5  # of so many shifts, the triangle's centres being in 4..11 and 5..11
    assert len(places) == (rows) * (columns - 1)
    assert not places[:, 0].any()
    assert not places[:, -1].any()
    assert not places[:, :, 0].any()
    assert not places[:, :, -1].any()
    whole = shapes.turned(shapes.turned(shapes.turned((np.array([(1.0, 1.0), (1, 5), (4, 4)]),), 24), 24), 24)
    assert len(whole) == shapes.MOST_POLYGONS


def test_sets_of_shapes_are_exact(grammar: grammars.Grammar) -> None:
    family = grammar.parse("filled(shifts(regular(6, radius=4.0), step=0.5))").denote()
    members = family.members()
    assert family.size() == len(members) == len(np.unique(keys(members)))
    assert family.contains(members).all()
    assert family.distance_is_exact
    flipped = members.copy()
    flipped[:, 8, 8] ^= True
    np.testing.assert_array_equal(family.contains(flipped), False)
    np.testing.assert_array_equal(family.strata(members), least_vertices(members))


def test_pictures_that_no_polygon_makes_are_a_stratum_of_their_own(grammar: grammars.Grammar) -> None:
    squares = (f"solid(rectangle(3.0, 3.0, at=point({place}, {place})))" for place in (3.0, 9.0))
    pair = grammar.parse(f"explicit(overlay({', '.join(squares)}))").denote()
    assert pair.sizes() == {2002: 1}
    assert pair.stratum_names == {2002: "2 pieces"}
    black = grammar.parse("explicit(picture('" + 64 * "0" + "'))", "Set").denote()
    assert black.stratum_names == {0: "not convex"}


def test_orbits(grammar: grammars.Grammar) -> None:
    triangles = grammar.parse("convex(vertices=3)").denote()
    assert (
        grammar.parse("orbit(convex(vertices=3), symmetries())")
        .denote()
        .contains(triangles.sample(20, rng()))
        .all()
    )
    left = grammar.parse("orbit(convex(vertices=3, region=half('left')), reflections())").denote()
    drawn = left.sample(40, rng())
    assert left.contains(drawn).all()
    sides = (drawn & grammar.parse("half('left')").denote()).any(axis=(1, 2))
    assert 0 < sides.sum() < 40
    moved = grammar.parse("orbit(convex(vertices=4, region=half('top')), translations())").denote()
    drawn = moved.sample(40, rng())
    assert len(drawn) == 40
    assert moved.contains(drawn).all()
    assert drawn[:, 9:].any()
    assert (moved.strata(drawn) == least_vertices(drawn)).all()
    listed = grammar.parse("orbit(filled(regular(5, radius=3.0)), translations())").denote()
    assert listed.size() == 12 * 11 or listed.size() == len(listed.members())


def test_properties_against_scikit_image(grammar: grammars.Grammar) -> None:
    pictures = grammar.target.denote().sample(100, rng(2))
    for picture in pictures:
        region = regionprops(label(picture, connectivity=2))[0]
        batch = picture[None]
        assert area(batch)[0] == region.area
        large, small = region.inertia_tensor_eigvals
        np.testing.assert_allclose(elongation(batch)[0], (large - small) / (large + small), atol=1e-6)
        np.testing.assert_allclose(np.hypot(lying(batch), slant(batch)), elongation(batch))
    black = np.zeros((1, 16, 16), bool)
    assert [float(f(black)[0]) for f in (area, elongation, lying, slant)] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("convexe(vertices=3)", "convex"),
        ("convex(vertices=2)", "nearest: 3"),
        ("convex(vertex=3)", "vertices"),
        ("filled(regular(5))", "radius"),
        ("filled(hull(point(1.0, 1.0), point(2.0, 2.0)))", "3"),
        ("filled(hull(point(1.3, 1.0), point(2.0, 2.0), point(4.0, 2.0)))", "1.5"),
    ],
)
def test_mistakes_get_one_line(grammar: grammars.Grammar, text: str, hint: str) -> None:
    with pytest.raises(SentenceError, match=hint) as error:
        grammar.parse(text, "Set")
    assert "\n" not in str(error.value)


def test_random_lessons_are_varied() -> None:
    grammar = grammars.load("polygons", Grid(10, 10))
    generator = rng(4)
    rules: dict[str, int] = {}
    numbers, valid = [], []
    target = grammar.target.denote()
    for _ in range(60):
        sentence = grammar.random("Lesson", generator, max_bits=80)
        for _, part in sentence.walk():
            rules[part.rule] = rules.get(part.rule, 0) + 1
        taught = sentence.denote()
        numbers.append(len(taught))
        if len(taught):
            valid.append(target.contains(taught).mean())
    assert {"take", "each", "these", "every", "join", "convex", "hull", "regular", "turns", "shifts"} <= set(
        rules
    )
    assert np.mean(np.array(numbers) == 0) < 0.25
    assert np.quantile(numbers, 0.25) <= 2
    assert np.quantile(numbers, 0.9) >= 32
    assert 0.2 < np.mean(valid) < 0.8
