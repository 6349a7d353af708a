"""The bench: entries go in, workers teach them, the ledger remembers, rows come out.

What is in the ledger already is answered from it, and what another run on this machine has trained from its
cache. At most two tasks per worker are under way, so that no worker waits for the driver; entries of the
second line (`spare`) are begun only when a worker would otherwise be idle. Where trainings are stacked
(`Objective.population`), a worker takes as many entries at once as fit into a stack. What another driver of
the same study is at is left to it, and looked for now and then. When what finishes is of no consequence for
what comes out.
"""

import logging
import math
import os
import signal
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from search.errors import SearchError, one_line
from search.evaluation import Outcome, Task, evaluate, evaluate_together
from search.ledger import Entry, Ledger, LetGo
from search.workers import WorkerNeverStarted

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5  # how soon a Ctrl-C is noticed while all workers are busy
ELSEWHERE_SECONDS = 1.0  # how often it is asked what other drivers have finished
TRIES = 4  # at a job that the workers let go of, as Dask's do when the connection to the scheduler is lost
GONE = "nothing that finished is lost, and the same command goes on when they are there again"

At = tuple[list[Outcome], str]  # what was found, and by which worker


@dataclass(frozen=True)
class Job:
    """An entry of the ledger and the task that fills it."""

    entry: Entry
    task: Task


@dataclass(frozen=True)
class Row:
    """A finished entry."""

    entry: Entry
    outcome: Outcome


