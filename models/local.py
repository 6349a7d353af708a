"""Local score machines: a pixel's mean given the patch around it, over patches of the training pictures.

Both answer with the mean of the posterior over training patches (Kamb & Ganguli 2025): for the pixel i of x

    D(x)[i] = sum_p p(centre) w(p) / sum_p w(p),    w(p) = exp(-|x around i - p|**2 / (2 sigma**2)),

and differ in which patches p are compared and in what a patch is at the border.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .diffusion import CACHE, DiffusionSettings, FittedDiffusion
from .errors import ModelError
from .machine import Machine
from .setting import setting


@dataclass(kw_only=True)
class LocalSettings(DiffusionSettings):
    """Settings of the local machines."""

    patch: int = setting(5, "side of a patch; odd, so that it has a centre", "pixels", (1, 1025))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patch % 2 == 0:
            raise ModelError(f"`patch` must be odd, but got patch={self.patch}")


class Patches:
    """Distinct training patches with how often each occurs."""

    def __init__(self, rows: NDArray[Any], device: str) -> None:
        """From patches bool or float32[n, size], whose centre is in column 0."""
        distinct, counts = distinct_rows(rows)
        pixels = torch.from_numpy(distinct).float()
        half_squares = pixels.square().sum(1, keepdim=True) / 2
        log_counts = torch.from_numpy(np.log(counts)).float()[:, None]
        # |x - p|**2 / 2 without |x|**2 / 2, which is the same for all p, as one matrix product
        self.columns = torch.cat([pixels, -half_squares, log_counts], 1).t().contiguous().to(device)
        self.centres = pixels[:, 0].contiguous().to(device)

    def posterior_mean(self, noisy: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """Mean of the centre, float32[n], given noisy patches float32[n, size], sigma float32[n or 1, 1]."""
        precision = (1 / sigma**2).expand(len(noisy), 1)
        rows = torch.cat([noisy * precision, precision, torch.ones_like(precision)], 1)
        size = max(1, CACHE // len(self.centres))
        return torch.cat([(part @ self.columns).softmax(1) @ self.centres for part in rows.split(size)])


def distinct_rows(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Distinct rows and how often each occurs; rows of bool are compared as packed bits."""
    # `+ 0.0` makes -0 a 0
    keys = np.ascontiguousarray(np.packbits(rows, axis=1) if rows.dtype == bool else rows + 0.0)
    whole = keys.view(np.dtype((np.void, keys.shape[1] * keys.itemsize))).ravel()
    _, first, counts = np.unique(whole, return_index=True, return_counts=True)
    return rows[first], counts


@dataclass(frozen=True)
class Group:
    """Pixels compared with the same patches."""

    pixels: torch.Tensor  # int64[pixels]
    around: torch.Tensor  # int64[pixels, size], the pixels of the patch around each
    patches: Patches


class FittedLocal(FittedDiffusion):
    """A local machine: pixels in groups, each with its patches."""

    def __init__(
        self, examples: NDArray[np.float32], surroundings: dict[Any, list[list[int]]], device: str
    ) -> None:
        """`surroundings`: for each pixel of each group, that pixel and then the others around it."""
        flat: NDArray[Any] = examples.reshape(len(examples), -1)
        if bool(((flat == 0) | (flat == 1)).all()):
            flat = flat.astype(bool)
        self.groups = []
        for places in surroundings.values():
            around = np.array(places)
            patches = Patches(flat[:, around].reshape(-1, around.shape[1]), device)
            index = torch.from_numpy(around).to(device)
            self.groups.append(Group(index[:, 0], index, patches))
        self.widest = sum(group.around.numel() for group in self.groups)

    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        flat, own = x.flatten(1), sigma.flatten(1)
        clean = torch.empty_like(flat)
        for group in self.groups:
            noisy = flat[:, group.around].flatten(0, 1)
            each = own if len(own) == 1 else own.repeat_interleave(len(group.pixels), 0)
            clean[:, group.pixels] = group.patches.posterior_mean(noisy, each).view(len(x), -1)
        return clean.view(x.shape)

    def batch_size(self) -> int:
        return 2 * CACHE // self.widest


def on_ring(height: int, width: int, patch: int) -> dict[Any, list[list[int]]]:
    """Surroundings under circular padding: all pixels in one group; a ring is seen at most once round."""
    reach = patch // 2
    rows = [dy for dy in range(-reach, reach + 1) if -height < 2 * dy <= height]
    columns = [dx for dx in range(-reach, reach + 1) if -width < 2 * dx <= width]
    offsets = sorted(product(rows, columns), key=lambda offset: offset != (0, 0))
    return {
        None: [
            [(y + dy) % height * width + (x + dx) % width for dy, dx in offsets]
            for y, x in product(range(height), range(width))
        ]
    }


def in_frame(height: int, width: int, patch: int) -> dict[Any, list[list[int]]]:
    """Surroundings under zero padding: pixels are grouped by which part of their patch is in the picture."""
    reach = patch // 2
    groups: dict[Any, list[list[int]]] = {}
    for y, x in product(range(height), range(width)):
        rows = range(max(0, y - reach), min(height, y + reach + 1))
        columns = range(max(0, x - reach), min(width, x + reach + 1))
        part = (y - rows[0], rows[-1] - y, x - columns[0], columns[-1] - x)
        seen = sorted(product(rows, columns), key=lambda place: place != (y, x))
        groups.setdefault(part, []).append([row * width + column for row, column in seen])
    return groups


class EquivariantLocal(Machine):
    """The equivariant local score machine: all that circular convolutions of this receptive field can know.

    The patches p are those around every pixel of every training picture, cut with circular padding.
    """

    settings_class = LocalSettings

    @property
    def properties(self) -> dict[str, Any]:
        return {"trained": False, "receptive_field": self.settings.patch, "equivariant": True}

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedLocal:
        height, width = examples.shape[1:]
        return FittedLocal(examples, on_ring(height, width, self.settings.patch), device)


class BoundaryBroken(Machine):
    """The local score machine of zero padding: all that zero-padded convolutions of this field can know.

    Padding is exactly 0 and has no noise, so a pixel sees which part of its patch lies beyond the border.
    The patches p are those around the pixels of the training pictures with the same part beyond it, and the
    distance is taken over the part within. Pixels further from the border than the patch reaches are one
    group; a patch that reaches across the picture knows its place.
    """

    settings_class = LocalSettings

    @property
    def properties(self) -> dict[str, Any]:
        return {"trained": False, "receptive_field": self.settings.patch, "equivariant": False}

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedLocal:
        height, width = examples.shape[1:]
        return FittedLocal(examples, in_frame(height, width, self.settings.patch), device)
