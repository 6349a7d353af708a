"""One evaluation: a function of its content, whatever goes wrong."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import analysis
import grammars
import models
import search
from search import evaluation
from search.evaluation import Task, canonical, content_key, derived_seed, evaluate

GRID = grammars.Grid(5, 5)
OBJECTIVE = search.Objective(
    "dots",
    GRID,
    "dots(k=between(1, 2))",
    "equivariant_local",
    (("patch", 3), ("sampler_steps", 4)),
    samples=64,
)
GRAMMAR = grammars.load("dots", GRID)


def key_of(sentence: str, objective: search.Objective = OBJECTIVE) -> str:
    return content_key(objective, canonical(GRAMMAR.parse(sentence, "Lesson").denote()))


def test_a_lesson_is_taught_and_measured() -> None:
    outcome = evaluate(Task(OBJECTIVE, "these(at(0, 1), overlay(at(0, 0), at(2, 2)), at(0, 1))"))
    assert outcome.failure is None
    assert outcome.n == 2
    assert outcome.key == key_of("these(at(0, 1), overlay(at(0, 0), at(2, 2)))")
    assert 0 < outcome.g < 1
    assert set(analysis.MEASURES) <= {*outcome.measures, *outcome.strata}
    assert outcome.stratum_names == {1: "1 dot", 2: "2 dots"}
    assert outcome.pictures is not None
    assert outcome.pictures.samples.shape == (1, 32, 5, 5)
    assert sorted(outcome.pictures.examples.sum(axis=(1, 2)).tolist()) == [1, 2]


def test_the_measures_are_those_of_the_learner_taught_by_hand() -> None:
    sentence = "take(6, dots(k=2), seed=3)"
    outcome = evaluate(Task(OBJECTIVE, sentence))
    lesson = canonical(GRAMMAR.parse(sentence).denote())
    learner = models.load("equivariant_local", patch=3, sampler_steps=4)
    fitted = learner.fit([lesson], [derived_seed(OBJECTIVE, lesson, "train", 0)])[0]
    samples = fitted.sample(64, derived_seed(OBJECTIVE, lesson, "sample", 0))
    by_hand = analysis.measures(samples, GRAMMAR.parse(OBJECTIVE.target, "Set").denote(), lesson)
    assert outcome.g == by_hand["generalization"]
    assert outcome.strata["count"][0] == tuple(by_hand["count"])
    assert outcome.pictures is not None
    np.testing.assert_array_equal(outcome.pictures.samples[0], samples[:32])


def test_it_is_a_function_of_the_task() -> None:
    task = Task(replace(OBJECTIVE, learner="conv", settings=(("steps", 3), ("width", 4))), "every(dots(k=1))")
    first, second = evaluate(task), evaluate(pickle.loads(pickle.dumps(task)))
    assert first.failure is None
    assert first.measures == second.measures
    assert first.measures["loss"][0] > 0
    assert first.pictures is not None
    assert second.pictures is not None
    np.testing.assert_array_equal(first.pictures.samples, second.pictures.samples)


def test_sentences_with_the_same_examples_are_one_evaluation() -> None:
    one, other = "every(dots(k=1))", "join(take(25, dots(k=1), seed=9), these(at(3, 3)))"
    assert key_of(one) == key_of(other)
    first, second = evaluate(Task(OBJECTIVE, one)), evaluate(Task(OBJECTIVE, other))
    assert (first.key, first.measures, first.strata) == (second.key, second.measures, second.strata)


@pytest.mark.parametrize(
    "changed",
    [
        {"target": "dots(k=2)"},
        {"learner": "ideal"},
        {"settings": (("patch", 5),)},
        {"samples": 65},
        {"seed": 1},
        {"seeds": 2},
        {"paired": True},
    ],
)
def test_the_key_names_everything_the_result_depends_on(changed: dict[str, object]) -> None:
    assert key_of("every(dots(k=1))", replace(OBJECTIVE, **changed)) != key_of("every(dots(k=1))")  # type: ignore[arg-type]


def test_the_key_does_not_name_what_changes_nothing() -> None:
    same = replace(OBJECTIVE, device="cuda", plugins=("math",), settings=OBJECTIVE.settings[::-1])
    assert key_of("every(dots(k=1))", same) == key_of("every(dots(k=1))")


def test_the_key_is_the_same_on_every_machine() -> None:
    """Ledgers hold keys: this one was computed once and must never change by accident."""
    assert key_of("these(at(0, 0), at(4, 4))")[:16] == "7407aecefd7a1559"


def test_canonical_examples_are_a_set() -> None:
    rng = np.random.default_rng(0)
    examples = rng.random((40, 3, 2)) < 0.3
    shuffled = examples[rng.permutation(40)]
    np.testing.assert_array_equal(canonical(examples), canonical(shuffled))
    assert {e.tobytes() for e in canonical(examples)} == {e.tobytes() for e in examples}
    assert len(canonical(examples)) == len({e.tobytes() for e in examples})
    points = rng.normal(size=(9, 2))
    np.testing.assert_array_equal(canonical(points[::-1].copy()), canonical(points))
    assert canonical(examples[:0]).shape == (0, 3, 2)


def test_paired_seeds_are_equal_for_all_lessons_and_others_are_not() -> None:
    one, two = np.zeros((1, 5, 5), bool), np.ones((2, 5, 5), bool)
    paired = replace(OBJECTIVE, paired=True)
    assert derived_seed(paired, one, "train", 0) == derived_seed(paired, two, "train", 0)
    assert derived_seed(OBJECTIVE, one, "train", 0) != derived_seed(OBJECTIVE, two, "train", 0)
    seeds = {
        derived_seed(replace(OBJECTIVE, seed=seed), one, purpose, place)
        for seed in range(3)
        for purpose in ("train", "sample")
        for place in range(3)
    }
    assert len(seeds) == 18
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_several_seeds_are_several_trainings() -> None:
    outcome = evaluate(Task(replace(OBJECTIVE, seeds=3), "every(dots(k=1))"))
    assert {len(values) for values in outcome.measures.values()} == {3}
    assert len(set(outcome.measures["validity"])) > 1
    assert outcome.g == pytest.approx(np.mean(outcome.measures["generalization"]))
    assert outcome.pictures is not None
    assert outcome.pictures.samples.shape == (3, 32, 5, 5)


def test_an_empty_lesson_scores_zero_untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "load", None)  # would raise if anything were trained
    outcome = evaluate(Task(OBJECTIVE, "every(difference(dots(k=1), dots(k=1)))"))
    assert (outcome.failure, outcome.n, outcome.g) == (None, 0, 0.0)
    assert outcome.measures["steps"] == (0.0,)


MOODY = """
import models
from models.ideal import Ideal

