"""Crafted for polygons: backward Langevin dynamics of a polygon's vertices, drawn hard at the end.

Training pictures are traced back to polygons (`tracing.py`). How many vertices a sample has is drawn first;
its vertices then go from noise to their places by the reverse SDE that pixels go by in other learners, and
what they enclose is white. Samples are pictures of convex polygons before anything is learned: which ones is
what there is to learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .cyclic import CyclicNetwork, Ring
from .edm import condition
from .families import Family, FamilyLearner, FittedFamily
from .learner import Fitted, Stop
from .network import Weights
from .noise import Noise
from .optimise import CHUNK, Chance, Optimisation, OptimiseSettings
from .raster import drawn
from .setting import setting
from .tracing import fewest_vertices, traced

# Pictures that are drawn with each number of vertices to find in what mixture they are wanted.
TRIALS = 320

# Steps of expectation and maximisation towards that mixture.
MIXING = 200


@dataclass(kw_only=True)
class VerticesSettings(OptimiseSettings):
    """Settings of `vertices`. Noise levels are in pixels: a vertex is a place."""

    steps: int = setting(4000, "training steps", "steps", (0, 10**7))
    batch: int = setting(48, "polygons in a training step", "polygons", (1, 65536))
    learning_rate: float = setting(4e-3, "peak learning rate of Adam", "", (1e-7, 1.0))
    vertices: int = setting(6, "vertices of a polygon at most", "vertices", (3, 16))
    width: int = setting(48, "numbers that a vertex carries", "channels", (1, 4096))
    hidden: int = setting(96, "hidden numbers in a layer", "channels", (1, 4096))
    depth: int = setting(3, "layers, each of which sees the neighbours", "layers", (1, 64))
    noise_mean: float = setting(-0.8, "mean of ln(sigma) in training", "ln(pixels)", (-10.0, 10.0))
    noise_std: float = setting(1.2, "standard deviation of ln(sigma) in training", "", (0.0, 10.0))
    sigma_min: float = setting(0.05, "lowest noise level of sampling", "pixels", (1e-4, 10.0))
    sigma_max: float = setting(40.0, "noise level that sampling starts from", "pixels", (1.0, 1e4))
    sampler_steps: int = setting(32, "steps of the reverse SDE", "steps", (1, 10000))
    balance: bool = setting(
        True, "draw numbers of vertices so that pictures need as many as the training set's, else as traced"
    )


@dataclass(frozen=True)
class Vertices(Family):
    """EDM (Karras et al. 2022) on vertices float[n, v, 2] in pixels, n polygons of `count` int64[n] vertices.

    `centre` and `spread` are the mean and the standard deviation of the places of all vertices. An example
    is packed as its number of vertices and their places, a draw of noise as one number that chooses how many
    vertices there are and the noise of each: float32[n, 1 + 2 v].
    """

    shape: tuple[int, ...]
    settings: VerticesSettings
    centre: tuple[float, float]
    spread: float

    @property
    def network(self) -> CyclicNetwork:
        settings = self.settings
        return CyclicNetwork(self.shape, settings.vertices, settings.width, settings.hidden, settings.depth)

    def initial(self, generator: torch.Generator, examples: torch.Tensor) -> Weights:
        return self.network.initial(generator)

    def unpacked(self, packed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The first number of each row, and the others as [n, v, 2]."""
        return packed[:, 0], packed[:, 1:].view(len(packed), self.settings.vertices, 2)

    def output(
        self, weights: Weights, x: torch.Tensor, sigma: torch.Tensor, count: torch.Tensor, ring: Ring
    ) -> torch.Tensor:
        """F of the preconditioning, for vertices less the centre, x [n, v, 2], and sigma [n, 1, 1]."""
        scaled = x / (sigma**2 + self.spread**2).sqrt()
        return self.network(weights, scaled, x + self.middle(x), sigma, condition(sigma), count, ring)

    def middle(self, like: torch.Tensor) -> torch.Tensor:
        return torch.tensor(self.centre, dtype=like.dtype, device=like.device)

    def loss(self, weights: Weights, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """Their eq. 8 per vertex; each batch has one noise level from each of as many slices of their law."""
        number, clean = self.unpacked(x)
        count, batch = number.long(), len(x)
        ring = Ring.of(count, self.settings.vertices)
        slices = torch.arange(batch, device=x.device) + chance.uniform(batch)
        level = torch.special.ndtri((slices / batch).clamp(1e-6, 1 - 1e-6))
        sigma = (self.settings.noise_mean + self.settings.noise_std * level).exp()[:, None, None]
        noise = chance.normal(*clean.shape)
        centred = clean - self.middle(clean)
        answer = (centred * sigma / self.spread - noise * self.spread) / (sigma**2 + self.spread**2).sqrt()
        error = self.output(weights, centred + sigma * noise, sigma, count, ring) - answer
        return (error.square() * ring.real).sum() / (2 * ring.real.sum())

    def noise(self) -> int:
        return 1 + 2 * self.settings.vertices

    def states(self, weights: Weights, noise: Noise, steps: int) -> Iterator[torch.Tensor]:
        """Pictures float32[n, h * w] of the polygons on their way."""
        for x, count, ring in self.walk(weights, noise, steps):
            yield self.picture(x, count, ring)

    def walk(
        self, weights: Weights, noise: Noise, steps: int
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, Ring]]:
        """Vertices less the centre, from noise to their places by the same reverse SDE as `samplers.sde`."""
        levels = self.levels(steps)
        chooser, normal = self.unpacked(noise.draw())
        bounds = weights["mixture"].cumsum(0)[:-1]
        count = torch.bucketize(torch.special.ndtr(chooser), bounds, right=True)
        ring = Ring.of(count, self.settings.vertices)
        x = levels[0] * normal
        yield x, count, ring
        for sigma, after in pairwise(levels):
            level = torch.full((len(x), 1, 1), sigma, device=x.device)
            output = self.output(weights, x, level, count, ring)
            total = sigma**2 + self.spread**2
            clean = x * self.spread**2 / total + output * sigma * self.spread / total**0.5
            kept = (after / sigma) ** 2
            x = clean + kept * (x - clean)
            if after > 0:
                x = x + after * (1 - kept) ** 0.5 * self.unpacked(noise.draw())[1]
            yield x, count, ring

    def levels(self, steps: int, rho: float = 7.0) -> list[float]:
        """Noise levels of sampling in pixels (their eq. 5), and then 0."""
        low, high = self.settings.sigma_min ** (1 / rho), self.settings.sigma_max ** (1 / rho)
        return [(high + i / max(steps - 1, 1) * (low - high)) ** rho for i in range(steps)] + [0.0]

    def picture(self, x: torch.Tensor, count: torch.Tensor, ring: Ring) -> torch.Tensor:
        """What the polygons enclose, black where there are no vertices: float32[n, h * w]."""
        vertices = torch.where(ring.real > 0, x, x[:, :1]) + self.middle(x)
        white = drawn(vertices, self.shape) & (count > 0)[:, None, None]
        return white.flatten(1).float()

    def widest(self) -> int:
        return self.settings.vertices * max(2 * self.size, 4 * self.settings.width, self.settings.hidden)


