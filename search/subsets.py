"""Smaller lessons from a larger one, as sentences of the same language.

A subset of `these(...)` keeps the words of its members; `take(n, S, seed)` and `every(S)` have smaller ones
in their own words; the examples of any other lesson are written one by one, each in the fewest bits that
its language has for a single example. Points of the plane are written to the language's own step, so that
a subset there has its points moved by half a step at most.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

import grammars
from search.errors import SearchError
from search.evaluation import examples_of


class Subsets:
    """A lesson and its smaller relatives; `n` is the number of `examples`, distinct in canonical order."""

    def __init__(self, lesson: grammars.Sentence) -> None:
        self._lesson = lesson
        self.grammar = lesson.grammar
        self.examples = examples_of(lesson)
        self._words: list[str] | None = None
        self.n = len(self.examples)

    def first(self, count: int) -> grammars.Sentence:
        """The first so many: drawn by the lesson's own seed, else in an order that its content fixes."""
        lesson = self._lesson
        if lesson.rule == "take":
            return self._parsed(f"take({count}, {lesson.args[1]}, seed={lesson.args[2]})")
        if lesson.rule == "every":
            return self._parsed(f"take({count}, {lesson.args[0]}, seed=0)")
        seed = int.from_bytes(hashlib.sha256(str(lesson).encode()).digest()[:8], "big")
        order = np.random.Generator(np.random.PCG64(seed)).permutation(self.n)
        return self.only(sorted(order[:count].tolist()))

    def only(self, places: Sequence[int]) -> grammars.Sentence:
        """The examples at these places of the canonical order."""
        words = self.words
        return self._parsed(f"these({', '.join(words[place] for place in places)})")

    @property
    def words(self) -> list[str]:
        """Each example as a sentence, in the canonical order of examples."""
        if self._words is None:
            own = {example.tobytes(): words for example, words in _own_words(self._lesson)}
            self._words = [
                own.get(example.tobytes()) or shortest_words(example, self.grammar)
                for example in self.examples
            ]
        return self._words

    def _parsed(self, text: str) -> grammars.Sentence:
        return self.grammar.parse(text, type="Lesson")


def _own_words(lesson: grammars.Sentence) -> list[tuple[Any, str]]:
    """The examples that the lesson itself names one by one, as it names them."""
    if lesson.rule == "join":
        return [named for part in lesson.args for named in _own_words(part)]
    if lesson.rule != "these":
        return []
    return [(np.asarray(one.denote()), str(one)) for one in lesson.args]


def shortest_words(example: Any, grammar: grammars.Grammar) -> str:
    """A single example in the fewest bits: its dots, its pixels as hexadecimal digits, or its coordinates."""
    kind = type_of_example(grammar)
    found = []
    for text in _candidates(example):
        try:
            found.append(grammar.parse(text, type=kind))
        except grammars.GrammarError:
            continue
    if not found:
        raise SearchError(f"{grammar.name} has no words for a single example of shape {example.shape}")
    return str(min(found, key=lambda sentence: sentence.bits))


def type_of_example(grammar: grammars.Grammar) -> str:
    """The type of sentences that say a single example."""
    if "these" not in grammar.productions:
        raise SearchError(f"{grammar.name} has no rule `these`: no words for a part of a lesson")
    [kind] = [slot.category.name for slot in grammar.productions["these"].slots if slot.category is not None]
    return kind


def _candidates(example: Any) -> list[str]:
    """Ways of writing one example that languages have in common."""
    if example.dtype != bool:
        x, y = (round(float(value), 2) + 0.0 for value in example)
        return [f"at({x}, {y})"]
    dots = [f"at({row}, {column})" for row, column in np.argwhere(example)]
    digits = -(-example.size // 4)
    padded = np.zeros(4 * digits, dtype=bool)
    padded[: example.size] = example.ravel()
    texts = [f"picture('{np.packbits(padded).tobytes().hex()[:digits]}')"]
    if len(dots) == 1:
        texts.append(dots[0])
    elif 2 <= len(dots) <= 64:
        texts.append(f"overlay({', '.join(dots)})")
    return texts
