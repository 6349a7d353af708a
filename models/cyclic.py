"""The network of `vertices`: what each vertex of a polygon makes of itself, its neighbours and all others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn.functional import layer_norm, silu

from .edm import WAVES
from .network import HIDDEN, Shapes, Weights, normal
from .raster import beside, centres

# Waves of the pixel lattice that a vertex is given: sines and cosines of so many multiples of 2π row, column.
LATTICE = 2

# Nearest centres on either side that an edge is told of.
NEAREST = 2


# Farther than any centre, in pixels.
FAR = 1e3


class Ring(NamedTuple):
    """Which vertices there are, float[n, v, 1] of 0 and 1, and who is next, int64[n, v].

    The t vertices that there are, in a row: their places among all n v, whose they are, who is next to them
    and who before, int64[t] each.
    """

    real: torch.Tensor
    following: torch.Tensor
    places: torch.Tensor
    owner: torch.Tensor
    after: torch.Tensor
    before: torch.Tensor

    @classmethod
    def of(cls, count: torch.Tensor, most: int) -> Ring:
        """The ring of `count` int64[n] vertices out of `most`."""
        number = torch.arange(most, device=count.device)
        last = count[:, None] - 1
        real = number <= last
        following = torch.where(number < last, number + 1, 0)
        leading = torch.where(number > 0, number - 1, last.clamp_min(0))
        first = (count.cumsum(0) - count)[:, None]
        owner = torch.arange(len(count), device=count.device)[:, None].expand_as(real)
        return cls(
            real.float()[..., None],
            following,
            real.flatten().nonzero()[:, 0],
            owner[real],
            (first + following)[real],
            (first + leading)[real],
        )

    def next_to(self, x: torch.Tensor) -> torch.Tensor:
        """The vertex after each of x [n, v, c]."""
        return torch.gather(x, 1, self.following[..., None].expand(-1, -1, x.shape[2]))


@dataclass(frozen=True)
class CyclicNetwork:
    """`depth` residual perceptrons over (vertex, the next, the one before, the mean of all).

    Which vertex is the first makes no difference. A vertex is given its place, the waves of the pixel lattice
    there, the edge to the next vertex, how near the nearest centres on either side of the edge are, where
    along it and which, and how many centres the polygon holds. The noise level scales and shifts the hidden
    layers.
    """

    shape: tuple[int, ...]
    most: int
    width: int
    hidden: int
    depth: int

    @property
    def inputs(self) -> int:
        return 2 + 4 * LATTICE + 2 + 4 * NEAREST + 4 + 1

    def shapes(self) -> Shapes:
        shapes: Shapes = {
            "in": (self.width, self.inputs),
            "number": (self.most + 1, self.width),
            "embedding.in": (HIDDEN, 2 * WAVES + 1),
            "embedding.bias": (HIDDEN,),
            "embedding.out": (2 * self.depth * self.hidden, HIDDEN),
        }
        for layer in range(self.depth):
            shapes[f"{layer}.up"] = (self.hidden, 3 * self.width)
            shapes[f"{layer}.all"] = (self.hidden, self.width)
            shapes[f"{layer}.bias"] = (self.hidden,)
            shapes[f"{layer}.down"] = (self.width, self.hidden)
        return shapes | {"out": (2, self.width), "out_bias": (2,)}

    def initial(self, generator: torch.Generator) -> Weights:
        weights = normal(self.shapes(), generator)
        for layer in range(self.depth):
            weights[f"{layer}.down"] *= 0.5
        weights["embedding.out"] *= 0.1
        weights["out"] *= 0.1
        return weights

    def __call__(
        self,
        weights: Weights,
        scaled: torch.Tensor,
        x: torch.Tensor,
        sigma: torch.Tensor,
        known: torch.Tensor,
        count: torch.Tensor,
        ring: Ring,
    ) -> torch.Tensor:
        """[n, v, 2] for vertices x [n, v, 2] in pixels, the same `scaled`, and sigma [n, 1, 1] in pixels."""
        n = len(x)
        noise = silu(torch.addmm(weights["embedding.bias"], known, weights["embedding.in"].t()))
        changes = (noise @ weights["embedding.out"].t()).view(n, self.depth, 2, self.hidden)
        with torch.no_grad():
            features = self.features(scaled, x, sigma, ring).flatten(0, 1)[ring.places]
            share = 1.0 / ring.real.sum(1).clamp_min(1.0)
        h = features @ weights["in"].t() + weights["number"][count][ring.owner]
        for layer in range(self.depth):
            own = layer_norm(h, (self.width,))
            mean = share * own.new_zeros(n, self.width).index_add(0, ring.owner, own)
            seen = torch.cat([own, own[ring.after], own[ring.before]], 1)
            scale, shift = changes[:, layer].unbind(1)
            common = torch.addmm(weights[f"{layer}.bias"], mean, weights[f"{layer}.all"].t()) + shift
            hidden = seen @ weights[f"{layer}.up"].t()
            hidden = torch.addcmul(hidden + common[ring.owner], hidden, scale[ring.owner])
            h = torch.addmm(h, silu(hidden), weights[f"{layer}.down"].t())
        out = torch.addmm(weights["out_bias"], layer_norm(h, (self.width,)), weights["out"].t())
        return out.new_zeros(n * self.most, 2).index_copy(0, ring.places, out).view(n, self.most, 2)

    def features(
        self, scaled: torch.Tensor, x: torch.Tensor, sigma: torch.Tensor, ring: Ring
    ) -> torch.Tensor:
        """What a vertex is given: [n, v, inputs]."""
        parts = [scaled]
        for wave in range(1, LATTICE + 1):
            # Where the noise is wider than the wave it tells nothing.
            heard = torch.exp(-((2 * math.pi * wave * sigma) ** 2) / 4)
            angle = 2 * math.pi * wave * x
            parts += [angle.sin() * heard, angle.cos() * heard]
        following = ring.next_to(x)
        parts.append((following - x) / (3 * (1 + sigma)))
        depth, along = beside(x, following, self.shape)
        depth = torch.where(ring.real > 0, depth, FAR)
        least, line = depth.min(1, keepdim=True)
        # A centre belongs to the line it is least inside of; each line is told of the nearest on either side.
        own = line == torch.arange(self.most, device=x.device)[:, None]
        for side in (depth, -depth):
            distance = torch.where(own & (side >= 0), side, FAR)
            nearest = distance.topk(min(NEAREST, distance.shape[2]), dim=2, largest=False)
            weight = torch.exp(-1.5 * nearest.values)
            parts += [weight, weight * torch.gather(along, 2, nearest.indices).clamp(-1.0, 2.0)]
            first = centres(self.shape, x)[nearest.indices[..., 0]]
            parts.append(weight[..., :1] * (4 * first / x.new_tensor(self.shape) - 2))
        white = torch.sigmoid(6 * least).sum(2, keepdim=True) / math.prod(self.shape)
        parts.append((2 * white).expand(-1, self.most, 1))
        return torch.cat(parts, 2)
