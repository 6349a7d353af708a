"""Bad text in every language: one line with the column and the nearest right thing, in bounded memory."""

from __future__ import annotations

import difflib
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grammars

NAMES = sorted(grammars.available())
TOKEN = re.compile(r"'[^']*'|[A-Za-z_]+|-?[0-9.]+|.", re.DOTALL)
SPARE = ["(", ")", ",", "=", "'", "-", "9" * 30, "1e999", "nan", "seed", "None", "é", "\n", "#", "'left'", ""]
LONGEST_LINE = 1000


def check_error(error: grammars.SentenceError, text: str) -> None:
    message = str(error)
    assert 1 <= error.column <= len(text) + 1, text
    assert message.startswith(f"column {error.column}: ")
    assert "\n" not in message, text
    assert len(message) < LONGEST_LINE, text


def check_read(grammar: grammars.Grammar, text: str) -> None:
    """Either a sentence whose text survives, or an error in one line with its place."""
    try:
        sentence = grammar.parse(text)
    except grammars.SentenceError as error:
        check_error(error, text)
    else:
        assert grammar.parse(str(sentence)) == sentence


def random_text(grammar: grammars.Grammar, seed: int) -> str:
    return str(grammar.random("Lesson" if seed % 2 else "Set", np.random.default_rng(seed)))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=80)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_tokens_dropped_doubled_exchanged_and_replaced(name: str, seed: int, data: st.DataObject) -> None:
    grammar = grammars.load(name)
    tokens = TOKEN.findall(random_text(grammar, seed))
    others = TOKEN.findall(random_text(grammar, seed + 1))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(tokens) - 1))
        what = data.draw(st.sampled_from(["drop", "double", "exchange", "replace", "spare"]))
        if what == "drop" and len(tokens) > 1:
            del tokens[place]
        elif what == "double":
            tokens.insert(place, tokens[place])
        elif what == "exchange":
            other = data.draw(st.integers(0, len(tokens) - 1))
            tokens[place], tokens[other] = tokens[other], tokens[place]
        elif what == "replace":
            tokens[place] = data.draw(st.sampled_from(others))
        else:
            tokens[place] = data.draw(st.sampled_from(SPARE))
    check_read(grammar, "".join(tokens))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(text=st.text(max_size=80))
def test_any_characters(name: str, text: str) -> None:
    check_read(grammars.load(name), text)


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_rule_gets_the_nearest(name: str) -> None:
    grammar = grammars.load(name)
    rules = {rule for rule, production in grammar.productions.items() if not production.rule.bare}
    checked = 0
    for rule in sorted(rules):
        for wrong in {rule[:2] + rule[3:], rule[:-1], rule + "s", rule[1] + rule[0] + rule[2:]}:
            if wrong in rules or len(rule) < 4 or wrong == rule or not wrong.isidentifier():
                continue
            with pytest.raises(grammars.SentenceError, match="did you mean") as caught:
                grammar.parse(f"{wrong}(1)")
            check_error(caught.value, f"{wrong}(1)")
            assert caught.value.column == 1
            offered = re.findall(r"did you mean '?(\w+)", str(caught.value))[0]
            assert offered in rules
            assert alike(offered, wrong) >= alike(rule, wrong)
            checked += 1
    assert checked > len(rules)


def alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, one).ratio()


@pytest.mark.parametrize("name", NAMES)
def test_missing_superfluous_and_unknown_arguments(name: str) -> None:
    grammar = grammars.load(name)
    rng = np.random.default_rng(3)
    for production in grammar.productions.values():
        if production.rule.bare:
            continue
        if any(
            not slot.has_default and not (slot.several and not slot.several.low) for slot in production.slots
        ):
            check_refused(grammar, f"{production.name}()", production.type)
        text = None
        for _ in range(300):
            sentence = grammar.random(production.type, rng, max_bits=production.floor + 12)
            if sentence.rule == production.name:
                text = str(sentence)
                break
        if text is None:
            continue
        body = text[:-1] + ("" if text.endswith("()") else ", ")
        check_refused(grammar, body + "wrong=1)", production.type)
        check_refused(
            grammar, body + ", ".join(["'x'"] * (production.most_arguments + 1)) + ")", production.type
        )


def check_refused(grammar: grammars.Grammar, text: str, type_name: str) -> None:
    with pytest.raises(grammars.SentenceError) as caught:
        grammar.parse(text, type_name)
    check_error(caught.value, text)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_out_of_range_are_named_where_they_stand(name: str) -> None:
    grammar = grammars.load(name)
    checked = 0
    for seed in range(150):
        text = random_text(grammar, seed)
        for number in [token for token in TOKEN.finditer(text) if token.group().isdigit()][:4]:
            wrong = text[: number.start()] + "1000000007" + text[number.end() :]
            with pytest.raises(grammars.SentenceError, match="nearest: |, but got 1000000007") as caught:
                grammar.parse(wrong)
            check_error(caught.value, wrong)
            assert caught.value.column == number.start() + 1, wrong
            checked += 1
    assert checked > 50


@pytest.mark.parametrize("name", NAMES)
def test_unbalanced_brackets(name: str) -> None:
    grammar = grammars.load(name)
    for seed in range(60):
        text = random_text(grammar, seed)
        for place, sign in enumerate(text):
            if sign in "()" and text[:place].count("'") % 2 == 0:
                check_refused(grammar, text[:place] + text[place + 1 :], "Lesson" if seed % 2 else "Set")
        check_refused(grammar, text + ")", "Lesson" if seed % 2 else "Set")


MONSTERS = {
    "10 MB of one name": lambda text: "a" * 10_000_000,
    "10 MB of sentences": lambda text: (text + ", ") * (10_000_000 // (len(text) + 2)),
    "10,000 nested brackets": lambda text: "union(" * 10_000 + text + ")" * 10_000,
    "1 MB of nested lists": lambda text: "these(" * 160_000,
    "many arguments": lambda text: "these(" + "1," * 400_000 + "1)",
}
MOST_MEMORY = 48 * 2**20


@pytest.mark.parametrize("monster", MONSTERS)
@pytest.mark.parametrize("name", NAMES)
def test_monsters_are_refused_in_bounded_memory(name: str, monster: str) -> None:
    grammar = grammars.load(name)
    text = MONSTERS[monster](str(grammar.target))
    tracemalloc.start()
    try:
        check_refused(grammar, text, "Set")
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
