"""`python -m study.search` from its first line to its report: processes, SQLite, netCDF, a real browser."""

import json
import os
import random
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import ClassVar

import dask
import numpy as np
import optuna
import pytest
import xarray as xr
from omegaconf import OmegaConf

import grammars
import search
from search import bench
from search.evaluation import Outcome, Task, canonical, content_key
from search.pictures import Pictures
from study import half_way, job
from study.cluster import Cluster
from study.commands import search as command
from study.entry import INTERRUPTED
from study.errors import StudyError
from study.job import pupils
from study.progress import Progress
from study.report.page import Run, write
from study.resolve import resolve

ROOT = Path(__file__).resolve().parents[1]
SMALL = [
    "learner=equivariant_local",
    "learner.sampler_steps=5",
    "space.height=4",
    "space.width=4",
    "search.evaluations=6",
    "search.max_bits=40",
    "search.baselines=[1,4]",
    "search.shrink=0",
    "measure.samples=64",
    "verify.learners=[ideal]",
    "verify.seeds=2",
    "workers=1",
    "run=mine",
]
MEASURED = ["generalization", "validity", "coverage", "copy_rate", "n", "bits", "on_front"]


def trials(folder: Path) -> int:
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}")
    count = len(optuna.load_study(study_name="search", storage=storage).trials)
    storage.engine.dispose()
    return count


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small finished run and what it printed."""
    place = tmp_path_factory.mktemp("study")
    done = subprocess.run(
        [sys.executable, "-m", "study.search", *SMALL],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return place, done.stdout


def test_a_run_leaves_behind_what_it_should(finished: tuple[Path, str]) -> None:
    folder = finished[0] / "mine"
    left = {path.name for path in folder.iterdir()}
    assert {
        "config.yaml",
        "optuna.db",
        "artifacts",
        "result.nc",
        "verified.nc",
        "report.html",
        "figures",
    } <= left
    with xr.open_dataset(folder / "result.nc") as result:
        assert (result["origin"] == "search").sum() == 6
        assert (result["origin"] != "search").sum() == 2
        assert json.loads(result.attrs["configuration"]) == OmegaConf.to_container(
            OmegaConf.load(folder / "config.yaml")
        )
        assert all({"units", "long_name"} <= set(result[name].attrs) for name in result.data_vars)
    with xr.open_dataset(folder / "verified.nc") as verified:
        assert list(verified["learner"].values) == [
            "equivariant_local",
            "ideal",
            "equivariant_local on 6x6",
        ]
        assert verified.sizes["seed"] == 2


def test_it_ends_with_a_table_its_meaning_and_where_to_look_on(finished: tuple[Path, str]) -> None:
    place, out = finished
    assert "sentence" in out
    assert "brought equivariant_local to g = " in out
    assert f"report     {Path('mine', 'report.html')}" in out
    assert "optuna-dashboard sqlite:///mine/optuna.db --artifact-dir mine/artifacts" in out
    with xr.open_dataset(place / "mine" / "result.nc") as result:
        front = result["sentence"].values[result["on_front_n"].values == 1]
    assert all(str(sentence) in out for sentence in front)


def test_ctrl_c_writes_what_there_is_and_the_same_command_goes_on(
    finished: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class InterruptedAtThree(Progress):
        def searching(self, now: search.Progress) -> None:
            super().searching(now)
            if now.done + now.baselines_done == 3:
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "Progress", InterruptedAtThree)
    monkeypatch.setattr(job, "workers", lambda settings: 0)  # in this process: what comes out is the same
    assert command.main(SMALL) == INTERRUPTED
    last = capsys.readouterr().out.splitlines()[-1].strip()
    assert last.startswith("python -m study.search grammar=dots learner=equivariant_local")
    with xr.open_dataset("mine/result.nc") as result:
        assert result.attrs["stopped"] == "interrupted"
        assert 3 <= result.sizes["trial"] < 8
    assert "was interrupted" in Path("mine/report.html").read_text(encoding="utf-8")
    assert not Path("mine/verified.nc").exists()

    monkeypatch.setattr(command, "Progress", Progress)
    assert command.main(shlex.split(last)[3:]) == 0
    assert capsys.readouterr().out.startswith("resuming mine")
    for name, measured in (("result.nc", MEASURED), ("verified.nc", MEASURED[:4])):
        with (
            xr.open_dataset(finished[0] / "mine" / name) as undisturbed,
            xr.open_dataset(f"mine/{name}") as mine,
        ):
            assert list(mine["sentence"].values) == list(undisturbed["sentence"].values)
            for variable in measured:
                np.testing.assert_array_equal(mine[variable], undisturbed[variable])

    before = trials(Path("mine"))
    assert command.main(SMALL) == 0
    assert trials(Path("mine")) == before


LADDER = ["learner=conv", "learner.depth=2", "learner.width=4", "learner.steps=16", "search.ladder=true"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], r"not finished: (\d) of 6 evaluations done"),
        (LADDER, r"not finished: (\d) of 6 lessons looked at, \d trained in full"),
    ],
    ids=["plain", "ladder"],
)
def test_a_run_can_be_looked_at_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str
) -> None:
    words = [*SMALL, "search.seeds=1", "search.baselines=[1]", "search.shrink=4", "verify.learners=[]", *more]
    written: list[tuple[xr.Dataset, str]] = []

    def watched(run: Run) -> Path:
        path = write(run)
        with xr.open_dataset("mine/result.nc") as data:
            written.append((data.load(), path.read_text(encoding="utf-8")))
        return path

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "workers", lambda settings: 0)
    monkeypatch.setattr(command, "write", watched)
    monkeypatch.setattr(half_way, "SECONDS", 0.0)
    monkeypatch.setattr(half_way, "TIMES", 0.0)
    assert command.main(words) == 0
    *before, (last, page) = written
    running = [(data, text) for data, text in before if data.attrs["stopped"] == "running"]
    matches = [re.search(said, text) for _, text in before]
    done = [int(match[1]) for match in matches if match is not None]
    assert len(done) == len(before) > len(running) > 1
    assert done == sorted(done)
    assert 3 in done or more
    assert done[: len(running)] == [int((data["origin"] == "search").sum()) for data, _ in running]
    assert "still to come: the rest of the search, shrinking." in running[0][1]
    assert "still to come: shrinking." in before[-1][1]
    assert last.attrs["stopped"] == ""
    assert "not finished" not in page

    # Nothing is trained again, and during the search nothing is written.
    written.clear()
    monkeypatch.setattr(half_way, "SECONDS", float("inf"))
    assert command.main(words) == 0
    assert len(written) == 2
    again, plain = written[-1]
    xr.testing.assert_equal(again, last)
    assert plain.replace(again.attrs["created"], "") == page.replace(last.attrs["created"], "")


def test_half_way_costs_a_fiftieth_and_no_more() -> None:
    moments = iter([0.0, 59.0, 60.0, 70.0, 569.0, 571.0, 572.0])
    wrote: list[list[str]] = []
    watch = half_way.HalfWay(
        lambda _, ahead: wrote.append(list(ahead)), [half_way.SEARCH, half_way.VERIFICATION], moments.__next__
    )

    def standing(done: int = 3, trained: int = 1) -> search.Progress:
        return search.Progress(
            done, 6, 0, 0, 0, 0, trained, 0, 0.5, 1, "one", 1.0, None, so_far=lambda: xr.Dataset()
        )

    watch.searching(standing())
    assert not wrote  # 59 s
    watch.searching(standing())
    assert len(wrote) == 1  # which took 10 s
    watch.searching(standing())
    assert len(wrote) == 1  # 499 s later
    watch.searching(standing())
    assert wrote == [[half_way.SEARCH, half_way.VERIFICATION]] * 2


def test_half_way_is_not_written_at_the_end_nor_of_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_way, "SECONDS", 0.0)
    wrote: list[list[str]] = []
    watch = half_way.HalfWay(lambda _, ahead: wrote.append(list(ahead)), [half_way.SEARCH])
    for done, trained in ((3, 0), (6, 1)):
        watch.searching(
            search.Progress(done, 6, 0, 0, 0, 0, trained, 0, 0.5, 1, "one", 1.0, None, so_far=xr.Dataset)
        )
    assert not wrote
    watch.past(half_way.SEARCH, xr.Dataset())
    assert wrote == [[]]


def test_where_half_way_cannot_be_written_the_search_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: xr.Dataset, ahead: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(half_way, "SECONDS", 0.0)
    watch = half_way.HalfWay(full, [half_way.SEARCH])
    watch.searching(search.Progress(3, 6, 0, 0, 0, 0, 1, 0, 0.5, 1, "one", 1.0, None, so_far=xr.Dataset))
    assert "no space left" in caplog.text
    with pytest.raises(OSError, match="no space left"):
        watch.past(half_way.SEARCH, xr.Dataset())


WHOLE = [
    "learner=conv",
    "learner.steps=200",
    "learner.width=8",
    "learner.sampler_steps=6",
    "space.height=4",
    "space.width=4",
    "search.evaluations=8",
    "search.max_bits=40",
    "search.baselines=[1,4]",
    "search.ladder=true",
    "search.promote=0.3",
    "search.seeds=2",
    "search.shrink=8",
    "search.tune=true",
    "search.tunings=2",
    "measure.samples=64",
    "verify.learners=[conv]",
    "verify.seeds=2",
    "verify.sentences=1",
    "verify.baselines=1",
    "workers=2",
    "run=mine",
]


def asked(folder: Path) -> subprocess.Popen[bytes]:
    """The whole command, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "study.search", *WHOLE],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def begun(folder: Path) -> int:
    """Trials of all stages, finished or not."""
    path = folder / "mine" / "optuna.db"
    with (
        suppress(sqlite3.OperationalError),  # it is not there yet
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database,
    ):
        return int(database.execute("select count(*) from trials").fetchone()[0])
    return 0


