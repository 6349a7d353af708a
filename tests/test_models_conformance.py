"""What holds for every learner and every space it supports; a new learner is tested by its registry line.

What a learner has is asked of it: a choice of samplers and steps stands in its settings, a denoiser is a
method of its members, a likelihood is an answer and not an error.
"""

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
SPACES = [(5, 7), (3, 3), (8, 8), (2,), (10, 10)]
SHORT = {"steps": 8, "batch": 4, "sampler_steps": 3, "langevin_steps": 2}


def spaces(name: str) -> list[tuple[int, ...]]:
    """The spaces a learner supports; of the last only where it supports no other."""
    found = [shape for shape in SPACES if models.load(name).supports(shape) is None]
    return [shape for shape in found if shape != SPACES[-1]] or found


PLACES = [(name, shape) for name in NAMES for shape in spaces(name)]
everything = pytest.mark.parametrize("name", NAMES)
everywhere = pytest.mark.parametrize(("name", "shape"), PLACES, ids=str)


def declared(name: str) -> dict[str, Any]:
    """Settings by name, at their defaults."""
    return vars(models.settings(name)())


def short(name: str, **more: Any) -> models.Learner:
    """The learner with a budget that shows nothing but that it works."""
    own = declared(name)
    return models.load(name, **{key: value for key, value in SHORT.items() if key in own} | more)


def samplers(name: str) -> list[str | None]:
    """What can be asked for as `sampler`; `None` is the learner's own."""
    fields = models.settings(name).__dataclass_fields__
    return [None, *fields["sampler"].metadata["choices"]] if "sampler" in fields else [None]


def has_denoiser(name: str) -> bool:
    return type(member(name, spaces(name)[0])).denoise is not models.Fitted.denoise


def examples(n: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Pictures with three white pixels in ten, or points around (3, 3)."""
    rng = np.random.default_rng(seed)
    return rng.random((n, *shape)) < 0.3 if len(shape) == 2 else rng.normal(3.0, 0.5, (n, *shape))


@cache
def member(name: str, shape: tuple[int, ...]) -> models.Fitted:
    return short(name).fit([examples(6, shape)], seeds=[3])[0]


def test_every_learner_supports_a_space() -> None:
    assert {name for name, _ in PLACES} == set(NAMES)
    assert {shape for _, shape in PLACES} >= set(SPACES[:4])


@everywhere
def test_samples_have_shape_and_type_and_are_finite(name: str, shape: tuple[int, ...]) -> None:
    fitted = member(name, shape)
    for sampler in samplers(name) if shape == spaces(name)[0] else [None]:
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


@everywhere
@pytest.mark.parametrize("n", [1, 9])
def test_sets_smaller_and_larger_than_the_batch(name: str, shape: tuple[int, ...], n: int) -> None:
    samples = short(name).fit([examples(n, shape)], seeds=[0])[0].sample(2, seed=0)
    assert np.isfinite(samples).all()


@everywhere
@pytest.mark.parametrize("value", [False, True])
def test_sets_without_variance(name: str, shape: tuple[int, ...], value: bool) -> None:
    fitted = short(name).fit([np.full((2, *shape), value)], seeds=[0])[0]
    assert np.isfinite(fitted.sample(2, seed=0)).all()
    assert not fitted.diverged


@everywhere
def test_the_same_seed_gives_the_same_samples_whatever_happens_in_between(
    name: str, shape: tuple[int, ...]
) -> None:
    before = torch.get_rng_state()
    first = short(name).fit([examples(6, shape)], seeds=[3])[0].sample(24, seed=1)
    assert torch.equal(torch.get_rng_state(), before)  # nobody else's randomness is disturbed
    torch.manual_seed(77)
    np.random.seed(77)  # noqa: NPY002
    again = member(name, shape).sample(24, seed=1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(again, member(name, shape).sample(24, seed=2))


@everything
def test_a_member_does_not_depend_on_its_companions(name: str) -> None:
    shape = spaces(name)[0]
    sets = [examples(n, shape, seed=n) for n in (2, 6, 11)]
    together = short(name).fit(sets, seeds=[8, 3, 5])
    alone = short(name).fit([sets[1]], seeds=[3])[0]
    turned = short(name).fit([sets[1], sets[0]], seeds=[3, 8])[0]
    for other in (together[1], turned):
        np.testing.assert_array_equal(other.sample(4, seed=1), alone.sample(4, seed=1))
        assert (other.loss, other.curve) == (alone.loss, alone.curve)
    assert [one.index for one in together] == [0, 1, 2]
    assert [one.seed for one in together] == [8, 3, 5]


@everything
def test_checkpoints_are_kept_and_a_rule_is_asked_at_them(name: str) -> None:
    if "steps" not in declared(name):
        return
    shape = spaces(name)[0]
    asked: list[int] = []

    def stop(fitted: models.Fitted) -> bool:
        asked.append(fitted.steps)
        return fitted.steps >= 4

    [whole] = short(name).fit([examples(6, shape)], seeds=[3], checkpoints=[2, 4])
    [halted] = short(name).fit([examples(6, shape)], seeds=[3], checkpoints=[2, 4], stop=stop)
    assert asked == [2, 4]
    assert (whole.steps, halted.steps) == (SHORT["steps"], 4)
    np.testing.assert_array_equal(whole.sample(4, seed=1), member(name, shape).sample(4, seed=1))
    np.testing.assert_array_equal(whole.at(4).sample(4, seed=1), halted.sample(4, seed=1))


@everything
def test_seeds_matter_where_there_is_training(name: str) -> None:
    shape = spaces(name)[0]
    one, two = short(name).fit([examples(6, shape)] * 2, seeds=[0, 1])
    differ = not np.array_equal(one.sample(24, seed=0), two.sample(24, seed=0))
    assert differ == short(name).properties["trained"]


SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from test_models_conformance import NAMES, member, spaces
for name in NAMES:
    print(name, hashlib.sha256(member(name, spaces(name)[0]).sample(70, seed=1).tobytes()).hexdigest())
"""


def test_another_process_gives_the_same_bits() -> None:
    here = Path(__file__).parent
    printed = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(here)], cwd=here.parent, capture_output=True, text=True, check=True
    ).stdout
    there = dict(line.split() for line in printed.splitlines())
    own = {
        name: hashlib.sha256(member(name, spaces(name)[0]).sample(70, seed=1).tobytes()).hexdigest()
        for name in NAMES
    }
    assert there == own


