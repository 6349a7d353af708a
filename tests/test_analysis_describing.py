"""What a sample shows of its sentence: parities, products, orbits, unions of small sets; and sizes."""

import math

import numpy as np
import pytest

import grammars
from analysis.describing import covers, orbits, parities, products
from analysis.describing.coding import Budget
from analysis.describing.one_picture import drawn
from analysis.describing.sample import Sample
from analysis.describing.search import _Search
from analysis.describing.sizes import convex_draws
from grammars import Grid, counting
from grammars.convex_set import remembered_vertices, weighted_draws
from grammars.convexity import least_vertices

DOTS = grammars.load("dots")
CODES = grammars.load("codes")
POLYGONS = grammars.load("polygons")


def sample_of(grammar, text, n=300, noise=0.0, seed=0):
    pictures = grammar.parse(text, "Set").denote().sample(n, np.random.default_rng(seed))
    coins = round(noise * n)
    pictures[:coins] = np.random.default_rng(seed + 1).random((coins, *pictures.shape[1:])) < 0.5
    return Sample.of(pictures, grammar)


def same_code(one, other):
    first, second = one.denote(), other.denote()
    return (
        first.size() == second.size() and first.contains(second.sample(200, np.random.default_rng(5))).all()
    )


# Codes.


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_parities_of_regions_are_found_with_the_fewest_bits(noise):
    true = CODES.parse("even(half('top'), interior(), rows(6, 6), outside(columns(0, 2)))", "Set")
    found = list(parities.even_regions(sample_of(CODES, str(true), noise=noise)))
    assert any(same_code(one, true) and one.bits <= true.bits for one in found)


@pytest.mark.parametrize("inner", ["even(rows(2, 3), half('left'))", "linear(rate=0.5, seed=777)"])
def test_a_picture_exchanged_in_a_code_shows_in_the_parities(inner):
    true = CODES.parse(f"flipped({inner}, at(2, 3))", "Set")
    found = list(parities.witnessed(sample_of(CODES, str(true), noise=0.05)))
    assert any(same_code(one, true) for one in found)


def test_a_picture_exchanged_in_a_listed_set_is_found_under_a_motion():
    true = CODES.parse("orbit(flipped(corner('top left'), overlay(at(5, 5), at(6, 2))), rotations())", "Set")
    members = true.denote().members()
    for one in parities.hidden(sample_of(CODES, str(true), noise=0.05)):
        said = one.denote().members()
        if said is not None and said.shape == members.shape and (said == members).all():
            return
    raise AssertionError("not found")


def test_a_turned_random_code_is_known_by_its_seed():
    found = parities.moved_seeds(sample_of(CODES, "orbit(linear(rate=0.5, seed=4242), reflections())", 500))
    assert "orbit(linear(rate=0.5, seed=4242), reflections())" in [str(one) for one in found]


def test_independent_rows_are_the_first_ones():
    rows = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1], [1, 0, 1], [0, 0, 1]], dtype=bool)
    assert parities.independent(rows, [1, 0, 2, 3, 4]) == [0, 2, 4]


# Products, orbits, unions.


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_product_is_divided_into_its_parts(noise):
    text = "product(dots(k=1, region=rows(0, 0)), dots(k=2, gap=0, region=rows(4, 7)))"
    for part in products.divided(sample_of(DOTS, text, noise=noise)):
        first = part.first[0].denote().members() if isinstance(part.first, list) else None
        if first is not None and len(first) == 8 and first[:, 0].all(axis=1).sum() == 0 and first[:, 0].any():
            assert not part.rest.pictures[:, :4].any()
            assert (part.rest.white == 2).all()
            return
    raise AssertionError("not found")


def test_what_is_white_in_every_picture_is_a_part():
    part = next(products.divided(sample_of(DOTS, "product(explicit(at(3, 4), at(3, 4)), dots(k=2))")))
    assert part.first[0].denote().members()[:, 3, 4].all()
    assert not part.rest.pictures[:, 3, 4].any()


def test_regions_under_a_motion_have_an_image_of_each_picture():
    sample = sample_of(DOTS, "orbit(dots(k=3, gap=0, region=border()), translations())")
    motions = {str(motion): regions for motion, regions in orbits.regions_under(sample)}
    assert "border()" in [str(region) for region in motions["translations()"]]
    for motion, regions in motions.items():
        maps = DOTS.parse(motion, "Motion").denote()
        for region in regions:
            mask, held = region.denote(), np.zeros(len(sample.probes), bool)
            for image, there in maps.images(sample.pictures[sample.probes]):
                held |= there & ~(image & ~mask).any(axis=(1, 2))
            assert held.mean() >= 0.9
            assert (sample.pictures[sample.probes] & ~mask).any()


