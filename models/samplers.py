"""Backward dynamics: from noise to samples, over any denoiser D(x, sigma).

The process is the variance-exploding one with sigma(t) = t: the score is (D(x, sigma) - x) / sigma**2
(Karras et al. 2022, eq. 3). Each sampler is a generator of states, from the given noisy `x` at `sigmas[0]`
to the sample at `sigmas[-1] = 0`: the last one is the sample, all of them are the trajectory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch

Denoiser = Callable[[torch.Tensor, float], torch.Tensor]
Draw = Callable[[], torch.Tensor]
Sampler = Callable[[Denoiser, torch.Tensor, Sequence[float], Draw], Iterator[torch.Tensor]]


def schedule(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> list[float]:
    """`steps` + 1 noise levels from sigma_max to sigma_min, and then 0 (Karras et al. 2022, eq. 5)."""
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    levels = [(high + i / max(steps - 1, 1) * (low - high)) ** rho for i in range(steps)]
    return [*levels, 0.0]


def heun(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draw: Draw) -> Iterator[torch.Tensor]:
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


def sde(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draw: Draw) -> Iterator[torch.Tensor]:
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


SAMPLERS: dict[str, Sampler] = {"heun": heun, "sde": sde}
