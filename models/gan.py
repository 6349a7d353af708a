"""Generative adversarial network: a generator, and a critic that tells its pictures from the examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import softplus

from .families import Family, FamilyLearner, Perceptron
from .network import Weights
from .noise import Noise
from .optimise import Chance, OptimiseSettings
from .setting import setting


@dataclass(kw_only=True)
class GANSettings(OptimiseSettings):
    """Settings of `gan`."""

    steps: int = setting(1500, "training steps, each of both networks", "steps", (0, 10**7))
    batch: int = setting(64, "examples in a training step", "examples", (1, 65536))
    learning_rate: float = setting(3e-3, "peak learning rate of Adam", "", (1e-7, 1.0))
    width: int = setting(128, "numbers in a hidden layer", "channels", (1, 65536))
    depth: int = setting(2, "hidden layers of generator and of critic", "layers", (1, 16))
    latent: int = setting(16, "normal numbers that the generator starts from", "channels", (1, 4096))
    pixels: str = setting(
        "hard",
        "what the generator emits: pixels rounded, the slope passed straight through, or grey ones",
        choices=("hard", "grey"),
    )
    penalty: float = setting(
        1.0, "weight of the critic's squared slope at examples and at samples", "", (0.0, 1e4)
    )


@dataclass(frozen=True)
class GAN(Family):
    """Relativistic adversarial loss with zero-centred slope penalties on both sides: RpGAN + R1 + R2.

    Huang et al. 2024 (arXiv 2501.05441), eq. 2 to 5: each example is compared with one sample, which leaves
    no reward for dropping modes, and the penalties make training converge. Both networks step together, by
    one Adam without momentum.
    """

    betas: ClassVar[tuple[float, float]] = (0.0, 0.99)
    shape: tuple[int, ...]
    settings: GANSettings

    @property
    def generator(self) -> Perceptron:
        hidden = (self.settings.width,) * self.settings.depth
        return Perceptron("generator", (self.settings.latent, *hidden, self.size))

    @property
    def critic(self) -> Perceptron:
        return Perceptron("critic", (self.size, *(self.settings.width,) * self.settings.depth, 1))

    def initial(self, generator: torch.Generator, examples: torch.Tensor) -> Weights:
        return self.generator.initial(generator) | self.critic.initial(generator)

    def generate(self, weights: Weights, z: torch.Tensor) -> torch.Tensor:
        answer = self.generator(weights, z)
        if not self.grid:
            return answer
        white = answer.sigmoid()
        if self.settings.pixels == "grey":
            return white
        return white + ((white > 0.5).to(white.dtype) - white).detach()

    def loss(self, weights: Weights, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """The generator's loss, through a critic held fixed, and the critic's, at samples held fixed."""
        frozen = {name: weight.detach() for name, weight in weights.items()}
        fake = self.generate(weights, chance.normal(len(x), self.settings.latent))
        ahead = self.critic(frozen, fake) - self.critic(frozen, x)
        both = torch.cat([x, fake.detach()]).requires_grad_()
        judged = self.critic(weights, both)
        real, made = judged.chunk(2)
        [slope] = torch.autograd.grad(judged.sum(), both, create_graph=True)
        penalty = self.settings.penalty * slope.square().sum() / (2 * len(x))
        return softplus(-ahead).mean() + softplus(made - real).mean() + penalty

    def noise(self) -> int:
        return self.settings.latent

    def states(self, weights: Weights, noise: Noise, steps: int) -> Iterator[torch.Tensor]:
        yield self.generate(weights, noise.draw())

    def widest(self) -> int:
        return max(self.settings.width, self.size)


class GANLearner(FamilyLearner):
    """No likelihood, crisp pictures, and no promise that all of the training set is learned."""

    settings_class = GANSettings

    def family(self, shape: tuple[int, ...]) -> GAN:
        return GAN(shape, self.settings)
