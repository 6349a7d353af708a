"""What holds for every learner and every grid it supports; a new learner is tested by its registry line."""

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import models
from models.noise import BLOCK, initial_noise

NAMES = sorted(models.available())
SHAPES = [(3, 3), (5, 7), (8, 8)]
SHORT = {"steps": 8, "batch": 4, "sampler_steps": 3}

everything = pytest.mark.parametrize("name", NAMES)
everywhere = pytest.mark.parametrize("shape", SHAPES, ids=str)


def short(name: str, **more: Any) -> models.Learner:
    """The learner with a budget that shows nothing but that it works."""
    names = vars(models.settings(name)())
    return models.load(name, **{key: value for key, value in SHORT.items() if key in names} | more)


def pictures(n: int, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, *shape)) < 0.3


@cache
def member(name: str, shape: tuple[int, int]) -> models.Fitted:
    return short(name).fit([pictures(6, shape)], seeds=[3])[0]


@everything
@everywhere
def test_samples_have_shape_and_type_and_are_finite(name: str, shape: tuple[int, int]) -> None:
    fitted = member(name, shape)
    for sampler in ("heun", "sde"):
        samples = fitted.sample(5, seed=1, sampler=sampler)
        assert samples.shape == (5, *shape)
        assert samples.dtype == np.float32
        assert np.isfinite(samples).all()
    assert fitted.sample(0, seed=1).shape == (0, *shape)
    assert fitted.seed == 3
    assert fitted.shape == shape
    assert not fitted.diverged
    assert fitted.seconds >= 0
    assert (fitted.parameters > 0) == short(name).properties["trained"]


@everything
@everywhere
@pytest.mark.parametrize("n", [1, 9])
def test_sets_smaller_and_larger_than_the_batch(name: str, shape: tuple[int, int], n: int) -> None:
    samples = short(name).fit([pictures(n, shape)], seeds=[0])[0].sample(2, seed=0)
    assert np.isfinite(samples).all()


@everything
@everywhere
@pytest.mark.parametrize("value", [False, True])
def test_sets_without_variance(name: str, shape: tuple[int, int], value: bool) -> None:
    fitted = short(name).fit([np.full((2, *shape), value)], seeds=[0])[0]
    assert np.isfinite(fitted.sample(2, seed=0)).all()
    assert not fitted.diverged


