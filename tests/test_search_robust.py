"""What a search survives: kills, a full file, no memory, a clock set back, while a dashboard looks on.

The training is a stub, so that each search takes a moment; ledger, artifacts, files and processes are real.
"""

import json
import os
import random
import resource
import select
import signal
import sqlite3
import sys
import threading
import time
import traceback
import urllib.request
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import numpy as np
import optuna
import pytest
import sqlalchemy
import xarray as xr
from optuna.artifacts import FileSystemArtifactStore

import grammars
import search
from search import bench, rows
from search.evaluation import Outcome, Task, canonical, content_key
from search.pictures import Pictures
from search.workers import InThisProcess, Workers

GRID = grammars.Grid(4, 4)
GRAMMAR = grammars.load("dots", GRID)
OBJECTIVE = search.Objective("dots", GRID, "dots(k=between(1, 2))", "equivariant_local", samples=64)
BASELINES = search.iid(GRAMMAR, OBJECTIVE.target, 0, (1, 4))
BUDGET = 20
TICK = os.sysconf("SC_CLK_TCK")
REFUSED = 3  # how a driver says that it ended with a SearchError


def stub(tasks: Sequence[Task]) -> bench.At:
    """Some outcome that is a function of the lesson alone; one lesson in eight diverges."""
    (task,) = tasks
    examples = canonical(GRAMMAR.parse(task.sentence, "Lesson").denote())
    key = content_key(task.objective, examples)
    if int(key[0], 16) < 2:
        why = "training diverged after 3 steps (loss inf)"
        return [Outcome(key, len(examples), failure=why, seconds=7.5)], "here"
    rng = np.random.default_rng(int(key[:8], 16))
    pictures = Pictures(examples, rng.random((1, 4, 4, 4)).astype(np.float32))
    measures = {"generalization": (float(rng.random()),)}
    return [Outcome(key, len(examples), measures, seconds=0.01, pictures=pictures)], "here"


@pytest.fixture(autouse=True)
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "at_work", stub)


def drive(
    folder: Path,
    workers: int = 0,
    watch: Callable[[Workers], None] | None = None,
    executor: Executor | None = None,
) -> xr.Dataset:
    url = f"sqlite:///{folder / 'optuna.db'}"
    with (
        search.sole_driver(folder),
        executor or search.start(workers) as pool,
        search.open_ledger(url, folder / "artifacts", "search", OBJECTIVE.content()) as book,
    ):
        if watch is not None and isinstance(pool, Workers):
            watch(pool)
        searcher = search.load("genetic", first=8)
        return search.minimise(OBJECTIVE, GRAMMAR, searcher, BUDGET, book, pool, baselines=BASELINES)


def forked(work: Callable[[], object]) -> int:
    """Do it in a copy of this process; its id. Libraries are loaded already, so it is there at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: this process may have threads
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except search.SearchError:
        status = REFUSED
    finally:
        os._exit(status)


def finished(folder: Path) -> Counter[str]:
    """How often each evaluation is finished in the ledger, failures that are findings included."""
    trials = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'optuna.db'}").trials
    ended = [t for t in trials if t.state.name == "COMPLETE" or t.user_attrs.get("lost") == 0]
    return Counter(t.user_attrs["key"] for t in ended)


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    xr.testing.assert_identical(one.drop_attrs(deep=False), other.drop_attrs(deep=False))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[xr.Dataset]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "at_work", stub)
        yield drive(tmp_path_factory.mktemp("undisturbed"))


def test_what_is_read_back_is_what_was_found_seconds_included(
    undisturbed: xr.Dataset, tmp_path: Path
) -> None:
    assert set(undisturbed["seconds"].values[undisturbed["failure"].values != ""]) == {7.5}
    for _ in range(2):
        same(drive(tmp_path), undisturbed)


class Quiet(WSGIRequestHandler):
    """A server that logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def look_on(folder: Path, enough: int, told: int) -> None:
    """Serve the dashboard and ask it for everything, again and again, until the pipe `enough` is closed.

    What it says of a finished trial must stay as it is. At the end `told` is how often it was asked, and what
    it said last: the states of the trials.
    """
    from optuna_dashboard import wsgi

    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}")
    app = wsgi(storage, artifact_store=FileSystemArtifactStore(folder / "artifacts"))
    ended: dict[int, str] = {}
    asked = 0
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(path: str) -> Any:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/api/{path}") as answer:
                return json.load(answer)

        while True:
            last = bool(select.select([enough], [], [], 0.1)[0])
            app._inmemory_cache._trials_last_fetched_at.clear()  # else it reads them every two seconds only
            (study,) = ask("studies")["study_summaries"]
            trials = ask(f"studies/{study['study_id']}?after=0")["trials"]
            asked += 1
            if asked == 1:
                os.write(told, b"\n")  # it is open
            for trial in trials:
                if trial["state"] in ("Complete", "Fail"):
                    said = json.dumps([trial["state"], trial.get("values"), trial["user_attrs"]])
                    assert ended.setdefault(trial["trial_id"], said) == said
            assert ended.keys() <= {trial["trial_id"] for trial in trials}
            if last:
                break
        os.write(told, json.dumps([asked, [trial["state"] for trial in trials]]).encode())
        server.shutdown()


