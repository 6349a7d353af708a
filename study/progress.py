"""How far a command is: a bar on a terminal, a line every few seconds elsewhere."""

import logging
import sys
import time
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

import search

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Told after each step; as a context, it closes the bar before anything else is said."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: tqdm | None = None
        self._said = -SECONDS_BETWEEN_LINES
        self._unsaid = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._unsaid:
            self._say(self._unsaid)

    def searching(self, now: search.Progress) -> None:
        """Show where a search stands."""
        self._show(now.done + now.baselines_done, now.total + now.baselines_total, search_line(now))

    def verifying(self, now: search.Standing) -> None:
        """Show where a verification stands."""
        self._show(now.done, now.total, verification_line(now))

    def shrinking(self, done: int, total: int) -> None:
        """Show how far the smallest good teaching set is on the way to a smaller one."""
        self._show(done, total, f"fewer examples: {done} of at most {total} trainings")

    def tuning(self, done: int, total: int) -> None:
        """Show how far the learner's settings are tuned."""
        self._show(done, total, f"tuning the learner: {done}/{total} settings")

    def _show(self, done: int, total: int, line: str) -> None:
        if self._stream.isatty():
            if self._bar is None:
                shape = "{percentage:3.0f}% |{bar:20}| {desc}"
                self._bar = tqdm(total=total, file=self._stream, bar_format=shape, dynamic_ncols=True)
            self._bar.n = done
            self._bar.set_description_str(line)
            return
        moment = time.monotonic()
        if moment - self._said >= SECONDS_BETWEEN_LINES or done == total:
            self._said = moment
            self._say(line)
        else:
            self._unsaid = line

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
        self._unsaid = ""


def search_line(now: search.Progress) -> str:
    """Evaluations done, the best g and its n, time left."""
    parts = [f"{now.done}/{now.total} evaluations"]
    if now.baselines_total:
        parts[0] += f" + {now.baselines_done}/{now.baselines_total} baselines"
    if now.looks:
        parts.append(f"{now.looks} cheap looks")
    parts.append(f"best g {now.best_g:.2f} at n = {now.best_n}" if now.best_n else "no g yet")
    if now.failed:
        parts.append(f"{now.failed} failed")
    return ", ".join(parts) + left(now.seconds_left)


def verification_line(now: search.Standing) -> str:
    """Fresh trainings done, time left."""
    return f"verification: {now.done}/{now.total} trainings" + left(now.seconds_left)


def left(seconds: float | None) -> str:
    """The time left as the end of a line; nothing where it is not known or nothing is left."""
    return f", {duration(seconds)} left" if seconds else ""


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class Beside(logging.Handler):
    """Log lines that do not tear the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record above the bar, if there is one."""
        tqdm.write(self.format(record), file=sys.stderr)
