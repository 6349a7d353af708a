"""The EDM denoiser: a network with its preconditioning, and the noise levels it is trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .frame import PICTURES, Frame, Place

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

# Sines and cosines of the noise level that a network is given.
WAVES = 8

# A set without variance (all black, or one flat grey) has no scale of its own: a pixel in 256 gives one.
LEAST_SIGMA_DATA = 1 / 16


@dataclass(frozen=True)
class EDM:
    """Preconditioning D(x) = c_skip x + c_out F(c_in x, sigma) around the data's mean.

    Karras et al. 2022, eq. 7 and table 1. The paper's data have mean zero; ours lie between 0 and 1, so
    `mean` (one number for all pixels, so that no symmetry is lost) is taken off first and added again.
    """

    mean: Place
    sigma_data: float
    scale: float = 1.0

    @classmethod
    def of(
        cls, examples: NDArray[np.float32], sigma_data: float | None = None, frame: Frame = PICTURES
    ) -> EDM:
        """Measured from a training set: mean and standard deviation over all its pixels or points.

        `sigma_data` is in units of the frame's scale.
        """
        if examples.ndim == 2:
            return cls(frame.origin, frame.scale * (sigma_data or 0.5), frame.scale)
        measured = float(examples.std(dtype=np.float64))
        return cls(float(examples.mean(dtype=np.float64)), sigma_data or max(measured, LEAST_SIGMA_DATA))

    def denoise(self, network: Network, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """D(x, sigma): x float[n, ...], sigma float[n, 1, ...] or float[1, 1, ...]."""
        total = (sigma**2 + self.sigma_data**2).sqrt()
        centred = x - self.mean
        output = network(centred / total, condition(sigma / self.scale))
        return (
            self.mean + centred * (self.sigma_data / total) ** 2 + output * (sigma * self.sigma_data / total)
        )

    def regression(
        self, clean: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the network gets and what it should answer, for clean examples under sigma * noise.

        The mean square of F(c_in x) - (clean - c_skip x) / c_out, x = clean + sigma noise, is that of
        D(x) - clean weighted by 1 / c_out**2 (Karras et al. 2022, eq. 8): the training objective.
        """
        total = (sigma**2 + self.sigma_data**2).sqrt()
        centred = clean - self.mean
        # (clean - c_skip x) / c_out, without the division by small sigma
        answer = (centred * sigma / self.sigma_data - noise * self.sigma_data) / total
        return (centred + sigma * noise) / total, answer


def condition(sigma: torch.Tensor) -> torch.Tensor:
    """What a network is told of the noise level, float32[n, 2 WAVES + 1] for n levels of any shape.

    c_noise = ln(sigma) / 4 (Karras et al. 2022, table 1), and sines and cosines of its multiples.
    """
    c_noise = sigma.reshape(-1, 1).log() / 4
    angles = c_noise * torch.arange(1, WAVES + 1, dtype=sigma.dtype, device=sigma.device)
    return torch.cat([c_noise, angles.sin(), angles.cos()], 1)


def training_sigmas(
    generator: np.random.Generator, shape: tuple[int, int], mean: float, std: float
) -> NDArray[np.float32]:
    """Noise levels float32[steps, batch], ln(sigma) ~ N(mean, std**2) (Karras et al. 2022, table 1).

    Stratified: each batch takes one level from each of `batch` slices of equal probability, so that the loss
    of a small batch does not hang on which levels it happened to get.
    """
    steps, batch = shape
    slices = generator.permuted(np.tile(np.arange(batch), (steps, 1)), axis=1)
    uniform = (slices + generator.random((steps, batch))) / batch
    normal = torch.special.ndtri(torch.from_numpy(uniform).clamp(1e-6, 1 - 1e-6)).numpy()
    levels: NDArray[np.float32] = np.exp(mean + std * normal).astype(np.float32)
    return levels