class VerticesLearner(FamilyLearner):
    """Learns convex polygons only, whatever it is taught; see `tracing.traced` for what becomes of others."""

    settings_class = VerticesSettings
    plane = False

    @property
    def properties(self) -> dict[str, Any]:
        return super().properties | {"crafted": True}

    def family(self, shape: tuple[int, ...]) -> Vertices:
        """With a centre and a spread that do for any grid: those of the pictures are measured in `fit`."""
        return Vertices(shape, self.settings, ((shape[0] - 1) / 2, (shape[1] - 1) / 2), max(shape) / 4)

    def fit_one(
        self,
        examples: NDArray[np.float32],
        seed: int,
        index: int,
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
    ) -> Fitted:
        """Trace the pictures, train, and find the mixture of numbers of vertices at each checkpoint."""
        pictures = examples > 0.5
        polygons = traced(pictures, self.settings.vertices)
        lit = polygons.number > 0
        family = self.family(examples.shape[1:])
        # Where no picture has white, no polygon will be drawn: what the network learns then is of no account.
        packed = np.array([[3.0, *family.centre * self.settings.vertices]])
        if lit.any():
            real = np.arange(self.settings.vertices) < polygons.number[lit, None]
            places = polygons.vertices[lit][real]
            spread = float(np.sqrt(places.var(axis=0).mean()))
            centre = places.mean(axis=0)
            family = Vertices(family.shape, self.settings, (float(centre[0]), float(centre[1])), spread)
            flat = polygons.vertices[lit].reshape(int(lit.sum()), -1)
            packed = np.concatenate([polygons.number[lit, None], flat], axis=1)
        shares = np.bincount(polygons.number, minlength=self.settings.vertices + 1) / len(pictures)
        inside = torch.from_numpy(packed.astype(np.float32)).to(device)
        random = np.random.Generator(np.random.PCG64([seed, 0]))
        weights = family.initial(torch.Generator().manual_seed(int(random.integers(2**63))), inside)
        found = Optimisation(family.loss, weights, inside, Chance(seed, device), self.settings, (0.9, 0.99))
        last = self.settings.steps
        kept: dict[int, FittedFamily] = {}
        for mark in sorted({*checkpoints, last}):
            while found.step < mark and not found.diverged:
                found.advance(min(found.step - found.step % CHUNK + CHUNK, mark))
            weights = found.averaged()
            mixture = self.mixture(family, weights, shares, seed, device)
            weights["mixture"] = torch.from_numpy(mixture.astype(np.float32)).to(device)
            member = FittedFamily(self.name, family, weights, 0.0, 1.0, device)
            member.index, member.seed, member.checkpoints = index, seed, kept
            member.steps, member.loss, member.curve = found.step, found.loss, dict(found.curve)
            member.seconds, member.diverged = found.seconds, found.diverged
            kept[found.step] = member
            if found.diverged or (mark < last and stop is not None and stop(member)):
                break
        return member

    def mixture(
        self, family: Vertices, weights: Weights, shares: NDArray[np.float64], seed: int, device: str
    ) -> NDArray[np.float64]:
        """Shares of the numbers of vertices with which samples need as many as the training pictures.

        A polygon whose vertices are a little off may be drawn with fewer. So pictures of each number that
        occurs are drawn and counted, and the mixture of greatest likelihood for the training set's counts is
        found by expectation and maximisation (Dempster et al. 1977).
        """
        numbers = np.flatnonzero(shares)
        if not self.settings.balance:
            return shares
        needed = np.eye(len(shares))
        for number in numbers[numbers > 0]:
            alone = torch.zeros(len(shares), device=device)
            alone[number] = 1.0
            noise = Noise((family.noise(),), 0, TRIALS, seed, device)
            with torch.inference_mode():
                *_, last = family.walk(weights | {"mixture": alone}, noise, self.settings.sampler_steps)
                white = family.picture(*last).view(-1, *family.shape).bool().cpu().numpy()
            found = fewest_vertices(white, self.settings.vertices)
            # One more of each: what was never seen may still be.
            needed[number] = (np.bincount(found, minlength=len(shares)) + 1) / (TRIALS + len(shares))
        mixture = (shares > 0) / len(numbers)
        for _ in range(MIXING):
            wanted = np.divide(shares, mixture @ needed, out=np.zeros_like(shares), where=shares > 0)
            mixture = mixture * (needed @ wanted)
        return np.asarray(mixture / mixture.sum())
