"""Crafted for polygons: a denoiser of pixels that answers with vertices and draws them.

The network outputs a polygon, and the denoised picture is its soft drawing: the softer, the more noise there
is, and hard at the lowest level, where sampling ends. It is trained and sampled as every other diffusion
learner. Samples are crisp pictures of convex polygons before anything is learned: which ones is what there is
to learn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import layer_norm, logsigmoid, silu

from .errors import ModelError
from .learner import Array, Fitted, Stop
from .likelihood import Likelihood
from .network import Network, NoiseEmbedding, Shapes, Weights, normal
from .raster import beside
from .samplers import SAMPLERS
from .setting import setting
from .training import NetworkLearner, TrainedDiffusion, TrainingSettings

# Least share of the full turn between neighbouring vertices, seen from the polygon's centre.
LEAST_TURN = 0.02

# Softest drawing, in pixels: how far inside a side's line it has reached 0.73.
SOFTEST = 2.0

# Softness grows with the noise up to about this level, in units of white - black.
BLURRED = 1.0


@dataclass(kw_only=True)
class PolygonSettings(TrainingSettings):
    """Settings of `polygon`."""

    steps: int = setting(4000, "training steps", "steps", (0, 10**7))
    batch: int = setting(64, "examples in a training step", "examples", (1, 65536))
    learning_rate: float = setting(3e-3, "peak learning rate of Adam", "", (1e-7, 1.0))
    noise_mean: float = setting(
        -0.4, "process edm: mean of ln(sigma) in training", "ln(white - black)", (-10.0, 10.0)
    )
    noise_std: float = setting(
        1.0, "process edm: standard deviation of ln(sigma) in training", "", (0.0, 10.0)
    )
    prediction: str | None = setting("x0", "the network answers with the picture", choices=("x0",))
    sampler: str | None = setting("sde", "from noise to samples", choices=tuple(SAMPLERS))
    sampler_steps: int | None = setting(32, "steps of the sampler", "steps", (1, 10000))
    vertices: int = setting(6, "vertices of a polygon at most", "vertices", (3, 64))
    width: int = setting(256, "numbers in a layer", "channels", (1, 65536))
    depth: int = setting(3, "layers", "layers", (1, 64))


@dataclass(frozen=True)
class PolygonNetwork(Network):
    """`depth` residual perceptrons over all pixels, then a polygon and its drawing.

    The polygon is a centre, and vertices around it at increasing angles, each at its own distance; its
    drawing is the product over its sides of sigmoid(depth inside / softness), so what is drawn is always
    convex. Each side has its own softness. The answer is between -1 (black) and 1 (white).
    """

    shape: tuple[int, ...]
    vertices: int
    width: int
    depth: int
    hard: float

    @property
    def embedding(self) -> NoiseEmbedding:
        return NoiseEmbedding(2 * self.width * self.depth)

    def shapes(self) -> Shapes:
        shapes = self.embedding.shapes() | {"in": (self.width, math.prod(self.shape))}
        for layer in range(self.depth):
            shapes[f"{layer}.up"] = (self.width, self.width)
            shapes[f"{layer}.bias"] = (self.width,)
            shapes[f"{layer}.down"] = (self.width, self.width)
        return shapes | {"out": (3 + 3 * self.vertices, self.width), "out_bias": (3 + 3 * self.vertices,)}

    def initial(self, generator: torch.Generator) -> Weights:
        weights = normal(self.shapes(), generator)
        for layer in range(self.depth):
            weights[f"{layer}.down"] *= 0.5
        weights["embedding.out"] *= 0.1
        weights["out"] *= 0.1
        return weights

    def __call__(self, weights: Weights, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        sigma = torch.exp(4 * condition[:, :1, None])  # the condition begins with ln(sigma) / 4
        return 2 * self.drawing(*self.polygon(weights, x, condition), sigma) - 1

    def polygon(
        self, weights: Weights, x: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Vertices float[n, v, 2] as (row, column), clockwise, and their sides' softness [n, v, 1]."""
        changes = self.embedding(weights, condition).view(len(condition), self.depth, 2, self.width)
        h = x.flatten(1) @ weights["in"].t()
        for layer, change in enumerate(changes.unbind(1)):
            scale, shift = change.unbind(1)
            own = torch.addcmul(layer_norm(h, (self.width,)) + shift, layer_norm(h, (self.width,)), scale)
            hidden = silu(torch.addmm(weights[f"{layer}.bias"], own, weights[f"{layer}.up"].t()))
            h = torch.addmm(h, hidden, weights[f"{layer}.down"].t())
        out = torch.addmm(weights["out_bias"], layer_norm(h, (self.width,)), weights["out"].t())
        middle, turn, rest = out.split([2, 1, 3 * self.vertices], 1)
        gaps, lengths, softness = rest.view(-1, 3, self.vertices).unbind(1)
        share = LEAST_TURN + (1 - LEAST_TURN * self.vertices) * gaps.softmax(1)
        angle = 2 * math.pi * (share.cumsum(1) + turn)
        unit = x.new_tensor(self.shape) / 4
        ray = torch.stack([angle.sin(), angle.cos()], 2) * lengths.clamp(-4, 2).exp()[..., None]
        centre = (x.new_tensor(self.shape) - 1) / 2 + unit * middle
        return centre[:, None] + unit * ray, softness.clamp(-4, 2).exp()[..., None]

    def drawing(self, vertices: torch.Tensor, softness: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """The polygon as a picture float[n, h, w], hard where sigma is not above `hard`."""
        depth, _ = beside(vertices, vertices.roll(-1, 1), self.shape)
        blur = SOFTEST * sigma / (sigma + BLURRED) * softness
        soft = logsigmoid(depth / blur).sum(1).exp()
        hard = (depth.amin(1) >= 0).to(soft.dtype)
        return torch.where(sigma[:, 0] <= self.hard, hard, soft).view(-1, *self.shape)

    def widest(self) -> int:
        return 2 * self.vertices * math.prod(self.shape) + 2 * self.width


class FittedPolygon(TrainedDiffusion):
    """A trained denoiser that draws."""

    def likelihood(self, x: Array, seed: int = 0, probes: int | None = None) -> Likelihood:
        raise ModelError(
            "polygon has no log-likelihood: a drawing that is hard at the end has no smooth flow"
        )


class Polygon(NetworkLearner):
    """Answers every picture with a polygon: what is no polygon it cannot learn."""

    settings_class = PolygonSettings

    @property
    def properties(self) -> dict[str, Any]:
        return {"receptive_field": None, "equivariant": False, "trained": True, "crafted": True}

    def network(self, shape: tuple[int, ...]) -> PolygonNetwork:
        settings = self.settings
        # A little above the lowest level, which the network is told with the rounding of float32.
        hard = 1.001 * settings.bounds[0]
        return PolygonNetwork(tuple(shape), settings.vertices, settings.width, settings.depth, hard)

    def fit_population(
        self,
        examples: list[NDArray[np.float32]],
        seeds: list[int],
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
        population: int | None,
    ) -> list[Fitted]:
        """As every network; members that draw are told apart."""
        members = super().fit_population(examples, seeds, checkpoints, stop, device, population)
        for member in members:
            if isinstance(member, TrainedDiffusion):
                for kept in (member, *member.checkpoints.values()):
                    kept.__class__ = FittedPolygon
        return members
