"""Patch sizes of a local machine, chosen so that it denoises as a trained network does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .diffusion import FittedDiffusion
from .errors import ModelError
from .learner import Array, Fitted, Learner
from .local import LocalMachine
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
    machine's others. At each level of `levels` steps of the probability flow the side is taken (of `patches`,
    else of all that differ on this grid) at which the mean squared difference of the two denoisers is least,
    over the states of `n` samples of the network. The schedule stands in the machine's settings, as do the
    network's noise process and levels.

    So do Kamb & Ganguli 2025, along the network's trajectories too, but by the cosine between the two scores,
    sample by sample, of which they take the median.
    """
    learner = load(machine, **settings)
    if not isinstance(learner, LocalMachine):
        raise ModelError(f"{machine} has no patches to calibrate; a local machine has")
    if not isinstance(fitted, FittedDiffusion):
        raise ModelError(f"{type(fitted).__name__} has no denoiser to calibrate {machine} to")
    # From the lowest level up; the last state is the sample, at level 0.
    sigmas = fitted.process.levels(levels)[-2::-1]
    states = fitted.sample(n, seed, sampler="heun", steps=levels, trajectory=True)[-2::-1]
    wanted = [fitted.denoise(x, sigma) for x, sigma in zip(states, sigmas, strict=True)]
    sides = list(patches or learner.sides(fitted.shape))
    errors = np.empty((len(sides), levels))
    for row, side in enumerate(sides):
        one = load(machine, **settings | {"schedule": str(side)}).fit([training_set], [0])[0]
        for column, (x, sigma, answer) in enumerate(zip(states, sigmas, wanted, strict=True)):
            errors[row, column] = np.square(one.denoise(x, sigma) - answer).mean()
    best = PatchSchedule.through([sides[row] for row in errors.argmin(0)], sigmas)
    low, high = fitted.settings.bounds
    process = {"process": fitted.settings.process, "sigma_min": low, "sigma_max": high}
    return load(machine, **settings | process | {"schedule": str(best)})
