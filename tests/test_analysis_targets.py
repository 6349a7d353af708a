"""The measures on the study's own default targets: what memorisers and half-learners get."""

import pickle

import numpy as np
import pytest

import analysis
import grammars
import models


def default(name):
    target = grammars.load(name).target.denote()
    return target, analysis.Yardstick.of(target)


@pytest.fixture(scope="module")
def dots():
    return default("dots")


@pytest.fixture(scope="module")
def polygons():
    return default("polygons")


def g_of(pictures, target, yardstick, training_set=None):
    training_set = pictures[:0] if training_set is None else training_set
    numbers = analysis.measures(pictures.astype(np.float32), target, training_set, yardstick)
    return numbers["generalization"]


def halves(target, rng, n):
    """For each declared property both strict halves at its median."""
    drawn = target.sample(n, rng)
    for name, value in target.properties.items():
        values = value(drawn)
        yield f"{name} above", drawn[values > np.median(values)]
        yield f"{name} below", drawn[values < np.median(values)]


def test_dots_a_perfect_sampler_is_above_097(dots):
    rng = np.random.default_rng(0)
    g = [g_of(dots[0].sample(512, rng), *dots) for _ in range(40)]
    assert np.mean(g) > 0.98
    assert np.quantile(g, 0.1) > 0.97


@pytest.mark.parametrize(("n", "promised"), [(1024, 0.43), (4096, 0.53)])
def test_dots_a_memoriser_gets_what_chance_gives_it(dots, n, promised):
    rng = np.random.default_rng(n)
    g = []
    for _ in range(5):
        training_set = dots[0].sample(n, rng)
        g.append(g_of(training_set[rng.integers(n, size=512)], *dots, training_set))
    assert np.mean(g) == pytest.approx(promised, abs=0.03)


def test_dots_the_ideal_machine_taught_1024_samples_is_below_06(dots):
    target, yardstick = dots
    training_set = grammars.load("dots").parse(f"take(1024, {grammars.load('dots').target}, seed=0)").denote()
    (fitted,) = models.load("ideal").fit([training_set], seeds=[0])
    numbers = analysis.measures(fitted.sample(512, 0), target, training_set, yardstick)
    assert numbers["copy_rate"] > 0.95
    assert numbers["generalization"] < 0.6


def test_dots_a_learner_of_half_of_the_target_is_below_08(dots):
    rng = np.random.default_rng(1)
    for name, half in halves(dots[0], rng, 20_000):
        g = [g_of(half[rng.choice(len(half), 512, replace=False)], *dots) for _ in range(8)]
        assert 0.5 < np.mean(g) < 0.8, name


def test_dots_the_yardstick_pickles_small_and_names_its_strata(dots):
    target, yardstick = dots
    text = pickle.dumps(yardstick)
    assert len(text) < 10_000
    assert [s.label for s in yardstick.strata] == list(target.stratum_names.values())
    assert [s.size for s in yardstick.strata] == [64, 1806, 29708, 317471]  # OEIS A193580, row 8
    pictures = target.sample(64, np.random.default_rng(2))
    assert g_of(pictures, target, pickle.loads(text)) == g_of(pictures, *dots)


def test_polygons_a_perfect_sampler_is_above_097_and_a_memoriser_at_nothing(polygons):
    target, _ = polygons
    rng = np.random.default_rng(3)
    drawn = target.sample(1536, rng)
    g = [g_of(drawn[part], *polygons) for part in np.split(np.arange(1536), 3)]
    assert np.mean(g) > 0.97
    training_set = drawn[:256]
    # |T| is unknown there, and then copies count nothing at all.
    assert g_of(training_set[rng.integers(256, size=512)], *polygons, training_set) == 0


@pytest.mark.slow
def test_polygons_a_learner_of_half_of_the_target_gets_about_as_little(polygons):
    rng = np.random.default_rng(4)
    for name, half in halves(polygons[0], rng, 8000):
        g = [g_of(half[rng.choice(len(half), 512, replace=False)], *polygons) for _ in range(8)]
        # Area and elongation go with the number of vertices: their halves hold more than half of some strata.
        assert 0.5 < np.mean(g) < 0.82, name


@pytest.mark.slow
def test_the_logit_interval_of_real_g_covers_over_seeds(dots):
    rng = np.random.default_rng(5)
    target, yardstick = dots

    def learner():
        """One training of a learner whose ability varies: it leaves out a part of the four-dot pictures."""
        pictures = target.sample(700, rng)
        four = pictures.sum(axis=(1, 2)) == 4
        dropped = four & (rng.random(700) < np.clip(rng.normal(0.5, 0.1), 0, 1))
        return g_of(pictures[~dropped][:512], target, yardstick)

    trainings = np.array([learner() for _ in range(1500)])
    centre = 1 / (1 + np.exp(-np.mean(np.log(trainings / (1 - trainings)))))
    intervals = map(analysis.logit_interval, trainings.reshape(300, 5))
    inside = [low <= centre <= high for _, low, high in intervals]
    assert 0.9 <= np.mean(inside) <= 0.99
