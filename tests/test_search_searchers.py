"""Every searcher is a function of seed and history that proposes new lessons and does what it says."""

import random
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
import xarray as xr
from scipy import stats

import grammars
import search
from search import derivations
from search.annealing import Annealing
from search.derivations import Chooser, at_levels, choices, compose, levels, skeleton
from search.optuna_search import SAMPLERS, OptunaSearch
from search.searcher import Admission, Evaluated, Problem, Searcher
from search.swarm import Swarm
from study.job import searcher_of
from study.resolve import StudyError, resolve

GRAMMAR = grammars.load("dots", grammars.Grid(5, 5))
OBJECTIVE = search.Objective(
    "dots", GRAMMAR.space, "dots(k=between(1, 2))", "equivariant_local",
    (("patch", 3), ("sampler_steps", 4)), samples=64,
)  # fmt: skip
Score = Callable[[grammars.Sentence], float]

QUICK = {  # each as it is, but for batches small enough to see several of them
    "annealing": {"first": 6},
    "enumeration": {"batch": 6},
    "genetic": {"first": 8, "offspring": 4},
    "iid": {"batch": 6},
    "random": {"batch": 6},
    "swarm": {"first": 6, "particles": 3, "moves": 2},
    **{f"optuna {name}": {"sampler": name, "first": 10, "batch": 1, "dimensions": 4} for name in SAMPLERS},
}
LABELS = sorted({*QUICK, *search.available()} - {"optuna"})


def load(label: str, **values: object) -> Searcher:
    return search.load(label.partition(" ")[0], **{**QUICK.get(label, {}), **values})


def few_bits(sentence: grammars.Sentence) -> float:
    """A stand-in for g that knows nothing of examples."""
    return 1.0 / (1.0 + abs(sentence.bits - 40.0) / 40.0)


def simulate(
    searcher: Searcher,
    generations: int,
    seed: int = 0,
    score: Score = few_bits,
    history: Sequence[Evaluated] = (),
    grammar: grammars.Grammar = GRAMMAR,
    objective: search.Objective = OBJECTIVE,
) -> list[Evaluated]:
    """What the driver does, with a score in the place of a training; goes on from a history."""
    rows, seen = list(history), {}
    taken = {look.key for one in rows if (look := Admission(objective, ()).look(one.sentence))}
    for generation in range(1 + max((one.generation for one in rows), default=-1), generations):
        problem = Problem(grammar, seed, Admission(objective, taken, looked_at=seen))
        batch = list(searcher.propose(problem, tuple(rows)))
        for proposal in batch:
            one = proposal.candidate
            taken.add(one.key)
            rows.append(
                Evaluated(len(rows), one.sentence, generation, proposal.parents, one.n, score(one.sentence))
            )
    return rows


def told(rows: Sequence[Evaluated]) -> list[tuple[str, tuple[int, ...], int]]:
    return [(str(one.sentence), one.parents, one.generation) for one in rows]


# What every searcher holds to.


@pytest.mark.parametrize("label", LABELS)
def test_a_function_of_seed_and_history(label: str) -> None:
    generations = 3
    whole = simulate(load(label), generations)

    def disturbing(sentence: grammars.Sentence) -> float:
        random.seed(sentence.bits)
        np.random.seed(int(random.random() * 1000))  # noqa: NPY002
        torch.manual_seed(7)
        return few_bits(sentence)

    begun = simulate(load(label), generations - 1, score=disturbing)
    resumed = simulate(load(label), generations, history=begun)
    assert told(resumed) == told(whole)
    if label != "enumeration":
        other = simulate(load(label), 1, seed=1)
        assert told(other) != told(whole)[: len(other)]


@pytest.mark.parametrize("label", LABELS)
def test_new_lessons_within_the_bound(label: str) -> None:
    bound = {} if label == "iid" else {"max_bits": 60.0}
    rows = simulate(load(label, **bound), 3)
    denoted = [tuple(sorted(example.tobytes() for example in one.sentence.denote())) for one in rows]
    assert all(denoted)
    assert len(set(denoted)) == len(denoted)
    assert {one.generation for one in rows} == {0, 1, 2}
    assert label == "iid" or max(one.bits for one in rows) <= 60.0
    assert all(rows[parent].generation < one.generation for one in rows for parent in one.parents)