class Moody(Ideal):
    "Fails in the ways in which learners fail."
    def fit_examples(self, examples, *rest):
        if len(examples[0]) == 2:
            raise RuntimeError("no luck today\\nand a long story")
        if len(examples[0]) == 3:
            raise MemoryError
        members = super().fit_examples(examples, *rest)
        for member in members:
            member.diverged = len(examples[0]) == 4
        return members

models.register("moody", "moody_learner:Moody", "fails now and then")
"""


@pytest.fixture
def moody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> search.Objective:
    (tmp_path / "moody_learner.py").write_text(MOODY)
    monkeypatch.syspath_prepend(tmp_path)
    return replace(OBJECTIVE, learner="moody", settings=(), plugins=("moody_learner",))


@pytest.mark.parametrize(
    ("n", "failure", "lost"),
    [
        (1, None, False),
        (2, "RuntimeError: no luck today", True),
        (3, "MemoryError", True),
        (4, "training diverged after 0 steps", False),
    ],
)
def test_what_goes_wrong_is_one_line(
    moody: search.Objective, n: int, failure: str | None, lost: bool
) -> None:
    outcome = evaluate(Task(moody, f"take({n}, dots(k=1), seed=0)"))
    assert outcome.lost is lost
    assert outcome.n == n
    assert (outcome.failure or "").startswith(failure or "")
    assert (outcome.failure is None) == (failure is None)
    assert "\n" not in (outcome.failure or "")
    assert np.isnan(outcome.g) == (failure is not None)


def test_a_g_that_is_no_number_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    real = analysis.measures

    def poisoned(*args: object) -> dict[str, object]:
        return {**real(*args), "generalization": float("nan")}  # type: ignore[arg-type]

    monkeypatch.setattr(evaluation.analysis, "measures", poisoned)
    outcome = evaluate(Task(OBJECTIVE, "every(dots(k=1))"))
    assert outcome.failure == "generalization is not a number: (nan,)"
    assert not outcome.lost


@pytest.mark.parametrize(
    ("objective", "sentence", "said"),
    [
        (OBJECTIVE, "take(3, dots(k=two), seed=0)", "SentenceError"),
        (replace(OBJECTIVE, grammar="dotz"), "every(dots(k=1))", "did you mean 'dots'"),
        (replace(OBJECTIVE, learner="convv"), "every(dots(k=1))", "did you mean 'conv'"),
        (replace(OBJECTIVE, settings=(("patch", -1),)), "every(dots(k=1))", "patch=-1"),
        (replace(OBJECTIVE, plugins=("no_such_module",)), "every(dots(k=1))", "plugin 'no_such_module'"),
    ],
)
def test_wrong_names_are_failures_that_may_be_mended(
    objective: search.Objective, sentence: str, said: str
) -> None:
    outcome = evaluate(Task(objective, sentence))
    assert outcome.failure is not None
    assert said.replace("'", "") in outcome.failure.replace("'", "").replace('"', "")
    assert outcome.lost


@pytest.mark.parametrize("name", ["samples", "seeds"])
def test_an_objective_checks_its_numbers(name: str) -> None:
    with pytest.raises(search.SearchError, match=rf"`{name} >= 1` must hold, but got {name}=0"):
        replace(OBJECTIVE, **{name: 0})  # type: ignore[arg-type]


def test_baselines_are_samples_of_the_target() -> None:
    sentences = search.iid(GRAMMAR, "dots(k=between(1, 2))", seed=2**16 + 5, sizes=(1, 4, 999))
    assert [str(sentence) for sentence in sentences][:2] == [
        "take(1, dots(k=between(1, 2)), seed=5)",
        "take(4, dots(k=between(1, 2)), seed=5)",
    ]
    target = GRAMMAR.parse("dots(k=between(1, 2))", "Set").denote()
    lessons = [sentence.denote() for sentence in sentences]
    assert [len(lesson) for lesson in lessons] == [1, 4, target.size()]
    assert all(target.contains(lesson).all() for lesson in lessons)
    with pytest.raises(search.SearchError, match=r"the baseline take\(1, .* is no sentence of dots"):
        search.iid(GRAMMAR, "dots(k=two)", seed=0)
