"""Points of the plane: any place and any scale, the same learner."""

import numpy as np
import pytest

import models
from models.diffusion import DiffusionSettings

ON_THE_PLANE = [
    name
    for name in models.available()
    if models.load(name).plane and issubclass(models.settings(name), DiffusionSettings)
]
SHORT = {"steps": 60, "batch": 16, "sampler_steps": 6}


def points(n: int, seed: int = 0) -> np.ndarray:
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, n)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def taught(name: str, examples: np.ndarray) -> models.Fitted:
    names = vars(models.settings(name)())
    learner = models.load(name, **{key: value for key, value in SHORT.items() if key in names})
    return learner.fit([examples], [0])[0]


@pytest.mark.parametrize("name", ON_THE_PLANE)
@pytest.mark.parametrize("sampler", ["heun", "sde"])
def test_moved_and_magnified_points_are_learned_as_moved_and_magnified(name: str, sampler: str) -> None:
    examples, place, scale = points(9), np.array([50.0, -20.0]), 64.0
    samples = taught(name, examples).sample(40, seed=1, sampler=sampler)
    moved = taught(name, place + scale * examples).sample(40, seed=1, sampler=sampler)
    assert samples.shape == (40, 2)
    np.testing.assert_allclose((moved - place) / scale, samples, atol=2e-2)


@pytest.mark.parametrize("name", ON_THE_PLANE)
def test_one_point_and_equal_points_are_learned(name: str) -> None:
    for examples in (np.array([[3.0, 4.0]]), np.full((5, 2), 7.0)):
        samples = taught(name, examples).sample(3, seed=0)
        assert samples.shape == (3, 2)
        assert np.isfinite(samples).all()


def test_the_ideal_machine_samples_the_points_it_was_taught() -> None:
    examples = 100 + 30 * points(7)
    samples = models.load("ideal").fit([examples], [0])[0].sample(200, seed=0)
    apart = np.abs(samples[:, None] - examples).sum(-1)
    assert apart.min(1).max() < 1e-3
    assert set(apart.argmin(1)) == set(range(7))