@pytest.mark.parametrize("label", LABELS)
def test_goes_on_where_all_failed_and_where_one_did_not(label: str) -> None:
    first = simulate(load(label), 1, score=lambda sentence: np.nan)
    assert len(simulate(load(label), 2, history=first)) > len(first)
    mixed = [Evaluated(o.index, o.sentence, 0, (), o.n, 0.5 if o.index == 2 else np.nan) for o in first]
    assert len(simulate(load(label), 2, history=mixed)) > len(first)


def run(folder: Path, label: str, workers: int = 0) -> xr.Dataset:
    with (
        search.sole_driver(folder),
        search.start(workers) as pool,
        search.open_ledger(
            f"sqlite:///{folder / 'optuna.db'}", folder / "artifacts", "search", OBJECTIVE.content()
        ) as book,
    ):
        return search.minimise(OBJECTIVE, GRAMMAR, load(label), 12, book, pool)


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
def test_the_same_from_the_ledger_and_with_any_number_of_workers(label: str, tmp_path: Path) -> None:
    alone = run(tmp_path / "alone", label)
    assert alone.sizes["trial"] == 12
    again = run(tmp_path / "alone", label)
    many = run(tmp_path / "many", label, workers=3)
    for other in (again, many):
        for name in ("sentence", "parents", "generation", "generalization", "on_front"):
            assert (other[name].values == alone[name].values).all(), name
    assert (again["seconds"].values == alone["seconds"].values).all()  # nothing was trained anew


def test_settings_reach_the_command_line() -> None:
    words = ["search.searcher=annealing", "search.cooling=0.9", "search.ahead=2", "search.n_price=0"]
    assert searcher_of(resolve(words).settings) == Annealing(cooling=0.9, ahead=2, n_price=0.0)
    words = ["search.searcher=optuna", "search.sampler=gp"]
    assert searcher_of(resolve(words).settings) == OptunaSearch(sampler="gp")
    with pytest.raises(StudyError, match="search.sampler=gpp: not one of its choices; did you mean gp?"):
        resolve(["search.searcher=optuna", "search.sampler=gpp"])
    with pytest.raises(search.SearchError, match="sampler has no choice 'tpa'; did you mean tpe?"):
        search.load("optuna", sampler="tpa")


# Derivations.


@pytest.mark.parametrize("name", sorted(grammars.available()))
def test_a_sentence_is_its_choices(name: str) -> None:
    grammar, rng = grammars.load(name), np.random.default_rng(0)
    laws: dict[str, object] = {}
    always: set[str] | None = None
    study = optuna.create_study()
    for _ in range(25):
        sentence = grammar.random("Lesson", rng)
        given = {choice.name: choice.value for choice in choices(sentence)}
        assert compose(grammar, "Lesson", derivations._Given(given), 1e9) == sentence
        assert at_levels(sentence, levels(sentence)) == sentence
        params, distributions = derivations.parameters(sentence)
        for key, distribution in distributions.items():  # a name has one distribution for ever
            assert laws.setdefault(key, distribution) == distribution
            assert distribution._contains(distribution.to_internal_repr(params[key]))
        always = set(params) if always is None else always & set(params)
        study.add_trial(optuna.create_trial(params=params, distributions=distributions, value=sentence.bits))
        drawn = compose(grammar, "Lesson", Chooser(rng), 90.0)
        assert drawn.bits <= 90.0
        assert grammar.parse(str(drawn), "Lesson") == drawn
    assert always is not None
    assert set(grammar.types) <= always  # so importances compare all trials
    assert set(grammar.types) <= set(
        optuna.importance.get_param_importances(study, params=sorted(grammar.types))
    )


