"""Training by Adam for generative families that are no diffusion: settings, chance, and the loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from .network import Shapes, Weights, unpack
from .rates import Rates
from .setting import Settings, setting

# Steps after which the loss is looked at once.
CHUNK = 50

# How many times the first loss (or 1, where that is less) is called diverged.
DIVERGED = 100.0


@dataclass(kw_only=True)
class OptimiseSettings(Rates, Settings):
    """How weights are found."""

    steps: int = setting(2000, "training steps", "steps", (0, 10**7))
    batch: int = setting(32, "examples in a training step", "examples", (1, 65536))
    learning_rate: float = setting(3e-3, "peak learning rate of Adam", "", (1e-7, 1.0))
    warmup: float = setting(0.05, "share of the steps in which the learning rate rises", "", (0.0, 1.0))
    ema: float = setting(
        0.05, "length of the moving average of weights, as a share of the steps", "", (0.0, 1.0)
    )


class Chance:
    """Random numbers of one training: from its seed alone, the same on every device."""

    def __init__(self, seed: int, device: str) -> None:
        self.random = np.random.Generator(np.random.PCG64([seed, 1]))
        self.device = device

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal, float32."""
        return torch.from_numpy(self.random.standard_normal(shape, dtype=np.float32)).to(self.device)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Uniform on [0, 1), float32."""
        return torch.from_numpy(self.random.random(shape, dtype=np.float32)).to(self.device)

    def hands(self, n: int, batch: int) -> Iterator[torch.Tensor]:
        """Places of a batch among n examples, for ever: dealt like cards, all before any of them again."""
        hand = np.empty(0, dtype=np.int64)
        while True:
            while len(hand) < batch:
                hand = np.concatenate([hand, self.random.permutation(n)])
            yield torch.from_numpy(hand[:batch]).to(self.device)
            hand = hand[batch:]


Loss = Callable[[Weights, torch.Tensor, Chance], torch.Tensor]


class Optimisation:
    """Weights on their way: Adam with a moving average, everything random from one seed."""

    def __init__(
        self,
        loss: Loss,
        start: Weights,
        examples: torch.Tensor,
        chance: Chance,
        settings: OptimiseSettings,
        betas: tuple[float, float],
    ) -> None:
        self.loss_of, self.examples, self.chance, self.settings = loss, examples, chance, settings
        self.hands = chance.hands(len(examples), settings.batch)
        self.shapes: Shapes = {name: tuple(weight.shape) for name, weight in start.items()}
        # One flat tensor for all weights and one for all gradients: the optimiser's step is one call each.
        self.flat = torch.cat([weight.flatten() for weight in start.values()]).to(examples.device)
        self.average = self.flat.clone()
        self.flat.grad = torch.zeros_like(self.flat)
        self.weights = unpack(self.flat, self.shapes)
        for name, gradient in unpack(self.flat.grad, self.shapes).items():
            self.weights[name].requires_grad_().grad = gradient
        self.optimiser = torch.optim.Adam([self.flat], lr=0.0, betas=betas, fused=True)
        self.step, self.loss, self.seconds, self.diverged = 0, 0.0, 0.0, False
        self.losses: list[torch.Tensor] = []
        self.curve: dict[int, float] = {}
        self.limit = math.inf

    def advance(self, step: int) -> None:
        """Go on to a step; the loss is the mean since the last multiple of CHUNK."""
        begun = time.perf_counter()
        while self.step < step:
            if self.step % CHUNK == 0:
                self.losses.clear()
            self.losses.append(self.one_step())
        self.loss = self.curve[self.step] = float(torch.stack(self.losses).mean())
        # `not (a < b)` is true of NaN.
        self.diverged = not (abs(self.loss) < self.limit and bool(self.flat.isfinite().all()))
        self.seconds += time.perf_counter() - begun

    def one_step(self) -> torch.Tensor:
        """One step of Adam and of the average; the loss, not yet waited for."""
        self.step += 1
        loss = self.loss_of(self.weights, self.examples[next(self.hands)], self.chance)
        self.flat.grad.zero_()  # type: ignore[union-attr]
        loss.backward()
        self.optimiser.param_groups[0]["lr"] = self.settings.rate(self.step)
        self.optimiser.step()
        self.average.lerp_(self.flat.detach(), self.settings.averaging(self.step))
        if self.step == 1:
            self.limit = DIVERGED * max(1.0, abs(float(loss.detach())))
        return loss.detach()

    def averaged(self) -> Weights:
        """The moving average as it is now."""
        return unpack(self.average.clone(), self.shapes)
