"""From a network to a denoiser: what the network is given, and what its answer is taken for.

D(x) = middle + skip (x - middle) + out F(given(x), c(sigma)): the factors of Karras et al. 2022, table 1. The
process says what is given, the prediction what is asked for; `EDM` says both. The loss is always the plain
mean square of F's error, so that the prediction is the weighting: that of the papers for noise (Song & Ermon
2019, eq. 6 with lambda = sigma**2; Ho et al. 2020, eq. 14), v (Salimans & Ho 2022) and EDM.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch

from .frame import Frame, Place

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

# Sines and cosines of the noise level that a network is given.
WAVES = 8


class Given(ABC):
    """What the network is given of x: `given(x - origin, sigma)`."""

    @property
    @abstractmethod
    def origin(self) -> Place: ...

    @abstractmethod
    def given(self, centred: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """The input, of about unit size, from x - origin float[n, ...]; sigma float[n or 1, 1, ...]."""


class Asked(ABC):
    """What the network's answer is taken for."""

    @property
    @abstractmethod
    def middle(self) -> Place: ...

    @abstractmethod
    def skip(self, sigma: torch.Tensor) -> torch.Tensor | float:
        """How much of x - middle goes into D as it is."""

    @abstractmethod
    def out(self, sigma: torch.Tensor) -> torch.Tensor | float:
        """How much of the answer does."""

    @abstractmethod
    def answer(self, clean: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """The right answer for x = clean + middle + sigma noise, (clean - skip (x - middle)) / out."""


@dataclass(frozen=True)
class Preconditioning:
    """A denoiser from a network; `scale` is the length that the network is told noise levels in."""

    process: Given
    prediction: Asked
    scale: float = 1.0

    def denoise(self, network: Network, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """D(x, sigma): x float[n, ...], sigma float[n, 1, ...] or float[1, 1, ...]."""
        process, prediction = self.process, self.prediction
        output = network(process.given(x - process.origin, sigma), condition(sigma / self.scale))
        kept = (x - prediction.middle) * prediction.skip(sigma)
        return prediction.middle + kept + output * prediction.out(sigma)

    def regression(
        self, clean: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the network gets and what it should answer, for clean examples under sigma * noise."""
        process, prediction = self.process, self.prediction
        given = process.given(clean - process.origin + sigma * noise, sigma)
        return given, prediction.answer(clean - prediction.middle, sigma, noise)

    def greatest(self, examples: torch.Tensor) -> float:
        """Mean square of the right answers where noise drowns everything, but for that of the noise."""
        sigma = torch.full((1,) * examples.ndim, 1e6 * self.scale, device=examples.device)
        clean = examples - self.prediction.middle
        return float(self.prediction.answer(clean, sigma, torch.zeros_like(clean)).double().square().mean())


@dataclass(frozen=True)
class Exploding(Given):
    """x as it is, in the frame's scale (Song & Ermon 2019; Karras et al. 2022, table 1, VE)."""

    frame: Frame

    @property
    def origin(self) -> Place:
        return self.frame.origin

    def given(self, centred: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return centred / self.frame.scale


@dataclass(frozen=True)
class Preserving(Given):
    """The variance-preserving state (Ho et al. 2020; Karras et al. 2022, table 1, VP)."""

    frame: Frame

    @property
    def origin(self) -> Place:
        return self.frame.middle

    def given(self, centred: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return centred / (self.frame.unit**2 + sigma**2).sqrt()


@dataclass(frozen=True)
class Noise(Asked):
    """The noise: D = x - sigma F (Ho et al. 2020, eq. 12); the score is -F / sigma."""

    frame: Frame

    @property
    def middle(self) -> Place:
        return self.frame.origin

    def skip(self, sigma: torch.Tensor) -> float:
        return 1.0

    def out(self, sigma: torch.Tensor) -> torch.Tensor:
        return -sigma

    def answer(self, clean: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return noise


@dataclass(frozen=True)
class Clean(Asked):
    """The clean example itself, between -1 and 1 (x0)."""

    frame: Frame

    @property
    def middle(self) -> Place:
        return self.frame.middle

    def skip(self, sigma: torch.Tensor) -> float:
        return 0.0

    def out(self, sigma: torch.Tensor) -> float:
        return self.frame.unit

    def answer(self, clean: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return clean / self.frame.unit


@dataclass(frozen=True)
class Velocity(Asked):
    """v = alpha noise - s x0 with alpha = 1 / sqrt(1 + sigma**2), s = alpha sigma (Salimans & Ho 2022)."""

    frame: Frame

    @property
    def middle(self) -> Place:
        return self.frame.middle

    def alpha(self, sigma: torch.Tensor) -> torch.Tensor:
        return (1 + (sigma / self.frame.unit) ** 2).rsqrt()

    def skip(self, sigma: torch.Tensor) -> torch.Tensor:
        return self.alpha(sigma) ** 2

    def out(self, sigma: torch.Tensor) -> torch.Tensor:
        return -sigma * self.alpha(sigma)

    def answer(self, clean: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        unit = self.frame.unit
        return self.alpha(sigma) * (noise - clean * sigma / unit**2)


def condition(sigma: torch.Tensor) -> torch.Tensor:
    """What a network is told of the noise level, float32[n, 2 WAVES + 1] for n levels of any shape.

    c_noise = ln(sigma) / 4 (Karras et al. 2022, table 1), and sines and cosines of its multiples.
    """
    c_noise = sigma.reshape(-1, 1).log() / 4
    angles = c_noise * torch.arange(1, WAVES + 1, dtype=sigma.dtype, device=sigma.device)
    return torch.cat([c_noise, angles.sin(), angles.cos()], 1)
