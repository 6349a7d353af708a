"""Perceptrons: nothing is known of the space but its coordinates. The network for the plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import layer_norm, silu

from .network import Network, NoiseEmbedding, Shapes, Weights, normal
from .setting import setting
from .training import NetworkLearner, TrainingSettings


@dataclass(kw_only=True)
class MlpSettings(TrainingSettings):
    """Settings of `mlp`."""

    steps: int = setting(2000, "training steps", "steps", (0, 10**7))
    batch: int = setting(128, "examples in a training step", "examples", (1, 65536))
    learning_rate: float = setting(5e-3, "peak learning rate of Adam", "", (1e-7, 1.0))
    noise_mean: float = setting(-1.8, "mean of ln(sigma) in training", "ln(white - black)", (-10.0, 10.0))
    noise_std: float = setting(1.2, "standard deviation of ln(sigma) in training", "", (0.0, 10.0))
    width: int = setting(128, "numbers in a hidden layer", "channels", (1, 65536))
    depth: int = setting(3, "residual blocks of a perceptron each", "blocks", (1, 64))
    features: int = setting(
        128, "frequencies of the Fourier features of a point; pictures have none", "frequencies", (0, 65536)
    )
    feature_scale: float = setting(
        1.0, "standard deviation of the frequencies", "periods per standard deviation of the data", (0.0, 1e4)
    )


@dataclass(frozen=True)
class MlpNetwork(Network):
    """Coordinates, their Fourier features on the plane, and `depth` residual blocks.

    The features are sin and cos of 2 pi f.x with random frequencies f ~ N(0, feature_scale**2), drawn with
    the first weights and never trained (Tancik et al. 2020, eq. 5). The noise level scales them, so that
    those finer than the noise can be left out, and scales and shifts what enters each block (Peebles & Xie
    2023).
    """

    shape: tuple[int, ...]
    width: int
    depth: int
    features: int
    feature_scale: float

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def embedding(self) -> NoiseEmbedding:
        return NoiseEmbedding(2 * self.features + 2 * self.width * self.depth)

    def shapes(self) -> Shapes:
        width = self.width
        shapes = self.embedding.shapes()
        if self.features:
            shapes["frequencies"] = (self.features, self.size)
        shapes |= {"in": (width, self.size + 2 * self.features), "in_bias": (width,)}
        for block in range(self.depth):
            shapes[f"{block}.up"] = (2 * width, width)
            shapes[f"{block}.up_bias"] = (2 * width,)
            shapes[f"{block}.down"] = (width, 2 * width)
        return shapes | {"out": (self.size, width), "out_bias": (self.size,)}

    def initial(self, generator: torch.Generator) -> Weights:
        weights = normal(self.shapes(), generator)
        if self.features:
            weights["frequencies"] *= self.feature_scale * self.size**0.5
        for block in range(self.depth):
            weights[f"{block}.down"] *= 0.5
        weights["embedding.out"] *= 0.1
        weights["out"] *= 0.1
        return weights

    def __call__(self, weights: Weights, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        told = self.embedding(weights, condition)
        gates, changes = told.split([2 * self.features, 2 * self.width * self.depth], 1)
        h = x.flatten(1)
        if self.features:
            # detached: the frequencies are where they were drawn
            angles = 2 * math.pi * (h @ weights["frequencies"].detach().t())
            h = torch.cat([h, torch.cat([angles.sin(), angles.cos()], 1) * (1 + gates)], 1)
        h = torch.addmm(weights["in_bias"], h, weights["in"].t())
        for block, change in enumerate(changes.view(-1, self.depth, 2, self.width).unbind(1)):
            scale, shift = change.unbind(1)
            own = layer_norm(h, (self.width,)) * (1 + scale) + shift
            hidden = silu(torch.addmm(weights[f"{block}.up_bias"], own, weights[f"{block}.up"].t()))
            h = torch.addmm(h, hidden, weights[f"{block}.down"].t())
        out = torch.addmm(weights["out_bias"], layer_norm(h, (self.width,)), weights["out"].t())
        return out.view(x.shape)

    def widest(self) -> int:
        return max(2 * self.width, self.size + 2 * self.features)


class Mlp(NetworkLearner):
    """Any pixel or coordinate may depend on any other, and no place is like another."""

    settings_class = MlpSettings
    plane = True

    @property
    def properties(self) -> dict[str, Any]:
        return {"receptive_field": None, "equivariant": False, "trained": True}

    def network(self, shape: tuple[int, ...]) -> MlpNetwork:
        settings = self.settings
        features = settings.features if len(shape) == 1 else 0
        return MlpNetwork(tuple(shape), settings.width, settings.depth, features, settings.feature_scale)

    def matching_machine(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]]:
        """Nothing keeps it from the optimum of its objective."""
        return "ideal", {}
