"""Process, prediction and sampler together, as three papers set them; each can be chosen alone as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .edm import EDM
from .frame import Frame
from .preconditioning import Asked, Clean, Exploding, Given, Noise, Preconditioning, Preserving, Velocity
from .processes import VE, VP, EDMProcess, Process

PROCESSES = ("edm", "ve", "vp")
PREDICTIONS = ("edm", "noise", "x0", "v")


@dataclass(frozen=True)
class Recipe:
    """What settings are where none are given; noise levels in units of white - black."""

    process: str
    prediction: str
    sampler: str
    sigma_min: float
    sigma_max: float
    noise_levels: int = 0


RECIPES: dict[str, Recipe] = {
    # Karras et al. 2022, with levels for small black and white pictures: theirs are 0.002 to 80.
    "edm": Recipe("edm", "edm", "heun", 0.02, 20.0),
    # Song & Ermon 2019, section 5: ten levels from 1 to 0.01 for pictures between 0 and 1.
    "ncsn": Recipe("ve", "noise", "langevin", 0.01, 1.0, noise_levels=10),
    # Ho et al. 2020: the thousand times lie between these levels, halved as their pictures are twice as wide.
    "ddpm": Recipe("vp", "noise", "ddpm", 0.005, 80.0),
}


def process_of(settings: Any, frame: Frame) -> Process:
    """The noise process that diffusion settings ask for, in the units of the examples.

    What only training needs is 0 where the settings are those of a closed-form machine.
    """
    low, high = settings.bounds
    bounds = frame, frame.scale * low, frame.scale * high
    if settings.process == "ve":
        return VE(*bounds, getattr(settings, "noise_levels", 0))
    if settings.process == "vp":
        return VP(*bounds)
    return EDMProcess(*bounds, getattr(settings, "noise_mean", 0.0), getattr(settings, "noise_std", 0.0))


def preconditioning_of(settings: Any, examples: NDArray[np.float32], frame: Frame) -> Preconditioning:
    """The preconditioning that training settings ask for; EDM's is measured from the training set."""
    edm = EDM.of(examples, settings.sigma_data, frame)
    given: dict[str, Given] = {"edm": edm, "ve": Exploding(frame), "vp": Preserving(frame)}
    asked: dict[str, Asked] = {"edm": edm, "noise": Noise(frame), "x0": Clean(frame), "v": Velocity(frame)}
    return Preconditioning(given[settings.process], asked[settings.prediction], frame.scale)
