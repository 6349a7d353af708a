"""One driver per run folder: an advisory lock that the kernel releases when its holder dies."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import SearchError

TRIES, SECONDS_BETWEEN = 3, 0.1  # whoever only asks for the holder has the lock for a moment


@contextmanager
def sole_driver(folder: Path) -> Iterator[None]:
    """Hold `folder` (made where it is missing) for one driver; another one gets a `SearchError`.

    The lock is `flock` on the file `.lock`, so a driver that was killed leaves nothing to clean up.
    The file stays: removing it would let two drivers lock two files of the same name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SearchError(f"run folder {str(folder)!r} cannot be used: {error.strerror}") from error
    try:
        if not _locked(handle):
            raise SearchError(
                f"run folder {str(folder)!r} is in use by {_named(handle)}: wait until it ends, "
                "or name another folder with run="
            )
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def holder(folder: Path) -> str | None:
    """Who drives the run in a folder now, in words; None where nobody does. Makes and changes nothing."""
    try:
        handle = os.open(folder / ".lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SearchError(f"run folder {str(folder)!r} cannot be read: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _named(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    for attempt in range(TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if attempt < TRIES - 1:
                time.sleep(SECONDS_BETWEEN)
    return False


def _named(handle: int) -> str:
    return os.pread(handle, 200, 0).decode("utf-8", "replace").strip() or "another program"
