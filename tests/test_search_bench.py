"""The bench: what is the same content is trained once, whatever lies in one batch."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

import grammars
import search
from search import bench
from search.bench import Bench, Interruption, Job
from search.evaluation import Outcome, Task
from search.ledger import Entry
from search.workers import InThisProcess

OBJECTIVE = search.Objective("dots", grammars.Grid(4, 4), "dots(k=1)", "conv", samples=64)


def job(index: int, key: int, objective: search.Objective = OBJECTIVE) -> Job:
    entry = Entry(f"{key:064x}", index, f"lesson {key}", 2, 20.0, "search")
    return Job(entry, Task(objective, entry.sentence))


@pytest.mark.parametrize("pool", [InThisProcess, lambda: ThreadPoolExecutor(1)], ids=["here", "thread"])
@pytest.mark.parametrize("stack", [None, 3])
@pytest.mark.parametrize("order", [[0, 0, 1], [0, 1, 2, 3, 0, 3], [0, 0, 0, 0]])
@pytest.mark.parametrize("failure", [None, "training diverged"])
def test_the_same_content_twice_in_a_batch_is_trained_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pool: type[Executor],
    stack: int | None,
    order: list[int],
    failure: str | None,
) -> None:
    taught: Counter[str] = Counter()

    def at_work(tasks: Sequence[Task]) -> bench.At:
        taught.update(task.sentence for task in tasks)
        keys = [int(task.sentence.split()[1]) for task in tasks]
        measures = {} if failure else {"generalization": (0.5,)}
        return [Outcome(f"{key:064x}", 2, measures, seconds=key, failure=failure) for key in keys], "here"

    monkeypatch.setattr(bench, "at_work", at_work)
    jobs = [job(index, key, replace(OBJECTIVE, population=stack)) for index, key in enumerate(order)]
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    with (
        pool() as workers,
        search.open_ledger(url, tmp_path, "search", {}) as book,
        Bench(book, workers, Interruption()) as at_the_bench,
    ):
        at_the_bench.begin(jobs[0])
        assert at_the_bench.run(jobs)
    assert {index: row.outcome.seconds for index, row in at_the_bench.rows.items()} == dict(enumerate(order))
    assert [row.entry.index for _, row in sorted(at_the_bench.rows.items())] == list(range(len(order)))
    assert set(taught.values()) == {1}
    trials = optuna.load_study(study_name="search", storage=url).trials
    assert len(trials) == len(set(order))


def test_the_same_content_twice_in_the_second_line_is_trained_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[str] = []

    def at_work(tasks: Sequence[Task]) -> bench.At:
        taught.extend(task.sentence for task in tasks)
        return [Outcome(f"{7:064x}", 2, {"generalization": (0.5,)})], "here"

    monkeypatch.setattr(bench, "at_work", at_work)
    with (
        search.start(0) as workers,
        search.open_ledger(f"sqlite:///{tmp_path / 'optuna.db'}", tmp_path, "search", {}) as book,
        Bench(book, workers, Interruption()) as at_the_bench,
    ):
        at_the_bench.add_spare([job(0, 7), job(1, 7)])
        at_the_bench.begin(job(2, 7))
        assert at_the_bench.run_spare()
    assert sorted(at_the_bench.rows) == [0, 1, 2]
    assert taught == ["lesson 7"]
