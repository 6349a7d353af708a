"""Particle swarm on the numbers of a sentence (Kennedy & Eberhart 1995) whose structure is held fixed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import grammars
from search.derivations import at_levels, levels, skeleton
from search.first_generation import varied_lessons
from search.searcher import Evaluated, Problem, Proposal
from search.setting import Priced, next_generation, setting

INERTIA, PULL = 0.7298, 1.49618  # Clerc & Kennedy 2002, the constriction coefficient for phi = 4.1
Levels = NDArray[np.float64]


@dataclass(frozen=True)
class Swarm(Priced):
    """Tunes n, k, places and other numbers of a promising structure; choose it where the right kind of
    lesson is known or easily hit upon and its numbers matter, as on the plane.

    It goes in rounds. A round begins with `first` lessons (random; later half of them mutations of the best).
    Then the structure of the most worthy lesson (`Priced`) that was not yet swarmed is held fixed for
    `moves` generations: rules, words, seeds and lengths of lists stay, and each numeric literal is a
    coordinate, its level in the grammar's own law (`search.derivations`), so that a step of equal length is
    equally probable everywhere. `particles` begin at the lesson itself and at random around it, and move by
    v' = 0.7298 v + 1.49618 (r1 (own best - x) + r2 (best - x)), rounded to the nearest sentence; v is the
    step made last. A particle that finds no new lesson near where it should be waits for the next
    generation.
    """

    first: int = setting(16, "lessons that a round begins with", 1, 100_000, "sentences")
    particles: int = setting(6, "particles that move at once", 2, 100_000, "sentences")
    moves: int = setting(5, "generations of a round that move one structure", 1, 100_000, "generations")
    spread: float = setting(
        0.25, "standard deviation of the first places around the lesson", 1e-3, 1.0, "level"
    )
    tries: int = setting(30, "attempts at a new lesson near a particle's place", 1, 10_000, "attempts")

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The beginning of a round or the next move; see the class."""
        generation = next_generation(history)
        rng = np.random.Generator(np.random.PCG64([problem.seed, generation, 0x50]))
        began, move = divmod(generation, 1 + self.moves)
        leader = self._leader(history, began) if move else None
        if leader is None:
            yield from self._beginning(problem, rng, history)
            return
        moved = False
        for proposal in self._moves(problem, rng, leader, began * (1 + self.moves) + 1, history):
            moved = True
            yield proposal
        if not moved:  # all of this structure's numbers were tried
            yield from self._beginning(problem, rng, history)

    def _beginning(
        self, problem: Problem, rng: np.random.Generator, history: Sequence[Evaluated]
    ) -> Iterator[Proposal]:
        best = self.best(history)
        mutants = 0
        if best is not None:
            for _ in range(self.tries * self.first):
                if mutants == self.first // 2:
                    break
                child = problem.grammar.mutate(best.sentence, rng, max_bits=self.max_bits)
                candidate = problem.admission.admit(child) if child.bits <= self.max_bits else None
                if candidate is not None:
                    mutants += 1
                    yield Proposal(candidate, (best.index,))
        yield from map(Proposal, varied_lessons(problem, rng, self.first - mutants, self.max_bits))

    def _leader(self, history: Sequence[Evaluated], began: int) -> Evaluated | None:
        """Whose structure this round holds fixed: the best that no earlier round held, and that has
        numbers."""
        held: set[object] = set()
        leader = None
        for round in range(began + 1):
            before = [one for one in history if one.generation <= round * (1 + self.moves) and not one.failed]
            leader = None
            for one in sorted(before, key=lambda one: (-self.worth(one), one.index)):
                structure = skeleton(one.sentence)
                if structure not in held and len(levels(one.sentence)):
                    leader = one
                    held.add(structure)
                    break
        return leader

    def _moves(
        self,
        problem: Problem,
        rng: np.random.Generator,
        leader: Evaluated,
        start: int,
        history: Sequence[Evaluated],
    ) -> Iterator[Proposal]:
        structure = skeleton(leader.sentence)
        paths = self._paths([one for one in history if one.generation >= start], structure)
        best = self.best([leader, *(one for path in paths for one in path)]) or leader
        goal, centre = levels(best.sentence), levels(leader.sentence)
        for place in range(self.particles):
            if place < len(paths):
                path = paths[place]
                own = self.best(path) or path[-1]
                x = levels(path[-1].sentence)
                step = x - levels(path[-2].sentence) if len(path) > 1 else np.zeros(len(x))
                pulls = rng.random((2, len(x)))
                wanted = (
                    x
                    + INERTIA * step
                    + PULL * (pulls[0] * (levels(own.sentence) - x) + pulls[1] * (goal - x))
                )
                parents = tuple(dict.fromkeys((path[-1].index, own.index, best.index)))
            else:  # not yet on its way
                wanted = centre + self.spread * rng.standard_normal(len(centre))
                parents = (leader.index,)
            proposal = self._near(problem, rng, leader.sentence, structure, wanted, parents)
            if proposal is not None:
                yield proposal

    def _paths(self, rows: Sequence[Evaluated], structure: object) -> list[list[Evaluated]]:
        """What each particle was so far: the first of a move's parents is where the particle came from."""
        paths: list[list[Evaluated]] = []
        of: dict[int, list[Evaluated]] = {}
        for one in rows:
            if skeleton(one.sentence) != structure:
                continue
            path = of.get(one.parents[0]) if one.parents else None
            if path is None:
                path = []
                paths.append(path)
            path.append(one)
            of[one.index] = path
        return paths

    def _near(
        self,
        problem: Problem,
        rng: np.random.Generator,
        sentence: grammars.Sentence,
        structure: object,
        wanted: Levels,
        parents: tuple[int, ...],
    ) -> Proposal | None:
        """The lesson at a place, or a new one near it; places beyond the edge stand at the edge."""
        width = 0.0
        for _ in range(self.tries):
            place = wanted + width * rng.standard_normal(len(wanted))
            child = at_levels(sentence, np.clip(place, 0.0, 1.0 - 1e-9))
            if child.bits <= self.max_bits and skeleton(child) == structure:
                candidate = problem.admission.admit(child)
                if candidate is not None:
                    return Proposal(candidate, parents)
            width = max(1.3 * width, 0.02)
        return None
