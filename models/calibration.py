"""Patch sizes of a local machine, chosen so that it denoises as a trained network does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import ModelError
from .learner import Array, Fitted, Learner
from .local import LocalMachine
from .noise import initial_noise
from .patch_schedule import PatchSchedule
from .registry import load


def calibrated(
    fitted: Fitted,
    training_set: Array,
    machine: str = "equivariant_local",
    patches: Sequence[int] | None = None,
    levels: int = 24,
    n: int = 64,
    seed: int = 0,
    **settings: Any,
) -> Learner:
    """The local machine `machine` with the schedule of patches that is nearest to a trained network.

    `fitted` is the network, taught `training_set` bool or float[n, height, width]; `settings` are the
    machine's others. At each of `levels` noise levels, evenly in ln(sigma) between those the network samples
    with, the side is taken (of `patches`, else of all that differ on this grid) at which the mean squared
    difference of the two denoisers is least, over `n` samples of the network with noise of that level added.
    The schedule stands in the machine's settings: `machine.settings.schedule`.

    Kamb & Ganguli 2025 calibrate their machines so, but by the cosine between the two scores, along the
    network's trajectories.
    """
    learner = load(machine, **settings)
    if not isinstance(learner, LocalMachine):
        raise ModelError(f"{machine} has no patches to calibrate; a local machine has")
    low, high = fitted.settings.sigma_min, fitted.settings.sigma_max  # type: ignore[attr-defined]
    sigmas = np.geomspace(low, high, levels)
    clean = fitted.sample(n, seed)
    noise = initial_noise(fitted.shape, n, seed + 1)
    noisy = [clean + np.float32(sigma) * noise for sigma in sigmas]
    wanted = [fitted.denoise(x, sigma) for x, sigma in zip(noisy, sigmas, strict=True)]
    sides = list(patches or learner.sides(fitted.shape))
    errors = np.empty((len(sides), levels))
    for row, side in enumerate(sides):
        one = load(machine, **settings | {"schedule": str(side)}).fit([training_set], [0])[0]
        for column, (x, sigma, answer) in enumerate(zip(noisy, sigmas, wanted, strict=True)):
            errors[row, column] = np.square(one.denoise(x, sigma) - answer).mean()
    best = PatchSchedule.through([sides[row] for row in errors.argmin(0)], sigmas.tolist())
    return load(machine, **settings | {"sigma_min": low, "sigma_max": high, "schedule": str(best)})
