"""Reading sentences: what is wrong is said in one line, with the column and the nearest right thing."""

from __future__ import annotations

import pickle
from typing import Annotated

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import grammars
from grammars.language import Grammar, Language
from grammars.literals import Between, Choice, Steps
from grammars.pictures import DOTS
from grammars.rules import Lesson, Nonterminal, Several, default, rule
from grammars.sentence import DEEPEST
from grammars.spaces import Space

GRAMMAR = grammars.load("dots")

# text, type, column, what the message says
WRONG = [
    ("", None, 1, "the text is empty"),
    ("   ", None, 1, "the text is empty"),
    ("tak(8, dots(k=2), seed=0)", None, 1, "unknown rule 'tak'; did you mean 'take'?"),
    (
        "take(8, dotz(k=2), seed=0)",
        None,
        9,
        "of of take wants a Set, but 'dotz' is no rule; did you mean 'dots'?",
    ),
    ("take(8, at(1, 2), seed=0)", None, 9, "wants a Set, but at is a Picture"),
    ("take(8, dots(k=two), seed=0)", None, 16, "k of dots wants a Count, but got the name 'two'"),
    ("dots(k=two)", "Set", 8, "a Count is 0..64 or between(...) or multiple_of(...)"),
    ("dots(k=betwen(1, 4))", "Set", 8, "did you mean 'between'?"),
    ("take(8, dots(k=2))", None, 1, "take misses seed"),
    ("take(8, seed=0)", None, 1, "take misses of"),
    ("take(8, dots(k=2), 3, seed=0)", None, 20, "take takes 2 positional arguments"),
    ("take(8, dots(k=2), sed=0)", None, 20, "unknown argument of take 'sed'; did you mean 'seed'?"),
    ("take(8, dots(k=2), seed=0, seed=1)", None, 32, "seed is given twice"),
    ("take(n=8, of=dots(k=2), seed=0)", None, 1, "take misses n"),
    ("take(8, dots(k=2), of=dots(k=2), seed=0)", None, 20, "is given by its position"),
    ("at(1, 2, row=1)", None, 10, "row of at is given by its position"),
    ("border(3)", None, 8, "border takes 0 positional arguments"),
    ("border(wide=3)", None, 8, "border has no argument 'wide'"),
    ("take(0, dots(k=2), seed=0)", None, 6, "n of take is 1..1024, but got 0; nearest: 1"),
    ("take(2000, dots(k=2), seed=0)", None, 6, "nearest: 1024"),
    ("take(8, dots(k=2), seed=-1)", None, 25, "seed of take is 0..65535, but got -1; nearest: 0"),
    ("dots(k=65)", None, 8, "a Count: this literal is 0..64, but got 65; nearest: 64"),
    ("take(8.0, dots(k=2), seed=0)", None, 6, "wants an integer, but got 8.0"),
    ("take('8', dots(k=2), seed=0)", None, 6, "wants an integer, but got '8'"),
    ("take(True, dots(k=2), seed=0)", None, 6, "'True' is a word of Python, not of a sentence"),
    ("dots(k=2.5)", None, 8, "but got 2.5"),
    ("half('lft')", "Region", 6, "does not know 'lft'; did you mean 'left'?"),
    ("half(left)", "Region", 6, "side of half is 'left'|'right'|'top'|'bottom', but got left"),
    ("half(3)", "Region", 6, "does not know 3; choose from 'left', 'right', 'top', 'bottom'"),
    ("at(1, 8)", None, 7, "column of at is 0..7, but got 8; nearest: 7"),
    ("picture('00')", None, 9, "'16 hex digits', but got 2 characters"),
    ("picture('000000000000000G')", None, 9, "16 hex digits"),
    ("these()", None, 1, "these takes 1 to 1024 pictures, but got 0"),
    ("dots(k=2))", None, 10, "closes nothing"),
    ("dots(k=(2)", None, 8, "a bracket follows the name of a rule"),
    ("dots(k=between(1, 4)", None, 5, "this bracket is never closed"),
    ("dots(k=2", None, 5, "this bracket is never closed"),
    ("dots(k==2)", None, 8, "an equals sign follows the name of an argument"),
    ("dots(k=gap=2)", None, 11, "an equals sign follows the name of an argument"),
    ("k=2", None, 2, "an equals sign follows the name of an argument"),
    ("dots(=2)", None, 6, "an equals sign follows the name of an argument"),
    ("at(,1)", None, 4, "a value is expected here"),
    ("at(1,,1)", None, 6, "a value is expected here"),
    ("dots(k=)", None, 8, "a value is expected here"),
    ("at(1, 2), at(1, 2)", None, 9, "a sentence is one call, without commas"),
    ("dots(k=1..4)", None, 8, "this is no name, number, string or bracket: '1..4)'"),
    ("dots(k=2) dots(k=3)", None, 11, "the sentence ends before 'dots'"),
    ("dots(k=2 3)", None, 10, "a comma is expected before '3'"),
    ("dots", None, 1, "a rule is expected"),
    ("dots", "Set", 1, "dots is a rule and takes brackets: dots(...)"),
    ("3", None, 1, "a rule is expected"),
    ("dots(k=2, gap)", None, 11, "arguments without a name come before those with one"),
    ("take(seed=0, 8, dots(k=2))", None, 14, "arguments without a name come before"),
    ("dots(k=2, region=3)", None, 18, "region of dots wants a Region, but got 3"),
    ("__import__('os').system('ls')", None, 17, "no name, number, string or bracket"),
    ("dots(k=[2])", None, 8, "no name, number, string or bracket"),
    ("dots(k=2) + dots(k=3)", None, 11, "no name, number, string or bracket"),
    ("dots(k=lambda)", None, 8, "'lambda' is a word of Python"),
    ("lambda(k=2)", None, 1, "'lambda' is a word of Python"),
    ("dots(k=None)", None, 8, "'None' is a word of Python"),
    ("dots(*k)", None, 6, "no name, number"),
    ("dots(k=f'2')", None, 8, "no name, number, string or bracket"),
    ("half('é')", None, 6, "holds a quote, a backslash or an unusual character"),
    ("dots(k='2)", None, 8, "this quoted string does not end"),
    ("dots(k=2) # two", None, 11, "no name"),
    ("dots(k=" + "9" * 5000 + ")", None, 8, "at most 100 digits"),
    ("these(at(1, 2), dots(k=2))", None, 17, "pictures of these wants a Picture, but dots is a Set"),
    ("  take(8,\n  dotz(k=2), seed=0)", None, 13, "did you mean 'dots'?"),
]