@contextmanager
def dashboard(folder: Path) -> Iterator[None]:
    """A real one in a process of its own, open on the database all along and asked all along.

    So is a reader in the middle of a transaction, which keeps the write-ahead log from being emptied.
    """
    pytest.importorskip("optuna_dashboard")
    url = f"sqlite:///{folder / 'optuna.db'}"
    folder.mkdir(exist_ok=True)
    with search.open_ledger(url, folder / "artifacts", "search", OBJECTIVE.content()):
        pass  # the tables are there for the readers
    (enough, stop), (said, told) = os.pipe(), os.pipe()

    def work() -> None:
        os.close(stop)
        try:
            look_on(folder, enough, told)
        except BaseException:
            os.write(told, traceback.format_exc().encode())
            raise

    child = forked(work)
    os.close(enough)
    os.close(told)
    with os.fdopen(said) as saying:
        assert (first := saying.readline()) == "\n", first + saying.read()
        reader = sqlite3.connect(folder / "optuna.db")
        reader.execute("begin").execute("select count(*) from trials").fetchall()
        try:
            yield
        finally:
            reader.close()
            os.close(stop)
            report = saying.read()
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, report
    asked, states = json.loads(report)
    assert asked >= 2
    assert states.count("Complete") + states.count("Fail") >= BUDGET + len(BASELINES)
    assert "Running" not in states


def seconds_of(process: int) -> float:
    """CPU time that a process has used; it may have ended."""
    with suppress(OSError):
        said = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(said[11]) + int(said[12])) / TICK
    return float("inf")


def killed_until_it_ends(folder: Path, rng: random.Random, longest: float) -> int:
    """The same command again and again, killed at a random moment of its work; how often that was."""
    kills, moment = 0, rng.uniform(0.0, longest)
    while True:
        child, began = forked(lambda: drive(folder)), time.monotonic()
        while seconds_of(child) < moment and time.monotonic() < began + 60:
            if os.waitpid(child, os.WNOHANG)[0]:
                return kills
            time.sleep(0.002)
        os.kill(child, signal.SIGKILL)
        if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            return kills
        kills += 1
        moment = rng.uniform(0.0, longest * (1 + kills / 20))  # reading what is there takes its time too


@pytest.mark.parametrize("least", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_kills_at_random_moments_with_a_dashboard_all_along(
    undisturbed: xr.Dataset, tmp_path: Path, least: int
) -> None:
    """Nothing finished is lost, nothing counted twice, and what comes out is what undisturbed work gives."""
    rng, kills, round_ = random.Random(least), 0, 0
    while kills < least:
        folder = tmp_path / f"run-{round_}"
        with dashboard(folder):
            kills += killed_until_it_ends(folder, rng, longest=0.6)
            assert set(finished(folder).values()) == {1}
            assert len(finished(folder)) == BUDGET + len(BASELINES)
            same(drive(folder), undisturbed)
        round_ += 1


@pytest.mark.parametrize(
    "room",
    [pytest.param(2_000, marks=pytest.mark.slow), 30_000, pytest.param(90_000, marks=pytest.mark.slow)],
)
def test_a_limit_on_the_size_of_files_in_the_middle_of_a_write(
    undisturbed: xr.Dataset, tmp_path: Path, room: int
) -> None:
    def limited() -> None:
        log = tmp_path / "optuna.db-wal"
        most = max(path.stat().st_size for path in (tmp_path / "optuna.db", log) if path.exists())
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most + room, most + room))
        drive(tmp_path)

    with dashboard(tmp_path):
        assert os.waitstatus_to_exitcode(os.waitpid(forked(limited), 0)[1]) == REFUSED
        same(drive(tmp_path), undisturbed)
    assert set(finished(tmp_path).values()) == {1}


