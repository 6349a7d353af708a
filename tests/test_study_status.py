"""`python -m study.status` on real folders and databases: a run that lives, one that ended, and none."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from omegaconf import OmegaConf

import search
from search.errors import SearchError
from search.evaluation import Outcome
from search.glance import Glance, climbed, lessons_per_minute
from search.ledger import Entry
from study import job
from study.commands import search as command
from study.commands import status
from study.commands.search import ledger_of, study_of
from study.entry import INTERRUPTED
from study.errors import StudyError
from study.progress import Progress
from study.resolve import resolve

ROOT = Path(__file__).resolve().parents[1]


def entry(number: int, origin: str = "search", rung: int = 0) -> Entry:
    key = f"{number:064x}"
    return Entry(key, number, f"lesson {number}", number, 20.0, origin, extra={"rung": rung})


def half_way(folder: Path, *words: str) -> None:
    """A run that was left in the middle: five done, one failed, one under way."""
    folder.mkdir(parents=True)
    settings = resolve([f"run={folder}", "search.evaluations=20", *words]).settings
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(settings, resolve=True))
    url = settings.ledger or f"sqlite:///{folder / 'optuna.db'}"
    name, shared = study_of(settings), bool(settings.ledger)
    with search.open_ledger(url, folder / "artifacts", name, {}, shared=shared) as book:
        for number in range(1, 6):
            one = entry(number, "iid" if number == 5 else "search")
            trial = book.start(one)
            assert trial is not None
            found = Outcome(one.key, number, {"generalization": (0.1 * number,)})
            book.finish(trial, one, found, worker="here:1")
        trial = book.start(entry(6))
        assert trial is not None
        book.finish(trial, entry(6), Outcome(entry(6).key, 6, failure="training diverged"))
        book.start(entry(7))


def said(folder: Path) -> str:
    return "\n".join(status.standing(folder))


def test_a_run_half_way_while_its_driver_lives_and_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    half_way(folder)
    with search.sole_driver(folder):
        now = said(folder)
        assert f"driver      process {os.getpid()} on" in now
        assert "5 of 20 evaluations, 1 of 5 baselines" in now
        assert "g 0.400 at n = 4, the search's own figure" in now
        assert "lesson 4" in now
        assert "1; the last: training diverged" in now
        assert "1 begun" in now
        assert "here:1: 5 done" in now
        assert " left" in now
        assert "last write" in now
    now = said(folder)
    assert "none is alive" in now
    assert "1 cut off" in now
    assert " left" not in now


LADDER = [
    "space.height=4",
    "space.width=4",
    *("learner.depth=2", "learner.width=4", "learner.steps=16", "learner.sampler_steps=3"),
    *("measure.samples=64", "search.baselines=[1]", "search.max_bits=40", "search.evaluations=24"),
    *("search.ladder=true", "search.seeds=1", "search.tune=true", "search.tunings=3"),
    *("verify.learners=[conv]", "verify.seeds=1"),
]


def test_a_ladder_is_told_by_the_lessons_that_were_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder as its driver writes it, stopped on the way and then gone to its end."""

    class Impatient(Progress):
        def searching(self, now: search.Progress) -> None:
            super().searching(now)
            if now.looks == 5:
                os.kill(os.getpid(), signal.SIGINT)

    folder = tmp_path / "mine"
    words = [*LADDER, f"run={folder}"]
    monkeypatch.setattr(job, "workers", lambda settings: 0)  # in this process
    with monkeypatch.context() as patched:
        patched.setattr(command, "Progress", Impatient)
        assert command.main(words) == INTERRUPTED
    now = said(folder)
    seen = looked_at(folder)
    lessons, full = int(seen.any(axis=1).sum()), int(seen[:, -1].sum())
    assert 0 < lessons < 24
    assert f"{lessons} of 24 lessons looked at, {full} trained in full, " in now
    assert "lessons a minute" in now
    assert " left" not in now
    assert "shrink" not in now
    with search.sole_driver(folder):
        assert " left" in said(folder)

    assert command.main(words) == 0
    now = said(folder)
    seen = looked_at(folder)
    full = int(seen[:, -1].sum())
    assert seen.any(axis=1).all()
    assert f"24 of 24 lessons looked at, {full} trained in full, 1 of 1 baselines" in now
    assert " a minute" not in now
    assert re.search(r"tune        3 of 3 settings of the learner, \d+ trainings done", now)
    with xr.open_dataset(folder / "verified.nc") as verified:
        again = int(np.isfinite(verified["generalization"].values).sum())
    assert f"verify      {again} trainings done" in now


