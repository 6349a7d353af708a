"""The ledger: every evaluation is a trial of an Optuna study, with its pictures as artifacts.

    with ledger.open_ledger("sqlite:///runs/dots-conv/optuna.db", artifacts, "search", settings) as book:
        number = book.start(entry)          # RUNNING, with all that is known beforehand
        book.finish(number, outcome)        # pictures and measures attached, then COMPLETE or FAIL

All trials are read once, when the ledger is opened; finished ones are there by content key
(`book.outcomes`), so that a search that starts again replays instead of training twice. A trial found
RUNNING was cut off by a kill: it becomes FAIL and stays out of the result. Nothing that is read is
evaluated or unpickled. One driver writes; dashboards may read all along.
"""

import json
import logging
import math
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.exceptions import OptunaError
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search import pictures as pictures_of
from search.errors import SearchError, one_line
from search.evaluation import Outcome
from search.pictures import Pictures

logger = logging.getLogger(__name__)

METRICS = {
    "g": StudyDirection.MAXIMIZE,
    "n": StudyDirection.MINIMIZE,
    "bits": StudyDirection.MINIMIZE,
}
COLUMNS = {  # measures that a person sorts by in the dashboard, each an attribute of its own
    "g": "generalization",
    "validity": "validity",
    "coverage": "coverage",
    "copy_rate": "copy_rate",
}
ARRAYS = "arrays.npz"
BUSY_SECONDS = 60  # how long a write waits while a dashboard reads


@dataclass(frozen=True)
class Entry:
    """What is known of an evaluation before it runs; `extra` holds further columns."""

    key: str
    index: int
    sentence: str
    n: int
    bits: float
    origin: str
    generation: int = -1
    parents: tuple[int, ...] = ()
    extra: Mapping[str, str | int | float] = field(default_factory=dict)

    def columns(self) -> dict[str, str | int | float]:
        """User attributes of the trial."""
        return {
            "index": self.index,
            "sentence": self.sentence,
            "n": self.n,
            "bits": self.bits,
            "origin": self.origin,
            "generation": self.generation,
            "parents": " ".join(str(parent) for parent in self.parents),
            "key": self.key,
            **self.extra,
        }


@contextmanager
def open_ledger(
    storage: str | BaseStorage, artifacts: Path, study: str, settings: Mapping[str, Any]
) -> Iterator["Ledger"]:
    """Open or make a study in a storage (any URL that Optuna takes) and let go of it at the end.

    `settings` are those that the outcomes depend on; a study that was made with others is refused, the
    difference shown.
    """
    book = Ledger(_storage(storage), artifacts, study, settings)
    try:
        yield book
    finally:
        if isinstance(storage, str):
            book.close()


