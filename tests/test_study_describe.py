"""`python -m study.describe`: descriptions of a run, of a file, and what wrong input says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import grammars
from study.commands.describe import main
from study.errors import StudyError

HOME = Path(__file__).parents[1]
DOTS = grammars.load("dots")


def drawn(text, n=200):
    return DOTS.parse(text).denote().sample(n, np.random.default_rng(0))


@pytest.fixture
def samples(tmp_path):
    np.save(tmp_path / "mine.npy", drawn("dots(k=between(1, 2))").astype(np.float32))
    return tmp_path / "mine.npy"


def test_an_array_of_samples(samples, capsys):
    assert main([str(samples), "grammar=dots", "evaluations=250"]) == 0
    said = capsys.readouterr().out
    assert "mine, learned `dots(k=between(1, 2))` at 100 %" in said
    assert "less than the next" in said
    with xr.open_dataset(samples.with_name("mine-described.nc")) as found:
        assert str(found.sentence.values[0, 0]) == "dots(k=between(1, 2))"
        assert str(found.verdict.values[0]) == "dots(k=between(1, 2))"
        assert int(found.samples[0]) == 200


def test_a_run_says_every_lesson_and_learner(tmp_path, capsys):
    one, two = drawn("dots(k=1)", 40), drawn("lines(k=2)", 40)
    pictures = np.stack([one, two]).reshape(1, 2, 2, 20, 8, 8).astype(np.float32)
    pictures[0, 1, 1, 5:] = np.nan  # A training that gave fewer.
    data = xr.Dataset(
        {
            "samples": (("sentence", "learner", "seed", "sample", "y", "x"), pictures),
            "n": ("sentence", [1]),
        },
        {"sentence": ["these(at(0, 0))"], "learner": ["conv", "mlp"]},
        {"grammar": "dots", "space": "8x8", "learner": "conv"},
    )
    data.to_netcdf(tmp_path / "verified.nc")
    assert main([str(tmp_path), "evaluations=120", "shown=1"]) == 0
    said = capsys.readouterr().out
    assert "conv, taught these(at(0, 0)) (n = 1), learned `dots(k=1)` at 100 %" in said
    assert "mlp, taught these(at(0, 0)) (n = 1), learned `" in said
    with xr.open_dataset(tmp_path / "described.nc") as found:
        assert list(found.learner.values) == ["conv", "mlp"]
        assert list(found["samples"].values) == [40, 25]
        assert found.total_bits.dims == ("learned", "rank")
        assert found.listing_bits.attrs["units"] == "bit"


def test_the_best_of_a_search_and_the_last_state_of_a_training(tmp_path, capsys):
    worse, better = drawn("dots(k=2)", 30), drawn("dots(k=1)", 30)
    xr.Dataset(
        {
            "samples": (
                ("trial", "seed", "sample", "y", "x"),
                np.stack([worse, better])[:, None].astype(np.float32),
            ),
            "generalization": (("trial", "seed"), [[0.1], [0.7]]),
            "sentence": ("trial", ["every(dots(k=2))", "every(dots(k=1))"]),
            "n": ("trial", [9, 64]),
        },
        attrs={"grammar": "dots", "learner": "conv"},
    ).to_netcdf(tmp_path / "result.nc")
    assert main([str(tmp_path), "evaluations=100", "shown=0"]) == 0
    assert "taught every(dots(k=1)) (n = 64), learned `dots(k=1)`" in capsys.readouterr().out
    xr.Dataset(
        {
            "samples": (
                ("seed", "step", "sample", "y", "x"),
                np.stack([worse, better])[None].astype(np.float32),
            )
        },
        attrs={"grammar": "dots", "learner": "mlp", "sentence": "these(at(1, 1))"},
    ).to_netcdf(tmp_path / "learned.nc")
    assert main([str(tmp_path / "learned.nc"), "evaluations=100", "shown=0"]) == 0
    assert "mlp, taught these(at(1, 1)), learned `dots(k=1)`" in capsys.readouterr().out


def test_a_stored_verification_can_be_described(tmp_path, capsys):
    shutil.copy(HOME / "study/results/first/dots-verified.nc", tmp_path / "verified.nc")
    assert main([str(tmp_path), "evaluations=40", "shown=0"]) == 0
    assert capsys.readouterr().out.count(" at ") >= 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "there is no run and no file at nowhere"),
        ([], "which samples?"),
        (["a", "b"], "one path at a time"),
        (["{run}"], "holds no verified.nc, learned.nc or result.nc"),
        (["{samples}"], "does not say its language; add grammar="),
        (["{samples}", "grammar=dotz"], "there is no such grammar; did you mean"),
        (["{samples}", "grammar=dots", "space.height=9"], "but the samples in"),
        (["{samples}", "grammar=regions"], "holds pictures, and regions is about points of the plane"),
        (["{samples}", "evaluation=9"], "evaluation is not a setting; did you mean evaluations"),
        (["{samples}", "grammar=dots", "out=there.txt"], "descriptions are written as .nc"),
        (["{text}", "grammar=dots"], "is no file of an array"),
        (["{flat}", "grammar=dots"], r"samples are numbers \[N, height, width\]"),
    ],
)
def test_wrong_input_is_one_line(arguments, words, samples, tmp_path):
    empty = tmp_path / "run"
    empty.mkdir()
    (tmp_path / "text.npy").write_text("no array")
    np.save(tmp_path / "flat.npy", np.zeros(5))
    places = {"run": empty, "samples": samples, "text": tmp_path / "text.npy", "flat": tmp_path / "flat.npy"}
    with pytest.raises(StudyError, match=words) as error:
        main([argument.format(**places) for argument in arguments])
    assert "\n" not in str(error.value)


def test_the_command_ends_in_one_line_and_status_two(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "study.describe", str(tmp_path / "nowhere")],
        cwd=HOME,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


def test_points_of_the_plane_are_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ring = grammars.load("regions").parse("ring(0.0, 0.0, radius=1.0, width=0.4)", "Set").denote()
    np.save(tmp_path / "mine.npy", ring.sample(128, np.random.default_rng(0)))
    assert main([str(tmp_path / "mine.npy"), "grammar=regions", "evaluations=40"]) == 0
    assert "learned `ring(0.0, 0.0, radius=1.0, width=0.4)` at 100 %" in capsys.readouterr().out
    with pytest.raises(StudyError, match="holds points of the plane, and dots is about pictures"):
        main([str(tmp_path / "mine.npy"), "grammar=dots"])
