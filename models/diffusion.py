"""What every diffusion learner shares: sampling settings, and samples out of any denoiser."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .errors import ModelError, nearest
from .frame import PICTURES, Frame
from .learner import Array, Fitted
from .likelihood import EXACT, PROBES, Likelihood, likelihood, signs
from .noise import BLOCK, Noise
from .processes import Process
from .recipes import PROCESSES, RECIPES, process_of
from .samplers import SAMPLERS
from .setting import Settings, setting

# Numbers in the largest layer of one batch of samples: what stays in a core's cache.
CACHE = 2**19

# Settings that samplers may read.
OPTIONS = ("eta", "ancestral_variance", "langevin_steps", "langevin_rate")


@dataclass(kw_only=True)
class DiffusionSettings(Settings):
    """How samples are drawn. Noise levels are in units of white - black; on the plane, of the points' scale.

    That scale is twice their standard deviation (`Frame`).
    """

    recipe: str = setting("edm", "the paper whose choices stand where none are made", choices=tuple(RECIPES))
    process: str | None = setting(
        None, "noise levels: as in EDM, variance exploding or preserving; the recipe's", choices=PROCESSES
    )
    sigma_min: float | None = setting(
        None, "lowest noise level of sampling; the recipe's when not given", "white - black", (1e-4, 1.0)
    )
    sigma_max: float | None = setting(
        None, "noise level that sampling starts from; the recipe's", "white - black", (0.1, 1e4)
    )
    sampler: str | None = setting(
        None, "from noise to samples; the recipe's when not given", choices=tuple(SAMPLERS)
    )
    sampler_steps: int | None = setting(
        None, "steps of the sampler; its own usual number when not given", "steps", (1, 10000)
    )
    eta: float = setting(0.0, "ddim: share of fresh noise, 0 none, 1 as in ddpm", "", (0.0, 1.0))
    ancestral_variance: str = setting(
        "lower", "ddpm: the lower or the upper bound as variance of a step", choices=("lower", "upper")
    )
    langevin_steps: int | None = setting(
        None, "langevin, predictor_corrector: steps at each level; 100, 1 when not given", "steps", (0, 10**5)
    )
    langevin_rate: float | None = setting(
        None, "squared noise of such a step; 0.2, 0.1024 when not given", "sigma**2", (1e-6, 2.0)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in vars(RECIPES[self.recipe]).items():
            if getattr(self, name, value) is None:
                setattr(self, name, value)
        low, high = self.bounds
        if low >= high:
            raise ModelError(f"`sigma_min < sigma_max` must hold, but got ({low}, {high})")

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest noise level of sampling."""
        recipe = RECIPES[self.recipe]
        return self.sigma_min or recipe.sigma_min, self.sigma_max or recipe.sigma_max


class FittedDiffusion(Fitted):
    """A denoiser to sample from."""

    settings: Any
    device: str = "cpu"
    frame: Frame = PICTURES

    @property
    def process(self) -> Process:
        """The noise process, in the units of the examples."""
        return process_of(self.settings, self.frame)

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
        levels = self.process.levels(steps or self.settings.sampler_steps or SAMPLERS[name].steps)
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
        settings = self.settings
        known = {"process": self.process} | {name: getattr(settings, name) for name in OPTIONS}
        chosen = SAMPLERS[sampler]
        options = {name: known[name] for name in chosen.reads if known[name] is not None}
        start = self.process.start(levels[0], noise.draw())

        def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
            return self.denoiser(x, torch.full(one, sigma, device=self.device))

        return chosen.function(denoise, start, levels, noise.draw, **options)

    def denoise(self, x: Array, sigma: float | Array) -> Array:
        """The mean of clean examples given noisy ones: x float[n, ...], sigma > 0 a number or float[n]."""
        noisy = self.tensor(x)
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

    def log_prob(self, x: Array) -> Array:
        """Log-density float64[n] in nats: `likelihood` without its standard error."""
        return self.likelihood(x).value

    def likelihood(self, x: Array, seed: int = 0, probes: int | None = None) -> Likelihood:
        """Log-density in nats and its standard error, float64[n] each, by the probability flow.

        It is the density that the flow, exactly solved, brings about at the lowest noise level: of samples
        blurred by normal noise of standard deviation sigma_min. Black and white pictures have no density,
        so for them read differences between pictures, or d ln(sigma_min) off for how far they are spread.

        The divergence is exact up to 16 dimensions; beyond, or where `probes` are asked for, it is estimated
        in so many directions, which `seed` draws (Hutchinson's estimator), and the standard error says how
        well. It does not hold the error of the solver: below 0.01 nats on mixtures whose density is known.
        """
        points = self.tensor(x)
        if seed < 0 or (probes is not None and probes < 2):
            raise ModelError(
                f"`seed >= 0` and `probes >= 2` must hold, but got (seed={seed}, probes={probes})"
            )
        d = math.prod(self.shape)
        count = probes or (None if d <= EXACT else PROBES)
        directions = None if count is None else signs(len(points), count, d, seed, self.device)
        size = max(BLOCK, self.batch_size())
        values, errors = np.empty(len(points)), np.empty(len(points))
        for start in range(0, len(points), size):
            part = slice(start, start + size)
            own = None if directions is None else directions[part]
            values[part], errors[part] = likelihood(self.denoiser, self.process, points[part], own)
        return Likelihood(values, errors)

    def tensor(self, x: Array) -> torch.Tensor:
        """Examples as a tensor float32[n, ...] on the device, checked."""
        given = torch.as_tensor(np.asarray(x, dtype=np.float32), device=self.device)
        if given.shape[1:] != self.shape:
            raise ModelError(f"examples must have shape (n, *{self.shape}), but got {tuple(given.shape)}")
        return given
