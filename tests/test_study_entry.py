"""The door of every command: one line and exit status 2 for wrong input, nothing damaged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.entry import enter
from study.folder import write_settings
from study.resolve import resolve

ROOT = Path(__file__).resolve().parents[1]


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "study.search", *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("grammar=polygon", "did you mean polygons?"),
        ("search.evaluation=10", "did you mean search.evaluations?"),
        ("search.evaluations=-3", "search.evaluations=-3"),
        ("target=dots(k=two)", "column"),
        ("run=README.md/x", "README.md is a file"),
        ("run=taken", "search.seed is 5 there, 0 here"),
    ],
)
def test_a_wrong_word_is_one_line_and_status_2_and_nothing_is_damaged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    word: str,
    expected: str,
) -> None:
    (tmp_path / "README.md").write_text("mine\n", encoding="utf-8")
    write_settings(tmp_path / "taken", resolve(["search.seed=5"]).settings)
    before = files(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["study.search", word])
    assert enter("search") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert expected in said.err
    assert files(tmp_path) == before


def test_a_wrong_word_ends_the_process_with_status_2(tmp_path: Path) -> None:
    answer = run("grammar=polygon", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "grammar=polygon: there is no such grammar; did you mean polygons?\n"


def test_a_module_of_the_users_that_hides_a_room_is_named(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text("raise SystemExit('not ours')\n", encoding="utf-8")
    answer = run("--help", cwd=tmp_path)
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    assert "models.py hides the room 'models'" in answer.stderr


def test_a_command_started_by_its_path_says_how_to_start_it() -> None:
    answer = subprocess.run(
        [sys.executable, str(ROOT / "study" / "search.py")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 2
    assert "python -m study.search" in answer.stderr


def test_help_ends_well_when_its_reader_leaves(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "study.search", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait()
