"""How far a search is: a bar on a terminal, a line every few seconds elsewhere."""

import logging
import sys
import time
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

import search

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Told after each evaluation; as a context, it closes the bar before anything else is said."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: tqdm | None = None
        self._said = -SECONDS_BETWEEN_LINES
        self._last = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        elif self._last:
            self._say(self._last)

    def __call__(self, now: "search.Progress") -> None:
        """Show where the search stands."""
        done, total = now.done + now.baselines_done, now.total + now.baselines_total
        if self._stream.isatty():
            if self._bar is None:
                shape = "{percentage:3.0f}% |{bar}| {postfix}"
                self._bar = tqdm(total=total, file=self._stream, bar_format=shape, dynamic_ncols=True)
            self._bar.n = done
            self._bar.set_postfix_str(line(now), refresh=True)
            return
        self._last = line(now)
        moment = time.monotonic()
        if moment - self._said >= SECONDS_BETWEEN_LINES or done == total:
            self._said = moment
            self._say(self._last)

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
        self._last = ""


def line(now: "search.Progress") -> str:
    """Evaluations done, the best g and its n, time left."""
    parts = [f"{now.done}/{now.total} evaluations"]
    if now.baselines_total:
        parts[0] += f" + {now.baselines_done}/{now.baselines_total} baselines"
    parts.append(f"best g {now.best_g:.2f} at n = {now.best_n}" if now.best_n else "no g yet")
    if now.failed:
        parts.append(f"{now.failed} failed")
    if now.seconds_left is not None:
        parts.append(f"{duration(now.seconds_left)} left")
    return ", ".join(parts)


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
        tqdm.write(self.format(record), file=sys.stderr)
