"""A search goes on from what its ledger has: read where all of it is its own, proposed anew where not."""

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import xarray as xr

import grammars
import search
from search import bench
from search.genetic import Genetic
from search.recall import remembered
from search.searcher import Allow, Evaluated, Problem, Proposal
from search.swarm import Swarm

GRID = grammars.Grid(5, 5)
GRAMMAR = grammars.load("dots", GRID)
OBJECTIVE = search.Objective(
    "dots",
    GRID,
    "dots(k=between(1, 2))",
    "equivariant_local",
    (("patch", 3), ("sampler_steps", 4)),
    samples=64,
)
SEARCHER = Genetic(first=8, population=4, offspring=4)
BASELINES = search.iid(GRAMMAR, OBJECTIVE.target, 0, (1, 4, 16))
BUDGET = 18


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    """Equal to the last bit, but for durations and the time of day."""
    xr.testing.assert_identical(
        one.drop_vars("seconds").drop_attrs(deep=False), other.drop_vars("seconds").drop_attrs(deep=False)
    )


@dataclass(frozen=True)
class Watched:
    """A searcher that notes which generations it was asked for."""

    inner: search.Searcher = SEARCHER
    asked: list[int] = field(default_factory=list, repr=False)

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        self.asked.append(history[-1].generation + 1 if history else 0)
        yield from self.inner.propose(problem, history)


def run(
    folder: Path,
    budget: int = BUDGET,
    searcher: search.Searcher | None = None,
    baselines: Sequence[grammars.Sentence] = BASELINES,
    allow: Allow | None = None,
    workers: Executor | None = None,
) -> tuple[xr.Dataset, list[int]]:
    """The result, and the generations that were proposed."""
    watched = Watched(searcher or SEARCHER)
    url = f"sqlite:///{folder / 'optuna.db'}"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        workers or search.start(0) as pool,
        search.open_ledger(url, folder / "artifacts", "search", OBJECTIVE.content()) as book,
    ):
        found = search.minimise(
            OBJECTIVE, GRAMMAR, watched, budget, book, pool, baselines=baselines, allow=allow
        )
    return found, watched.asked


def changed(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "optuna.db")) as connection:
        assert connection.execute(statement).rowcount == 1
        connection.commit()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, xr.Dataset]:
    folder = tmp_path_factory.mktemp("done")
    found, asked = run(folder)
    assert asked == [0, 1, 2, 3]
    return folder, found


@pytest.fixture
def again(done: tuple[Path, xr.Dataset], tmp_path: Path) -> Path:
    shutil.copytree(done[0], tmp_path / "again")
    return tmp_path / "again"


def test_only_the_last_generation_is_proposed_again(again: Path, done: tuple[Path, xr.Dataset]) -> None:
    found, asked = run(again)
    assert asked == [3]
    same(found, done[1])


def test_a_larger_budget_goes_on_from_whole_generations(again: Path, tmp_path: Path) -> None:
    found, asked = run(again, BUDGET + 6)
    assert asked == [3, 4]  # the third was cut short by the budget
    whole, _ = run(tmp_path / "whole", BUDGET + 6)
    same(found, whole)


def test_a_smaller_budget_is_a_beginning(again: Path, tmp_path: Path) -> None:
    found, asked = run(again, 13)
    assert asked == [2]
    same(found, run(tmp_path / "small", 13)[0])


def test_what_was_lost_is_done_again_and_all_after_it_proposed_anew(
    again: Path, done: tuple[Path, xr.Dataset]
) -> None:
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{again / 'optuna.db'}")
    lost = next(trial for trial in study.trials if trial.user_attrs["generation"] == 2)
    changed(again, f"update trials set state = 'FAIL' where trial_id = {lost._trial_id}")
    found, asked = run(again)
    assert asked == [1, 2, 3]
    same(found, done[1])
    assert run(again)[1] == [1, 2, 3]  # for good: what came after it may have been proposed without it


