"""The ladder: who climbs, who is sent by lot, and what is said of a rung that knows nothing."""

import hashlib
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import optuna
import pytest
import xarray as xr
from scipy.stats import kendalltau

import analysis
import grammars
import search
from search import bench
from search.evaluation import canonical, content_key
from search.ladder import FULL, Climb, Judgement, Ladder, Rung, best_quarter, judge, ladder_of, ranking, tau_b
from search.random_search import RandomSearch
from search.searcher import Evaluated, Problem, Proposal

GRID = grammars.Grid(5, 5)
GRAMMAR = grammars.load("dots", GRID)
OBJECTIVE = search.Objective(
    "dots", GRID, "dots(k=between(1, 2))", "conv",
    (("depth", 2), ("sampler_steps", 3), ("steps", 16), ("width", 4)), samples=64,
)  # fmt: skip
MACHINE = OBJECTIVE.taught_to("equivariant_local", {"patch": 3, "sampler_steps": 3})
SHORT = OBJECTIVE.taught_to("conv", dict(OBJECTIVE.settings) | {"steps": 4})
LADDER = Ladder((Rung("machine", MACHINE), Rung("short", SHORT)))
BASELINES = search.iid(GRAMMAR, OBJECTIVE.target, 0, (1, 4))
Figure = Callable[[search.Task, float], float]


