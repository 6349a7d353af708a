"""Where a run stands, read from its database while drivers write there; nothing is written or made.

seen = glance("sqlite:///runs/dots-conv/optuna.db", "search")
seen.done, seen.best, seen.per_minute

Each rung of a fidelity ladder is a study of its own, and so are shrinking, tuning and verification.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

import sqlalchemy
from optuna.trial import TrialState
from sqlalchemy import Connection, Engine

from search.claims import DRIVERS
from search.errors import SearchError
from search.rows import STUDIES, Trial, read_trials
from search.storage import in_one_line

WANTED = ("key", "index", "n", "sentence", "origin", "rung", "g", "bits", "failure", "lost", "worker",
          "configuration")  # fmt: skip
LATEST = 20  # finished evaluations that the rate is taken from


@dataclass(frozen=True)
class Glance:
    """One study: evaluations by what came of them. Times are seconds since 1970, UTC.

    `failures` are findings (a training that diverged); what was cut off or lost is done again and not
    there. `lessons` are the places in the search of what is finished, `busy` from when to when each was
    taught, `configurations` the number of a learner's settings that were tried. `workers` has the number of
    finished evaluations by worker. `drivers` are those that share the study's database, with the moment each
    last gave a sign of life by its own clock.
    """

    done: int
    baselines: int
    lessons: frozenset[int]
    busy: tuple[tuple[float, float], ...]
    configurations: int
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


def climbed(top: Glance, rungs: Sequence[Glance]) -> Glance:
    """A search with a ladder as one: `done` are the lessons looked at, and all else is that of all rungs.

    The lowest rung does not know of every lesson: it may have been dropped on the way.
    """
    every = [*rungs, top]
    lessons = frozenset[int]().union(*(one.lessons for one in every))
    workers: Counter[str] = sum((Counter(one.workers) for one in every), Counter())
    return replace(
        top,
        done=len(lessons),
        lessons=lessons,
        busy=tuple(span for one in every for span in one.busy),
        failures=tuple(reason for one in every for reason in one.failures),
        running=tuple(sentence for one in every for sentence in one.running),
        workers=dict(workers),
        finished=tuple(sorted(moment for one in every for moment in one.finished)),
        last_write=max((one.last_write for one in every if one.last_write is not None), default=None),
    )


def lessons_per_minute(seen: Glance) -> float | None:
    """Lessons a minute of the time in which anything was under way; None before there are two.

    Lessons climb in batches: a moment ago there were many cheap looks, or none beside a full training, so
    that the latest say nothing of the next.
    """
    took, until = 0.0, 0.0
    for begun, ended in sorted(seen.busy):
        took += max(ended - max(begun, until), 0.0)
        until = max(until, ended)
    return 60 * seen.done / took if took > 0 and seen.done > 1 else None


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
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    failed = [
        trial
        for trial in trials
        if trial.state == TrialState.FAIL and trial.said.get("lost", 1) in (0, False)
    ]
    searched = [trial for trial in [*complete, *failed] if trial.said.get("origin") != "iid"]
    times = sorted(at(trial) for trial in trials if trial.completed is not None)
    begun = [trial.started.replace(tzinfo=UTC).timestamp() for trial in trials if trial.started]
    return Glance(
        done=len({trial.said.get("key") for trial in searched}),
        baselines=len(complete) + len(failed) - len(searched),
        lessons=frozenset(place for trial in searched if isinstance(place := trial.said.get("index"), int)),
        configurations=len({trial.said.get("configuration") for trial in searched} - {None}),
        busy=tuple(
            (trial.started.replace(tzinfo=UTC).timestamp(), at(trial))
            for trial in [*complete, *failed]
            if trial.started
        ),
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
