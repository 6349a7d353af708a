"""The evidence: samples of a learner beside target and training set, with what several measures share.

Everything here is computed at most once per sample set, when a measure first asks for it.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.packing import Keys, Pictures, contained, keys
from analysis.target import Target
from analysis.yardstick import Yardstick, property_values

T = TypeVar("T")

CRISP = 0.25  # a crisp pixel is no farther than this from 0 or from 1
BLOCK = 1 << 14  # pictures at a time, so that memory stays that of the samples


class Evidence:
    """Samples float32[N, h, w], a target, a training set bool[n, h, w] and the target's yardstick.

    The training set counts as a set: repetitions in it change nothing. AnalysisError where shapes do not fit
    or there is no sample.
    """

    def __init__(
        self, samples: NDArray[Any], target: Target, training_set: NDArray[Any], yardstick: Yardstick
    ) -> None:
        samples, training_set = np.asarray(samples), np.asarray(training_set)
        if samples.ndim != 3 or not samples.size:
            raise AnalysisError(f"samples are pictures [N, h, w] with N >= 1, got shape {samples.shape}")
        if training_set.ndim != 3 or training_set.shape[1:] != samples.shape[1:]:
            raise AnalysisError(
                f"samples and training set must show pictures of one size, "
                f"got {samples.shape[1:]} and {training_set.shape[1:]}"
            )
        self.samples = samples
        self.target = target
        self.training_set: Pictures = np.asarray(training_set, bool)
        self.yardstick = yardstick
        self._known: dict[Callable[[Evidence], Any], Any] = {}

    def once(self, derive: Callable[["Evidence"], T]) -> T:
        """`derive(self)`, computed at the first call and remembered."""
        if derive not in self._known:
            self._known[derive] = derive(self)
        result: T = self._known[derive]
        return result

    @property
    def count(self) -> int:
        """N, the number of samples."""
        return len(self.samples)

    @cached_property
    def crisp(self) -> NDArray[np.bool_]:
        """Every pixel within 0.25 of 0 or 1: bool[N]. A pixel that is not a number is not."""
        if self.samples.dtype == np.bool_:
            return np.ones(self.count, bool)
        return is_crisp(self.samples)

    @cached_property
    def pictures(self) -> Pictures:
        """The samples rounded to black and white; meaningful where crisp: bool[N, h, w]."""
        return np.asarray(self.samples > 0.5)

    @cached_property
    def keys(self) -> Keys:
        """One key per rounded sample."""
        return keys(self.pictures)

    @cached_property
    def strata(self) -> NDArray[np.int64]:
        """The stratum of each sample, -1 where it is not crisp or not in the target: int64[N]."""
        strata = np.full(self.count, -1, np.int64)
        strata[self.crisp] = self.target.strata(self.pictures[self.crisp])
        return strata

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Crisp and in the target: bool[N]."""
        return self.strata >= 0

    @cached_property
    def training_examples(self) -> Pictures:
        """The distinct examples of the training set, in the order of their keys: bool[distinct, h, w]."""
        _, first = np.unique(keys(self.training_set), return_index=True)
        return self.training_set[first]

    @cached_property
    def training_keys(self) -> Keys:
        """The keys of the distinct training examples, sorted."""
        return keys(self.training_examples)

    @cached_property
    def copied(self) -> NDArray[np.bool_]:
        """Crisp and, rounded, equal bit for bit to an example of the training set: bool[N]."""
        return self.crisp & contained(self.keys, self.training_keys)

    @cached_property
    def valid_properties(self) -> NDArray[np.float64]:
        """The target's declared properties of the valid samples, in order: float64[V, properties]."""
        return property_values(self.target, self.pictures[self.valid])

    @cached_property
    def trained_strata(self) -> NDArray[np.int64]:
        """The stratum of each distinct training example, -1 outside the target: int64[distinct]."""
        return np.asarray(self.target.strata(self.training_examples), np.int64)


def is_crisp(samples: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pictures of numbers have all pixels within 0.25 of 0 or 1: bool[N]."""
    answer = np.zeros(len(samples), bool)
    for start in range(0, len(samples), BLOCK):
        pixels = samples[start : start + BLOCK]
        near = (np.abs(pixels) <= CRISP) | (np.abs(pixels - pixels.dtype.type(1)) <= CRISP)
        answer[start : start + BLOCK] = near.all(axis=(1, 2))
    return answer
