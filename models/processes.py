"""Noise processes: which noise levels there are, in sampling and in training, and what a state is.

Every sampler works on variance-exploding states x = clean + sigma noise. The state of the process itself is
w = signal(sigma) (x - centre) / unit: x but for a shift where the variance explodes, x / sqrt(1 + sigma**2)
in the process's own unit where it is preserved. So one denoiser D(x, sigma) serves all processes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .edm import strata, training_sigmas
from .errors import ModelError
from .frame import Frame, Place

# Ho et al. 2020, section 4: T = 1000 times, beta from 1e-4 to 0.02 in equal steps.
TIMES = 1000
BETAS = np.linspace(1e-4, 0.02, TIMES)
SIGNAL_SQUARES = np.cumprod(1 - BETAS)


@dataclass(frozen=True)
class Process:
    """What all processes share; noise levels are in the examples' own units, in training in the frame's."""

    frame: Frame
    sigma_min: float
    sigma_max: float

    @property
    def centre(self) -> Place:
        return 0.0

    @property
    def unit(self) -> float:
        return 1.0

    def signal(self, sigma: float) -> float:
        """What clean examples are multiplied by in a state."""
        return 1.0

    def levels(self, steps: int) -> list[float]:
        """`steps` noise levels from the highest down, and then 0."""
        raise NotImplementedError

    def start(self, sigma: float, normal: torch.Tensor) -> torch.Tensor:
        """Where sampling starts, at the highest level."""
        return self.frame.origin + sigma * normal

    def start_std(self, sigma: float) -> float:
        """Standard deviation of `start`."""
        return sigma

    def start_mean(self) -> Place:
        return self.frame.origin

    def training(self, random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Noise levels float32[steps, batch] to train on, stratified within each batch."""
        raise NotImplementedError

    def euler(self, sigma: float, after: float) -> tuple[float, float]:
        """Drift and squared diffusion of the forward SDE between two levels, integrated over time."""
        noise, noise_after = self.noise(sigma), self.noise(after)
        return 0.0, noise**2 - noise_after**2

    def noise(self, sigma: float) -> float:
        """Standard deviation of the noise in a state."""
        return self.signal(sigma) * sigma / self.unit

    def state(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """The process's state w of a variance-exploding x."""
        return (x - self.centre) * (self.signal(sigma) / self.unit)

    def exploded(self, state: torch.Tensor, sigma: float) -> torch.Tensor:
        """The inverse of `state`."""
        return self.centre + state * (self.unit / self.signal(sigma))


@dataclass(frozen=True)
class EDMProcess(Process):
    """Levels equally spaced in sigma**(1/7), trained on normal ln(sigma) (Karras et al. 2022)."""

    mean: float
    std: float

    def levels(self, steps: int) -> list[float]:
        return schedule(steps, self.sigma_min, self.sigma_max)

    def training(self, random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
        return training_sigmas(random, shape, self.mean, self.std)


@dataclass(frozen=True)
class VE(Process):
    """Variance exploding: a geometric sequence of levels, trained on each of them equally often.

    Song & Ermon 2019, section 3; `kinds` levels, or with 0 all between (Song et al. 2021, eq. 9).
    """

    kinds: int

    def levels(self, steps: int) -> list[float]:
        ratio = self.sigma_min / self.sigma_max
        return [*(self.sigma_max * ratio ** (i / max(steps - 1, 1)) for i in range(steps)), 0.0]

    def training(self, random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
        place = strata(random, shape)
        if self.kinds:
            place = np.floor(place * self.kinds) / max(self.kinds - 1, 1)
        levels = self.sigma_max * (self.sigma_min / self.sigma_max) ** place / self.frame.scale
        return levels.astype(np.float32)


@dataclass(frozen=True)
class VP(Process):
    """Variance preserving, on the thousand times of DDPM (Ho et al. 2020, eq. 4, section 4).

    The state is w = sqrt(a) z + sqrt(1 - a) noise with a the product of 1 - beta; z are the clean examples
    made to lie between -1 and 1 (pictures), or to have mean 0 and standard deviation 1 (points). It is
    x / sqrt(1 + sigma**2) in that unit, sigma**2 = 1 / a - 1.
    """

    @property
    def centre(self) -> Place:
        return self.frame.middle

    @property
    def unit(self) -> float:
        return self.frame.unit

    @property
    def sigmas(self) -> NDArray[np.float64]:
        """The noise level at each time 1, 2, ... within the bounds."""
        sigmas = self.unit * np.sqrt(1 / SIGNAL_SQUARES - 1)
        inside: NDArray[np.float64] = sigmas[(sigmas >= self.sigma_min) & (sigmas <= self.sigma_max)]
        return inside

    def signal(self, sigma: float) -> float:
        return 1 / math.sqrt(1 + (sigma / self.unit) ** 2)

    def levels(self, steps: int) -> list[float]:
        """Times in equal steps down from the last: what Lin et al. 2024, table 2, call trailing."""
        sigmas = self.sigmas
        if steps > len(sigmas):
            raise ModelError(f"`steps <= {len(sigmas)}` must hold for the times of vp, but got steps={steps}")
        times = np.round(len(sigmas) - np.arange(steps) * (len(sigmas) / steps)).astype(int)
        return [*map(float, sigmas[times - 1]), 0.0]

    def start(self, sigma: float, normal: torch.Tensor) -> torch.Tensor:
        """A standard normal state, whatever the level."""
        return self.exploded(normal, sigma)

    def start_std(self, sigma: float) -> float:
        return self.unit / self.signal(sigma)

    def start_mean(self) -> Place:
        return self.centre

    def training(self, random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
        sigmas = self.sigmas / self.frame.scale
        place = np.floor(strata(random, shape) * len(sigmas)).astype(int)
        return sigmas[place].astype(np.float32)

    def euler(self, sigma: float, after: float) -> tuple[float, float]:
        """dw = -beta w / 2 dt + sqrt(beta) dW, beta integrated (Song et al. 2021, eq. 11)."""
        beta = 2 * math.log(self.signal(after) / self.signal(sigma))
        return -beta / 2, beta


def schedule(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> list[float]:
    """`steps` noise levels from sigma_max to sigma_min, and then 0 (Karras et al. 2022, eq. 5)."""
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    levels = [(high + i / max(steps - 1, 1) * (low - high)) ** rho for i in range(steps)]
    return [*levels, 0.0]
