"""Autoregressive transformer: pixel after pixel in raster order, with an exact likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    layer_norm,
    scaled_dot_product_attention,
    silu,
)

from .errors import ModelError
from .families import Family, FamilyLearner
from .network import Shapes, Weights, normal
from .noise import Noise
from .optimise import Chance, OptimiseSettings
from .setting import setting


@dataclass(kw_only=True)
class AutoregressiveSettings(OptimiseSettings):
    """Settings of `autoregressive`."""

    steps: int = setting(600, "training steps", "steps", (0, 10**7))
    batch: int = setting(16, "examples in a training step", "examples", (1, 65536))
    width: int = setting(32, "numbers in a token", "channels", (1, 4096))
    depth: int = setting(2, "blocks of attention and perceptron", "blocks", (1, 64))
    heads: int = setting(4, "attention heads; a divisor of the width", "heads", (1, 256))
    positions: str = setting(
        "both",
        "what attention knows of places: learned places, distances (row and column), or both",
        choices=("learned", "relative", "both"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise ModelError(f"`heads` must divide `width`, but got (heads={self.heads}, width={self.width})")


@dataclass(frozen=True)
class Autoregressive(Family):
    """p(x) = product over pixels i of p(x_i | x_1 .. x_(i-1)), by a causal transformer.

    The factorisation of van den Oord et al. 2016 ("Pixel recurrent neural networks", eq. 1), the transformer
    of Chen et al. 2020 ("Generative pretraining from pixels"), pre-norm blocks. Token i carries pixel i - 1
    (a token of its own begins) and answers for pixel i; it sees tokens up to i. Distances are a learned bias
    for each head, row difference and column difference between the pixel asked and the pixel carried.
    """

    shape: tuple[int, ...]
    settings: AutoregressiveSettings

    def shapes(self) -> Shapes:
        c, s = self.settings.width, self.settings
        shapes: Shapes = {"token": (3, c)}  # black, white, and the one before all pixels
        if s.positions != "relative":
            shapes["positions"] = (self.size, c)
        for block in range(s.depth):
            if s.positions != "learned":
                shapes[f"{block}.distance"] = (s.heads, self.distances())
            shapes[f"{block}.attend"] = (3 * c, c)
            shapes[f"{block}.project"] = (c, c)
            shapes[f"{block}.up"] = (2 * c, c)
            shapes[f"{block}.up_bias"] = (2 * c,)
            shapes[f"{block}.down"] = (c, 2 * c)
        return shapes | {"out": (1, c), "out_bias": (1,)}

    def initial(self, generator: torch.Generator, examples: torch.Tensor) -> Weights:
        weights = normal(self.shapes(), generator)
        weights["token"] *= self.settings.width**0.5
        for block in range(self.settings.depth):
            weights[f"{block}.project"] *= 0.5
            weights[f"{block}.down"] *= 0.5
            if f"{block}.distance" in weights:
                weights[f"{block}.distance"] *= 0.0
        weights["out"] *= 0.1
        return weights

    def distances(self) -> int:
        """Differences of place that occur, and one for the token before all pixels."""
        return self.shape[0] * (2 * self.shape[1] - 1) + 1

    @cached_property
    def pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """For [asked, carried]: the entry of their distance, and -inf where it is yet to come, else 0."""
        asked, wide = torch.arange(self.size)[:, None], self.shape[1]
        token = torch.arange(self.size)[None, :]
        carried = token - 1
        down, across = asked // wide - carried // wide, asked % wide - carried % wide
        # below lies only what is yet to come: any entry serves
        entry = down.clamp(min=0) * (2 * wide - 1) + across + wide - 1
        future = torch.zeros(self.size, self.size).masked_fill(token > asked, -torch.inf)
        return torch.where(token == 0, self.distances() - 1, entry), future

    def biases(self, weights: Weights, block: int, like: torch.Tensor) -> torch.Tensor:
        """What is added to attention, [heads or 1, asked, carried]: the causal mask, and distances."""
        entry, future = (part.to(like.device) for part in self.pairs)
        if f"{block}.distance" not in weights:
            return future.to(like.dtype)[None]
        return weights[f"{block}.distance"][:, entry] + future.to(like.dtype)

    def heads(self, x: torch.Tensor) -> torch.Tensor:
        """[n, tokens, c] as [n, heads, tokens, c / heads]."""
        own = self.settings.width // self.settings.heads
        return x.view(*x.shape[:2], self.settings.heads, own).transpose(1, 2)

    def embedded(self, weights: Weights, pixels: torch.Tensor, start: int) -> torch.Tensor:
        """Tokens for int[n, t] (0 black, 1 white, 2 before all); the first answers for pixel `start`."""
        h = weights["token"][pixels]
        if "positions" in weights:
            h = h + weights["positions"][start : start + pixels.shape[1]]
        return h

    def perceptron(self, weights: Weights, block: int, h: torch.Tensor) -> torch.Tensor:
        inner = layer_norm(h, h.shape[-1:]) @ weights[f"{block}.up"].t() + weights[f"{block}.up_bias"]
        return silu(inner) @ weights[f"{block}.down"].t()

    def answer(self, weights: Weights, h: torch.Tensor) -> torch.Tensor:
        """Logits [n, tokens] of white."""
        return (layer_norm(h, h.shape[-1:]) @ weights["out"].t() + weights["out_bias"]).squeeze(-1)

    def logits(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        """Logit of every pixel given those before it, [n, d], all at once."""
        first = torch.full((len(x), 1), 2, device=x.device)
        h = self.embedded(weights, torch.cat([first, x[:, :-1].long()], 1), 0)
        for block in range(self.settings.depth):
            parts = layer_norm(h, h.shape[-1:]) @ weights[f"{block}.attend"].t()
            query, key, value = (self.heads(part) for part in parts.chunk(3, 2))
            mask = self.biases(weights, block, h)
            mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask)
            h = h + mixed.transpose(1, 2).reshape(h.shape) @ weights[f"{block}.project"].t()
            h = h + self.perceptron(weights, block, h)
        return self.answer(weights, h)

    def loss(self, weights: Weights, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """Minus ln p in nats per picture."""
        return -self.log_prob(weights, x).mean()

    def log_prob(self, weights: Weights, x: torch.Tensor) -> torch.Tensor:
        """The exact ln p of pictures of 0 and 1."""
        if not ((x == 0) | (x == 1)).all():
            raise ModelError("autoregressive gives probabilities of pictures of 0 and 1 only")
        logits = self.logits(weights, x)
        return -binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)

    def noise(self) -> int:
        return self.size

    def states(self, weights: Weights, noise: Noise, steps: int) -> Iterator[torch.Tensor]:
        """Pixel by pixel: white where the share of normal noise below its own is less than p(white)."""
        u = torch.special.ndtr(noise.draw())
        n, s = len(u), self.settings
        biases = [self.biases(weights, block, u) for block in range(s.depth)]
        # what earlier tokens offer to attention: computed once, when they come
        shape = (s.depth, n, s.heads, self.size, s.width // s.heads)
        keys, values = u.new_empty(shape), u.new_empty(shape)
        x = torch.zeros_like(u)
        pixel = torch.full((n, 1), 2, device=u.device)
        for i in range(self.size):
            h = self.embedded(weights, pixel, i)
            for block in range(s.depth):
                parts = layer_norm(h, h.shape[-1:]) @ weights[f"{block}.attend"].t()
                query, key, value = (self.heads(part) for part in parts.chunk(3, 2))
                keys[block, :, :, i], values[block, :, :, i] = key[:, :, 0], value[:, :, 0]
                mixed = scaled_dot_product_attention(
                    query,
                    keys[block, :, :, : i + 1],
                    values[block, :, :, : i + 1],
                    attn_mask=biases[block][:, i : i + 1, : i + 1],
                )
                h = h + mixed.transpose(1, 2).reshape(h.shape) @ weights[f"{block}.project"].t()
                h = h + self.perceptron(weights, block, h)
            x[:, i] = (u[:, i] < self.answer(weights, h)[:, 0].sigmoid()).float()
            pixel = x[:, i : i + 1].long()
        yield x

    def widest(self) -> int:
        return 2 * self.settings.width * self.settings.depth * self.size


class AutoregressiveLearner(FamilyLearner):
    """An exact likelihood, and one order of pixels, which is neither up nor left."""

    settings_class = AutoregressiveSettings
    plane = False

    def family(self, shape: tuple[int, ...]) -> Autoregressive:
        return Autoregressive(shape, self.settings)
