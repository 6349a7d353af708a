"""Transformers: every patch of a picture attends to every other, and each knows its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import layer_norm, pad, scaled_dot_product_attention, silu

from .conv import odd
from .errors import ModelError
from .network import Network, NoiseEmbedding, Shapes, Weights, normal
from .places import count_offsets, offsets, sinusoids, window
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

    positions: str = setting(
        "learned", "how a patch knows its place", choices=("learned", "sinusoidal", "relative", "none")
    )
    window: int | None = setting(
        None, "how far a patch attends; when not given to all of them", "patches", (0, 1024)
    )
    border: str = setting(
        "closed",
        "where relative positions and windows end: at the border, or go on at the opposite one",
        choices=("closed", "circular"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise ModelError(f"`heads` must divide `width`, but got (heads={self.heads}, width={self.width})")
        if self.border == "circular" and self.positions != "relative" and self.window is None:
            raise ModelError(
                "border=circular needs positions=relative or a window, "
                f"but got (positions={self.positions}, window=None)"
            )


@dataclass(frozen=True)
class TransformerNetwork(Network):
    """Patches as tokens that know their places, through `depth` blocks (Vaswani et al. 2017, pre-norm).

    Places are added to the tokens, learned or as sinusoids, or stand as a learned number for each offset and
    head beside what a patch is asked for (Raffel et al. 2020, section 2.1, per axis as in Liu et al. 2021,
    eq. 4), or are not known.

    The noise level scales and shifts what enters each attention and each perceptron (Peebles & Xie 2023).
    Pictures whose sides are no multiples of the patch are filled up with zeros, which are cut off again.
    """

    height: int
    width: int
    patch: int
    channels: int
    depth: int
    heads: int
    positions: str = "learned"
    window: int | None = None
    circular: bool = False

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
        kinds = count_offsets(self.rows, self.columns, self.circular)
        shapes = self.embedding.shapes()
        shapes["in"] = (c, pixels)
        if self.positions == "learned":
            shapes["positions"] = (self.rows * self.columns, c)
        for block in range(self.depth):
            if self.positions == "relative":
                shapes[f"{block}.relative"] = (self.heads, kinds)
            shapes[f"{block}.attend"] = (3 * c, c)
            shapes[f"{block}.project"] = (c, c)
            shapes[f"{block}.up"] = (2 * c, c)
            shapes[f"{block}.up_bias"] = (2 * c,)
            shapes[f"{block}.down"] = (c, 2 * c)
        return shapes | {"out": (pixels, c), "out_bias": (pixels,)}

    def initial(self, generator: torch.Generator) -> Weights:
        weights = normal(self.shapes(), generator)
        kinds = count_offsets(self.rows, self.columns, self.circular)
        for block in range(self.depth):
            weights[f"{block}.project"] *= 0.5
            weights[f"{block}.down"] *= 0.5
            if self.positions == "relative":
                weights[f"{block}.relative"] *= kinds**0.5  # a head prefers some offsets from the start
        weights["embedding.out"] *= 0.1
        weights["out"] *= 0.1
        return weights

    def __call__(self, weights: Weights, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        changes = self.embedding(weights, condition).view(len(condition), 2 * self.depth, 2, 1, self.channels)
        h = self.placed(weights, self.tokens(x) @ weights["in"].t())
        for block in range(self.depth):
            h = h + self.attention(weights, block, self.changed(h, changes[:, 2 * block]))
            own = self.changed(h, changes[:, 2 * block + 1])
            hidden = silu(own @ weights[f"{block}.up"].t() + weights[f"{block}.up_bias"])
            h = h + hidden @ weights[f"{block}.down"].t()
        return self.picture(layer_norm(h, (self.channels,)) @ weights["out"].t() + weights["out_bias"])

    def placed(self, weights: Weights, h: torch.Tensor) -> torch.Tensor:
        """Tokens with their places."""
        if self.positions == "learned":
            return h + weights["positions"]
        if self.positions == "sinusoidal":
            return h + torch.from_numpy(sinusoids(self.rows, self.columns, self.channels)).to(h.device)
        return h

    def mask(self, weights: Weights, block: int, device: torch.device) -> torch.Tensor | None:
        """What is added to the logits of attention, float32[heads or 1, tokens, tokens]; None for nothing."""
        lattice = (self.rows, self.columns, self.circular)
        added = None
        if self.positions == "relative":
            number = torch.from_numpy(offsets(*lattice)).to(device)
            added = weights[f"{block}.relative"][:, number]
        if self.window is not None:
            near = torch.from_numpy(window(*lattice, self.window)).to(device)
            start = torch.zeros((1, *near.shape), device=device) if added is None else added
            added = start.masked_fill(~near, -torch.inf)
        return added

    def changed(self, h: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        scale, shift = change.unbind(1)
        return layer_norm(h, (self.channels,)) * (1 + scale) + shift

    def attention(self, weights: Weights, block: int, h: torch.Tensor) -> torch.Tensor:
        n, tokens, channels = h.shape
        parts = (h @ weights[f"{block}.attend"].t()).view(n, tokens, 3, self.heads, channels // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mask = self.mask(weights, block, h.device)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask)
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
    """Global and position-aware: it can learn a set by heart. Less of either by `window` and `positions`."""

    settings_class = TransformerSettings

    @property
    def properties(self) -> dict[str, Any]:
        return {"receptive_field": self.field, "equivariant": self.equivariant, "trained": True}

    @property
    def field(self) -> int | None:
        """Pixels seen on a side at most: patches within `depth` windows, and all of the pixels in them."""
        settings = self.settings
        if settings.window is None:
            return None
        patches = settings.depth * settings.window + 1
        return 2 * (patches * (settings.patch or 2) - 1) + 1

    @property
    def equivariant(self) -> bool:
        """Under translations by any number of pixels, on every grid: only where a patch is a pixel."""
        settings = self.settings
        if settings.patch != 1 or settings.positions in ("learned", "sinusoidal"):
            return False
        # Without places and windows not only translations but all permutations of the pixels are alike.
        return bool(
            settings.border == "circular" or (settings.positions == "none" and settings.window is None)
        )

    def patch(self, shape: tuple[int, ...]) -> int:
        """Side of a patch on pictures of this shape."""
        return int(self.settings.patch or (1 if shape[0] * shape[1] <= SMALL else 2))

    def network(self, shape: tuple[int, ...]) -> TransformerNetwork:
        settings = self.settings
        return TransformerNetwork(
            shape[0],
            shape[1],
            self.patch(shape),
            settings.width,
            settings.depth,
            settings.heads,
            settings.positions,
            settings.window,
            settings.border == "circular",
        )

    def matching_machine(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]] | None:
        """None where no machine has the same symmetry: places not known, or known in whole patches only."""
        settings, circular = self.settings, self.settings.border == "circular"
        placed = settings.positions in ("learned", "sinusoidal")
        if settings.positions == "none":
            return None  # the pixels of a window may be permuted at will, and no machine is as blind
        if settings.window is None:
            if not circular:
                return "ideal", {}  # nothing keeps it from the optimum of its objective
            return ("equivariant_ideal", {}) if settings.patch == 1 else None
        if self.patch(shape) > 1 or (placed and circular):
            return None
        side = 2 * settings.depth * settings.window + 1
        if circular:
            # Stated for every grid, so a patch that is a pixel here only is not called equivariant.
            return ("equivariant_local", {"patch": min(side, odd(max(shape)))}) if self.equivariant else None
        return "local" if placed else "boundary_broken", {"patch": min(side, 2 * max(shape) - 1)}
