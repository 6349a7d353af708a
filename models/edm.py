"""The preconditioning of Karras et al. 2022, and the noise levels it is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .frame import PICTURES, Frame, Place
from .preconditioning import WAVES, Asked, Given, condition

__all__ = ["EDM", "WAVES", "condition", "strata", "training_sigmas"]

# A set without variance (all black, or one flat grey) has no scale of its own: a pixel in 256 gives one.
LEAST_SIGMA_DATA = 1 / 16


@dataclass(frozen=True)
class EDM(Given, Asked):
    """Preconditioning D(x) = c_skip x + c_out F(c_in x, sigma) around the data's mean.

    Karras et al. 2022, eq. 7 and table 1. The paper's data have mean zero; ours lie between 0 and 1, so
    `mean` (one number for all pixels, so that no symmetry is lost) is taken off first and added again.
    """

    mean: Place
    sigma_data: float

    @classmethod
    def of(
        cls, examples: NDArray[np.float32], sigma_data: float | None = None, frame: Frame = PICTURES
    ) -> EDM:
        """Measured from a training set: mean and standard deviation over all its pixels or points.

        `sigma_data` is in units of the frame's scale.
        """
        if examples.ndim == 2:
            return cls(frame.origin, frame.scale * (sigma_data or 0.5))
        measured = float(examples.std(dtype=np.float64))
        return cls(float(examples.mean(dtype=np.float64)), sigma_data or max(measured, LEAST_SIGMA_DATA))

    @property
    def origin(self) -> Place:
        return self.mean

    @property
    def middle(self) -> Place:
        return self.mean

    def total(self, sigma: torch.Tensor) -> torch.Tensor:
        return (sigma**2 + self.sigma_data**2).sqrt()

    def given(self, centred: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return centred / self.total(sigma)

    def skip(self, sigma: torch.Tensor) -> torch.Tensor:
        return (self.sigma_data / self.total(sigma)) ** 2

    def out(self, sigma: torch.Tensor) -> torch.Tensor:
        return sigma * self.sigma_data / self.total(sigma)

    def answer(self, clean: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(clean - c_skip x) / c_out, without the division by small sigma.

        Its mean square error is that of D(x) - clean weighted by 1 / c_out**2: the objective of eq. 8.
        """
        return (clean * sigma / self.sigma_data - noise * self.sigma_data) / self.total(sigma)


def training_sigmas(
    generator: np.random.Generator, shape: tuple[int, int], mean: float, std: float
) -> NDArray[np.float32]:
    """Noise levels float32[steps, batch], ln(sigma) ~ N(mean, std**2) (Karras et al. 2022, table 1).

    Stratified: each batch takes one level from each of `batch` slices of equal probability, so that the loss
    of a small batch does not hang on which levels it happened to get.
    """
    normal = torch.special.ndtri(torch.from_numpy(strata(generator, shape)).clamp(1e-6, 1 - 1e-6)).numpy()
    levels: NDArray[np.float32] = np.exp(mean + std * normal).astype(np.float32)
    return levels


def strata(generator: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Uniform numbers float64[steps, batch], each row with one in each of `batch` equal slices."""
    steps, batch = shape
    slices = generator.permuted(np.tile(np.arange(batch), (steps, 1)), axis=1)
    uniform: NDArray[np.float64] = (slices + generator.random((steps, batch))) / batch
    return uniform
