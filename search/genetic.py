"""Genetic programming on sentences with NSGA-II: g up, n down, bits down.

DEAP supplies selection (Deb et al. 2002) and the toolbox; generation, mutation and crossover are the
grammar's own, because they keep types, always end and obey a seed.

**Why a floor.** With a few dozen evaluations the plain front fills up with lessons of one example and
g near 0, since nothing is smaller. A lesson whose g is below `floor` times the best so far therefore counts
as infeasible in the sense of Deb et al. 2002, section VI: any feasible one dominates it, and among the
infeasible ones only g decides. So g is climbed first, and n and bits are traded where something is learned.
Differences of g below `resolution` are noise of one training and count as equal.

**Why it begins with samples, and edits examples.** A search that has to find the target among all sentences
of the language pays for it with dozens of trainings, which the best of as many i.i.d. samples does not: it
lost to them wherever samples teach. So most of the first generation are samples of the target, where such
lessons are allowed. And changes of words replace all examples at once, while the front at small n is made of
lucky single examples: most offspring therefore change examples (`search.edits`). Found on dots in the left
half (seeds 100 to 103; hypervolume 3.5 without, 5.3 with, 5.3 for samples alone), together with eight
survivors and a floor of half the best instead of four and four fifths, which keep small lessons among the
parents; close variants were measured there (edits 0.7, floor 0.3), not these very settings. By words
alone, on three stand-ins for g, four survivors had found more than eight or twelve. What it is worth on other
targets and seeds is in search/README.md.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from math import floor, log2

import numpy as np
from deap import base, tools

import grammars
from search.edits import edited
from search.first_generation import has_samples, samples_of_target, varied_lessons
from search.searcher import Candidate, Evaluated, Problem, Proposal
from search.setting import next_generation, setting


class Fitness(base.Fitness):
    """(g, log2 n, bits) with Deb's constrained dominance: infeasible means below the floor in g."""

    weights = (1.0, -1.0, -1.0)
    feasible = True

    def dominates(self, other: "Fitness", obj: slice = slice(None)) -> bool:
        """Feasible before infeasible; g alone among the infeasible; Pareto among the feasible."""
        if self.feasible != other.feasible:
            return self.feasible
        if not self.feasible:
            return bool(self.wvalues[0] > other.wvalues[0])
        return bool(super().dominates(other, obj))


class Individual:
    """A sentence with its fitness and the index of its trial."""

    def __init__(self, evaluated: Evaluated, fitness: Fitness) -> None:
        self.sentence = evaluated.sentence
        self.index = evaluated.index
        self.fitness = fitness


