"""Tuning: what is tuned and how far, who is given up, what is found, and that it resumes."""

import json
from collections import Counter
from dataclasses import dataclass, replace
from math import log2
from pathlib import Path

import numpy as np
import optuna
import pytest
import xarray as xr

import analysis
import grammars
import models
import search
from models.conv import Conv, ConvSettings
from models.setting import setting
from search import bench
from search.evaluation import Outcome, Task, canonical, content_key
from search.tunable import possible, tunable, values_of
from search.tuning import STEP_PRICE, TO_THE_END, tune_seed

GRAMMAR = grammars.load("dots", grammars.Grid(5, 5))
OBJECTIVE = search.Objective(
    "dots", GRAMMAR.space, "dots(k=between(1, 2))", "conv", (("steps", 64), ("width", 8)), samples=64
)
LESSONS = ["these(at(1, 1), at(3, 3))", "take(4, dots(k=1), seed=0)"]


def tune(folder: Path, budget: int = 24, lessons: list[str] = LESSONS, **more: object) -> xr.Dataset:
    url = f"sqlite:///{folder / 'optuna.db'}"
    with (
        search.start(0) as pool,
        search.open_ledger(url, folder / "artifacts", "search", OBJECTIVE.content()) as book,
    ):
        return search.tune(OBJECTIVE, GRAMMAR, lessons, budget, book, pool, **more)  # type: ignore[arg-type]


def taught(task: Task) -> Outcome:
    """The second lesson is better; so are a learning rate of 0.03 and many steps; great ones diverge."""
    examples = canonical(GRAMMAR.parse(task.sentence, "Lesson").denote())
    key = content_key(task.objective, examples)
    said = dict(task.objective.settings)
    rate = float(said.get("learning_rate", 0.01))  # type: ignore[arg-type]
    if rate > 0.036:
        return Outcome(key, len(examples), failure="training diverged after 1 steps (loss inf)")
    g = 0.8 - 0.15 * abs(log2(rate / 0.03)) + 0.1 * (len(examples) == 4) + 0.001 * log2(float(said["steps"]))  # type: ignore[arg-type]
    return Outcome(key, len(examples), {"generalization": (max(g, 0.0),)}, seconds=1.0)


def test_a_learner_is_tuned_for_the_best_of_several_lessons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught)
    told: list[tuple[int, int]] = []
    data = tune(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (24, 24)
    own = data.isel(configuration=[0, 1])
    assert own["steps"].values.tolist() == [64, 64]
    assert own["lesson"].values.tolist() == [0, 1]
    assert not own["pruned"].any()
    best = data.isel(configuration=data.attrs["best"])
    assert (int(best["lesson"]), data.attrs["changed"]) == (1, 1)
    assert float(best["generalization"].mean()) > float(own["generalization"].max())
    assert abs(log2(float(best["learning_rate"]) / 0.03)) < abs(log2(0.01 / 0.03))
    settings = json.loads(data.attrs["settings"])
    assert settings["steps"] == int(best["steps"])
    models.load("conv", **settings)
    worth = data["generalization"].mean("seed") - STEP_PRICE * np.log2(data["steps"] / 64)
    ended = (data["pruned"] == 0) & (data["failure"] == "")
    np.testing.assert_allclose(data["worth"].values[ended], worth.values[ended])
    assert np.isnan(data["worth"].values[~ended]).all()
    importances = json.loads(data.attrs["importances"])
    assert set(importances) <= {*tunable(OBJECTIVE), "lesson"}
    assert importances["learning_rate"] > importances["width"]
    for name, variable in data.variables.items():
        assert {"units", "long_name"} <= set(variable.attrs), name
    analysis.save(data, tmp_path / "tuning.nc")


def test_who_is_below_the_median_is_given_up_and_costs_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught)
    data = tune(tmp_path, lessons=LESSONS[:1])
    pruned = data["pruned"].values == 1
    assert pruned.any()
    assert not pruned[:TO_THE_END].any()
    trainings = np.isfinite(data["short"]) * 1 + np.isfinite(data["generalization"]).sum("seed")
    assert (trainings.values[pruned] < 3).all()
    ended = ~pruned & (data["failure"].values == "")
    assert (trainings.values[ended] == 3).all()
    assert set(data["lesson"].values) == {0}
    assert np.nanmedian(data["short"].values[pruned]) < np.nanmedian(data["short"].values[ended])


@pytest.mark.parametrize("stopped_at", [0, 8])
def test_the_ledger_says_who_was_given_up_and_what_the_others_were_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught)

    def impatient(done: int, total: int) -> None:
        if done == stopped_at:
            raise KeyboardInterrupt

    tune(tmp_path, progress=impatient)
    data = tune(tmp_path)
    trials = optuna.load_study(study_name="tune", storage=f"sqlite:///{tmp_path / 'optuna.db'}").trials
    assert {trial.user_attrs["configuration"] for trial in trials} == set(range(24))
    for trial in trials:
        said = trial.user_attrs
        one = data.isel(configuration=said["configuration"])
        assert said["pruned"] == int(one["pruned"])
        assert said.get("worth", np.nan) == pytest.approx(float(one["worth"]), nan_ok=True)
    assert {trial.user_attrs["pruned"] for trial in trials} == {0, 1}


