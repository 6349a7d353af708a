"""Steps and whole runs against an independent implementation, Hugging Face's diffusers.

It works on variance-preserving states (DDPM, DDIM) or scaled ones (Heun), on networks that predict noise, and
computes its table of signal levels in single precision: here it gets that of its own formula in double.
"""

import math

import numpy as np
import pytest
import torch

from models.frame import Frame
from models.processes import VP, schedule
from models.samplers import ddim, ddpm, heun

diffusers = pytest.importorskip("diffusers", reason="pip install -e '.[test]'")

PROCESS = VP(Frame(0.0, 0.0, 2.0), 1e-3, 1e3)  # clean examples as they are, all thousand times
LINEAR = {"beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear", "timestep_spacing": "trailing"}
MEANS = torch.tensor([[-0.8, 0.3], [0.5, 0.9], [0.1, -0.7]], dtype=torch.float64)


def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The ideal denoiser of three narrow heaps: nothing linear."""
    squares = (x[:, None] - MEANS).square().sum(-1)
    shares = (-squares / (2 * (sigma**2 + 0.01))).softmax(1)
    return (shares[..., None] * (MEANS + 0.01 / (sigma**2 + 0.01) * (x[:, None] - MEANS))).sum(1)


def noise_in(w: torch.Tensor, a: float) -> torch.Tensor:
    """The noise of a variance-preserving state, as a network would predict it."""
    clean = denoise(w / math.sqrt(a), math.sqrt(1 / a - 1))
    return (w - math.sqrt(a) * clean) / math.sqrt(1 - a)


def exact(scheduler):
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    scheduler.betas, scheduler.alphas_cumprod = betas, (1 - betas).cumprod(0)
    if hasattr(scheduler, "final_alpha_cumprod"):
        scheduler.final_alpha_cumprod = torch.ones((), dtype=torch.float64)
    return scheduler


def draws(seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return generator, lambda: torch.randn(5, 2, generator=generator, dtype=torch.float64)


def states(sampler, steps: int, **options) -> list[torch.Tensor]:
    """The trajectory as variance-preserving states."""
    _, draw = draws()
    levels = PROCESS.levels(steps)
    found = sampler(denoise, PROCESS.start(levels[0], draw()), levels, draw, **options)
    return [PROCESS.state(x, sigma) for x, sigma in zip(found, levels, strict=True)]


def compare(own: list[torch.Tensor], scheduler, **options) -> None:
    """Every step, each from the state our run was in; and the whole run on its own."""
    scheduler.set_timesteps(len(own) - 1)
    generator, draw = draws()
    w = draw()
    torch.testing.assert_close(own[0], w)
    for place, time in enumerate(scheduler.timesteps):
        a = float(scheduler.alphas_cumprod[time])
        before = generator.get_state()
        step = scheduler.step(noise_in(own[place], a), time, own[place], generator=generator, **options)
        torch.testing.assert_close(own[place + 1], step.prev_sample, atol=1e-5, rtol=0)
        generator.set_state(before)
        w = scheduler.step(noise_in(w, a), time, w, generator=generator, **options).prev_sample
        torch.testing.assert_close(own[place + 1], w, atol=1e-5, rtol=0)


# With the upper bound and fewer than all steps it adds noise even in the step to 0, where we add none.
@pytest.mark.parametrize(("steps", "bound"), [(1000, "lower"), (1000, "upper"), (50, "lower")])
def test_ddpm(steps: int, bound: str) -> None:
    kind = {"lower": "fixed_small", "upper": "fixed_large"}[bound]
    scheduler = exact(diffusers.DDPMScheduler(**LINEAR, clip_sample=False, variance_type=kind))
    compare(states(ddpm, steps, process=PROCESS, ancestral_variance=bound), scheduler)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_ddim(eta: float) -> None:
    scheduler = exact(diffusers.DDIMScheduler(**LINEAR, clip_sample=False))
    compare(states(ddim, 50, eta=eta), scheduler, eta=eta)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("karras", [False, True])
def test_heun(karras: bool) -> None:
    scheduler = diffusers.HeunDiscreteScheduler(**LINEAR, use_karras_sigmas=karras)
    scheduler.alphas_cumprod = exact(scheduler).alphas_cumprod
    scheduler.set_timesteps(20)
    levels = PROCESS.levels(20)
    if karras:
        levels = schedule(20, levels[-2], levels[0])
    assert scheduler.sigmas[:1].tolist() + scheduler.sigmas[1::2].tolist() == pytest.approx(levels, rel=1e-5)
    _, draw = draws()
    x = levels[0] * draw()
    own = list(heun(denoise, x, levels, draw))
    finished = []
    for place, time in enumerate(scheduler.timesteps):
        sigma = float(scheduler.sigmas[place])
        x = scheduler.step((x - denoise(x, sigma)) / sigma, time, x).prev_sample
        if place % 2 == 1 or place == len(scheduler.timesteps) - 1:
            finished.append(x)
    assert len(finished) == 20
    for mine, theirs, sigma in zip(own[1:], finished, levels[1:], strict=True):
        # their levels are single precision: 1e-5 of what the noise is
        torch.testing.assert_close(mine, theirs, atol=1e-5 * max(1.0, sigma), rtol=0)
    assert np.isfinite(own[-1].numpy()).all()