def test_small_sets_cover_their_union():
    true = DOTS.parse(
        "union(union(lattice(3, 3), orbit(lattice(1, 7), rotations())), explicit(at(0, 0)))", "Set"
    )
    members = true.denote().members()
    found = [one.denote().members() for one in covers.covers(sample_of(DOTS, str(true), 500))]
    assert any(said.shape == members.shape and (said == members).all() for said in found)


def test_a_regular_polygon_is_found_at_its_place():
    picture = POLYGONS.parse("solid(regular(5, radius=4.5, at=point(8.0, 6.5), angle=30.0))", "Picture")
    found = drawn(POLYGONS, "Picture", picture.denote())
    assert (found.denote() == picture.denote()).all()
    assert found.bits <= picture.bits


# Sizes.


@pytest.mark.parametrize("neighbours", [4, 8])
@pytest.mark.parametrize("gap", [1, 2])
def test_dots_set_down_estimate_how_many_ways_there_are(neighbours, gap):
    dots = grammars.load("dots", Grid(7, 6))
    sets = [dots.parse(f"dots(k={k}, gap={gap}, neighbours={neighbours})", "Set").denote() for k in range(6)]
    rows, columns = np.divmod(np.arange(42), 6)
    down, right = abs(rows[:, None] - rows), abs(columns[:, None] - columns)
    near = (np.maximum(down, right) if neighbours == 8 else down + right) <= gap
    for k, one in enumerate(sets):
        value, error = counting.estimated(np.ones((7, 6), bool), near, (k,))
        assert abs(value - one.size()) <= 4 * error + 1e-9
        if k in (1, 3):
            listed = counting.levels(np.ones((7, 6), bool), near, k)[k]
            assert len(listed) == one.size() == len(np.unique(listed.reshape(-1, 42), axis=0))
            assert one.contains(listed).all()


def test_sizes_of_what_is_made_of_convex_sets_add_up():
    def estimate(text):
        drawn = convex_draws(POLYGONS.parse(text, "Set").denote())
        return weighted_draws(POLYGONS.space).estimate(drawn)[0]

    three, upper = "convex(vertices=3)", "convex(vertices=between(3, 4), region=half('top'))"
    both = estimate(f"intersect({three}, {upper})")
    assert both > 0
    assert estimate(f"union({three}, {upper})") == pytest.approx(estimate(three) + estimate(upper) - both)
    assert estimate(f"difference({three}, {upper})") == pytest.approx(estimate(three) - both)
    assert estimate(f"within({three}, half('top'))") == pytest.approx(both)
    assert estimate(f"orbit({upper}, rotations())") > 2 * estimate(upper)
    assert convex_draws(POLYGONS.parse(f"union({three}, simple(vertices=5))", "Set").denote()) is None


def test_a_product_of_many_pairs_costs_its_pairs():
    from analysis.describing.coding import fit

    sentence = DOTS.parse("product(dots(k=3), dots(k=4, gap=0))", "Set")
    sample = sample_of(DOTS, str(sentence), 40)
    pairs = math.log2(DOTS.parse("dots(k=3)").denote().size() * math.comb(64, 4))
    assert fit(sentence, sample).data_bits == pytest.approx(40 * pairs + math.log2(41))


def test_remembered_vertices_are_the_least_numbers():
    pictures = weighted_draws(POLYGONS.space).pictures[:200].copy()
    pictures[:20] ^= np.random.default_rng(0).random((20, 16, 16)) < 0.01
    for _ in range(2):
        assert (remembered_vertices(pictures) == least_vertices(pictures)).all()


def test_a_smaller_question_about_nothing_has_no_answer() -> None:
    """The best orbit may hold no picture of the sample; then nothing of it is put back."""
    grammar = grammars.load("dots", grammars.Grid(4, 4))
    pictures = grammar.parse("dots(k=1)", "Set").denote().sample(8, np.random.default_rng(0))
    search = _Search(Sample.counted(grammar, pictures), Budget(50), depth=1)
    assert search.inner(Sample.counted(grammar, pictures[:0]), 0.5, 0) == []
