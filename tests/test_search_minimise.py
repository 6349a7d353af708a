"""The whole search on a real ledger and real processes: the same result whatever happens on the way."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
import xarray as xr

import analysis
import grammars
import search
from search import bench
from search.genetic import Genetic
from search.workers import Workers

ROOT = Path(__file__).resolve().parents[1]
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


def run(
    folder: Path,
    workers: int = 0,
    budget: int = BUDGET,
    progress: Callable[[search.Progress], None] | None = None,
    objective: search.Objective = OBJECTIVE,
    baselines: Sequence[grammars.Sentence] = BASELINES,
) -> xr.Dataset:
    with (
        search.sole_driver(folder),
        search.start(workers) as pool,
        search.open_ledger(
            f"sqlite:///{folder / 'optuna.db'}", folder / "artifacts", "search", objective.content()
        ) as book,
    ):
        return search.minimise(
            objective, GRAMMAR, SEARCHER, budget, book, pool, baselines=baselines, progress=progress
        )


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'optuna.db'}").trials


def evaluations(folder: Path) -> Counter[str]:
    """How often each evaluation is finished in the ledger."""
    return Counter(t.user_attrs["key"] for t in trials(folder) if t.state.name == "COMPLETE")


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    """Equal to the last bit, but for durations and the time of day."""
    xr.testing.assert_identical(
        one.drop_vars("seconds").drop_attrs(deep=False), other.drop_vars("seconds").drop_attrs(deep=False)
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return run(tmp_path_factory.mktemp("undisturbed"))


def test_what_a_search_leaves_behind(undisturbed: xr.Dataset) -> None:
    data = undisturbed
    assert dict(data.sizes) == {
        "trial": 21, "seed": 1, "stratum": 2, "sample": 32, "example": 32, "y": 5, "x": 5,
    }  # fmt: skip
    assert data["origin"].values.tolist() == ["iid"] * 3 + ["search"] * BUDGET
    assert data["n"].values[:3].tolist() == [1, 4, 16]
    assert data["generation"].values.tolist() == [-1] * 3 + [0] * 8 + [1] * 4 + [2] * 4 + [3] * 2
    for name, variable in data.variables.items():
        assert {"units", "long_name"} <= set(variable.attrs), name
    searched = data.isel(trial=slice(3, None))
    assert searched["on_front"].values[searched["generalization"].values[:, 0].argmax()] == 1
    assert not data["on_front"].values[:3].any()
    assert data["on_front"].values.sum() >= data["on_front_n"].values.sum() >= 1
    for place in range(3, 21):
        sentence = GRAMMAR.parse(str(data["sentence"].values[place]))
        assert len(sentence.denote()) == data["n"].values[place]
        assert sentence.bits == data["bits"].values[place]
        parents = [int(parent) for parent in str(data["parents"].values[place]).split()]
        assert all(data["generation"].values[parent] < data["generation"].values[place] for parent in parents)
    assert json.loads(data.attrs["objective"])["settings"] == {"patch": 3, "sampler_steps": 4}
    assert data.attrs["stopped"] == ""


def test_a_result_survives_its_file(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    analysis.save(undisturbed, tmp_path / "result.nc", {"grammar": "dots"})
    with xr.open_dataset(tmp_path / "result.nc") as read:
        same(read.load(), undisturbed)


def test_uses_target_marks_lessons_that_hold_the_whole_target(undisturbed: xr.Dataset) -> None:
    assert undisturbed["uses_target"].values[:3].tolist() == [1, 1, 1]
    target = GRAMMAR.parse(OBJECTIVE.target, "Set").denote()
    large = [
        any(t.type == "Set" and t.denote().log2_size(np.random.default_rng(0))[0] >= np.log2(target.size())
            for _, t in GRAMMAR.parse(str(text)).walk())
        for text in undisturbed["sentence"].values
    ]  # fmt: skip
    assert undisturbed["uses_target"].values.tolist() == [int(one) for one in large]


def test_one_and_two_workers_and_disturbed_generators_give_the_same(
    undisturbed: xr.Dataset, tmp_path: Path
) -> None:
    def disturb(progress: search.Progress) -> None:
        random.seed(progress.done)
        np.random.seed(progress.done)  # noqa: NPY002

    one = run(tmp_path / "one", workers=1, progress=disturb)
    two = run(tmp_path / "two", workers=2, progress=disturb)
    same(one, two)
    same(one, undisturbed)


def test_another_seed_gives_another_search(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    other = run(tmp_path, objective=replace(OBJECTIVE, seed=1), budget=8, baselines=())
    assert set(other["sentence"].values) & set(undisturbed["sentence"].values[3:11]) == set()


def test_a_finished_search_is_read_and_nothing_trained_again(
    undisturbed: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    monkeypatch.setattr(bench, "evaluate", None)
    same(run(tmp_path), undisturbed)


def test_a_larger_budget_goes_on_where_a_smaller_one_ended(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    run(tmp_path, budget=10)
    before = evaluations(tmp_path)
    same(run(tmp_path), undisturbed)
    after = evaluations(tmp_path)
    assert sum(before.values()) == 13
    assert before < after
    assert set(after.values()) == {1}


def test_progress_is_told_after_each_evaluation(tmp_path: Path) -> None:
    told: list[search.Progress] = []
    data = run(tmp_path, progress=told.append)
    assert [(one.done + one.baselines_done) for one in told] == list(range(1, 22))
    last = told[-1]
    assert (last.done, last.total, last.baselines_done, last.baselines_total) == (18, 18, 3, 3)
    searched = data.where(data["origin"] == "search", drop=True)["generalization"].mean("seed")
    assert last.best_g == float(searched.max())
    assert last.best_sentence in data["sentence"].values
    assert last.seconds_left == 0
    assert all(one.seconds_left is None or one.seconds_left >= 0 for one in told)
    again: list[search.Progress] = []
    run(tmp_path, progress=again.append)
    assert again[-1].trained == 0


DRIVER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_search_minimise as the_test

def slowly(progress):
    print(progress.done, flush=True)
    time.sleep(0.05)

if __name__ == "__main__":
    data = the_test.run(Path(sys.argv[1]), workers=int(sys.argv[3]), progress=slowly)
    print("ended", data.attrs["stopped"], data.sizes["trial"], flush=True)
"""