def test_a_search_that_lost_an_evaluation_and_went_on_ends_like_one_that_did_not(
    tmp_path: Path, done: tuple[Path, xr.Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was proposed without it lies in the ledger too, at the places of what is proposed with it."""
    teach = bench.evaluate
    whole = done[1].sel(trial=done[1]["origin"] == "search")
    best = whole["sentence"].values[int(np.argmax(whole["generalization"].mean("seed").values))]

    def forgetful(task: search.Task) -> search.Outcome:
        outcome = teach(task)
        if task.sentence != best:
            return outcome
        return search.Outcome(outcome.key, outcome.n, failure="worker died", lost=True)

    monkeypatch.setattr(bench, "evaluate", forgetful)
    without, _ = run(tmp_path)
    assert without["sentence"].values.tolist() != done[1]["sentence"].values.tolist()
    monkeypatch.undo()
    for _ in range(2):
        same(run(tmp_path)[0], done[1])
    same(run(tmp_path, BUDGET + 6)[0], run(tmp_path / "alone", BUDGET + 6)[0])


class OneThread(ThreadPoolExecutor):
    """A worker that has one evaluation waiting while it does another."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given: list[Future[Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given.append(super().submit(fn, *args, **kwargs))
        return self.given[-1]


def test_what_was_queued_when_ctrl_c_came_costs_no_memory(
    tmp_path: Path, done: tuple[Path, xr.Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is proposed after Ctrl-C, so nothing was proposed without it."""
    teach, pool = bench.evaluate, OneThread()
    third = done[1].sel(trial=done[1]["generation"] == 2)["sentence"].values.tolist()

    def pressed(task: search.Task) -> search.Outcome:
        if task.sentence == third[0]:
            while pool.given[-1].running():  # until another one waits
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            while not pool.given[-1].cancelled():
                time.sleep(0.01)
        return teach(task)

    monkeypatch.setattr(bench, "evaluate", pressed)
    part, _ = run(tmp_path, workers=pool)
    assert part.attrs["stopped"] == "interrupted"
    monkeypatch.undo()
    trials = optuna.load_study(study_name="search", storage=f"sqlite:///{tmp_path / 'optuna.db'}").trials
    let_go = [trial.user_attrs for trial in trials if trial.state.name == "FAIL"]
    assert {(said["failure"], said["generation"]) for said in let_go} == {("stopped before it began", 2)}
    found, asked = run(tmp_path)
    assert asked == [2, 3]
    same(found, done[1])
    found, asked = run(tmp_path)
    assert asked == [3]
    same(found, done[1])


@pytest.mark.parametrize(
    "other",
    [
        {"searcher": replace(SEARCHER, edits=0.1)},
        {"searcher": Swarm()},
        {"baselines": BASELINES[:2]},
        {"allow": search.Without(GRAMMAR.parse(OBJECTIVE.target, "Set"))},
        {"allow": lambda lesson: True},
    ],
    ids=["a setting", "a searcher", "baselines", "allowed", "nobody knows what"],
)
def test_another_search_in_the_same_ledger_proposes_all_anew(
    again: Path, tmp_path: Path, other: dict[str, object]
) -> None:
    found, asked = run(again, **other)  # type: ignore[arg-type]
    alone, _ = run(tmp_path / "alone", **other)  # type: ignore[arg-type]
    assert asked[0] == 0
    same(found, alone)
    # And the ledger, which has trials of two by now, is not read for the first one either.
    assert run(again)[1][0] == 0


def test_another_version_of_the_code_proposes_all_anew(again: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.recall._source", lambda plugins: "another")
    assert run(again)[1][0] == 0


def test_a_ledger_of_before_is_replayed(again: Path, done: tuple[Path, xr.Dataset]) -> None:
    changed(again, "delete from study_system_attributes where key = 'proposer'")
    found, asked = run(again)
    assert asked[0] == 0
    same(found, done[1])


def test_a_sentence_that_the_grammar_does_not_know_is_no_memory() -> None:
    entries = {
        index: search.Entry(f"{index:064x}", index, text, 1, 9.0, "search", generation=index)
        for index, text in enumerate(["these(at(0, 0))", "these(at(1, 1))", "these(at(2, 2))"])
    }
    assert [entry.index for entry, _ in remembered(entries, 0, 9, GRAMMAR)] == [0, 1]
    assert remembered(entries | {1: replace(entries[1], sentence="these(circle(1))")}, 0, 9, GRAMMAR) == []
    assert remembered({}, 0, 9, GRAMMAR) == []
    assert [entry.index for entry, _ in remembered(entries, 1, 9, GRAMMAR)] == [1]