@everything
def test_the_same_seed_gives_the_same_samples_whatever_happens_in_between(name: str) -> None:
    before = torch.get_rng_state()
    first = short(name).fit([pictures(6, (5, 7))], seeds=[3])[0].sample(4, seed=1)
    assert torch.equal(torch.get_rng_state(), before)  # nobody else's randomness is disturbed
    torch.manual_seed(77)
    np.random.seed(77)  # noqa: NPY002
    again = member(name, (5, 7)).sample(4, seed=1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(again, member(name, (5, 7)).sample(4, seed=2))


@everything
def test_a_member_does_not_depend_on_its_companions(name: str) -> None:
    sets = [pictures(n, (5, 7), seed=n) for n in (2, 6, 11)]
    together = short(name).fit(sets, seeds=[8, 3, 5])
    alone = short(name).fit([sets[1]], seeds=[3])[0]
    turned = short(name).fit([sets[1], sets[0]], seeds=[3, 8])[0]
    for other in (together[1], turned):
        np.testing.assert_array_equal(other.sample(4, seed=1), alone.sample(4, seed=1))
        assert other.loss == alone.loss
    assert [one.index for one in together] == [0, 1, 2]
    assert [one.seed for one in together] == [8, 3, 5]


def test_seeds_matter_where_there_is_training() -> None:
    one, two = short("conv").fit([pictures(6, (5, 7))] * 2, seeds=[0, 1])
    assert not np.array_equal(one.sample(2, seed=0), two.sample(2, seed=0))


SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from test_models_conformance import NAMES, member
for name in NAMES:
    print(name, hashlib.sha256(member(name, (5, 7)).sample(70, seed=1).tobytes()).hexdigest())
"""


def test_another_process_gives_the_same_bits() -> None:
    here = Path(__file__).parent
    printed = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(here)], cwd=here.parent, capture_output=True, text=True, check=True
    ).stdout
    there = dict(line.split() for line in printed.splitlines())
    own = {
        name: hashlib.sha256(member(name, (5, 7)).sample(70, seed=1).tobytes()).hexdigest() for name in NAMES
    }
    assert there == own


@everything
def test_a_trajectory_goes_from_the_common_noise_to_the_sample(name: str) -> None:
    fitted = member(name, (5, 7))
    states = fitted.sample(4, seed=1, trajectory=True)
    assert states.shape == (SHORT["sampler_steps"] + 1, 4, 5, 7)
    start = np.float32(short(name).settings.sigma_max) * initial_noise((5, 7), 4, 1)
    np.testing.assert_array_equal(states[0], start)
    np.testing.assert_array_equal(states[-1], fitted.sample(4, seed=1))
    assert len(fitted.sample(4, seed=1, steps=5, trajectory=True)) == 6


@everything
@pytest.mark.parametrize("sampler", ["heun", "sde"])
def test_batches_change_nothing_but_rounding(
    name: str, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, n = member(name, (5, 7)), 2 * BLOCK + 9
    monkeypatch.setattr(type(fitted), "batch_size", lambda self: 10**6)
    whole = fitted.sample(n, seed=1, sampler=sampler)
    monkeypatch.setattr(type(fitted), "batch_size", lambda self: 1)
    split = fitted.sample(n, seed=1, sampler=sampler)
    np.testing.assert_allclose(split, whole, atol=1e-3)
    np.testing.assert_allclose(fitted.sample(11, seed=1, sampler=sampler), whole[:11], atol=1e-3)


@everything
def test_denoising_takes_one_level_or_one_for_each_picture(name: str) -> None:
    fitted = member(name, (5, 7))
    x = pictures(3, (5, 7)) + initial_noise((5, 7), 3, 0)
    levels = np.array([0.1, 0.5, 2.0])
    each = fitted.denoise(x, levels)
    assert each.dtype == np.float32
    for i, level in enumerate(levels):
        np.testing.assert_allclose(each[i : i + 1], fitted.denoise(x[i : i + 1], level), atol=1e-5)


@everything
def test_what_is_known_beforehand_is_stated(name: str) -> None:
    learner = models.load(name)
    assert learner.supports((8, 8)) is None
    assert (learner.supports((2,)) is None) == learner.plane
    assert "pictures of shape" in str(learner.supports((2, 2, 2)))
    assert isinstance(learner.properties["equivariant"], bool)
    matching = learner.matching_machine((8, 8))
    if learner.properties["trained"]:
        assert matching is not None
        machine = models.load(matching[0], **matching[1])
        assert not machine.properties["trained"]
        assert machine.supports((8, 8)) is None
        assert machine.properties["equivariant"] == learner.properties["equivariant"]


@everything
def test_stated_equivariance_and_receptive_field_are_true(name: str) -> None:
    learner = short(name)
    fitted = learner.fit([pictures(6, (9, 9))], seeds=[0])[0]
    x = initial_noise((9, 9), 1, 0)
    clean = fitted.denoise(x, 1.0)
    moved = fitted.denoise(np.roll(x, (2, 3), (1, 2)), 1.0)
    same = np.allclose(moved, np.roll(clean, (2, 3), (1, 2)), atol=1e-5)
    assert same == learner.properties["equivariant"]
    field = learner.properties["receptive_field"]
    changed = x.copy()
    changed[0, 4, 4] += 3.0
    rows, columns = np.nonzero(np.abs(fitted.denoise(changed, 1.0) - clean)[0] > 1e-6)
    reach = max(np.abs(rows - 4).max(), np.abs(columns - 4).max())
    assert reach == (4 if field is None else field // 2)
