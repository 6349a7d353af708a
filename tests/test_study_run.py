"""`python -m study.run`: declared experiments, their cells, resuming, and what is derived from them."""

import math
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
import xarray as xr
from omegaconf import DictConfig

import search
from study import experiment, searches
from study.cells import Cell, checkpoints, work
from study.commands import run as command
from study.commands.run import main
from study.derived import Whole, mixture, n_star, regimes, summary
from study.errors import StudyError
from study.experiment import laid_over, load, product
from study.results_of import gathered, product_of

TINY = """
title: Tiny
question: What do two machines and a small network make of three lessons?
refuted: {nothing: anything}
targets:
  dots: {grammar: dots, target: "dots(k=between(1, 2))", sides: [3, 4]}
lessons:
  samples: {n: [2, 4], draws: 2}
  one: {sentence: "take(1, dots(k=1), seed=0)"}
learners:
  ideal: {}
  equivariant_local: {patch: 3}
  conv: {steps: 8, width: 4, depth: 1}
seeds: 2
checkpoints: 2
samples: 64
derive: [summary, n_star, regimes]
quick: {}
full:
  seeds: 3
  learners: {conv: null}
"""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker processes, whose start costs more than these trainings do."""

    @contextmanager
    def pool(settings: DictConfig) -> Iterator[Executor]:
        yield search.start(0)

    monkeypatch.setattr(command, "pool", pool)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY, encoding="utf-8")
    return file


@pytest.mark.parametrize("size", experiment.SIZES)
@pytest.mark.parametrize("name", experiment.available())
def test_every_declared_experiment_can_be_multiplied_out(name: str, size: str) -> None:
    declared = load(name, size)
    cells = product(declared)
    assert cells or declared.searches
    assert len({cell.key for cell in cells}) == len(cells)
    assert declared.question.strip().endswith("?")
    assert all(declared.refuted.values())
    assert size == "quick" or declared.seeds >= 3


def test_cells_are_the_product_of_the_factors(tiny: Path) -> None:
    cells = product(load(str(tiny), "quick"))
    assert len(cells) == 2 * (2 * 2 + 1) * 3
    places = [dict(cell.place) for cell in cells]
    assert {place["d"] for place in places} == {9, 16}
    assert {(place["lesson"], place["n"]) for place in places} == {("samples", 2), ("samples", 4), ("one", 0)}
    # Another seed changes nothing of a machine.
    assert {cell.objective.learner: cell.objective.seeds for cell in cells} == {
        "ideal": 1, "equivariant_local": 1, "conv": 2,
    }  # fmt: skip


def test_a_search_that_has_come_to_its_end_is_not_begun_again(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = "searches:\n  one: {grammar: dots, search.seed: [0, 1]}\nderive: [searches]"
    tiny.write_text(TINY.replace("derive: [summary, n_star, regimes]", below), encoding="utf-8")
    declared = load(str(tiny), "quick")
    asked: list[str] = []
    ends = [0, 130, 0]

    def main(line: list[str]) -> int:
        asked.append(next(word for word in line if word.startswith("search.seed=")))
        print("found")
        return ends.pop(0)

    monkeypatch.setattr("study.commands.search.main", main)
    with pytest.raises(KeyboardInterrupt):
        searches.run(declared, tmp_path, [])
    searches.run(declared, tmp_path, [])
    searches.run(declared, tmp_path, [])
    assert asked == ["search.seed=0", "search.seed=1", "search.seed=1"]
    assert (tmp_path / "searches" / "one--seed-0.txt").read_text(encoding="utf-8") == "found\n"


def test_a_target_may_have_fewer_draws_of_samples(tiny: Path) -> None:
    tiny.write_text(TINY.replace("sides: [3, 4]", "sides: [3, 4], draws: 1"), encoding="utf-8")
    cells = product(load(str(tiny), "quick"))
    assert {dict(cell.place)["draw"] for cell in cells} == {0}
    assert len(cells) == 2 * (2 * 1 + 1) * 3


def test_a_learner_may_be_asked_about_some_places_only(tiny: Path) -> None:
    tiny.write_text(
        TINY.replace("  ideal: {}", "  ideal: {only: {n: [2], d: [9], draw: [0]}}"), encoding="utf-8"
    )
    places = [dict(cell.place) for cell in product(load(str(tiny), "quick"))]
    asked = [place for place in places if place["learner"] == "ideal"]
    assert [(place["lesson"], place["n"], place["d"], place["draw"]) for place in asked] == [
        ("samples", 2, 9, 0)
    ]
    assert len(places) == 1 + 2 * (2 * 2 + 1) * 2


def test_sizes_are_laid_over_what_is_common() -> None:
    below = {"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]}
    assert laid_over(below, {"b": {"c": None, "f": 4}, "e": [3]}) == {"a": 1, "b": {"d": 3, "f": 4}, "e": [3]}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: Tiny", "titel: Tiny", "did you mean title"),
        ("dots(k=between(1, 2))", "dots(l=2)", "targets.dots: column"),
        ("grammar: dots", "grammar: dot", "did you mean dots"),
        ("  ideal: {}", "  idea: {}", "did you mean ideal"),
        ("  ideal: {}", "  ideal: {only: {m: [2]}}", "learners.ideal.only: there is no factor 'm'"),
        ("  ideal: {}", "  ideal: {only: {n: 2}}", "learners.ideal.only.n must be a list"),
        ("{patch: 3}", "{path: 3}", "did you mean"),
        ("seeds: 2", "seeds: 0", "`seeds >= 1` must hold, but got seeds=0"),
        ("[summary, n_star, regimes]", "[summery]", "did you mean summary"),
        ("{n: [2, 4], draws: 2}", "{m: [2, 4]}", "there is no 'm'"),
        ("{n: [2, 4], draws: 2}", "{n: 4}", "lessons.samples.n must be a list"),
        ("{n: [2, 4], draws: 2}", "{n: [0]}", "`n >= 1` must hold, but got n=0"),
        ("{n: [2, 4], draws: 2}", "{n: [2], draws: two}", "`draws >= 1` must hold"),
        ("{n: [2, 4], draws: 2}", "{}", "either `n` or a `sentence`"),
        ("take(1, dots(k=1), seed=0)", "take(1, dts(k=1), seed=0)", "lessons.one: column"),
        ("sides: [3, 4]", "sides: 3", "targets.dots.sides must be a list"),
        ("grammar: dots, ", "", "there is no `grammar`"),
        ("{patch: 3}", "{patch: {5: 3}}", "no patch for side 3"),
        ("{patch: 3}", "three", "learners.equivariant_local must hold"),
        ("{nothing: anything}", "[nothing]", "`refuted` must hold"),
        ("quick: {}", "quick: [1]", "`quick` must hold"),
        ("quick: {}", "quick: {learners: {ideal: null, equivariant_local: null, conv: null}}", "or searches"),
        ("seeds: 2", "seeds: true", "`seeds >= 1` must hold, but got seeds=True"),
        ("seeds: 2", "extras: {distance: {sample: 3}}", "did you mean samples"),
        ("seeds: 2", "3: 4", "3 is no part of an experiment"),
        ("[summary, n_star, regimes]", "summary", "`derive` must be a list"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(tiny: Path, old: str, new: str, said: str) -> None:
    tiny.write_text(TINY.replace(old, new), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        product(load(str(tiny), "quick"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_experiment_names_the_nearest() -> None:
    with pytest.raises(StudyError, match="single_dots"):
        load("single_dot", "quick")


def test_a_cell_is_what_the_search_finds(tiny: Path) -> None:
    """The same lesson as a sentence: equal bit for bit to an evaluation of the search."""
    for cell in product(load(str(tiny), "quick")):
        if cell.sentence and dict(cell.place)["d"] == 9:
            found = work(cell)
            outcome = search.evaluate(search.Task(cell.objective, cell.sentence))
            ends = found["generalization"].isel(checkpoint=-1, batch=0).values
            np.testing.assert_array_equal(ends, outcome.measures["generalization"])
            copies = found["copy_rate"].isel(checkpoint=-1, batch=0).values
            np.testing.assert_array_equal(copies, outcome.measures["copy_rate"])


def test_checkpoints_are_halvings() -> None:
    assert checkpoints(800, 4) == [100, 200, 400, 800]
    assert checkpoints(3, 4) == [1, 3]
    assert checkpoints(0, 4) == [0]


def test_another_run_takes_cells_from_the_cache(tiny: Path, tmp_path: Path) -> None:
    tiny.write_text(TINY.replace("sides: [3, 4]", "sides: [3]").replace("  conv:", "  local:").replace(
        "{steps: 8, width: 4, depth: 1}", "{patch: 1}"), encoding="utf-8")  # fmt: skip
    asked = [f"experiment={tiny}", "workers=1", "device=cpu", f"cache={tmp_path / 'cache'}"]
    for name in ("first", "second"):
        assert main([*asked, f"run={tmp_path / name}"]) == 0
    made = [sorted((tmp_path / name / "cells").glob("*.nc")) for name in ("first", "second")]
    assert [file.read_bytes() for file in made[0]] == [file.read_bytes() for file in made[1]]


def test_a_run_resumes_and_gives_the_same(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [f"experiment={tiny}", f"run={tmp_path / 'run'}", "workers=1", "device=cpu", "cache=off"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "What do two machines" in said
    assert "best at" in said
    first = opened(tmp_path / "run")
    files = sorted((tmp_path / "run" / "cells").glob("*.nc"))
    assert len(files) == 30
    # One is lost, one is cut in two in the middle of a write: these are done again, and no other.
    before = {file: file.stat().st_mtime_ns for file in files}
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:1000])
    assert main(asked) == 0
    again = {file for file in files if file.stat().st_mtime_ns != before[file]}
    assert again == set(files[:2])
    xr.testing.assert_identical(without_seconds(first), without_seconds(opened(tmp_path / "run")))
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Tiny" in report
    assert "<img" in report


def test_finished_cells_are_trials_of_a_study(tiny: Path, tmp_path: Path) -> None:
    """Factors are parameters, g is the value and its curve; what is there is not added again."""
    folder = tmp_path / "run"
    asked = [f"experiment={tiny}", f"run={folder}", "workers=1", "device=cpu", "cache=off"]
    assert main(asked) == 0
    storage = f"sqlite:///{folder / 'optuna.db'}"
    before = optuna.load_study(study_name="tiny-quick", storage=storage).get_trials()
    assert len(before) == 30
    cells = opened(folder)
    for trial in before:
        ends = cells["generalization"].isel(cell=order(cells, trial.params)).sel(checkpoint=0, batch="report")
        assert trial.value == pytest.approx(float(ends.mean()))
        assert max(trial.intermediate_values.values()) >= trial.value - 1e-12
    assert {len(trial.intermediate_values) for trial in before} == {1, 2}
    (folder / "optuna.db").unlink()
    assert main([*asked, f"ledger=sqlite:///{tmp_path / 'other.db'}"]) == 0
    assert main([*asked, f"ledger=sqlite:///{tmp_path / 'other.db'}"]) == 0
    again = optuna.load_study(
        study_name="tiny-quick", storage=f"sqlite:///{tmp_path / 'other.db'}"
    ).get_trials()
    assert [(trial.params, trial.value) for trial in again] == sorted(
        ((trial.params, trial.value) for trial in before),
        key=lambda pair: order(cells, pair[0]),
    )


def test_a_learner_more_is_added_to_what_is_finished(tiny: Path, tmp_path: Path) -> None:
    """Optuna takes no new name of a factor: the study is made again from the cells' files."""
    folder = tmp_path / "run"
    asked = [f"experiment={tiny}", f"run={folder}", "workers=1", "device=cpu", "cache=off"]
    few = TINY.replace("  conv: {steps: 8, width: 4, depth: 1}\n", "").replace(
        "  learners: {conv: null}\n", ""
    )
    tiny.write_text(few, encoding="utf-8")
    assert main(asked) == 0
    before = {file: file.stat().st_mtime_ns for file in (folder / "cells").glob("*.nc")}
    tiny.write_text(few.replace("  ideal: {}\n", "  ideal: {}\n  local: {patch: 1}\n"), encoding="utf-8")
    assert main(asked) == 0
    assert {file: file.stat().st_mtime_ns for file in before} == before
    storage = f"sqlite:///{folder / 'optuna.db'}"
    trials = optuna.load_study(study_name="tiny-quick", storage=storage).get_trials()
    assert {trial.params["learner"] for trial in trials} == {"ideal", "local", "equivariant_local"}
    assert len(trials) == 30


