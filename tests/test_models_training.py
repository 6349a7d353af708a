"""Training: checkpoints, stopping, divergence, and that something is learned."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import models
from models.edm import EDM
from models.frame import PICTURES
from models.preconditioning import Preconditioning
from models.processes import EDMProcess
from models.training import CHUNK, TrainingSettings, lessons

DOTS = np.eye(16, dtype=bool).reshape(16, 4, 4)


def conv(**settings) -> models.Learner:
    return models.load("conv", **{"width": 8, "batch": 8, "sampler_steps": 4} | settings)


def test_the_loss_falls_below_that_of_an_untrained_network() -> None:
    untrained, trained = conv(steps=1).fit([DOTS], [0])[0], conv(steps=200).fit([DOTS], [0])[0]
    assert 0.5 < untrained.loss < 2.0  # the regression has targets of variance 1
    assert trained.loss < 0.6 * untrained.loss


def test_checkpoints_are_states_of_one_training_and_change_nothing() -> None:
    plain = conv(steps=120).fit([DOTS], [0])[0]
    marked = conv(steps=120).fit([DOTS], [0], checkpoints=[70, 0, 33, 110, 70])[0]
    assert marked.loss == plain.loss
    np.testing.assert_array_equal(marked.sample(3, 0), plain.sample(3, 0))
    assert [marked.at(step).steps for step in (0, 33, 70, 120)] == [0, 33, 70, 120]
    np.testing.assert_array_equal(marked.at(120).sample(3, 0), marked.sample(3, 0))
    samples = [marked.at(step).sample(3, 0) for step in (0, 33, 70, 120)]
    assert all(not np.array_equal(a, b) for a, b in pairwise(samples))
    with pytest.raises(models.ModelError, match="no checkpoint at step 50; there are: 0, 33, 70, 110, 120"):
        marked.at(50)


def test_the_first_checkpoint_is_the_untrained_network() -> None:
    fitted = conv(steps=3).fit([DOTS], [0], checkpoints=[0])[0]
    untrained = conv(steps=0).fit([DOTS], [0])[0]
    assert untrained.steps == 0
    np.testing.assert_array_equal(fitted.at(0).sample(2, 0), untrained.sample(2, 0))


def test_a_rule_ends_the_training_of_the_member_it_was_asked_about() -> None:
    asked = []

    def stop(fitted: models.Fitted) -> bool:
        asked.append((fitted.index, fitted.steps))
        assert np.isfinite(fitted.sample(1, 0)).all()
        return fitted.index == 1 and fitted.steps >= 20

    members = conv(steps=40).fit([DOTS] * 3, [0, 1, 2], checkpoints=[10, 20, 30], stop=stop)
    assert [member.steps for member in members] == [40, 20, 40]
    assert asked == [(0, 10), (0, 20), (0, 30), (1, 10), (1, 20), (2, 10), (2, 20), (2, 30)]


def test_a_diverged_member_is_reported_and_the_others_live() -> None:
    settings = {"steps": 200, "sigma_data": 0.001}
    good, bad, other = conv(**settings).fit([DOTS, np.full((2, 4, 4), 1e30) * DOTS[:2], DOTS], [0, 1, 2])
    assert bad.diverged
    assert bad.steps <= CHUNK
    assert not good.diverged
    assert not other.diverged
    alone = conv(**settings).fit([DOTS], [2])[0]
    np.testing.assert_array_equal(other.sample(2, 0), alone.sample(2, 0))
    assert not np.isfinite(bad.sample(2, 0)).all()


def test_examples_are_dealt_like_cards() -> None:
    examples = torch.arange(5.0).view(5, 1, 1)
    # next to no noise, and a scale of 1: what the network gets are the examples
    edm = EDM(mean=0.0, sigma_data=1.0)
    process = EDMProcess(PICTURES, 0.02, 20.0, mean=-10.0, std=0.0)
    stream = lessons(np.random.default_rng(0), examples, Preconditioning(edm, edm), process, batch=3)
    dealt = torch.cat([next(stream)[0].flatten() for _ in range(5 * CHUNK)]).round().view(-1, 5)
    assert (dealt.sort(1).values == torch.arange(5.0)).all()  # every five in a row are all five
    assert len(dealt.unique(dim=0)) > 50  # in ever new orders


def test_the_learning_rate_rises_and_falls_to_zero() -> None:
    settings = TrainingSettings(steps=100, learning_rate=0.5, warmup=0.1)
    rates = [settings.rate(step) for step in range(1, 101)]
    assert rates.index(max(rates)) == 9
    assert max(rates) == pytest.approx(0.5)
    assert rates[0] == pytest.approx(0.05)
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    assert all(a >= b for a, b in pairwise(rates[9:]))
    assert TrainingSettings(steps=10, warmup=0.0).rate(1) > 0
    assert TrainingSettings(steps=10, warmup=1.0).rate(10) == pytest.approx(0.01)


def test_the_average_of_weights_is_what_samples() -> None:
    last, averaged = (conv(steps=60, ema=ema, warmup=0.0).fit([DOTS], [0])[0] for ema in (0.0, 1.0))
    assert last.loss == averaged.loss  # the same training
    assert not np.array_equal(last.sample(2, 0), averaged.sample(2, 0))