@pytest.mark.parametrize(("text", "type_name", "column", "said"), WRONG)
def test_wrong_text(text: str, type_name: str | None, column: int, said: str) -> None:
    with pytest.raises(grammars.SentenceError) as caught:
        GRAMMAR.parse(text, type_name)
    assert said in str(caught.value)
    assert caught.value.column == column
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_error_travels_between_processes() -> None:
    with pytest.raises(grammars.SentenceError) as caught:
        GRAMMAR.parse("dotz(k=2)")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.column == 1


# as it may be typed: as it is kept
READ = {
    "take( 8 ,dots(k = 2),seed=0 )": "take(8, dots(k=2), seed=0)",
    "take(8, dots(gap=1, k=2), seed=0)": "take(8, dots(k=2), seed=0)",
    "dots(gap=1, k=2)": "dots(k=2)",
    "dots(k=2, region=everywhere())": "dots(k=2)",
    "dots(gap=0, k=2)": "dots(k=2, gap=0)",
    'half("left")': "half('left')",
    "between(4, 1)": "between(1, 4)",
    "union(dots(k=3), dots(k=2))": "union(dots(k=2), dots(k=3))",
    "these(at(1, 2), at(0, 0), at(1, 2))": "these(at(0, 0), at(1, 2))",
    "at(1, 2,)": "at(1, 2)",
    "\n\tat(\n1,\n2)\n": "at(1, 2)",
    "multiple_of(2, plus=0)": "multiple_of(2)",
}


@pytest.mark.parametrize(("typed", "kept"), READ.items())
def test_canonical_text(typed: str, kept: str) -> None:
    assert str(GRAMMAR.parse(typed)) == kept
    assert GRAMMAR.parse(typed) == GRAMMAR.parse(kept)
    assert GRAMMAR.parse(typed).bits == GRAMMAR.parse(kept).bits


def test_a_bare_literal_needs_its_type() -> None:
    assert str(GRAMMAR.parse("3", "Count")) == "3"
    assert GRAMMAR.parse("3", "Count").rule == "exactly"


def test_the_type_is_checked() -> None:
    with pytest.raises(grammars.SentenceError, match="expected a Lesson, but dots is a Set"):
        GRAMMAR.parse("dots(k=2)", "Lesson")
    with pytest.raises(grammars.GrammarError, match="did you mean 'Lesson'"):
        GRAMMAR.parse("dots(k=2)", "Leson")
    with pytest.raises(grammars.GrammarError, match="a sentence is text"):
        GRAMMAR.parse(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "union(" * 10_000 + "dots(k=1)",
        "(" * 10_000,
        "a" * 10_000_000,
        "dots(k=2)" + " " * 10_000_000,
        "é" * 600_000,
        "-" * 900_000 + "1",
        "at" + "(" * 99 + ")" * 99,
        "1," * 500_000,
        "a=" * 500_000,
        "'" * 1_000_000,
        "at(" + "1," * 400_000 + ")",
        "these(" + "at(1," * 150_000,
    ],
    ids=lambda text: f"{text[:8]} {len(text)}",
)
def test_monstrous_text_is_refused(text: str) -> None:
    with pytest.raises(grammars.SentenceError) as caught:
        GRAMMAR.parse(text)
    assert len(str(caught.value)) < 400


def test_a_long_lesson_is_read() -> None:
    pictures = ", ".join(f"picture('{i:016x}')" for i in range(1024))
    sentence = GRAMMAR.parse(f"these({pictures})")
    assert len(sentence.denote()) == 1024
    assert GRAMMAR.parse(str(sentence)) == sentence


