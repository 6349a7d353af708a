"""Random search: what any cleverer searcher has to beat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from search.first_generation import varied_lessons
from search.searcher import Evaluated, Problem, Proposal


@dataclass(frozen=True)
class RandomSearch:
    """Batches of independent lessons, spread over n; choose it as the yardstick of other searchers."""

    batch: int = field(
        default=10, metadata={"help": "lessons per batch", "unit": "sentences", "range": (1, 100_000)}
    )
    max_bits: float = field(
        default=120.0, metadata={"help": "longest sentence proposed", "unit": "bit", "range": (1.0, 10_000.0)}
    )

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The next batch, which depends on the history only through what is known already."""
        generation = 1 + max((evaluated.generation for evaluated in history), default=-1)
        rng = np.random.Generator(np.random.PCG64([problem.seed, generation, 0x4A]))
        yield from map(Proposal, varied_lessons(problem, rng, self.batch, self.max_bits))
