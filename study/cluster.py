"""The workers of a Dask cluster behind `concurrent.futures.Executor`, as many as are there at the moment."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from typing import Any

from study.errors import StudyError

ASK_SECONDS = 2.0  # how often it is asked how many there are


class Cluster(Executor):
    """Tasks for whoever is there: workers of a cluster come one by one, and after the driver has begun."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor()
        self._asked_at = -ASK_SECONDS
        self._count = 1

    @property
    def count(self) -> int:
        """Tasks that can be done at the same time: threads of all workers, at least one."""
        if time.monotonic() - self._asked_at >= ASK_SECONDS:
            self._asked_at = time.monotonic()
            with suppress(OSError, RuntimeError):  # the scheduler is away: the tasks themselves will say so
                self._count = sum(self._client.nthreads().values()) or 1
        return self._count

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait=wait)


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """The cluster whose scheduler is at this address; a `StudyError` where none answers."""
    try:
        from distributed import Client
    except ImportError:
        raise StudyError("scheduler= needs Dask: pip install -c constraints.txt -e '.[cluster]'") from None
    try:
        # Not the default client: xarray would then ask this scheduler for leave to write a file here.
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StudyError(f"scheduler={address}: no Dask scheduler answers there ({error})") from None
    with client, Cluster(client) as executor:
        yield executor
