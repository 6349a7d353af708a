"""What generative families that are no diffusion share: the model, the fitted member, the learner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import silu

from .errors import ModelError
from .frame import Frame, Place
from .learner import Array, Fitted, Learner, Stop
from .network import Shapes, Weights, normal
from .noise import BLOCK, Noise
from .optimise import CHUNK, Chance, Optimisation

# Numbers in the largest layer of one batch of samples.
CACHE = 2**19


class Family(ABC):
    """A generative model of one shape, as functions of explicit weights.

    Examples are flat inside: float32[n, d], 0 and 1 for pictures, standardised for points of the plane.
    """

    betas: ClassVar[tuple[float, float]] = (0.9, 0.99)  # of Adam
    shape: tuple[int, ...]
    settings: Any

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def grid(self) -> bool:
        return len(self.shape) == 2

    @abstractmethod
    def initial(self, generator: torch.Generator, examples: torch.Tensor) -> Weights:
        """Weights to start from, given all examples float32[n, d]."""

    @abstractmethod
    def loss(self, weights: Weights, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """What a step of training lowers, for a batch float32[batch, d]."""

    @abstractmethod
    def noise(self) -> int:
        """How many normal numbers one draw of noise for a sample has."""

    @abstractmethod
    def states(self, weights: Weights, noise: Noise, steps: int) -> Iterator[torch.Tensor]:
        """States float32[n, d] on the way to samples; the last are the samples."""

    @abstractmethod
    def widest(self) -> int:
        """Numbers in the largest layer for one sample: sets how many are drawn together."""

    def log_prob(self, weights: Weights, x: torch.Tensor) -> torch.Tensor | None:
        """Log-density float64[n] of x float64[n, d] in nats, or `None` where the family has none."""
        return None


class FittedFamily(Fitted):
    """A trained family to sample from."""

    def __init__(
        self, name: str, family: Family, weights: Weights, mean: Place, spread: float, device: str
    ) -> None:
        self.name, self.family, self.weights, self.device = name, family, weights, device
        self.mean, self.spread = mean, spread
        self.shape = family.shape
        self.parameters = sum(weight.numel() for weight in weights.values())
        self.checkpoints: dict[int, FittedFamily] = {}

    def at(self, step: int) -> Fitted:
        if step not in self.checkpoints:
            kept = ", ".join(map(str, self.checkpoints))
            raise ModelError(f"no checkpoint at step {step}; there are: {kept}")
        return self.checkpoints[step]

    def sample(
        self,
        n: int,
        seed: int,
        sampler: str | None = None,
        steps: int | None = None,
        trajectory: bool = False,
    ) -> Array:
        """Samples float32[n, ...] from noise that depends on (n, seed) and the family's own size of noise.

        `steps` and `trajectory` are for families that go step by step (their settings have `sampler_steps`).
        """
        known = getattr(self.family.settings, "sampler_steps", None)
        if sampler is not None:
            raise ModelError(f"{self.name} samples in one way only, but got sampler={sampler!r}")
        if known is None and (steps is not None or trajectory):
            raise ModelError(f"{self.name} samples in one go: it has no steps and no trajectory")
        if n < 0 or seed < 0:
            raise ModelError(f"`n >= 0` and `seed >= 0` must hold, but got (n={n}, seed={seed})")
        if steps is not None and steps < 1:
            raise ModelError(f"`steps >= 1` must hold, but got steps={steps}")
        count = steps or known or 1
        samples = np.empty((count + 1 if trajectory else 1, n, *self.shape), dtype=np.float32)
        size = max(BLOCK, self.batch_size() // BLOCK * BLOCK)
        with torch.inference_mode():
            for start in range(0, n, size):
                stop = min(n, start + size)
                noise = Noise((self.family.noise(),), start, stop, seed, self.device)
                for place, flat in enumerate(self.family.states(self.weights, noise, count)):
                    x = (self.mean + self.spread * flat).view(-1, *self.shape)
                    samples[place if trajectory else 0, start:stop] = x.cpu().numpy()
        return samples if trajectory else samples[0]

    def batch_size(self) -> int:
        """Samples drawn together."""
        return CACHE // self.family.widest()

    def log_prob(self, x: Array) -> Array:
        """Log-density, or a stated bound of it, float64[n] in nats (see the family)."""
        array = np.asarray(x, dtype=np.float64)
        if array.shape[1:] != self.shape:
            raise ModelError(f"examples must have shape (n, *{self.shape}), but got {array.shape}")
        flat = (
            torch.from_numpy(array.reshape(-1, self.family.size)).to(self.device) - self.mean
        ) / self.spread
        weights = {name: weight.double() for name, weight in self.weights.items()}
        with torch.inference_mode():
            found = self.family.log_prob(weights, flat)
        if found is None:
            raise ModelError(f"{self.name} has no log-likelihood")
        values: NDArray[np.float64] = found.cpu().numpy() - self.family.size * np.log(self.spread)
        return values


class FamilyLearner(Learner):
    """A learner of one family: subclasses say which."""

    plane = True

    @abstractmethod
    def family(self, shape: tuple[int, ...]) -> Family:
        """The family for examples of this shape."""

    @property
    def properties(self) -> dict[str, Any]:
        return {"receptive_field": None, "equivariant": False, "trained": True}

    def examples(self, training_set: Array) -> NDArray[np.float32]:
        """A training set as float32[n, ...], checked; pictures must be black and white."""
        floats = super().examples(training_set)
        if floats.ndim == 3 and not np.isin(floats, (0.0, 1.0)).all():
            wrong = floats[~np.isin(floats, (0.0, 1.0))][0]
            raise ModelError(f"{self.name} learns pictures of 0 and 1, but got a pixel of {wrong:g}")
        return floats

    def fit_examples(
        self,
        examples: list[NDArray[np.float32]],
        seeds: list[int],
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
    ) -> list[Fitted]:
        """Members one after another."""
        last = self.settings.steps
        if checkpoints and not 0 <= checkpoints[0] <= checkpoints[-1] <= last:
            raise ModelError(f"`0 <= checkpoint <= steps` must hold, but got {checkpoints} and steps={last}")
        return [
            self.fit_one(own, seed, index, checkpoints, stop, device)
            for index, (own, seed) in enumerate(zip(examples, seeds, strict=True))
        ]

    def fit_one(
        self,
        examples: NDArray[np.float32],
        seed: int,
        index: int,
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
    ) -> Fitted:
        """Train to the end, to divergence or until `stop` says so; the last state, with its checkpoints."""
        family = self.family(examples.shape[1:])
        flat = examples.reshape(len(examples), -1)
        frame = Frame.of(examples, device)
        mean, spread = (0.0, 1.0) if family.grid else (frame.origin, frame.scale / 2)
        inside = (torch.from_numpy(flat).to(device) - mean) / spread
        random = np.random.Generator(np.random.PCG64([seed, 0]))
        weights = family.initial(torch.Generator().manual_seed(int(random.integers(2**63))), inside.cpu())
        found = Optimisation(
            family.loss, weights, inside, Chance(seed, device), self.settings, betas=family.betas
        )
        last = self.settings.steps
        kept: dict[int, FittedFamily] = {}
        for mark in sorted({*checkpoints, last}):
            while found.step < mark and not found.diverged:
                found.advance(min(found.step - found.step % CHUNK + CHUNK, mark))
            member = FittedFamily(self.name, family, found.averaged(), mean, spread, device)
            member.index, member.seed, member.checkpoints = index, seed, kept
            member.steps, member.loss, member.curve = found.step, found.loss, dict(found.curve)
            member.seconds, member.diverged = found.seconds, found.diverged
            kept[found.step] = member
            if found.diverged or (mark < last and stop is not None and stop(member)):
                break
        return member


@dataclass(frozen=True)
class Perceptron:
    """Fully connected layers with silu between them; `sizes` from input to output."""

    name: str
    sizes: tuple[int, ...]

    def shapes(self) -> Shapes:
        shapes: Shapes = {}
        for layer, (narrow, wide) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True)):
            shapes[f"{self.name}.{layer}"] = (wide, narrow)
            shapes[f"{self.name}.{layer}.bias"] = (wide,)
        return shapes

    def initial(self, generator: torch.Generator, out: float = 1.0) -> Weights:
        """Normal weights of variance 1 / fan-in; those of the last layer times `out`."""
        weights = normal(self.shapes(), generator)
        weights[f"{self.name}.{len(self.sizes) - 2}"] *= out
        return weights

    def __call__(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        last = len(self.sizes) - 2
        for layer in range(last + 1):
            x = torch.addmm(weights[f"{self.name}.{layer}.bias"], x, weights[f"{self.name}.{layer}"].t())
            if layer < last:
                x = silu(x)
        return x
