"""Training of diffusion networks: settings, the loop, and the trained member."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import mse_loss

from . import precision
from .diffusion import CACHE, DiffusionSettings, FittedDiffusion
from .errors import ModelError
from .frame import Frame
from .learner import Fitted, Learner, Stop
from .network import Network, unpack
from .precision import PRECISIONS
from .preconditioning import Preconditioning, condition
from .processes import Process
from .rates import Rates
from .recipes import PREDICTIONS, preconditioning_of, process_of
from .setting import setting

# Steps whose noise is drawn together; the loss is looked at once in as many steps.
CHUNK = 50

# How many times worse than a network that always answers 0 is called diverged.
DIVERGED = 100.0


@dataclass(kw_only=True)
class TrainingSettings(Rates, DiffusionSettings):
    """How a network is trained."""

    steps: int = setting(600, "training steps", "steps", (0, 10**7))
    batch: int = setting(16, "examples in a training step", "examples", (1, 65536))
    learning_rate: float = setting(1e-2, "peak learning rate of Adam", "", (1e-7, 1.0))
    warmup: float = setting(0.05, "share of the steps in which the learning rate rises", "", (0.0, 1.0))
    ema: float = setting(
        0.05, "length of the moving average of weights, as a share of the steps", "", (0.0, 1.0)
    )
    prediction: str | None = setting(
        None, "what the network answers; the recipe's when not given", choices=PREDICTIONS
    )
    noise_levels: int | None = setting(
        None, "process ve: distinct levels in training, 0 is all between; the recipe's", "levels", (0, 10**6)
    )
    noise_mean: float = setting(
        -1.5, "process edm: mean of ln(sigma) in training", "ln(white - black)", (-10.0, 10.0)
    )
    noise_std: float = setting(
        1.0, "process edm: standard deviation of ln(sigma) in training", "", (0.0, 10.0)
    )
    sigma_data: float | None = setting(
        None, "standard deviation of the data; measured when not given", "white - black", (1e-3, 100.0)
    )
    precision: str = setting("float32", "of products in training; bf16 on a GPU only", choices=PRECISIONS)


class TrainedDiffusion(FittedDiffusion):
    """A trained network under its preconditioning."""

    def __init__(
        self,
        network: Network,
        preconditioning: Preconditioning,
        weights: torch.Tensor,
        settings: TrainingSettings,
    ) -> None:
        self.network, self.preconditioning, self.settings = network, preconditioning, settings
        self.weights = unpack(weights, network.shapes())
        self.parameters = weights.numel()
        self.device = str(weights.device)
        self.checkpoints: dict[int, TrainedDiffusion] = {}

    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return self.preconditioning.denoise(partial(self.network, self.weights), x, sigma)

    def batch_size(self) -> int:
        return CACHE // self.network.widest()

    def at(self, step: int) -> Fitted:
        if step not in self.checkpoints:
            kept = ", ".join(map(str, self.checkpoints))
            raise ModelError(f"no checkpoint at step {step}; there are: {kept}")
        return self.checkpoints[step]


class Training:
    """One member in training. Everything random comes from its own seed."""

    def __init__(
        self,
        network: Network,
        examples: NDArray[np.float32],
        seed: int,
        settings: TrainingSettings,
        device: str,
        index: int = 0,
    ) -> None:
        self.network, self.settings, self.seed, self.index = network, settings, seed, index
        self.examples = torch.from_numpy(examples).to(device)
        self.frame = Frame.of(examples, device)
        self.preconditioning = preconditioning_of(settings, examples, self.frame)
        process = process_of(settings, self.frame)
        random = np.random.Generator(np.random.PCG64([seed, 1]))
        self.lessons = lessons(random, self.examples, self.preconditioning, process, settings.batch)
        self.limit = DIVERGED * max(1.0, self.preconditioning.greatest(self.examples))
        shapes = network.shapes()
        random = np.random.Generator(np.random.PCG64([seed, 0]))
        start = network.initial(torch.Generator().manual_seed(int(random.integers(2**63))))
        # One flat tensor for all weights and one for all gradients: the optimiser's step is one call each.
        self.flat = torch.cat([start[name].flatten() for name in shapes]).to(device)
        self.average = self.flat.clone()
        self.flat.grad = torch.zeros_like(self.flat)
        self.weights = unpack(self.flat, shapes)
        for name, gradient in unpack(self.flat.grad, shapes).items():
            self.weights[name].requires_grad_().grad = gradient
        self.optimiser = torch.optim.Adam([self.flat], lr=0.0, betas=(0.9, 0.99), fused=True)
        self.step, self.loss, self.seconds, self.diverged = 0, 0.0, 0.0, False
        self.losses: list[torch.Tensor] = []
        self.curve: dict[int, float] = {}

    def advance(self, step: int) -> None:
        """Go on to a step; the loss is the mean since the last multiple of CHUNK."""
        begun = time.perf_counter()
        while self.step < step:
            if self.step % CHUNK == 0:
                self.losses.clear()
            self.losses.append(self.one_step(*next(self.lessons)))
        self.loss = self.curve[self.step] = float(torch.stack(self.losses).mean())
        self.diverged = not (self.loss < self.limit and bool(self.flat.isfinite().all()))
        self.seconds += time.perf_counter() - begun

    def one_step(self, x: torch.Tensor, condition: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
        """One step of Adam and of the average; the loss, not yet waited for."""
        self.step += 1
        with precision.products(self.settings.precision, self.flat.device):
            loss = mse_loss(self.network(self.weights, x, condition), answer)
        self.flat.grad.zero_()  # type: ignore[union-attr]
        loss.backward()
        self.optimiser.param_groups[0]["lr"] = self.settings.rate(self.step)
        self.optimiser.step()
        self.average.lerp_(self.flat.detach(), self.settings.averaging(self.step))
        return loss.detach()

    def fitted(self) -> TrainedDiffusion:
        """The member as it is now."""
        member = TrainedDiffusion(self.network, self.preconditioning, self.average.clone(), self.settings)
        member.shape, member.frame = tuple(self.examples.shape[1:]), self.frame
        member.index, member.seed = self.index, self.seed
        member.steps, member.loss, member.curve = self.step, self.loss, dict(self.curve)
        member.seconds, member.diverged = self.seconds, self.diverged
        return member


def lessons(
    random: np.random.Generator,
    examples: torch.Tensor,
    preconditioning: Preconditioning,
    process: Process,
    batch: int,
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """What the network gets, its condition and what it should answer at each step, for ever.

    Made for CHUNK steps together, which is faster than step by step. Examples are dealt like cards: all of
    them, in a new order, before any of them again.
    """
    n, shape = len(examples), tuple(examples.shape[1:])
    one = (1,) * len(shape)
    hand = np.empty(0, dtype=np.int64)
    while True:
        decks = -(-(CHUNK * batch - len(hand)) // n)
        dealt = random.permuted(np.tile(np.arange(n), (max(decks, 0), 1)), axis=1).ravel()
        hand = np.concatenate([hand, dealt])
        now, hand = hand[: CHUNK * batch], hand[CHUNK * batch :]
        chosen = torch.from_numpy(now.reshape(CHUNK, batch)).to(examples.device)
        levels = process.training(random, (CHUNK, batch))
        relative = torch.from_numpy(levels).to(examples.device).view(CHUNK, batch, *one)
        sigmas = relative * preconditioning.scale
        normal = random.standard_normal((CHUNK, batch, *shape), dtype=np.float32)
        noise = torch.from_numpy(normal).to(examples.device)
        x, answer = preconditioning.regression(examples[chosen], sigmas, noise)
        known = condition(relative).view(CHUNK, batch, -1)
        yield from zip(x, known, answer, strict=True)


def train(training: Training, checkpoints: list[int], stop: Stop | None) -> TrainedDiffusion:
    """Train to the end, to divergence or until `stop` says so; the last state, with its checkpoints."""
    last = training.settings.steps
    marks = sorted({*checkpoints, last})
    kept: dict[int, TrainedDiffusion] = {}
    for mark in marks:
        while training.step < mark and not training.diverged:
            training.advance(min(training.step - training.step % CHUNK + CHUNK, mark))
        kept[training.step] = member = training.fitted()
        member.checkpoints = kept
        if training.diverged or (mark < last and stop is not None and stop(member)):
            break
    return member


class NetworkLearner(Learner):
    """A diffusion learner with a network: subclasses say which."""

    stacks = True

    @abstractmethod
    def network(self, shape: tuple[int, ...]) -> Network:
        """The network for examples of this shape."""

    def parameters(self, shape: tuple[int, ...]) -> int:
        """Weights of the network for examples of this shape."""
        return sum(math.prod(weight) for weight in self.network(shape).shapes().values())

    def fit_population(
        self,
        examples: list[NDArray[np.float32]],
        seeds: list[int],
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
        population: int | None,
    ) -> list[Fitted]:
        """Members stacked on a GPU or where it is asked for, else one after another."""
        from .population import stacks, usual

        precision.check(self.settings.precision, device)
        size = population or usual(len(seeds), device)
        with precision.repeatable(device):
            if size == 1:
                return self.fit_examples(examples, seeds, checkpoints, stop, device)
            self.check(checkpoints)
            trainings = [
                Training(self.network(own.shape[1:]), own, seed, self.settings, device, index)
                for index, (own, seed) in enumerate(zip(examples, seeds, strict=True))
            ]
            return stacks(trainings, size, checkpoints, stop)

    def check(self, checkpoints: list[int]) -> None:
        """A `ModelError` where a checkpoint lies outside the training."""
        last = self.settings.steps
        if checkpoints and not 0 <= checkpoints[0] <= checkpoints[-1] <= last:
            raise ModelError(f"`0 <= checkpoint <= steps` must hold, but got {checkpoints} and steps={last}")

    def fit_examples(
        self,
        examples: list[NDArray[np.float32]],
        seeds: list[int],
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
    ) -> list[Fitted]:
        """Members one after another: on a CPU that is faster than stacking them (see README.md)."""
        self.check(checkpoints)
        members: list[Fitted] = []
        for index, (own, seed) in enumerate(zip(examples, seeds, strict=True)):
            training = Training(self.network(own.shape[1:]), own, seed, self.settings, device, index)
            members.append(train(training, checkpoints, stop))
        return members
