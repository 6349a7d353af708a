"""Draws are uniform within a stratum, by Pearson's chi-square on sets small enough to list."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

import grammars
from grammars import dots, example_set, separated
from grammars.language import Grammar

# Sets that draw in different ways: thrown, counted out, by parts, by rejection, by images.
UNIFORM = [
    "dots(k=2)",
    "dots(k=between(1, 3), gap=0)",
    "dots(k=3, region=outside(rows(1, 1)))",
    "union(dots(k=2), dots(k=2, gap=0, region=half('top')))",
    "union(dots(k=between(1, 2)), dots(k=between(2, 3), gap=0, region=border()))",
    "difference(dots(k=2, gap=0), dots(k=2))",
    "intersect(orbit(dots(k=1, region=half('left')), rotations()), dots(k=1))",
    "orbit(dots(k=2, region=half('top')), rolls())",
    "orbit(dots(k=2, gap=0, region=columns(0, 1)), translations())",
    "orbit(dots(k=2, region=half('left')), symmetries())",
    "orbit(orbit(dots(k=2, region=rows(0, 1)), rotations()), rolls())",
    "within(orbit(dots(k=2, region=half('top')), rolls()), outside(interior()))",
]

P_VALUE = 1e-4  # A dozen cases: a false alarm in a thousand runs, and the seed is fixed.


def check_uniform(text: str, n: int = 6000) -> None:
    grammar = Grammar(dots.LANGUAGE, grammars.Grid(4, 4))
    target = grammar.parse(text).denote()
    assert target.sampling == "uniform"
    drawn = target.sample(n, np.random.default_rng(12))
    assert len(drawn) == n
    weights = target.weights
    strata = target.strata(drawn)
    observed = [int((strata == stratum).sum()) for stratum in weights]
    if len(weights) > 1:
        assert chisquare(observed, np.array(list(weights.values())) * n).pvalue > P_VALUE
    everything = (np.arange(2**16)[:, None] >> np.arange(16) & 1).astype(bool).reshape(-1, 4, 4)
    truth = everything[target.contains(everything)]
    for stratum in weights:
        cells = grammars.keys(truth[target.strata(truth) == stratum])
        found, counts = np.unique(grammars.keys(drawn[strata == stratum]), return_counts=True)
        observed = np.zeros(len(cells))
        observed[np.searchsorted(np.sort(cells), found)] = counts
        assert len(cells) == 1 or chisquare(observed).pvalue > P_VALUE, f"{text}, stratum {stratum}"


@pytest.mark.parametrize("text", UNIFORM)
def test_uniform_by_list(text: str) -> None:
    check_uniform(text)


@pytest.mark.parametrize("text", UNIFORM)
def test_uniform_without_lists(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_set, "LISTED", -1)
    check_uniform(text)


@pytest.mark.parametrize("text", ["dots(k=2)", "dots(k=3, region=outside(rows(1, 1)))", "dots(k=4)"])
def test_uniform_where_dots_are_counted_out(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_set, "LISTED", -1)
    monkeypatch.setattr(separated, "FEWEST_ACCEPTED", 2.0)
    check_uniform(text)


def test_a_sampler_that_is_not_uniform_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_set, "LISTED", -1)
    grammar = Grammar(dots.LANGUAGE, grammars.Grid(4, 4))
    assert grammar.parse("product(dots(k=2), dots(k=2))").denote().sampling == "generator"


def test_the_first_of_many_are_the_few() -> None:
    grammar = grammars.load("dots")
    for text in ("dots(k=2)", "dots(k=between(1, 4))", "orbit(dots(k=3, region=half('top')), rolls())"):
        many = grammar.parse(f"take(400, {text}, seed=5)").denote()
        few = grammar.parse(f"take(7, {text}, seed=5)").denote()
        np.testing.assert_array_equal(many[:7], few)


def test_other_seeds_give_other_examples() -> None:
    grammar = grammars.load("dots")
    lessons = [grammar.parse(f"take(3, dots(k=3), seed={seed})").denote().tobytes() for seed in range(50)]
    assert len(set(lessons)) == 50


def test_distinct_draws_follow_the_weights() -> None:
    """The first example of a set of unequal strata: the small stratum is as likely as the large."""
    grammar = Grammar(dots.LANGUAGE, grammars.Grid(4, 4))
    target = grammar.parse("dots(k=between(1, 2))").denote()
    first = [
        int(target.strata(target.sample(1, np.random.default_rng(seed), distinct=True))[0])
        for seed in range(2000)
    ]
    assert chisquare(np.bincount(first)[1:]).pvalue > P_VALUE


def test_more_than_there_is() -> None:
    grammar = grammars.load("dots")
    assert grammar.parse("take(1024, dots(k=1), seed=0)").denote().shape == (64, 8, 8)
    assert grammar.parse("take(5, dots(k=40), seed=0)").denote().shape == (0, 8, 8)
    assert grammar.parse("take(5, intersect(dots(k=1), dots(k=2)), seed=0)").denote().shape == (0, 8, 8)


def test_sampling_ends_where_next_to_nothing_is_found() -> None:
    """A needle in a haystack: bounded tries, fewer examples, no error."""
    grammar = grammars.load("dots", grammars.Grid(16, 16))
    needle = "within(orbit(dots(k=6, gap=3, region=half('top')), rolls()), rows(0, 3))"
    drawn = grammar.parse(needle).denote().sample(20, np.random.default_rng(0))
    assert len(drawn) <= 20


def test_global_random_state_is_left_alone() -> None:
    grammar = grammars.load("dots")
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr] # noqa: NPY002
    grammar.random("Lesson", np.random.default_rng(0)).denote()
    grammar.target.denote().sample(100, np.random.default_rng(0))
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # type: ignore[index] # noqa: NPY002
