"""Superposition: what is an overlay by going through all pairs, and shares of mixtures of known make."""

import numpy as np
import pytest

import analysis
import grammars
from analysis import AnalysisError
from analysis.overlays import MEANINGS, overlays

SMALL = grammars.load("dots", space=grammars.Grid(3, 4))
EVERY = ((np.arange(4096)[:, None] >> np.arange(12)) & 1).astype(bool).reshape(-1, 3, 4)
DOTS = grammars.load("dots")


def set_of(text, grammar=SMALL):
    return grammar.parse(text, type="Set").denote()


class Hidden:
    """A set that cannot be listed."""

    def __init__(self, one):
        self.contains = one.contains

    def members(self):
        return None


@pytest.mark.parametrize(
    ("first", "second"),
    [("dots(k=2)", "dots(k=1)"), ("dots(k=2, gap=0)", "dots(k=2)"), ("lines(k=2)", "dots(k=3, gap=0)")],
)
def test_overlays_of_few_pixels_are_those_of_all_pairs(first, second):
    a, b = set_of(first), set_of(second)
    unions = {(p | q).tobytes() for p in EVERY[a.contains(EVERY)] for q in EVERY[b.contains(EVERY)]}
    some = EVERY[np.random.default_rng(0).permutation(4096)[:800]]
    found = overlays(some, Hidden(a), Hidden(b))
    assert found.tolist() == [int(p.tobytes() in unions) for p in some]


def blocks(height=8, side=4):
    """Squares of a side that stand anywhere: more white than the subsets of a picture can be gone through."""
    places = range(height - side + 1)
    found = np.zeros((len(places) ** 2, height, height), bool)
    for i, (y, x) in enumerate((y, x) for y in places for x in places):
        found[i, y : y + side, x : x + side] = True
    return found


class Listed:
    def __init__(self, pictures, listed=True):
        self.keys = {p.tobytes() for p in pictures}
        self.pictures = pictures if listed else None

    def contains(self, examples):
        return np.array([p.tobytes() in self.keys for p in examples], bool)

    def members(self):
        return self.pictures


def test_overlays_of_many_pixels_are_decided_by_lists():
    squares = blocks()
    rows = np.zeros((8, 8, 8), bool)
    rows[np.arange(8), np.arange(8)] = True
    unions = {(p | q).tobytes() for p in squares for q in rows}
    rng = np.random.default_rng(1)
    tried = np.concatenate(
        [
            squares[rng.integers(25, size=30)] | rows[rng.integers(8, size=30)],
            squares[rng.integers(25, size=30)] | squares[rng.integers(25, size=30)],
        ]
    )
    found = overlays(tried, Listed(squares), Listed(rows))
    assert found.tolist() == [int(p.tobytes() in unions) for p in tried]
    assert 30 <= found.sum() < 60


def test_what_cannot_be_gone_through_is_proved_or_undecided():
    squares, small = blocks(12, 4), blocks(12, 2)
    a, b = Listed(squares, listed=False), Listed(small, listed=False)
    apart = squares[:1] | small[-1:]
    touching = squares[:1] | np.roll(
        small[:1], (3, 3), axis=(1, 2)
    )  # shares a pixel: only the taught ones help
    nothing = np.zeros((1, 12, 12), bool)
    nothing[0, :2] = True
    tried = np.concatenate([apart, touching, nothing])
    assert overlays(tried, a, b).tolist() == [1, -1, -1]
    taught = np.concatenate([squares[:1], np.roll(small[:1], (3, 3), axis=(1, 2))])
    assert overlays(tried, a, b, taught).tolist() == [1, 1, -1]


def test_shares_of_a_known_mixture_sum_to_one():
    first, second = set_of("dots(k=1)", DOTS), set_of("dots(k=3)", DOTS)
    rng = np.random.default_rng(2)
    samples = np.zeros((250, 8, 8), np.float32)
    samples[:100] = first.sample(100, rng)
    samples[100:150] = second.sample(50, rng)
    for i in range(150, 200):
        while samples[i].sum() != 4:
            samples[i] = first.sample(1, rng)[0] | second.sample(1, rng)[0]
    samples[200:225, :4] = 1.0  # half white: neither
    samples[225:] = 0.5
    found = analysis.superposition(samples, first, second)
    shares = {name: float(found[name]) for name in MEANINGS}
    assert shares == pytest.approx(
        {"first": 0.4, "second": 0.2, "intersection": 0, "overlay": 0.2, "undecided": 0, "neither": 0.1,
         "blurred": 0.1}
    )  # fmt: skip
    assert sum(shares.values()) == pytest.approx(1)
    assert float(found["overlay_low"]) < 0.2 < float(found["overlay_high"])
    assert float(found["overlay_by_chance"]) < 0.2
    assert all(one.attrs["long_name"] for one in found.data_vars.values())


def test_both_sets_at_once_is_no_overlay_and_chance_is_said():
    first, second = set_of("dots(k=between(1, 2))", DOTS), set_of("dots(k=between(2, 3))", DOTS)
    samples = set_of("dots(k=2)", DOTS).sample(64, np.random.default_rng(0))
    found = analysis.superposition(samples, first, second)
    assert float(found["intersection"]) == 1
    assert float(found["overlay"]) == 0
    four = set_of("dots(k=4)", DOTS).sample(64, np.random.default_rng(0))
    found = analysis.superposition(np.stack([four, samples]), first, second, dims=("learner",))
    assert found["overlay"].values.tolist() == [1, 0]
    assert float(found["overlay_by_chance"][0]) > 0.1  # four pixels anywhere are often four separated dots


def test_points_cannot_be_overlaid():
    with pytest.raises(AnalysisError, match="cannot be overlaid"):
        analysis.superposition(np.zeros((4, 2)), set_of("dots(k=1)"), set_of("dots(k=2)"))
