"""What is to be described: the different crisp pictures of a sample and how often each came."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis import packing
from analysis.errors import AnalysisError
from analysis.evidence import is_crisp
from grammars import Grammar, Grid

Pictures = NDArray[np.bool_]  # bool[n, height, width]

PROBES = 32
"""Pictures that a candidate is tested on first."""

COIN = 3.0
"""Standard deviations around half white within which a picture looks like tossed coins, ..."""

MOST_COINS = 0.25
"""... and the share of the sample up to which such pictures are held for noise."""


class Sample:
    """Different pictures, bool[m, h, w], and how often each came, int[m]; n has those not crisp, too."""

    def __init__(self, grammar: Grammar, pictures: Pictures, counts: NDArray[np.int64], n: int) -> None:
        self.grammar = grammar
        self.pictures, self.counts, self.n = pictures, counts, n

    @classmethod
    def of(cls, samples: NDArray[Any], grammar: Grammar) -> Sample:
        """Samples of a learner, float or bool[N, h, w]; AnalysisError where they are not the grammar's."""
        samples, space = np.asarray(samples), grammar.space
        if not isinstance(space, Grid):
            raise AnalysisError(
                f"describe says sets of pictures on a grid, but {grammar.name} is about {space}"
            )
        if samples.ndim != 3 or samples.shape[1:] != space.shape:
            raise AnalysisError(
                f"samples of {grammar.name} on {space} are [N, {space.height}, {space.width}], "
                f"but got {list(samples.shape)}"
            )
        if not len(samples):
            raise AnalysisError("`samples >= 1` must hold, but got (samples=0): nothing to describe")
        numbers = samples.astype(np.float32)
        return cls.counted(grammar, numbers[is_crisp(numbers)] > 0.5, len(samples))

    @classmethod
    def counted(cls, grammar: Grammar, pictures: Pictures, n: int | None = None) -> Sample:
        """Pictures with repetitions; `n` where others that were not crisp belong to the sample."""
        _, first, counts = np.unique(packing.keys(pictures), return_index=True, return_counts=True)
        return cls(grammar, pictures[first], counts.astype(np.int64), len(pictures) if n is None else n)

    def only(self, chosen: NDArray[np.bool_]) -> Sample:
        """The sample of some of the different pictures."""
        counts = self.counts[chosen]
        return Sample(self.grammar, self.pictures[chosen], counts, int(counts.sum()))

    @property
    def pixels(self) -> int:
        """d: what a picture costs that is written out."""
        return math.prod(self.pictures.shape[1:])

    @cached_property
    def strata(self) -> NDArray[np.int64]:
        """The stratum that the language says each different picture belongs to."""
        return self.grammar.traits.stratum(self.pictures)

    @cached_property
    def white(self) -> NDArray[np.int64]:
        """White pixels of each different picture."""
        return self.pictures.sum(axis=(1, 2)).astype(np.int64)

    @cached_property
    def probes(self) -> NDArray[np.int64]:
        """Some of the pictures, evenly through the sample with its repetitions."""
        places = np.linspace(0, self.counts.sum() - 1, PROBES).round()
        return np.unique(np.searchsorted(np.cumsum(self.counts), places, side="right"))

    @cached_property
    def frequent(self) -> NDArray[np.int64]:
        """The pictures by their numbers, the most frequent first."""
        return np.argsort(-self.counts, kind="stable")

    @cached_property
    def coins(self) -> NDArray[np.bool_]:
        """Which pictures look like tossed coins, by their white pixels."""
        return np.abs(self.white - self.pixels / 2) <= COIN * math.sqrt(self.pixels) / 2

    def cores(self) -> Iterator[Sample]:
        """The sample, and what is left of it without what may be noise: coins, and what came but once."""
        yield self
        chosen = ~self.coins
        kept = self.counts[chosen].sum()
        if (1 - MOST_COINS) * self.counts.sum() <= kept < self.counts.sum():
            yield self.only(chosen)
        again = self.counts > 1
        kept = self.counts[again].sum()
        if (1 - MOST_COINS) * self.counts.sum() <= kept < self.counts.sum():
            yield self.only(again)
