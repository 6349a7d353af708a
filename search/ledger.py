"""The ledger: every evaluation is a trial of an Optuna study, with its pictures, learning curve and note.

    with ledger.open_ledger("sqlite:///runs/dots-conv/optuna.db", artifacts, "search", settings) as book:
        number = book.start(entry)          # RUNNING, with all that is known beforehand
        book.finish(number, entry, outcome) # all that was found attached, then COMPLETE or FAIL

All trials are read once, when the ledger is opened; finished ones are there by content key
(`book.outcomes`), so that a search that starts again replays instead of training twice. A trial found
RUNNING was cut off by a kill: it becomes FAIL and stays out of the result. Nothing that is read is
evaluated or unpickled. One driver writes, or several that share the study (`shared=True`, `search.claims`);
dashboards may read all along.
"""

import io
import json
import logging
import math
import mimetypes
import socket
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy
from optuna.artifacts import ArtifactMeta, FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from search import notes
from search import pictures as pictures_of
from search.cache import Cache
from search.claims import ARRAYS as SHARED_ARRAYS
from search.claims import METADATA, STALE_SECONDS, Claim, Claims, Pulse
from search.errors import SearchError, one_line
from search.evaluation import Objective, Outcome, Task
from search.pictures import Pictures
from search.rows import Rows, Trial
from search.storage import in_one_line, open_storage, patiently, study_id, without_password
from search.told import columns_of, numbers_of, outcome_of

logger = logging.getLogger(__name__)

READ = ("key", "n", "sentence", "lost", "failure", "numbers", "seconds", "uses_target")  # attributes
PLACE = ("index", "generation", "parents", "bits", "origin")  # of a proposal
PROPOSER, SEVERAL = "proposer", "several"
ARRAYS = "arrays.npz"
Again = Callable[[Objective, str], str]  # the command line that teaches a sentence to a learner again


class LetGo(StrEnum):
    """Why an evaluation was let go of that the driver waited for.

    It is done again, or the search ends: nothing was ever proposed without it.
    """

    CUT_OFF = "cut off: the driver ended before it did"
    NOT_BEGUN = "stopped before it began"
    NOT_DONE = "the workers let go of it"
    DROPPED = "dropped by a second Ctrl-C"
    ENDED = "the driver stopped"


@dataclass(frozen=True)
class Entry:
    """What is known of an evaluation before it runs; `extra` holds further columns.

    `params` and `distributions` are those of an Optuna trial, by name.
    """

    key: str
    index: int
    sentence: str
    n: int
    bits: float
    origin: str
    generation: int = -1
    parents: tuple[int, ...] = ()
    extra: Mapping[str, str | int | float] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)

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
            "rung": 0,
            "key": self.key,
            **self.extra,
        }


