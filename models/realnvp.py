"""RealNVP: an invertible network from data to normal noise, with an exact density."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from .families import Family, FamilyLearner, Perceptron
from .network import Weights
from .noise import Noise
from .optimise import Chance, OptimiseSettings
from .setting import setting

# Greatest |ln scale| of one coupling; the paper's tanh with a bound of its own.
SCALE = 2.0


@dataclass(kw_only=True)
class RealNVPSettings(OptimiseSettings):
    """Settings of `realnvp`."""

    steps: int = setting(1500, "training steps", "steps", (0, 10**7))
    batch: int = setting(64, "examples in a training step", "examples", (1, 65536))
    learning_rate: float = setting(2e-3, "peak learning rate of Adam", "", (1e-7, 1.0))
    width: int = setting(64, "numbers in a hidden layer", "channels", (1, 65536))
    depth: int = setting(2, "hidden layers of a coupling's network", "layers", (1, 16))
    couplings: int = setting(8, "affine couplings", "layers", (1, 256))
    emit: str = setting(
        "raw", "pictures as the flow gives them, or each pixel rounded", choices=("raw", "rounded")
    )
    dequantisation: float = setting(
        0.06, "standard deviation of the noise added to pictures in training", "white - black", (0.0, 1.0)
    )


@dataclass(frozen=True)
class RealNVP(Family):
    """Affine couplings (Dinh et al. 2017, eq. 7 and 8) after one scale and shift of each coordinate.

    A coupling keeps the coordinates of its mask and moves the others by an affine map that depends on them.
    The masks of a grid are checkerboard, rows and columns by turns, each with its opposite next (their
    checkerboard and, without the squeezing that needs even sides, what the channels of a squeeze would be).
    The first scale and shift are set from the data (Kingma & Dhariwal 2018, section 3.1) and learned then.
    """

    shape: tuple[int, ...]
    settings: RealNVPSettings

    def perceptron(self, layer: int) -> Perceptron:
        hidden = (self.settings.width,) * self.settings.depth
        return Perceptron(f"{layer}", (self.size, *hidden, 2 * self.size))

    def mask(self, layer: int, like: torch.Tensor) -> torch.Tensor:
        """What a coupling keeps: 1, and what it moves: 0, like[d]."""
        places = torch.arange(self.size, device=like.device)
        if not self.grid or min(self.shape) == 1:
            parity = places
        else:
            rows, columns = places // self.shape[1], places % self.shape[1]
            parity = (rows + columns, rows, columns)[layer // 2 % 3]
        return ((parity + layer) % 2).to(like.dtype)

    def initial(self, generator: torch.Generator, examples: torch.Tensor) -> Weights:
        least = self.dequantisation() or 1e-3
        spread = (examples.var(0, correction=0) + least**2).sqrt()
        weights = {"shift": examples.mean(0), "log_scale": spread.log()}
        for layer in range(self.settings.couplings):
            weights |= self.perceptron(layer).initial(generator, 0.01)
        return weights

    def dequantisation(self) -> float:
        return float(self.settings.dequantisation) if self.grid else 0.0

    def change(
        self, weights: Weights, layer: int, kept: torch.Tensor, moved: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """ln scale and shift of the coordinates that are moved; 0 for the others."""
        log_scale, shift = self.perceptron(layer)(weights, kept).chunk(2, 1)
        return SCALE * (log_scale / SCALE).tanh() * moved, shift * moved

    def encode(self, weights: Weights, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """From x[n, d] to noise[n, d], and ln |determinant| [n] of the map."""
        z = (x - weights["shift"]) * (-weights["log_scale"]).exp()
        volume = -weights["log_scale"].sum().expand(len(x))
        for layer in range(self.settings.couplings):
            mask = self.mask(layer, x)
            log_scale, shift = self.change(weights, layer, z * mask, 1 - mask)
            z = z * log_scale.exp() + shift
            volume = volume + log_scale.sum(1)
        return z, volume

    def decode(self, weights: Weights, z: torch.Tensor) -> Iterator[torch.Tensor]:
        """The inverse, coupling by coupling; the last is x."""
        for layer in reversed(range(self.settings.couplings)):
            mask = self.mask(layer, z)
            log_scale, shift = self.change(weights, layer, z * mask, 1 - mask)
            z = z * mask + (1 - mask) * (z - shift) * (-log_scale).exp()
            yield z
        yield z * weights["log_scale"].exp() + weights["shift"]

    def loss(self, weights: Weights, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """Minus ln density per coordinate, in nats."""
        noisy = x + self.dequantisation() * chance.normal(*x.shape) if self.dequantisation() else x
        return -self.log_prob(weights, noisy).mean() / self.size

    def log_prob(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        """The exact ln density (their eq. 2 and 3); of pictures, with the noise added in training."""
        z, volume = self.encode(weights, x)
        return volume - z.square().sum(1) / 2 - self.size * math.log(2 * math.pi) / 2

    def noise(self) -> int:
        return self.size

    def states(self, weights: Weights, noise: Noise, steps: int) -> Iterator[torch.Tensor]:
        # In double precision: rounding grows with every inverted scale.
        double = {name: weight.double() for name, weight in weights.items()}
        *_, x = self.decode(double, noise.draw().double())
        rounded = self.grid and self.settings.emit == "rounded"
        yield (x > 0.5).float() if rounded else x.float()

    def widest(self) -> int:
        return 2 * max(self.settings.width, 2 * self.size)


class RealNVPLearner(FamilyLearner):
    """An exact density, smooth by construction: what lies between examples gets some of it."""

    settings_class = RealNVPSettings

    def family(self, shape: tuple[int, ...]) -> RealNVP:
        return RealNVP(shape, self.settings)
