"""The command that compares searchers: its statistics, and that it goes on where it stopped."""

import importlib.util
import re
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

import grammars
from search import bench
from search.evaluation import Outcome, Task, canonical, content_key


def loaded(name: str) -> ModuleType:
    """A script of tests/tables as a module of its name, which dataclasses and other scripts look up."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "tables" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    return loaded("searchers")


def test_permutation_is_that_of_scipy(compare: ModuleType) -> None:
    differences = np.array([1.0, 3.0, -2.0, 4.0, 0.5, 2.5])
    exact = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert compare.permutation(differences) == pytest.approx(exact.pvalue)


def test_holm_by_hand(compare: ModuleType) -> None:
    assert compare.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert compare.holm([0.9, 0.5]) == [1.0, 1.0]


def test_hypervolume_by_counting(compare: ModuleType) -> None:
    points = [(0.3, 1.0), (0.7, 4.0), (0.6, 6.0), (0.9, 9.5)]
    grid = (np.arange(10_000) + 0.5) / 1000
    counted = np.mean([max([g for g, octaves in points if octaves <= x], default=0.0) for x in grid]) * 10
    assert compare.hypervolume(points) == pytest.approx(counted, abs=1e-9)
    assert compare.hypervolume([]) == 0.0


def test_the_command_prints_a_table_and_goes_on(
    compare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taught: list[str] = []
    grammar = grammars.load("dots")

    def pretended(task: Task) -> Outcome:
        taught.append(task.sentence)
        n = len(grammar.parse(task.sentence).denote())
        return Outcome("", n, {"generalization": (min(1.0, 0.1 * np.log2(n + 1)),)})

    monkeypatch.setattr(compare, "evaluate", pretended)
    words = [
        "searchers.py",
        "machine",
        "--seeds",
        "2",
        "--evaluations",
        "6",
        "--data",
        str(tmp_path / "compared"),
    ]
    words += ["--searchers", "genetic", "iid"]
    monkeypatch.setattr(sys, "argv", words)
    compare.main()
    first = capsys.readouterr().out
    assert "| `genetic` |" in first
    assert "| `iid` |" in first
    assert "2 paired seeds, 6 trainings each" in first
    assert len(taught) > 24  # 2 seeds, 2 searchers, 6 trainings, and those with fresh seeds
    done = len(taught)
    compare.main()
    assert capsys.readouterr().out == first
    assert len(taught) == done


ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "search" / "README.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"^PYTHONPATH=. python tests/tables/(.*)$", PAGE, re.M)]


def test_one_command_makes_all_committed_tables() -> None:
    made = re.findall(r"bin/python tests/tables/(.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert [shlex.split(line) for line in made] == COMMANDS
    kept = {path.stem for path in (ROOT / "study" / "results" / "searchers").glob("*.nc")}
    assert {one[1] for one in COMMANDS if one[0] == "searchers.py"} == kept


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_committed_tables_are_those_of_their_data(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = words.index("--data") + 1
    shutil.copytree(ROOT / words[place], tmp_path / "data")
    loaded("searchers")
    made = loaded(words[0].removesuffix(".py"))
    monkeypatch.setattr(made, "evaluate", None)  # nothing is trained
    monkeypatch.setattr(bench, "evaluate", None)  # and restored at the end
    monkeypatch.setattr(sys, "argv", [*words[:place], str(tmp_path / "data"), *words[place + 1 :]])
    made.main()
    assert capsys.readouterr().out.strip() in PAGE


@pytest.mark.slow
def test_the_ladder_is_held_against_the_same_search_without_it(
    compare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ladder = loaded("ladder")
    grammar = grammars.load("dots")
    taught: list[str] = []

    def pretended(task: Task) -> Outcome:
        taught.append(task.objective.learner)
        examples = canonical(grammar.parse(task.sentence).denote())
        key = content_key(task.objective, examples)
        return Outcome(key, len(examples), {"generalization": (min(1.0, 0.1 * np.log2(len(examples) + 1)),)})

    def costly(task: Task) -> Outcome:
        full = task.objective == compare.TASKS["conv"].objective(0)
        return replace(pretended(task), seconds=10.0 if full else 1.0)

    monkeypatch.setattr(compare, "evaluate", pretended)
    monkeypatch.setattr(ladder, "on_the_processor", costly)
    monkeypatch.setattr(bench, "evaluate", bench.evaluate)  # restored at the end
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "ladder.py",
            "conv",
            "--evaluations",
            "30",
            "--trainings",
            "1",
            "--folder",
            str(tmp_path / "runs"),
            "--data",
            str(tmp_path / "data"),
        ],
    )
    ladder.main()
    first = capsys.readouterr().out
    cells = first.splitlines()[-1].split(" | ")
    assert cells[0] == "| conv"
    assert cells[2] == "300"  # 30 full trainings
    full = int(cells[5].partition(" of ")[0])
    assert 10 * full < float(cells[3]) <= 10 * full + 30 * 2  # each looked at by the machine, some shortly
    assert 10 <= full < 25
    assert "machine 0.99 [" in cells[-1]  # which looks at a part of large lessons, here all alike
    done = len(taught)
    shutil.rmtree(tmp_path / "runs")
    ladder.main()
    assert capsys.readouterr().out == first
    assert len(taught) == done
