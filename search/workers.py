"""Who does the work: processes of one torch thread each, behind `concurrent.futures.Executor`.

A process that dies (killed, out of memory) is replaced and its task is given to the new one, so the
caller sees a slow future instead of a broken pool. A task that kills its worker every time ends as
`WorkerDied`. Each process serves one task at a time, so a death is laid at the right task's door.
"""

import logging
import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

from search.errors import SearchError, one_line

logger = logging.getLogger(__name__)

# Read by the numerical libraries when they are loaded, so the environment is the only place for them.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class WorkerDied(SearchError):
    """A task whose worker process died each time it was tried."""


class WorkerNeverStarted(SearchError):
    """A worker process that ended before it was ready for its first task."""


def start(count: int, attempts: int = 3) -> "Workers | InThisProcess":
    """An executor of `count` processes, or of this process alone for `count = 0` (debugging, tiny jobs).

    `count` and `attempts` (how often a task whose worker dies is tried) change no result.
    """
    if count < 0:
        raise SearchError(f"`workers >= 0` must hold, but got workers={count}")
    return Workers(count, attempts) if count else InThisProcess()


class InThisProcess(Executor):
    """Runs each task at once in the caller's process, on one torch thread as the workers do."""

    count = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        import torch

        future: Future[Any] = Future()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        finally:
            torch.set_num_threads(threads)
        return future


@dataclass(frozen=True)
class _Job:
    future: Future[Any]
    call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Workers(Executor):
    """`count` spawned processes, each fed by a thread of this one; see the module's docstring."""

    def __init__(self, count: int, attempts: int = 3) -> None:
        self.count = count
        self._attempts = attempts
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._closed = False
        self._killed = False
        self._slots = [_Slot() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._serve, args=(slot,), name=f"worker-{number}", daemon=True)
            for number, slot in enumerate(self._slots)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._guard:
            if self._closed:
                raise SearchError("these workers are closed: open new ones with search.workers.start")
            self._jobs.put(_Job(future, (fn, args, kwargs)))
        return future

    def pids(self) -> list[int]:
        """Process ids of the workers that are up, for people and for tests that kill one."""
        return [pid for slot in self._slots if (pid := slot.pid()) is not None]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._guard:
            if not self._closed:
                self._closed = True
                if cancel_futures:
                    self._cancel_waiting()
                for _ in self._threads:
                    self._jobs.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def kill(self) -> None:
        """End the processes now; tasks under way end as `WorkerDied`, waiting ones are cancelled."""
        self._killed = True
        self.shutdown(wait=False, cancel_futures=True)
        for slot, thread in zip(self._slots, self._threads, strict=True):
            while thread.is_alive():  # a process that was just being started is killed when it is there
                slot.kill()
                thread.join(0.1)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.shutdown(wait=True)
        else:
            self.kill()

    def _cancel_waiting(self) -> None:
        with suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job.future.cancel()

    def _serve(self, slot: "_Slot") -> None:
        """One thread's life: take a job, have the slot's process do it, hand over what came back."""
        while (job := self._jobs.get()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            try:
                job.future.set_result(self._do(slot, job))
            except Exception as error:
                job.future.set_exception(error)
        slot.close()

    def _do(self, slot: "_Slot", job: _Job) -> Any:
        for attempt in range(1, self._attempts + 1):
            if self._killed:
                break
            try:
                failed, value = slot.call(job.call)
            except EOFError:
                if not self._killed:
                    logger.warning("a worker died (attempt %d of %d)", attempt, self._attempts)
                continue
            if failed:
                raise value
            return value
        if not self._killed and not any(one.was_ready for one in self._slots):
            raise WorkerNeverStarted(
                "the worker processes end while they start: a script that starts workers needs "
                'the line `if __name__ == "__main__":` around what it does'
            )
        times = "as it was told to" if self._killed else f"{self._attempts} times"
        raise WorkerDied(f"the worker process died {times} during this task")


class _Slot:
    """One worker process and the pipe to it; started when first needed and again after a death."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self.was_ready = False  # at least once

    def pid(self) -> int | None:
        process = self._process
        with suppress(ValueError):  # it was closed in the meantime
            return process.pid if process is not None else None
        return None

    def call(self, call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]) -> tuple[bool, Any]:
        """(raised, value) of one call; EOFError when the process died instead of answering."""
        pipe = self._ready()
        try:
            pipe.send(call)
            answer: tuple[bool, Any] = pipe.recv()
        except (EOFError, OSError) as error:  # a dead reader shows as BrokenPipe or ConnectionReset
            self.close()
            raise EOFError from error
        return answer

    def _ready(self) -> Connection:
        if self._pipe is not None and self._pipe.poll():  # it died while it was idle
            self.close()
        if self._pipe is None:
            self._process, self._pipe = _spawn()
            try:
                self._pipe.recv()
            except (EOFError, OSError) as error:
                self.close()
                raise EOFError from error
            self.was_ready = True
        return self._pipe

    def kill(self) -> None:
        process = self._process
        if process is not None:
            with suppress(ValueError):  # it was closed in the meantime
                process.kill()

    def close(self) -> None:
        """Hang up; a live process sees the end of its pipe and leaves."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.join()
            process.close()


_environment_guard = threading.Lock()


def _spawn() -> tuple[BaseProcess, Connection]:
    """A fresh process (never a fork: torch's threads do not survive one) and our end of its pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), name="learned-sets worker", daemon=True)
    # Ctrl-C in a terminal reaches the whole group but is the driver's to answer: the mask is inherited,
    # so it holds while the worker still imports. The tracker would lift it, so it is started before.
    resource_tracker.ensure_running()
    with _environment_guard:
        before = {name: os.environ.get(name) for name in ONE_THREAD}
        os.environ.update(ONE_THREAD)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
    theirs.close()  # so that the end of the process is the end of the pipe
    return process, ours


def _work(pipe: Connection) -> None:
    """The worker's life: answer calls until the driver hangs up or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_inheritable(pipe.fileno(), False)  # else a process started by a task keeps it open after a death
    threading.Thread(target=_leave_with_driver, daemon=True).start()
    with suppress(EOFError, OSError):
        pipe.send("ready")
        while True:
            function, args, kwargs = pipe.recv()
            try:
                answer = pickle.dumps((False, function(*args, **kwargs)))
            except Exception as error:
                logger.debug("a task raised", exc_info=True)
                answer = pickle.dumps((True, SearchError(one_line(error))))
            pipe.send_bytes(answer)


def _leave_with_driver() -> None:
    """A driver killed in the middle of a training must not leave its workers behind."""
    driver = multiprocessing.parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(1)
