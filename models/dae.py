"""Denoising autoencoder, sampled by the Markov chain of corrupting and restoring."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from .families import Family, FamilyLearner, Perceptron
from .network import Weights
from .noise import Noise
from .optimise import Chance, OptimiseSettings
from .setting import setting


@dataclass(kw_only=True)
class DAESettings(OptimiseSettings):
    """Settings of `dae`."""

    steps: int = setting(2000, "training steps", "steps", (0, 10**7))
    batch: int = setting(64, "examples in a training step", "examples", (1, 65536))
    width: int = setting(128, "numbers in a hidden layer", "channels", (1, 65536))
    depth: int = setting(2, "hidden layers", "layers", (1, 16))
    corruption: float = setting(
        0.05,
        "share of pixels replaced by fair coins; on the plane the noise, in standard deviations of the data",
        "",
        (1e-4, 1.0),
    )
    walkback: int = setting(3, "steps of the chain walked back from in training", "steps", (1, 100))
    sampler_steps: int = setting(100, "steps of the chain", "steps", (1, 10**6))


@dataclass(frozen=True)
class DAE(Family):
    """A network for P(X | corrupted X), trained on what its own chain does to the examples (walkback).

    Bengio, Yao, Alain & Vincent 2013, "Generalized denoising auto-encoders as generative models": the chain
    X~ ~ C(X~ | X), X ~ P(X | X~) has the data's law as its stationary one if P is right (theorem 1); walkback
    is their algorithm 1. Pixels are independent given the corrupted picture, and a coordinate of the plane is
    normal with a mean and a variance of its own: where the truth is not so, nor are the samples.
    """

    shape: tuple[int, ...]
    settings: DAESettings

    @property
    def network(self) -> Perceptron:
        hidden = (self.settings.width,) * self.settings.depth
        return Perceptron("network", (self.size, *hidden, self.size if self.grid else 2 * self.size))

    def initial(self, generator: torch.Generator, examples: torch.Tensor) -> Weights:
        return self.network.initial(generator, 0.1)

    def corrupt(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """C(X~ | X): salt and pepper on pictures, normal noise on the plane; `noise` is standard normal."""
        share = self.settings.corruption
        if not self.grid:
            return x + share * noise
        # u < share: replaced; and u < share / 2: by white
        u = torch.special.ndtr(noise)
        return torch.where(u < share, (u < share / 2).to(x.dtype), x)

    def restored(self, weights: Weights, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the pixels; or on the plane mean and ln standard deviation, in that order."""
        if self.grid:
            logits = self.network(weights, 2 * x - 1)
            return logits, logits
        change, log_std = self.network(weights, x).chunk(2, 1)
        return x + change, log_std.clamp(-6.0, 2.0)

    def draw(self, answer: tuple[torch.Tensor, torch.Tensor], noise: torch.Tensor) -> torch.Tensor:
        """X ~ P(X | X~) out of standard normal noise."""
        if self.grid:
            return (torch.special.ndtr(noise) < answer[0].sigmoid()).to(noise.dtype)
        return answer[0] + answer[1].exp() * noise

    def loss(self, weights: Weights, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """Minus ln P(x | x~) in nats, mean over the states x~ of a chain that starts at x."""
        state, total = x, torch.zeros((), device=x.device)
        for step in range(self.settings.walkback):
            answer = self.restored(weights, self.corrupt(state, chance.normal(*x.shape)))
            total = total + self.error(answer, x)
            if step + 1 < self.settings.walkback:
                state = self.draw(answer, chance.normal(*x.shape)).detach()
        return total / self.settings.walkback

    def error(self, answer: tuple[torch.Tensor, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        if self.grid:
            return binary_cross_entropy_with_logits(answer[0], x, reduction="none").sum(1).mean()
        mean, log_std = answer
        error = ((x - mean) * (-log_std).exp()).square() / 2 + log_std + math.log(2 * math.pi) / 2
        return error.sum(1).mean()

    def noise(self) -> int:
        return self.size

    def states(self, weights: Weights, noise: Noise, steps: int) -> Iterator[torch.Tensor]:
        """From noise (fair coins; on the plane normal), `steps` times corrupted and restored."""
        x = noise.draw()
        x = (x > 0).float() if self.grid else x
        yield x
        for _ in range(steps):
            x = self.draw(self.restored(weights, self.corrupt(x, noise.draw())), noise.draw())
            yield x

    def widest(self) -> int:
        return max(self.settings.width, 2 * self.size)


class DAELearner(FamilyLearner):
    """Its pictures are states of a chain, so they are as good as it mixes."""

    settings_class = DAESettings

    def family(self, shape: tuple[int, ...]) -> DAE:
        return DAE(shape, self.settings)
