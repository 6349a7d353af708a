"""Verification: fresh paired seeds, cells that resume, intervals as analysis makes them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
import xarray as xr

import analysis
import grammars
import search
from models.ideal import Ideal
from search import bench
from search.choice import Chosen, choose
from search.evaluation import evaluate
from search.genetic import Genetic
from search.verification import _jobs, fresh_seed

GRID = grammars.Grid(5, 5)
GRAMMAR = grammars.load("dots", GRID)
OBJECTIVE = search.Objective(
    "dots",
    GRID,
    "dots(k=between(1, 2))",
    "equivariant_local",
    (("patch", 3), ("sampler_steps", 4)),
    samples=64,
)
LEARNERS = {
    "local": OBJECTIVE,
    "ideal": OBJECTIVE.taught_to("ideal", {"sampler_steps": 4}),
    "conv": OBJECTIVE.taught_to("conv", {"steps": 4, "width": 4, "depth": 2, "sampler_steps": 3}),
}


def go(
    folder: Path,
    learners: dict[str, search.Objective] = LEARNERS,
    seeds: int = 2,
    others: int | None = None,
    told: list[search.Standing] | None = None,
    extra: Sequence[Chosen] = (),
) -> tuple[xr.Dataset, xr.Dataset]:
    url = f"sqlite:///{folder / 'optuna.db'}"
    with (
        search.start(0) as pool,
        search.open_ledger(url, folder / "artifacts", "search", OBJECTIVE.content()) as book,
    ):
        searcher = Genetic(first=6, population=4, offspring=4)
        plain = search.iid(GRAMMAR, OBJECTIVE.target, 0, (4, 64))
        result = search.minimise(OBJECTIVE, GRAMMAR, searcher, 6, book, pool, baselines=plain)
        progress = told.append if told is not None else None
        return result, search.verify(
            result, GRAMMAR, learners, seeds, book, pool,
            seeds_of_others=others, progress=progress, extra=extra,
        )  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, xr.Dataset]:
    return go(tmp_path_factory.mktemp("run"))


def test_what_a_verification_leaves_behind(both: tuple[xr.Dataset, xr.Dataset], tmp_path: Path) -> None:
    result, verified = both
    assert [verified.sizes[d] for d in ("learner", "seed", "stratum", "baseline")] == [3, 2, 2, 2]
    assert verified["learner"].values.tolist() == list(LEARNERS)
    assert verified["generalization"].dims == ("sentence", "learner", "seed")
    assert verified["count"].dims == ("sentence", "learner", "seed", "stratum")
    assert verified["origin"].values.tolist()[-2:] == ["iid", "iid"]
    assert verified["n"].values[-2:].tolist() == [64, 4]
    for place, trial in enumerate(verified["trial"].values):
        row = result.sel(trial=trial)
        assert row["sentence"] == verified["sentence"].values[place]
        assert row["n"] == verified["n"].values[place]
    for name, variable in verified.variables.items():
        assert {"units", "long_name"} <= set(variable.attrs), name
    assert np.isfinite(verified["samples"]).all()
    analysis.save(verified, tmp_path / "verified.nc")
    with xr.open_dataset(tmp_path / "verified.nc") as read:
        xr.testing.assert_equal(read.load(), verified)


def test_the_intervals_are_those_of_analysis(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    _, verified = both
    g = verified["generalization"].values
    for sentence, learner in np.ndindex(*g.shape[:2]):
        one = verified.isel(sentence=sentence, learner=learner)
        ends = [float(one[name]) for name in ("g", "g_low", "g_high")]
        assert ends == pytest.approx(list(analysis.logit_interval(g[sentence, learner])))
    baselines = np.flatnonzero(verified["origin"].values == "iid")
    for sentence, column, learner in np.ndindex(*verified["difference"].shape):
        one = verified.isel(sentence=sentence, baseline=column, learner=learner)
        expected = analysis.paired_difference(g[sentence, learner], g[baselines[column], learner])
        ends = [float(one[name]) for name in ("difference", "difference_low", "difference_high")]
        assert ends == pytest.approx(list(expected))
    assert (verified["difference"].isel(sentence=-2, baseline=0) == 0).all()


def test_seeds_are_fresh_and_shared_by_the_sentences(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    seeds = {fresh_seed(search_seed, number) for search_seed in range(4) for number in range(50)}
    assert len(seeds) == 200
    result, verified = both
    repeated = verified.sel(learner="local")["generalization"].values
    first = [result.sel(trial=trial)["generalization"].values[0] for trial in verified["trial"].values]
    assert not np.isin(np.round(first, 12), np.round(repeated, 12)).all()
    jobs, _ = _jobs(choose(result), GRAMMAR, list(LEARNERS.values()), [2, 2, 1])
    assert len(jobs) == len(repeated) * (2 + 2 + 1)
    for (_, _, seed), job in jobs.items():
        objective = job.task.objective
        assert (objective.seed, objective.paired) == (fresh_seed(OBJECTIVE.seed, seed), True)


def test_cells_resume_and_more_seeds_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, one = go(tmp_path, seeds=1)
    told: list[search.Standing] = []
    _, two = go(tmp_path, told=told)
    xr.testing.assert_equal(two.isel(seed=slice(1))["generalization"], one["generalization"])
    trials = optuna.load_study(study_name="verify", storage=f"sqlite:///{tmp_path / 'optuna.db'}").trials
    keys = Counter(trial.user_attrs["key"] for trial in trials)
    assert set(keys.values()) == {1}
    assert len(keys) == two["generalization"].size
    assert {trial.user_attrs["learner"] for trial in trials} == {"equivariant_local", "ideal", "conv"}
    assert (told[-1].done, told[-1].total) == (len(keys), len(keys))
    monkeypatch.setattr(bench, "evaluate", None)
    xr.testing.assert_equal(go(tmp_path)[1], two)


def test_other_learners_may_have_fewer_seeds(both: tuple[xr.Dataset, xr.Dataset], tmp_path: Path) -> None:
    _, verified = go(tmp_path, others=1)
    xr.testing.assert_equal(
        verified.sel(learner="local")["generalization"], both[1].sel(learner="local")["generalization"]
    )
    counted = np.isfinite(verified["generalization"]).sum("seed")
    assert (counted.sel(learner="local") == 2).all()
    assert (counted.sel(learner=["ideal", "conv"]) == 1).all()


def test_an_interruption_leaves_nan_and_says_so(tmp_path: Path) -> None:
    class Impatient(list[search.Standing]):
        def append(self, standing: search.Standing) -> None:
            if standing.done == 7:
                raise KeyboardInterrupt

    learners = {name: LEARNERS[name] for name in ("local", "ideal")}
    _, verified = go(tmp_path, learners, told=Impatient())
    assert verified.attrs["stopped"] == "interrupted"
    assert 7 <= np.isfinite(verified["generalization"]).sum() < verified["generalization"].size
    assert np.isfinite(verified["g"]).any()
    _, whole = go(tmp_path, learners)
    assert whole.attrs["stopped"] == ""
    assert np.isfinite(whole["generalization"]).all()


def test_a_learner_that_cannot_learn_such_examples_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ideal, "supports", lambda self, shape: f"no pictures of {shape}")
    _, verified = go(tmp_path, LEARNERS, seeds=1)
    assert verified["learner"].values.tolist() == ["local", "conv"]
    assert "ideal is left out of the verification: no pictures of (5, 5)" in caplog.text


def test_a_learner_that_fails_has_no_g_but_the_others_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no luck today")

    monkeypatch.setattr(Ideal, "denoiser_of", broken)
    _, verified = go(tmp_path, LEARNERS, seeds=1)
    assert np.isnan(verified.sel(learner="ideal")["g"]).all()
    assert (verified.sel(learner="ideal")["failure"] == "RuntimeError: no luck today").all()
    assert np.isfinite(verified.sel(learner="local")["g"]).all()
    assert np.isnan(verified.sel(learner="local")["g_low"]).all()  # one seed has no interval


def test_nothing_to_verify_is_an_empty_dataset(tmp_path: Path) -> None:
    with (
        search.start(0) as pool,
        search.open_ledger(f"sqlite:///{tmp_path / 'o.db'}", tmp_path, "search", {}) as book,
    ):
        verified = search.verify(xr.Dataset(), GRAMMAR, LEARNERS, 2, book, pool)
        assert verified.sizes["sentence"] == 0
        with pytest.raises(search.SearchError, match=r"`verify.seeds >= 1` must hold"):
            search.verify(xr.Dataset(), GRAMMAR, LEARNERS, 0, book, pool)


def test_the_same_words_on_a_larger_grid_teach_the_target_there(tmp_path: Path) -> None:
    """The cell is the evaluation of the sentence with space and target read on the larger grid."""
    large = replace(OBJECTIVE, space=grammars.Grid(7, 6))
    _, verified = go(tmp_path, {"local": OBJECTIVE, "local on 7x6": large}, seeds=1)
    assert verified["learner"].values.tolist() == ["local", "local on 7x6"]
    there = verified.sel(learner="local on 7x6")
    assert np.isfinite(there["generalization"]).all()
    for place, sentence in enumerate(verified["sentence"].values):
        fresh = replace(large, seed=fresh_seed(OBJECTIVE.seed, 0), paired=True)
        outcome = evaluate(search.Task(fresh, str(sentence)))
        assert outcome.g == float(there["generalization"][place, 0])
    assert np.isnan(there["samples"]).all()  # pictures of another shape
    assert np.isfinite(verified.sel(learner="local")["samples"]).all()


def test_words_that_say_nothing_on_another_grid_leave_their_cells_empty(tmp_path: Path) -> None:
    small = replace(OBJECTIVE, space=grammars.Grid(3, 3))
    corner = Chosen(-1, "these(at(4, 4))", "search", "minimal", 1, 10.0)
    _, verified = go(tmp_path, {"local": OBJECTIVE, "local on 3x3": small}, seeds=1, extra=[corner])
    cell = verified.sel(learner="local on 3x3").isel(
        sentence=verified["role"].values.tolist().index("minimal"), seed=0
    )
    assert np.isnan(cell["generalization"])
    assert str(cell["failure"].values).startswith("no sentence on 3x3: ")
    assert np.isfinite(verified.sel(learner="local")["g"]).all()
    assert verified["origin"].values.tolist()[-3:] == ["search", "iid", "iid"]
