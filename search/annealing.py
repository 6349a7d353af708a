"""Simulated annealing on sentences (Kirkpatrick et al. 1983): uphill always, downhill now and then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from search.first_generation import varied_lessons
from search.searcher import Evaluated, Problem, Proposal
from search.setting import Priced, next_generation, setting


@dataclass(frozen=True)
class Annealing(Priced):
    """One walk by the grammar's mutations, from the best of a few random lessons; choose it for long runs on
    one worth (g less prices on log2 n and bits, see `Priced`) where a front is not wanted, or few settings
    are.

    A step from worth a to worth b < a is taken with probability exp((b - a) / T) (Metropolis 1953), where T
    is `hottest` times `cooling` to the number of proposals judged so far, at least `coldest`. Workers are
    kept busy by `ahead` neighbours of the current sentence at once, judged one after the other. After
    `patience` refusals in a row the walk goes on from the best sentence so far.
    """

    first: int = setting(12, "random lessons, the best of which begins the walk", 1, 100_000, "sentences")
    ahead: int = setting(4, "neighbours proposed at once", 1, 100_000, "sentences")
    hottest: float = setting(0.1, "temperature of the first step", 1e-9, 10.0, "worth")
    coldest: float = setting(0.005, "temperature that it does not fall below", 1e-9, 10.0, "worth")
    cooling: float = setting(0.95, "factor of the temperature from one judged proposal to the next", 0.0, 1.0)
    patience: int = setting(24, "refusals in a row before the walk returns to the best", 1, 100_000)
    tries: int = setting(
        60, "attempts at a new neighbour before a fresh lesson is drawn", 1, 10_000, "attempts"
    )

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The next neighbours of where the walk stands; see the class."""
        generation = next_generation(history)
        rng = np.random.Generator(np.random.PCG64([problem.seed, generation, 0x5A]))
        current = self.current(problem.seed, history)
        if current is None:
            yield from map(Proposal, varied_lessons(problem, rng, self.first, self.max_bits))
            return
        for _ in range(self.ahead):
            proposal = self._neighbour(problem, rng, current)
            if proposal is not None:
                yield proposal
            else:
                yield from map(Proposal, varied_lessons(problem, rng, 1, self.max_bits))

    def current(self, seed: int, history: Sequence[Evaluated]) -> Evaluated | None:
        """Where the walk stands after this history; None before anything succeeded."""
        begun = [one for one in history if one.generation == 0]
        here = best = self.best(begun)
        refused = 0
        for judged, one in enumerate(history[len(begun) :]):
            temperature = max(self.hottest * self.cooling**judged, self.coldest)
            if here is None or best is None or self._accepts(seed, here, one, temperature):
                here, refused = (here if one.failed else one), 0
            else:
                refused += 1
            best = self.best([one] if best is None else [best, one])
            if refused >= self.patience:
                here, refused = best, 0
        return here

    def _accepts(self, seed: int, here: Evaluated, one: Evaluated, temperature: float) -> bool:
        gain = self.worth(one) - self.worth(here)
        chance = np.random.Generator(np.random.PCG64([seed, one.index, 0xAC])).random()
        return gain >= 0 or chance < exp(gain / temperature)

    def _neighbour(self, problem: Problem, rng: np.random.Generator, current: Evaluated) -> Proposal | None:
        """A lesson one mutation away that was not evaluated; two and more where that family is known."""
        near = current.sentence
        for attempt in range(self.tries):
            if attempt % 20 == 0 and attempt:
                near = problem.grammar.mutate(near, rng, max_bits=self.max_bits)
            child = problem.grammar.mutate(near, rng, max_bits=self.max_bits)
            candidate = problem.admission.admit(child) if child.bits <= self.max_bits else None
            if candidate is not None:
                return Proposal(candidate, (current.index,))
        return None