class Ledger:
    """One study: finished outcomes by content key, key and n of known lessons by text, stored pictures."""

    def __init__(
        self, storage: BaseStorage, artifacts: Path, study: str, settings: Mapping[str, Any]
    ) -> None:
        self._storage = storage
        self._artifacts = artifacts
        self._name = study
        self._settings = settings
        with _in_one_line(f"ledger study {study!r}"):
            artifacts.mkdir(parents=True, exist_ok=True)
            self._store = FileSystemArtifactStore(artifacts)
            self._study_id = _study_id(storage, study)
            self._check_settings(settings)
            self.outcomes: dict[str, Outcome] = {}
            self.lessons: dict[str, tuple[str, int]] = {}
            self._numbers: dict[str, int] = {}
            self._arrays: dict[str, str] = {}
            self._read()

    def sibling(self, role: str, settings: Mapping[str, Any]) -> "Ledger":
        """Another study of the same run: `role` in a storage of its own, else `<this one's name>-<role>`."""
        study = role if self._name == "search" else f"{self._name}-{role}"
        return Ledger(self._storage, self._artifacts, study, settings)

    def close(self) -> None:
        """Let go of the database."""
        if isinstance(self._storage, RDBStorage):
            self._storage.remove_session()
            self._storage.engine.dispose()

    def start(self, entry: Entry) -> int:
        """Write a RUNNING trial down; its id in the storage."""
        with _in_one_line("the ledger"):
            return self._storage.create_new_trial(
                self._study_id, create_trial(state=TrialState.RUNNING, user_attrs=entry.columns())
            )

    def finish(self, trial: int, entry: Entry, outcome: Outcome) -> Outcome:
        """Attach what was found and close the trial; the outcome as it will be read back."""
        with _in_one_line("the ledger"):
            if outcome.failure is not None:
                self._fail(trial, outcome.failure, outcome.lost)
            else:
                if outcome.pictures is not None:
                    self._attach(trial, entry.key, outcome.pictures)
                for name, value in _measured(outcome).items():
                    self._storage.set_trial_user_attr(trial, name, value)
                values = [outcome.g, float(entry.n), entry.bits]
                self._storage.set_trial_state_values(trial, TrialState.COMPLETE, values)
        stored = replace(outcome, pictures=None, seconds=round(outcome.seconds, 3))
        self.outcomes[entry.key] = stored
        return stored

    def abandon(self, trial: int, reason: str) -> None:
        """Close a trial that found nothing, so that it is tried again another time."""
        with _in_one_line("the ledger"):
            self._fail(trial, reason, lost=True)

    def pictures(self, key: str) -> Pictures | None:
        """The arrays of a finished evaluation; None (and a warning) where the files are gone."""
        if key not in self._arrays:
            return None
        try:
            with self._store.open_reader(self._arrays[key]) as file:
                return pictures_of.from_npz(file.read())
        except (ArtifactNotFound, OSError, SearchError, ValueError) as error:
            logger.warning("pictures of evaluation %s cannot be read: %s", key[:12], one_line(error))
            return None

    def _attach(self, trial: int, key: str, found: Pictures) -> None:
        files = {
            "training.png": pictures_of.contact_sheet(found.examples),
            "samples.png": pictures_of.contact_sheet(found.samples[0]),
            ARRAYS: pictures_of.to_npz(found),
        }
        frozen = self._storage.get_trial(trial)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                if content is None:
                    continue
                path = Path(folder) / name
                path.write_bytes(content)
                artifact = upload_artifact(
                    study_or_trial=frozen,
                    file_path=str(path),
                    artifact_store=self._store,
                    storage=self._storage,
                )
                if name == ARRAYS:
                    self._arrays[key] = artifact

    def _fail(self, trial: int, reason: str, lost: bool) -> None:
        self._storage.set_trial_user_attr(trial, "failure", reason)
        self._storage.set_trial_user_attr(trial, "lost", int(lost))
        self._storage.set_trial_state_values(trial, TrialState.FAIL)

    def _check_settings(self, settings: Mapping[str, Any]) -> None:
        wanted = json.loads(json.dumps(settings, default=str))
        known = self._storage.get_study_user_attrs(self._study_id).get("settings")
        if known is None:
            self._storage.set_study_user_attr(self._study_id, "settings", wanted)
        elif known != wanted:
            raise SearchError(
                f"the ledger holds a {self._name} with other settings: {_difference(known, wanted)}; "
                "set them back or name another folder with run="
            )

    def _read(self) -> None:
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        for trial in sorted(trials, key=lambda trial: trial.number):
            if trial.state in (TrialState.RUNNING, TrialState.WAITING):
                self._fail(trial._trial_id, "cut off: the driver ended before it did", lost=True)
                continue
            outcome = _outcome(trial)
            if outcome is not None:
                self.lessons.setdefault(str(trial.user_attrs.get("sentence")), (outcome.key, outcome.n))
            if outcome is not None and outcome.key not in self.outcomes:
                self.outcomes[outcome.key] = outcome
                arrays = _artifact_named(trial, ARRAYS)
                if arrays is not None:
                    self._arrays[outcome.key] = arrays


def _storage(storage: str | BaseStorage) -> BaseStorage:
    """Optuna's storage for a URL; SQLite waits for readers and lets them read while it writes."""
    if not isinstance(storage, str):
        return storage
    optuna.logging.disable_default_handler()  # only the entry room speaks to the terminal
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with _in_one_line(f"ledger {storage!r}"):
        if not storage.startswith("sqlite"):
            return RDBStorage(storage)
        opened = RDBStorage(storage, engine_kwargs={"connect_args": {"timeout": BUSY_SECONDS}})
        _write_ahead(opened)
        return opened


