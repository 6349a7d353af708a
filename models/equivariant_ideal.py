"""The optimal denoiser of a training set and all its translates: all that equivariance leaves to be known."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .diffusion import CACHE, DiffusionSettings, FittedDiffusion
from .machine import Machine
from .patches import distinct_rows


@dataclass(kw_only=True)
class EquivariantIdealSettings(DiffusionSettings):
    """Settings of `equivariant_ideal`."""


class FittedEquivariantIdeal(FittedDiffusion):
    """Mean of all circular translates of the training examples, each weighted by how likely it became x.

    The equivariant score machine of Kamb & Ganguli 2025. The products of x with all translates of an example
    are one correlation, and the mean is one convolution, so both are done by Fourier transforms. Examples
    that are translates of each other are one, with their number.
    """

    def __init__(self, examples: NDArray[np.float32], device: str) -> None:
        distinct, counts = distinct_rows(least_translates(examples).reshape(len(examples), -1))
        pictures = torch.from_numpy(distinct.reshape(-1, *examples.shape[1:])).to(device)
        self.spectra = torch.fft.rfft2(pictures)
        self.half_squares = pictures.square().sum((1, 2), keepdim=True) / 2
        self.log_counts = torch.from_numpy(np.log(counts)).float().to(device)[:, None, None]

    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        size = x.shape[1:]
        products = torch.fft.irfft2(torch.fft.rfft2(x)[:, None] * self.spectra.conj(), s=size)
        likely = (products - self.half_squares) / sigma[:, None] ** 2 + self.log_counts
        weights = likely.flatten(1).softmax(1).view(likely.shape)
        return torch.fft.irfft2((torch.fft.rfft2(weights) * self.spectra).sum(1), s=size)

    def batch_size(self) -> int:
        return CACHE // self.spectra.numel()


def least_translates(examples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each example the translate that is least in lexicographic order, the same for all of them."""
    n, height, width = examples.shape
    least = examples.reshape(n, -1).copy()
    for shift in product(range(height), range(width)):
        other = np.roll(examples, shift, (1, 2)).reshape(n, -1)
        place = (other != least).argmax(1)[:, None]
        less = np.take_along_axis(other, place, 1) < np.take_along_axis(least, place, 1)
        least = np.where(less, other, least)
    return least.reshape(examples.shape)


class EquivariantIdeal(Machine):
    """Learns the training examples wherever they may lie, and nothing else."""

    settings_class = EquivariantIdealSettings

    @property
    def properties(self) -> dict[str, Any]:
        return {"trained": False, "receptive_field": None, "equivariant": True}

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedEquivariantIdeal:
        return FittedEquivariantIdeal(examples, device)
