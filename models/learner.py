"""The interface of every learner: training sets in, samplers out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from .errors import ModelError
from .setting import Settings

Array = NDArray[Any]
Stop = Callable[["Fitted"], bool]


class Fitted(ABC):
    """One member after training: a sampler, with what its training took.

    Attributes: `index` (its place in the lists given to `fit`), `seed`, `shape` of one example, `steps`
    taken, `seconds` of its own training, `loss` (mean over the last steps; 0 where nothing is trained),
    `curve` (the loss by step, each time it was looked at; empty where nothing is trained), `diverged`
    (training stopped there; its samples mean nothing, and are mostly NaN), `parameters` (trained weights).
    """

    index: int = 0
    seed: int = 0
    shape: tuple[int, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    curve: Mapping[int, float] = MappingProxyType({})
    diverged: bool = False
    parameters: int = 0

    @abstractmethod
    def sample(
        self,
        n: int,
        seed: int,
        sampler: str | None = None,
        steps: int | None = None,
        trajectory: bool = False,
    ) -> Array:
        """Samples float32[n, ...]; with `trajectory`, float32[steps + 1, n, ...] from noise to sample."""

    def at(self, step: int) -> Fitted:
        """The member as it was at a checkpoint."""
        if step != self.steps:
            raise ModelError(f"no checkpoint at step {step}; there is: {self.steps}")
        return self

    def denoise(self, x: Array, sigma: float | Array) -> Array:
        """The mean of clean examples given noisy ones: x float[n, ...], sigma a number or float[n]."""
        raise ModelError(f"{type(self).__name__} has no denoiser")

    def log_prob(self, x: Array) -> Array:
        """Log-density float64[n] in nats."""
        raise ModelError(f"{type(self).__name__} has no log-likelihood")


class Learner(ABC):
    """Architecture, training method and budget."""

    settings_class: ClassVar[type[Settings]]
    plane: ClassVar[bool] = False  # whether points of the plane can be learned too
    stacks: ClassVar[bool] = False  # whether members can take every step together

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings: Any = settings

    def __repr__(self) -> str:
        return f"{self.name}({self.settings})"

    @property
    def properties(self) -> dict[str, Any]:
        """What is known of the learner before it has seen anything, such as its `receptive_field`."""
        return {}

    def supports(self, shape: tuple[int, ...]) -> str | None:
        """`None` where examples of this shape can be learned, else the reason why not."""
        if (len(shape) == 2 and min(shape) >= 1) or (self.plane and tuple(shape) == (2,)):
            return None
        learned = "pictures of shape (height, width)" + (" and points of shape (2,)" if self.plane else "")
        return f"{self.name} learns {learned}, not {tuple(shape)}"

    def matching_machine(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]] | None:
        """Name and settings of the closed-form machine that predicts this learner, where there is one."""
        return None

    def fit(
        self,
        training_sets: Sequence[Array],
        seeds: Sequence[int],
        checkpoints: Sequence[int] = (),
        stop: Stop | None = None,
        device: str = "cpu",
        population: int | None = None,
        workers: int = 1,
    ) -> list[Fitted]:
        """One member per training set and seed (zipped); a member does not depend on its companions.

        Training sets are bool or float [n, ...], n >= 1, white = 1, black = 0. `checkpoints` are steps at
        which the member is kept (`fitted.at(step)`); `stop(fitted)` is asked there, and `True` ends that
        member's training. A closed-form machine has step 0 only, and asks nothing.

        `population` members take every step together, as one stack; `None` is all of them on a GPU and one
        on a CPU, where `workers` processes can share them. Equal for equal `population` bit for bit, and
        for others but for rounding; `workers` change nothing that one thread would not.
        """
        if len(training_sets) != len(seeds):
            raise ModelError(
                f"as many seeds as training sets are needed, but got {len(seeds)} and {len(training_sets)}"
            )
        if min(seeds, default=0) < 0:
            raise ModelError(f"`seed >= 0` must hold, but got seed={min(seeds)}")
        if device != "cpu" and not (device == "cuda" and torch.cuda.is_available()):
            raise ModelError(f"device must be cpu, or cuda where there is one, but got {device!r}")
        for name, value in (("population", population), ("workers", workers)):
            if value is not None and value < 1:
                raise ModelError(f"`{name} >= 1` must hold, but got {name}={value}")
        examples = [self.examples(training_set) for training_set in training_sets]
        marks, own = sorted(set(checkpoints)), [int(seed) for seed in seeds]
        if workers == 1:
            return self.fit_population(examples, own, marks, stop, device, population)
        if device != "cpu" or population not in (None, 1):
            raise ModelError(
                f"workers are for members one by one on a CPU, but got device={device!r}, {population=}"
            )
        from .population import in_processes

        return in_processes(self, examples, own, marks, stop, workers)

    def examples(self, training_set: Array) -> NDArray[np.float32]:
        """A training set as float32[n, ...], checked."""
        array = np.asarray(training_set)
        if array.ndim < 2 or len(array) == 0:
            raise ModelError(f"a training set is an array [n, ...] with n >= 1, but got shape {array.shape}")
        reason = self.supports(array.shape[1:])
        if reason is not None:
            raise ModelError(reason)
        floats = array.astype(np.float32)
        if not np.isfinite(floats).all():
            raise ModelError("a training set must be finite, but got NaN or infinity")
        return floats

    def fit_population(
        self,
        examples: list[NDArray[np.float32]],
        seeds: list[int],
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
        population: int | None,
    ) -> list[Fitted]:
        """`fit` in this process; a learner that can stack its members (`stacks`) does so here."""
        if population not in (None, 1):
            raise ModelError(f"{self.name} has members one by one only, but got population={population}")
        return self.fit_examples(examples, seeds, checkpoints, stop, device)

    @abstractmethod
    def fit_examples(
        self,
        examples: list[NDArray[np.float32]],
        seeds: list[int],
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
    ) -> list[Fitted]:
        """`fit` after its arguments are checked, one member after another."""
