"""Bits are the lengths of a proper code: products of probabilities that sum to at most one, never free."""

from __future__ import annotations

import math
from itertools import islice
from typing import Annotated

import numpy as np
import pytest
from scipy.stats import chisquare

import grammars
from grammars import dots
from grammars.bitmap import Bitmap
from grammars.bound import DEFAULT_PROBABILITY, RESERVE
from grammars.language import Grammar, Language
from grammars.literals import Between, Choice, Steps
from grammars.pictures import DOTS
from grammars.rules import Lesson, Nonterminal, Several, default, rule
from grammars.spaces import Grid

GRAMMAR = grammars.load("dots")
TINY = Grammar(dots.LANGUAGE, Grid(2, 2))


@pytest.mark.parametrize(
    "literal",
    [
        Between(3, 3),
        Between(0, 40),
        Between(-5, 5, law="harmonic"),
        Between(0, 64, law="count"),
        Between(2, 9, law="count"),
        Between(1, 1024, law="log"),
        Between(0, 2**16 - 1, law="seed"),
        Steps(-1.0, 1.0, 0.1),
        Choice("left", "right", "top"),
        Bitmap(),
    ],
    ids=lambda literal: type(literal).__name__,
)
def test_literals_cost_their_probability(literal: Between | Steps | Choice | Bitmap) -> None:
    domain = literal.bind(Grid(3, 3))
    options = list(domain.options())
    values = [value for _, value in options]
    assert len(set(values)) == len(values)
    assert math.fsum(2.0**-bits for bits, _ in options) == pytest.approx(1.0)
    assert [bits for bits, _ in options] == sorted(bits for bits, _ in options)
    assert options[0][0] == domain.cheapest
    rng = np.random.default_rng(0)
    for bits, value in options[:: max(1, len(options) // 50)]:
        assert domain.bits(value) == bits
        assert domain.problem(value) is None
        assert domain.problem(domain.nudge(value, rng)) is None
    # Drawn by these probabilities, among the affordable.
    for budget in (math.inf, np.median([bits for bits, _ in options]) + 1e-9):
        affordable = {value: 2.0**-bits for bits, value in options if bits <= budget}
        drawn = [domain.draw(rng, budget) for _ in range(4000)]
        assert set(drawn) <= set(affordable)
        groups = np.array_split(sorted(affordable, key=lambda v: (affordable[v], str(v))), 8)
        expected = np.array([sum(affordable[v.item()] for v in group) for group in groups if len(group)])
        place = {v.item(): i for i, group in enumerate(groups) for v in group}
        observed = np.bincount([place[v] for v in drawn], minlength=len(expected))
        if len(expected) > 1:
            assert chisquare(observed, expected / expected.sum() * len(drawn)).pvalue > 1e-4


def test_small_numbers_are_cheap() -> None:
    count = Between(0, 64, law="count").bind(Grid(8, 8))
    assert count.bits(1) < count.bits(2) < count.bits(3) < count.bits(5) < count.bits(64)
    seed = Between(0, 2**16 - 1, law="seed").bind(Grid(8, 8))
    assert seed.bits(0) == seed.bits(40_000) == 16.0


def test_sparse_pictures_are_cheap() -> None:
    one = GRAMMAR.parse("picture('8000000000000000')")
    noise = GRAMMAR.parse("picture('9a5c3e61f0b7d248')")
    full = GRAMMAR.parse("picture('ffffffffffffffff')")
    assert one.bits < full.bits < noise.bits
    assert noise.bits > 64
    assert one.bits < 15


def test_bits_are_a_product_of_choices() -> None:
    """By hand: rule, number, set, seed, each with its probability."""
    weights = {name: p.rule.weight for name, p in GRAMMAR.productions.items()}

    def chosen(name: str) -> float:
        kind = GRAMMAR.productions[name].type
        total = sum(p.rule.weight for p in GRAMMAR.categories[kind].productions)
        return weights[name] / total * (1 - RESERVE)

    def harmonic(k: int) -> float:
        weight = {n: 1 / (n * (n + 1)) if n else 1 / 20 for n in range(65)}
        return weight[k] / sum(weight.values())

    eight = (1 / 8) / sum(1 / n for n in range(1, 1025))
    two = chosen("exactly") * harmonic(2)
    small = chosen("dots") * two * DEFAULT_PROBABILITY**3
    probability = chosen("take") * eight * small * 2.0**-16
    assert GRAMMAR.parse("take(8, dots(k=2), seed=0)").bits == pytest.approx(-math.log2(probability))
    # Anything but the default shares what the default leaves.
    gaps = [1 / (i * (i + 1)) for i in range(1, 9)]
    gap = (1 - DEFAULT_PROBABILITY) * (gaps[2] / sum(gaps)) / (1 - gaps[1] / sum(gaps))
    wide = chosen("dots") * two * gap * DEFAULT_PROBABILITY**2
    assert GRAMMAR.parse("dots(k=2, gap=2)").bits == pytest.approx(-math.log2(wide))


def test_everything_enumerated_of_a_finite_type_sums_to_its_share() -> None:
    """Counts on a 2x2 grid: all sentences, hence all the probability but the reserve and the unwritten."""
    listed = list(TINY.enumerate("Motion"))
    assert len(listed) == 5
    assert math.fsum(2.0**-s.bits for s in listed) == pytest.approx(1 - RESERVE)
    listed = list(TINY.enumerate("Count"))
    # exactly: 5; between: sorted pairs of 5; multiple_of: steps 2..4, plus 0..4.
    assert len(listed) == 5 + 15 + 3 * 5
    total = math.fsum(2.0**-s.bits for s in listed)
    assert 0.8 < total < 1 - RESERVE


def test_enumeration_is_complete_and_ordered() -> None:
    """All sentences up to a bound, found again by brute force over random ones."""
    for type_name, bound in (("Lesson", 16.0), ("Set", 13.0), ("Picture", 13.0), ("Region", 14.0)):
        listed = list(TINY.enumerate(type_name, bound))
        assert [s.bits for s in listed] == sorted(s.bits for s in listed)
        assert len(set(listed)) == len(listed)
        assert listed[-1].bits <= bound
        kraft = math.fsum(2.0**-s.bits for s in listed)
        assert kraft < 1
        known = {str(s) for s in listed}
        rng = np.random.default_rng(1)
        shares = []
        for _ in range(3000):
            sentence = TINY.random(type_name, rng, max_bits=400)
            short = sentence.bits <= bound
            assert not short or str(sentence) in known
            shares.append(short)
        # A random sentence is short with just the probability of the short ones (those not canonical,
        # like union(b, a), are drawn too and written in order; so at least that).
        assert np.mean(shares) > kraft - 0.03


def test_enumeration_is_lazy() -> None:
    assert len(list(islice(GRAMMAR.enumerate("Lesson"), 200))) == 200
    assert len(list(islice(GRAMMAR.enumerate("Picture", 200.0), 100))) == 100
    assert list(GRAMMAR.enumerate("Lesson", 1.0)) == []


def test_the_bound_is_never_exceeded() -> None:
    rng = np.random.default_rng(2)
    shortest = next(GRAMMAR.enumerate("Lesson")).bits
    for max_bits in (shortest + 1e-6, 12.0, 20.0, 33.3, 60.0, 120.0, 1000.0):
        bits = [GRAMMAR.random("Lesson", rng, max_bits=max_bits).bits for _ in range(500)]
        assert max(bits) <= max_bits
    with pytest.raises(grammars.GrammarError, match="the shortest Lesson has"):
        GRAMMAR.random("Lesson", rng, max_bits=shortest - 0.1)


def test_a_tight_bound_leaves_variety() -> None:
    rng = np.random.default_rng(3)
    sentences = {str(GRAMMAR.random("Lesson", rng, max_bits=30)) for _ in range(300)}
    rules = {GRAMMAR.parse(text).rule for text in sentences}
    assert len(sentences) > 150
    assert rules == {"take", "these", "every", "join"}


def test_allow() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        assert GRAMMAR.random("Lesson", rng, allow=lambda s: s.rule == "these").rule == "these"
    with pytest.raises(grammars.GrammarError, match="none of 1,000 random Lesson sentences was allowed"):
        GRAMMAR.random("Lesson", rng, allow=lambda s: False)


# Languages that are refused.

Chain = Annotated[int, Nonterminal("Chain")]


@rule
def link(*chains: Annotated[Chain, Several(2, 2)]) -> Chain:
    """Two more."""
    return sum(chains)


@rule
def end() -> Chain:
    """None."""
    return 0


@rule
def lesson(chain: Chain) -> Lesson:
    """A lesson."""
    return np.zeros((chain, 2, 2), dtype=bool)


@rule
def solo(chain: Chain) -> Chain:
    """Another."""
    return chain


def language(*rules: grammars.language.Rule) -> Language:
    return Language("odd", "a test", rules, Grid(2, 2), "none", DOTS)


def test_languages_without_end_are_refused() -> None:
    Grammar(language(lesson, solo, end))
    with pytest.raises(grammars.GrammarError, match="random sentences must end"):
        Grammar(language(lesson, rule(weight=3)(link.function), end))
    with pytest.raises(grammars.GrammarError, match="no finite sentence has the type Chain or Lesson"):
        Grammar(language(lesson, solo))
    with pytest.raises(grammars.GrammarError, match="lesson wants a Chain, which no rule makes"):
        Grammar(language(lesson))
    with pytest.raises(grammars.GrammarError, match="two rules named end"):
        Grammar(language(lesson, end, end))


def test_a_type_with_one_rule_costs_something() -> None:
    grammar = Grammar(language(lesson, end))
    assert 0 < grammar.parse("end()").bits < 0.1


def test_deep_chains_stay_readable() -> None:
    """A rule that nests cheaply: random sentences and variations stay within 100 levels."""
    grammar = Grammar(language(lesson, rule(weight=30)(solo.function), end))
    rng = np.random.default_rng(0)
    deepest = 0
    sentence = grammar.random("Lesson", rng, max_bits=10_000)
    for _ in range(600):
        drawn = grammar.random("Lesson", rng, max_bits=10_000)
        sentence = grammar.mutate(sentence, rng, max_bits=10_000)
        crossed, _ = grammar.crossover(sentence, drawn, rng, max_bits=10_000)
        for one in (drawn, sentence, crossed):
            assert grammar.parse(str(one)) == one
            deepest = max(deepest, one.depth)
    assert 60 < deepest <= 100


def test_badly_declared_rules_are_refused() -> None:
    def no_return(k: Annotated[int, Between(0, 1)]):  # type: ignore[no-untyped-def]
        """."""

    def no_mark(k: int) -> Lesson:
        """."""

    def positional_default(k: Annotated[int, Between(0, 1)] = 0) -> Lesson:
        """."""

    def mixed(a: Annotated[int, Between(0, 1)], b: Annotated[int, Between(0, 2)]) -> Lesson:
        """."""

    for function, said in (
        (no_return, "the return annotation must be a nonterminal"),
        (no_mark, "parameter k must be annotated"),
        (positional_default, "only keyword parameters have defaults"),
    ):
        with pytest.raises(grammars.GrammarError, match=said):
            rule(function)
    with pytest.raises(grammars.GrammarError, match="of a symmetric rule are of one type"):
        rule(symmetric=True)(mixed)
    with pytest.raises(grammars.GrammarError, match="a bare rule has exactly one literal parameter"):
        rule(bare=True)(mixed)
    with pytest.raises(grammars.GrammarError, match="weight > 0"):
        rule(weight=0)(end.function)

    def out_of_range(*, k: Annotated[int, Between(0, 1)] = 2) -> Lesson:
        """."""

    with pytest.raises(grammars.GrammarError, match="the default of k is 0..1, but got 2"):
        Grammar(language(rule(out_of_range)))

    def upside_down(k: Annotated[int, Between(lambda grid: grid.height, 1)]) -> Lesson:
        """."""

    with pytest.raises(grammars.GrammarError, match="rule upside_down, k: `low <= high` must hold on 2x2"):
        Grammar(language(rule(upside_down)))


def test_a_default_may_be_the_only_value() -> None:
    only = default("end()")

    def maybe(*, chain: Chain = only, k: Annotated[int, Between(1, 1)] = 1) -> Lesson:
        """."""
        return np.zeros((k, 2, 2), dtype=bool)

    grammar = Grammar(language(rule(maybe), end))
    rng = np.random.default_rng(0)
    assert {str(grammar.random("Lesson", rng)) for _ in range(50)} == {"maybe()"}
    assert len(list(islice(grammar.enumerate("Lesson"), 5))) == 1
