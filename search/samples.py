"""Best of M i.i.d. samples: what a search without any language has to be better than."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import grammars
from search.errors import SearchError
from search.searcher import Evaluated, Problem, Proposal
from search.setting import next_generation, setting

TRIES = 20  # per lesson wanted: a small target has few samples


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
        low, high = np.log2(self.least), np.log2(self.most + 1)
        for place in rng.permutation(self.batch):
            for _ in range(TRIES):
                octave = low + (high - low) * (place + rng.random()) / self.batch
                candidate = problem.admission.admit(
                    self._lesson(problem, min(int(2.0**octave), self.most), int(rng.integers(2**16)))
                )
                if candidate is not None:
                    yield Proposal(candidate)
                    break

    def _lesson(self, problem: Problem, n: int, seed: int) -> grammars.Sentence:
        text = f"take({n}, {problem.target}, seed={seed})"
        try:
            return problem.grammar.parse(text, "Lesson")
        except grammars.GrammarError as error:
            raise SearchError(
                f"the sample {text} is no sentence of {problem.grammar.name}: {error}"
            ) from error
