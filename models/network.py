"""Networks as functions of explicit weights, which can then be flattened, averaged and kept."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch.nn.functional import silu

from .edm import WAVES

Shapes = dict[str, tuple[int, ...]]
Weights = dict[str, torch.Tensor]

HIDDEN = 32


class Network(ABC):
    """A function of weights, noisy pictures and noise level."""

    @abstractmethod
    def shapes(self) -> Shapes:
        """Names and shapes of the weights."""

    @abstractmethod
    def initial(self, generator: torch.Generator) -> Weights:
        """Weights to start from."""

    @abstractmethod
    def __call__(self, weights: Weights, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """From x float32[n, h, w] and `condition` float32[n or 1, ...] to float32[n, h, w]."""

    @abstractmethod
    def widest(self) -> int:
        """Numbers in the largest layer for one picture: sets how many pictures are denoised together."""


@dataclass(frozen=True)
class NoiseEmbedding:
    """What a network makes of the noise level: a perceptron of one hidden layer, float32[n, size]."""

    size: int

    def shapes(self) -> Shapes:
        return {
            "embedding.in": (HIDDEN, 2 * WAVES + 1),
            "embedding.bias": (HIDDEN,),
            "embedding.out": (self.size, HIDDEN),
        }

    def __call__(self, weights: Weights, condition: torch.Tensor) -> torch.Tensor:
        hidden = silu(torch.addmm(weights["embedding.bias"], condition, weights["embedding.in"].t()))
        return hidden @ weights["embedding.out"].t()


def normal(shapes: Shapes, generator: torch.Generator) -> Weights:
    """Biases (one axis) 0, others normal with variance 1 / fan-in: the product of all axes but the first."""
    return {
        name: torch.randn(shape, generator=generator) / math.prod(shape[1:]) ** 0.5
        if len(shape) > 1
        else torch.zeros(shape)
        for name, shape in shapes.items()
    }


def unpack(flat: torch.Tensor, shapes: Shapes) -> Weights:
    """Views into a flat tensor, by name."""
    pieces = torch.split(flat, [math.prod(shape) for shape in shapes.values()])
    return {name: piece.view(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}
