"""Descriptions of points of the plane: sets are found again, their cost is what brute force says it is."""

import math

import numpy as np
import pytest

import analysis
import grammars

GRAMMAR = grammars.load("regions")
MOONS = "moon(-0.5, -0.25, radius=1.0, width=0.4), moon(0.5, 0.25, radius=1.0, width=0.4, angle=180.0)"


def drawn(text: str, n: int = 256, seed: int = 0) -> np.ndarray:
    return np.asarray(GRAMMAR.parse(text, "Set").denote().sample(n, np.random.default_rng(seed)))


@pytest.mark.parametrize("text", ["ring(0.0, 0.0, radius=1.0, width=0.4)", "half_plane(0.0)"])
def test_a_shape_is_found_again(text: str) -> None:
    found = analysis.describe(drawn(text), GRAMMAR, evaluations=60)
    assert found.attrs["verdict"] == text
    assert float(found["validity"][0]) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "union(disc(-1.0, 0.0, radius=0.5), disc(1.0, 0.0, radius=0.5))",
        f"union({MOONS})",
        "carpet(0.0, 0.0, side=2.0, depth=2)",
    ],
)
def test_pieces_and_fractals_are_said_in_no_more_bits_than_by_their_own_sentence(text: str) -> None:
    points = drawn(text, 512)
    found = analysis.describe(points, GRAMMAR, evaluations=600)
    own = GRAMMAR.parse(text, "Set")
    area = own.denote().area_in_window
    bits = own.bits + 512 * math.log2(area / 1e-4) + math.log2(513)
    assert float(found["total_bits"][0]) <= bits + 8  # a few samples leave the last step of a number open


def test_the_cost_is_that_of_its_parts() -> None:
    """A disc of known area, some points of it outside: the code of the module's first lines, by hand."""
    points = np.concatenate([drawn("disc(0.0, 0.0, radius=1.0)", 120), np.full((8, 2), 1.9)])
    found = analysis.describe(points, GRAMMAR, evaluations=40)
    assert found.attrs["listing_bits"] == pytest.approx(128 * 2 * math.log2(400))
    best = GRAMMAR.parse(str(found["sentence"].values[0]), "Set")
    inside = best.denote().contains(points)
    outside = int((~inside).sum())
    area = best.denote().area_in_window
    choose = math.log2(math.comb(128, outside))
    bits = inside.sum() * math.log2(area / 1e-4) + outside * 2 * math.log2(400) + choose + math.log2(129)
    assert float(found["data_bits"][0]) == pytest.approx(bits)
    assert float(found["outside"][0]) == outside


def test_what_fills_the_window_is_best_listed() -> None:
    noise = np.random.default_rng(0).uniform(-2, 2, (64, 2))
    assert analysis.describe(noise, GRAMMAR, evaluations=20).attrs["verdict"] == "nothing better than listing"


def test_the_answer_is_a_function_of_the_samples_and_what_is_not_finite_is_outside() -> None:
    points = drawn("disc(0.5, 0.5, radius=0.5)", 64)
    points[:4] = np.nan
    one, other = (analysis.describe(points, GRAMMAR, evaluations=10, seed=3) for _ in range(2))
    assert one.identical(other)
    assert one.attrs["not_crisp"] == 4
    assert float(one["outside"][0]) >= 4


def test_pictures_are_no_points() -> None:
    with pytest.raises(analysis.AnalysisError, match=r"are \[N, 2\], but got \[4, 3, 3\]"):
        analysis.describe(np.zeros((4, 3, 3)), GRAMMAR)
    with pytest.raises(analysis.AnalysisError, match="nothing to describe"):
        analysis.describe(np.zeros((0, 2)), GRAMMAR)
