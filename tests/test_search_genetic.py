"""The genetic searcher: a function of seed and history that climbs, on objectives with known answers."""

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

import grammars
import search
from search.edits import edited
from search.genetic import Fitness, Genetic, python_random
from search.searcher import Admission, Evaluated, Problem, Searcher

GRAMMAR = grammars.load("dots", grammars.Grid(5, 5))
OBJECTIVE = search.Objective("dots", GRAMMAR.space, "dots(k=between(1, 3))", "ideal")
Score = Callable[[grammars.Sentence], float]


def variety(sentence: grammars.Sentence) -> float:
    """A stand-in for g: how many different numbers of dots from 1 to 3 the lesson shows, less when large."""
    examples = sentence.denote()
    kinds = set(examples.reshape(len(examples), -1).sum(axis=1).tolist()) & {1, 2, 3}
    return len(kinds) / 3 - 1e-4 * len(examples)


def simulate(searcher: Searcher, generations: int, seed: int = 0, score: Score = variety) -> list[Evaluated]:
    """What the driver does, with a score in the place of a training."""
    history: list[Evaluated] = []
    taken: set[str] = set()
    for generation in range(generations):
        problem = Problem(GRAMMAR, seed, Admission(OBJECTIVE, taken))
        for proposal in searcher.propose(problem, tuple(history)):
            one = proposal.candidate
            taken.add(one.key)
            g = score(one.sentence)
            history.append(Evaluated(len(history), one.sentence, generation, proposal.parents, one.n, g))
    return history


SMALL = Genetic(first=12, population=4, offspring=6)


def test_the_same_seed_proposes_the_same_whatever_the_global_generators_do() -> None:
    first = simulate(SMALL, 4)

    def disturbing(sentence: grammars.Sentence) -> float:
        random.seed(sentence.bits)
        np.random.seed(int(random.random() * 1000))  # noqa: NPY002
        torch.manual_seed(7)
        return variety(sentence)

    second = simulate(SMALL, 4, score=disturbing)
    assert [str(one.sentence) for one in first] == [str(one.sentence) for one in second]
    assert [one.parents for one in first] == [one.parents for one in second]
    assert [str(one.sentence) for one in first] != [str(one.sentence) for one in simulate(SMALL, 4, seed=1)]


def test_a_proposal_depends_on_the_history_alone_not_on_the_searcher() -> None:
    history = simulate(SMALL, 3)
    taken = {Admission(OBJECTIVE, ()).look(one.sentence).key for one in history}  # type: ignore[union-attr]

    def next_batch(searcher: Searcher) -> list[str]:
        proposals = searcher.propose(Problem(GRAMMAR, 0, Admission(OBJECTIVE, taken)), tuple(history))
        return [str(proposal.candidate.sentence) for proposal in proposals]

    used, fresh = replace(SMALL), replace(SMALL)
    next_batch(used)
    assert next_batch(used) == next_batch(fresh)


def test_deap_leaves_pythons_generator_as_it_was() -> None:
    random.seed(5)
    state = random.getstate()
    simulate(SMALL, 3)
    assert random.getstate() == state
    with python_random(1):
        inside = random.random()
    assert random.getstate() == state
    with python_random(1):
        assert random.random() == inside


def test_nothing_is_proposed_twice_and_nothing_empty() -> None:
    history = simulate(SMALL, 8)
    denoted = [tuple(sorted(example.tobytes() for example in one.sentence.denote())) for one in history]
    assert len(set(denoted)) == len(denoted)
    assert all(denoted)
    assert all(one.bits <= SMALL.max_bits for one in history)


def test_the_first_generation_has_small_and_large_lessons() -> None:
    first = simulate(Genetic(first=16), 1)
    sizes = np.array([one.n for one in first])
    assert len(sizes) == 16
    assert (sizes <= 4).sum() >= 3
    assert (sizes > 16).sum() >= 3
    assert len({round(one.bits / 20) for one in first}) >= 3


def border(sentence: grammars.Sentence) -> float:
    """Another stand-in for g: one to three dots, in the outer ring, evenly."""
    examples = sentence.denote()
    ring = np.ones((5, 5))
    ring[1:-1, 1:-1] = 0
    where = examples.mean(axis=0) / max(examples.mean(axis=0).sum(), 1e-9)
    fitting = np.isin(examples.reshape(len(examples), -1).sum(axis=1), (1, 2, 3)).mean()
    return float(fitting * (1 - np.abs(where - ring / ring.sum()).sum() / 2))