def _write_ahead(storage: RDBStorage) -> None:
    """Write-ahead logging: readers and the writer do not wait for each other, and a commit costs little.

    A kill loses nothing; a power cut may lose the last evaluations, never the file (SQLite documentation,
    PRAGMA synchronous).
    """
    import sqlalchemy

    def prepare(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    storage.remove_session()
    storage.engine.dispose()
    sqlalchemy.event.listen(storage.engine, "connect", prepare)


def _study_id(storage: BaseStorage, name: str) -> int:
    """The study of that name, made where it is missing; SearchError where it has other objectives."""
    directions = list(METRICS.values())
    study = optuna.create_study(storage=storage, study_name=name, directions=directions, load_if_exists=True)
    if study.directions != directions:
        found = ", ".join(direction.name.lower() for direction in study.directions)
        raise SearchError(
            f"the ledger holds a study {name!r} with the objectives ({found}), not "
            f"({', '.join(f'{d.name.lower()} {n}' for n, d in METRICS.items())}): name another ledger="
        )
    if study.metric_names is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(list(METRICS))
    return storage.get_study_id_from_name(name)


def _measured(outcome: Outcome) -> dict[str, Any]:
    """The attributes of a finished trial: columns to sort by, and all numbers together, exactly."""
    columns: dict[str, Any] = {name: outcome.mean(measure) for name, measure in COLUMNS.items()}
    columns = {name: value for name, value in columns.items() if not math.isnan(value)}
    numbers = {
        "measures": dict(outcome.measures),
        "strata": dict(outcome.strata),
        "stratum_names": {str(stratum): name for stratum, name in outcome.stratum_names.items()},
    }
    if outcome.uses_target is not None:
        columns["uses_target"] = int(outcome.uses_target)
    return columns | {"seconds": round(outcome.seconds, 3), "numbers": json.dumps(numbers)}


def _outcome(trial: FrozenTrial) -> Outcome | None:
    """A finished trial read back; None where it says nothing that holds (cut off, lost).

    SearchError where the attributes are not of this program's making.
    """
    said = trial.user_attrs
    try:
        key, n = str(said["key"]), int(said["n"])
        if trial.state != TrialState.COMPLETE:
            if said.get("lost", 1):
                return None
            return Outcome(key, n, failure=str(said["failure"]))
        numbers = json.loads(said["numbers"])
        return Outcome(
            key,
            n,
            {name: tuple(map(float, values)) for name, values in numbers["measures"].items()},
            {name: tuple(tuple(map(float, row)) for row in rows) for name, rows in numbers["strata"].items()},
            {int(stratum): str(name) for stratum, name in numbers["stratum_names"].items()},
            seconds=float(said["seconds"]),
            uses_target=bool(said["uses_target"]) if "uses_target" in said else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SearchError(
            f"trial {trial.number} of the ledger cannot be read ({one_line(error)}): "
            "it was not written by this program; name another ledger= or run="
        ) from error


def _artifact_named(trial: FrozenTrial, name: str) -> str | None:
    """The id of a trial's artifact by its file name."""
    for attribute, value in trial.system_attrs.items():
        if attribute.startswith("artifacts:"):
            with suppress(ValueError, TypeError):
                described = json.loads(value)
                if described["filename"] == name:
                    return str(described["artifact_id"])
    return None


def _difference(known: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> str:
    """Which settings differ, each as `name: there, here`."""
    parts = []
    for name in sorted({*known, *wanted}):
        there, here = known.get(name), wanted.get(name)
        if isinstance(there, dict) and isinstance(here, dict) and there != here:
            parts.append(_difference(there, here, f"{prefix}{name}."))
        elif there != here:
            parts.append(f"{prefix}{name} was {there!r}, now {here!r}")
    return "; ".join(parts)


@contextmanager
def _in_one_line(what: str) -> Iterator[None]:
    """What databases and disks raise, as one line that says what to do."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OptunaError, SQLAlchemyError, OSError, ImportError, RuntimeError) as error:
        if isinstance(error, SearchError):
            raise
        cause = error.__cause__ if isinstance(error, OptunaError) and error.__cause__ else error
        raise SearchError(
            f"{what} cannot be used: {one_line(cause)}. What is finished is safe; "
            "once this is mended, the same command goes on"
        ) from error
