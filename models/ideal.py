"""The optimal denoiser of a finite training set: what perfect training would reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .diffusion import CACHE, DiffusionSettings, FittedDiffusion
from .machine import Machine


@dataclass(kw_only=True)
class IdealSettings(DiffusionSettings):
    """Settings of `ideal`."""


class FittedIdeal(FittedDiffusion):
    """Mean of the training examples, each weighted by how likely it became x (Karras et al. 2022, eq. 57)."""

    def __init__(self, examples: NDArray[np.float32], device: str) -> None:
        flat = torch.from_numpy(examples.reshape(len(examples), -1)).to(device)
        distinct, counts = flat.unique(dim=0, return_counts=True)
        self.distinct, self.log_counts = distinct, counts.float().log()

    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1)
        # |x - y|**2 = |x|**2 - 2 x.y + |y|**2, and |x|**2 is the same for all y
        fit = flat @ self.distinct.T - self.distinct.square().sum(1) / 2
        weights = (fit / sigma.flatten(1) ** 2 + self.log_counts).softmax(1)
        clean: torch.Tensor = weights @ self.distinct
        return clean.view(x.shape)

    def batch_size(self) -> int:
        return CACHE // len(self.distinct)


class Ideal(Machine):
    """Learns the training examples, and nothing else."""

    settings_class = IdealSettings
    plane = True

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedIdeal:
        return FittedIdeal(examples, device)
