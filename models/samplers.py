"""Backward dynamics: from noise to samples, over any denoiser D(x, sigma).

States are variance exploding, x = clean + sigma noise, whose score is (D(x, sigma) - x) / sigma**2 (Karras et
al. 2022, eq. 3). Each sampler is a generator of states, from the given noisy `x` at `sigmas[0]` to the sample
at `sigmas[-1] = 0`: the last one is the sample, all of them are the trajectory. The last step of every
sampler, from the lowest level to 0, is the denoiser's answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from .processes import Process

Denoiser = Callable[[torch.Tensor, float], torch.Tensor]
Draw = Callable[[], torch.Tensor]
Levels = Sequence[float]
States = Iterator[torch.Tensor]


def heun(denoise: Denoiser, x: torch.Tensor, sigmas: Levels, draw: Draw) -> States:
    """Probability flow dx = (x - D) / sigma dsigma by Heun's second order (Karras et al. 2022, Algorithm 1).

    Deterministic (`draw` is not used); two denoisings a step, one in the last, which goes to 0 by Euler.
    """
    yield x
    for sigma, after in pairwise(sigmas):
        slope = (x - denoise(x, sigma)) / sigma
        euler = x + (after - sigma) * slope
        if after == 0:
            x = euler
        else:
            x = x + (after - sigma) * (slope + (euler - denoise(euler, after)) / after) / 2
        yield x


def sde(denoise: Denoiser, x: torch.Tensor, sigmas: Levels, draw: Draw) -> States:
    """Reverse SDE dx = 2 (x - D) / sigma dsigma + sqrt(2 sigma) dw, the backward Langevin dynamics.

    Song et al. 2021, eq. 6, for the variance-exploding process. Over a step D is held and the rest, which is
    linear, is solved exactly (an exponential Euler-Maruyama step; the same as their eq. 47): no noise is
    left in excess however long the step. First order; one denoising a step.
    """
    yield x
    for sigma, after in pairwise(sigmas):
        kept = (after / sigma) ** 2
        clean = denoise(x, sigma)
        x = clean + kept * (x - clean)
        if after > 0:
            x = x + after * (1 - kept) ** 0.5 * draw()
        yield x


def euler_maruyama(
    denoise: Denoiser, x: torch.Tensor, sigmas: Levels, draw: Draw, *, process: Process
) -> States:
    """Reverse SDE dw = (f w - g**2 score) dt + g dW of the process's own state w (Song et al. 2021, eq. 6).

    Euler-Maruyama, where a step lasts as long as makes f and g constant in it. First order; one denoising a
    step; needs many steps, since long ones leave noise in excess.
    """
    yield x
    for sigma, after in pairwise(sigmas):
        clean = denoise(x, sigma)
        if after == 0:
            yield clean
            return
        drift, diffusion = process.euler(sigma, after)
        w, noise = process.state(x, sigma), process.noise(sigma)
        score = (process.state(clean, sigma) - w) / noise**2
        w = w - drift * w + diffusion * score + diffusion**0.5 * draw()
        x = process.exploded(w, after)
        yield x


def predictor_corrector(
    denoise: Denoiser,
    x: torch.Tensor,
    sigmas: Levels,
    draw: Draw,
    *,
    process: Process,
    langevin_steps: int = 1,
    langevin_rate: float = 0.1024,
) -> States:
    """Reverse diffusion as predictor, Langevin dynamics as corrector (Song et al. 2021, Algorithms 2 and 3).

    A corrector step is w + e score + sqrt(2 e) z with e = 2 a (r |z| / |score|)**2, a = 1 - beta in the
    variance-preserving process and else 1. The ratio of the two norms, which the paper's program averages
    over the batch, is replaced by what it is for examples far apart, the noise in w: then a sample does not
    depend on its companions. `langevin_rate` is 4 r**2; the paper's r = 0.16 is the default.
    """
    yield x
    for sigma, after in pairwise(sigmas):
        clean = denoise(x, sigma)
        if after == 0:
            yield clean
            return
        # The forward kernel w' = ratio w + sqrt(spread) z; both are those of appendix E, eq. 45 and 46.
        ratio = process.signal(sigma) / process.signal(after)
        noise = process.noise(sigma)
        spread = noise**2 - (ratio * process.noise(after)) ** 2
        w = process.state(x, sigma)
        score = (process.state(clean, sigma) - w) / noise**2
        w = (2 - ratio) * w + spread * score + spread**0.5 * draw()
        noise = process.noise(after)
        size = ratio**2 * langevin_rate * noise**2 / 2
        for _ in range(langevin_steps):
            clean = process.state(denoise(process.exploded(w, after), after), after)
            w = w + size * (clean - w) / noise**2 + (2 * size) ** 0.5 * draw()
        x = process.exploded(w, after)
        yield x


def langevin(
    denoise: Denoiser,
    x: torch.Tensor,
    sigmas: Levels,
    draw: Draw,
    *,
    langevin_steps: int = 100,
    langevin_rate: float = 0.2,
) -> States:
    """Annealed Langevin dynamics (Song & Ermon 2019, Algorithm 1); a state for each noise level.

    `langevin_steps` (T) times x + a / 2 score + sqrt(a) z at each level, a = langevin_rate sigma**2. The
    paper's e / sigma_L**2 = 2e-5 / 0.01**2 is the default rate, its T = 100 the default number.
    """
    yield x
    for sigma, after in pairwise(sigmas):
        for _ in range(langevin_steps):
            x = x + (langevin_rate / 2) * (denoise(x, sigma) - x) + langevin_rate**0.5 * sigma * draw()
        if after == 0:
            x = denoise(x, sigma)
        yield x


def ddpm(
    denoise: Denoiser,
    x: torch.Tensor,
    sigmas: Levels,
    draw: Draw,
    *,
    process: Process,
    ancestral_variance: str = "lower",
) -> States:
    """Ancestral sampling (Ho et al. 2020, Algorithm 2): from the posterior of the step before, given D.

    Divided by sqrt(a), the posterior of their eq. 6 and 7 is that of a Brownian motion in sigma**2, whatever
    the process: the mean is D + (after / sigma)**2 (x - D). The variance of a step is their lower bound, that
    posterior's own, or the upper one, beta.
    """
    yield x
    for sigma, after in pairwise(sigmas):
        kept = (after / sigma) ** 2
        clean = denoise(x, sigma)
        x = clean + kept * (x - clean)
        if after > 0:
            scale = after * (1 - kept) ** 0.5
            if ancestral_variance == "upper":
                scale *= process.noise(sigma) / process.noise(after)
            x = x + scale * draw()
        yield x


def ddim(denoise: Denoiser, x: torch.Tensor, sigmas: Levels, draw: Draw, *, eta: float = 0.0) -> States:
    """DDIM (Song et al. 2021a, eq. 12 and 16): deterministic at eta = 0, ancestral sampling at eta = 1.

    Divided by sqrt(a): D + sqrt(after**2 - s**2) (x - D) / sigma + s z, s = eta after sqrt(1 - (after /
    sigma)**2), whatever the process.
    """
    yield x
    for sigma, after in pairwise(sigmas):
        fresh = eta * after * (1 - (after / sigma) ** 2) ** 0.5
        clean = denoise(x, sigma)
        x = clean + ((after**2 - fresh**2) ** 0.5 / sigma) * (x - clean)
        if fresh > 0:
            x = x + fresh * draw()
        yield x


@dataclass(frozen=True)
class Sampler:
    """A sampler by name: its function, its usual number of steps, and the settings that it reads."""

    function: Callable[..., States]
    steps: int
    reads: tuple[str, ...] = ()


SAMPLERS: dict[str, Sampler] = {
    "heun": Sampler(heun, 12),
    "sde": Sampler(sde, 12),
    "euler_maruyama": Sampler(euler_maruyama, 1000, ("process",)),
    "predictor_corrector": Sampler(predictor_corrector, 1000, ("process", "langevin_steps", "langevin_rate")),
    "langevin": Sampler(langevin, 10, ("langevin_steps", "langevin_rate")),
    "ddpm": Sampler(ddpm, 1000, ("process", "ancestral_variance")),
    "ddim": Sampler(ddim, 50, ("eta",)),
}
