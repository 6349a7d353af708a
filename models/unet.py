"""U-nets: residual blocks at falling resolution, attention at the lowest, and back up with skips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import layer_norm, scaled_dot_product_attention, silu

from .conv import odd
from .errors import ModelError
from .layers import convolve, doubled
from .network import Network, NoiseEmbedding, Shapes, Weights, normal
from .setting import setting
from .training import NetworkLearner, TrainingSettings


@dataclass(kw_only=True)
class UnetSettings(TrainingSettings):
    """Settings of `unet`."""

    steps: int = setting(800, "training steps", "steps", (0, 10**7))
    learning_rate: float = setting(5e-3, "peak learning rate of Adam", "", (1e-7, 1.0))
    width: int = setting(32, "channels at full resolution; twice as many below", "channels", (1, 2048))
    levels: int = setting(3, "resolutions; each has half the side of the one above", "levels", (1, 12))
    blocks: int = setting(1, "residual blocks at each resolution, down and up", "blocks", (1, 64))
    heads: int = setting(
        4,
        "attention heads at the lowest resolution, a divisor of its channels; 0 for none",
        "heads",
        (0, 256),
    )
    padding: str = setting("zeros", "what lies beyond the border", choices=("circular", "zeros"))

    def __post_init__(self) -> None:
        super().__post_init__()
        lowest = channels(self.width, self.levels - 1)
        if self.heads and lowest % self.heads:
            raise ModelError(
                f"`heads` must divide the {lowest} channels of the lowest resolution, "
                f"but got (heads={self.heads}, width={self.width}, levels={self.levels})"
            )


def channels(width: int, level: int) -> int:
    """Channels at a level; 0 is full resolution."""
    return width if level == 0 else 2 * width


@dataclass(frozen=True)
class UnetNetwork(Network):
    """Residual blocks down, attention, and residual blocks up again (Ho et al. 2020, appendix B).

    A block is a 3x3 convolution and a perceptron of one hidden layer in every pixel, both residual. The noise
    level scales and shifts what the convolution gives (Dhariwal & Nichol 2021, section 3). Normalised are
    the channels of each pixel, so that no pixel learns of another but by convolutions and attention. Down by
    a stride of 2, which leaves ceil(s / 2) of a side of s; up by doubling and cutting to the size of the
    skip: any size will do. Inside, pictures are float32[n, h, w, channels].
    """

    height: int
    breadth: int
    width: int
    levels: int
    blocks: int
    heads: int
    circular: bool

    def places(self) -> list[tuple[str, int]]:
        """Names and levels of the residual blocks, in the order they are gone through."""
        down = [(f"down.{level}.{i}", level) for level in range(self.levels) for i in range(self.blocks)]
        middle = [("middle", self.levels - 1)] if self.heads else []
        up = [
            (f"up.{level}.{i}", level) for level in range(self.levels - 1)[::-1] for i in range(self.blocks)
        ]
        return down + middle + up

    @property
    def embedding(self) -> NoiseEmbedding:
        return NoiseEmbedding(sum(2 * channels(self.width, level) for _, level in self.places()))

    def shapes(self) -> Shapes:
        shapes = self.embedding.shapes() | {"in": (self.width, 3, 3, 1), "in_bias": (self.width,)}
        for name, level in self.places():
            c = channels(self.width, level)
            shapes |= {f"{name}.kernel": (c, 3, 3, c), f"{name}.bias": (c,)}
            shapes |= {f"{name}.up": (2 * c, c), f"{name}.up_bias": (2 * c,), f"{name}.down": (c, 2 * c)}
        for level in range(self.levels - 1):
            c, below = channels(self.width, level), channels(self.width, level + 1)
            shapes |= {f"down.{level}": (below, 3, 3, c), f"down.{level}.bias": (below,)}
            shapes |= {f"skip.{level}": (c, c), f"up.{level}": (c, below)}
        if self.heads:
            c = channels(self.width, self.levels - 1)
            shapes |= {"attend": (3 * c, c), "project": (c, c)}
        return shapes | {"out": (1, self.width), "out_bias": (1,)}

    def initial(self, generator: torch.Generator) -> Weights:
        weights = normal(self.shapes(), generator)
        for name, _ in self.places():
            weights[f"{name}.down"] *= 0.5
        if self.heads:
            weights["project"] *= 0.5
        weights["embedding.out"] *= 0.1
        weights["out"] *= 0.1
        return weights

    def __call__(self, weights: Weights, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        told = self.embedding(weights, condition)
        sizes = [2 * channels(self.width, level) for _, level in self.places()]
        changes = dict(zip([name for name, _ in self.places()], told.split(sizes, 1), strict=True))
        h = convolve(x.unsqueeze(-1), weights["in"], weights["in_bias"], self.circular)
        skips: list[torch.Tensor] = []
        for level in range(self.levels):
            if level:
                above = f"down.{level - 1}"
                h = convolve(h, weights[above], weights[f"{above}.bias"], self.circular, 2)
            for i in range(self.blocks):
                name = f"down.{level}.{i}"
                h = self.block(weights, name, h, changes[name])
            skips.append(h)
        if self.heads:
            h = h + self.attention(weights, h)
            h = self.block(weights, "middle", h, changes["middle"])
        for level in range(self.levels - 1)[::-1]:
            skip = skips[level]
            # Both side by side through one matrix, as a sum: the lower one before it is doubled.
            below = doubled(h @ weights[f"up.{level}"].t(), skip.shape[1], skip.shape[2])
            h = skip @ weights[f"skip.{level}"].t() + below
            for i in range(self.blocks):
                name = f"up.{level}.{i}"
                h = self.block(weights, name, h, changes[name])
        return (h @ weights["out"].t() + weights["out_bias"]).squeeze(-1)

    def block(self, weights: Weights, name: str, h: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        size = h.shape[-1]
        scale, shift = change.view(-1, 2, 1, 1, size).unbind(1)
        own = convolve(
            layer_norm(h, (size,)), weights[f"{name}.kernel"], weights[f"{name}.bias"], self.circular
        )
        h = h + silu(layer_norm(own, (size,)) * (1 + scale) + shift)
        # As matrix products: faster to train than 1x1 convolutions.
        pixels = h.reshape(-1, size)
        hidden = silu(torch.addmm(weights[f"{name}.up_bias"], pixels, weights[f"{name}.up"].t()))
        return torch.addmm(pixels, hidden, weights[f"{name}.down"].t()).view(h.shape)

    def attention(self, weights: Weights, h: torch.Tensor) -> torch.Tensor:
        n, height, width, c = h.shape
        pixels = layer_norm(h, (c,)).view(n, height * width, c)
        parts = (pixels @ weights["attend"].t()).view(n, -1, 3, self.heads, c // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(n, -1, c)
        return (mixed @ weights["project"].t()).view(h.shape)

    def widest(self) -> int:
        return 2 * self.width * self.height * self.breadth


class Unet(NetworkLearner):
    """Far and near at once. Zeros: it can know its place; circular: its place within a coarsest pixel."""

    settings_class = UnetSettings

    @property
    def properties(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "receptive_field": None if settings.heads else field(settings.levels, settings.blocks),
            "equivariant": settings.padding == "circular" and settings.levels == 1,
            "trained": True,
        }

    def network(self, shape: tuple[int, ...]) -> UnetNetwork:
        settings = self.settings
        circular = settings.padding == "circular"
        return UnetNetwork(
            shape[0],
            shape[1],
            settings.width,
            settings.levels,
            settings.blocks,
            settings.heads,
            circular,
        )

    def matching_machine(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]] | None:
        """None where translates by a whole coarsest pixel, and no others, are alike to it."""
        known, whole = self.properties, 2 * max(shape) - 1
        reach = min(known["receptive_field"] or whole, whole)
        if self.settings.padding == "zeros":
            if reach == whole:
                return "ideal", {}
            return ("boundary_broken", {"patch": reach}) if self.settings.levels == 1 else None
        if not known["equivariant"]:
            return None
        if known["receptive_field"] is None:
            return "equivariant_ideal", {}
        return "equivariant_local", {"patch": min(reach, odd(max(shape)))}


def field(levels: int, blocks: int) -> int:
    """Side of the square of pixels that a pixel depends on at most, without attention."""

    def seen(level: int, low: int, high: int) -> tuple[int, int]:
        """The pixels of a level, as it is entered, that pixels low to high depend on as it is left."""
        reach = blocks
        if level == levels - 1:
            return low - reach, high + reach
        low, high = low - reach, high + reach  # on the way up
        a, b = seen(level + 1, low // 2, high // 2)
        a, b = min(low, 2 * a - 1), max(high, 2 * b + 1)
        return a - reach, b + reach  # on the way down

    most = 0
    for start in range(2**levels):
        low, high = seen(0, start, start)
        most = max(most, start - low, high - start)
    return 2 * (most + 1) + 1  # and the first convolution
