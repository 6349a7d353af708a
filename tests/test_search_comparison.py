"""The command that compares searchers: its statistics, and that it goes on where it stopped."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

import grammars
from search.evaluation import Outcome, Task


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    path = Path(__file__).parent / "tables" / "searchers.py"
    spec = importlib.util.spec_from_file_location("searchers_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["searchers_table"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


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
        str(tmp_path / "c.nc"),
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