def cells(sentence: grammars.Sentence) -> float:
    """A stand-in for what single examples are worth: how much of the grid they show, in one to three dots."""
    examples = sentence.denote()
    fitting = np.isin(examples.reshape(len(examples), -1).sum(axis=1), (1, 2, 3)).mean()
    return float(fitting * examples.any(axis=0).mean())


def test_words_alone_climb_further_than_random_search_at_equal_cost() -> None:
    def found(searcher: Searcher, generations: int, seed: int) -> float:
        """Worth of the best lesson in 60 evaluations: g, with a price on n."""
        history = simulate(searcher, generations, seed, border)
        assert len(history) == 60
        return max(one.g - 0.1 * np.log2(one.n) for one in history)

    words = Genetic(from_target=0.0, edits=0.0)
    genetic = [found(words, 7, seed) for seed in range(4)]
    at_random = [found(search.load("random", batch=60), 1, seed) for seed in range(4)]
    assert np.mean(genetic) > np.mean(at_random)


def test_edits_make_small_samples_better_than_drawing_as_many() -> None:
    def best(searcher: Searcher, generations: int, seed: int) -> float:
        """The best of the lessons of at most six examples, in 60 evaluations."""
        history = simulate(searcher, generations, seed, cells)
        assert len(history) == 60
        return max(one.g for one in history if one.n <= 6)

    genetic = [best(Genetic(), 7, seed) for seed in range(8)]
    drawn = [best(search.load("iid", batch=60), 1, seed) for seed in range(8)]
    assert np.mean(genetic) > np.mean(drawn)


def test_no_sample_of_the_target_is_proposed_where_it_is_not_allowed() -> None:
    def allowed(sentence: grammars.Sentence) -> bool:
        return str(OBJECTIVE.target) not in str(sentence)

    first = list(Genetic().propose(Problem(GRAMMAR, 0, Admission(OBJECTIVE, set(), allowed)), ()))
    assert len(first) == 24
    assert not [one for one in first if OBJECTIVE.target in str(one.candidate.sentence)]


def test_worthless_lessons_do_not_crowd_out_the_good_ones() -> None:
    """Many lessons of one example with g = 0 are on the plain front; they must not become the parents."""
    history = simulate(SMALL, 1)
    worthless = [replace(one, g=0.0, n=1) for one in history[:10]]
    good = [replace(history[10], g=0.9, n=300), replace(history[11], g=0.8, n=40)]
    survivors = SMALL._survivors([*worthless, *good])
    assert {survivor.index for survivor in survivors[:2]} == {10, 11}
    tournament = SMALL._parents(survivors)
    assert sum(parent.index in {10, 11} for parent in tournament) > len(tournament) / 2


def test_survivors_of_a_longer_history_are_those_found_from_the_start() -> None:
    """Whatever the searcher remembers: other histories in between, a generation cut off, a failure."""
    history = simulate(SMALL, 5)
    history[14] = replace(history[14], g=float("nan"))
    other = [replace(one, g=1 - one.g) for one in history]
    remembering = replace(SMALL)
    for told in (history[:12], history[:18], history[:20], history[:24], other[:24], history[:24], history):
        expected = [one.index for one in replace(SMALL)._survivors(told)]
        assert [one.index for one in remembering._survivors(told)] == expected
        assert [one.index for one in remembering._survivors(told)] == expected


def fitness(g: float, n: float, bits: float, feasible: bool = True) -> Fitness:
    made = Fitness((g, n, bits))
    made.feasible = feasible
    return made


@pytest.mark.parametrize(
    ("first", "second", "dominates"),
    [
        (fitness(0.9, 2, 30), fitness(0.8, 2, 30), True),
        (fitness(0.9, 2, 30), fitness(0.8, 1, 30), False),
        (fitness(0.9, 2, 30), fitness(0.9, 2, 30), False),
        (fitness(0.6, 9, 99), fitness(0.1, 0, 3, feasible=False), True),
        (fitness(0.1, 0, 3, feasible=False), fitness(0.6, 9, 99), False),
        (fitness(0.2, 9, 99, feasible=False), fitness(0.1, 0, 3, feasible=False), True),
        (fitness(0.1, 0, 3, feasible=False), fitness(0.1, 9, 99, feasible=False), False),
    ],
)
def test_constrained_dominance(first: Fitness, second: Fitness, dominates: bool) -> None:
    assert first.dominates(second) is dominates