@everywhere
def test_a_trajectory_goes_from_noise_to_the_sample(name: str, shape: tuple[int, ...]) -> None:
    fitted = member(name, shape)
    if "sampler_steps" not in declared(name):
        with pytest.raises(models.ModelError, match="no trajectory"):
            fitted.sample(4, seed=1, trajectory=True)
        with pytest.raises(models.ModelError, match="no steps"):
            fitted.sample(4, seed=1, steps=5)
        return
    states = fitted.sample(9, seed=1, trajectory=True)
    assert states.shape == (SHORT["sampler_steps"] + 1, 9, *shape)
    np.testing.assert_array_equal(states[-1], fitted.sample(9, seed=1))
    assert len(fitted.sample(9, seed=1, steps=5, trajectory=True)) == 6
    if has_denoiser(name):
        # scaled and moved by what belongs to the training set, it is the noise that all start from
        noise, start = (part.reshape(9, -1).astype(float) for part in (initial_noise(shape, 9, 1), states[0]))
        for one, other in zip(noise.T, start.T, strict=True):
            assert np.corrcoef(one, other)[0, 1] > 1 - 1e-6


@everything
def test_batches_change_nothing_but_rounding(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted, n = member(name, spaces(name)[0]), 2 * BLOCK + 9
    monkeypatch.setattr(type(fitted), "batch_size", lambda self: 10**6)
    own = samplers(name)[:3]
    monkeypatch.setattr(type(fitted), "batch_size", lambda self: 10**6)
    whole = [fitted.sample(n, seed=1, sampler=sampler) for sampler in own]
    few = fitted.sample(11, seed=1)
    monkeypatch.setattr(type(fitted), "batch_size", lambda self: 1)
    split = [fitted.sample(n, seed=1, sampler=sampler) for sampler in own]
    for one, other in zip(whole, split, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-3)
    np.testing.assert_allclose(few, whole[0][:11], atol=1e-3)


@everywhere
def test_denoising_takes_one_level_or_one_for_each_example(name: str, shape: tuple[int, ...]) -> None:
    fitted = member(name, shape)
    x = examples(3, shape) + initial_noise(shape, 3, 0)
    if not has_denoiser(name):
        with pytest.raises(models.ModelError, match="has no denoiser"):
            fitted.denoise(x, 1.0)
        return
    levels = np.array([0.1, 0.5, 2.0])
    each = fitted.denoise(x, levels)
    assert each.dtype == np.float32
    for i, level in enumerate(levels):
        np.testing.assert_allclose(each[i : i + 1], fitted.denoise(x[i : i + 1], level), atol=1e-5)


@everything
def test_a_likelihood_is_a_number_for_each_example_or_one_clear_line(name: str) -> None:
    shape = min(spaces(name), key=np.prod)
    fitted, x = member(name, shape), examples(2, shape)
    if "has no log-likelihood" in refusal(fitted, x[:0]):
        return
    values = fitted.log_prob(x)
    assert values.shape == (2,)
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert "must have shape" in refusal(fitted, np.ones((2, 1, 1, 1)))


def refusal(fitted: models.Fitted, x: np.ndarray) -> str:
    """What is said instead of a likelihood; nothing where there is one."""
    try:
        fitted.log_prob(x)
    except models.ModelError as error:
        return str(error)
    return ""


@everything
def test_what_is_known_beforehand_is_stated(name: str) -> None:
    learner = models.load(name)
    assert (learner.supports((2,)) is None) == learner.plane
    assert "pictures of" in str(learner.supports((2, 2, 2)))
    assert isinstance(learner.properties["equivariant"], bool)
    shape = next(shape for shape in reversed(spaces(name)) if len(shape) == 2)
    matching = learner.matching_machine(shape)
    if matching is not None:
        machine = models.load(matching[0], **matching[1])
        assert learner.properties["trained"]
        assert not machine.properties["trained"]
        assert machine.supports(shape) is None
        assert machine.properties["equivariant"] == learner.properties["equivariant"]


@everything
def test_stated_equivariance_and_receptive_field_are_true(name: str) -> None:
    learner = short(name)
    if learner.supports((9, 9)) is not None or not has_denoiser(name):
        return
    fitted = learner.fit([examples(6, (9, 9))], seeds=[0])[0]
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