@cache
def empty_database() -> bytes:
    """A database with all its tables: made once, copied for each run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "optuna.db")
        optuna.storages.RDBStorage(f"sqlite:///{path}").engine.dispose()
        return path.read_bytes()


def run(
    folder: Path,
    budget: int = 40,
    ladder: Ladder | None = LADDER,
    workers: int = 0,
    objective: search.Objective = OBJECTIVE,
    searcher: search.Searcher = RandomSearch(batch=20, max_bits=60),  # noqa: B008
    **more: object,
) -> xr.Dataset:
    folder.mkdir(exist_ok=True)
    path = folder / "optuna.db"
    if not path.exists():
        path.write_bytes(empty_database())
    with (
        search.start(workers) as pool,
        search.open_ledger(f"sqlite:///{path}", folder / "artifacts", "search", objective.content()) as book,
    ):
        return search.minimise(
            objective, GRAMMAR, searcher, budget, book, pool,
            baselines=BASELINES, ladder=ladder, **more,  # type: ignore[arg-type]
        )  # fmt: skip


def worth(examples: np.ndarray) -> float:
    """What full training would give: a number in [0, 1) that the examples draw."""
    digest = hashlib.sha256(np.packbits(canonical(examples)).tobytes()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def taught(figure: Figure) -> Callable[[search.Task], search.Outcome]:
    def teach(task: search.Task) -> search.Outcome:
        examples = canonical(GRAMMAR.parse(task.sentence, "Lesson").denote())
        g = figure(task, worth(examples))
        seconds = {MACHINE: 0.01, SHORT: 0.25}.get(task.objective, 1.0)
        key = content_key(task.objective, examples)
        return search.Outcome(key, len(examples), {"generalization": (g,)}, seconds=seconds)

    return teach


def honest(_: search.Task, g: float) -> float:
    return g


def misled(task: search.Task, g: float) -> float:
    """The machine knows nothing, short training all."""
    return g * 7919 % 1 if task.objective == MACHINE else g


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    drop = ["seconds", "seconds_at"]
    xr.testing.assert_identical(
        one.drop_vars(drop, errors="ignore").drop_attrs(deep=False),
        other.drop_vars(drop, errors="ignore").drop_attrs(deep=False),
    )


def test_tau_and_the_best_quarter_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(0)
    for ties in (4, 1000):
        one, other = rng.integers(ties, size=(2, 30)).astype(float)
        assert tau_b(one, other) == pytest.approx(kendalltau(one, other).statistic)
    assert np.isnan(tau_b(np.zeros(5), np.arange(5.0)))
    lower, upper = rng.permutation(np.arange(20.0)), rng.permutation(np.arange(20.0))
    best = set(np.argsort(-upper)[:5]) & set(np.argsort(-lower)[:5])
    assert best_quarter(lower, upper) == pytest.approx(len(best) / 5)
    assert best_quarter(np.zeros(20), upper) == pytest.approx(0.25)  # where all tie, what chance gives


def test_a_judgement_drops_what_chance_explains_and_keeps_what_it_does_not() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(40)
    close = judge("a", "b", truth + rng.normal(0, 0.1, 40), truth)
    assert not close.dropped
    assert 0 < close.tau_low < close.tau < close.tau_high <= 1
    assert close.quarter > close.quarter_chance == 0.25
    assert judge("a", "b", rng.random(40), truth).dropped
    assert judge("a", "b", np.zeros(40), truth).dropped
    assert judge("a", "b", -truth, truth).dropped
    assert judge("a", "b", [np.nan, *truth[1:]], [np.nan, *truth[1:]]).tau == 1.0


@pytest.mark.parametrize("tied", [0.0, 0.6])
def test_how_often_a_rung_is_kept(tied: float) -> None:
    """By chance about as often as an end of a 95 % interval says, 2.5 %, a little more for so few; `tied` is
    the share of lessons that teach nothing."""
    rng = np.random.default_rng(2)

    def figures() -> np.ndarray:
        return rng.random(12) * (rng.random(12) >= tied)

    kept = [not judge("a", "b", figures(), figures()).dropped for _ in range(60)]
    assert np.mean(kept) < 0.15
    good = [figures() for _ in range(60)]
    kept = [not judge("a", "b", np.clip(g + (g > 0) * rng.normal(0, 0.1, 12), 0, 1), g).dropped for g in good]
    assert np.mean(kept) > 0.8


def test_the_ranking_is_the_fronts_then_g() -> None:
    g, n = [0.9, 0.9, 0.8, 0.1, 0.85, np.nan], [8, 4, 1, 1, 16, 1]
    assert ranking(g, n) == [1, 2, 0, 4, 3, 5]


def test_a_rung_that_knows_saves_most_trainings_and_finds_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught(honest))
    data = run(tmp_path / "one", 80)
    plain = run(tmp_path / "other", 80, None)
    assert data["sentence"].values.tolist() == plain["sentence"].values.tolist()
    full = (data["rung"] == 0) & (data["origin"] == "search")
    assert 0.05 < full.sum() / 80 < 0.4
    assert float(plain["seconds"].sum()) > 2.5 * float(data["seconds"].sum())
    assert float(data["generalization"].max()) == float(plain["generalization"].max())
    np.testing.assert_array_equal(np.isfinite(data["generalization"].values[:, 0]), data["rung"].values == 0)
    assert not data["on_front"].values[data["rung"].values > 0].any()
    judged = json.loads(data.attrs["ladder"])
    assert [one["rung"] for one in judged] == ["machine", "short"]
    assert not any(one["dropped"] for one in judged)
    assert all(one["tau"] == 1.0 and one["quarter"] == 1.0 for one in judged)
    assert judged[0]["scouts"] == 12  # 15 % of 80, and ten of these to begin with
    assert data["fidelity"].values.tolist() == ["machine", "short", FULL]
    for name, variable in data.variables.items():
        assert {"units", "long_name"} <= set(variable.attrs), name
    analysis.save(data, tmp_path / "result.nc")
    with xr.open_dataset(tmp_path / "result.nc") as read:
        same(read.load(), data)


def test_in_a_search_that_gets_better_no_more_than_their_share_go_on() -> None:
    """Each lesson is better than all before it; the best that waits goes on as soon as there is room."""
    ladder = replace(LADDER, promote=0.05)
    climb = Climb(ladder, lambda level, places: {place: place / 200 for place in places})
    for start in range(0, 160, 8):
        batch = range(start, start + 8)
        for place in batch:
            climb.add(place, f"lesson {place}", 9)
        assert climb.climb(batch)
    assert max(climb.g[2]) < 150  # half of the share is left for the end
    assert climb.finish()
    below, full = (set(climb.g[level]) for level in (1, 2))
    scouts = [len(climb._scouts[level]) for level in (0, 1)]
    assert scouts[0] == 0.15 * 160
    assert scouts[1] == max(10, math.ceil(0.15 * len(below)))
    assert len(below) <= math.ceil(math.sqrt(0.05) * 160) + scouts[0]
    assert len(full) <= 0.05 * 160 + scouts[1]
    assert {158, 159} <= full


def test_who_waits_on_a_rung_that_is_dropped_waits_on_the_one_below_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = False

    def verdict(rung: str, predicts: str, lower: Sequence[float], upper: Sequence[float]) -> Judgement:
        found = judge(rung, predicts, lower, upper)
        return replace(found, tau_low=-1.0) if late and rung == "short" else found

    monkeypatch.setattr("search.ladder.judge", verdict)
    truth = np.random.default_rng(3).permutation(240) / 240
    climb = Climb(replace(LADDER, promote=0.1), lambda _, places: {place: truth[place] for place in places})
    for start in range(0, 240, 20):
        late = start >= 120
        for place in range(start, start + 20):
            climb.add(place, f"lesson {place}", 9)
        assert climb.climb(range(start, start + 20))
        if not late:
            assert climb._passed[0] - set(climb.g[2])  # these wait on the second rung
    assert climb.judgements[1].dropped
    assert climb._passed[0] <= set(climb.g[2])


def blurred(task: search.Task, g: float) -> float:
    """Cheap looks say about what full training says."""
    return g if task.objective == OBJECTIVE else 0.8 * g + 0.2 * (g * 7919 % 1)


def test_what_is_expected_comes_from_all_rungs_that_saw_a_lesson() -> None:
    truth = np.random.default_rng(4).permutation(60) / 60
    noise = np.random.default_rng(5).normal(0, 0.02, 60)
    looks = [0.5 * truth + 0.2, 0.8 * truth + noise, truth]
    climb = Climb(LADDER, lambda level, places: {place: looks[level][place] for place in places})
    climb.add(0, "lesson 0", 9)
    assert climb.climb([0])
    assert climb.expected() == {0: truth[0]}  # which was sent by lot; nothing is known of any other
    for place in range(1, 60):
        climb.add(place, f"lesson {place}", 9)
    assert climb.climb(range(1, 60))
    expected = climb.expected()
    assert sorted(expected) == list(range(60))
    assert all(expected[place] == truth[place] for place in climb.g[2])
    # The first rung errs by nothing, so that hardly anything is left to the second one.
    assert max(abs(expected[place] - truth[place]) for place in expected) < 0.02
    waits = next(place for place in expected if place not in climb.g[2])
    climb.g[0][waits] = math.nan  # failed there
    assert waits in climb.g[1] or waits not in climb.expected()


def test_the_searcher_is_told_what_is_expected_until_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught(blurred))
    told: list[tuple[Evaluated, ...]] = []

    class Watched(RandomSearch):
        def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
            told.append(tuple(history))
            return super().propose(problem, history)

    ladder = replace(LADDER, promote=0.2)
    data = run(tmp_path, 80, ladder, searcher=Watched(batch=8, max_bits=60))
    full = {
        int(data["trial"].values[row]): float(data["generalization"].values[row, 0])
        for row in np.flatnonzero(data["rung"].values == 0)
    }
    assert not any(one.failed for one in told[-1])
    assert 10 <= sum(one.g == full.get(one.index) for one in told[-1]) < 40
    late = [
        one.index
        for before, after in pairwise(told)
        for one in after[: len(before)]
        if not before[one.index - 2].failed and one.g != before[one.index - 2].g
    ]
    assert late
    last = {one.index: one.g for one in told[-1]}
    assert all(last[index] == full[index] for index in late)
    # The best of all are trained in the end, whenever they came.
    seen = data["generalization_at"].sel(fidelity="machine").values
    assert np.nanargmax(seen) in np.flatnonzero(data["rung"].values == 0)


def test_of_what_fails_in_full_training_nothing_is_expected_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach = taught(blurred)

    def failing(task: search.Task) -> search.Outcome:
        """Every third lesson diverges."""
        outcome = teach(task)
        if task.objective != OBJECTIVE or outcome.g * 7907 % 1 > 0.33:
            return outcome
        return search.Outcome(outcome.key, outcome.n, failure="training diverged")

    monkeypatch.setattr(bench, "evaluate", failing)
    told: list[tuple[Evaluated, ...]] = []

    class Watched(RandomSearch):
        def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
            told.append(tuple(history))
            return super().propose(problem, history)

    data = run(tmp_path, 80, replace(LADDER, promote=0.2), searcher=Watched(batch=8, max_bits=60))
    failed = set(data["trial"].values[data["failure"].values != ""].tolist())
    was = [{one.index: one.failed for one in history} for history in told]
    assert any(not before[one] and after[one] for before, after in pairwise(was) for one in before)
    assert {one for one, missing in was[-1].items() if missing} <= failed


def test_of_a_large_lesson_a_rung_may_look_at_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "evaluate", taught(honest))
    ladder = replace(LADDER, rungs=(replace(LADDER.rungs[0], most=4), LADDER.rungs[1]))
    data = run(tmp_path, 20, ladder)
    studies = {
        name: optuna.load_study(study_name=name, storage=f"sqlite:///{tmp_path / 'optuna.db'}").trials
        for name in ("rung-0", "rung-1", "search")
    }
    sizes = {
        name: [trial.user_attrs["n"] for trial in trials if trial.user_attrs["origin"] == "search"]
        for name, trials in studies.items()
    }
    assert max(sizes["rung-0"]) == 4
    assert max(sizes["rung-1"]) > 4
    assert data["n"].values[2:].max() > 4
    for trial in studies["rung-0"]:
        assert len(GRAMMAR.parse(trial.user_attrs["sentence"], "Lesson").denote()) == trial.user_attrs["n"]


def test_a_rung_that_knows_nothing_is_dropped_and_asked_no_more(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught(misled))
    data = run(tmp_path / "one")
    machine, short = json.loads(data.attrs["ladder"])
    assert (machine["dropped"], short["dropped"]) == (True, False)
    assert "machine is dropped: its order says no more about short than chance" in caplog.text
    seen = np.isfinite(data["generalization_at"].sel(fidelity="machine").values)
    assert seen[2:22].sum() == 10  # by lot
    assert not seen[22:].any()
    assert np.isfinite(data["generalization_at"].sel(fidelity="short").values[2:]).all()


def test_a_rung_is_not_dropped_for_what_the_next_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bench, "evaluate", taught(lambda task, g: g * 7919 % 1 if task.objective == SHORT else g)
    )
    machine, short = json.loads(run(tmp_path / "one").attrs["ladder"])
    assert (short["predicts"], short["dropped"]) == (FULL, True)
    assert (machine["predicts"], machine["dropped"], machine["tau"]) == (FULL, False, 1.0)


@pytest.mark.slow
def test_where_nothing_can_be_foretold_it_is_a_plain_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught(lambda task, g: 0.3 if task.objective != OBJECTIVE else g))
    data = run(tmp_path / "one")
    assert (data["rung"] == 0).all()
    plain = run(tmp_path / "other", ladder=None)
    np.testing.assert_array_equal(data["generalization"], plain["generalization"])
    np.testing.assert_array_equal(data["on_front"], plain["on_front"])


@pytest.mark.slow
def test_scouts_are_drawn_by_content_and_not_by_g(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With g turned upside down the same lessons are sent by lot."""
    ladder = replace(LADDER, promote=0.01)
    monkeypatch.setattr(bench, "evaluate", taught(honest))
    one = run(tmp_path / "one", ladder=ladder)
    monkeypatch.setattr(bench, "evaluate", taught(lambda _, g: 1 - g))
    other = run(tmp_path / "other", ladder=ladder)
    full_one, full_other = one["rung"].values == 0, other["rung"].values == 0
    assert (full_one & full_other).sum() >= 10
    assert (full_one ^ full_other).sum() <= 10  # what each promotes for its g, and who is drawn from these


