"""Finished cells as Optuna trials: an experiment in the dashboard, its factors as parameters.

The cells' own files are what a run goes on from; the ledger is a view of them that can be made again. A
trial's value is g at the end of training, its curve g along the training, both as means over the trainings.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import xarray as xr
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.storage import in_one_line, open_storage, without_password
from study.cells import Cell
from study.experiment import Experiment

SHOWN = ("generalization", "g_support", "validity", "coverage", "copy_rate", "novelty")


class CellLedger:
    """One study; a cell that it has is not added again."""

    def __init__(self, study: optuna.Study, factors: dict[str, BaseDistribution]) -> None:
        self._study = study
        self._known = {trial.user_attrs.get("key") for trial in study.get_trials(deepcopy=False)}
        self._factors = factors

    def has(self, cell: Cell) -> bool:
        """Whether it is there."""
        return cell.key in self._known

    def add(self, cell: Cell, found: xr.Dataset) -> None:
        """One trial, failed where every training diverged. SearchError where it cannot be written."""
        if self.has(cell):
            return
        with in_one_line("the ledger"):
            self._study.add_trial(trial_of(cell, found, self._factors))
        self._known.add(cell.key)


@contextmanager
def open_cells(url: str, path: Path, declared: Experiment, cells: Sequence[Cell]) -> Iterator[CellLedger]:
    """The study `<experiment>-<size>` in a storage; empty is `optuna.db` in the run's folder."""
    url = url or f"sqlite:///{path / 'optuna.db'}"
    with in_one_line(f"ledger {without_password(url)!r}"):
        storage = open_storage(url)
        name, factors = f"{declared.name}-{declared.size}", factors_of(cells)
        study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )
        if has_other_names(study, factors):
            optuna.delete_study(study_name=name, storage=storage)
            study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    try:
        yield CellLedger(study, factors)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def factors_of(cells: Sequence[Cell]) -> dict[str, BaseDistribution]:
    """The parameters of a trial: what each factor's values come from."""
    places = [dict(cell.place) for cell in cells]
    return {name: distribution([place[name] for place in places]) for name in places[0]}


def has_other_names(study: optuna.Study, factors: dict[str, BaseDistribution]) -> bool:
    """Whether it was written for other names of a factor, such as one learner less: Optuna takes no new ones.

    Such a study is made again from the cells' files, which have everything that it shows.
    """
    before = next((trial.distributions for trial in study.get_trials(deepcopy=False)), None)
    if before is None:
        return False
    return set(before) != set(factors) or any(
        one != before[name] for name, one in factors.items() if isinstance(one, CategoricalDistribution)
    )


def distribution(values: Sequence[Any]) -> BaseDistribution:
    """What a factor's values come from: whole numbers, or names."""
    if all(isinstance(value, int) for value in values):
        return IntDistribution(min(values), max(values))
    return CategoricalDistribution(list(dict.fromkeys(values)))


def trial_of(cell: Cell, found: xr.Dataset, factors: dict[str, BaseDistribution]) -> FrozenTrial:
    """A finished cell as a trial."""
    place = dict(cell.place)
    ends = found.isel(checkpoint=-1, batch=1)
    curve = found["generalization"].isel(batch=1).mean("seed").values
    steps = found["steps"].values
    attributes = {
        "key": cell.key,
        "sentence": cell.sentence or f"{cell.n} samples of the target",
        "target_sentence": cell.objective.target,
        "seconds": round(float(found["seconds"]), 2),
        "trainings": int(np.isfinite(ends["validity"].values).sum()),
    }
    attributes |= {name: mean for name in SHOWN if not math.isnan(mean := float(ends[name].mean()))}
    if "description" in found:
        attributes["description"] = str(found["description"].item())
    g = float(ends["generalization"].mean())
    failed = math.isnan(g)
    return create_trial(
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        value=None if failed else g,
        params={name: place[name] for name in factors},
        distributions=factors,
        user_attrs=attributes,
        intermediate_values={
            int(step): float(value) for step, value in zip(steps, curve, strict=True) if not math.isnan(value)
        },
    )