def test_parameters_are_what_a_person_reads() -> None:
    params, distributions = derivations.parameters(GRAMMAR.parse("take(8, dots(k=between(1, 3)), seed=5)"))
    assert params == {
        "Lesson": "take", "Set": "dots", "Count": "between", "Region": "everywhere",
        **dict.fromkeys(set(GRAMMAR.types) - {"Lesson", "Set", "Count", "Region"}, "none"),
        "take.n": 8, "take.seed": 5, "take.of": "dots",
        "take.of.dots.k": "between", "take.of.dots.k.between.low": 1, "take.of.dots.k.between.high": 3,
        "take.of.dots.gap": 1, "take.of.dots.region": "everywhere", "take.of.dots.neighbours": 8,
    }  # fmt: skip
    assert distributions["take.n"] == optuna.distributions.IntDistribution(1, 1024)
    assert "seed" not in " ".join(derivations.model(GRAMMAR.parse("take(8, dots(k=2), seed=5)"))[0])


def test_equal_steps_of_level_are_equally_probable() -> None:
    [choice] = [c for c in choices(GRAMMAR.parse("take(8, dots(k=2), seed=5)")) if c.name == "take.n"]
    scale = derivations.listed(choice.of)
    assert all(scale.at(scale.level(value)) == value for value in scale.values)
    drawn = [scale.at(level) for level in (np.arange(20_000) + 0.5) / 20_000]
    expected = [2.0 ** -choice.of.bits(value) for value in (1, 2, 3, 50, 1024)]
    assert [drawn.count(v) / 2e4 for v in (1, 2, 3, 50, 1024)] == pytest.approx(expected, abs=1e-4)
    assert scale.at(0.999, budget=choice.of.bits(9)) == 9  # the nearest that is affordable
    rng = np.random.default_rng(0)
    rules = [compose(GRAMMAR, "Lesson", Chooser(rng), 500.0).rule for _ in range(400)]
    shares = {p.name: 2.0**-p.bits for p in GRAMMAR.category("Lesson").productions}
    counts = [rules.count(name) for name in shares]
    wanted = 400 * np.array(list(shares.values())) / sum(shares.values())
    assert stats.chisquare(counts, wanted).pvalue > 1e-3


# What each does.


def walk(scores: Sequence[float]) -> list[Evaluated]:
    """A history of one beginning and one step after another; n = 1 and short sentences of equal length."""
    sentences = [s for s in islice(GRAMMAR.enumerate("Lesson"), 200) if str(s).startswith("these(at")]
    return [Evaluated(i, sentences[i], min(i, 1), (), 1, g) for i, g in enumerate(scores)]


def test_annealing_walks_uphill_when_cold_and_anywhere_when_hot() -> None:
    scores = np.random.default_rng(0).random(20).tolist()
    history = walk(scores)
    cold = Annealing(hottest=1e-9, coldest=1e-9)
    hot = Annealing(hottest=10.0, coldest=10.0)
    for seen in range(1, 20):
        assert cold.current(0, history[:seen]).g == max(scores[:seen])  # type: ignore[union-attr]
    stands = [hot.current(0, history[:seen]).index for seen in range(1, 20)]  # type: ignore[union-attr]
    assert stands.count(max(stands)) <= 3
    assert sum(place == seen for seen, place in enumerate(stands)) >= 15


def test_annealing_accepts_as_often_as_metropolis_says() -> None:
    history = walk([0.5, 0.4])
    searcher = Annealing(hottest=0.1, coldest=0.1)
    moved = sum(searcher.current(seed, history).index == 1 for seed in range(400))  # type: ignore[union-attr]
    assert abs(moved / 400 - np.exp(-1)) < 4 * np.sqrt(0.37 * 0.63 / 400)


def test_annealing_returns_to_the_best() -> None:
    scores = [0.5, 0.9, 0.85, *[0.0] * 6]
    searcher = Annealing(hottest=10.0, coldest=1e-9, cooling=1e-6, patience=3)  # hot for one step only
    history = walk([scores[1], scores[2], *scores[3:]])
    stands = [searcher.current(1, history[:seen]).index for seen in range(1, 9)]  # type: ignore[union-attr]
    assert stands == [0, 1, 1, 1, 0, 0, 0, 0]


