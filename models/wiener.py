"""The Wiener denoiser: what is best for Gaussian data of the training set's mean and covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .diffusion import CACHE, DiffusionSettings, FittedDiffusion
from .machine import Machine


@dataclass(kw_only=True)
class WienerSettings(DiffusionSettings):
    """Settings of `wiener`."""


class FittedWiener(FittedDiffusion):
    """D(x) = mean + C (C + sigma**2)**-1 (x - mean), C the covariance of the training set (divided by n).

    Of all denoisers that are affine in x the one of least mean square error (Wiener 1949); its samples are
    normal with mean and covariance of the training set. The covariance is decomposed once: along each of its
    axes the noisy deviation shrinks by variance / (variance + sigma**2).
    """

    def __init__(self, examples: NDArray[np.float32], device: str) -> None:
        flat = examples.reshape(len(examples), -1).astype(np.float64)
        mean = flat.mean(0)
        # The singular vectors of the deviations are the eigenvectors of C, with no d x d matrix to make.
        _, lengths, axes = np.linalg.svd(flat - mean, full_matrices=False)
        self.mean = torch.from_numpy(mean).float().to(device)
        self.axes = torch.from_numpy(axes).float().to(device)
        self.variances = torch.from_numpy(lengths**2 / len(flat)).float().to(device)

    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        deviation = (x.flatten(1) - self.mean) @ self.axes.T
        kept = self.variances / (self.variances + sigma.flatten(1) ** 2)
        return (self.mean + (deviation * kept) @ self.axes).view(x.shape)

    def batch_size(self) -> int:
        return CACHE // max(self.axes.shape)


class Wiener(Machine):
    """Learns mean and covariance, and nothing else."""

    settings_class = WienerSettings
    plane = True

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedWiener:
        return FittedWiener(examples, device)