def test_a_training_that_wants_more_memory_than_there_is(
    undisturbed: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy = str(undisturbed["sentence"].values[7])

    def hungry(tasks: Sequence[Task]) -> bench.At:
        if tasks[0].sentence == greedy:
            np.ones(2**33)  # 64 GiB
        return stub(tasks)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**35, 2**35))
        monkeypatch.setattr(bench, "at_work", hungry)
        data = drive(tmp_path)
        failure = str(data["failure"].values[7])
        assert "MemoryError" in failure, failure

    with dashboard(tmp_path):
        assert os.waitstatus_to_exitcode(os.waitpid(forked(limited), 0)[1]) == 0
        same(drive(tmp_path), undisturbed)  # with memory it is tried anew, everything else is as it was
    assert set(finished(tmp_path).values()) == {1}


WORK = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_search_robust as real

def at_work(tasks):
    with open({begun!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    if {lesson!r} == tasks[0].sentence and not Path({enough!r}).exists():
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does where memory runs out
    time.sleep({seconds})
    return real.stub(tasks)
"""


def work_in(folder: Path, monkeypatch: pytest.MonkeyPatch, lesson: str = "", seconds: float = 0.0) -> Path:
    """Have worker processes do the stub; `lesson` kills them until the file that is returned is there.

    For each evaluation that they begin there is a line in the file `begun`: whose it is.
    """
    enough, begun = str(folder / "enough"), str(folder / "begun")
    tests = str(Path(__file__).parent)
    source = WORK.format(tests=tests, lesson=lesson, enough=enough, begun=begun, seconds=seconds)
    (folder / "stub_work.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    sys.modules.pop("stub_work", None)
    import stub_work  # type: ignore[import-not-found]

    monkeypatch.setattr(bench, "at_work", stub_work.at_work)
    return Path(enough)


@pytest.mark.slow
def test_a_worker_that_dies_of_memory_every_time_is_one_lost_row(
    undisturbed: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough = work_in(tmp_path, monkeypatch, str(undisturbed["sentence"].values[5]))
    folder = tmp_path / "run"
    data = drive(folder, workers=1)
    failures = [str(text) for text in data["failure"].values if "died" in str(text)]
    assert len(failures) == 1
    assert "3 times" in failures[0]
    enough.touch()
    monkeypatch.setattr(bench, "at_work", stub)
    same(drive(folder), undisturbed)  # tried anew
    assert set(finished(folder).values()) == {1}


@pytest.mark.slow
def test_workers_killed_at_random_moments(
    undisturbed: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_in(tmp_path, monkeypatch, seconds=0.2)
    rng, killed, done = random.Random(1), list[int](), threading.Event()

    def watch(pool: Workers) -> None:
        def kill_now_and_then() -> None:
            while not done.wait(rng.uniform(0.5, 2.0)):
                ready = [slot.pid() for slot in pool._slots if slot.was_ready]
                for pid in [pid for pid in ready if pid][:1]:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)

        threading.Thread(target=kill_now_and_then, daemon=True).start()

    folder = tmp_path / "run"
    try:
        drive(folder, workers=2, watch=watch)
    finally:
        done.set()
    assert len(killed) >= 2
    monkeypatch.setattr(bench, "at_work", stub)
    same(drive(folder), undisturbed)
    assert set(finished(folder).values()) == {1}


class LettingGo(InThisProcess):
    """From the third task on it cancels each one `times` times, or takes none where it has `closed`.

    Dask's client does so when the connection to the scheduler is lost, and when it stays lost.
    """

    def __init__(self, times: int, closed: bool = False) -> None:
        self._times = times
        self._closed = closed
        self._seen: Counter[str] = Counter()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        sentence = args[0][0].sentence
        self._seen[sentence] += 1
        if len(self._seen) > 3 and self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if len(self._seen) <= 3 or self._seen[sentence] > self._times:
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_what_the_workers_let_go_of_is_done_again(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    same(drive(tmp_path, executor=LettingGo(3)), undisturbed)
    assert set(finished(tmp_path).values()) == {1}


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        (LettingGo(10**9), "cancelled a training 4 times, as where the scheduler is gone"),
        (LettingGo(0, closed=True), r"take no more work, .* \(RuntimeError: cannot schedule new futures"),
    ],
    ids=["cancelled", "closed"],
)
def test_a_scheduler_that_is_gone_ends_the_search_in_one_line(
    undisturbed: xr.Dataset, tmp_path: Path, executor: Executor, said: str
) -> None:
    with pytest.raises(search.SearchError, match=said) as caught:
        drive(tmp_path, executor=executor)
    assert "the same command goes on" in str(caught.value)
    assert "\n" not in str(caught.value)
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    assert {trial.state.name for trial in study.trials} == {"COMPLETE", "FAIL"}
    same(drive(tmp_path), undisturbed)
    assert set(finished(tmp_path).values()) == {1}


def ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def killed_by_lot(
    folder: Path, rng: random.Random, begun: Path, living: Callable[[int], list[int]]
) -> Counter[str]:
    """A driver with two workers, until it ends: it, its whole group or one of its workers is killed."""

    def in_a_session() -> None:
        os.setsid()
        drive(folder, workers=2)

    kills = Counter[str]()
    while True:
        before = len(begun.read_text().split()) if begun.exists() else 0
        child, of_workers = forked(in_a_session), 0
        try:
            while os.getsid(child) != child and not ended(child):
                time.sleep(0.01)
            while not ended(child):
                whom = rng.choice(["driver", "group", "worker"])
                if rng.random() < 0.8:  # else while it starts
                    while not ended(child) and not (begun.exists() and begun.read_text().split()[before:]):
                        time.sleep(0.01)
                time.sleep(rng.uniform(0.0, 1.0))
                working = set(map(int, begun.read_text().split()[before:])) if begun.exists() else set()
                there = sorted(working & set(living(child)))
                if whom != "worker":
                    (os.kill if whom == "driver" else os.killpg)(child, signal.SIGKILL)
                    break
                if there and of_workers < 2:  # a task that three have died of is lost
                    os.kill(rng.choice(there), signal.SIGKILL)
                    of_workers += 1
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert status in (0, -signal.SIGKILL)
        except BaseException:
            with suppress(OSError):
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
            raise
        while living(child):  # the test hangs, and so fails, if one of them stays behind
            time.sleep(0.02)
        kills["worker"] += of_workers
        if status == 0:
            return kills
        kills[whom] += 1


@pytest.mark.parametrize("least", [1, pytest.param(50, marks=pytest.mark.slow)])
def test_drivers_groups_and_workers_killed_at_random_moments(
    undisturbed: xr.Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    living: Callable[[int], list[int]],
    least: int,
) -> None:
    """With worker processes, of which none is left behind, and a dashboard all along."""
    work_in(tmp_path, monkeypatch, seconds=0.1)
    rng, kills, round_ = random.Random(least), Counter[str](), 0
    while kills.total() < least or (least >= 3 and len(+kills) < 3):
        folder = tmp_path / f"run-{round_}"
        with dashboard(folder):
            kills += killed_by_lot(folder, rng, tmp_path / "begun", living)
            assert set(finished(folder).values()) == {1}
            assert len(finished(folder)) == BUDGET + len(BASELINES)
            same(drive(folder), undisturbed)
        round_ += 1


def test_a_clock_that_goes_backwards_changes_nothing(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    """Killed on the way, so that each start reads a past that lies in its future."""
    clock = [datetime(2026, 3, 29, 3, 0)]

    def backwards() -> datetime:
        clock[0] -= timedelta(hours=7)
        return clock[0]

    rng, kills, round_ = random.Random(3), 0, 0
    while kills < 1:
        folder = tmp_path / f"run-{round_}"
        with dashboard(folder), pytest.MonkeyPatch.context() as patch:
            patch.setattr(rows, "_now", backwards)
            patch.setattr(time, "time", lambda: clock[0].timestamp())
            kills += killed_until_it_ends(folder, rng, longest=0.8)
            same(drive(folder), undisturbed)
        assert set(finished(folder).values()) == {1}
        round_ += 1


@pytest.mark.parametrize(
    "name", ["../../outside", "/etc/outside", "a\x00b", "..", "x" * 300, "<script>alert(1)</script>", "a/b"]
)
def test_hostile_names_of_studies_stay_in_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder / 'optuna.db'}"
    with suppress(search.SearchError), search.open_ledger(url, folder / "artifacts", name, {}) as book:
        book.sibling("verify", {})
    inside = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(folder) for path in inside)
    assert not Path("/etc/outside").exists()


def test_a_database_that_names_files_elsewhere_reads_none(undisturbed: xr.Dataset, tmp_path: Path) -> None:
    """Artifacts are looked for below the run's folder, whatever a database says."""
    folder, secret = tmp_path / "run", tmp_path / "secret.npz"
    drive(folder)
    arrays = next(path for path in (folder / "artifacts").iterdir() if path.read_bytes()[:2] == b"PK")
    secret.write_bytes(arrays.read_bytes())
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'optuna.db'}")
    for name in ("../../secret.npz", str(secret), "a\x00b"):
        told = f'"{{\\"artifact_id\\": \\"{name}\\", \\"filename\\": \\"arrays.npz\\"}}"'
        change = "update trial_system_attributes set value_json = :told where value_json like '%arrays.npz%'"
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(change), {"told": told})
        data = drive(folder)
        assert np.isnan(data["samples"].values).all()
        np.testing.assert_array_equal(data["generalization"], undisturbed["generalization"])
    engine.dispose()
