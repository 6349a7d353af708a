"""The search: a searcher proposes, the bench teaches, until the budget is used up.

    with workers.start(2) as pool, open_ledger(url, artifacts, "search", settings) as book:
        result = minimise(objective, grammar, searcher, 60, book, pool, baselines=iid(...))

A pure function of the seed and of the results so far: the same call on the same ledger resumes, the number
and order of workers change nothing. A larger budget goes on where a smaller one ended.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice

import xarray as xr

import grammars
from search.bench import Bench, Job, Row, interruptible
from search.errors import SearchError
from search.evaluation import Objective, Task
from search.ledger import Entry, Ledger
from search.result import build
from search.searcher import Admission, Allow, Candidate, Evaluated, Problem, Proposal, Searcher

logger = logging.getLogger(__name__)

ALL_FAILED = 8  # so many failures and no success: something is wrong with the settings, not the lessons


@dataclass(frozen=True)
class Progress:
    """Where a search stands. `seconds_left` is None until there is something to go by."""

    done: int
    total: int
    baselines_done: int
    baselines_total: int
    failed: int
    trained: int
    generation: int
    best_g: float
    best_n: int
    best_sentence: str
    seconds: float
    seconds_left: float | None


def minimise(
    objective: Objective,
    grammar: grammars.Grammar,
    searcher: Searcher,
    budget: int,
    ledger: Ledger,
    workers: Executor,
    *,
    baselines: Sequence[grammars.Sentence] = (),
    allow: Allow | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> xr.Dataset:
    """Look for lessons with g up, n down and bits down; `search.result` says what the dataset holds.

    budget: evaluations of proposed sentences; `baselines` come on top, when a worker would be idle. `allow`
    refuses sentences beforehand. Ctrl-C begins nothing new and returns what there is: the attribute `stopped`
    is then "interrupted", else "" or, where the searcher ran out of sentences, "exhausted".
    """
    if budget < 1:
        raise SearchError(f"`evaluations >= 1` must hold, but got evaluations={budget}")
    with interruptible() as asked:
        search = _Search(objective, grammar, searcher, budget, allow, progress)
        stopped = "interrupted"  # unless `run` comes to its end
        with Bench(ledger, workers, asked, search.note) as search.bench:
            stopped = search.run(baselines, ledger.lessons)
    return build(objective, grammar, search.rows(), ledger, stopped=stopped, budget=budget)


class _Search:
    """One call of `minimise`."""

    bench: Bench

    def __init__(
        self,
        objective: Objective,
        grammar: grammars.Grammar,
        searcher: Searcher,
        budget: int,
        allow: Allow | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._objective = objective
        self._grammar = grammar
        self._searcher = searcher
        self._budget = budget
        self._allow = allow
        self._progress = progress
        self._started = time.monotonic()
        self._known: Mapping[str, tuple[str, int]] = {}
        self._looked_at: dict[str, Candidate | None] = {}
        self._taken: set[str] = set()
        self._history: list[Evaluated] = []
        self._baselines: list[Job] = []
        self._best: Row | None = None
        self._generation = 0

    def run(self, baselines: Sequence[grammars.Sentence], known: Mapping[str, tuple[str, int]]) -> str:
        """The loop; why it ended before the budget did, or nothing. `known`: `Ledger.lessons`."""
        self._known = known
        self._baselines = self._baseline_jobs(baselines)
        self.bench.add_spare(self._baselines)
        self.bench.look()
        while len(self._history) < self._budget:
            batch = self._next_batch()
            if not batch and not self.bench.stopped:
                logger.warning("the searcher has no new sentence after %d evaluations", len(self._history))
                return "exhausted" if self.bench.run_spare() else "interrupted"
            if not self.bench.run([job for job, _ in batch]):
                return "interrupted"
            self._history += [self._evaluated(job, sentence) for job, sentence in batch]
        return "" if self.bench.run_spare() else "interrupted"

    def rows(self) -> list[Row]:
        """Everything that was finished, in the order of proposal."""
        return [row for _, row in sorted(self.bench.rows.items())]

    def note(self, row: Row) -> None:
        """Keep the best of the search in view, and tell whoever listens."""
        if row.entry.origin == "search" and row.outcome.failure is None:
            best = self._best
            if best is None or (row.outcome.g, -row.entry.n) > (best.outcome.g, -best.entry.n):
                self._best = row
        failures = [row.outcome.failure for row in self.bench.rows.values()]
        if len(failures) >= ALL_FAILED and all(failures):
            raise SearchError(
                f"each of the first {len(failures)} evaluations failed; the last: {failures[-1]}"
            )
        if self._progress is not None:
            self._progress(self._standing())

    def _next_batch(self) -> list[tuple[Job, grammars.Sentence]]:
        """The searcher's next proposals, as many as the budget has room for, begun as they come."""
        known, looked_at = self._known, self._looked_at
        admission = Admission(self._objective, self._taken, self._allow, known, looked_at)
        self._generation = 1 + max((one.generation for one in self._history), default=-1)
        problem = Problem(self._grammar, self._objective.seed, admission)
        proposals = self._searcher.propose(problem, tuple(self._history))
        batch: list[tuple[Job, grammars.Sentence]] = []
        for proposal in islice(proposals, self._budget - len(self._history)):
            if self.bench.stopped:
                break
            index = len(self._baselines) + len(self._history) + len(batch)
            job = self._job(proposal, index, "search", self._generation)
            batch.append((job, proposal.candidate.sentence))
            self.bench.begin(job)
        self._taken |= {job.entry.key for job, _ in batch}
        return batch

    def _job(self, proposal: Proposal, index: int, origin: str, generation: int) -> Job:
        candidate = proposal.candidate
        entry = Entry(
            key=candidate.key,
            index=index,
            sentence=str(candidate.sentence),
            n=candidate.n,
            bits=candidate.sentence.bits,
            origin=origin,
            generation=generation,
            parents=proposal.parents,
        )
        return Job(entry, Task(self._objective, entry.sentence))

    def _baseline_jobs(self, sentences: Sequence[grammars.Sentence]) -> list[Job]:
        """The baselines, known to the search from the beginning, so that it does not repeat them."""
        admission = Admission(self._objective, (), known=self._known)
        jobs: list[Job] = []
        for sentence in sentences:
            candidate = admission.admit(sentence)
            if candidate is None:
                logger.info("baseline %s teaches nothing new: left out", sentence)
                continue
            jobs.append(self._job(Proposal(candidate), len(jobs), "iid", -1))
            self._taken.add(candidate.key)
        return jobs

    def _evaluated(self, job: Job, sentence: grammars.Sentence) -> Evaluated:
        entry, outcome = job.entry, self.bench.rows[job.entry.index].outcome
        return Evaluated(entry.index, sentence, entry.generation, entry.parents, entry.n, outcome.g)

    def _standing(self) -> Progress:
        rows = list(self.bench.rows.values())
        searched = [row for row in rows if row.entry.origin == "search"]
        left = self._budget - len(searched) + len(self._baselines) - (len(rows) - len(searched))
        pace, best = self.bench.seconds_per_training, self._best
        return Progress(
            done=len(searched),
            total=self._budget,
            baselines_done=len(rows) - len(searched),
            baselines_total=len(self._baselines),
            failed=sum(row.outcome.failure is not None for row in rows),
            trained=self.bench.trained,
            generation=self._generation,
            best_g=best.outcome.g if best else 0.0,
            best_n=best.entry.n if best else 0,
            best_sentence=best.entry.sentence if best else "",
            seconds=time.monotonic() - self._started,
            seconds_left=None if pace is None else pace * max(left, 0),
        )
