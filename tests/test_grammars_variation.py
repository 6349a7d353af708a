"""Mutation and crossover reach far, stay legal, and depend on nothing but the generator they are given."""

from __future__ import annotations

import random

import numpy as np
import pytest

import grammars
from grammars import dots, variation
from grammars.language import Grammar

GRAMMAR = grammars.load("dots")


def test_every_kind_of_mutation_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sentences = [GRAMMAR.random("Lesson", rng) for _ in range(200)]
    for name, (weight, kind) in variation._KINDS.items():
        assert weight > 0
        changed = 0
        for sentence in sentences:
            child = kind(sentence, rng, 120.0)
            if child is not None and child != sentence:
                changed += 1
                assert child.type == sentence.type
                assert GRAMMAR.parse(str(child)) == child
        assert changed > 20, name


def test_a_nudge_is_small() -> None:
    rng = np.random.default_rng(1)
    sentence = GRAMMAR.parse("take(100, dots(k=5), seed=0)")
    seen = {str(variation._nudge(sentence, rng, 120.0)) for _ in range(400)}
    numbers = {int(text.split("(")[1].split(",")[0]) for text in seen}
    counts = {int(text.split("k=")[1].split(")")[0].split(",")[0]) for text in seen}
    assert numbers >= {98, 99, 101, 102}
    assert numbers <= set(range(84, 117))
    assert counts >= {3, 4, 6, 7}
    assert any("seed=0)" not in text for text in seen)


def test_rules_are_swapped_over_their_arguments() -> None:
    rng = np.random.default_rng(2)
    sentence = GRAMMAR.parse("union(dots(k=2), dots(k=3))")
    seen = {str(variation._swap_rule(sentence, rng, 120.0)) for _ in range(600)}
    assert "intersect(dots(k=2), dots(k=3))" in seen
    assert "difference(dots(k=2), dots(k=3))" in seen
    assert "product(dots(k=2), dots(k=3))" in seen
    assert any(text.startswith("orbit(dots(k=2), ") for text in seen)


def test_hoist_and_wrap_undo_each_other() -> None:
    rng = np.random.default_rng(3)
    small = GRAMMAR.parse("dots(k=2)")
    large = GRAMMAR.parse("orbit(dots(k=2), rolls())")
    assert large in {variation._wrap(small, rng, 120.0) for _ in range(300)}
    assert small in {variation._hoist(large, rng, 120.0) for _ in range(20)}


def test_lists_grow_and_shrink() -> None:
    rng = np.random.default_rng(4)
    sentence = GRAMMAR.parse("these(at(0, 0), at(1, 1), at(2, 2))")
    lengths = set()
    for _ in range(100):
        child = variation._edit_list(sentence, rng, 120.0)
        if child is not None:
            lengths.add(len(child.args))
    assert lengths == {2, 3, 4} or lengths == {2, 4}


def test_mutation_walks_through_the_language() -> None:
    """A walk of mutations from one short sentence meets many rules and many numbers of examples."""
    rng = np.random.default_rng(5)
    sentence = GRAMMAR.parse("these(at(0, 0))")
    rules, texts = set(), set()
    for _ in range(1500):
        sentence = GRAMMAR.mutate(sentence, rng, max_bits=100)
        assert sentence.bits <= 100
        texts.add(str(sentence))
        rules |= {subtree.rule for _, subtree in sentence.walk()}
    assert len(texts) > 1200
    assert rules == set(GRAMMAR.productions)


def test_mutation_of_the_only_sentence() -> None:
    """On a grid of one pixel there is one Region by columns; what cannot change comes back."""
    grammar = Grammar(dots.LANGUAGE, grammars.Grid(1, 1))
    rng = np.random.default_rng(6)
    sentence = grammar.parse("at(0, 0)")
    shortest = next(grammar.enumerate("Picture"))
    assert grammar.mutate(shortest, rng, max_bits=shortest.bits + 1e-6) == shortest
    assert grammar.mutate(sentence, rng) != sentence


def test_crossover_exchanges_subtrees_of_one_type() -> None:
    rng = np.random.default_rng(7)
    a = GRAMMAR.parse("take(8, union(dots(k=2), dots(k=3, region=border())), seed=1)")
    b = GRAMMAR.parse("join(these(at(0, 0)), take(5, dots(k=4, region=half('left')), seed=2))")
    children = {GRAMMAR.crossover(a, b, rng, max_bits=200) for _ in range(200)}
    assert len(children) > 8
    pieces = {str(s) for root in (a, b) for _, s in root.walk()}
    for first, second in children:
        assert (first, second) != (a, b)
        leaves = [s for child in (first, second) for _, s in child.walk() if not s.args]
        assert {str(s) for s in leaves} <= pieces
        # What one gives the other gets: the literals together stay the same.
        assert sorted(literals(first) + literals(second)) == sorted(literals(a) + literals(b))


def literals(sentence: grammars.Sentence) -> list[str]:
    return [
        repr(arg)
        for _, subtree in sentence.walk()
        for arg in subtree.args
        if not isinstance(arg, grammars.Sentence)
    ]


def test_crossover_without_a_common_type_returns_the_parents() -> None:
    rng = np.random.default_rng(8)
    a, b = GRAMMAR.parse("border()"), GRAMMAR.parse("rolls()")
    assert GRAMMAR.crossover(a, b, rng) == (a, b)


def test_bounds_hold() -> None:
    rng = np.random.default_rng(9)
    for _ in range(300):
        a, b = (GRAMMAR.random("Lesson", rng, max_bits=60) for _ in range(2))
        assert GRAMMAR.mutate(a, rng, max_bits=60).bits <= 60
        assert all(child.bits <= 60 for child in GRAMMAR.crossover(a, b, rng, max_bits=60))


def test_equal_seeds_equal_results_whatever_happens_around() -> None:
    def run(noise: bool) -> list[str]:
        rng = np.random.default_rng(10)
        found = []
        for _ in range(60):
            a, b = GRAMMAR.random("Lesson", rng), GRAMMAR.random("Lesson", rng)
            if noise:
                random.random()
                np.random.random()  # noqa: NPY002
                hash(a)
            found += [str(s) for s in (GRAMMAR.mutate(a, rng), *GRAMMAR.crossover(a, b, rng))]
        return found

    assert run(noise=False) == run(noise=True)


def test_sentences_of_another_grammar_are_refused() -> None:
    other = grammars.load("dots", grammars.Grid(5, 5)).parse("dots(k=2)")
    with pytest.raises(grammars.GrammarError, match="is not a sentence of dots on 8x8"):
        GRAMMAR.mutate(other, np.random.default_rng(0))
