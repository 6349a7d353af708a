"""Transformers: every patch of a picture attends to every other, and each knows its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import layer_norm, pad, scaled_dot_product_attention, silu

from .errors import ModelError
from .network import Network, NoiseEmbedding, Shapes, Weights, normal
from .setting import setting
from .training import NetworkLearner, TrainingSettings

# Pixels up to which every pixel is a token of its own.
SMALL = 100


@dataclass(kw_only=True)
class TransformerSettings(TrainingSettings):
    """Settings of `transformer`."""

    steps: int = setting(1200, "training steps", "steps", (0, 10**7))
    learning_rate: float = setting(6e-3, "peak learning rate of Adam", "", (1e-7, 1.0))
    noise_mean: float = setting(-1.2, "mean of ln(sigma) in training", "ln(white - black)", (-10.0, 10.0))
    noise_std: float = setting(1.2, "standard deviation of ln(sigma) in training", "", (0.0, 10.0))
    width: int = setting(32, "numbers in a token", "channels", (1, 4096))
    depth: int = setting(2, "blocks of attention and perceptron", "blocks", (1, 64))
    heads: int = setting(2, "attention heads; a divisor of the width", "heads", (1, 256))
    patch: int | None = setting(
        None, f"side of a patch; when not given 1 up to {SMALL} pixels, 2 beyond", "pixels", (1, 64)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise ModelError(f"`heads` must divide `width`, but got (heads={self.heads}, width={self.width})")


@dataclass(frozen=True)
class TransformerNetwork(Network):
    """Patches as tokens with learned positions, through `depth` blocks (Vaswani et al. 2017, pre-norm).

    The noise level scales and shifts what enters each attention and each perceptron (Peebles & Xie 2023).
    Pictures whose sides are no multiples of the patch are filled up with zeros, which are cut off again.
    """

    height: int
    width: int
    patch: int
    channels: int
    depth: int
    heads: int

    @property
    def rows(self) -> int:
        return -(-self.height // self.patch)

    @property
    def columns(self) -> int:
        return -(-self.width // self.patch)

    @property
    def embedding(self) -> NoiseEmbedding:
        return NoiseEmbedding(4 * self.channels * self.depth)

    def shapes(self) -> Shapes:
        c, pixels = self.channels, self.patch**2
        shapes = self.embedding.shapes()
        shapes |= {"in": (c, pixels), "positions": (self.rows * self.columns, c)}
        for block in range(self.depth):
            shapes[f"{block}.attend"] = (3 * c, c)
            shapes[f"{block}.project"] = (c, c)
            shapes[f"{block}.up"] = (2 * c, c)
            shapes[f"{block}.up_bias"] = (2 * c,)
            shapes[f"{block}.down"] = (c, 2 * c)
        return shapes | {"out": (pixels, c), "out_bias": (pixels,)}

    def initial(self, generator: torch.Generator) -> Weights:
        weights = normal(self.shapes(), generator)
        for block in range(self.depth):
            weights[f"{block}.project"] *= 0.5
            weights[f"{block}.down"] *= 0.5
        weights["embedding.out"] *= 0.1
        weights["out"] *= 0.1
        return weights

    def __call__(self, weights: Weights, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        changes = self.embedding(weights, condition).view(len(condition), 2 * self.depth, 2, 1, self.channels)
        h = self.tokens(x) @ weights["in"].t() + weights["positions"]
        for block in range(self.depth):
            h = h + self.attention(weights, block, self.changed(h, changes[:, 2 * block]))
            own = self.changed(h, changes[:, 2 * block + 1])
            hidden = silu(own @ weights[f"{block}.up"].t() + weights[f"{block}.up_bias"])
            h = h + hidden @ weights[f"{block}.down"].t()
        return self.picture(layer_norm(h, (self.channels,)) @ weights["out"].t() + weights["out_bias"])

    def changed(self, h: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        scale, shift = change.unbind(1)
        return layer_norm(h, (self.channels,)) * (1 + scale) + shift

    def attention(self, weights: Weights, block: int, h: torch.Tensor) -> torch.Tensor:
        n, tokens, channels = h.shape
        parts = (h @ weights[f"{block}.attend"].t()).view(n, tokens, 3, self.heads, channels // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value)
        return mixed.transpose(1, 2).reshape(n, tokens, channels) @ weights[f"{block}.project"].t()

    def tokens(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures float32[n, h, w] as tokens float32[n, rows * columns, patch**2]."""
        if self.patch == 1:
            return x.reshape(len(x), -1, 1)
        p = self.patch
        x = pad(x, (0, self.columns * p - self.width, 0, self.rows * p - self.height))
        cut = x.view(len(x), self.rows, p, self.columns, p).transpose(2, 3)
        return cut.reshape(len(x), self.rows * self.columns, p * p)

    def picture(self, tokens: torch.Tensor) -> torch.Tensor:
        """The inverse of `tokens`."""
        n, p = len(tokens), self.patch
        cut = tokens.view(n, self.rows, self.columns, p, p).transpose(2, 3)
        return cut.reshape(n, self.rows * p, self.columns * p)[:, : self.height, : self.width]

    def widest(self) -> int:
        return 3 * self.channels * self.rows * self.columns


class Transformer(NetworkLearner):
    """Global and position-aware: it can learn a set by heart."""

    settings_class = TransformerSettings

    @property
    def properties(self) -> dict[str, Any]:
        return {"receptive_field": None, "equivariant": False, "trained": True}

    def network(self, shape: tuple[int, ...]) -> TransformerNetwork:
        settings = self.settings
        patch = settings.patch or (1 if shape[0] * shape[1] <= SMALL else 2)
        return TransformerNetwork(shape[0], shape[1], patch, settings.width, settings.depth, settings.heads)

    def matching_machine(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]]:
        """Nothing keeps it from the optimum of its objective."""
        return "ideal", {}