def test_the_deepest_sentence_is_read() -> None:
    deep = "outside(" * (DEEPEST - 1) + "border()" + ")" * (DEEPEST - 1)
    assert GRAMMAR.parse(deep, "Region").depth == DEEPEST
    with pytest.raises(grammars.SentenceError, match="at most 100 brackets"):
        GRAMMAR.parse(f"outside({deep})", "Region")


def check_read(text: str) -> None:
    """Either a sentence whose text survives, or an error in one line with its place."""
    try:
        sentence = GRAMMAR.parse(text)
    except grammars.SentenceError as error:
        message, column = str(error), error.column
    else:
        assert GRAMMAR.parse(str(sentence)) == sentence
        return
    assert 1 <= column <= len(text) + 1
    assert "\n" not in message


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="takedots(k=2,) '\"\\.-+e19_\n\0é", max_size=60))
@example("dots(k=-)")
@example("dots(k=1e999)")
@example("dots(k=--1)")
@example("half('é')")
@example("half('\ud800')")
def test_any_text_is_a_sentence_or_an_error_in_one_line(text: str) -> None:
    check_read(text)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.data())
def test_damaged_sentences(seed: int, data: st.DataObject) -> None:
    """One character changed, added or dropped: still a sentence, or an error with its place."""
    text = str(GRAMMAR.random("Lesson", np.random.default_rng(seed)))
    place = data.draw(st.integers(0, len(text) - 1))
    what = data.draw(st.sampled_from(["", *"(),=' ab1-.\n"]))
    check_read(text[:place] + what + text[place + data.draw(st.integers(0, 1)) :])


# A small language of its own with every kind of parameter.

Point = Annotated[tuple[float, float], Nonterminal("Point")]
Colour = Annotated[str, Nonterminal("Colour")]


@rule
def point(x: Annotated[float, Steps(-1.0, 1.0, 0.25)], y: Annotated[float, Steps(0, 3, 1)]) -> Point:
    """A point."""
    return x, y


@rule(bare=True)
def named(name: Annotated[str, Choice("red", "blue")]) -> Colour:
    """A colour by its name."""
    return name


@rule(bare=True)
def grey(share: Annotated[float, Steps(0.0, 1.0, 0.1)]) -> Colour:
    """A grey."""
    return f"grey {share}"


RED = default("'red'")


@rule
def drawing(
    space: Space,
    first: Point,
    *points: Annotated[Point, Several(0, 2)],
    colour: Colour = RED,
    width: Annotated[int, Between(1, 3)] = 2,
    scale: Annotated[float, Steps(0.5, 1.5, 0.5)],
) -> Lesson:
    """Everything at once."""
    return np.array([space.height, first, points, colour, width, scale], dtype=object)  # type: ignore[union-attr]


SMALL = Grammar(
    Language("small", "a test", (drawing, point, named, grey), grammars.Grid(2, 2), "never read", DOTS)
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("drawing(point(0, 1), scale=1)", "drawing(point(0.0, 1.0), scale=1.0)"),
        ("drawing(point(-.25, 1), colour='red', scale=0.5)", "drawing(point(-0.25, 1.0), scale=0.5)"),
        ("drawing(point(-0., 1), colour=0.1, scale=0.5)", "drawing(point(0.0, 1.0), colour=0.1, scale=0.5)"),
        (
            "drawing(point(1e0, 3), point(0, 0), width=3, colour='blue', scale=1.5)",
            "drawing(point(1.0, 3.0), point(0.0, 0.0), colour='blue', width=3, scale=1.5)",
        ),
    ],
)
def test_every_kind_of_parameter(typed: str, kept: str) -> None:
    sentence = SMALL.parse(typed)
    assert str(sentence) == kept
    assert SMALL.parse(kept) == sentence
    height, first, points, colour, width, scale = sentence.denote()
    assert height == 2
    assert first == (sentence.args[0].args[0], sentence.args[0].args[1])
    assert len(points) == kept.count("point(") - 1
    assert (colour, width, scale) == (
        sentence.at((len(sentence.args) - 3,)).denote(),
        sentence.args[-2],
        sentence.args[-1],
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "drawing(point(0.3, 1), scale=1)",
            "x of point is -1.0..1.0 in steps of 0.25, but got 0.3; nearest: 0.25",
        ),
        ("drawing(point(0, 1), colour='rad', scale=1)", "did you mean 'red'?"),
        (
            "drawing(point(0, 1), colour=0.15, scale=1)",
            "but got 0.15; a Colour is 'red'|'blue' or 0.0..1.0 in steps of 0.1",
        ),
        ("drawing(point(0, 1), point(0, 0), point(0, 0), point(0, 0), scale=1)", "0 to 2 points, but got 3"),
        ("drawing(point(1e400, 1), scale=1)", "but got inf"),
    ],
)
def test_errors_of_every_kind_of_parameter(text: str, said: str) -> None:
    with pytest.raises(grammars.SentenceError) as caught:
        SMALL.parse(text)
    assert said in str(caught.value)
