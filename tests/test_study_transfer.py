"""Languages on the plane, other grids, the ladder, shrinking, as `python -m study.search` is asked."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import grammars
from study import job
from study.commands import search as command
from study.entry import INTERRUPTED
from study.errors import StudyError
from study.folder import check, write_settings
from study.job import ladder_of, objective_of, pupils
from study.last_words import said_nothing
from study.progress import Progress
from study.report.tables import verification
from study.report.thrift import parts
from study.resolve import resolve
from study.thrift import fewer, foretold

TINY = [
    "search.evaluations=3", "search.max_bits=60", "search.baselines=[4]", "measure.samples=64",
    "verify.seeds=1", "verify.sentences=1", "verify.baselines=1", "run=mine", "search.shrink=4",
]  # fmt: skip


def run(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "workers", lambda settings: 0)
    assert command.main([*TINY, *words]) == 0
    return tmp_path / "mine"


def test_regions_are_taught_to_a_learner_of_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["learner.steps=20", "learner.width=16", "learner.sampler_steps=4"]
    folder = run(["grammar=regions", *small], tmp_path, monkeypatch)
    with xr.open_dataset(folder / "result.nc") as result:
        assert result.attrs["learner"] == "mlp"
        assert np.isfinite(result["generalization"]).all()
        assert "coordinate" in result.dims
    with xr.open_dataset(folder / "verified.nc") as verified:
        assert verified["learner"].values.tolist() == ["mlp", "ideal"]
        assert np.isfinite(verified["g"]).all()
    assert (folder / "report.html").is_file()
    assert "brought mlp to g = " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "learner"),
    [
        (["grammar=regions"], "mlp"),
        (["grammar=regions", "learner=ideal"], "ideal"),
        (["grammar=dots"], "conv"),
        ([], "conv"),
    ],
)
def test_a_grammar_brings_the_learner_that_can_learn_it(words: list[str], learner: str) -> None:
    assert resolve(words).settings.learner.name == learner


@pytest.mark.parametrize("learner", ["vae", "gan", "realnvp", "autoregressive", "dae"])
def test_learners_of_other_families_are_verified_too(learner: str) -> None:
    """No matching machine, no settings of a sampler: who is taught again is still found."""
    words = [f"learner={learner}", "verify.learners=[machine,ideal]", "verify.grids=[]"]
    settings = resolve(words).settings
    labels = [pupil.label for pupil in pupils(settings)]
    assert labels[0] == learner
    assert labels[-1] == "ideal"


def test_other_grids_are_more_pupils(tmp_path: Path) -> None:
    settings = resolve(["verify.grids=[12x12,9x8]", "verify.learners=[machine]"]).settings
    found_there = pupils(settings)
    assert [one.label for one in found_there][-2:] == ["conv on 12x12", "conv on 9x8"]
    assert [one.label for one in pupils(resolve([]).settings)][-1] == "conv on 12x12"
    both = resolve(["verify.grids=[12x12,larger]"]).settings
    assert [one.label for one in pupils(both)] == [one.label for one in pupils(resolve([]).settings)]
    for words in (["verify.grids=[]"], ["grammar=regions"], ["space.height=48"], ["verify.learners=[]"]):
        assert not [one for one in pupils(resolve(words).settings) if one.grid is not None]
    own = objective_of(settings)
    assert found_there[-2].objective(own).space == grammars.Grid(12, 12)
    assert found_there[0].objective(own) == own


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify.grids=[12]"], "a grid is <height>x<width> with sides from 1 to 64, or larger, but got 12"),
        (["verify.grids=[70x9]"], "but got 70x9"),
        (["grammar=regions", "verify.grids=[9x9]"], "grammar=regions is not about grids"),
        (["verify.grids=[3x3]", "target=every_none()"], "target"),
        (["verify.grids=[3x3]", "target=explicit(at(7, 7))"], "verify.grids=3x3: target: "),
    ],
)
def test_grids_that_cannot_be_are_one_line(words: list[str], said: str) -> None:
    with pytest.raises(StudyError) as caught:
        pupils(resolve(words).settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_ladder_is_built_as_it_is_asked_for() -> None:
    assert ladder_of(resolve([]).settings) is None
    asked = ["search.ladder=true", "search.short=0.25", "search.promote=0.3", "learner.steps=40"]
    settings = resolve(asked).settings
    assert settings.search.seeds == 3
    assert resolve([*asked, "search.seeds=2"]).settings.search.seeds == 2
    assert resolve([]).settings.search.seeds == 1
    ladder = ladder_of(settings)
    assert ladder is not None
    assert ladder.names[:2] == ["machine (equivariant_local)", "short training (10 steps)"]
    assert ladder.promote == 0.3
    with pytest.raises(StudyError, match="ideal has no matching machine and no steps to shorten"):
        ladder_of(resolve(["learner=ideal", "search.ladder=true"]).settings)


def test_a_folder_from_before_the_ladder_is_resumed_and_shrinking_may_change(tmp_path: Path) -> None:
    settings = resolve([]).settings
    write_settings(tmp_path, settings)
    text = (tmp_path / "config.yaml").read_text()
    old = [line for line in text.splitlines() if line.strip().partition(":")[0] not in
           {"ladder", "short", "promote", "shrink", "seeds"}]  # fmt: skip
    (tmp_path / "config.yaml").write_text("\n".join(old))
    assert check(tmp_path, resolve(["search.shrink=0"]).settings)
    assert check(tmp_path, resolve(["search.promote=0.5"]).settings)
    with pytest.raises(StudyError, match="search.ladder is False there, True here"):
        check(tmp_path, resolve(["search.ladder=true"]).settings)


def least(n: int, start: int, failed: int, complete: int) -> xr.Dataset:
    return xr.Dataset(
        {"n": ("attempt", [start, n]), "teaches": ("attempt", [1, 1])},
        attrs={
            "n": n,
            "failed_below": failed,
            "complete": complete,
            "threshold": 0.7,
            "minimal": "these(...)",
        },
    )


def test_what_is_said_of_fewer_examples_is_what_was_tried() -> None:
    assert "Of 8 examples 3 still teach" in fewer(least(3, 8, 3, 1))
    assert "Each of the 3 lessons of 2 examples made from it were tried and failed." in fewer(
        least(3, 8, 3, 1)
    )
    assert (
        "1 of the 3 lessons of 2 examples made from it was tried and failed; the budget ended there"
        in fewer(least(3, 8, 1, 0))
    )
    assert fewer(least(1, 8, 0, 1)).endswith("these(...).")
    assert "None of 8 examples could be spared" in fewer(least(8, 8, 8, 1))
    assert fewer(least(5, 8, 0, 0)).endswith(
        "The budget (search.shrink) ended before lessons of 4 examples were tried."
    )
    assert fewer(None) == foretold(xr.Dataset()) == ""


@pytest.mark.parametrize("dropped", [False, True])
def test_what_is_said_of_cheap_looks_is_what_their_scouts_found(dropped: bool) -> None:
    verdict = {
        "rung": "short training (4 steps)",
        "predicts": "full training",
        "scouts": 12,
        "tau": 0.5,
        "tau_low": -0.25 if dropped else 0.25,
        "tau_high": 0.75,
        "quarter": 2 / 3,
        "quarter_chance": 0.25,
        "dropped": dropped,
    }
    result = xr.Dataset(
        {
            "origin": ("trial", ["iid", "search", "search", "search"]),
            "generalization_at": (
                ("trial", "fidelity"),
                [[np.nan, 0.5], [0.2, 0.4], [0.1, np.nan], [np.nan, 0.3 if dropped else np.nan]],
            ),
            "seconds_at": (("trial", "fidelity"), [[np.nan, 9.0], [1.0, 9.0], [2.0, np.nan], [np.nan, 9.0]]),
        },
        attrs={"ladder": json.dumps([verdict])},
    )
    said = foretold(result)
    ends = "no better than chance, so it was dropped." if dropped else "it was kept."
    assert said.startswith(
        "short training (4 steps) foretold full training with Kendall's tau 0.50 "
        f"[{-0.25 if dropped else 0.25:.2f}, 0.75] (67% of the best quarter found, 25% by chance; "
        f"12 lessons promoted by lot): {ends} "
    )
    full = "2 of 3" if dropped else "1 of 2"
    assert said.endswith(f"{full} lessons were trained in full; looking first cost 3 s.")


def test_of_a_grid_where_a_sentence_says_nothing_it_is_said_so() -> None:
    verified = xr.Dataset(
        {
            "failure": (
                ("sentence", "learner", "seed"),
                [[["", ""], ["no sentence on 3x3: at(4, 4)", "not done"]]],
            )
        },
        coords={"sentence": ["a"], "learner": ["conv", "conv on 3x3"]},
    )
    assert said_nothing(verified, "conv", "a") == ""
    assert said_nothing(verified, "conv on 3x3", "a") == "no such sentence"
    verified["generalization"] = ("sentence", "learner", "seed"), [[[0.5, 0.6], [np.nan, np.nan]]]
    verified["n"], verified["origin"] = ("sentence", [1]), ("sentence", ["search"])
    page = verification(verified)
    assert "no such sentence" in page
    assert "no sentence on 3x3: at(4, 4)" in page
    assert "failed" not in page


@pytest.mark.parametrize("word", ["sentence", "target"])
@pytest.mark.parametrize(
    "text",
    ["../../outside", "/etc/passwd", "a\x00b", "<script>alert(1)</script>", "these(picture('../../x'))",
     "__import__('os').system('true')", "${oc.env:HOME}"],
)  # fmt: skip
def test_hostile_sentences_are_refused_in_one_line(word: str, text: str) -> None:
    with pytest.raises(StudyError) as caught:
        resolve([f"{word}={text}"])
    assert str(caught.value).startswith(f"{word}: ")
    assert "\n" not in str(caught.value)


def test_the_sections_of_the_report_escape_what_a_file_says(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>"
    said = least(3, 8, 3, 1).assign_attrs(minimal=attack, attempt=1)
    several = {
        "sentence": ("attempt", [attack] * 2),
        "stage": ("attempt", [attack] * 2),
        "difference": ("attempt", [0.0] * 2),
        "generalization": (("attempt", "seed"), [[0.5], [0.5]]),
    }
    said.assign(several).to_netcdf(tmp_path / "minimal.nc")
    tuned = xr.Dataset(
        {
            "steps": ("configuration", [8, 16]), "lesson": ("configuration", [0, 0]),
            "sentence": ("configuration", [attack] * 2), "failure": ("configuration", [attack, ""]),
            "short": ("configuration", [0.1, 0.2]), "worth": ("configuration", [0.1, 0.2]),
            "pruned": ("configuration", [0, 0]), "seconds": ("configuration", [1.0, 1.0]),
            "generalization": (("configuration", "seed"), [[0.1], [0.2]]),
        },
        attrs={"best": 1, "changed": 1, "learner": attack},
    )  # fmt: skip
    tuned.to_netcdf(tmp_path / "tuning.nc")
    rung = {
        "rung": attack, "predicts": attack, "scouts": 10, "tau": 0.5, "tau_low": 0.1, "tau_high": 0.9,
        "quarter": 0.5, "quarter_chance": 0.3, "dropped": False,
    }  # fmt: skip
    result = xr.Dataset(
        {
            "origin": ("trial", ["search"]),
            "generalization_at": (("trial", "fidelity"), [[0.1, 0.2]]),
            "seconds_at": (("trial", "fidelity"), [[1.0, 2.0]]),
        },
        attrs={"ladder": json.dumps([rung])},
    )
    sections = parts(tmp_path, result)
    assert list(sections) == [
        "How few are enough", "Which settings of the learner", "What cheap looks were worth"
    ]  # fmt: skip
    shown = "".join(inner for several in sections.values() for inner in several)
    assert attack not in shown
    assert shown.count("&lt;script&gt;") >= 8
    assert "1 of 1 lessons were trained in full; looking first cost 1 s" in shown
    assert parts(tmp_path / "nowhere", xr.Dataset()) == {}


@pytest.mark.slow
def test_a_given_sentence_is_taught_and_its_learner_tuned_and_ctrl_c_in_between_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(Progress):
        def tuning(self, done: int, total: int) -> None:
            super().tuning(done, total)
            os.kill(os.getpid(), signal.SIGINT)

    words = [
        *TINY, "learner=equivariant_local", "learner.sampler_steps=3", "learner.patch=3", "space.height=4",
        "space.width=4", "target=dots(k=between(1, 2))", "sentence=these(at(0,0), at(2,2))",
        "verify.learners=[machine]", "search.tune=true", "search.tunings=8", "search.shrink=0",
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "workers", lambda settings: 0)
    with monkeypatch.context() as patch:
        patch.setattr(command, "Progress", Interrupted)
        assert command.main(words) == INTERRUPTED
    assert not (tmp_path / "mine" / "verified.nc").exists()
    assert "search.tune=true" in capsys.readouterr().out.splitlines()[-1]
    assert command.main(words) == 0
    with xr.open_dataset("mine/result.nc") as result, xr.open_dataset("mine/tuning.nc") as tuned:
        assert result["sentence"].values.tolist()[1:] == ["these(at(0, 0), at(2, 2))"]
        assert result.attrs["stopped"] == ""
        assert sorted(tuned["patch"].values) == [1, 3, 5, 7]  # there are no more
        assert tuned.attrs["stopped"] == ""
        changed = int(tuned.attrs["changed"])
    with xr.open_dataset("mine/verified.nc") as verified:
        learners = ["equivariant_local", "equivariant_local on 6x6"] + ["equivariant_local tuned"] * changed
        assert verified["learner"].values.tolist() == learners
    said = capsys.readouterr().out
    assert "settings of equivariant_local" in said
    assert "Which settings of the learner" in Path("mine/report.html").read_text(encoding="utf-8")
