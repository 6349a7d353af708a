"""Patches of training pictures, each distinct one kept once, and which pixels are compared with which."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .diffusion import CACHE

# For each group of pixels that are compared with the same patches: each pixel, and then those around it.
Surroundings = dict[Any, list[list[int]]]


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


class PatchDenoiser:
    """Every pixel's mean given the patch around it, for one side of the patch."""

    def __init__(self, examples: NDArray[np.float32], surroundings: Surroundings, device: str) -> None:
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

    def __call__(self, flat: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """From x float32[n, pixels] and sigma float32[n or 1, 1] to float32[n, pixels]."""
        clean = torch.empty_like(flat)
        for group in self.groups:
            noisy = flat[:, group.around].flatten(0, 1)
            each = sigma if len(sigma) == 1 else sigma.repeat_interleave(len(group.pixels), 0)
            clean[:, group.pixels] = group.patches.posterior_mean(noisy, each).view(len(flat), -1)
        return clean


def on_ring(height: int, width: int, patch: int) -> Surroundings:
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


def in_frame(height: int, width: int, patch: int) -> Surroundings:
    """Surroundings under zero padding: pixels are grouped by which part of their patch is in the picture."""
    reach = patch // 2
    groups: Surroundings = {}
    for y, x in product(range(height), range(width)):
        rows = range(max(0, y - reach), min(height, y + reach + 1))
        columns = range(max(0, x - reach), min(width, x + reach + 1))
        part = (y - rows[0], rows[-1] - y, x - columns[0], columns[-1] - x)
        seen = sorted(product(rows, columns), key=lambda place: place != (y, x))
        groups.setdefault(part, []).append([row * width + column for row, column in seen])
    return groups


def apart(surroundings: Surroundings) -> Surroundings:
    """The same patches with every pixel in a group of its own: compared at its own place alone."""
    return {places[0]: [places] for group in surroundings.values() for places in group}