class Interruption:
    """Whether Ctrl-C was pressed, and how often."""

    def __init__(self) -> None:
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Turn Ctrl-C into a request to stop, so that it never cuts a write in two.

    Outside of the main thread, where Python has no signals, nothing changes.
    """
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: object) -> None:
        asked.count += 1

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


class Bench:
    """Runs jobs; one for each search or verification, as a context that leaves nothing under way."""

    def __init__(
        self,
        ledger: Ledger,
        workers: Executor,
        asked: Interruption,
        finished: Callable[[Row], None] = lambda row: None,
    ) -> None:
        self._ledger = ledger
        self._workers = workers
        self._asked = asked
        self._finished = finished
        self._waiting: deque[Job] = deque()
        self._spare: deque[Job] = deque()
        self._running: dict[Future[At], list[tuple[Job, int]]] = {}
        self._elsewhere: dict[int, Job] = {}
        self._twins: dict[int, Job] = {}  # of the same content as one that is under way
        self._tries: Counter[int] = Counter()
        self._asked_at = -math.inf
        self.rows: dict[int, Row] = {}
        self.trained = 0
        self.seconds_per_training: float | None = None
        self._since = time.monotonic()

    @property
    def stopped(self) -> bool:
        """Nothing more is begun."""
        return bool(self._asked)

    def add_spare(self, jobs: Iterable[Job]) -> None:
        """Jobs for moments in which a worker would be idle."""
        self._spare.extend(job for job in jobs if not self._known(job))

    def begin(self, job: Job) -> None:
        """Take a job; it is under way as soon as a worker has room, while the caller thinks of the next."""
        if not self._known(job):
            self._waiting.append(job)
        self.look()

    def recall(self, job: Job) -> Row:
        """The row of a job that the ledger has."""
        self._add(Row(job.entry, self._ledger.outcomes[job.entry.key]))
        return self.rows[job.entry.index]

    def look(self) -> None:
        """Take what is finished and hand out what is waiting, without waiting; of populations whole ones."""
        if not self.stopped:
            self._collect(timeout=0)
            self._submit(whole=True)

    def run(self, jobs: Sequence[Job]) -> bool:
        """Finish these jobs, begun or not; False where the run was stopped before."""
        under_way = {job.entry.index for job, _ in self._under_way()}
        under_way |= {job.entry.index for job in self._waiting} | set(self._elsewhere) | set(self._twins)
        self._waiting.extend(job for job in jobs if job.entry.index not in under_way and not self._known(job))
        wanted = [job.entry.index for job in jobs]
        while not self.stopped and not all(index in self.rows for index in wanted):
            self._submit()
            self._collect()
        if self.stopped:
            self._wind_up()
        return not self.stopped

    def run_spare(self) -> bool:
        """Finish what is left of the second line; False where the run was stopped before."""
        self._waiting.extend(self._spare)
        self._spare.clear()
        running = [job for job, _ in self._under_way()]
        return self.run([*running, *self._elsewhere.values(), *self._twins.values(), *self._waiting])

    def _known(self, job: Job) -> bool:
        """Whether the ledger has it, which then becomes a row."""
        outcome = self._ledger.outcomes.get(job.entry.key)
        if outcome is not None and job.entry.index not in self.rows:
            self._add(Row(job.entry, outcome))
        return outcome is not None

    @property
    def _count(self) -> int:
        """How many tasks can be done at the same time; workers of a cluster come and go."""
        count: int = getattr(self._workers, "count", 1)
        return count

    def _under_way(self) -> list[tuple[Job, int]]:
        return [one for together in self._running.values() for one in together]

    def _submit(self, whole: bool = False) -> None:
        while self._waiting and len(self._running) < 2 * self._count:
            if whole and len(self._waiting) < self._waiting[0].task.objective.together:
                break
            self._start(_alike(self._waiting))
        while self._spare and len(self._running) < self._count:
            self._start(_alike(self._spare))

    def _start(self, jobs: Sequence[Job]) -> None:
        """Hand these to one worker, but for those that are known by now or that somebody is at."""
        if not self._running:
            self._since = time.monotonic()
        begun: list[tuple[Job, int]] = []
        taught = {job.entry.key for job, _ in self._under_way()}
        for job in jobs:
            if self._known(job):
                continue
            if job.entry.key in taught:
                self._twins[job.entry.index] = job
                continue
            trial = self._ledger.start(job.entry)
            if trial is None:
                if not self._known(job):
                    self._elsewhere[job.entry.index] = job
                continue
            cache = self._ledger.cache
            cached = None if cache is None else cache.get(job.task.objective, job.entry.key)
            if cached is not None:
                self._add(Row(job.entry, self._ledger.finish(trial, job.entry, cached, "cache", job.task)))
                continue
            begun.append((job, trial))
            taught.add(job.entry.key)
        if begun:
            self._running[self._hand_out(begun)] = begun

    def _hand_out(self, begun: Sequence[tuple[Job, int]]) -> Future[At]:
        """Give these to a worker; a SearchError where nobody takes them any more."""
        try:
            return self._workers.submit(at_work, tuple(job.task for job, _ in begun))
        except Exception as error:  # whatever an executor says that has lost its workers
            for _, trial in begun:
                self._ledger.abandon(trial, LetGo.NOT_DONE)
            if isinstance(error, SearchError):
                raise
            reason = f"the workers take no more work, as where the scheduler is gone ({one_line(error)})"
            raise SearchError(f"{reason}: {GONE}") from error

    def _collect(self, timeout: float = POLL_SECONDS) -> None:
        if self._running:
            done, _ = wait(self._running, timeout=timeout, return_when=FIRST_COMPLETED)
        else:
            done = set()
            if self._elsewhere:
                time.sleep(timeout)
        for future in sorted(done, key=lambda future: self._running[future][0][0].entry.index):
            together = self._running.pop(future)
            found = _outcomes(future, [job for job, _ in together])
            if found is not None:
                self._note_speed(len(together))
            try:
                while together:
                    job, trial = together.pop(0)
                    if found is None:
                        self._let_go(job, trial)
                    else:
                        self._finish(job, trial, found[0].pop(0), found[1])
            finally:
                if together:  # interrupted: the others are collected, or let go of, at the end
                    self._running[future] = together
        self._look_elsewhere()
        self._twins = {index: job for index, job in self._twins.items() if not self._known(job)}

    def _let_go(self, job: Job, trial: int) -> None:
        """What was cancelled: by us, who stop, or by the workers, and then it is tried again."""
        self._ledger.abandon(trial, LetGo.NOT_BEGUN if self.stopped else LetGo.NOT_DONE)
        if self.stopped:
            return
        self._tries[job.entry.index] += 1
        if self._tries[job.entry.index] == TRIES:
            reason = f"the workers cancelled a training {TRIES} times, as where the scheduler is gone"
            raise SearchError(f"{reason}: {GONE}")
        self._waiting.append(job)

    def _finish(self, job: Job, trial: int, outcome: Outcome, worker: str) -> None:
        """Into the ledger, the cache and the rows."""
        stored = self._ledger.finish(trial, job.entry, outcome, worker, job.task)
        if self._ledger.cache is not None:
            self._ledger.cache.put(job.task.objective, job.entry.key, outcome)
        self._add(Row(job.entry, stored))

    def _look_elsewhere(self) -> None:
        """What other drivers have finished becomes rows; what they have let go of is ours to do."""
        if not self._elsewhere or time.monotonic() - self._asked_at < ELSEWHERE_SECONDS:
            return
        self._asked_at = time.monotonic()
        free = self._ledger.absorb({job.entry.key for job in self._elsewhere.values()})
        for index, job in list(self._elsewhere.items()):
            if self._known(job):
                del self._elsewhere[index]
            elif job.entry.key in free:
                self._waiting.append(self._elsewhere.pop(index))

    def _note_speed(self, count: int) -> None:
        """Seconds of the driver's clock per training, all workers together: a running mean."""
        now = time.monotonic()
        took, self._since = (now - self._since) / count, now
        self.trained += count
        before = self.seconds_per_training
        self.seconds_per_training = (
            took if before is None else before + (took - before) / min(self.trained / count, 20)
        )

    def _add(self, row: Row) -> None:
        self.rows[row.entry.index] = row
        if row.outcome.failure is not None:
            logger.warning("%s: %s", row.entry.sentence, row.outcome.failure)
        self._finished(row)

    def __enter__(self) -> "Bench":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Leave nothing under way; a KeyboardInterrupt from elsewhere is a wish to stop like Ctrl-C."""
        if isinstance(error, KeyboardInterrupt):
            self._asked.count += 1
            try:
                self._wind_up()
            except KeyboardInterrupt:
                self._drop(LetGo.DROPPED)
            return True
        if kind is None and self.stopped:
            self._wind_up()
        self._drop(LetGo.ENDED)
        return False

    def _wind_up(self) -> None:
        """Begin nothing new, let trainings end that are under way; a second Ctrl-C drops those too."""
        self._waiting.clear()
        self._elsewhere.clear()
        for future in list(self._running):
            future.cancel()
        begun = sum(len(jobs) for future, jobs in self._running.items() if not future.cancelled())
        logger.info("stopping: %d trainings under way are finished; Ctrl-C again drops them", begun)
        while self._running:
            if self._asked.count > 1:
                self._drop(LetGo.DROPPED)
                return
            self._collect()

    def _drop(self, reason: LetGo) -> None:
        """Let go of everything under way, as well as that can be done."""
        running, self._running = self._running, {}
        for future in running:
            future.cancel()
        kill = getattr(self._workers, "kill", None)
        if kill is not None and running:
            kill()
        try:
            for _, trial in (one for together in running.values() for one in together):
                self._ledger.abandon(trial, reason)
        except SearchError as error:
            logger.warning("%s", error)  # it is found RUNNING, and so failed, at the next start


def _alike(jobs: deque[Job]) -> list[Job]:
    """Take the first, and with it as many of the others as a worker takes at once, in their order."""
    taken = [jobs.popleft()]
    first = taken[0].task.objective
    others: list[Job] = []
    while jobs and len(taken) < first.together:
        job = jobs.popleft()
        (taken if job.task.objective.pupil == first.pupil else others).append(job)
    jobs.extendleft(reversed(others))
    return taken


def at_work(tasks: Sequence[Task]) -> At:
    """The evaluations in a worker, which leaves its name."""
    found = [evaluate(tasks[0])] if len(tasks) == 1 else evaluate_together(tasks)
    return found, f"{socket.gethostname()}:{os.getpid()}"


def _outcomes(future: Future[At], jobs: Sequence[Job]) -> At | None:
    """What a worker found; None for tasks that were cancelled before they began."""
    try:
        outcomes, worker = future.result()
    except CancelledError:
        return None
    except WorkerNeverStarted:
        raise
    except Exception as error:  # whatever an executor makes of a dead or unreachable worker
        reason = one_line(error)
        return [Outcome(job.entry.key, job.entry.n, failure=reason, lost=True) for job in jobs], ""
    left = outcomes[len(outcomes) - len(jobs) :]  # of those that were interrupted while they were written
    return [_checked(outcome, job.entry) for outcome, job in zip(left, jobs, strict=True)], worker


def _checked(outcome: Outcome, entry: Entry) -> Outcome:
    if outcome.failure is not None or outcome.key == entry.key:
        return outcome
    reason = "the sentence denotes other examples in the worker than in the driver"
    return Outcome(entry.key, entry.n, failure=reason, lost=True)
