"""Best of M i.i.d. samples: what a search without any language has to be better than."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search.errors import SearchError
from search.first_generation import samples_of_target
from search.searcher import Evaluated, Problem, Proposal
from search.setting import next_generation, setting


@dataclass(frozen=True)
class Samples:
    """Distinct i.i.d. samples of the target, n spread evenly over its octaves, a new seed each; choose it
    as the yardstick of a claim that searching a language teaches better than drawing many samples and
    keeping the best.

    It ends where `search.allow_target=false` forbids such lessons, or a small target has no other sample.
    """

    batch: int = setting(10, "lessons per batch", 1, 100_000, "sentences")
    least: int = setting(1, "smallest n", 1, 1024, "examples")
    most: int = setting(1024, "largest n", 1, 1024, "examples")

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The next batch, n by stratified draws of log2 n."""
        if self.least > self.most:
            raise SearchError(f"`least <= most` must hold, but got least={self.least} and most={self.most}")
        generation = next_generation(history)
        rng = np.random.Generator(np.random.PCG64([problem.seed, generation, 0x11D]))
        yield from map(Proposal, samples_of_target(problem, rng, self.batch, self.least, self.most))