def test_interrupted_on_the_way_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "evaluate", taught(honest))
    whole = run(tmp_path / "other")

    asked = iter([True])

    def impatient(now: search.Progress) -> None:
        if now.trained >= 30 and next(asked, False):
            raise KeyboardInterrupt

    part = run(tmp_path / "one", progress=impatient)
    assert part.attrs["stopped"] == "interrupted"
    assert part.sizes["trial"] < whole.sizes["trial"]
    told: list[search.Progress] = []
    same(run(tmp_path / "one", progress=told.append), whole)
    assert (told[-1].done, told[-1].total) == (40, 40)
    monkeypatch.setattr(bench, "evaluate", None)
    same(run(tmp_path / "one"), whole)
    for name in ("search", "rung-0", "rung-1"):
        url = f"sqlite:///{tmp_path / 'one' / 'optuna.db'}"
        trials = optuna.load_study(study_name=name, storage=url).trials
        done = [trial.user_attrs["key"] for trial in trials if trial.state.name == "COMPLETE"]
        assert len(done) == len(set(done)) > 0


@pytest.mark.slow
def test_real_rungs_in_processes_give_what_they_give_here(tmp_path: Path) -> None:
    """Machines as rungs and a machine on top, so that a training is a moment's work."""
    own = OBJECTIVE.taught_to("equivariant_local", {"patch": 5, "sampler_steps": 8})
    coarse = own.taught_to("equivariant_local", {"patch": 5, "sampler_steps": 7})
    ladder = Ladder((Rung("coarse", coarse),))
    here = run(tmp_path / "here", 40, ladder, objective=own)
    there = run(tmp_path / "there", 40, ladder, workers=2, objective=own)
    same(here, there)
    seen = here["generalization_at"].values
    assert np.isfinite(seen[2:, 0]).sum() >= 10
    assert set(here["rung"].values[np.isnan(seen[:, 1])].tolist()) <= {1}
    np.testing.assert_array_equal(seen[:, 1], here["generalization"].values[:, 0])