def leave_the_same(killed: Path, undisturbed: Path) -> None:
    """Two folders hold the same, but for durations and the time of day; nothing was done twice."""
    for name in ("result.nc", "minimal.nc", "tuning.nc", "verified.nc"):
        with (
            xr.open_dataset(undisturbed / name) as one,
            xr.open_dataset(killed / name) as other,
        ):
            times = [variable for variable in one.variables if str(variable).startswith("seconds")]
            xr.testing.assert_identical(
                one.load().drop_vars(times).drop_attrs(deep=False),
                other.load().drop_vars(times).drop_attrs(deep=False),
            )
            assert {key for key in one.attrs if one.attrs[key] != other.attrs.get(key)} <= {"created"}
    with closing(sqlite3.connect(killed / "optuna.db")) as database:
        keys = database.execute(
            "select study_id, value_json from trials join trial_user_attributes using (trial_id) "
            "where key = 'key' and state = 'COMPLETE'"
        )
        assert set(Counter(keys).values()) == {1}


def stub(tasks: Sequence[Task]) -> bench.At:
    """Some outcome of any learner that is a function of the lesson and the objective alone."""
    (task,) = tasks
    grammar = grammars.load(task.objective.grammar, space=task.objective.space)
    examples = canonical(grammar.parse(task.sentence, "Lesson").denote())
    key, seeds = content_key(task.objective, examples), task.objective.seeds
    rng = np.random.default_rng(int(key[:8], 16))
    names = ("generalization", "validity", "coverage", "copy_rate", "novelty", "steps")
    measures = {name: tuple(map(float, rng.random(seeds))) for name in names}
    pictures = Pictures(examples, rng.random((seeds, 4, 4, 4)).astype(np.float32))
    return [Outcome(key, len(examples), measures, seconds=0.01, pictures=pictures)], "here"