def test_enumeration_is_the_whole_language_in_order() -> None:
    grammar = grammars.load("dots", grammars.Grid(1, 3))
    objective = search.Objective("dots", grammar.space, "dots(k=1)", "ideal")
    rows = simulate(search.load("enumeration", max_bits=13.0), 8, grammar=grammar, objective=objective)
    expected, seen = [], set()
    for sentence in grammar.enumerate("Lesson", 13.0):
        key = frozenset(example.tobytes() for example in sentence.denote())
        if key and key not in seen:
            expected.append(str(sentence))
            seen.add(key)
    assert [str(one.sentence) for one in rows] == expected
    assert len(expected) >= 10


def test_enumeration_does_not_stay_with_one_lesson_and_all_its_seeds() -> None:
    from grammars import algebra, dots  # a language that can say little else: all others are said first

    rules = (algebra.take, dots.dots, dots.exactly, algebra.everywhere)
    tiny = grammars.Grammar(grammars.Language("tiny", "", rules, GRAMMAR.space, "dots(k=1)", dots.DOTS))

    def seeded(seeds: int) -> list[str]:
        problem = Problem(tiny, 0, Admission(OBJECTIVE, ()))
        found = search.load("enumeration", batch=12, seeds=seeds).propose(problem, ())
        return [str(proposal.candidate.sentence) for proposal in found]

    alone, three = seeded(1), seeded(3)
    assert all(text.endswith("seed=0)") for text in alone)
    assert len({text.partition("seed")[0] for text in alone}) == 12
    assert {text.partition("seed=")[2] for text in three} == {"0)", "1)", "2)"}
    assert [tiny.parse(text).bits for text in alone] == sorted(tiny.parse(t).bits for t in alone)


def test_iid_is_nothing_but_samples_of_the_target_of_all_sizes() -> None:
    rows = simulate(search.load("iid", batch=12, most=128), 3)
    for one in rows:
        n, _, rest = str(one.sentence).removeprefix("take(").partition(", ")
        assert rest.startswith(f"{OBJECTIVE.target}, seed=")
        assert 1 <= int(n) <= 128
    sizes = np.log2([one.n for one in rows])
    assert {int(size) for size in sizes} >= set(range(7))
    assert np.histogram(sizes, bins=[0, 3.5, 7.01])[0].min() >= 9
    forbidden = Admission(OBJECTIVE, (), allow=lambda sentence: False)
    assert list(search.load("iid").propose(Problem(GRAMMAR, 0, forbidden), ())) == []
    with pytest.raises(search.SearchError, match="`least <= most` must hold, but got least=9 and most=4"):
        list(search.load("iid", least=9, most=4).propose(Problem(GRAMMAR, 0, forbidden), ()))


def near_37(sentence: grammars.Sentence) -> float:
    """A stand-in for g with one best n, for lessons that have an n."""
    if not str(sentence).startswith("take("):
        return 0.0
    return float(np.exp(-abs(np.log2(sentence.args[0] / 37))))


def test_a_swarm_keeps_the_structure_and_moves_the_numbers() -> None:
    searcher = Swarm(first=12, particles=5, moves=6, n_price=0.0, bit_price=0.0)
    rows = simulate(searcher, 7, score=near_37)
    begun = [one for one in rows if one.generation == 0]
    moved = [one for one in rows if one.generation > 0]
    leader = searcher.best(begun)
    assert leader is not None
    assert {skeleton(one.sentence) for one in moved} == {skeleton(leader.sentence)}
    seeds = {choice.value for one in moved for choice in choices(one.sentence) if choice.kind == "free"}
    assert len(seeds) == 1
    assert len({str(one.sentence) for one in moved}) == len(moved) >= 25
    last = [one.g for one in moved if one.generation >= 5]
    assert np.mean(last) > np.mean([one.g for one in moved if one.generation == 1])
    assert max(one.g for one in moved) > 0.9
    first_of = {path[0].index for path in searcher._paths(moved, skeleton(leader.sentence))}
    assert len(first_of) == 5  # every later row goes on where a particle was
    later = simulate(searcher, 9, score=near_37, history=rows)
    assert len({skeleton(one.sentence) for one in later if one.generation == 8}) == 1
    assert skeleton(later[-1].sentence) != skeleton(leader.sentence)  # another structure in the next round
