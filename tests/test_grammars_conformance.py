"""What every language must do, run over each one in the registry. A new language is tested by being there."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

import grammars
from grammars.example_set import ExampleSet

NAMES = sorted(grammars.available())
SENTENCES = 150
DENOTED = 25  # Some languages draw slowly; the slow test below takes more.
SEED = 20260101


@pytest.fixture(scope="module", params=NAMES)
def grammar(request: pytest.FixtureRequest) -> grammars.Grammar:
    return grammars.load(request.param)


def random_sentences(
    grammar: grammars.Grammar, type_name: str, count: int, seed: int = SEED
) -> list[grammars.Sentence]:
    rng = np.random.default_rng(seed)
    return [grammar.random(type_name, rng) for _ in range(count)]


def test_summary_is_one_line() -> None:
    for name, summary in grammars.available().items():
        assert summary, name
        assert "\n" not in summary


def test_default_target(grammar: grammars.Grammar) -> None:
    target = grammar.target
    assert target.type == "Set"
    assert grammar.parse(str(target)) == target
    drawn = target.denote().sample(64, np.random.default_rng(0))
    assert len(drawn) == 64
    assert target.denote().contains(drawn).all()


def test_rule_table_names_every_rule(grammar: grammars.Grammar) -> None:
    table = str(grammar.rules)
    for name, production in grammar.productions.items():
        assert production.rule.bare or f"  {name}(" in table
        assert production.rule.summary, f"{name} has no docstring"


def test_text_survives(grammar: grammars.Grammar) -> None:
    for type_name in grammar.types:
        for sentence in random_sentences(grammar, type_name, 200):
            again = grammar.parse(str(sentence), type_name)
            assert again == sentence
            assert hash(again) == hash(sentence)
            assert again.bits == sentence.bits
            assert str(again) == str(sentence)


def test_bits_are_positive_and_bounded(grammar: grammars.Grammar) -> None:
    rng = np.random.default_rng(SEED)
    for type_name in grammar.types:
        shortest = next(grammar.enumerate(type_name))
        for extra in (0.001, 3.0, 20.0, 200.0):
            bound = shortest.bits + extra
            for _ in range(50):
                sentence = grammar.random(type_name, rng, max_bits=bound)
                assert 0 < sentence.bits <= bound


def test_enumeration_is_a_prefix_of_a_proper_code(grammar: grammars.Grammar) -> None:
    for type_name in grammar.types:
        seen = set()
        before = 0.0
        kraft = 0.0
        for sentence, _ in zip(grammar.enumerate(type_name, 60.0), range(2000), strict=False):
            assert sentence not in seen
            assert sentence.bits >= before
            seen.add(sentence)
            before = sentence.bits
            kraft += 2.0**-sentence.bits
        assert seen
        assert kraft <= 1.0


def test_random_sentences_are_enumerated_where_they_are_short(grammar: grammars.Grammar) -> None:
    for type_name in grammar.types:
        listed = [s for s, _ in zip(grammar.enumerate(type_name, 60.0), range(500), strict=False)]
        longest = listed[-1].bits
        known = set(listed)
        for sentence in random_sentences(grammar, type_name, 200):
            assert sentence.bits >= longest or sentence in known


def test_variation(grammar: grammars.Grammar) -> None:
    rng = np.random.default_rng(SEED)
    sentences = random_sentences(grammar, "Lesson", SENTENCES)
    for sentence, other in zip(sentences, reversed(sentences), strict=True):
        child = grammar.mutate(sentence, rng, max_bits=130)
        assert child != sentence
        assert child.type == "Lesson"
        assert child.bits <= 130
        assert grammar.parse(str(child), "Lesson") == child
        for crossed in grammar.crossover(sentence, other, rng, max_bits=130):
            assert crossed.type == "Lesson"
            assert crossed.bits <= 130
            assert grammar.parse(str(crossed), "Lesson") == crossed


def check_lessons(grammar: grammars.Grammar, count: int) -> None:
    for sentence in random_sentences(grammar, "Lesson", count):
        examples = sentence.denote()
        assert examples.shape[1:] == grammar.space.shape
        assert examples.dtype == grammar.space.dtype
        assert len(examples) <= 1024
        assert len(np.unique(grammars.keys(examples))) == len(examples)
        np.testing.assert_array_equal(examples, sentence.denote())


def test_lessons_are_distinct_examples(grammar: grammars.Grammar) -> None:
    check_lessons(grammar, DENOTED)


@pytest.mark.slow
def test_many_lessons_and_sets(grammar: grammars.Grammar) -> None:
    check_lessons(grammar, 500)
    check_samples(grammar, 200)


def test_take_gives_all_that_there_is(grammar: grammars.Grammar) -> None:
    if "take" not in grammar.productions:
        pytest.skip("no rule named take")
    for sentence in random_sentences(grammar, "Set", DENOTED):
        members = sentence.denote().members()
        if members is None:
            continue
        for n in (1, 5, 1024):
            assert len(grammar.parse(f"take({n}, {sentence}, seed=3)").denote()) == min(n, len(members))


def check_samples(grammar: grammars.Grammar, count: int) -> None:
    rng = np.random.default_rng(SEED)
    for sentence in random_sentences(grammar, "Set", count):
        target: ExampleSet = sentence.denote()
        drawn = target.sample(24, rng)
        assert len(drawn) <= 24
        assert target.contains(drawn).all(), sentence
        assert (target.distance(drawn) == 0).all()
        weights = target.weights
        assert not weights or math.isclose(sum(weights.values()), 1.0)
        assert set(target.strata(drawn).tolist()) <= set(weights), sentence
        assert set(target.stratum_names) == set(weights)
        for name, of in target.properties.items():
            values = of(drawn)
            assert values.shape == (len(drawn),), name
            assert values.dtype == np.float64
            assert np.isfinite(values).all()


def test_sets_know_their_own_samples(grammar: grammars.Grammar) -> None:
    check_samples(grammar, DENOTED)


def test_listed_sets_are_counted(grammar: grammars.Grammar) -> None:
    if not isinstance(grammar.space, grammars.Grid):
        pytest.skip("a continuum has no list")
    checked = 0
    for sentence in random_sentences(grammar, "Set", 20 * DENOTED):
        target: ExampleSet = sentence.denote()
        members = target.members()
        if members is None:
            continue
        if checked == DENOTED:
            break
        checked += 1
        assert target.size() == len(members)
        assert target.contains(members).all(), sentence
        assert len(np.unique(grammars.keys(members))) == len(members)
        strata, counts = np.unique(target.strata(members), return_counts=True)
        assert target.sizes() == dict(zip(strata.tolist(), counts.tolist(), strict=True)), sentence
        expected = (math.log2(len(members)) if len(members) else -math.inf), 0.0
        assert target.log2_size(np.random.default_rng(0)) == expected
    assert checked == DENOTED


def test_distance_is_zero_exactly_inside(grammar: grammars.Grammar) -> None:
    rng = np.random.default_rng(SEED)
    if not isinstance(grammar.space, grammars.Grid):
        pytest.skip("pixels are flipped")
    for sentence in [grammar.target, *random_sentences(grammar, "Set", 10)]:
        target: ExampleSet = sentence.denote()
        near = target.sample(16, rng).copy()
        if not len(near):
            continue
        for picture in near:
            picture[rng.integers(picture.shape[0]), rng.integers(picture.shape[1])] ^= True
        np.testing.assert_array_equal(target.distance(near) == 0, target.contains(near))
        if target.distance_is_exact:
            assert target.distance(near).max() <= 1


def test_wrong_examples_are_refused(grammar: grammars.Grammar) -> None:
    target = grammar.target.denote()
    wrong = np.zeros((3, *(side + 1 for side in grammar.space.shape)), dtype=grammar.space.dtype)
    with pytest.raises(grammars.GrammarError, match="have the shape"):
        target.contains(wrong)
    with pytest.raises(grammars.GrammarError, match="are (bool|float64), but got"):
        target.contains(np.zeros((3, *grammar.space.shape), dtype=np.int8))


_ELSEWHERE = """
import hashlib, sys
import numpy as np
import grammars

grammar = grammars.load(sys.argv[1])
rng = np.random.default_rng(7)
digest = hashlib.sha256()
for _ in range(20):
    lesson = grammar.random("Lesson", rng)
    other = grammar.random("Lesson", rng)
    changed = grammar.mutate(lesson, rng)
    crossed = grammar.crossover(lesson, other, rng)
    for sentence in (lesson, changed, *crossed):
        digest.update(str(sentence).encode())
    digest.update(changed.denote().tobytes())
for sentence, _ in zip(grammar.enumerate("Lesson"), range(300)):
    digest.update(str(sentence).encode())
drawn = grammar.target.denote().sample(50, rng)
digest.update(drawn.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_depends_on_the_process(name: str) -> None:
    digests = set()
    for hash_seed in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", _ELSEWHERE, name],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
        )
        digests.add(result.stdout.strip())
    assert len(digests) == 1
