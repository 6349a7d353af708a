"""Where a run stands, read from its database while drivers write there; nothing is written or made.

seen = glance("sqlite:///runs/dots-conv/optuna.db", "search")
seen.done, seen.best, seen.per_minute
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import sqlalchemy
from optuna.trial import TrialState
from sqlalchemy import Connection, Engine

from search.claims import DRIVERS
from search.errors import SearchError
from search.rows import STUDIES, Trial, read_trials
from search.storage import in_one_line

WANTED = ("key", "n", "sentence", "origin", "rung", "g", "bits", "failure", "lost", "worker")
LATEST = 20  # finished evaluations that the rate is taken from


@dataclass(frozen=True)
class Glance:
    """One study: evaluations of full training by what came of them. Times are seconds since 1970, UTC.

    `failures` are findings (a training that diverged); what was cut off or lost is done again and not
    there. `workers` has the number of finished evaluations by worker. `drivers` are those that share the
    study's database, with the moment each last gave a sign of life by its own clock.
    """

    done: int
    baselines: int
    below: int  # evaluations on lower rungs of the fidelity ladder
    failures: tuple[str, ...]
    running: tuple[str, ...]
    best: Trial | None
    workers: dict[str, int]
    drivers: dict[str, float]
    finished: tuple[float, ...]
    last_write: float | None

    @property
    def per_minute(self) -> float | None:
        """Evaluations a minute, from the latest; None before there are two."""
        times = self.finished[-LATEST:]
        took = times[-1] - times[0] if len(times) > 1 else 0.0
        return 60 * (len(times) - 1) / took if took > 0 else None


def glance(url: str, study: str) -> Glance | None:
    """What a database says of a study now; None where it does not know that study (yet)."""
    with in_one_line("the ledger"):
        engine = _reader(url)
        try:
            with engine.connect() as connection:
                return _glance(connection, study)
        finally:
            engine.dispose()


def _reader(url: str) -> Engine:
    """A connection that cannot write to a file, nor make one."""
    parsed = sqlalchemy.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(url)
    path = Path(parsed.database or "")
    if not path.is_file():
        raise SearchError(f"there is no ledger {str(path)!r}")
    return sqlalchemy.create_engine(
        parsed.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"}),
        connect_args={"timeout": 10},
    )


def _glance(connection: Connection, study: str) -> Glance | None:
    known = sqlalchemy.inspect(connection).get_table_names()
    if STUDIES.name not in known:
        return None
    which = sqlalchemy.select(STUDIES.c.study_id).where(STUDIES.c.study_name == study)
    study_id = connection.execute(which).scalar()
    if study_id is None:
        return None
    trials = read_trials(connection, study_id, WANTED)
    drivers = sqlalchemy.select(DRIVERS.c.driver, DRIVERS.c.seen)
    rows = connection.execute(drivers).all() if DRIVERS.name in known else ()
    seen = {str(driver): float(moment) for driver, moment in rows}
    return _of(trials, seen)


def _of(trials: Sequence[Trial], drivers: dict[str, float]) -> Glance:
    full = [trial for trial in trials if not trial.said.get("rung")]
    complete = [trial for trial in full if trial.state == TrialState.COMPLETE]
    failed = [
        trial for trial in full if trial.state == TrialState.FAIL and trial.said.get("lost", 1) in (0, False)
    ]
    searched = [trial for trial in [*complete, *failed] if trial.said.get("origin") != "iid"]
    times = sorted(at(trial) for trial in trials if trial.completed is not None)
    begun = [trial.started.replace(tzinfo=UTC).timestamp() for trial in trials if trial.started]
    return Glance(
        done=len({trial.said.get("key") for trial in searched}),
        baselines=len(complete) + len(failed) - len(searched),
        below=sum(trial.state == TrialState.COMPLETE for trial in trials) - len(complete),
        failures=tuple(str(trial.said.get("failure")) for trial in failed),
        running=tuple(
            str(trial.said.get("sentence")) for trial in trials if trial.state == TrialState.RUNNING
        ),
        best=max((trial for trial in searched if _is_measured(trial)), key=_merit, default=None),
        workers=dict(Counter(str(trial.said["worker"]) for trial in trials if trial.said.get("worker"))),
        drivers=drivers,
        finished=tuple(sorted(at(trial) for trial in [*complete, *failed])),
        last_write=max([*times, *begun], default=None),
    )


def _is_measured(trial: Trial) -> bool:
    return isinstance(trial.said.get("g"), float | int) and isinstance(trial.said.get("n"), int)


def _merit(trial: Trial) -> tuple[float, float]:
    return float(trial.said["g"]), -float(trial.said["n"])


def at(trial: Trial) -> float:
    """When a trial was finished; now where it is not."""
    if trial.completed is None:
        return time.time()
    return trial.completed.replace(tzinfo=UTC).timestamp()