def test_failed_evaluations_are_no_parents() -> None:
    history = [replace(one, g=float("nan")) for one in simulate(SMALL, 1)]
    proposals = list(SMALL.propose(Problem(GRAMMAR, 0, Admission(OBJECTIVE, ())), history))
    assert len(proposals) == SMALL.offspring
    assert all(proposal.parents == () for proposal in proposals)
    history[3] = replace(history[3], g=0.5)
    proposals = list(SMALL.propose(Problem(GRAMMAR, 0, Admission(OBJECTIVE, ())), history))
    assert {parent for proposal in proposals for parent in proposal.parents} == {3}


def test_a_language_with_few_lessons_is_used_up() -> None:
    def only_one_dot(sentence: grammars.Sentence) -> bool:
        return len(str(sentence)) <= len("these(at(0, 0))")

    tiny = grammars.load("dots", grammars.Grid(1, 2))
    objective = replace(OBJECTIVE, space=tiny.space)
    taken: set[str] = set()
    for _ in range(30):
        admission = Admission(objective, taken, only_one_dot)
        proposals = list(Genetic().propose(Problem(tiny, 0, admission), ()))
        if not proposals:
            break
        taken |= {proposal.candidate.key for proposal in proposals}
    assert not proposals
    assert 1 <= len(taken) <= 4


@pytest.mark.parametrize("name", sorted(search.available()))
def test_every_searcher_is_pure_and_proposes_what_is_admitted(name: str) -> None:
    searcher = search.load(name)
    admission = Admission(OBJECTIVE, ())
    first = list(searcher.propose(Problem(GRAMMAR, 3, admission), ()))
    assert first
    assert all(admission.look(proposal.candidate.sentence) is None for proposal in first)  # taken now
    again = search.load(name).propose(Problem(GRAMMAR, 3, Admission(OBJECTIVE, ())), ())
    assert [str(p.candidate.sentence) for p in first] == [str(p.candidate.sentence) for p in again]
    history = [
        Evaluated(place, p.candidate.sentence, 0, (), p.candidate.n, 0.1 * (place % 7))
        for place, p in enumerate(first)
    ]
    keys = {p.candidate.key for p in first}
    later = list(searcher.propose(Problem(GRAMMAR, 3, Admission(OBJECTIVE, keys)), history))
    assert later
    assert not keys & {p.candidate.key for p in later}


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("genetics", {}, "no searcher 'genetics'; did you mean genetic?"),
        ("genetic", {"ofspring": 3}, "no setting 'ofspring'; did you mean offspring?"),
        ("genetic", {"offspring": -3}, "`1 <= offspring <= 100000` must hold, but got offspring=-3"),
        ("genetic", {"crossover": float("nan")}, "crossover=nan"),
        ("genetic", {"offspring": 2.5}, "offspring must be of type int, but got 2.5"),
        ("random", {"max_bits": "long"}, "max_bits must be of type float, but got 'long'"),
    ],
)
def test_wrong_names_and_values(name: str, values: dict[str, object], said: str) -> None:
    with pytest.raises(search.SearchError) as caught:
        search.load(name, **values)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text", ["take(12, dots(k=2), seed=3)", "these(at(0, 0), overlay(at(1, 1), at(2, 3)))"]
)
def test_an_edit_changes_few_examples_and_keeps_the_others(text: str) -> None:
    """Nothing but parts of a lesson, one example other, or one of the second lesson's more."""
    lesson, other = (GRAMMAR.parse(one, "Lesson") for one in (text, "these(at(4, 4))"))
    before = {one.tobytes() for one in lesson.denote()}
    seen = set()
    for number in range(40):
        child = edited(lesson, other, np.random.default_rng(number), 1000.0)
        if child is None:
            continue
        after = {one.tobytes() for one in child.denote()}
        seen.add((len(after - before), np.sign(len(after) - len(before))))
        assert len(after - before) <= 1
    assert {(0, -1), (1, 0), (1, 1)} <= seen


def test_an_edit_keeps_to_the_longest_sentence() -> None:
    lesson = GRAMMAR.parse("take(12, dots(k=2), seed=3)", "Lesson")
    edits = [edited(lesson, lesson, np.random.default_rng(number), 40.0) for number in range(30)]
    assert [one for one in edits if one is not None]
    assert all(one.bits <= 40.0 for one in edits if one is not None)
