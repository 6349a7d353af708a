"""Trials as rows of Optuna's tables: begun, closed and read with one transaction each.

Optuna's own calls write every attribute in a transaction of its own and read trials attribute by attribute.
The rows written here are those that they would have written: dashboards and Optuna see an ordinary study.
Optuna's tables are taken from Optuna itself, which checks their version whenever a storage is opened.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb import models as tables
from optuna.trial import TrialState
from sqlalchemy import Connection, Table

STUDIES, TRIALS, PARAMS, VALUES, CURVES, USER, SYSTEM, STUDY_SYSTEM = (
    cast(Table, kind.__table__)
    for kind in (
        tables.StudyModel,
        tables.TrialModel,
        tables.TrialParamModel,
        tables.TrialValueModel,
        tables.TrialIntermediateValueModel,
        tables.TrialUserAttributeModel,
        tables.TrialSystemAttributeModel,
        tables.StudySystemAttributeModel,
    )
)
AT_ONCE = 500  # ids in one query: databases have a limit


@dataclass(frozen=True)
class Trial:
    """One trial as it is stored, with the wanted attributes."""

    id: int
    number: int
    state: TrialState
    started: datetime | None = None  # naive UTC, as it is stored
    completed: datetime | None = None
    said: dict[str, Any] = field(default_factory=dict)


class Rows:
    """The trials of one study."""

    def __init__(self, storage: RDBStorage, study_id: int) -> None:
        self.engine = storage.engine
        self._study_id = study_id

    def begin(
        self,
        connection: Connection,
        said: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        distributions: Mapping[str, BaseDistribution] | None = None,
    ) -> int:
        """Write a RUNNING trial with its attributes and suggested parameters; its id."""
        # Numbers are counted, so only one driver may add a trial at a time; SQLite locks by the insertion.
        study = STUDIES.c.study_id
        connection.execute(sqlalchemy.select(study).where(study == self._study_id).with_for_update())
        row = {"study_id": self._study_id, "state": TrialState.RUNNING, "datetime_start": _now()}
        inserted = connection.execute(TRIALS.insert().values(row)).inserted_primary_key
        trial = int(inserted[0]) if inserted is not None else -1
        before = (TRIALS.c.study_id == self._study_id) & (TRIALS.c.trial_id < trial)
        count = sqlalchemy.select(sqlalchemy.func.count()).select_from(TRIALS).where(before).scalar_subquery()
        connection.execute(TRIALS.update().where(TRIALS.c.trial_id == trial).values(number=count))
        _attribute(connection, USER, trial, said)
        if params and distributions:
            connection.execute(
                PARAMS.insert(),
                [
                    {
                        "trial_id": trial,
                        "param_name": name,
                        "param_value": distributions[name].to_internal_repr(value),
                        "distribution_json": distribution_to_json(distributions[name]),
                    }
                    for name, value in params.items()
                ],
            )
        return trial

    def close(
        self,
        connection: Connection,
        trial: int,
        state: TrialState,
        said: Mapping[str, Any],
        values: Sequence[float] = (),
        system: Mapping[str, Any] | None = None,
        curve: Mapping[int, float] | None = None,
    ) -> bool:
        """End a trial; False where it was ended before, by somebody else.

        `curve` are its intermediate values by step, finite ones.
        """
        open_ = (TRIALS.c.trial_id == trial) & TRIALS.c.state.in_((TrialState.RUNNING, TrialState.WAITING))
        ended = connection.execute(TRIALS.update().where(open_).values(state=state, datetime_complete=_now()))
        if ended.rowcount != 1:
            return False
        finite = tables.TrialValueModel.TrialValueType.FINITE
        if values:
            connection.execute(
                VALUES.insert(),
                [
                    {"trial_id": trial, "objective": place, "value": value, "value_type": finite}
                    for place, value in enumerate(values)
                ],
            )
        if curve:
            finite_too = tables.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE
            connection.execute(
                CURVES.insert(),
                [
                    {
                        "trial_id": trial,
                        "step": step,
                        "intermediate_value": value,
                        "intermediate_value_type": finite_too,
                    }
                    for step, value in curve.items()
                ],
            )
        _attribute(connection, USER, trial, said)
        _attribute(connection, SYSTEM, trial, system or {})
        return True

    def say(self, connection: Connection, trial: int, said: Mapping[str, Any]) -> None:
        """Add user attributes to a trial, ended or not; those that it has already stay as they are."""
        names = sqlalchemy.select(USER.c.key).where(USER.c.trial_id == trial)
        known = set(connection.execute(names).scalars())
        _attribute(
            connection, USER, trial, {name: value for name, value in said.items() if name not in known}
        )

    def note(self, connection: Connection, attributes: Mapping[str, Any]) -> None:
        """Add system attributes to the study, all or none: what a person has written there stays."""
        if not attributes:
            return
        ours = STUDY_SYSTEM.c.study_id == self._study_id
        known = sqlalchemy.select(STUDY_SYSTEM.c.key).where(ours & STUDY_SYSTEM.c.key.in_(list(attributes)))
        if connection.execute(known.limit(1)).first() is None:
            rows = [
                {"study_id": self._study_id, "key": key, "value_json": json.dumps(value)}
                for key, value in attributes.items()
            ]
            connection.execute(STUDY_SYSTEM.insert(), rows)

    def read(
        self,
        connection: Connection,
        wanted: Collection[str],
        ids: Collection[int] | None = None,
        file: str = "",
    ) -> list[Trial]:
        """`read_trials` of this study."""
        return read_trials(connection, self._study_id, wanted, ids, file)


def read_trials(
    connection: Connection,
    study_id: int,
    wanted: Collection[str],
    ids: Collection[int] | None = None,
    file: str = "",
) -> list[Trial]:
    """Trials by number, all or those of `ids`, with the `wanted` attributes of both kinds.

    The id of the artifact that is called `file` is there as the attribute `artifact`.
    """
    found: dict[int, Trial] = {}
    columns = [TRIALS.c[name] for name in ("trial_id", "number", "state", "datetime_start")]
    columns.append(TRIALS.c["datetime_complete"])
    for some in _portions(ids):
        ours = TRIALS.c.study_id == study_id
        if some is not None:
            ours &= TRIALS.c.trial_id.in_(some)
        for row in connection.execute(sqlalchemy.select(*columns).where(ours)):
            found[row[0]] = Trial(*row)
        for table in (USER, SYSTEM):
            asked = _attributes(table, ours, table.c.key.in_(list(wanted)))
            for id, name, value in connection.execute(asked):
                if id in found:  # and not begun since the query before
                    found[id].said[name] = _decoded(value)
        if not file:
            continue
        named = SYSTEM.c.key.like("artifacts:%") & SYSTEM.c.value_json.like(f"%{file}%")
        for id, _, value in connection.execute(_attributes(SYSTEM, ours, named)):
            described = _decoded(_decoded(value))
            if id in found and isinstance(described, dict) and described.get("filename") == file:
                found[id].said["artifact"] = str(described.get("artifact_id"))
    return sorted(found.values(), key=lambda trial: trial.number)


def _attributes(table: Table, ours: Any, which: Any) -> Any:
    """The query for attributes of some trials."""
    joined = table.join(TRIALS, table.c.trial_id == TRIALS.c.trial_id)
    return (
        sqlalchemy.select(table.c.trial_id, table.c.key, table.c.value_json)
        .select_from(joined)
        .where(ours & which)
    )


def _attribute(connection: Connection, table: Table, trial: int, values: Mapping[str, Any]) -> None:
    if values:
        rows = [{"trial_id": trial, "key": name, "value_json": json.dumps(v)} for name, v in values.items()]
        connection.execute(table.insert(), rows)


def _decoded(text: Any) -> Any:
    """JSON from the database; None where it is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def _portions(ids: Collection[int] | None) -> Iterator[list[int] | None]:
    if ids is None:
        yield None
        return
    listed = sorted(ids)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]


def _now() -> datetime:
    """Optuna stores naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
