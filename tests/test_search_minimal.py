"""Smaller lessons: what is left is as small as it is said to be, and was paid for as it is said."""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import optuna
import pytest
import xarray as xr

import analysis
import grammars
import search
from search import bench
from search.evaluation import canonical, evaluate
from search.shrinking import CHUNK, shrink_seed
from search.subsets import Subsets, shortest_words
from search.verification import fresh_seed

GRID = grammars.Grid(5, 5)
GRAMMAR = grammars.load("dots", GRID)
OBJECTIVE = search.Objective(
    "dots", GRID, "dots(k=between(1, 2))", "equivariant_local",
    (("patch", 3), ("sampler_steps", 4)), samples=64,
)  # fmt: skip
DOTS = "these(at(0, 0), at(1, 1), at(2, 2), at(3, 3), at(4, 4), at(0, 4))"


@cache
def empty_database() -> bytes:
    """A database with all its tables: made once, copied for each test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "optuna.db")
        optuna.storages.RDBStorage(f"sqlite:///{path}").engine.dispose()
        return path.read_bytes()


def shrink(folder: Path, sentence: str, budget: int = 200, **more: object) -> xr.Dataset:
    path = folder / "optuna.db"
    if not path.exists():
        path.write_bytes(empty_database())
    with (
        search.start(0) as pool,
        search.open_ledger(f"sqlite:///{path}", folder / "artifacts", "search", OBJECTIVE.content()) as book,
    ):
        return search.minimal(sentence, GRAMMAR, OBJECTIVE, budget, book, pool, **more)  # type: ignore[arg-type]


def taught_by(rule: Callable[[np.ndarray], float]) -> Callable[[search.Task], search.Outcome]:
    """A worker whose g is a function of the examples, seed for seed the same."""

    def teach(task: search.Task) -> search.Outcome:
        examples = GRAMMAR.parse(task.sentence, "Lesson").denote()
        key = search.evaluation.content_key(task.objective, canonical(examples))
        g = rule(examples)
        return search.Outcome(key, len(examples), {"generalization": (g,) * task.objective.seeds})

    return teach


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    """A real learner, from eight one-dot pictures."""
    return shrink(tmp_path_factory.mktemp("run"), "take(8, dots(k=1), seed=0)", 20)


def test_a_real_lesson_becomes_smaller_and_still_teaches(real: xr.Dataset, tmp_path: Path) -> None:
    assert dict(real.sizes)["seed"] == 2
    first, best = real.isel(attempt=0), real.isel(attempt=real.attrs["attempt"])
    assert (str(first["stage"].values), int(first["n"])) == ("start", 8)
    assert real.attrs["n"] == 1  # one picture with a dot is as good as eight, for an equivariant machine
    assert real.attrs["threshold"] == pytest.approx(float(first["generalization"].mean()) - 0.05)
    assert float(best["generalization"].mean()) >= real.attrs["threshold"]
    assert float(best["difference"]) == pytest.approx(
        float((best["generalization"] - first["generalization"]).mean())
    )
    examples = GRAMMAR.parse(real.attrs["minimal"], "Lesson").denote()
    assert len(examples) == real.attrs["n"] == int(best["n"])
    assert GRAMMAR.parse(real.attrs["minimal"]).bits == real.attrs["bits"]
    for name, variable in real.variables.items():
        assert {"units", "long_name"} <= set(variable.attrs), name
    analysis.save(real, tmp_path / "minimal.nc")
    with xr.open_dataset(tmp_path / "minimal.nc") as read:
        xr.testing.assert_equal(read.load(), real)


def test_figures_are_those_of_evaluations_with_equal_seeds(real: xr.Dataset) -> None:
    paired = replace(OBJECTIVE, seed=shrink_seed(0), seeds=2, paired=True)
    for place in (0, real.sizes["attempt"] - 1):
        row = real.isel(attempt=place)
        outcome = evaluate(search.Task(paired, str(row["sentence"].values)))
        assert outcome.measures["generalization"] == tuple(row["generalization"].values)


def test_the_same_call_trains_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shrink(tmp_path, "take(8, dots(k=1), seed=0)", 20)
    trials = optuna.load_study(study_name="shrink", storage=f"sqlite:///{tmp_path / 'optuna.db'}").trials
    assert set(Counter(trial.user_attrs["key"] for trial in trials).values()) == {1}
    monkeypatch.setattr(bench, "evaluate", None)
    xr.testing.assert_identical(
        shrink(tmp_path, "take(8, dots(k=1), seed=0)", 20).drop_attrs(deep=False),
        one.drop_attrs(deep=False),
    )


def test_the_examples_that_are_needed_are_found_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Needed are two of six: greedy leaving out ends at exactly these, and every smaller one was tried."""
    needed = GRAMMAR.parse("these(at(1, 1), at(4, 4))").denote()

    def both(examples: np.ndarray) -> float:
        held = {one.tobytes() for one in examples}
        return 0.8 if all(one.tobytes() in held for one in needed) else 0.1

    monkeypatch.setattr(bench, "evaluate", taught_by(both))
    found = shrink(tmp_path, DOTS)
    assert found.attrs["minimal"] == "these(at(1, 1), at(4, 4))"
    assert (found.attrs["complete"], found.attrs["failed_below"]) == (1, 2)
    below = found.where((found["parent"] == found.attrs["attempt"]) & (found["n"] == 1), drop=True)
    assert sorted(below["sentence"].values) == ["these(at(1, 1))", "these(at(4, 4))"]
    assert not below["teaches"].any()


