"""Convolutions: what a pixel becomes depends on its surroundings, and on where it is only by the padding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import silu

from .layers import convolve
from .network import Network, NoiseEmbedding, normal
from .setting import setting
from .training import NetworkLearner, TrainingSettings


@dataclass(kw_only=True)
class ConvSettings(TrainingSettings):
    """Settings of `conv`."""

    width: int = setting(32, "channels of a hidden layer", "channels", (1, 4096))
    depth: int = setting(2, "3x3 convolutions; the receptive field is 2 x depth + 1", "layers", (1, 64))
    padding: str = setting("circular", "what lies beyond the border", choices=("circular", "zeros"))


@dataclass(frozen=True)
class ConvNetwork(Network):
    """`depth` 3x3 convolutions, each followed by a perceptron of one hidden layer in every pixel.

    The noise level scales and shifts every channel after a convolution. All but the first convolution, and
    all perceptrons, are residual. Inside, pictures are float32[n, h, w, channels].
    """

    width: int
    depth: int
    circular: bool
    pixels: int

    @property
    def embedding(self) -> NoiseEmbedding:
        return NoiseEmbedding(2 * self.width * self.depth)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        width = self.width
        shapes = self.embedding.shapes()
        for layer in range(self.depth):
            shapes[f"{layer}.kernel"] = (width, 3, 3, width if layer else 1)
            shapes[f"{layer}.bias"] = (width,)
            shapes[f"{layer}.up"] = (2 * width, width)
            shapes[f"{layer}.up_bias"] = (2 * width,)
            shapes[f"{layer}.down"] = (width, 2 * width)
        return shapes | {"out": (1, width), "out_bias": (1,)}

    def initial(self, generator: torch.Generator) -> dict[str, torch.Tensor]:
        weights = normal(self.shapes(), generator)
        for layer in range(self.depth):
            weights[f"{layer}.down"] *= 0.5
        weights["embedding.out"] *= 0.1
        weights["out"] *= 0.1
        return weights

    def __call__(
        self, weights: dict[str, torch.Tensor], x: torch.Tensor, condition: torch.Tensor
    ) -> torch.Tensor:
        changes = self.embedding(weights, condition).view(len(condition), self.depth, 2, 1, 1, self.width)
        h = x.unsqueeze(-1)
        for layer, change in enumerate(changes.unbind(1)):
            scale, shift = change.unbind(1)
            out = convolve(h, weights[f"{layer}.kernel"], weights[f"{layer}.bias"], self.circular)
            out = silu(torch.addcmul(out + shift, out, scale))
            h = h + out if layer else out
            # As matrix products: three times faster to train than 1x1 convolutions.
            pixels = h.reshape(-1, self.width)
            hidden = silu(torch.addmm(weights[f"{layer}.up_bias"], pixels, weights[f"{layer}.up"].t()))
            h = torch.addmm(pixels, hidden, weights[f"{layer}.down"].t()).view(h.shape)
        return (h @ weights["out"].t() + weights["out_bias"]).squeeze(-1)

    def widest(self) -> int:
        return 2 * self.width * self.pixels


class Conv(NetworkLearner):
    """Circular padding: equivariant under translations. Zeros: it can know how far the border is."""

    settings_class = ConvSettings

    @property
    def properties(self) -> dict[str, Any]:
        return {
            "receptive_field": 2 * self.settings.depth + 1,
            "equivariant": self.settings.padding == "circular",
            "trained": True,
        }

    def network(self, shape: tuple[int, ...]) -> ConvNetwork:
        settings = self.settings
        return ConvNetwork(settings.width, settings.depth, settings.padding == "circular", math.prod(shape))

    def matching_machine(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]]:
        field = 2 * self.settings.depth + 1
        if self.settings.padding == "circular":
            return "equivariant_local", {"patch": min(field, odd(max(shape)))}
        return "boundary_broken", {"patch": min(field, 2 * max(shape) - 1)}


def odd(length: int) -> int:
    """The least odd number that is not below."""
    return length + 1 - length % 2
