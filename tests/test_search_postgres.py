"""Several drivers on one study, on a real PostgreSQL and on SQLite: claims, dead drivers, shared pictures."""

import gc
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import sqlalchemy
import xarray as xr

import analysis
import grammars
import search
from search import bench
from search.claims import CLAIMS, STALE_SECONDS
from search.evaluation import Outcome, Task, canonical, content_key
from search.glance import glance
from search.ledger import Entry
from search.pictures import Pictures
from search.workers import InThisProcess
from study.commands.search import study_of
from study.resolve import resolve

# Optuna may leave a connection to the garbage collector, whenever that comes by.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

GRID = grammars.Grid(4, 4)
GRAMMAR = grammars.load("dots", GRID)
OBJECTIVE = search.Objective("dots", GRID, "dots(k=between(1, 2))", "equivariant_local", samples=64)
BUDGET = 16
STALE = 3.0  # seconds after which a driver that was killed is taken for dead
ROOT = Path(__file__).resolve().parents[1]
DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """The folder of initdb and postgres."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    return max((path.parent for path in DEBIAN.glob("*/bin/initdb")), default=None)


def as_somebody(command: list[str]) -> list[str]:
    """PostgreSQL refuses root."""
    return ["runuser", "-u", "nobody", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a server of our own on loopback, empty, gone afterwards."""
    home = programs()
    if home is None:
        pytest.skip("there is no PostgreSQL on this machine: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    folder.chmod(0o777)
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    make = [str(home / "initdb"), "-D", str(data), "-U", "tester", "--auth=trust", "--no-sync"]
    subprocess.run(as_somebody(make), check=True, capture_output=True, cwd=folder)
    serve = [str(home / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-F"]
    log = (folder / "log").open("w")
    server = subprocess.Popen(
        as_somebody([*serve, "-h", "127.0.0.1"]), stdout=log, stderr=log, cwd=folder, start_new_session=True
    )
    try:
        ready = [str(home / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        while subprocess.run(ready, capture_output=True).returncode:
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.2)
        yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    finally:
        stop = [str(home / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]
        subprocess.run(as_somebody(stop), check=True, capture_output=True, cwd=folder)
        server.wait()
        log.close()
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres"))
    return f"sqlite:///{tmp_path / 'shared.db'}"


def stub(tasks: Sequence[Task]) -> bench.At:
    """Some outcome that is a function of the lesson alone, after a short while."""
    (task,) = tasks
    time.sleep(0.05)
    examples = canonical(GRAMMAR.parse(task.sentence, "Lesson").denote())
    key = content_key(task.objective, examples)
    rng = np.random.default_rng(int(key[:8], 16))
    pictures = Pictures(examples, rng.random((1, 4, 4, 4)).astype(np.float32))
    outcome = Outcome(
        key, len(examples), {"generalization": (float(rng.random()),)}, seconds=0.02, pictures=pictures
    )
    return [outcome], threading.current_thread().name


class Counting(InThisProcess):
    """Notes which evaluations it was given."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given.extend(task.sentence for task in args[0])
        return super().submit(fn, *args, **kwargs)


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    """A connection that Optuna left to the garbage collector is collected here, without a complaint."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def trials_of(url: str, study: str) -> list[optuna.trial.FrozenTrial]:
    """What Optuna itself reads."""
    storage = optuna.storages.RDBStorage(url)
    try:
        return optuna.load_study(study_name=study, storage=storage).trials
    finally:
        storage.remove_session()
        storage.engine.dispose()


def drive(
    url: str, folder: Path, study: str, pool: Counting, together: threading.Barrier | None = None
) -> xr.Dataset:
    shared = together is not None
    with search.open_ledger(url, folder, study, OBJECTIVE.content(), shared=shared) as book:
        if together is not None:
            together.wait()
        baselines = search.iid(GRAMMAR, OBJECTIVE.target, 0, (1, 4))
        searcher = search.load("random")
        return search.minimise(OBJECTIVE, GRAMMAR, searcher, BUDGET, book, pool, baselines=baselines)


def test_two_drivers_share_one_study(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(bench, "at_work", stub)
    monkeypatch.setattr(bench, "ELSEWHERE_SECONDS", 0.05)
    study = f"both-{request.node.name}"
    pools = [Counting(), Counting()]
    results: dict[int, xr.Dataset] = {}
    together = threading.Barrier(2)

    def one(number: int) -> None:
        results[number] = drive(url, tmp_path / f"driver-{number}", study, pools[number], together)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = drive(f"sqlite:///{tmp_path / 'alone.db'}", tmp_path / "alone", "search", Counting())
    for number in range(2):
        xr.testing.assert_identical(  # pictures too, whoever trained them
            results[number].drop_attrs(deep=False), alone.drop_attrs(deep=False)
        )
        assert pools[number].given, "this driver did nothing"
    assert set(Counter(pools[0].given + pools[1].given).values()) == {1}
    trials = trials_of(url, study)
    assert [trial.number for trial in trials] == list(range(BUDGET + 2))
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    seen = glance(url, study)
    assert seen is not None
    assert (seen.done, seen.baselines, len(seen.drivers) >= 2) == (BUDGET, 2, True)


def drive_on(url: str, folder: Path, study: str, pool: Executor, budget: int, shared: bool) -> xr.Dataset:
    """A driver that finds another dead after a moment, and leaves its result in its folder."""
    with (
        search.sole_driver(folder),
        search.open_ledger(
            url, folder / "artifacts", study, OBJECTIVE.content(), shared=shared, stale_seconds=STALE
        ) as book,
    ):
        baselines = search.iid(GRAMMAR, OBJECTIVE.target, 0, (1, 4))
        searcher = search.load("genetic", first=8)
        data = search.minimise(OBJECTIVE, GRAMMAR, searcher, budget, book, pool, baselines=baselines)
    analysis.save(data, folder / "result.nc", {})
    return data


def same(folder: Path, alone: xr.Dataset) -> None:
    """The result in a folder is that of one driver alone, pictures included."""
    with xr.open_dataset(folder / "result.nc") as data:
        xr.testing.assert_identical(data.load().drop_attrs(deep=False), alone.drop_attrs(deep=False))


def each_once(url: str, study: str, count: int) -> list[optuna.trial.FrozenTrial]:
    """The trials of a study: every evaluation was trained to its end by one driver, and nothing is open."""
    trials = trials_of(url, study)
    ended = Counter(trial.user_attrs["key"] for trial in trials if trial.state.name == "COMPLETE")
    assert set(ended.values()) == {1}
    assert len(ended) == count
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "FAIL"}
    assert open_claims(url, study) == Counter()
    return trials


def finished_by(worker: str, url: str, study: str) -> int:
    return sum(trial.user_attrs.get("worker") == worker for trial in trials_of(url, study))


def open_claims(url: str, study: str) -> Counter[str]:
    """How many evaluations each driver has claimed and not finished."""
    engine = sqlalchemy.create_engine(url)
    which = sqlalchemy.text("select study_id from studies where study_name = :name")
    try:
        with engine.connect() as connection:
            number = connection.execute(which, {"name": study}).scalar()  # None before it is made
            wanted = (CLAIMS.c.study_id == number) & (CLAIMS.c.done == 0)
            return Counter(connection.execute(sqlalchemy.select(CLAIMS.c.driver).where(wanted)).scalars())
    finally:
        engine.dispose()


def holds(url: str, study: str, folder: Path) -> int:
    """How much the driver in a folder has claimed and not finished; nothing before it is there."""
    mine = folder / "artifacts" / ".driver"
    if not mine.exists():
        return 0
    return sum(n for one, n in open_claims(url, study).items() if one.endswith(mine.read_text()))


def forked(work: Callable[[], object]) -> int:
    """Do it in a copy of this process; its id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: this process may have threads
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


class Two(ThreadPoolExecutor):
    """Two workers, so that a driver has four evaluations claimed at a time."""

    count = 2


def test_a_driver_process_killed_while_it_holds_claims(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The other, which was at work all along, finishes everything, what the dead one was at included."""
    monkeypatch.setattr(bench, "at_work", stub)
    monkeypatch.setattr(bench, "ELSEWHERE_SECONDS", 0.1)
    study, gone = f"killed-{request.node.name}", tmp_path / "gone"

    def driver(name: str, work_on: Callable[[], object]) -> int:
        begun = itertools.count(1)

        def work(tasks: Sequence[Task]) -> bench.At:
            if next(begun) > 2:
                work_on()
            return stub(tasks)[0], name

        def drive() -> None:
            monkeypatch.setattr(bench, "at_work", work)
            drive_on(url, tmp_path / name, study, Two(2), BUDGET, True)

        return forked(drive)

    def wait_until_it_is_gone() -> None:
        while not gone.exists():
            time.sleep(0.02)

    def holds_claims(name: str) -> int:
        return holds(url, study, tmp_path / name)

    processes = {"victim": driver("victim", threading.Event().wait)}  # its third it never finishes
    processes["other"] = driver("other", wait_until_it_is_gone)  # else it might leave nothing to the victim
    try:
        while (
            holds_claims("victim") < 2 or finished_by("victim", url, study) < 2 or not holds_claims("other")
        ):
            for process in processes.values():
                assert os.waitpid(process, os.WNOHANG) == (0, 0), "it ended by itself"
            time.sleep(0.05)
        os.kill(processes["victim"], signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(processes.pop("victim"), 0)[1]) == -signal.SIGKILL
        assert holds_claims("victim") >= 2
        gone.touch()
        assert os.waitstatus_to_exitcode(os.waitpid(processes.pop("other"), 0)[1]) == 0
    finally:
        for process in processes.values():
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
    monkeypatch.setattr(bench, "at_work", stub)
    alone = drive_on(
        f"sqlite:///{tmp_path / 'alone.db'}", tmp_path / "alone", "search", InThisProcess(), BUDGET, False
    )
    same(tmp_path / "other", alone)
    trials = each_once(url, study, BUDGET + 2)
    assert {trial.user_attrs.get("worker", "") for trial in trials} == {"victim", "other", ""}
    assert [trial.user_attrs["lost"] for trial in trials if trial.state.name == "FAIL"].count(1) >= 2


DRIVER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_search_postgres as real
import search
from search import bench

def at_work(tasks):
    time.sleep(1)
    return real.stub(tasks)

if __name__ == "__main__":
    bench.at_work = at_work
    url, study, folder = sys.argv[1:]
    with search.start(2) as pool:
        real.drive_on(url, Path(folder), study, pool, {budget}, True)
"""


@pytest.mark.slow
def test_drivers_with_workers_killed_at_random_moments(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, living: Callable[[int], list[int]]
) -> None:
    """Two at a time; for one that was killed, alone or with its workers, it or a new one goes on."""
    budget, rng, kills, least = 36, random.Random(4), 0, 4
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.format(tests=str(ROOT / "tests"), budget=budget))
    monkeypatch.setattr(bench, "at_work", stub)
    alone = drive_on(
        f"sqlite:///{tmp_path / 'alone.db'}", tmp_path / "alone", "search", InThisProcess(), budget, False
    )

    def driver(study: str, folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, str(script), postgres, study, str(folder)],
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    for round_ in itertools.count():
        study, fresh = f"random-{round_}", itertools.count()
        folders = [tmp_path / f"{study}-{next(fresh)}" for _ in range(2)]
        drivers = [driver(study, folder) for folder in folders]
        ever = [one.pid for one in drivers]
        try:
            for _ in range(least):
                which = rng.randrange(2)
                one, moment = drivers[which], rng.randrange(3)  # while it starts, or while it holds claims
                while moment and one.poll() is None and not holds(postgres, study, folders[which]):
                    time.sleep(0.1)
                time.sleep(rng.uniform(0.0, 2.0))
                if one.poll() is not None:
                    break
                (os.kill if rng.random() < 0.5 else os.killpg)(one.pid, signal.SIGKILL)
                kills += one.wait() == -signal.SIGKILL
                while living(one.pid):  # workers leave with a driver that was killed alone
                    time.sleep(0.05)
                if rng.random() < 0.5:
                    folders[which] = tmp_path / f"{study}-{next(fresh)}"
                drivers[which] = driver(study, folders[which])
                ever.append(drivers[which].pid)
            assert [one.wait() for one in drivers] == [0, 0]
        finally:
            for one in drivers:
                one.kill()
                one.wait()
        for session in ever:
            while living(session):
                time.sleep(0.05)
        for folder in folders:
            same(folder, alone)
        each_once(postgres, study, budget + 2)
        if kills >= least:
            return


def entry(number: int) -> Entry:
    return Entry(f"{number:064x}", number, f"lesson {number}", 2, 20.0, "search")


def outcome(number: int) -> Outcome:
    pictures = Pictures(np.eye(4, dtype=bool)[None], np.ones((1, 2, 4, 4), dtype=np.float32))
    return Outcome(f"{number:064x}", 2, {"generalization": (0.5,)}, pictures=pictures)


def test_a_dead_driver_is_taken_over_from_by_one_alone(
    url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    study, now = f"dead-{request.node.name}", [0.0]
    common: dict[str, Any] = {"shared": True, "clock": lambda: now[0]}
    with search.open_ledger(url, tmp_path / "dead", study, {}, **common) as dead:
        abandoned = dead.start(entry(1))
        assert abandoned is not None
    with (
        search.open_ledger(url, tmp_path / "a", study, {}, **common) as a,
        search.open_ledger(url, tmp_path / "b", study, {}, **common) as b,
    ):
        assert a.start(entry(1)) is None
        assert a.absorb([entry(1).key]) == set()
        now[0] -= 3600  # a clock that is set back kills nobody
        assert a.absorb([entry(1).key]) == set()
        now[0] += 3600 + STALE_SECONDS - 1
        assert a.start(entry(1)) is None
        now[0] += 2
        assert a.absorb([entry(1).key]) == {entry(1).key}
        mine = a.start(entry(1))
        assert mine is not None
        assert b.start(entry(1)) is None
        # the dead one was only asleep: what it brings now is not counted
        with search.open_ledger(url, tmp_path / "late", study, {}, **common) as late:
            late.finish(abandoned, entry(1), outcome(1))
        a.finish(mine, entry(1), outcome(1))
        assert b.absorb([entry(1).key]) == set()
        assert b.outcomes[entry(1).key].g == 0.5
        pictures = b.pictures(entry(1).key)
        assert pictures is not None
        np.testing.assert_array_equal(pictures.examples, np.eye(4, dtype=bool)[None])
        assert b.start(entry(1)) is None
    states = [trial.state.name for trial in trials_of(url, study)]
    assert states == ["FAIL", "COMPLETE"]


def test_a_driver_that_comes_back_goes_on_at_once(
    url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    study = f"back-{request.node.name}"
    with search.open_ledger(url, tmp_path / "same", study, {}, shared=True) as book:
        assert book.start(entry(1)) is not None
    with search.open_ledger(url, tmp_path / "same", study, {}, shared=True) as book:
        assert book.start(entry(1)) is not None


def test_what_another_driver_lost_may_be_tried_and_what_diverged_stays(
    url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    study = f"lost-{request.node.name}"
    with (
        search.open_ledger(url, tmp_path / "a", study, {}, shared=True) as a,
        search.open_ledger(url, tmp_path / "b", study, {}, shared=True) as b,
    ):
        for number, lost in ((1, True), (2, False)):
            trial = a.start(entry(number))
            assert trial is not None
            a.finish(trial, entry(number), Outcome(entry(number).key, 2, failure="why", lost=lost))
        assert b.absorb([entry(1).key, entry(2).key]) == {entry(1).key}
        assert b.outcomes[entry(2).key].failure == "why"
        assert b.start(entry(1)) is not None


def test_runs_that_share_a_ledger_have_studies_of_their_own(tmp_path: Path) -> None:
    chosen = [
        ["grammar=dots"],
        ["grammar=polygons"],
        ["grammar=dots", "search.seed=1"],
        ["measure.samples=64"],
    ]
    url, names = f"sqlite:///{tmp_path / 'shared.db'}", []
    for words in chosen:
        name = study_of(resolve([*words, f"ledger={url}"]).settings)
        with search.open_ledger(url, tmp_path / name, name, {"words": words}, shared=True) as book:
            book.sibling("verify", {"words": words})  # refused where it is another run's
        names += [name, f"{name}-verify"]
    assert sorted(optuna.get_all_study_names(url)) == sorted(set(names))
    assert len(set(names)) == 8


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    secret = "postgresql+psycopg://tester:secret@127.0.0.1:1/nothing"
    with (
        pytest.raises(search.SearchError, match="tester:") as caught,
        search.open_ledger(secret, tmp_path, "search", {}),
    ):
        pass
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
