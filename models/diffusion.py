"""What every diffusion learner shares: sampling settings, and samples out of any denoiser."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .errors import ModelError, nearest
from .frame import PICTURES, Frame
from .learner import Array, Fitted
from .noise import BLOCK, Noise
from .samplers import SAMPLERS, schedule
from .setting import Settings, setting

# Numbers in the largest layer of one batch of samples: what stays in a core's cache.
CACHE = 2**19


@dataclass(kw_only=True)
class DiffusionSettings(Settings):
    """How samples are drawn. Noise levels are in units of white - black; on the plane, of the points' scale.

    That scale is twice their standard deviation (`Frame`).
    """

    sigma_min: float = setting(0.02, "lowest noise level of sampling", "white - black", (1e-4, 1.0))
    sigma_max: float = setting(20.0, "noise level that sampling starts from", "white - black", (0.1, 1e4))
    sampler: str = setting("heun", "probability flow (heun) or reverse SDE (sde)", choices=tuple(SAMPLERS))
    sampler_steps: int = setting(12, "steps of the sampler", "steps", (1, 10000))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_min >= self.sigma_max:
            raise ModelError(
                f"`sigma_min < sigma_max` must hold, but got ({self.sigma_min}, {self.sigma_max})"
            )


class FittedDiffusion(Fitted):
    """A denoiser to sample from."""

    settings: Any
    device: str = "cpu"
    frame: Frame = PICTURES

    @abstractmethod
    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """D(x, sigma): x float32[n, ...], sigma float32[n, 1, ...] or [1, 1, ...]; both on the device."""

    @abstractmethod
    def batch_size(self) -> int:
        """Examples denoised together."""

    def sample(
        self,
        n: int,
        seed: int,
        sampler: str | None = None,
        steps: int | None = None,
        trajectory: bool = False,
    ) -> Array:
        """Samples float32[n, ...]: equal initial noise for equal (shape, n, seed), whatever the learner."""
        name = sampler or self.settings.sampler
        if name not in SAMPLERS:
            raise ModelError(f"no sampler {name!r}; {nearest(name, SAMPLERS)}")
        if n < 0 or seed < 0:
            raise ModelError(f"`n >= 0` and `seed >= 0` must hold, but got (n={n}, seed={seed})")
        if steps is not None and steps < 1:
            raise ModelError(f"`steps >= 1` must hold, but got steps={steps}")
        scale = self.frame.scale
        levels = schedule(
            steps or self.settings.sampler_steps,
            scale * self.settings.sigma_min,
            scale * self.settings.sigma_max,
        )
        size = max(BLOCK, self.batch_size() // BLOCK * BLOCK)
        length = len(levels) if trajectory else 1
        samples = np.empty((length, n, *self.shape), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, n, size):
                stop = min(n, start + size)
                for place, x in enumerate(
                    self.states(name, levels, Noise(self.shape, start, stop, seed, self.device))
                ):
                    samples[place if trajectory else 0, start:stop] = x.cpu().numpy()
        return samples if trajectory else samples[0]

    def states(self, sampler: str, levels: list[float], noise: Noise) -> Iterator[torch.Tensor]:
        """The states of one batch of samples, from noise to sample."""
        one = (1,) * (len(self.shape) + 1)
        start = self.frame.origin + levels[0] * noise.draw()

        def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
            return self.denoiser(x, torch.full(one, sigma, device=self.device))

        return SAMPLERS[sampler](denoise, start, levels, noise.draw)

    def denoise(self, x: Array, sigma: float | Array) -> Array:
        """The mean of clean examples given noisy ones: x float[n, ...], sigma > 0 a number or float[n]."""
        noisy = torch.as_tensor(np.asarray(x, dtype=np.float32), device=self.device)
        if noisy.shape[1:] != self.shape:
            raise ModelError(
                f"noisy examples must have shape (n, *{self.shape}), but got {tuple(noisy.shape)}"
            )
        levels = np.asarray(sigma, dtype=np.float32).reshape(-1)
        if len(levels) not in (1, len(noisy)) or not (levels > 0).all():
            raise ModelError(
                f"sigma must be one positive number or one for each of {len(noisy)}, but got {sigma!r}"
            )
        column = torch.as_tensor(levels, device=self.device).reshape(-1, *(1 for _ in self.shape))
        clean = np.empty(noisy.shape, dtype=np.float32)
        size = max(BLOCK, self.batch_size())
        with torch.inference_mode():
            for start in range(0, len(noisy), size):
                part = slice(start, start + size)
                own = column if len(column) == 1 else column[part]
                clean[part] = self.denoiser(noisy[part], own).cpu().numpy()
        return clean