@pytest.mark.parametrize(
    ("learner", "settings", "names"),
    [
        ("conv", {"steps": 800}, ["machine (equivariant_local)", "short training (200 steps)"]),
        ("conv", {"padding": "zeros", "steps": 80},
         ["machine (boundary_broken)", "short training (20 steps)"]),
        ("transformer", {"steps": 8}, ["short training (2 steps)"]),
        ("mlp", {"steps": 80}, ["short training (20 steps)"]),
        ("equivariant_local", {}, []),
    ],
)  # fmt: skip
def test_the_rungs_of_a_learner(learner: str, settings: dict[str, int | str], names: list[str]) -> None:
    ladder = ladder_of(replace(OBJECTIVE.taught_to(learner, settings), seeds=3))
    assert ladder.names == [*names, FULL]
    assert all((rung.objective.seeds, rung.objective.samples) == (1, 64) for rung in ladder.rungs)


def test_what_cannot_be_asked_is_one_line() -> None:
    with pytest.raises(search.SearchError, match=r"`0 < promote <= 1` must hold, but got promote=0"):
        ladder_of(OBJECTIVE, promote=0)
    with pytest.raises(search.SearchError, match=r"`0 < share < 1` must hold, but got share=1"):
        ladder_of(OBJECTIVE, share=1)
    with pytest.raises(search.SearchError, match=r"`least >= 4` must hold, but got least=3"):
        ladder_of(OBJECTIVE, least=3)
