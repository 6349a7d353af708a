"""Enumeration: every lesson of the language, shortest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

import grammars
from grammars.literals import Domain
from search.searcher import Evaluated, Problem, Proposal
from search.setting import setting


@dataclass(frozen=True)
class Enumeration:
    """All lessons in the order of their bits; choose it where evaluations are nearly free, or to be sure that
    nothing shorter teaches as well: what it found after n evaluations is the best of the n shortest.

    Two things are left out. Lessons that denote what was evaluated already are no evaluations. And of lessons
    that differ only in their seeds, which all cost the same 16 bits, those with seeds below `seeds` are
    tried: all 65,536 would keep the search at its first random sample for ever.
    """

    batch: int = setting(10, "lessons per batch", 1, 100_000, "sentences")
    seeds: int = setting(1, "values of each seed that are tried", 1, 2**16, "seeds")
    max_bits: float = setting(120.0, "longest sentence proposed", 1.0, 10_000.0, "bit")

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The shortest lessons that are new."""
        found = 0
        for sentence in _listing(problem.grammar, self.seeds, self.max_bits):
            candidate = problem.admission.admit(sentence)
            if candidate is not None:
                found += 1
                yield Proposal(candidate)
            if found == self.batch:
                return


class _Listing:
    """An enumeration that is kept as far as it was read: each batch begins it anew."""

    def __init__(self, sentences: Iterator[grammars.Sentence]) -> None:
        self._rest = sentences
        self._read: list[grammars.Sentence] = []

    def __iter__(self) -> Iterator[grammars.Sentence]:
        place = 0
        while True:
            if place == len(self._read):
                self._read.extend(islice(self._rest, 1))
            if place == len(self._read):
                return
            yield self._read[place]
            place += 1


@lru_cache(maxsize=4)
def _listing(grammar: grammars.Grammar, seeds: int, max_bits: float) -> _Listing:
    few = grammars.Grammar(grammar.language, grammar.space)
    for production in few.productions.values():
        for slot, parameter in zip(production.slots, production.rule.parameters, strict=True):
            if getattr(parameter.domain, "law", "") == "seed" and isinstance(slot.domain, Domain):
                slot.domain = _FewSeeds(slot.domain, seeds)
    shortest = few.enumerate("Lesson", max_bits)
    return _Listing(grammar.parse(str(sentence), "Lesson") for sentence in shortest)


class _FewSeeds(Domain):
    """A seed's literal of which only the first values are listed, at their own cost."""

    kind = int

    def __init__(self, seeds: Domain, count: int) -> None:
        self._all = seeds
        self._count = count
        self.cheapest = seeds.cheapest

    def options(self) -> Iterator[tuple[float, Any]]:
        return islice(self._all.options(), self._count)

    def bits(self, value: Any) -> float:
        return self._all.bits(value)

    def draw(self, rng: np.random.Generator, budget: float) -> Any:
        return self._all.draw(rng, budget)

    def problem(self, value: Any) -> str | None:
        return self._all.problem(value)

    def nudge(self, value: Any, rng: np.random.Generator) -> Any:
        return self._all.nudge(value, rng)

    def describe(self) -> str:
        return self._all.describe()
