"""`python -m study.status` on real folders and databases: a run that lives, one that ended, and none."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

import search
from search.errors import SearchError
from search.evaluation import Outcome
from search.ledger import Entry
from study.commands import status
from study.commands.search import study_of
from study.errors import StudyError
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