@dataclass
class Memory:
    """A history and the population that selection makes of it."""

    history: tuple[Evaluated, ...] = ()
    population: list[Evaluated] = field(default_factory=list)
    chosen: list[Individual] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The last generation that was selected from."""
        return self.history[-1].generation

    def forget(self) -> None:
        """Begin again."""
        self.history, self.population, self.chosen = (), [], []


@dataclass(frozen=True)
class Genetic:
    """(mu + lambda) NSGA-II; choose it unless evaluations are so cheap that all sentences can be tried.

    The first generation is `first` lessons with small and large n alike, of which a share `from_target` are
    samples of the target where that is allowed, the others random. Every later one has `offspring` new
    lessons: some drawn anew (`immigrants`), the others from parents of binary tournaments by a change of
    single examples (`edits`), by crossover or by mutation, until they denote something that was not evaluated
    yet. Resuming with the same seed proposes the same sentences.
    """

    first: int = setting(24, "lessons in the first generation", 1, 100_000, "sentences")
    from_target: float = setting(0.75, "share of the first lessons that are samples of the target", 0.0, 1.0)
    population: int = setting(8, "survivors of each generation (mu)", 4, 100_000, "sentences")
    offspring: int = setting(6, "new lessons per generation (lambda)", 1, 100_000, "sentences")
    edits: float = setting(0.8, "share of offspring made by changing single examples, not words", 0.0, 1.0)
    crossover: float = setting(0.3, "share of the others made by crossover", 0.0, 1.0)
    immigrants: float = setting(0.1, "share of offspring drawn anew", 0.0, 1.0)
    floor: float = setting(0.5, "share of the best g below which a lesson is infeasible", 0.0, 1.0)
    resolution: float = setting(0.01, "differences of g that count", 1e-6, 0.5)
    max_bits: float = setting(120.0, "longest sentence proposed", 1.0, 10_000.0, "bit")
    tries: int = setting(
        40, "attempts to find a new sentence before a fresh one is drawn", 1, 10_000, "attempts"
    )

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The next generation; see the class."""
        generation = next_generation(history)
        rng = np.random.Generator(np.random.PCG64([problem.seed, generation, 0x6E]))
        if generation == 0:
            yield from map(Proposal, self._first(problem, rng))
            return
        with python_random(int(rng.integers(2**63))):
            parents = self._parents(self._survivors(history))
        toolbox = self._toolbox(problem.grammar, rng)
        for place in range(self.offspring):
            proposal = self._child(problem, toolbox, rng, parents, place)
            if proposal is not None:
                yield proposal

    def _first(self, problem: Problem, rng: np.random.Generator) -> Iterator[Candidate]:
        """Samples of the target where a sentence says them and it is allowed, then random lessons."""
        left = self.first
        if self.from_target and has_samples(problem):
            for candidate in samples_of_target(problem, rng, round(self.from_target * self.first)):
                if candidate.sentence.bits <= self.max_bits:
                    left -= 1
                    yield candidate
        yield from varied_lessons(problem, rng, left, self.max_bits)

    def _survivors(self, history: Sequence[Evaluated]) -> list[Individual]:
        """The population after the last generation: NSGA-II applied generation by generation.

        Remembered for the history that it belongs to, so that a longer one is not begun from the start.
        """
        memory, told = self._memory, tuple(history)
        here = len(memory.history)
        if told[:here] != memory.history or (0 < here < len(told) and told[here].generation == memory.last):
            memory.forget()
            here = 0
        for _, newcomers in groupby(told[here:], key=lambda one: one.generation):
            pool = [*memory.population, *(one for one in newcomers if not one.failed)]
            known = {one.index: one for one in pool}
            memory.chosen = tools.selNSGA2(self._individuals(pool), self.population)
            memory.population = [known[individual.index] for individual in memory.chosen]
        memory.history = told
        return memory.chosen

    @cached_property
    def _memory(self) -> "Memory":
        return Memory()

    def _individuals(self, evaluated: Sequence[Evaluated]) -> list[Individual]:
        best = max((one.g for one in evaluated), default=0.0)
        individuals = []
        for one in evaluated:
            g = floor(one.g / self.resolution + 0.5) * self.resolution
            fitness = Fitness((g, log2(max(one.n, 1)), one.bits))
            fitness.feasible = one.g >= self.floor * best
            individuals.append(Individual(one, fitness))
        return individuals

    def _parents(self, population: list[Individual]) -> list[Individual]:
        """Binary tournaments by dominance and crowding, two parents for each of the offspring."""
        wanted = 2 * self.offspring
        whole = len(population) - len(population) % 4  # DEAP's tournament takes four at a time
        if whole == 0:
            return [population[place % len(population)] for place in range(wanted)] if population else []
        parents: list[Individual] = []
        while len(parents) < wanted:
            parents += tools.selTournamentDCD(population[:whole], whole)
        return parents[:wanted]

    def _toolbox(self, grammar: grammars.Grammar, rng: np.random.Generator) -> base.Toolbox:
        toolbox = base.Toolbox()
        toolbox.register("lesson", grammar.random, "Lesson", rng, max_bits=self.max_bits)
        toolbox.register("mutate", grammar.mutate, rng=rng, max_bits=self.max_bits)
        toolbox.register("mate", grammar.crossover, rng=rng, max_bits=self.max_bits)
        return toolbox

    def _child(
        self,
        problem: Problem,
        toolbox: base.Toolbox,
        rng: np.random.Generator,
        parents: list[Individual],
        place: int,
    ) -> Proposal | None:
        """One new lesson; None where neither its parents nor the grammar have one that is new."""
        if parents and rng.random() >= self.immigrants:
            first, second = parents[2 * place], parents[2 * place + 1]
            mates = rng.random() < self.crossover and first.index != second.index
            for _ in range(self.tries if rng.random() < self.edits else 0):
                child = edited(first.sentence, second.sentence, rng, self.max_bits)
                candidate = self._admit(problem, child) if child is not None else None
                if candidate is not None:
                    return Proposal(candidate, (first.index,))
            for _ in range(self.tries):
                made_from = (first.index, second.index) if mates else (first.index,)
                if mates:
                    children = toolbox.mate(first.sentence, second.sentence)
                else:
                    children = (toolbox.mutate(first.sentence),)
                for child in children:
                    candidate = self._admit(problem, child)
                    if candidate is not None:
                        return Proposal(candidate, made_from)
                mates = False  # mutation leaves a family whose members are all known
        for _ in range(self.tries):
            candidate = self._admit(problem, toolbox.lesson())
            if candidate is not None:
                return Proposal(candidate)
        return None

    def _admit(self, problem: Problem, sentence: grammars.Sentence) -> Candidate | None:
        return problem.admission.admit(sentence) if sentence.bits <= self.max_bits else None


@contextmanager
def python_random(seed: int) -> Iterator[None]:
    """DEAP draws from Python's global generator: seed it here, and leave it as it was found."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
