"""One lesson that a person gives: nothing is looked for, it is taught and held against the baselines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search.searcher import Evaluated, Problem, Proposal


@dataclass(frozen=True)
class Given:
    """The sentence, as the only proposal."""

    sentence: str

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The sentence, once."""
        candidate = problem.admission.admit(problem.grammar.parse(self.sentence, type="Lesson"))
        if candidate is not None and not history:
            yield Proposal(candidate)
