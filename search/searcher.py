"""What a searcher is: results so far in, sentences out.

A searcher holds settings and no state: what it proposes is a function of the problem's seed and of the
history, so a search that was killed is replayed from its ledger. It proposes a batch; the batch is
evaluated whole, in any order, before it is asked again.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

import grammars
from search.evaluation import Objective, content_key, examples_of

Allow = Callable[[grammars.Sentence], bool]


@dataclass(frozen=True)
class Without:
    """Refuses lessons drawn from a set as large as the target, whatever its words: an `Allow`."""

    target: grammars.Sentence

    def __call__(self, lesson: grammars.Sentence) -> bool:
        """Whether the lesson may be proposed."""
        return not lesson.uses_target(self.target)

    def __repr__(self) -> str:
        return f"Without({str(self.target)!r})"


@dataclass(frozen=True)
class Candidate:
    """A lesson that may be proposed: its sentence, its evaluation's key and the number of its examples."""

    sentence: grammars.Sentence
    key: str
    n: int


@dataclass(frozen=True)
class Proposal:
    """A candidate and the trials it was made from (their indices)."""

    candidate: Candidate
    parents: tuple[int, ...] = ()


@dataclass(frozen=True)
class Evaluated:
    """A proposal and what came of it; g is NaN where the evaluation failed."""

    index: int
    sentence: grammars.Sentence
    generation: int
    parents: tuple[int, ...]
    n: int
    g: float

    @property
    def bits(self) -> float:
        """Length of the sentence."""
        return self.sentence.bits

    @property
    def failed(self) -> bool:
        """No g was found."""
        return math.isnan(self.g)


class Admission:
    """Which sentences may be proposed next: they denote something, are allowed and were not evaluated yet.

    Sentences that denote the examples of an earlier evaluation (or of this batch) are refused, whatever
    their words: they would be the same evaluation.
    """

    def __init__(
        self,
        objective: Objective,
        taken: Iterable[str],
        allow: Allow | None = None,
        known: Mapping[str, tuple[str, int]] | None = None,
        looked_at: dict[str, Candidate | None] | None = None,
    ) -> None:
        """`known` has key and n of lessons by their text; `looked_at` remembers beyond one batch."""
        self._objective = objective
        # A set stays the caller's: to copy it for each batch is quadratic in the length of the search.
        self._before = taken if isinstance(taken, AbstractSet) else set(taken)
        self._taken: set[str] = set()
        self._allow = allow
        self._known = known or {}
        self._looked_at = {} if looked_at is None else looked_at

    @property
    def target(self) -> str:
        """The sentence of the set that is to be taught."""
        return self._objective.target

    def look(self, sentence: grammars.Sentence) -> Candidate | None:
        """The candidate a sentence stands for, None where it may not be proposed."""
        text = str(sentence)
        if text not in self._looked_at:
            self._looked_at[text] = self._candidate(sentence)
        candidate = self._looked_at[text]
        if candidate is None or candidate.key in self._taken or candidate.key in self._before:
            return None
        return candidate

    def admit(self, sentence: grammars.Sentence) -> Candidate | None:
        """`look`, and the examples are taken from now on."""
        candidate = self.look(sentence)
        if candidate is not None:
            self._taken.add(candidate.key)
        return candidate

    def _candidate(self, sentence: grammars.Sentence) -> Candidate | None:
        if self._allow is not None and not self._allow(sentence):
            return None
        if str(sentence) in self._known:
            return Candidate(sentence, *self._known[str(sentence)])
        try:
            examples = examples_of(sentence)
        except grammars.GrammarError:
            return None
        if len(examples) == 0:  # known to score 0
            return None
        return Candidate(sentence, content_key(self._objective, examples), len(examples))


@dataclass(frozen=True)
class Problem:
    """What a searcher is asked: a grammar whose lessons are wanted, a seed, and who is admitted."""

    grammar: grammars.Grammar
    seed: int
    admission: Admission

    @property
    def target(self) -> str:
        """The sentence of the set that is to be taught."""
        return self.admission.target


class Searcher(Protocol):
    """Proposes the next batch; an empty one ends the search."""

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterable[Proposal]:
        """The next batch, a function of `problem.seed` and `history` alone.

        A generator has its first proposals taught while it still looks for the others.
        """