def order(cells: xr.Dataset, place: dict) -> int:
    """The number of the cell at a place."""
    return int(
        np.flatnonzero(np.all([cells[name].values == value for name, value in place.items()], axis=0))[0]
    )


def opened(path: Path) -> xr.Dataset:
    with xr.open_dataset(path / "result.nc", group="cells") as data:
        return data.load()


def without_seconds(data: xr.Dataset) -> xr.Dataset:
    return data.drop_vars("seconds").drop_attrs()


def test_the_plan_trains_one_cell_of_each_learner(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"experiment={tiny}", f"run={tmp_path / 'run'}", "workers=1", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "30 cells, 0 finished" in said
    assert "core-hours" in said
    assert not (tmp_path / "run").exists()


def test_the_plan_says_which_cell_cannot_be_taught(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(cell: Cell) -> xr.Dataset:
        raise search.SearchError("no such thing")

    monkeypatch.setattr(command, "work", broken)
    with pytest.raises(StudyError, match="'learner': 'ideal'}: no such thing"):
        main([f"experiment={tiny}", f"run={tmp_path / 'run'}", "workers=1", "--dry-run"])


def test_a_folder_of_something_else_is_left_alone(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(StudyError, match="not a run of an experiment"):
        main([f"experiment={tiny}", f"run={tmp_path / 'mine'}"])
    with pytest.raises(StudyError, match="is a file, and a run needs a folder"):
        main([f"experiment={tiny}", f"run={tmp_path / 'mine' / 'letter.txt'}", "--dry-run"])


# What follows from cells, on cells whose answer is known.


def made(
    g: float, copies: float, *, d: int, n: int, learner: str, draw: int = 0, steps: int = 64
) -> xr.Dataset:
    """A cell as `gathered` gives it, with one training and two states."""
    shape = (1, 1, 2, 2)
    axes = ("cell", "seed", "checkpoint", "batch")
    names = (
        "generalization",
        "g_support",
        "validity",
        "coverage",
        "novelty",
        "near_copy_rate",
        "novelty_orbit",
    )
    variables = {name: (axes, np.full(shape, g)) for name in names}
    variables["copy_rate"] = (axes, np.full(shape, copies))
    numbers = {"steps": (("cell", "checkpoint"), [[steps // 2, steps]])}
    ones = {name: ("cell", [1.0]) for name in ("taught", "diverged", "seconds", "parameters")}
    place = {"target": "t", "d": d, "lesson": "samples", "n": n, "draw": draw, "learner": learner}
    return xr.Dataset(
        variables | numbers | ones,
        {name: ("cell", [value]) for name, value in place.items()}
        | {"checkpoint": [1, 0], "seed": [0], "batch": ["choose", "report"]},
    )


def whole_of(rows: list[xr.Dataset]) -> Whole:
    return Whole("made", xr.concat(rows, dim="cell", join="outer", data_vars="all"), ())


def test_n_star_of_cells_that_grow_as_a_power() -> None:
    """g reaches 0.8 from n = d²/16 on, and the learner copies all of it at the end."""
    rows = [
        made(0.8 if n >= d * d / 16 else 0.2, 1.0, d=d, n=n, learner="a")
        for d in (16, 32, 64, 128)
        for n in (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    ]
    found = n_star(whole_of(rows))
    assert found.numbers is not None
    stars = found.numbers["n_star"].sel(target="t", learner="a", threshold=0.5)
    assert stars.sortby("d").values.tolist() == [16, 64, 256, 1024]
    assert np.isnan(found.numbers["n_star"].sel(threshold=0.9)).all()
    at = found.numbers["law_threshold"].values.tolist().index(0.5)
    assert found.numbers["law_verdict"].values[at] == "power"
    assert float(found.numbers["law_exponent"].values[at]) == pytest.approx(2, abs=0.05)
    assert "cannot memorise" not in found.lines[1]
    assert "n-star-t" in found.figures


def test_a_crossing_at_the_first_that_was_tried_is_an_upper_bound() -> None:
    rows = [made(0.8, 0.3, d=d, n=n, learner="a") for d in (16, 25) for n in (2, 4)]
    assert "n* at d = 16: <= 2, 25: <= 2:" in n_star(whole_of(rows)).lines[0]


def test_a_learner_that_cannot_memorise_is_marked() -> None:
    rows = [made(0.8, 0.3, d=d, n=n, learner="a") for d in (16, 25) for n in (2, 4)]
    assert "cannot memorise" in n_star(whole_of(rows)).lines[1]


def test_regimes_of_a_memoriser() -> None:
    rows = [made(0.2, 1.0, d=16, n=n, learner="a") for n in (2, 4, 8, 16)]
    found = regimes(whole_of(rows))
    assert found.lines == (
        "t, a: first step that generalises / memorises: "
        "n = 2: never / 32; n = 4: never / 32; n = 8: never / 32; n = 16: never / 32",
    )


def test_the_summary_has_an_interval_over_draws() -> None:
    rows = [made(g, 0.0, d=16, n=2, learner="a", draw=draw) for draw, g in enumerate((0.5, 0.6, 0.7))]
    found = summary(whole_of(rows)).numbers
    assert found is not None
    assert float(found["generalization_low"][0]) < 0.6 < float(found["generalization_high"][0])
    assert int(found["trainings"][0]) == 3


def test_a_product_has_nan_where_there_is_no_cell() -> None:
    rows = [made(0.5, 0.0, d=16, n=2, learner="a"), made(0.6, 0.0, d=25, n=4, learner="b")]
    dense = product_of(whole_of(rows).cells)
    assert dict(dense["validity"].sizes) | {"d": 2, "n": 2, "learner": 2} == dict(dense["validity"].sizes)
    one = dense["validity"].sel(checkpoint=0, batch="report", seed=0, draw=0, lesson="samples", target="t")
    assert float(one.sel(d=16, n=2, learner="a")) == 0.5
    assert math.isnan(float(one.sel(d=16, n=4, learner="a")))


def test_a_superposition_is_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        TINY.replace('"dots(k=between(1, 2))"', '"union(dots(k=1), dots(k=3))"')
        + 'extras: {superposition: {first: "dots(k=1)", second: {dots: "dots(k=3)"}}}\n',
        encoding="utf-8",
    )
    cells = [
        cell
        for cell in product(load(str(file), "quick"))
        if cell.objective.learner == "ideal" and dict(cell.place)["d"] == 16 and not cell.sentence
    ]
    found = [(cell, work(cell)) for cell in cells]
    rows = mixture(Whole("two", gathered(found), tuple(found))).numbers
    assert rows is not None
    # It copies its examples, which are in one of the sets.
    assert float(rows["first"][0] + rows["second"][0]) > 0.97
    assert float(rows["overlay"][0]) < 0.03


def test_samples_are_asked_for_another_set(tiny: Path) -> None:
    """Taught one dot, the ideal machine has it only: in dots(k=1), and never in dots(k=2)."""
    for other, share in (("dots(k=1)", 1.0), ("dots(k=2)", 0.0)):
        tiny.write_text(TINY + f'extras: {{inside: {{set: "{other}"}}}}\n', encoding="utf-8")
        cells = [cell for cell in product(load(str(tiny), "quick")) if cell.sentence]
        found = [(cell, work(cell)) for cell in cells]
        by_learner = {dict(cell.place)["learner"]: one for cell, one in found}
        assert by_learner["ideal"]["inside"].values.tolist() == [share]
        assert by_learner["conv"]["inside"].dims == ("seed",)
        assert by_learner["conv"].sizes["seed"] == 2
        rows = summary(Whole("tiny", gathered(found), tuple(found))).numbers
        assert rows is not None
        assert rows["inside"].values[rows["learner"].values == "ideal"].tolist() == [share] * 2


def test_on_the_plane_n_star_is_of_g() -> None:
    """No support there: g itself is asked to reach 0.9, and there is one size only."""
    rows = [made(0.95 if n >= 8 else 0.6, 0.0, d=2, n=n, learner="a") for n in (2, 4, 8, 16)]
    whole = whole_of(rows)
    whole.cells["g_support"] = whole.cells["g_support"] * math.nan
    found = n_star(whole)
    assert found.lines[0] == "t, a, generalization >= 0.9: n* at d = 2: 8: too few sizes for a law"


def test_two_memorisers_of_disjoint_samples_never_agree(tiny: Path) -> None:
    tiny.write_text(TINY + "extras: {agreement: {samples: 64}}\n", encoding="utf-8")
    cells = {
        (dict(cell.place)["learner"], dict(cell.place)["n"], dict(cell.place)["d"]): cell
        for cell in product(load(str(tiny), "quick"))
        if not cell.sentence
    }
    memorised = work(cells["ideal", 4, 16])
    assert memorised["agreement_equal"].values.tolist() == [0.0]
    assert memorised["agreement_equal_by_chance"].values.tolist() == [0.0]
    taught = work(cells["conv", 4, 16])
    assert taught["agreement_correlation"].dims == ("checkpoint",)
    assert np.isfinite(taught["agreement_correlation"]).all()
    # On 3x3 there are 17 pictures of one or two dots: twice 4 can be had, twice 16 cannot.
    assert np.isfinite(work(cells["ideal", 4, 9])["agreement_equal"]).all()
    many = replace(cells["ideal", 4, 9], n=16)
    assert np.isnan(work(many)["agreement_equal"]).all()
