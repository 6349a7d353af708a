"""What README.md shows can be done as it stands there."""

import re
import shlex
from pathlib import Path

import pytest

from study.resolve import resolve

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("python -m study.search")]


@pytest.mark.parametrize("line", commands())
def test_every_command_line_names_settings_that_exist(line: str) -> None:
    words = shlex.split(line, comments=True)[3:]
    assert resolve(words).settings.grammar


def test_there_are_command_lines() -> None:
    assert len(commands()) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python"))
def test_every_python_block_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "README.md", "exec"), {})
    assert "g = " in capsys.readouterr().out
