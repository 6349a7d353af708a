"""The face of the room: registry, spaces, sentences as values, sets that are as large as the target."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest

import grammars
from grammars import dots, registry
from grammars.language import Language
from grammars.spaces import distinct, ordered

GRAMMAR = grammars.load("dots")


def test_names() -> None:
    assert "dots" in grammars.available()
    with pytest.raises(grammars.GrammarError, match="unknown grammar 'dot'; did you mean 'dots'?"):
        grammars.load("dot")
    with pytest.raises(grammars.GrammarError, match="dots is a language of the Grid, but got plane"):
        grammars.load("dots", grammars.Plane())  # type: ignore[arg-type]
    with pytest.raises(grammars.GrammarError, match="unknown type in dots 'Lessons'; did you mean 'Lesson'?"):
        GRAMMAR.random("Lessons", np.random.default_rng(0))
    assert grammars.nearest("evalutions", ["evaluations", "seed"]) == "evaluations"
    assert grammars.nearest("zzz", ["evaluations", "seed"]) is None


def test_a_language_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTERED", {})
    mine = Language("mine", "my own", dots.LANGUAGE.rules, grammars.Grid(4, 4), "dots(k=1)", dots.DOTS)
    grammars.register(mine)
    grammars.register(mine)
    assert grammars.available()["mine"] == "my own"
    assert grammars.load("mine").target.denote().size() == 16
    with pytest.raises(grammars.GrammarError, match="there is a language 'dots' already"):
        grammars.register(dots.LANGUAGE)


def test_the_room_knows_no_torch() -> None:
    assert "torch" not in sys.modules or "grammars" not in repr(sys.modules["torch"])
    for name, module in sys.modules.items():
        if name.startswith("grammars"):
            assert not hasattr(module, "torch")


@pytest.mark.parametrize(("height", "width"), [(0, 8), (8, -1), (65, 8), (8.0, 8), (True, 8), ("8", 8)])
def test_grids_that_are_none(height: object, width: object) -> None:
    with pytest.raises(grammars.GrammarError, match="is an integer in 1..64, but got"):
        grammars.Grid(height, width)  # type: ignore[arg-type]


def test_spaces() -> None:
    grid = grammars.Grid(3, 5)
    assert (grid.shape, grid.size, str(grid)) == ((3, 5), 15, "3x5")
    assert grammars.Plane(2.5).shape == (2,)
    assert str(grammars.Plane(2.5)) == "plane(2.5)"
    with pytest.raises(grammars.GrammarError, match="a plane's window is a positive finite number"):
        grammars.Plane(-1.0)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (2, 3), (5, 5), (9, 7), (16, 16)])
def test_every_grid_has_the_language(height: int, width: int) -> None:
    grammar = grammars.load("dots", grammars.Grid(height, width))
    rng = np.random.default_rng(0)
    for _ in range(30):
        sentence = grammar.random("Lesson", rng, max_bits=60)
        assert grammar.parse(str(sentence)) == sentence
        assert sentence.denote().shape[1:] == (height, width)


def test_keys_and_lists() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.random((50, 3, 5)) < 0.3
    doubled = np.concatenate([pictures, pictures[::-1]])
    once = distinct(doubled)
    np.testing.assert_array_equal(
        once, pictures[np.sort(np.unique(grammars.keys(pictures), return_index=True)[1])]
    )
    assert len(ordered(doubled)) == len(once)
    np.testing.assert_array_equal(ordered(doubled), ordered(once[::-1]))
    assert distinct(pictures[:0]).shape == (0, 3, 5)
    assert len(distinct(doubled, 3)) == 3


def test_sentences_are_values() -> None:
    sentence = GRAMMAR.parse("take(8, dots(k=2), seed=0)")
    assert sentence.rule == "take"
    assert sentence.type == "Lesson"
    assert sentence.args[0] == 8
    assert str(sentence.args[1]) == "dots(k=2)"
    assert sentence.args[2] == 0
    assert sentence.grammar is GRAMMAR
    assert repr(sentence) == "<Lesson of dots on 8x8: take(8, dots(k=2), seed=0)>"
    for again in (pickle.loads(pickle.dumps(sentence)), copy.deepcopy(sentence), copy.copy(sentence)):
        assert again == sentence
        assert hash(again) == hash(sentence)
    assert len({sentence, GRAMMAR.parse(str(sentence))}) == 1
    with pytest.raises(AttributeError):
        sentence.args = ()  # type: ignore[misc]
    assert sentence != GRAMMAR.parse("take(8, dots(k=2), seed=1)")
    assert sentence != grammars.load("dots", grammars.Grid(4, 4)).parse(str(sentence))
    assert GRAMMAR.parse("3", "Count") != "3"


def test_walk_and_replace() -> None:
    sentence = GRAMMAR.parse("take(8, union(dots(k=2), dots(k=3)), seed=0)")
    walked = {path: str(subtree) for path, subtree in sentence.walk()}
    assert walked[()] == str(sentence)
    assert walked[(1,)] == "union(dots(k=2), dots(k=3))"
    assert walked[(1, 1)] == "dots(k=3)"
    assert walked[(1, 1, 2)] == "everywhere()"
    for path, subtree in sentence.walk():
        assert sentence.at(path) == subtree
        assert sentence.replace(path, subtree) == sentence
    other = sentence.replace((1, 1), GRAMMAR.parse("dots(k=1)"))
    assert str(other) == "take(8, union(dots(k=1), dots(k=2)), seed=0)"
    with pytest.raises(grammars.GrammarError, match="a Set is replaced by a Set, but got a Region"):
        sentence.replace((1, 1), GRAMMAR.parse("border()"))


def test_what_is_denoted_belongs_to_the_caller() -> None:
    sentence = GRAMMAR.parse("every(dots(k=1))")
    examples = sentence.denote()
    examples[:] = True
    assert sentence.denote().sum() == 64
    target = GRAMMAR.parse("dots(k=1)").denote()
    members = target.members()
    members[:] = True
    assert target.members().sum() == 64
    assert target.sample(64, np.random.default_rng(0), distinct=True).sum() == 64


@pytest.mark.parametrize(
    ("lesson", "used"),
    [
        ("every(dots(k=1))", False),
        ("take(8, dots(k=between(1, 4)), seed=0)", True),
        ("take(8, dots(k=between(0, 4)), seed=0)", True),
        ("take(8, dots(k=4), seed=0)", False),
        ("take(8, dots(k=5), seed=0)", True),
        ("these(at(1, 2), picture('ffffffff00000000'))", False),
        ("join(these(at(1, 2)), take(1, dots(k=9, gap=0), seed=3))", True),
        ("take(8, orbit(dots(k=3, region=half('left')), rolls()), seed=0)", False),
        ("take(8, orbit(dots(k=4), rolls()), seed=0)", True),
        ("take(8, intersect(dots(k=between(1, 4)), dots(k=1)), seed=0)", True),
    ],
)
def test_lessons_that_name_a_set_as_large_as_the_target(lesson: str, used: bool) -> None:
    sentence = GRAMMAR.parse(lesson)
    assert sentence.uses_target(GRAMMAR.target) is used
    assert sentence.uses_target(GRAMMAR.target.denote()) is used


def test_only_a_set_is_a_target() -> None:
    lesson = GRAMMAR.parse("every(dots(k=1))")
    with pytest.raises(grammars.GrammarError, match="a target is a Set, but got a Lesson"):
        lesson.uses_target(lesson)


def test_the_default_target() -> None:
    target = GRAMMAR.target.denote()
    assert str(GRAMMAR.target) == "dots(k=between(1, 4))"
    assert target.sizes() == {1: 64, 2: 1806, 3: 29708, 4: 317471}
    assert target.stratum_names == {1: "1 dot", 2: "2 dots", 3: "3 dots", 4: "4 dots"}
    assert target.weights == dict.fromkeys((1, 2, 3, 4), 0.25)
    assert target.sampling == "uniform"
    assert list(target.properties) == ["mean row", "mean column", "spread"]


def test_properties_by_hand() -> None:
    picture = GRAMMAR.parse("these(overlay(at(1, 2), at(1, 6)), picture('0000000000000000'))").denote()
    values = {
        name: dict(zip(picture.any(axis=(1, 2)), of(picture), strict=True))
        for name, of in GRAMMAR.target.denote().properties.items()
    }
    assert values["mean row"] == {True: 1.0, False: 3.5}
    assert values["mean column"] == {True: 4.0, False: 3.5}
    assert values["spread"] == {True: 2.0, False: 0.0}


def test_motions_and_regions_by_hand() -> None:
    def drawn(text: str) -> list[str]:
        examples = grammars.load("dots", grammars.Grid(3, 3)).parse(f"every({text})").denote()
        return sorted("/".join("".join(".#"[int(p)] for p in row) for row in x) for x in examples)

    assert drawn("explicit(overlay(at(0, 0), at(0, 1)))") == ["##./.../..."]
    turned = drawn("orbit(explicit(overlay(at(0, 0), at(0, 1))), rotations())")
    assert turned == sorted(["##./.../...", ".../#../#..", "..#/..#/...", ".../.../.##"])
    assert drawn("dots(k=1, region=half('left'))") == sorted(["#../.../...", ".../#../...", ".../.../#.."])
    assert drawn("dots(k=1, region=interior())") == [".../.#./..."]
    assert len(drawn("dots(k=1, region=outside(border()))")) == 1
    assert len(drawn("orbit(explicit(overlay(at(0, 0), at(0, 1))), translations())")) == 6
    assert len(drawn("orbit(explicit(overlay(at(0, 0), at(0, 1))), rolls())")) == 9
