"""The search: a searcher proposes, the bench teaches, until the budget is used up.

    with workers.start(2) as pool, open_ledger(url, artifacts, "search", settings) as book:
        result = minimise(objective, grammar, searcher, 60, book, pool, baselines=iid(...))

A pure function of the seed and of the results so far: the same call on the same ledger resumes
(`search.recall`), the number and order of workers change nothing. A larger budget goes on where a smaller one
ended. With a ladder (`search.ladder`) a proposal is first looked at cheaply, and few are trained in full.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

import xarray as xr

import grammars
from search.bench import Bench, Job, Row, interruptible
from search.derivations import parameters
from search.errors import SearchError
from search.evaluation import Objective, Outcome, Task, canonical, content_key
from search.ladder import Climb, Ladder
from search.ledger import Entry, Ledger
from search.recall import evaluated, proposer, remembered
from search.result import Climbed, build
from search.searcher import Admission, Allow, Candidate, Evaluated, Problem, Proposal, Searcher
from search.setting import next_generation
from search.subsets import Subsets

logger = logging.getLogger(__name__)

ALL_FAILED = 8  # so many failures and no success: something is wrong with the settings, not the lessons


@dataclass(frozen=True)
class Progress:
    """Where a search stands. `seconds_left` is None until there is something to go by.

    `so_far` builds the dataset of what is finished; its attribute `stopped` is "running".
    """

    done: int
    total: int
    baselines_done: int
    baselines_total: int
    looks: int  # evaluations on lower rungs of a ladder
    failed: int
    trained: int
    generation: int
    best_g: float
    best_n: int
    best_sentence: str
    seconds: float
    seconds_left: float | None
    so_far: Callable[[], xr.Dataset] = field(repr=False, compare=False)


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
    ladder: Ladder | None = None,
) -> xr.Dataset:
    """Look for lessons with g up, n down and bits down; `search.result` says what the dataset holds.

    budget: evaluations of proposed sentences; `baselines` come on top, when a worker would be idle. `allow`
    refuses sentences beforehand. Ctrl-C begins nothing new and returns what there is: the attribute `stopped`
    is then "interrupted", else "" or, where the searcher ran out of sentences, "exhausted".

    With a `ladder` the budget counts proposals at its foot, and the searcher is told the g that is expected
    of those that were not trained in full. Each rung is a study of its own in the ledger.
    """
    if budget < 1:
        raise SearchError(f"`evaluations >= 1` must hold, but got evaluations={budget}")
    with interruptible() as asked:
        search = _Search(objective, grammar, searcher, budget, allow, progress, ledger)
        stopped = "interrupted"  # unless `run` comes to its end
        with ExitStack() as benches:
            search.bench = benches.enter_context(Bench(ledger, workers, asked, search.note))
            for place, rung in enumerate(ladder.rungs if ladder is not None else ()):
                book = ledger.sibling(f"rung-{place}", rung.objective.content())
                search.lower.append(benches.enter_context(Bench(book, workers, asked, search.looked)))
                search.books.append(book)
            search.climbing = Climb(ladder, search.teach) if ladder is not None and ladder.rungs else None
            stopped = search.run(baselines)
    return search.result(stopped)


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
        ledger: Ledger,
    ) -> None:
        self._objective = objective
        self._grammar = grammar
        self._searcher = searcher
        self._budget = budget
        self._allow = allow
        self._progress = progress
        self._ledger = ledger
        self._started = time.monotonic()
        self._known: Mapping[str, tuple[str, int]] = {}
        self._finished: Mapping[str, Outcome] = {}
        self._looked_at: dict[str, Candidate | None] = {}
        self._taken: set[str] = set()
        self._history: list[Evaluated] = []
        self._baselines: list[Job] = []
        self._best: Row | None = None
        self._rows = self._searched = self._failed = 0  # of full training
        self._generation = 0
        self.climbing: Climb | None = None
        self.lower: list[Bench] = []
        self.books: list[Ledger] = []
        self._jobs: dict[int, Job] = {}  # of a search with a ladder, by index

    def run(self, baselines: Sequence[grammars.Sentence]) -> str:
        """The loop; why it ended before the budget did, or nothing."""
        self._known, self._finished = self._ledger.lessons, self._ledger.outcomes
        self._baselines = self._baseline_jobs(baselines)
        self.bench.add_spare(self._baselines)
        self.bench.look()
        self._recall()
        stopped = ""
        while len(self._history) < self._budget:
            batch = self._next_batch()
            if not batch and not self.bench.stopped:
                logger.warning("the searcher has no new sentence after %d evaluations", len(self._history))
                stopped = "exhausted"
                break
            if not self._finish([job for job, _ in batch]):
                return "interrupted"
            self._history += [self._evaluated(job, sentence) for job, sentence in batch]
            if self.climbing is not None:
                expected = self.climbing.expected()
                self._history = [self._caught_up(one, expected) for one in self._history]
                self.tell()
        if self.climbing is not None and not self.climbing.finish():
            return "interrupted"
        return stopped if self.bench.run_spare() else "interrupted"

    def _recall(self) -> None:
        """Go on from what the ledger has, where all of it is this search's; a ladder is climbed anew."""
        keys = [job.entry.key for job in self._baselines]
        own = proposer(self._searcher, self._objective, keys, self._allow, self._grammar)
        if not self._ledger.proposed_by("" if self.climbing is not None else own):
            return
        for entry, sentence in remembered(self._ledger.proposals, len(keys), self._budget, self._grammar):
            row = self.bench.recall(Job(entry, Task(self._objective, entry.sentence)))
            self._taken.add(entry.key)
            self._history.append(evaluated(entry, sentence, row.outcome.g))

    def result(self, stopped: str) -> xr.Dataset:
        """The dataset of everything that was finished."""
        return build(
            self._objective,
            self._grammar,
            self.rows(),
            self._ledger,
            stopped=stopped,
            budget=self._budget,
            climb=self.climbed(),
        )

    def rows(self) -> list[Row]:
        """Everything that was finished, in the order of proposal; without measures what was not promoted."""
        rows = dict(self.bench.rows)
        for index, job in self._jobs.items():
            if index not in rows and any(index in bench.rows for bench in self.lower):
                rows[index] = Row(job.entry, Outcome(job.entry.key, job.entry.n))
        return [row for _, row in sorted(rows.items())]

    def climbed(self) -> Climbed | None:
        """What was seen on each rung, where there is a ladder."""
        if self.climbing is None:
            return None
        return Climbed(self.climbing, [*(bench.rows for bench in self.lower), self.bench.rows])

    def teach(self, level: int, places: Sequence[int]) -> Mapping[int, float] | None:
        """g of these proposals on one rung; None where the search was stopped."""
        jobs = [self._jobs[place] for place in places]
        bench = self.bench
        if level < len(self.lower):
            jobs, bench = [self._look(job, level) for job in jobs], self.lower[level]
        if not bench.run(jobs):
            self.bench.run([])  # whose baselines may be under way
            return None
        return {place: bench.rows[place].outcome.g for place in places}

    def note(self, row: Row) -> None:
        """Keep the best of the search in view, and tell whoever listens."""
        self._rows += 1
        self._searched += row.entry.origin == "search"
        if row.outcome.failure is not None:
            self._failed += 1
            if self._failed == self._rows >= ALL_FAILED:
                raise SearchError(
                    f"each of the first {self._rows} evaluations failed; the last: {row.outcome.failure}"
                )
        elif row.entry.origin == "search":
            best = self._best
            if best is None or (row.outcome.g, -row.entry.n) > (best.outcome.g, -best.entry.n):
                self._best = row
        self.tell()

    def looked(self, _: Row) -> None:
        """What was trained in full meanwhile, baselines, is kept at once: it would be lost if we were."""
        self.bench.look()
        self.tell()

    def tell(self) -> None:
        """Tell whoever listens where the search stands."""
        if self._progress is not None:
            self._progress(self._standing())

    def _finish(self, jobs: Sequence[Job]) -> bool:
        """Teach a batch, or let it climb; False where the search was stopped before."""
        if self.climbing is None:
            return self.bench.run(jobs)
        for job in jobs:
            self._jobs[job.entry.index] = job
            self.climbing.add(job.entry.index, job.entry.key, job.entry.n)
        return self.climbing.climb([job.entry.index for job in jobs])

    def _look(self, job: Job, level: int) -> Job:
        """The same lesson on a lower rung."""
        assert self.climbing is not None
        rung, entry = self.climbing.ladder.rungs[level], job.entry
        if 0 < rung.most < entry.n:
            entry = self._begun(entry, rung.most)
        known = self.books[level].lessons.get(entry.sentence)
        if known is None:
            examples = canonical(self._grammar.parse(entry.sentence, type="Lesson").denote())
            known = content_key(rung.objective, examples), entry.n
        extra = {"rung": len(self.lower) - level}
        return Job(replace(entry, key=known[0], extra=extra), Task(rung.objective, entry.sentence))

    def _begun(self, entry: Entry, most: int) -> Entry:
        """The first so many examples of a lesson; the whole of it where its language cannot say them."""
        try:
            part = Subsets(self._grammar.parse(entry.sentence, type="Lesson")).first(most)
        except (SearchError, grammars.GrammarError):
            return entry
        return replace(entry, sentence=str(part), n=most, bits=part.bits)

    def _next_batch(self) -> list[tuple[Job, grammars.Sentence]]:
        """The searcher's next proposals, as many as the budget has room for, begun as they come."""
        known, looked_at = self._known, self._looked_at
        admission = Admission(self._objective, self._taken, self._allow, known, looked_at)
        self._generation = next_generation(self._history)
        problem = Problem(self._grammar, self._objective.seed, admission)
        proposals = self._searcher.propose(problem, tuple(self._history))
        batch: list[tuple[Job, grammars.Sentence]] = []
        for proposal in islice(proposals, self._budget - len(self._history)):
            if self.bench.stopped:
                break
            index = len(self._baselines) + len(self._history) + len(batch)
            job = self._job(proposal, index, "search", self._generation)
            batch.append((job, proposal.candidate.sentence))
            if self.climbing is None:
                self.bench.begin(job)
        self._taken |= {job.entry.key for job, _ in batch}
        return batch

    def _job(self, proposal: Proposal, index: int, origin: str, generation: int) -> Job:
        candidate = proposal.candidate
        finished = candidate.key in self._finished  # and is only read
        params, distributions = ({}, {}) if finished else parameters(candidate.sentence)
        entry = Entry(
            key=candidate.key,
            index=index,
            sentence=str(candidate.sentence),
            n=candidate.n,
            bits=candidate.sentence.bits,
            origin=origin,
            generation=generation,
            parents=proposal.parents,
            params=params,
            distributions=distributions,
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
        row = self.bench.rows.get(job.entry.index)
        return evaluated(job.entry, sentence, math.nan if row is None else row.outcome.g)

    def _caught_up(self, one: Evaluated, expected: Mapping[int, float]) -> Evaluated:
        """A lesson that was not trained in full has the g expected of it, and its own when it is trained."""
        row = self.bench.rows.get(one.index)
        if row is None and not one.failed:
            return one  # as it was told before: a history that changes is gone through again
        g = expected.get(one.index, math.nan) if row is None else row.outcome.g
        return one if g == one.g or (one.failed and math.isnan(g)) else replace(one, g=g)

    def _standing(self) -> Progress:
        done, baselines_done = self._searched, self._rows - self._searched
        if self.climbing is not None:
            done = len(self._history)
        left = self._budget - done + len(self._baselines) - baselines_done
        pace, best = self._seconds_per_proposal(), self._best
        return Progress(
            done=done,
            total=self._budget,
            baselines_done=baselines_done,
            baselines_total=len(self._baselines),
            looks=sum(len(bench.rows) for bench in self.lower),
            failed=self._failed,
            trained=self.bench.trained + sum(bench.trained for bench in self.lower),
            generation=self._generation,
            best_g=best.outcome.g if best else 0.0,
            best_n=best.entry.n if best else 0,
            best_sentence=best.entry.sentence if best else "",
            seconds=time.monotonic() - self._started,
            seconds_left=None if pace is None else pace * max(left, 0),
            so_far=partial(self.result, "running"),
        )

    def _seconds_per_proposal(self) -> float | None:
        """What a proposal costs by the driver's clock, all its rungs together; None before one is trained."""
        if self.climbing is None:
            return self.bench.seconds_per_training
        benches = [*self.lower, self.bench]
        if not self._history or all(bench.seconds_per_training is None for bench in benches):
            return None
        spent = [(bench.seconds_per_training or 0.0) * len(bench.rows) for bench in benches]
        return sum(spent) / len(self._history)
