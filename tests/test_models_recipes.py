"""Process, prediction and sampler chosen together and apart: every mixture works, and each recipe learns."""

from itertools import product

import numpy as np
import pytest
import torch

import models
from models.frame import Frame
from models.noise import initial_noise
from models.recipes import PREDICTIONS, PROCESSES, RECIPES, preconditioning_of, process_of
from models.samplers import SAMPLERS
from models.training import TrainingSettings

DOTS = np.eye(16, dtype=bool).reshape(16, 4, 4)
mixtures = pytest.mark.parametrize(("process", "prediction"), list(product(PROCESSES, PREDICTIONS)))


def test_a_recipe_says_what_is_not_said() -> None:
    edm, ncsn, ddpm = (models.load("conv", recipe=recipe).settings for recipe in ("edm", "ncsn", "ddpm"))
    assert models.load("conv").settings == edm
    assert (edm.process, edm.prediction, edm.sampler, edm.bounds) == ("edm", "edm", "heun", (0.02, 20.0))
    assert (ncsn.process, ncsn.prediction, ncsn.sampler, ncsn.bounds) == (
        "ve",
        "noise",
        "langevin",
        (0.01, 1),
    )
    assert (ddpm.process, ddpm.prediction, ddpm.sampler, ddpm.bounds) == ("vp", "noise", "ddpm", (0.005, 80))
    mixed = models.load("conv", recipe="ddpm", prediction="v", sampler="ddim", sigma_max=20.0).settings
    assert (mixed.process, mixed.prediction, mixed.sampler) == ("vp", "v", "ddim")
    assert mixed.bounds == (0.005, 20.0)
    assert models.load("ideal", recipe="ncsn").settings.sampler == "langevin"


@mixtures
@pytest.mark.parametrize("shape", [(4, 4), (2,)], ids=str)
def test_the_right_answer_is_taken_for_the_clean_example(process: str, prediction: str, shape) -> None:
    rng = np.random.default_rng(0)
    examples = rng.normal(7.0, 3.0, (6, *shape)).astype(np.float32)
    settings = TrainingSettings(process=process, prediction=prediction)
    preconditioning = preconditioning_of(settings, examples, Frame.of(examples))
    clean = torch.from_numpy(examples)
    noise = torch.from_numpy(rng.standard_normal(clean.shape).astype(np.float32))
    sigma = torch.tensor([0.05, 0.2, 0.5, 1.0, 3.0, 15.0]).view(6, *(1 for _ in shape))
    given, answer = preconditioning.regression(clean, sigma, noise)

    def knowing(x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        torch.testing.assert_close(x, given, atol=1e-4, rtol=1e-4)
        return answer

    found = preconditioning.denoise(knowing, clean + sigma * noise, sigma)
    torch.testing.assert_close(found, clean, atol=1e-3, rtol=1e-3)


def test_answers_are_those_of_the_papers() -> None:
    """In the state w = a z + s noise of pictures z between -1 and 1 (Salimans & Ho 2022, section 4)."""
    z = torch.tensor([[[-1.0, 1.0]]])
    noise = torch.tensor([[[0.3, -0.4]]])
    sigma = torch.full((1, 1, 1), 0.5 * 0.75)  # in units of white - black, so that sigma is 0.75 in z
    a, s = 0.8, 0.6
    expected = {"noise": noise, "x0": z, "v": a * noise - s * z}
    for prediction, answer in expected.items():
        settings = TrainingSettings(process="vp", prediction=prediction)
        examples = np.array([[[0.0, 1.0]]], np.float32)
        preconditioning = preconditioning_of(settings, examples, Frame.of(examples))
        given, found = preconditioning.regression((z + 1) / 2, sigma, noise)
        torch.testing.assert_close(found, answer)
        torch.testing.assert_close(given, a * z + s * noise)


@mixtures
def test_every_mixture_trains(process: str, prediction: str) -> None:
    settings = {"width": 8, "batch": 8, "process": process, "prediction": prediction, "sampler": "ddim"}
    first, last = (models.load("conv", steps=n, **settings).fit([DOTS], [0])[0] for n in (1, 150))
    assert last.loss < 0.9 * first.loss
    assert not last.diverged
    samples = last.sample(4, seed=0, steps=10)
    assert np.isfinite(samples).all()


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_brings_the_ideal_machine_to_its_examples(recipe: str, sampler: str) -> None:
    learner = models.load("ideal", recipe=recipe, sampler=sampler, langevin_steps=10)
    [fitted] = learner.fit([DOTS[:5]], [0])
    steps = 40
    states = fitted.sample(30, seed=1, steps=steps, trajectory=True)
    assert states.shape == (steps + 1, 30, 4, 4)
    process = process_of(learner.settings, Frame.of(DOTS.astype(np.float32)))
    start = process.start(process.levels(steps)[0], torch.from_numpy(initial_noise((4, 4), 30, 1)))
    np.testing.assert_array_equal(states[0], start.numpy())
    apart = np.abs(states[-1][:, None] - DOTS[:5]).max((2, 3))
    assert np.mean(apart.min(1) < 0.05) > 0.9
    assert len(set(apart.argmin(1))) > 2


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_learns_crisp_dots_in_little_time(recipe: str) -> None:
    learner = models.load("conv", recipe=recipe, width=16, steps=300, langevin_steps=20)
    steps = {"edm": 12, "ncsn": 10, "ddpm": 100}[recipe]
    samples = learner.fit([DOTS], [0])[0].sample(64, seed=0, steps=steps)
    crisp = (np.minimum(np.abs(samples), np.abs(samples - 1)) <= 0.25).all((1, 2))
    assert crisp.mean() > 0.6
    # one white pixel in sixteen was taught; an untrained network's pictures are half white
    assert 0.3 < (samples[crisp] > 0.5).sum((1, 2)).mean() < 3


def test_what_the_times_of_ddpm_cannot_give_is_refused() -> None:
    fitted = models.load("ideal", recipe="ddpm").fit([DOTS], [0])[0]
    with pytest.raises(models.ModelError, match="`steps <= 1000` must hold for the times of vp"):
        fitted.sample(1, 0, steps=1001)
    with pytest.raises(models.ModelError, match="did you mean 'ddpm'"):
        models.load("conv", recipe="dppm")
    with pytest.raises(models.ModelError, match="process must be one of edm, ve, vp"):
        models.load("conv", process="sub-vp")
