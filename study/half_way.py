"""What a run leaves behind while it is still at work: result.nc and the page, written anew now and then.

A writing takes seconds, more of them the more was tried. During the search it comes only after `TIMES` as
long as the last one took, and so costs less than a fiftieth of it; after each stage it comes once.
"""

import logging
import time
from collections.abc import Callable, Sequence

import xarray as xr

import search
from analysis.errors import AnalysisError

SECONDS = 60.0  # between two writings at least
TIMES = 50.0
SEARCH, SHRINKING, TUNING, VERIFICATION = "the rest of the search", "shrinking", "tuning", "verification"
Write = Callable[[xr.Dataset, Sequence[str]], None]

logger = logging.getLogger(__name__)


class HalfWay:
    """Calls `write` with all that was found and the stages of the run that are not over, when it is time."""

    def __init__(
        self, write: Write, stages: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._ahead = list(stages)
        self._clock = clock
        self._since = clock()
        self._took = 0.0

    def searching(self, now: search.Progress) -> None:
        """Told after each step of the search but for its end; where nothing can be written it goes on."""
        ended = now.done >= now.total and now.baselines_done >= now.baselines_total
        begun = self._clock()
        # What was only read again from the ledger stands in the files of the run already.
        if ended or not (now.trained and now.best_n):
            return
        if begun - self._since < max(SECONDS, TIMES * self._took):
            return
        try:
            self._write(now.so_far(), self._ahead)
        except (OSError, AnalysisError) as error:
            logger.warning("what was found so far could not be written, which is tried again: %s", error)
        self._since = self._clock()
        self._took = self._since - begun

    def past(self, stage: str, result: xr.Dataset) -> None:
        """A stage is over."""
        self._ahead = self._ahead[self._ahead.index(stage) + 1 :]
        self._write(result, self._ahead)
