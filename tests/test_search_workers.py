"""Real worker processes: tasks, deaths, and what happens when the driver dies."""

import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import optuna
import pytest
import xarray as xr

import grammars
import search
from search import bench, workers
from search.errors import SearchError

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def pool() -> Iterator[workers.Workers]:
    with workers.start(2, attempts=2) as opened:
        assert isinstance(opened, workers.Workers)
        yield opened


def test_results_come_back_and_both_processes_work(pool: workers.Workers) -> None:
    pids: set[int] = set()
    while len(pids) < 2:  # one may be ready seconds before the other
        sleeps = [pool.submit(time.sleep, 0.2) for _ in range(2)]
        pids |= {pool.submit(os.getpid).result() for _ in range(2)}
        assert [sleep.result() for sleep in sleeps] == [None, None]
    assert pids == set(pool.pids())
    assert os.getpid() not in pids


def test_an_exception_is_the_tasks_and_the_worker_lives_on(pool: workers.Workers) -> None:
    before = set(pool.pids())
    with pytest.raises(SearchError, match="ZeroDivisionError: division by zero"):
        pool.submit(operator.truediv, 1, 0).result()
    assert pool.submit(operator.add, 1, 2).result() == 3
    assert before <= set(pool.pids()) | before


def test_a_result_that_cannot_travel_is_an_exception(pool: workers.Workers) -> None:
    with pytest.raises(TypeError, match="pickle"):  # on the way there
        pool.submit(list, (one for one in ())).result()
    with pytest.raises(SearchError, match="pickle"):  # on the way back
        pool.submit(open, os.devnull).result()


def test_one_thread_each(pool: workers.Workers) -> None:
    assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    import torch

    assert pool.submit(torch.get_num_threads).result() == 1


def test_a_killed_worker_is_replaced_and_its_task_done_again(pool: workers.Workers, tmp_path: Path) -> None:
    mark, shell = tmp_path / "begun", tmp_path / "shell"
    # The first time it makes the file and sleeps until it is killed; the second time the file is there.
    script = f"test -e {mark} && exit 0; echo $$ > {shell}; touch {mark}; exec sleep 600"
    before = set(pool.pids())
    others = [pool.submit(operator.add, 1, number) for number in range(4)]
    future = pool.submit(os.system, script)
    while not mark.exists():
        time.sleep(0.05)
    for pid in before:
        os.kill(pid, signal.SIGKILL)  # the shell it started lives on, with whatever it inherited
    assert future.result() == 0
    assert [other.result() for other in others] == [1, 2, 3, 4]  # also those given to one that died idle
    assert pool.submit(os.getpid).result() not in before
    os.kill(int(shell.read_text()), signal.SIGKILL)


def test_a_task_that_kills_every_worker_ends_as_worker_died(pool: workers.Workers) -> None:
    fatal = pool.submit(os._exit, 9)
    harmless = [pool.submit(operator.add, 2, number) for number in range(4)]
    with pytest.raises(workers.WorkerDied, match="2 times"):
        fatal.result()
    assert [one.result() for one in harmless] == [2, 3, 4, 5]


def test_killing_the_pool_ends_what_is_under_way() -> None:
    pool = workers.Workers(1)
    future = pool.submit(time.sleep, 600)
    waiting = pool.submit(time.sleep, 600)
    while not pool.pids():
        time.sleep(0.02)
    pool.kill()
    assert isinstance(future.exception(timeout=1), workers.WorkerDied)
    assert waiting.cancelled()
    with pytest.raises(SearchError, match="closed"):
        pool.submit(os.getpid)


def test_in_this_process() -> None:
    with workers.start(0) as pool:
        assert pool.submit(os.getpid).result() == os.getpid()
        assert isinstance(pool.submit(operator.truediv, 1, 0).exception(), ZeroDivisionError)


def test_a_negative_number_of_workers_is_refused() -> None:
    with pytest.raises(SearchError, match=r"`workers >= 0` must hold, but got workers=-1"):
        workers.start(-1)


def test_a_script_without_a_main_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        "import os\nfrom search import workers\n"
        "try:\n    workers.start(1, attempts=1).submit(os.getpid).result()\n"
        "except workers.WorkerNeverStarted as error:\n    print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    assert '`if __name__ == "__main__":`' in ended.stdout


DRIVER = """
import os, sys, time
from search import workers
if __name__ == "__main__":
    pool = workers.start(1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600).result()
"""


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=ENVIRONMENT,
    )
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    yield process, worker
    process.kill()
    process.wait()
    process.stdout.close()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_workers_leave_with_a_driver_that_was_killed(driver: tuple[subprocess.Popen[str], int]) -> None:
    process, worker = driver
    assert alive(worker)
    process.kill()
    process.wait()
    while alive(worker):  # the test hangs, and so fails, if it never leaves
        time.sleep(0.05)


def test_ctrl_c_in_the_terminal_is_the_drivers_alone(driver: tuple[subprocess.Popen[str], int]) -> None:
    process, worker = driver
    os.kill(worker, signal.SIGINT)
    time.sleep(0.5)
    assert alive(worker)
    assert process.poll() is None