@contextmanager
def open_ledger(
    storage: str,
    artifacts: Path,
    study: str,
    settings: Mapping[str, Any],
    *,
    shared: bool = False,
    cache: Cache | None = None,
    again: Again | None = None,
    stale_seconds: float = STALE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator["Ledger"]:
    """Open or make a study in a storage (any URL of a database that Optuna takes); let go of it at the end.

    `settings` are those that the outcomes depend on; a study that was made with others is refused, the
    difference shown. With `shared` other drivers may work on the same study at the same time, each with a
    folder of artifacts of its own: an evaluation is claimed by one of them, and taken over where that one
    gave no sign of life for `stale_seconds` of `clock`. `cache` serves what other runs have trained.
    `again` says in the note of a trial how its lesson is taught again.
    """
    with in_one_line(f"ledger {without_password(storage)!r}"):
        opened = open_storage(storage)
    try:
        if not shared:
            yield Ledger(opened, artifacts, study, settings, None, cache, again)
            return
        with in_one_line("the ledger"):
            patiently(lambda: METADATA.create_all(opened.engine))
            pulse = Pulse(opened.engine, _driver(artifacts), stale_seconds, clock)
            pulse.beat()
        with pulse:
            yield Ledger(opened, artifacts, study, settings, pulse, cache, again)
    finally:
        opened.remove_session()
        opened.engine.dispose()


class Ledger:
    """One study: finished outcomes by content key, key and n of known lessons by text, stored pictures.

    `proposals` are the finished trials of a search by their index, as they were found when it was opened.

    `pulse` is there where the study is shared. `cache` is asked by the bench before it trains.
    """

    def __init__(
        self,
        storage: RDBStorage,
        artifacts: Path,
        study: str,
        settings: Mapping[str, Any],
        pulse: Pulse | None = None,
        cache: Cache | None = None,
        again: Again | None = None,
        role: str = "search",
    ) -> None:
        self._storage = storage
        self._artifacts = artifacts
        self._name = study
        self._settings = settings
        self._pulse = pulse
        self.cache = cache
        self._again = again
        with in_one_line(f"ledger study {study!r}"):
            artifacts.mkdir(parents=True, exist_ok=True)
            self._store = FileSystemArtifactStore(artifacts)
            self._study_id = patiently(lambda: study_id(storage, study))
            self._rows = Rows(storage, self._study_id)
            self._claims = Claims(self._study_id, pulse) if pulse is not None else None
            self._check_settings(settings)
            self._say(notes.of_study(role, settings))
            self._best = -math.inf
            self._searched = False
            self.outcomes: dict[str, Outcome] = {}
            self.lessons: dict[str, tuple[str, int]] = {}
            self.proposals: dict[int, Entry] = {}
            self._arrays: dict[str, str] = {}
            self._trials: dict[str, int] = {}
            self._read()

    def sibling(self, role: str, settings: Mapping[str, Any]) -> "Ledger":
        """Another study of the same run: `role` in a storage of its own, else `<this one's name>-<role>`."""
        study = role if self._name == "search" else f"{self._name}-{role}"
        return Ledger(
            self._storage, self._artifacts, study, settings, self._pulse, self.cache, self._again, role
        )

    def refer(self, word: str, other: "Ledger") -> None:
        """Name another study in this one's user attributes, such as the one that it tunes."""
        with in_one_line("the ledger"):
            self._storage.set_study_user_attr(self._study_id, word, other._name)

    def start(self, entry: Entry) -> int | None:
        """Write a RUNNING trial down; its id in the storage.

        None where another driver has the evaluation: it is in `outcomes` by now, or `absorb` will say.
        """
        with in_one_line("the ledger"):
            if self._claims is None:
                with self._rows.engine.begin() as connection:
                    return self._begin(connection, entry)
            try:
                with self._rows.engine.begin() as connection:
                    self._claims.take(connection, entry.key)
                    trial = self._begin(connection, entry)
                    self._claims.belongs_to(connection, entry.key, trial)
                    return trial
            except IntegrityError:
                return self._after(entry, self._claims)

    def _begin(self, connection: Connection, entry: Entry) -> int:
        return self._rows.begin(connection, entry.columns(), entry.params, entry.distributions)

    def _after(self, entry: Entry, claims: Claims) -> int | None:
        """Somebody was there before: take over from a dead driver, or learn what was found."""
        with self._rows.engine.begin() as connection:
            claim = self._standing(connection, [entry.key]).get(entry.key)
            if claim is None or not claims.is_free(claim) or not claims.take_over(connection, claim):
                if claim is not None and claim.done:
                    self._learn(connection, [claim])
                return None
            if claim.trial is not None:
                self._rows.close(connection, claim.trial, TrialState.FAIL, _failure(LetGo.CUT_OFF, lost=True))
            logger.warning(
                "taking over from %s, which gave no sign of life: %s", claim.driver, entry.sentence
            )
            trial = self._begin(connection, entry)
            claims.belongs_to(connection, entry.key, trial)
            return trial

    def absorb(self, keys: Collection[str]) -> set[str]:
        """Learn what other drivers found of evaluations they have; the keys that are free again."""
        if self._claims is None or not keys:
            return set(keys)
        with in_one_line("the ledger"), self._rows.engine.begin() as connection:
            standing = self._standing(connection, keys)
            self._learn(connection, [claim for claim in standing.values() if claim.done])
        claims = self._claims
        return {key for key in keys if key not in standing or claims.is_free(standing[key])}

    def finish(
        self, trial: int, entry: Entry, outcome: Outcome, worker: str = "", task: Task | None = None
    ) -> Outcome:
        """Attach what was found and close the trial; the outcome as it will be read back.

        The note of the trial says of the `task` to whom it was taught, and how to do it again.
        """
        said = columns_of(outcome) | ({"worker": worker} if worker else {})
        with in_one_line("the ledger"):
            if outcome.failure is not None:
                note = {} if outcome.lost else self._noted(trial, entry, outcome, task)
                self._fail(trial, outcome.failure, outcome.lost, said, outcome.curve, note)
            else:
                content = None if outcome.pictures is None else pictures_of.to_npz(outcome.pictures)
                attached = self._attached(outcome, content)
                files = {meta.filename: str(self._artifacts / meta.artifact_id) for meta in attached}
                note = self._noted(trial, entry, outcome, task, files)
                values = [outcome.g, float(entry.n), entry.bits]
                # Exact, but no column: a line so long makes a page of the dashboard many screens wide.
                system = {"numbers": numbers_of(outcome)} | _described(attached)
                with self._rows.engine.begin() as connection:
                    if self._rows.close(
                        connection,
                        trial,
                        TrialState.COMPLETE,
                        said,
                        values,
                        system,
                        outcome.curve,
                    ):
                        self._rows.note(connection, note)
                        for file in attached:
                            if file.filename == ARRAYS:
                                self._arrays[entry.key] = file.artifact_id
                        self._share(connection, entry.key, trial, content)
        stored = replace(outcome, pictures=None, curve={}, seconds=round(outcome.seconds, 3))
        self.outcomes[entry.key] = stored
        self._trials[entry.key] = trial
        self._best = max(self._best, stored.g)
        return stored

    def say(self, keys: Collection[str], said: Mapping[str, Any]) -> None:
        """Add columns to the trials of finished evaluations; what one has said already is not said again."""
        for key in keys:
            # Another driver may say the same at this moment.
            with (
                in_one_line("the ledger"),
                suppress(IntegrityError),
                self._rows.engine.begin() as connection,
            ):
                self._rows.say(connection, self._trials[key], said)

    def abandon(self, trial: int, reason: LetGo) -> None:
        """Close a trial that nobody has an outcome of, so that it is tried again another time."""
        with in_one_line("the ledger"):
            self._fail(trial, reason, lost=True)

    def pictures(self, key: str) -> Pictures | None:
        """The arrays of a finished evaluation; None (and a warning) where the files are gone."""
        try:
            if key in self._arrays:
                with self._store.open_reader(self._arrays[key]) as file:
                    return pictures_of.from_npz(file.read())
            return None if self._claims is None else self._shared_pictures(key)
        except (ArtifactNotFound, OSError, SearchError, ValueError) as error:
            if self._claims is not None and (found := self._shared_pictures(key)) is not None:
                return found
            logger.warning("pictures of evaluation %s cannot be read: %s", key[:12], one_line(error))
            return None

    def _shared_pictures(self, key: str) -> Pictures | None:
        """The arrays that another driver left in the database."""
        where = (SHARED_ARRAYS.c.study_id == self._study_id) & (SHARED_ARRAYS.c.key == key)
        with in_one_line("the ledger"), self._rows.engine.begin() as connection:
            content = connection.execute(sqlalchemy.select(SHARED_ARRAYS.c.content).where(where)).scalar()
        return None if content is None else pictures_of.from_npz(bytes(content))

    def _share(self, connection: Connection, key: str, trial: int, content: bytes | None) -> None:
        """Tell the other drivers that it is done, and leave them the arrays."""
        if self._claims is not None:
            self._claims.finish(connection, trial)
            if content is not None:
                row = {"study_id": self._study_id, "key": key, "content": content}
                connection.execute(SHARED_ARRAYS.insert().values(row))

    def _noted(
        self,
        trial: int,
        entry: Entry,
        outcome: Outcome,
        task: Task | None,
        files: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The note of a trial; nothing where there are many and this one is no better."""
        if len(self.outcomes) >= notes.NOTED and not outcome.g > self._best:
            return {}
        command = self._again(task.objective, entry.sentence) if self._again and task else ""
        body = notes.of_trial(entry.sentence, entry.bits, outcome, files or {}, task, command)
        return notes.attributes(body, trial)

    def _attached(self, outcome: Outcome, content: bytes | None) -> list[ArtifactMeta]:
        """Write the files of a trial: what Optuna is told of them."""
        found = outcome.pictures
        files = {
            "training.png": None if found is None else pictures_of.contact_sheet(found.examples),
            "samples.png": None if found is None else pictures_of.contact_sheet(found.samples[0]),
            "curve.svg": pictures_of.learning_curve(outcome.curve),
            ARRAYS: content,
        }
        attached = []
        for name, data in files.items():
            if data is None:
                continue
            artifact = str(uuid.uuid4())
            self._store.write(artifact, io.BytesIO(data))
            kind, encoding = mimetypes.guess_type(name)
            attached.append(ArtifactMeta(artifact, name, kind or "application/octet-stream", encoding))
        return attached

    def _fail(
        self,
        trial: int,
        reason: str,
        lost: bool,
        said: Mapping[str, Any] | None = None,
        curve: Mapping[int, float] | None = None,
        note: Mapping[str, Any] | None = None,
    ) -> None:
        with self._rows.engine.begin() as connection:
            failed = {**(said or {}), **_failure(reason, lost)}
            if not self._rows.close(connection, trial, TrialState.FAIL, failed, curve=curve):
                return
            self._rows.note(connection, note or {})
            if self._claims is None:
                return
            if lost:
                self._claims.release(connection, trial)
            else:
                self._claims.finish(connection, trial)

    def _standing(self, connection: Connection, keys: Collection[str]) -> dict[str, Claim]:
        """Claims, and after them whose driver lives: each driver of a claim has been seen then."""
        if self._claims is None or self._pulse is None:
            return {}
        claims = self._claims.read(connection, keys)
        self._pulse.look(connection)
        return claims

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

    def _say(self, body: str) -> None:
        """The note of the study, once: a person may have edited it since."""
        if "dashboard:note_ver" not in self._storage.get_study_system_attrs(self._study_id):
            for name, value in notes.attributes(body).items():
                self._storage.set_study_system_attr(self._study_id, name, value)

    def _read(self) -> None:
        """Everything that is finished, and an end to what was cut off."""
        with self._rows.engine.begin() as connection:
            trials = self._rows.read(connection, (*READ, *PLACE), file=ARRAYS)
            claims = {} if self._claims is None else self._claims.read(connection)
        theirs = {
            claim.trial
            for claim in claims.values()
            if self._claims is not None and not self._claims.is_ours(claim)
        }
        lost: list[int] = []
        for trial in trials:
            if trial.state in (TrialState.RUNNING, TrialState.WAITING):
                if trial.id not in theirs:
                    self._fail(trial.id, LetGo.CUT_OFF, lost=True)
            elif self._take_in(trial):
                self._place(trial.said)
            elif trial.said.get("origin") == "search" and trial.said.get("failure") not in tuple(LetGo):
                lost.append(_generation(trial.said))
            self._searched |= trial.said.get("origin") == "search"
        # A search goes on without what it lost, and when that is done again proposes otherwise from there on.
        first = min(lost, default=math.inf)
        self.proposals = {i: entry for i, entry in self.proposals.items() if entry.generation < first}

    def _place(self, said: Mapping[str, Any]) -> None:
        """Where a finished trial stands in its search."""
        if said.get("origin") != "search":
            return
        try:
            entry = Entry(
                key=str(said["key"]),
                index=int(said["index"]),
                sentence=str(said["sentence"]),
                n=int(said["n"]),
                bits=float(said["bits"]),
                origin="search",
                generation=int(said["generation"]),
                parents=tuple(map(int, str(said["parents"]).split())),
            )
        except (KeyError, TypeError, ValueError):  # written by hand: it is proposed anew
            return
        self.proposals[entry.index] = entry

    def proposed_by(self, proposer: str) -> bool:
        """Whether all proposals in this study are by this proposer (`search.recall`), who is noted down."""
        with in_one_line("the ledger"):
            known = self._storage.get_study_system_attrs(self._study_id).get(PROPOSER)
            nobody = known is None and not self._searched
            only = bool(proposer) and (known == proposer or nobody)
            noted = proposer if only else SEVERAL
            if known != noted:
                self._storage.set_study_system_attr(self._study_id, PROPOSER, noted)
        return only

    def _learn(self, connection: Connection, done: Collection[Claim]) -> None:
        """Read the trials of finished claims."""
        unknown = [
            claim.trial for claim in done if claim.key not in self.outcomes and claim.trial is not None
        ]
        for trial in self._rows.read(connection, READ, unknown):
            self._take_in(trial)

    def _take_in(self, trial: Trial) -> bool:
        """Keep what a trial found; False where that is nothing."""
        outcome = _outcome(trial)
        if outcome is None:
            return False
        self.lessons.setdefault(str(trial.said.get("sentence")), (outcome.key, outcome.n))
        if outcome.key not in self.outcomes:
            self.outcomes[outcome.key] = outcome
            self._trials[outcome.key] = trial.id
            self._best = max(self._best, outcome.g)
            if "artifact" in trial.said:
                self._arrays[outcome.key] = trial.said["artifact"]
        return True


def _described(files: Sequence[ArtifactMeta]) -> dict[str, str]:
    """The attributes of a trial by which Optuna finds its files."""
    return {f"artifacts:{file.artifact_id}": json.dumps(asdict(file)) for file in files}


def _generation(said: Mapping[str, Any]) -> int:
    """Of a trial; the first where it does not say."""
    value = said.get("generation")
    return value if isinstance(value, int) else 0


def _failure(reason: str, lost: bool) -> dict[str, Any]:
    """The attributes of a trial that failed."""
    return {"failure": reason, "lost": int(lost)}


def _driver(artifacts: Path) -> str:
    """This driver's name among all that share a database: the same one whenever its folder is used again."""
    artifacts.mkdir(parents=True, exist_ok=True)
    path = artifacts / ".driver"
    if not path.is_file():
        beside = path.with_name(f".driver-{uuid.uuid4().hex}")
        beside.write_text(uuid.uuid4().hex[:16], encoding="utf-8")
        beside.replace(path)
    return f"{socket.gethostname()[:100]}-{path.read_text(encoding='utf-8')[:16]}"


def _outcome(trial: Trial) -> Outcome | None:
    """A finished trial read back; None where it says nothing that holds (cut off, lost).

    SearchError where the attributes are not of this program's making.
    """
    finished = trial.state == TrialState.COMPLETE
    if not finished and trial.said.get("lost", 1):
        return None
    try:
        return outcome_of(trial.said, finished)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SearchError(
            f"trial {trial.number} of the ledger cannot be read ({one_line(error)}): "
            "it was not written by this program; name another ledger= or run="
        ) from error


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
