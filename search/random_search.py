"""Random search: what any cleverer searcher has to beat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search.first_generation import varied_lessons
from search.searcher import Evaluated, Problem, Proposal
from search.setting import next_generation, setting


@dataclass(frozen=True)
class RandomSearch:
    """Batches of independent lessons, spread over n; choose it as the yardstick of other searchers."""

    batch: int = setting(10, "lessons per batch", 1, 100_000, "sentences")
    max_bits: float = setting(120.0, "longest sentence proposed", 1.0, 10_000.0, "bit")

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The next batch, which depends on the history only through what is known already."""
        generation = next_generation(history)
        rng = np.random.Generator(np.random.PCG64([problem.seed, generation, 0x4A]))
        yield from map(Proposal, varied_lessons(problem, rng, self.batch, self.max_bits))
