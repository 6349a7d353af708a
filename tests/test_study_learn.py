"""`python -m study.learn` as a person meets it: its words, what it leaves, one line for mistakes."""

import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from skimage.io import imread

import grammars
import models
import search
from study import entry
from study.commands import learn as command
from study.errors import StudyError
from study.learn_settings import place, resolve
from study.learned import called, words
from study.lesson import objective_of, teach
from study.resolve import load_grammar

GRID = [
    "space.height=5",
    "space.width=5",
    "target=dots(k=between(1, 2))",
    "sentence=take(6, dots(k=1), seed=0)",
]
FEW = ["measure.samples=64"]
SHORT = {"steps": 8, "sampler_steps": 3, "width": 4}


def short(learner: str) -> list[str]:
    """Settings that show nothing but that it works."""
    own = vars(models.settings(learner)())
    small = [f"learner.{name}={value}" for name, value in SHORT.items() if isinstance(own.get(name), int)]
    return [f"learner={learner}", *small, *FEW]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_lesson_leaves_its_dataset_and_pictures_and_is_not_taught_twice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = [*short("conv"), *GRID, "learn.seeds=2", "learn.checkpoints=3", "learn.kept=20", "run=here"]
    assert command.main(line) == 0
    first = capsys.readouterr()
    assert "teaching in here" in first.out
    assert "16/16 steps" in first.err or "14/16 steps" in first.err
    with xr.open_dataset("here/learned.nc") as data:
        assert dict(data.sizes) | {"state": 4} == {
            "seed": 2, "step": 3, "sample": 20, "y": 5, "x": 5, "stratum": 2, "example": 6,
            "followed": 8, "state": 4,
        }  # fmt: skip
        assert data.samples.dims == ("seed", "step", "sample", "y", "x")
        assert data.samples.dtype == np.float32
        assert data.examples.dtype == bool
        assert data.step.values.tolist() == [2, 4, 8]
        assert data.steps.values.tolist() == [8, 8]
        assert np.isfinite(data.generalization).all()
        assert (data.validity_over_seeds_low <= data.validity.mean("seed")).all()
        assert json.loads(data.attrs["configuration"])["learner"]["width"] == 4
        assert "torch" in json.loads(data.attrs["versions"])
        for name, variable in data.variables.items():
            assert variable.attrs.get("long_name"), name
            assert "units" in variable.attrs, name
        np.testing.assert_array_equal(  # one trajectory ends in the sample itself
            data.trajectory.isel(state=-1), data.samples.isel(seed=0, step=-1, sample=slice(8))
        )
    for name in ("samples", "curve", "trajectory"):
        assert imread(f"here/{name}.png").shape[1] > 500

    monkeypatch.setattr(command, "teach", lambda settings: pytest.fail("taught again"))
    assert command.main(line) == 0
    again = capsys.readouterr().out
    assert "taught already, in here" in again
    assert again.partition("\n")[2] == first.out.partition("\n")[2]

    monkeypatch.setattr(sys, "argv", ["study.learn", *line, "learn.seed=5"])
    assert entry.enter("learn") == 2
    refused = capsys.readouterr().err
    assert len(refused.splitlines()) == 1
    assert "here belongs to other settings: learn.seed is 0 there, 5 here" in refused


def test_it_finds_what_a_search_finds() -> None:
    settings = resolve([*short("conv"), *GRID, "learn.seeds=2", "learn.seed=3"]).settings
    learned = teach(settings)
    outcome = search.evaluate(search.Task(objective_of(settings), settings.sentence))
    for name in ("generalization", "validity", "copy_rate", "loss"):
        assert learned[name].isel(step=-1).values.tolist() == pytest.approx(outcome.measures[name], abs=0)


@pytest.mark.parametrize("name", sorted(models.available()))
def test_every_learner(name: str) -> None:
    line = [*short(name), *GRID]
    if models.load(name).supports((5, 5)) is not None:
        line = [*short(name), "grammar=regions", "sentence=take(6, annulus(), seed=0)"]
    learned = teach(resolve(line).settings)
    said = "\n".join(words(learned))
    assert f"learner   {name}" in said
    assert ("trajectory" in learned) != ("No trajectory: " in said)
    assert learned.step.values[-1] == learned.steps.values[0]
    assert np.isfinite(learned.generalization.values).all()


@pytest.mark.parametrize("name", sorted(grammars.available()))
def test_every_language(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    target = {"polygons": ["target=convex(vertices=3)", "space.height=7", "space.width=7"]}.get(name, [])
    assert command.main(["learner=ideal", f"grammar={name}", *FEW, *target, "learn.trajectories=2"]) == 0
    out = capsys.readouterr().out
    assert "(n = " in out
    assert f"runs/learn-{name}-ideal" in out
    folder = next(Path("runs").iterdir())
    with xr.open_dataset(folder / "learned.nc") as data:
        assert data.samples.dims[-1] == ("coordinate" if "coordinate" in data.dims else "x")
        assert "trajectory" in data
    assert imread(folder / "samples.png").ndim == 3


def test_a_training_that_diverges_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    line = [*short("conv"), *GRID, "learn.seeds=3"]
    learned = teach(resolve(line).settings)
    learned["diverged"][1] = 1
    learned["generalization"][1] = np.nan
    assert "1 of 3 trainings diverged" in called(learned)
    monkeypatch.setattr("models.training.DIVERGED", 0.0)
    with pytest.raises(StudyError, match=r"training diverged at step 1 \(loss"):
        teach(resolve(line).settings)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sentense=x", "sentense is not a setting; did you mean sentence?"),
        ("learner=con", "learner=con: there is no such learner; did you mean"),
        ("sentence=take(6, dots(k=1), sed=0)", "sentence: "),
        ("sentence=dots(k=1)", "sentence: column 1: expected a Lesson"),
        ("sentence=take(3, intersect(dots(k=1), dots(k=2)), seed=0)", "denotes no example"),
        ("target=take(3, dots(k=1), seed=0)", "target: "),
        ("learn.seeds=0", "`1 <= learn.seeds <= 1000` must hold, but got learn.seeds=0"),
        ("learner.width=0", "learner.width"),
        ("grammar=regions", "learner=conv does not learn points of the plane; those that do: "),
        ("--dry-run", "--dry-run is not a flag"),
        ("run=taken/here", "run=taken/here: taken is a file"),
    ],
)
def test_what_is_wrong_gets_one_line_and_status_2(
    line: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken").write_text("a file\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["study.learn", line])
    assert entry.enter("learn") == 2
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert said in captured.err
    assert not Path("runs").exists()


def test_settings_name_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert str(place(resolve([]).settings)) == "runs/learn-dots-conv"
    other = {str(place(resolve([word]).settings)) for word in ("learn.seed=1", "learner.width=8")}
    assert len(other) == 2
    assert all(name.startswith("runs/learn-dots-conv-") for name in other)
    assert command.main(["--cfg", "run=x"]) == 0
    Path("again.yaml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert resolve(["config=again.yaml"]).settings == resolve(["run=x"]).settings
    assert command.main(["--help"]) == 0
    assert "learn.checkpoints=4" in capsys.readouterr().out


README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^python -m study\.learn .*$", README, re.MULTILINE))
def test_every_command_line_of_the_readme_can_be_asked_for(line: str) -> None:
    words = shlex.split(line, comments=True)[3:]
    assert load_grammar(resolve(words).settings).parse(resolve(words).settings.sentence, "Lesson")
