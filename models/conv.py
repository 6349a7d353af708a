"""Convolutions: what a pixel becomes depends on its surroundings, and on where it is only by the padding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import conv2d, silu

from .setting import setting
from .training import Network, NetworkLearner, TrainingSettings

WAVES = 8


@dataclass(kw_only=True)
class ConvSettings(TrainingSettings):
    """Settings of `conv`."""

    width: int = setting(24, "channels of a hidden layer", "channels", (1, 4096))
    depth: int = setting(
        4, "3x3 convolutions in a row; the receptive field is 2 depth + 1", "layers", (1, 64)
    )
    padding: str = setting("circular", "what lies beyond the border", choices=("circular", "zeros"))


@dataclass(frozen=True)
class ConvNetwork(Network):
    """`depth` 3x3 convolutions, the inner ones residual; the noise level scales and shifts every channel."""

    width: int
    depth: int
    circular: bool
    pixels: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        width, hidden = self.width, self.depth - 1
        shapes: dict[str, tuple[int, ...]] = {
            "noise.in": (2 * WAVES + 1, 32),
            "noise.bias": (32,),
            "noise.out": (32, 2 * width * hidden),
        }
        before = 1
        for layer in range(self.depth):
            after = width if layer < hidden else 1
            shapes[f"{layer}.kernel"] = (after, before, 3, 3)
            shapes[f"{layer}.bias"] = (after,)
            before = after
        return shapes

    def initial(self, generator: torch.Generator) -> dict[str, torch.Tensor]:
        weights = {}
        for name, shape in self.shapes().items():
            fan_in = shape[0] if name.startswith("noise") else math.prod(shape[1:])
            weights[name] = torch.randn(shape, generator=generator) * fan_in**-0.5
            if name.endswith("bias"):
                weights[name] = torch.zeros(shape)
        weights["noise.out"] *= 0.1
        weights[f"{self.depth - 1}.kernel"] *= 0.1
        return weights

    def __call__(
        self, weights: dict[str, torch.Tensor], x: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        condition = (
            silu(torch.addmm(weights["noise.bias"], waves(noise), weights["noise.in"])) @ weights["noise.out"]
        )
        changes = condition.view(len(noise), self.depth - 1, 2, self.width, 1, 1).unbind(1)
        h = x.unsqueeze(1)
        for layer, change in enumerate(changes):
            scale, shift = change.unbind(1)
            out = self.convolve(h, weights[f"{layer}.kernel"], weights[f"{layer}.bias"])
            out = silu(torch.addcmul(out + shift, out, scale))
            h = h + out if layer else out
        return self.convolve(
            h, weights[f"{self.depth - 1}.kernel"], weights[f"{self.depth - 1}.bias"]
        ).squeeze(1)

    def convolve(self, x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        if not self.circular:
            return conv2d(x, kernel, bias, padding=1)
        # By concatenation: torch.nn.functional.pad takes longer than the convolution.
        x = torch.cat([x[..., -1:], x, x[..., :1]], -1)
        return conv2d(torch.cat([x[..., -1:, :], x, x[..., :1, :]], -2), kernel, bias)

    def widest(self) -> int:
        return self.width * self.pixels


def waves(noise: torch.Tensor) -> torch.Tensor:
    """c_noise as float32[n, 2 WAVES + 1]: itself, and sines and cosines of its multiples."""
    angles = noise[:, None] * torch.arange(1, WAVES + 1, dtype=noise.dtype, device=noise.device)
    return torch.cat([noise[:, None], angles.sin(), angles.cos()], 1)


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
            return "equivariant_local", {"patch": min(field, max(shape))}
        return "boundary_broken", {"patch": min(field, 2 * max(shape) - 1)}
