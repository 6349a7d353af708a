"""Many members in one training: stacked weights under `torch.func.vmap`, or a process for each of a few.

A stack makes every step one call for all members, which is what a GPU wants; a CPU core gains little by it
(`tests/bench/population.py` measures both), and several cores are used by processes.
"""

from __future__ import annotations

import math
import multiprocessing
import pickle
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.attention import SDPBackend, sdpa_kernel

from .errors import ModelError
from .learner import Fitted, Learner, Stop
from .network import Weights
from .precision import products
from .training import CHUNK, TrainedDiffusion, Training

# Members of a stack on a GPU, where the caller does not say.
LARGEST = 1024

Lesson = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def usual(members: int, device: str) -> int:
    """The population size where none is asked for: all members on a GPU, one on a CPU."""
    return min(max(members, 1), LARGEST) if device.startswith("cuda") else 1


class Stack:
    """Members that take every step together. A lane is a member's place; the number of lanes never changes.

    Weights lie name by name, float32[lanes, ...], in one flat tensor: the optimiser's step and the average's
    are one call each, and both are element by element, so that no lane sees another. A lane whose member has
    ended (a rule, divergence) or that was never one (`spare`) goes on, unheard: fewer lanes could mean other
    kernels and other last bits.
    """

    def __init__(self, members: Sequence[Training], lanes: int) -> None:
        self.members = list(members)
        first = self.members[0]
        self.settings, self.network, self.shapes = first.settings, first.network, first.network.shapes()
        self.lanes, self.step, self.seconds = lanes, first.step, 0.0
        self.flat, self.average = self.gathered("flat"), self.gathered("average")
        self.flat.grad = torch.zeros_like(self.flat)
        self.weights = self.stacked(self.flat)
        for name, gradient in self.stacked(self.flat.grad).items():
            self.weights[name].requires_grad_().grad = gradient
        self.optimiser = torch.optim.Adam([self.flat], lr=0.0, betas=(0.9, 0.99), fused=True)
        self.losses: list[torch.Tensor] = []

    def gathered(self, what: str) -> torch.Tensor:
        """One flat tensor of all members, name by name and lane by lane; spare lanes copy the first."""
        own = [getattr(member, what).detach() for member in self.members]
        own += [own[0]] * (self.lanes - len(own))
        pieces = torch.stack(own).split([math.prod(shape) for shape in self.shapes.values()], 1)
        return torch.cat([piece.flatten() for piece in pieces])

    def stacked(self, flat: torch.Tensor) -> Weights:
        """Views float32[lanes, ...] by name."""
        pieces = flat.split([self.lanes * math.prod(shape) for shape in self.shapes.values()])
        return {
            name: piece.view(self.lanes, *shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def of(self, flat: torch.Tensor, lane: int) -> torch.Tensor:
        """One member's weights as it lays them out itself."""
        return torch.cat([weights[lane].flatten() for weights in self.stacked(flat.detach()).values()])

    def advance(self, lessons: Generator[Lesson], step: int) -> None:
        """Go on to a step; the losses are those since the last chunk began."""
        begun = time.perf_counter()
        while self.step < step:
            if self.step % CHUNK == 0:
                self.losses.clear()
            self.losses.append(self.one_step(*next(lessons)))
        if self.flat.is_cuda:
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - begun

    def one_step(self, x: torch.Tensor, condition: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
        """One step of Adam and of the average for all; losses float32[lanes], not yet waited for.

        Attention is written out: its fused kernels are not batched everywhere, nor repeatable on a GPU.
        """
        self.step += 1
        with sdpa_kernel(SDPBackend.MATH), products(self.settings.precision, self.flat.device):
            output = torch.func.vmap(self.network)(self.weights, x, condition)
            losses = (output.float() - answer).square().flatten(1).mean(1)
        self.flat.grad.zero_()  # type: ignore[union-attr]
        losses.sum().backward()  # the gradient of a lane is that of its own loss
        self.optimiser.param_groups[0]["lr"] = self.settings.rate(self.step)
        self.optimiser.step()
        self.average.lerp_(self.flat.detach(), self.settings.averaging(self.step))
        return losses.detach()

    def look(self, living: Sequence[int]) -> None:
        """Tell the members that live where they are: step, loss, and whether they diverged."""
        losses = torch.stack(self.losses).mean(0).tolist()
        finite = [weights.detach().flatten(1).isfinite().all(1) for weights in self.weights.values()]
        whole = torch.stack(finite).all(0).tolist()
        for lane in living:
            member = self.members[lane]
            member.step = self.step
            member.loss = member.curve[self.step] = losses[lane]
            member.seconds = self.seconds / len(self.members)  # its share
            member.diverged = not (member.loss < member.limit and whole[lane])

    def fitted(self, lane: int) -> TrainedDiffusion:
        """A member as it is now."""
        member = self.members[lane]
        with torch.no_grad():
            member.flat.copy_(self.of(self.flat, lane))
            member.average.copy_(self.of(self.average, lane))
        return member.fitted()


def lessons_of(members: Sequence[Training], lanes: int, *, ahead: bool) -> Generator[Lesson]:
    """What all members get at each step, float32[lanes, batch, ...]: each its own lessons, in its own order.

    CHUNK steps are stacked together. With `ahead` the next ones are made by a thread while a GPU works on
    these: dealing and noise are drawn on the CPU, so that a member's are the same on every device.
    """

    def made() -> list[torch.Tensor]:
        each = [[next(member.lessons) for _ in range(CHUNK)] for member in members]
        each += [each[0]] * (lanes - len(each))
        parts = [[torch.stack([lesson[part] for lesson in own]) for own in each] for part in range(3)]
        return [torch.stack(part, 1) for part in parts]  # [CHUNK, lanes, batch, ...]

    if not ahead:
        while True:
            yield from zip(*made(), strict=True)
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(made)
        while True:
            now, coming = coming.result(), thread.submit(made)
            yield from zip(*now, strict=True)


def train_stack(
    members: Sequence[Training], lanes: int, checkpoints: Sequence[int], stop: Stop | None
) -> list[TrainedDiffusion]:
    """Train members of one network and shape together, as `training.train` trains one."""
    stack, stream = Stack(members, lanes), lessons_of(members, lanes, ahead=members[0].flat.is_cuda)
    last = stack.settings.steps
    living = list(range(len(members)))
    kept: list[dict[int, TrainedDiffusion]] = [{} for _ in members]
    newest: dict[int, TrainedDiffusion] = {}

    def keep(lane: int) -> TrainedDiffusion:
        """A member as it is now, with its checkpoints."""
        newest[lane] = kept[lane][stack.step] = member = stack.fitted(lane)
        member.checkpoints = kept[lane]
        return member

    for mark in sorted({*checkpoints, last}):
        while stack.step < mark and living:
            stack.advance(stream, min(stack.step - stack.step % CHUNK + CHUNK, mark))
            stack.look(living)
            for lane in [lane for lane in living if members[lane].diverged]:
                keep(lane)
                living.remove(lane)
        for lane in list(living):
            member = keep(lane)
            if mark < last and stop is not None and stop(member):
                living.remove(lane)
    stream.close()
    return [newest[lane] for lane in range(len(members))]


def stacks(
    members: Sequence[Training], population: int, checkpoints: Sequence[int], stop: Stop | None
) -> list[Fitted]:
    """All members, `population` at a time, those of one shape together.

    The last stack is filled up with spares, so that what a member becomes depends on its own training set,
    its seed and the size alone.
    """
    by_shape: dict[tuple[int, ...], list[Training]] = {}
    for member in members:
        by_shape.setdefault(tuple(member.examples.shape[1:]), []).append(member)
    found: list[Fitted] = []
    for alike in by_shape.values():
        for start in range(0, len(alike), population):
            try:
                found += train_stack(alike[start : start + population], population, checkpoints, stop)
            except torch.OutOfMemoryError:
                raise ModelError(f"population={population} does not fit the memory of the GPU") from None
    return sorted(found, key=lambda member: member.index)


# Processes.


def in_processes(
    learner: Learner,
    examples: list[NDArray[np.float32]],
    seeds: list[int],
    checkpoints: list[int],
    stop: Stop | None,
    workers: int,
) -> list[Fitted]:
    """Members in processes of one torch thread each, bit for bit as one after another on one thread.

    What is handed in goes through `pickle`: a rule defined inside a function does not.
    """
    try:
        handed = pickle.dumps((learner, stop))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ModelError(f"with workers, `stop` must be a function of a module: {error}") from None
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(seeds)), context, _one_thread) as pool:
        futures = [
            pool.submit(_taught, handed, index, own, seed, checkpoints)
            for index, (own, seed) in enumerate(zip(examples, seeds, strict=True))
        ]
        return [pickle.loads(future.result()) for future in futures]


def _one_thread() -> None:
    torch.set_num_threads(1)


def _taught(
    handed: bytes, index: int, examples: NDArray[np.float32], seed: int, checkpoints: list[int]
) -> bytes:
    """One member, as bytes: shared memory of tensors would outlive the process that made them."""
    learner, stop = pickle.loads(handed)

    def asked(member: Fitted) -> bool:
        member.index = index
        return bool(stop(member))

    rule = None if stop is None else asked
    [member] = learner.fit_examples([examples], [seed], checkpoints, rule, "cpu")
    for state in (member, *getattr(member, "checkpoints", {}).values()):
        state.index = index
    return pickle.dumps(member)
