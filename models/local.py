"""Local score machines: a pixel's mean given the patch around it, over all patches of the training set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .diffusion import DiffusionSettings, FittedDiffusion
from .machine import Machine
from .setting import setting

# Numbers in one block of comparisons: noisy patches x training patches.
BLOCK = 2**19


@dataclass(kw_only=True)
class LocalSettings(DiffusionSettings):
    """Settings of the local machines."""

    patch: int = setting(9, "side of a patch; odd, so that it has a centre", "pixels", (1, 1025))


@dataclass(frozen=True)
class Patches:
    """Distinct training patches, those with a white centre first where centres are black and white."""

    pixels: torch.Tensor  # float32[patches, size]
    centres: torch.Tensor  # float32[patches]
    log_counts: torch.Tensor  # float32[patches]
    half_squares: torch.Tensor  # float32[patches], |patch|**2 / 2

    @classmethod
    def of(cls, rows: NDArray[np.float32], centre: int, device: str) -> Patches:
        """From patches float32[n, size], whose centre is in column `centre`."""
        distinct, counts = distinct_rows(rows)
        pixels = torch.from_numpy(distinct).to(device)
        log_counts = torch.from_numpy(np.log(counts).astype(np.float32)).to(device)
        return cls(pixels, pixels[:, centre].contiguous(), log_counts, pixels.square().sum(1) / 2)

    def posterior_mean(self, noisy: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """Mean of the centre given noisy patches float32[n, size], sigma float32[n, 1] or [1, 1]: float32[n].

        sum_p p(centre) w_p / sum_p w_p, w_p = count_p exp(-|noisy - p|**2 / (2 sigma**2)).
        """
        means = torch.empty(len(noisy), device=noisy.device)
        size = max(1, BLOCK // len(self.pixels))
        precision = 1 / sigma**2
        for start in range(0, len(noisy), size):
            part = slice(start, start + size)
            own = precision if len(precision) == 1 else precision[part]
            # |noisy|**2 is the same for all patches and left out
            fit = torch.addmm(-self.half_squares, noisy[part], self.pixels.T)
            weights = fit.mul_(own).add_(self.log_counts)
            weights.sub_(weights.amax(1, keepdim=True)).exp_()
            means[part] = weights @ self.centres / weights.sum(1)
        return means


def distinct_rows(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Distinct rows and how often each occurs; black and white ones are compared as packed bits."""
    binary = bool(((rows == 0) | (rows == 1)).all())
    keys = np.packbits(rows.astype(bool), axis=1) if binary else np.ascontiguousarray(rows + 0.0)
    whole = keys.view(np.dtype((np.void, keys.shape[1] * keys.itemsize))).ravel()
    _, first, counts = np.unique(whole, return_index=True, return_counts=True)
    return rows[first], counts


def around(length: int, patch: int) -> NDArray[np.int64]:
    """Offsets of a patch along an axis, each pixel of the ring once, 0 among them."""
    reach = patch // 2
    if patch >= length:
        return np.arange(length) - length // 2
    return np.arange(-reach, reach + 1)


class FittedEquivariantLocal(FittedDiffusion):
    """All patches of all training pictures under circular padding, whatever their place."""

    def __init__(self, examples: NDArray[np.float32], patch: int, device: str) -> None:
        height, width = examples.shape[1:]
        rows, columns = around(height, patch), around(width, patch)
        grid = np.arange(height * width).reshape(height, width)
        shifted = [np.roll(grid, (-dy, -dx), (0, 1)).ravel() for dy in rows for dx in columns]
        index = np.stack(shifted, 1)  # [pixel, place in patch]
        self.places = torch.from_numpy(index).to(device)
        centre = int(np.flatnonzero(index[0] == 0)[0])
        cut = examples.reshape(len(examples), -1)[:, index].reshape(-1, index.shape[1])
        self.patches = Patches.of(cut, centre, device)

    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        noisy = x.flatten(1)[:, self.places].flatten(0, 1)
        own = sigma.flatten(1)
        if len(own) > 1:
            own = own.repeat_interleave(len(self.places), 0)
        return self.patches.posterior_mean(noisy, own).view(x.shape)

    def batch_size(self) -> int:
        return 2**20 // self.places.numel()


class EquivariantLocal(Machine):
    """The equivariant local score machine (Kamb & Ganguli 2025): all a circular convolution can know.

    D(x)[i] = sum_p p(centre) N(x around i; p, sigma**2) / sum_p N(x around i; p, sigma**2), the sums over the
    patches p around every pixel of every training picture.
    """

    settings_class = LocalSettings

    @property
    def properties(self) -> dict[str, Any]:
        return {"trained": False, "receptive_field": self.settings.patch, "equivariant": True}

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedEquivariantLocal:
        return FittedEquivariantLocal(examples, self.settings.patch, device)