def looked_at(folder: Path) -> np.ndarray:
    """bool[lesson, rung]: which were on which, without baselines and what was made from a lesson later."""
    with xr.open_dataset(folder / "result.nc") as result:
        own = (result["origin"].values == "search") & (result["trial"].values < 1 + 24)
        return np.isfinite(result["generalization_at"].values[own])


@pytest.mark.parametrize("ledger", [False, True])
def test_what_comes_after_the_search_is_told_too(tmp_path: Path, ledger: bool) -> None:
    folder = tmp_path / "mine"
    words = [f"ledger=sqlite:///{tmp_path / 'shared.db'}"] * ledger
    half_way(folder, *words, "search.shrink=6")
    settings = resolve([f"run={folder}", "search.evaluations=20", "search.shrink=6", *words]).settings
    with search.open_ledger(
        ledger_of(folder, settings), folder / "artifacts", study_of(settings), {}, shared=ledger
    ) as book:
        for role, lessons in (("shrink", 3), ("tune", 5), ("verify", 4)):
            beside = book.sibling(role, {})
            for number in range(lessons):
                one = replace(entry(number), extra={"configuration": number // 2, "stage": 0, "rung": 1})
                trial = beside.start(one)
                assert trial is not None
                beside.finish(trial, one, Outcome(one.key, number, {"generalization": (0.5,)}))
    now = said(folder)
    assert "shrink      6 of at most 6 trainings done, on fewer examples" in now
    assert "tune        3 of 16 settings of the learner, 5 trainings done" in now
    assert "verify      4 trainings done" in now


def test_time_left_of_a_ladder_is_of_the_time_in_which_somebody_was_at_work() -> None:
    spans = ((0.0, 30.0), (10.0, 20.0), (20.0, 60.0), (1000.0, 1060.0))  # a pause in between
    none: Any = {"workers": {}, "drivers": {}, "finished": (), "last_write": None, "best": None}
    seen = Glance(4, 0, frozenset(range(4)), spans, 0, (), (), **none)
    assert lessons_per_minute(seen) == 2.0
    assert lessons_per_minute(replace(seen, done=1)) is None
    rung = replace(seen, lessons=frozenset({3, 4, 5}), busy=(), last_write=7.0, workers={"a": 1})
    both = climbed(replace(seen, workers={"a": 2}), [rung])
    assert (both.done, both.last_write, both.workers, both.busy) == (6, 7.0, {"a": 3}, spans)


def test_it_reads_only(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    half_way(folder)
    before = {path: path.read_bytes() for path in folder.glob("*") if path.is_file()}
    said(folder)
    assert {path: path.read_bytes() for path in before} == before  # SQLite may lay its own log beside them
    with sqlite3.connect(folder / "optuna.db") as database:
        assert database.execute("select count(*) from trials where state = 'RUNNING'").fetchone() == (1,)
    database.close()


def test_a_shared_ledger_names_its_drivers(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    half_way(folder, f"ledger=sqlite:///{tmp_path / 'shared.db'}")
    now = said(folder)
    assert "5 of 20 evaluations" in now
    assert "shared by" in now
    assert "ago" in now


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(resolve([]).settings, resolve=True))
    assert "nothing is done yet" in said(folder)
    assert {path.name for path in folder.iterdir()} == {"config.yaml"}


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("runs/dots-konv", "did you mean runs/dots-conv?"),
        ("nowhere", "not the folder of a run"),
        ("file", "a file"),
    ],
)
def test_a_wrong_path_is_one_line(
    path: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    half_way(Path("runs/dots-conv"))
    with pytest.raises(StudyError) as caught:
        status.main([path])
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_file_cannot_read_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRET", "told")
    settings = OmegaConf.to_container(resolve([]).settings)
    assert isinstance(settings, dict)
    there = {"ledger": f"sqlite:///{tmp_path}/${{oc.env:SECRET}}.db"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings | there), encoding="utf-8")
    with pytest.raises(SearchError, match=r"no ledger '.*\$\{oc.env:SECRET\}.db'"):
        status.main([str(tmp_path)])
    assert "told" not in capsys.readouterr().out


def test_hostile_words_in_the_database_stay_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    half_way(folder)
    with sqlite3.connect(folder / "optuna.db") as database:
        change = "update trial_user_attributes set value_json = ? where key = ? "
        database.execute(change, ("\"\\u001b[2J__import__('os')\"", "sentence"))
        database.execute(change, ("[1, 2", "g"))
    database.close()
    assert status.main([str(folder)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_the_command_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "study.status", str(tmp_path / "nothing")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith(str(tmp_path / "nothing"))