def forked(work: Callable[[], int]) -> int:
    """Do it in a copy of this process; its status, negative where a signal ended it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: this process may have threads
        child = os.fork()
    if not child:
        status = 1
        try:
            status = work()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_whole_command_killed_in_each_stage_leaves_the_same_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As below, in one process that trains nothing and draws no report, so that it takes a moment."""
    monkeypatch.setattr(job, "workers", lambda settings: 0)
    monkeypatch.setattr(command, "write", lambda run: run.folder / "report.html")
    trained = tmp_path / "trained"

    def work(folder: str, last: int | None = None) -> int:
        """Killed in the middle of the evaluation after so many."""
        numbers = count()

        def at_work(tasks: Sequence[Task]) -> bench.At:
            with trained.open("a") as file:
                file.write(".")
            if next(numbers) == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return stub(tasks)

        monkeypatch.setattr(bench, "at_work", at_work)
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        return command.main(WHOLE)

    assert forked(lambda: work("undisturbed")) == 0
    total = trained.stat().st_size
    every, kills = max(total // 4, 1), 0
    while (status := forked(lambda: work("killed", every))) == -signal.SIGKILL:
        kills += 1
    assert status == 0
    assert kills >= 3
    # done again is what was cut off, and at most one more that was done and not yet written down
    assert 0 < trained.stat().st_size - 2 * total <= 2 * kills
    leave_the_same(tmp_path / "killed" / "mine", tmp_path / "undisturbed" / "mine")


@pytest.mark.slow
def test_a_whole_command_killed_at_random_moments_leaves_the_same_behind(
    tmp_path: Path, living: Callable[[int], list[int]]
) -> None:
    """Ladder, shrinking, tuning and verification, each with a chance to be cut off; no process stays."""
    undisturbed, killed, rng = tmp_path / "undisturbed", tmp_path / "killed", random.Random(2)
    for folder in (undisturbed, killed):
        folder.mkdir()
    assert asked(undisturbed).wait() == 0
    kills, parts = 0, 4
    for part in range(parts):
        moment = int(rng.uniform(part, part + 1) * (begun(undisturbed) - 2) / parts)
        process = asked(killed)
        try:
            while begun(killed) < moment and process.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.5))
        finally:
            with suppress(ProcessLookupError):  # it has ended
                (os.kill if rng.random() < 0.5 else os.killpg)(process.pid, signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
        while living(process.pid):  # the test hangs, and so fails, if one of them stays behind
            time.sleep(0.05)
    assert kills >= 2
    assert asked(killed).wait() == 0
    leave_the_same(killed / "mine", undisturbed / "mine")


def test_a_second_driver_is_refused(finished: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished[0])
    with search.sole_driver(Path("mine")), pytest.raises(search.SearchError, match="in use"):
        command.main(SMALL)


def test_a_dry_run_plans_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.main([*SMALL, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "verification" in out
    assert "core-hours" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("konv", "conv"), ("conv(padding=zero)", "zeros"), ("conv(widht=3)", "learner.width")],
)
def test_a_wrong_learner_to_verify_with_is_named(text: str, nearest: str) -> None:
    with pytest.raises(StudyError, match=f"did you mean {nearest}"):
        command.main([f"verify.learners=[{text}]", "--dry-run"])


def test_learners_to_verify_with_keep_the_settings_of_the_run() -> None:
    chosen = resolve(["learner.width=9", "verify.learners=[conv(padding=zeros),ideal,machine]"]).settings
    again = {pupil.label: pupil for pupil in pupils(chosen)}
    assert list(again)[:3] == ["conv", "conv(padding=zeros)", "ideal"]
    assert again["conv"].settings["padding"] == "circular"
    assert again["conv(padding=zeros)"].settings["padding"] == "zeros"
    assert again["conv(padding=zeros)"].settings["width"] == 9
    assert again["equivariant_local"].learner == "equivariant_local"


def test_the_report_stands_alone(finished: tuple[Path, str]) -> None:
    page = (finished[0] / "mine" / "report.html").read_text(encoding="utf-8")
    assert 'src="http' not in page
    assert 'href="#' in page
    assert page.count("href=") == page.count('href="#')
    assert page.count("data:image/png;base64,") >= 4
    assert "python -m study.search grammar=dots learner=equivariant_local" in page
    figures = {path.name for path in (finished[0] / "mine" / "figures").iterdir()}
    assert {"front.png", "progress.png", "strata.png", "taught-0.png", "learned-0.png"} <= figures


def test_the_report_escapes_what_it_shows(finished: tuple[Path, str], tmp_path: Path) -> None:
    attack = "<script>alert('x')</script>"
    result = xr.load_dataset(finished[0] / "mine" / "result.nc")
    result["sentence"] = xr.full_like(result["sentence"], attack).astype(object)
    result["failure"] = xr.full_like(result["failure"], attack).astype(object)
    result = result.assign_attrs(target=attack, learner=attack)
    target = grammars.load("dots", space=grammars.Grid(4, 4)).target.denote()
    path = write(Run(tmp_path, result, None, target, attack, attack, 3, attack))
    page = path.read_text(encoding="utf-8")
    assert attack not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_fits_the_screen_and_sorts_in_a_browser(
    finished: tuple[Path, str], tmp_path: Path, width: int
) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    probe = """<script>
    const table = [...document.querySelectorAll("table.sortable")].pop();
    const column = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent === "n");
    table.tHead.rows[0].cells[column].click();
    const sorted = [...table.tBodies[0].rows].map((row) => row.cells[column].textContent);
    parent.postMessage(JSON.stringify({
      inner: window.innerWidth, wide: document.documentElement.scrollWidth, sorted,
    }), "*");
    </script>"""
    page = (finished[0] / "mine" / "report.html").read_text(encoding="utf-8")
    (tmp_path / "report.html").write_text(page.replace("</body>", probe + "</body>"), encoding="utf-8")
    # a browser's window has a least width; a frame has none
    frame = tmp_path / "frame.html"
    frame.write_text(
        "<title></title><script>onmessage = (event) => { document.title = event.data }</script>"
        f'<iframe src="report.html" width="{width}" height="900" style="border: 0"></iframe>',
        encoding="utf-8",
    )
    shown = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,1000", "--dump-dom",
            frame.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout  # fmt: skip
    said = json.loads(shown.partition("<title>")[2].partition("</title>")[0])
    assert said["inner"] == width
    assert said["wide"] <= width
    numbers = [int(text) for text in said["sorted"]]
    assert len(numbers) == 8
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_workers_of_a_dask_cluster_find_the_same(
    finished: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        assert command.main([*SMALL, f"scheduler={cluster.scheduler_address}"]) == 0
    with (
        xr.open_dataset(finished[0] / "mine" / "result.nc") as here,
        xr.open_dataset("mine/result.nc") as there,
    ):
        assert list(here["sentence"].values) == list(there["sentence"].values)
        for name in MEASURED:
            np.testing.assert_array_equal(here[name], there[name])


def test_workers_that_join_a_cluster_late_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        threads: ClassVar[dict[str, int]] = {}

        def get_executor(self) -> ThreadPoolExecutor:
            return ThreadPoolExecutor(1)

        def nthreads(self) -> dict[str, int]:
            return self.threads

    monkeypatch.setattr("study.cluster.ASK_SECONDS", 0.0)
    with Cluster(Client()) as own:
        assert own.count == 1
        assert own.submit(sum, (1, 2)).result() == 3
        monkeypatch.setattr(Client, "threads", {"tcp://a": 1, "tcp://b": 2})
        assert own.count == 3
        monkeypatch.setattr(Client, "nthreads", gone)
        assert own.count == 3


def gone(client: object) -> dict[str, int]:
    raise OSError("the scheduler is away")


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match="scheduler=nowhere: no Dask scheduler answers there"):
        command.main([*SMALL, "scheduler=nowhere"])
    # A client that stayed behind would be asked for a lock by whoever writes netCDF in this process.
    assert dask.config.get("scheduler", None) != "dask.distributed"
