"""Trainings that a worker takes together as one stack: the same outcomes whatever shares the stack."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import grammars
import search
from search import bench
from search.evaluation import Outcome, Task, evaluate, evaluate_together
from search.genetic import Genetic
from study.job import objective_of
from study.resolve import resolve

GRID = grammars.Grid(5, 5)
GRAMMAR = grammars.load("dots", GRID)
SETTINGS = (("width", 8), ("depth", 1), ("steps", 6), ("sampler_steps", 2), ("batch", 4))
OBJECTIVE = search.Objective(
    "dots", GRID, "dots(k=between(1, 2))", "conv", SETTINGS, samples=32, population=4
)
LESSONS = ["these(at(0, 1))", "take(9, dots(k=2), seed=3)", "these(at(2, 2), at(4, 4))"]


def same(one: Outcome, other: Outcome) -> None:
    assert (one.key, one.measures, one.strata) == (other.key, other.measures, other.strata)
    assert (one.uses_target, one.failure, one.curve) == (other.uses_target, other.failure, other.curve)
    assert one.pictures is not None
    assert other.pictures is not None
    np.testing.assert_array_equal(one.pictures.samples, other.pictures.samples)


def test_an_outcome_does_not_depend_on_what_shares_its_stack() -> None:
    together = evaluate_together([Task(OBJECTIVE, text) for text in LESSONS])
    for text, outcome in zip(LESSONS, together, strict=True):
        assert outcome.failure is None
        same(outcome, evaluate(Task(OBJECTIVE, text)))
    # Other seeds and another target are other evaluations, and may stand in the same stack.
    other = replace(OBJECTIVE, seed=5, target="dots(k=2)")
    assert other.pupil == OBJECTIVE.pupil
    mixed = evaluate_together([Task(other, LESSONS[1]), Task(OBJECTIVE, LESSONS[1])])
    same(mixed[1], together[1])
    assert mixed[0].key != mixed[1].key


def test_seeds_of_one_evaluation_share_the_stack() -> None:
    twice = replace(OBJECTIVE, seeds=2)
    assert (OBJECTIVE.together, twice.together, replace(twice, population=1).together) == (4, 2, 1)
    found = evaluate_together([Task(twice, text) for text in LESSONS[:2]])
    assert [len(one.measures["generalization"]) for one in found] == [2, 2]
    assert all(one.failure is None for one in found)


def test_what_says_nothing_or_is_no_sentence_costs_the_others_nothing() -> None:
    texts = ["these(at(0, 9))", LESSONS[0], "take(3, intersect(dots(k=1), dots(k=2)), seed=0)"]
    wrong, taught, empty = evaluate_together([Task(OBJECTIVE, text) for text in texts])
    assert wrong.failure is not None
    assert wrong.lost
    same(taught, evaluate(Task(OBJECTIVE, LESSONS[0])))
    assert (empty.n, empty.g, empty.failure) == (0, 0, None)


def test_a_learner_that_raises_has_failed_them_all() -> None:
    broken = replace(OBJECTIVE, learner="conv", settings=(("no_such", 1),))
    found = evaluate_together([Task(broken, text) for text in LESSONS])
    assert all(one.lost and "no_such" in (one.failure or "") for one in found)


def test_a_machine_that_has_no_stack_is_asked_one_by_one() -> None:
    machine = replace(OBJECTIVE, learner="equivariant_local", settings=(("patch", 3), ("sampler_steps", 4)))
    alone = [evaluate(Task(replace(machine, population=None), text)) for text in LESSONS]
    for one, other in zip(evaluate_together([Task(machine, t) for t in LESSONS]), alone, strict=True):
        same(one, other)


def run(folder: Path, workers: int) -> xr.Dataset:
    with (
        search.start(workers) as pool,
        search.open_ledger(
            f"sqlite:///{folder / 'optuna.db'}", folder / "artifacts", "search", OBJECTIVE.content()
        ) as book,
    ):
        baselines = search.iid(GRAMMAR, OBJECTIVE.target, 0, (1, 4))
        searcher = Genetic(first=8, population=4, offspring=4)
        found = search.minimise(OBJECTIVE, GRAMMAR, searcher, 14, book, pool, baselines=baselines)
        verified = search.verify(found, GRAMMAR, {"conv": OBJECTIVE}, 2, book, pool)
    return verified.assign(search=found["generalization"].rename(seed="training"))


def test_a_search_hands_out_whole_stacks_and_finds_the_same_with_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    at_work = bench.at_work

    def counted(tasks: Sequence[Task]) -> tuple[list[Outcome], str]:
        sizes.append(len(tasks))
        return at_work(tasks)

    monkeypatch.setattr(bench, "at_work", counted)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = run(tmp_path / "one", 0)
    assert max(sizes) == 4
    assert sum(sizes) == 14 + 2 + 2 * one.sizes["sentence"]
    assert len(sizes) <= 10
    monkeypatch.setattr(bench, "at_work", at_work)
    two = run(tmp_path / "two", 2)
    drop = {"deep": False}
    xr.testing.assert_identical(
        one.drop_vars("seconds").drop_attrs(**drop), two.drop_vars("seconds").drop_attrs(**drop)
    )


def test_a_setting_says_how_many_share_a_stack() -> None:
    line = ["grammar=dots", "device=cpu"]
    assert objective_of(resolve(line).settings).population is None
    assert objective_of(resolve([*line, "population=16"]).settings).population == 16
