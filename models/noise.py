"""Noise that depends on (shape, n, seed) alone: not on device, batch splitting or learner.

Pictures come in blocks of `BLOCK`; each block draws from its own generator. So a batch of whole blocks draws
the same noise whichever batch it is in, and `n` pictures are the first of any greater number.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

BLOCK = 64


class Noise:
    """Standard normal noise for the pictures `start` to `stop` of one sampling; `start` begins a block."""

    def __init__(self, shape: tuple[int, ...], start: int, stop: int, seed: int, device: str = "cpu") -> None:
        self.shape, self.size, self.device = shape, stop - start, device
        blocks = range(start // BLOCK, -(-stop // BLOCK))
        self.generators = [np.random.Generator(np.random.PCG64([seed, block])) for block in blocks]

    def draw(self) -> torch.Tensor:
        """The next float32[stop - start, ...]; the first draw is the initial noise."""
        return torch.from_numpy(self.array()).to(self.device)

    def array(self) -> NDArray[np.float32]:
        size = (BLOCK, *self.shape)
        draws = [generator.standard_normal(size, dtype=np.float32) for generator in self.generators]
        return np.concatenate(draws)[: self.size]


def initial_noise(shape: tuple[int, ...], n: int, seed: int) -> NDArray[np.float32]:
    """The noise every diffusion learner starts from, float32[n, ...], standard deviation 1."""
    return Noise(shape, 0, n, seed).array()