def driver(folder: Path, script: Path, workers: int = 1) -> subprocess.Popen[str]:
    script.write_text(DRIVER)
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), str(ROOT / "tests"), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def wait_for(process: subprocess.Popen[str], done: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().isdigit() and int(line) >= done:
            return
    raise AssertionError("the driver ended before it got so far")


def kill_at(done: int, folder: Path, script: Path, workers: int) -> None:
    process = driver(folder, script, workers)
    wait_for(process, done)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_killed_half_way_and_started_again(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    kill_at(9, folder, tmp_path / "driver.py", workers=1)
    finished = evaluations(folder)
    assert 9 <= sum(finished.values()) < 21
    same(run(folder), undisturbed)
    after = evaluations(folder)
    assert set(after.values()) == {1}
    assert finished <= after
    assert len(after) == 21
    assert {t.state.name for t in trials(folder)} <= {"COMPLETE", "FAIL"}


@pytest.mark.slow
def test_killed_many_times_with_a_reader_on_the_database(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    kill_at(1, folder, tmp_path / "driver.py", workers=2)
    reader = sqlite3.connect(folder / "optuna.db")
    reader.execute("begin").execute("select count(*) from trials").fetchall()
    try:
        for done in (2, 5, 7, 10, 13, 17):
            kill_at(done, folder, tmp_path / "driver.py", workers=2)
    finally:
        reader.close()
    same(run(folder, workers=2), undisturbed)
    assert set(evaluations(folder).values()) == {1}
    assert len(evaluations(folder)) == 21


def test_ctrl_c_begins_nothing_new_and_returns_what_there_is(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = driver(folder, tmp_path / "driver.py")
    wait_for(process, 5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: driver and workers
    output, _ = process.communicate()
    assert process.returncode == 0
    last = output.strip().splitlines()[-1].split()
    assert last[:2] == ["ended", "interrupted"]
    assert 5 <= int(last[2]) <= 5 + 3 + 4  # what was done, baselines, and what was under way
    assert "RUNNING" not in {t.state.name for t in trials(folder)}
    same(run(folder), undisturbed)
    assert set(evaluations(folder).values()) == {1}


def test_a_keyboard_interrupt_from_elsewhere_ends_well_too(tmp_path: Path) -> None:
    def interrupt(progress: search.Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    data = run(tmp_path, progress=interrupt)
    assert data.attrs["stopped"] == "interrupted"
    assert 4 <= data.sizes["trial"] < 12


def test_without_signals_in_another_thread(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    results: list[xr.Dataset] = []
    thread = threading.Thread(target=lambda: results.append(run(tmp_path)))
    thread.start()
    thread.join()
    same(results[0], undisturbed)


def test_a_worker_killed_on_the_way_changes_nothing(
    undisturbed: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[Workers] = []
    start = search.start
    monkeypatch.setattr(search, "start", lambda count: pools.append(start(count)) or pools[-1])
    killed: list[int] = []

    def kill(progress: search.Progress) -> None:
        if progress.done == 5 and not killed:
            killed.extend(pools[0].pids())
            os.kill(killed[0], signal.SIGKILL)

    same(run(tmp_path, workers=1, progress=kill), undisturbed)
    assert len(killed) == 1
    assert set(evaluations(tmp_path).values()) == {1}


def test_settings_of_another_run_are_refused_and_nothing_is_damaged(tmp_path: Path) -> None:
    run(tmp_path, budget=4)
    before = evaluations(tmp_path)
    with pytest.raises(search.SearchError, match=r"samples was 64, now 65"):
        run(tmp_path, objective=replace(OBJECTIVE, samples=65))
    assert evaluations(tmp_path) == before


def test_a_lesson_that_fails_is_a_row_without_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlucky(task: search.Task) -> search.Outcome:
        outcome = search.evaluate(task)
        if outcome.n == 4:
            return search.Outcome(outcome.key, outcome.n, failure="training diverged")
        return outcome

    monkeypatch.setattr(bench, "evaluate", unlucky)
    data = run(tmp_path)
    failed = data["failure"].values == "training diverged"
    assert failed[1]  # the baseline of four examples
    assert np.isnan(data["generalization"].values[failed]).all()
    assert not np.isnan(data["generalization"].values[~failed]).any()
    assert np.isnan(data["samples"].values[failed]).all()
    assert not data["on_front"].values[failed].any()
    monkeypatch.setattr(bench, "evaluate", None)
    same(run(tmp_path), data)  # a failed training is not tried again


def test_where_everything_fails_the_search_says_why(tmp_path: Path) -> None:
    wrong = replace(OBJECTIVE, settings=(("patch", -1),))
    with pytest.raises(search.SearchError, match=r"each of the first 8 evaluations failed.*patch=-1"):
        run(tmp_path, objective=wrong)
    assert "RUNNING" not in {t.state.name for t in trials(tmp_path)}


def test_a_searcher_without_ideas_ends_the_search(tmp_path: Path) -> None:
    class OneIdea:
        def propose(
            self, problem: search.Problem, history: Sequence[search.Evaluated]
        ) -> list[search.Proposal]:
            candidate = problem.admission.admit(GRAMMAR.parse("these(at(1, 1))"))
            return [search.Proposal(candidate)] if candidate else []

    with (
        search.start(0) as pool,
        search.open_ledger(f"sqlite:///{tmp_path / 'o.db'}", tmp_path, "search", {}) as book,
    ):
        data = search.minimise(OBJECTIVE, GRAMMAR, OneIdea(), 5, book, pool, baselines=BASELINES)
    assert data.attrs["stopped"] == "exhausted"
    assert data["origin"].values.tolist() == ["iid"] * 3 + ["search"]


def test_lessons_may_be_refused_beforehand(tmp_path: Path) -> None:
    target = GRAMMAR.parse(OBJECTIVE.target, "Set")
    with (
        search.start(0) as pool,
        search.open_ledger(f"sqlite:///{tmp_path / 'o.db'}", tmp_path, "search", {}) as book,
    ):
        data = search.minimise(
            OBJECTIVE, GRAMMAR, SEARCHER, 12, book, pool, allow=lambda lesson: not lesson.uses_target(target)
        )
    assert data["uses_target"].values.tolist() == [0] * 12


def test_a_full_disk_is_one_line_and_loses_nothing(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    """The database may not grow beyond its size: the next write fails as on a full disk."""
    run(tmp_path, budget=6)
    before = evaluations(tmp_path)
    url, artifacts = f"sqlite:///{tmp_path / 'optuna.db'}", tmp_path / "artifacts"
    with search.open_ledger(url, artifacts, "search", OBJECTIVE.content()) as book, search.start(0) as pool:
        with book._storage.engine.connect() as connection:  # type: ignore[attr-defined]
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(search.SearchError, match="database or disk is full") as caught:
            search.minimise(OBJECTIVE, GRAMMAR, SEARCHER, BUDGET, book, pool, baselines=BASELINES)
        assert "\n" not in str(caught.value)
    assert before <= evaluations(tmp_path)
    same(run(tmp_path), undisturbed)
    assert set(evaluations(tmp_path).values()) == {1}


def test_the_clock_may_be_set_back(
    undisturbed: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = time.time, iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: real() - 3600 * next(calls))
    same(run(tmp_path), undisturbed)


def test_sqlite_holds_what_optuna_says(tmp_path: Path) -> None:
    """The file itself, without Optuna: what someone else's program finds."""
    data = run(tmp_path, budget=4)
    database = sqlite3.connect(tmp_path / "optuna.db")
    sentences = database.execute(
        "select value_json from trial_user_attributes where key = 'sentence' order by trial_id"
    ).fetchall()
    database.close()
    assert sorted(json.loads(text) for (text,) in sentences) == sorted(data["sentence"].values.tolist())