def test_results_are_the_same_in_process_and_out(pool: workers.Workers) -> None:
    numbers = np.random.default_rng(0).normal(size=(64, 64))
    with workers.start(0) as here:
        there = pool.submit(np.linalg.svd, numbers, compute_uv=False).result()
        assert (here.submit(np.linalg.svd, numbers, compute_uv=False).result() == there).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_worker_of_a_dask_cluster_killed_while_it_trains(tmp_path: Path) -> None:
    from distributed import LocalCluster

    from study.job import pool as pool_of
    from study.resolve import resolve

    mark, worker, shell = tmp_path / "begun", tmp_path / "worker", tmp_path / "shell"
    script = (
        f"test -e {mark} && exit 0; echo $PPID > {worker}; echo $$ > {shell}; touch {mark}; exec sleep 600"
    )
    with (
        LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as cluster,
        pool_of(resolve([f"scheduler={cluster.scheduler_address}"]).settings) as executor,
    ):
        future = executor.submit(os.system, script)
        others = [executor.submit(operator.add, 1, number) for number in range(6)]
        while not mark.exists():
            time.sleep(0.05)
        os.kill(int(worker.read_text()), signal.SIGKILL)
        os.kill(int(shell.read_text()), signal.SIGKILL)
        assert future.result() == 0  # done again by another
        assert [other.result() for other in others] == [1, 2, 3, 4, 5, 6]


GRAMMAR = grammars.load("dots", grammars.Grid(4, 4))
OBJECTIVE = search.Objective(
    "dots", GRAMMAR.space, "dots(k=between(1, 2))", "conv", (("steps", 60), ("width", 4)), samples=32
)
BASELINES = search.iid(GRAMMAR, OBJECTIVE.target, 0, (1, 4))
BUDGET = 14


def searched(folder: Path, pool: Executor) -> xr.Dataset:
    url = f"sqlite:///{folder / 'optuna.db'}"
    with (
        search.sole_driver(folder),
        search.open_ledger(url, folder / "artifacts", "search", OBJECTIVE.content()) as book,
    ):
        searcher = search.load("genetic", first=6, population=4, offspring=4)
        return search.minimise(OBJECTIVE, GRAMMAR, searcher, BUDGET, book, pool, baselines=BASELINES)


ENDLESS = """
import os
from pathlib import Path
from search import bench

real, lessons = bench.at_work, {lessons!r}

def at_work(tasks):
    lesson = tasks[0].sentence
    mark = Path({folder!r}, str(lessons.index(lesson) if lesson in lessons else "other"))
    if lesson in lessons and not mark.exists():
        mark.with_suffix(".part").write_text(str(os.getpid()))
        mark.with_suffix(".part").replace(mark)
        while True:
            real(tasks)  # it trains until it is killed
    return real(tasks)
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_search_on_a_dask_cluster_whose_workers_are_killed_while_they_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A baseline and a lesson of the search train without end in whichever worker is first given them."""
    from distributed import LocalCluster

    from study.job import pool as pool_of
    from study.resolve import resolve

    with workers.start(0) as here:
        undisturbed = searched(tmp_path / "undisturbed", here)
    lessons = [str(undisturbed["sentence"].values[place]) for place in (1, 9)]
    (tmp_path / "endless_work.py").write_text(ENDLESS.format(folder=str(tmp_path), lessons=lessons))
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("endless_work", None)
    import endless_work  # type: ignore[import-not-found]

    monkeypatch.setattr(bench, "at_work", endless_work.at_work)
    killed: list[int] = []
    ended = threading.Event()

    def kill() -> None:
        left = [tmp_path / str(number) for number in range(len(lessons))]
        while left and not ended.wait(0.05):
            for mark in [mark for mark in left if mark.exists()]:
                killed.append(int(mark.read_text()))
                os.kill(killed[-1], signal.SIGKILL)
                left.remove(mark)

    killer = threading.Thread(target=kill)
    with (
        LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as cluster,
        pool_of(resolve([f"scheduler={cluster.scheduler_address}"]).settings) as pool,
    ):
        killer.start()
        try:
            data = searched(tmp_path / "run", pool)
        finally:
            ended.set()
            killer.join()
    assert len(set(killed)) == len(lessons)
    xr.testing.assert_identical(
        data.drop_vars("seconds").drop_attrs(deep=False),
        undisturbed.drop_vars("seconds").drop_attrs(deep=False),
    )
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'run' / 'optuna.db'}")
    trials = optuna.load_study(study_name="search", storage=storage).trials
    storage.remove_session()
    storage.engine.dispose()
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert set(Counter(trial.user_attrs["key"] for trial in trials).values()) == {1}
    assert len(trials) == BUDGET + len(BASELINES)
    by = {int(trial.user_attrs["worker"].rpartition(":")[2]) for trial in trials}
    assert by - set(killed)  # a dead one brings nothing more
    assert os.getpid() not in by
