"""One driver per run folder: an advisory lock that the kernel releases when its holder dies."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import SearchError


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
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode("utf-8", "replace").strip() or "another program"
            raise SearchError(
                f"run folder {str(folder)!r} is in use by {holder}: wait until it ends, "
                "or name another folder with run="
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
