"""Intervals: published numbers, and coverage at the nominal rate."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis import AnalysisError, logit_interval, paired_difference, wilson


def test_wilson_equals_scipy():
    for n in (1, 7, 512):
        for k in sorted({0, 1, n // 3, n - 1, n}):
            theirs = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
            ours = wilson(k, n)
            assert ours.low == pytest.approx(theirs.low, abs=1e-12)
            assert ours.high == pytest.approx(theirs.high, abs=1e-12)
            assert ours.low <= ours.value <= ours.high
    assert wilson([0, 512], 512).low[0] == 0
    assert wilson([0, 512], 512).high[1] == 1


@pytest.mark.parametrize("n", [500, 512, 1000, 2000, 10_000])
def test_wilson_covers_at_its_nominal_rate_exactly_computed(n):
    k = np.arange(n + 1)
    _, low, high = wilson(k, n)
    for p in np.linspace(0.02, 0.98, 97):
        inside = (low <= p) & (p <= high)
        coverage = stats.binom.pmf(k, n, p)[inside].sum()
        assert 0.93 <= coverage <= 0.97, (p, coverage)


def test_wilson_covers_by_simulation():
    rng = np.random.default_rng(0)
    for p in (0.02, 0.1, 0.5, 0.9, 0.98):
        _, low, high = wilson(rng.binomial(512, p, 20_000), 512)
        assert 0.93 <= np.mean((low <= p) & (p <= high)) <= 0.97


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_the_logit_interval_covers_at_its_nominal_rate(seeds):
    rng = np.random.default_rng(seeds)
    for centre in (-2.0, 0.5, 3.0):
        truth = 1 / (1 + math.exp(-centre))
        values = 1 / (1 + np.exp(-rng.normal(centre, 0.4, (3000, seeds))))
        inside = [low <= truth <= high for _, low, high in map(logit_interval, values)]
        assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_the_logit_interval_by_hand():
    value, low, high = logit_interval([0.5, 0.8], resolution=1e-6)
    logits = [0.0, math.log(4)]
    half = 12.706204736 * np.std(logits, ddof=1) / math.sqrt(2)
    assert value == pytest.approx(1 / (1 + math.exp(-math.log(2))))
    assert low == pytest.approx(1 / (1 + math.exp(-(math.log(2) - half))))
    assert high == pytest.approx(1 / (1 + math.exp(-(math.log(2) + half))))


def test_nought_one_and_agreement_make_no_interval_of_no_width():
    value, low, high = logit_interval([0.0, 0.0, 0.0])
    assert value == low == 0
    assert 0 < high < 0.05
    value, low, high = logit_interval([1.0, 1.0, 1.0])
    assert value == high == 1
    assert 0.95 < low < 1
    value, low, high = logit_interval([0.9, 0.9, 0.9])
    assert low < value == 0.9 < high
    assert high - low < 0.01
    wide = logit_interval([0.0, 1.0])
    assert (wide.low, wide.high) == (0, 1)
    for values in ([0.0, 0.02, 0.01], [0.99, 1.0, 0.97], [0.3, 0.8, 1.0]):
        value, low, high = logit_interval(values)
        assert 0 <= low <= value <= high <= 1


def test_one_seed_has_no_interval():
    value, low, high = logit_interval([0.8])
    assert value == 0.8
    assert math.isnan(low)
    assert math.isnan(high)
    assert math.isnan(paired_difference([0.8], [0.7]).low)


def test_the_paired_difference_is_students():
    rng = np.random.default_rng(1)
    a, b = rng.random(8), rng.random(8)
    theirs = stats.ttest_rel(a, b).confidence_interval(0.95)
    value, low, high = paired_difference(a, b)
    assert value == pytest.approx(np.mean(a - b))
    assert (low, high) == pytest.approx((theirs.low, theirs.high))


def test_the_paired_difference_covers_when_seeds_share_their_luck():
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(3000):
        luck = rng.normal(0, 1, 5)
        _, low, high = paired_difference(luck + rng.normal(0.1, 0.2, 5), luck)
        inside.append(low <= 0.1 <= high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: wilson(3, 2),
        lambda: wilson(0, 0),
        lambda: wilson(1, 2, level=95),
        lambda: logit_interval([]),
        lambda: logit_interval([0.5, math.nan]),
        lambda: logit_interval([1.2]),
        lambda: logit_interval([0.5], resolution=0),
        lambda: paired_difference([1, 2], [1]),
        lambda: paired_difference([], []),
    ],
)
def test_what_has_no_interval_is_refused(wrong):
    with pytest.raises(AnalysisError, match=r".+"):
        wrong()