@pytest.mark.parametrize("least", [1, 2, 3, 11, 12])
def test_bisection_finds_the_least_n_where_more_is_never_worse(
    least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught_by(lambda examples: 0.9 * (len(examples) >= least)))
    found = shrink(tmp_path, "take(12, dots(k=2), seed=3)")
    assert found.attrs["n"] == least
    stages = found["stage"].values.tolist()
    assert 1 <= stages.count("bisection") <= 4
    assert (found["n"].values[found["teaches"].values == 0] < least).all()
    if least > 1:
        assert found.attrs["failed_below"] == least  # each of the lessons of one example less


def test_of_what_is_left_nothing_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples of unequal worth, 15 in 21 needed: brute force agrees that nothing is to spare."""
    members = [one.tobytes() for one in GRAMMAR.parse(DOTS).denote()]
    worth = dict(zip(members, [5, 1, 4, 2, 6, 3], strict=True))

    def rule(examples: np.ndarray) -> float:
        return sum(worth[one.tobytes()] for one in examples) / 21

    monkeypatch.setattr(bench, "evaluate", taught_by(rule))
    found = shrink(tmp_path, DOTS, threshold=15 / 21 - 1e-9)
    left = [worth[one.tobytes()] for one in GRAMMAR.parse(found.attrs["minimal"]).denote()]
    assert sum(left) >= 15
    assert all(sum(fewer) < 15 for fewer in combinations(left, len(left) - 1))
    assert found.attrs["failed_below"] == len(left) == found.attrs["n"] < 6
    assert found.attrs["complete"] == 1


@pytest.mark.parametrize("budget", [2, 3, 4, 7, 9])
def test_the_budget_is_kept_and_a_larger_one_goes_on(
    budget: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught_by(lambda examples: 0.9 * (len(examples) >= 3)))
    told: list[tuple[int, int]] = []
    few = shrink(tmp_path, DOTS, budget, progress=lambda *now: told.append(now))
    assert few.sizes["attempt"] == budget // 2
    assert told[-1] == (budget // 2 * 2, budget)
    assert few.attrs["complete"] == 0
    whole = shrink(tmp_path, DOTS)
    sure = max(budget // 2 - CHUNK, 1)
    assert whole["sentence"].values[:sure].tolist() == few["sentence"].values[:sure].tolist()
    assert whole.attrs["complete"] == 1


def test_a_lesson_that_teaches_nothing_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught_by(lambda examples: 0.0))
    found = shrink(tmp_path, DOTS)
    assert found.sizes["attempt"] == 1
    assert found.attrs["minimal"] == str(GRAMMAR.parse(DOTS))
    assert (found.attrs["complete"], int(found["teaches"][0])) == (0, 0)


def test_a_lesson_that_fails_is_reported_and_not_shrunk(tmp_path: Path) -> None:
    broken = replace(OBJECTIVE, settings=(("patch", -1),))
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    with search.start(0) as pool, search.open_ledger(url, tmp_path, "search", {}) as book:
        found = search.minimal(DOTS, GRAMMAR, broken, 8, book, pool)
    assert found.sizes["attempt"] == 1
    assert "patch=-1" in str(found["failure"].values[0])
    assert np.isnan(found["generalization"]).all()


def test_what_cannot_be_asked_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(search.SearchError, match=r"`budget >= seeds >= 1` must hold, but got budget=1"):
        shrink(tmp_path, DOTS, 1)
    with pytest.raises(search.SearchError, match=r"`0 <= margin < 1` must hold, but got margin=-0.1"):
        shrink(tmp_path, DOTS, margin=-0.1)
    assert len({shrink_seed(seed) for seed in range(9)} | {fresh_seed(0, seed) for seed in range(9)}) == 18


@pytest.mark.parametrize("name", ["dots", "codes", "polygons", "fractals"])
def test_any_example_of_a_grid_has_words_that_say_it(name: str) -> None:
    grammar = grammars.load(name, grammars.Grid(7, 9))
    rng = np.random.default_rng(0)
    for density in (0.0, 1 / 63, 0.05, 0.4, 1.0):
        example = rng.random((7, 9)) < density
        sentence = grammar.parse(f"these({shortest_words(example, grammar)})", "Lesson")
        np.testing.assert_array_equal(sentence.denote()[0], example)


def test_a_subset_keeps_the_words_of_its_lesson() -> None:
    lesson = GRAMMAR.parse("join(these(overlay(at(0, 0), at(2, 2)), at(4, 4)), take(2, dots(k=1), seed=1))")
    parts = Subsets(lesson)
    assert {"overlay(at(0, 0), at(2, 2))", "at(4, 4)"} <= set(parts.words)
    np.testing.assert_array_equal(canonical(parts.only(range(parts.n)).denote()), canonical(lesson.denote()))
    smaller = parts.first(2).denote()
    assert len(smaller) == 2
    assert {one.tobytes() for one in smaller} <= {one.tobytes() for one in lesson.denote()}
    assert str(Subsets(GRAMMAR.parse("every(dots(k=1))")).first(3)) == "take(3, dots(k=1), seed=0)"


def test_points_of_the_plane_are_written_to_the_step_of_their_language() -> None:
    plane = grammars.load("regions")
    lesson = plane.parse(f"take(5, {plane.target}, seed=2)", "Lesson")
    parts = Subsets(lesson)
    written = parts.only(range(5)).denote()
    near = np.abs(canonical(written)[:, None] - canonical(lesson.denote())).max(-1).min(1)
    assert near.max() <= 0.005 + 1e-9
    assert str(parts.first(2)) == f"take(2, {plane.target}, seed=2)"


def test_the_smallest_lesson_is_the_last_trial_of_the_result(real: xr.Dataset, tmp_path: Path) -> None:
    with (
        search.start(0) as pool,
        search.open_ledger(
            f"sqlite:///{tmp_path / 'optuna.db'}", tmp_path, "search", OBJECTIVE.content()
        ) as book,
    ):
        start = GRAMMAR.parse(str(real["sentence"].values[0]), "Lesson")
        result = search.minimise(
            OBJECTIVE, GRAMMAR, search.load("random"), 2, book, pool, baselines=[start]
        )  # fmt: skip
    whole = search.with_minimal(result, real, GRAMMAR)
    xr.testing.assert_identical(whole.isel(trial=slice(3)).drop_vars(["on_front", "on_front_n"]),
                                result.drop_vars(["on_front", "on_front_n"]))  # fmt: skip
    last = whole.isel(trial=3)
    assert (int(last["trial"]), int(last["n"]), str(last["origin"].values)) == (3, 1, "search")
    assert str(last["sentence"].values) == real.attrs["minimal"]
    assert str(last["parents"].values) == "0"
    assert float(last["generalization"][0]) == float(real["generalization"][real.attrs["attempt"], 0])
    kept = last["examples"].values
    np.testing.assert_array_equal(kept[0], GRAMMAR.parse(real.attrs["minimal"], "Lesson").denote()[0])
    assert np.isnan(kept[1:]).all()
    analysis.save(whole, tmp_path / "result.nc")
    assert [one.trial for one in search.chosen_of(whole, real)] == [3]
    assert search.with_minimal(whole, real, GRAMMAR) is whole
    unchanged = real.assign_attrs(attempt=0)
    assert search.with_minimal(result, unchanged, GRAMMAR) is search.with_minimal(result, None, GRAMMAR)
    assert search.chosen_of(result, unchanged) == []