def test_it_resumes_and_is_linked_to_its_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "evaluate", taught)
    (tmp_path / "whole").mkdir()
    whole = tune(tmp_path / "whole", 12)
    asked = iter([True])

    def impatient(done: int, total: int) -> None:
        if done == 8 and next(asked, False):
            raise KeyboardInterrupt

    (tmp_path / "part").mkdir()
    part = tune(tmp_path / "part", 12, progress=impatient)
    assert (part.attrs["stopped"], part.sizes["configuration"]) == ("interrupted", 8)
    xr.testing.assert_identical(tune(tmp_path / "part", 12).drop_attrs(), whole.drop_attrs())
    monkeypatch.setattr(bench, "evaluate", None)
    xr.testing.assert_identical(tune(tmp_path / "part", 12).drop_attrs(), whole.drop_attrs())
    url = f"sqlite:///{tmp_path / 'part' / 'optuna.db'}"
    study = optuna.load_study(study_name="tune", storage=url)
    assert study.user_attrs["tunes"] == "search"
    assert optuna.load_study(study_name="search", storage=url).user_attrs["tuned_in"] == "tune"
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    assert set(Counter(trial.user_attrs["key"] for trial in done).values()) == {1}
    assert all({"steps", "learning_rate", "lesson"} <= set(trial.params) for trial in done)
    assert {trial.user_attrs["stage"] for trial in done} == {0, 1, 2}


def test_trainings_are_paired_and_their_seeds_are_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[search.Objective] = []
    monkeypatch.setattr(bench, "evaluate", lambda task: (seen.append(task.objective), taught(task))[1])
    tune(tmp_path, 2)
    assert {objective.seed for objective in seen} == {tune_seed(0, 0), tune_seed(0, 1)}
    assert all(objective.paired and objective.seeds == 1 for objective in seen)
    assert {dict(objective.settings)["steps"] for objective in seen} == {8, 64}


@dataclass(kw_only=True)
class Declared(ConvSettings):
    """A learner of one's own that says what is worth tuning."""

    batch: int = setting(16, "examples in a training step", "examples", (1, 64))


@pytest.mark.parametrize(
    ("learner", "settings", "names"),
    [
        ("conv", {}, {"steps", "learning_rate", "width", "depth", "noise_mean", "noise_std"}),
        ("transformer", {"patch": 1},
         {"steps", "learning_rate", "width", "depth", "noise_mean", "noise_std"}),
        ("equivariant_local", {}, {"patch"}),
        ("vae", {}, {"steps", "learning_rate", "width"}),
        ("ideal", {}, set()),
    ],
)  # fmt: skip
def test_what_is_tuned(learner: str, settings: dict[str, int], names: set[str]) -> None:
    objective = replace(OBJECTIVE, learner=learner, settings=tuple(settings.items()))
    space = tunable(objective)
    assert names <= set(space)
    if learner != "vae":
        assert names == set(space)
    own = values_of(objective, space)
    for name, distribution in space.items():
        assert distribution._contains(distribution.to_internal_repr(own[name])), name
        for end in (distribution.low, distribution.high):  # type: ignore[attr-defined]
            assert possible(objective.taught_to(learner, settings | {name: end})), (name, end)


def test_a_learner_says_what_is_worth_tuning(monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = Declared.__dataclass_fields__["batch"].metadata
    monkeypatch.setattr(Declared.__dataclass_fields__["batch"], "metadata", {**metadata, "tune": (8, 32)})
    monkeypatch.setattr(Conv, "settings_class", Declared)
    assert tunable(OBJECTIVE)["batch"] == optuna.distributions.IntDistribution(8, 32)


def test_settings_that_exclude_one_another_are_not_asked_for() -> None:
    assert not possible(OBJECTIVE.taught_to("transformer", {"width": 30, "heads": 4}))


def test_what_cannot_be_tuned_is_one_line(tmp_path: Path) -> None:
    with (
        search.start(0) as pool,
        search.open_ledger(f"sqlite:///{tmp_path / 'o.db'}", tmp_path, "search", {}) as book,
    ):
        fixed = OBJECTIVE.taught_to("ideal", {})
        with pytest.raises(search.SearchError, match="ideal has no setting that can be tuned"):
            search.tune(fixed, GRAMMAR, LESSONS, 4, book, pool)
        with pytest.raises(search.SearchError, match=r"`budget >= 1, seeds >= 1` must hold"):
            search.tune(OBJECTIVE, GRAMMAR, LESSONS, 0, book, pool)
        with pytest.raises(search.SearchError, match="conv has no lesson to tune it for"):
            search.tune(OBJECTIVE, GRAMMAR, [], 4, book, pool)
