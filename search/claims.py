"""Who does which evaluation, where several drivers share one study.

A claim is a row whose primary key is (study, content key): the database lets one driver write it. It is
written in one transaction with the trial it stands for, and stays when the evaluation is finished, so that
nothing is counted twice. Every driver adds 1 to its own beat now and then. A driver whose beat stood still
for `stale_seconds` of the observer's own monotonic clock is taken for dead, and its claims are free: nobody's
wall clock is asked, so clocks that differ or are set back change nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import TracebackType

import sqlalchemy
from sqlalchemy import Column, Connection, Engine, Float, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.exc import SQLAlchemyError

from search.errors import one_line

logger = logging.getLogger(__name__)

STALE_SECONDS = 60.0
BEATS = 6  # in that time

METADATA = MetaData()
CLAIMS = Table(
    "learned_sets_claims",
    METADATA,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), primary_key=True),
    Column("driver", String(200), nullable=False),
    Column("trial_id", Integer),
    Column("done", Integer, nullable=False),
)
DRIVERS = Table(
    "learned_sets_drivers",
    METADATA,
    Column("driver", String(200), primary_key=True),
    Column("beat", Integer, nullable=False),
    Column("seen", Float, nullable=False),  # the driver's own wall clock, for people
)
ARRAYS = Table(  # the arrays of each evaluation: drivers on other machines have no folder in common
    "learned_sets_arrays",
    METADATA,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), primary_key=True),
    Column("content", LargeBinary(2**24 - 1), nullable=False),
)


@dataclass(frozen=True)
class Claim:
    """One row: whose it is, for which trial, and whether that is finished."""

    key: str
    driver: str
    trial: int | None
    done: bool


class Claims:
    """The claims of one study, as one driver sees them."""

    def __init__(self, study_id: int, pulse: "Pulse") -> None:
        self._study_id = study_id
        self._pulse = pulse

    def take(self, connection: Connection, key: str) -> None:
        """Write our claim; SQLAlchemy's IntegrityError, which ends the transaction, where there is one."""
        row = {"study_id": self._study_id, "key": key, "driver": self._pulse.driver, "done": 0}
        connection.execute(CLAIMS.insert().values(row))

    def take_over(self, connection: Connection, claim: Claim) -> bool:
        """Make a dead driver's claim ours; False where another driver was faster."""
        theirs = self._of(claim.key) & (CLAIMS.c.driver == claim.driver) & (CLAIMS.c.done == 0)
        taken = connection.execute(CLAIMS.update().where(theirs).values(driver=self._pulse.driver))
        return taken.rowcount == 1

    def belongs_to(self, connection: Connection, key: str, trial: int) -> None:
        """Name the trial of a claim of ours."""
        connection.execute(CLAIMS.update().where(self._of(key)).values(trial_id=trial))

    def finish(self, connection: Connection, trial: int) -> None:
        """The evaluation is done, for all drivers and for good."""
        connection.execute(CLAIMS.update().where(self._for(trial)).values(done=1))

    def release(self, connection: Connection, trial: int) -> None:
        """Somebody may try again."""
        connection.execute(CLAIMS.delete().where(self._for(trial)))

    def read(self, connection: Connection, keys: Collection[str] | None = None) -> dict[str, Claim]:
        """Claims by key, all or those of `keys`."""
        which = CLAIMS.c.study_id == self._study_id
        if keys is not None:
            which &= CLAIMS.c.key.in_(sorted(keys))
        columns = (CLAIMS.c.key, CLAIMS.c.driver, CLAIMS.c.trial_id, CLAIMS.c.done)
        rows = connection.execute(sqlalchemy.select(*columns).where(which))
        return {key: Claim(key, driver, trial, bool(done)) for key, driver, trial, done in rows}

    def is_free(self, claim: Claim) -> bool:
        """Whether nobody works on it any more."""
        return not claim.done and self._pulse.is_dead(claim.driver)

    def is_ours(self, claim: Claim) -> bool:
        """Whether it is of this driver, now or in an earlier life."""
        return claim.driver == self._pulse.driver

    def _for(self, trial: int) -> sqlalchemy.ColumnElement[bool]:
        return (CLAIMS.c.study_id == self._study_id) & (CLAIMS.c.trial_id == trial)

    def _of(self, key: str) -> sqlalchemy.ColumnElement[bool]:
        return (CLAIMS.c.study_id == self._study_id) & (CLAIMS.c.key == key)


class Pulse:
    """This driver's beat, and when those of the others were last seen to move; a context."""

    def __init__(
        self,
        engine: Engine,
        driver: str,
        stale_seconds: float = STALE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.driver = driver
        self._engine = engine
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="pulse", daemon=True)

    def __enter__(self) -> "Pulse":
        self.beat()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def beat(self) -> None:
        """Say that this driver lives."""
        mine = DRIVERS.c.driver == self.driver
        change = {"beat": DRIVERS.c.beat + 1, "seen": time.time()}
        with self._engine.begin() as connection:
            if connection.execute(DRIVERS.update().where(mine).values(change)).rowcount == 0:
                row = {"driver": self.driver, "beat": 1, "seen": time.time()}
                connection.execute(DRIVERS.insert().values(row))

    def look(self, connection: Connection) -> None:
        """Note whose beat has moved since the last look."""
        now = self._clock()
        for driver, beat in connection.execute(sqlalchemy.select(DRIVERS.c.driver, DRIVERS.c.beat)):
            if self._seen.get(driver, (None, 0.0))[0] != beat:
                self._seen[driver] = (beat, now)

    def is_dead(self, driver: str) -> bool:
        """Whether a driver's beat has stood still for so long; True for one that never had any."""
        if driver == self.driver:
            return False
        return driver not in self._seen or self._clock() - self._seen[driver][1] > self._stale_seconds

    def _go_on(self) -> None:
        while not self._ended.wait(self._stale_seconds / BEATS):
            try:
                self.beat()
            except SQLAlchemyError as error:
                logger.warning("this driver's beat cannot be written: %s", one_line(error))
