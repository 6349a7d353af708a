"""The shortest sentence of a denotation, held against reading every sentence in the order of its bits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import grammars
from grammars.example_set import ExampleSet
from grammars.shortest import MOST_PIXELS
from grammars.spaces import ordered

NAMES = [
    name for name in sorted(grammars.available()) if isinstance(grammars.load(name).space, grammars.Grid)
]


def members(sentence: grammars.Sentence) -> np.ndarray:
    """What a Set or a Lesson says, in canonical order; a set by asking it about every picture."""
    said, space = sentence.denote(), sentence.grammar.space
    if isinstance(said, ExampleSet):
        every = np.array(list(itertools.product((False, True), repeat=space.size)))
        said = (every := every.reshape(-1, *space.shape))[said.contains(every)]
    return ordered(said)


def read_in_order(grammar: grammars.Grammar, type_name: str, max_bits: float) -> dict[bytes, float]:
    """Bits of the first sentence of everything said by a sentence of at most so many bits."""
    first: dict[bytes, float] = {}
    for sentence in grammar.enumerate(type_name, max_bits):
        first.setdefault(members(sentence).tobytes(), sentence.bits)
    return first


@pytest.mark.parametrize(
    ("name", "side", "type_name", "max_bits"),
    [
        ("dots", 2, "Set", 12.0),
        ("dots", 2, "Lesson", 13.0),
        ("dots", 3, "Set", 10.5),
        ("codes", 2, "Set", 11.0),
        ("polygons", 3, "Set", 11.0),
    ],
)
def test_against_every_sentence_in_order(name: str, side: int, type_name: str, max_bits: float) -> None:
    grammar = grammars.load(name, space=grammars.Grid(side, side))
    first = read_in_order(grammar, type_name, max_bits)
    assert len(first) > 5
    for said, bits in list(first.items())[:: max(1, len(first) // 8)]:
        examples = np.frombuffer(said, dtype=bool).reshape(-1, side, side)
        found = grammars.shortest(examples[::-1], grammar, type_name, max_bits=max_bits)
        assert found is not None
        assert found.type == type_name
        assert found.bits == pytest.approx(bits)
        np.testing.assert_array_equal(members(found), examples)
        # No shorter sentence says it, which is said plainly.
        assert grammars.shortest(examples, grammar, type_name, max_bits=bits - 1e-6) is None


@pytest.mark.parametrize("name", NAMES)
def test_what_a_language_says_is_found_again(name: str) -> None:
    grammar = grammars.load(name, space=grammars.Grid(2, 3))
    rng = np.random.default_rng(5)
    for type_name in ("Set", "Lesson"):
        for _ in range(3):
            sentence = grammar.random(type_name, rng, max_bits=grammar.category(type_name).cheapest + 6.0)
            found = grammars.shortest(members(sentence), grammar, type_name)
            assert found is not None
            assert found.bits <= sentence.bits + 1e-9
            np.testing.assert_array_equal(members(found), members(sentence))


def test_what_can_be_read_off() -> None:
    grammar = grammars.load("dots", space=grammars.Grid(3, 3))
    kings = grammar.parse("dots(k=2)").denote().members()
    assert str(grammars.shortest(kings, grammar)) == "dots(k=2)"
    assert str(grammars.shortest(kings, grammar, "Lesson")) == "every(dots(k=2))"
    nothing = np.zeros((0, 3, 3), dtype=bool)
    empty = grammars.shortest(nothing, grammar)
    assert empty is not None
    assert empty.denote().size() == 0


def test_bounds_are_said_plainly() -> None:
    grammar = grammars.load("dots", space=grammars.Grid(3, 3))
    rng = np.random.default_rng(7)
    mixed = ordered(rng.random((9, 3, 3)) < 0.5)
    with pytest.raises(
        grammars.GrammarError, match="no Set of less than .* bits says these 9 examples, and 500"
    ):
        grammars.shortest(mixed, grammar, max_bits=math.inf, most=500)
    assert grammars.shortest(mixed, grammar, max_bits=8.0) is None
    with pytest.raises(grammars.GrammarError, match=f"at most {MOST_PIXELS} pixels, not on 4x4"):
        grammars.shortest(mixed, grammars.load("dots", space=grammars.Grid(4, 4)))
    with pytest.raises(grammars.GrammarError, match="a Set or a Lesson, but got 'Picture'"):
        grammars.shortest(mixed, grammar, "Picture")
    with pytest.raises(grammars.GrammarError, match="have the shape"):
        grammars.shortest(np.zeros((1, 2, 2), dtype=bool), grammar)
