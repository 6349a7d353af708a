"""Variational autoencoder: a code of normal numbers, and pixels drawn from what the decoder says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from .families import Family, FamilyLearner, Perceptron
from .network import Weights
from .noise import Noise
from .optimise import Chance, OptimiseSettings
from .setting import setting

# Least and greatest ln(variance) of a point of the plane given its code, in units of the data's.
LOG_VARIANCES = (-8.0, 2.0)


@dataclass(kw_only=True)
class VAESettings(OptimiseSettings):
    """Settings of `vae`."""

    steps: int = setting(2000, "training steps", "steps", (0, 10**7))
    width: int = setting(128, "numbers in a hidden layer", "channels", (1, 65536))
    depth: int = setting(2, "hidden layers of encoder and of decoder", "layers", (1, 16))
    latent: int = setting(8, "numbers in a code", "channels", (1, 4096))
    beta: float = setting(1.0, "weight of the divergence of codes from normal", "", (0.0, 100.0))
    emit: str = setting(
        "sample",
        "what becomes of a code: pixels drawn from the likelihood, which is the model, or their grey mean",
        choices=("sample", "mean"),
    )
    importance: int = setting(128, "codes in the bound of log_prob", "codes", (1, 10**6))


@dataclass(frozen=True)
class VAE(Family):
    """Kingma & Welling 2014: encoder q(z|x) = N(m, diag s**2), prior N(0, 1), decoder p(x|z).

    Pixels are independent given the code (Bernoulli); a point of the plane is normal around the decoder's
    answer, with one variance that is learned.
    """

    shape: tuple[int, ...]
    settings: VAESettings

    @property
    def encoder(self) -> Perceptron:
        hidden = (self.settings.width,) * self.settings.depth
        return Perceptron("encoder", (self.size, *hidden, 2 * self.settings.latent))

    @property
    def decoder(self) -> Perceptron:
        hidden = (self.settings.width,) * self.settings.depth
        return Perceptron("decoder", (self.settings.latent, *hidden, self.size))

    def initial(self, generator: torch.Generator, examples: torch.Tensor) -> Weights:
        weights = self.encoder.initial(generator, 0.1) | self.decoder.initial(generator, 0.1)
        # Well below the data's, so that codes must be used: from 0 a ring ended as one normal blob.
        return weights if self.grid else weights | {"log_variance": torch.full((1,), -4.0)}

    def code(self, weights: Weights, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and ln of the standard deviation of q(z|x)."""
        mean, log_std = self.encoder(weights, 2 * x - 1 if self.grid else x).chunk(2, 1)
        return mean, log_std.clamp(-8.0, 4.0)

    def log_likelihood(self, weights: Weights, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """ln p(x|z), summed over pixels."""
        answer = self.decoder(weights, z)
        if self.grid:
            return -binary_cross_entropy_with_logits(answer, x, reduction="none").sum(1)
        log_variance = weights["log_variance"].clamp(*LOG_VARIANCES)
        error = (x - answer).square() / log_variance.exp() + log_variance + math.log(2 * math.pi)
        return -error.sum(1) / 2

    def loss(self, weights: Weights, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """Minus the evidence lower bound in nats (their eq. 10), the divergence times beta."""
        mean, log_std = self.code(weights, x)
        z = mean + log_std.exp() * chance.normal(*mean.shape)
        divergence = ((2 * log_std).exp() + mean.square() - 1).sum(1) / 2 - log_std.sum(1)
        return (self.settings.beta * divergence - self.log_likelihood(weights, z, x)).mean()

    def noise(self) -> int:
        return self.settings.latent + self.size

    def states(self, weights: Weights, noise: Noise, steps: int) -> Iterator[torch.Tensor]:
        z, own = noise.draw().split([self.settings.latent, self.size], 1)
        answer = self.decoder(weights, z)
        drawn = self.settings.emit == "sample"
        if not self.grid:
            spread = (weights["log_variance"].clamp(*LOG_VARIANCES) / 2).exp()
            yield answer + spread * own if drawn else answer
        else:
            white = answer.sigmoid()
            yield (torch.special.ndtr(own) < white).float() if drawn else white

    def widest(self) -> int:
        return max(self.settings.width, self.noise())

    def log_prob(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        """Importance-weighted lower bound of ln p(x) (Burda et al. 2016, eq. 8); its codes are fixed draws.

        The more codes (`importance`), the closer to ln p(x) from below on average.
        """
        count, latent = self.settings.importance, self.settings.latent
        draws = np.random.Generator(np.random.PCG64(0)).standard_normal((count, latent))
        own = torch.from_numpy(draws).to(x.device)
        bounds = []
        for one in x:
            mean, log_std = self.code(weights, one[None])
            z = mean + log_std.exp() * own
            prior = -z.square().sum(1) / 2
            proposal = -own.square().sum(1) / 2 - log_std.sum()
            likelihood = self.log_likelihood(weights, z, one.expand(count, -1))
            bounds.append((likelihood + prior - proposal).logsumexp(0) - math.log(count))
        return torch.stack(bounds) if bounds else x.new_zeros(0)


class VAELearner(FamilyLearner):
    """Known for blur: pixels that the code leaves open are drawn independently."""

    settings_class = VAESettings

    def family(self, shape: tuple[int, ...]) -> VAE:
        return VAE(shape, self.settings)
