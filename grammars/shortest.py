"""The shortest sentence that says exactly these examples, on grids small enough to list every picture.

Sentences are built from the bottom up, cheapest first, and of all sentences of a type that denote the same
only the first is kept and built upon (Knuth 1977, a generalisation of Dijkstra's algorithm to grammars): as
rules are functions of denotations, whatever is made of a longer one is longer than the same made of the
first. The bits that a part still needs around it to become a whole are added to its priority, so parts that
could only end beyond the bound are never looked at.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.bound import Category, Production, Slot, count_bits
from grammars.errors import GrammarError
from grammars.example_set import ExampleSet
from grammars.generation import ROUNDING
from grammars.language import Grammar
from grammars.sentence import Sentence
from grammars.spaces import Examples, Grid, check_examples, keys

MOST_PIXELS = 12
"""Largest grid: every set is compared by its members among all 2^d pictures."""

MOST_BITS = 40.0
"""Longest sentence looked for, unless told otherwise."""

MOST_TRIED = 200_000
"""Most parts of sentences built, unless told otherwise."""

ORDERED = 512
"""Lessons longer than half of the longest are told apart by their order too: `join` cuts what is too long."""


def shortest(
    examples: Examples,
    grammar: Grammar,
    type: str = "Set",
    *,
    max_bits: float = MOST_BITS,
    most: int = MOST_TRIED,
) -> Sentence | None:
    """The sentence of fewest bits that denotes exactly these examples, in any order; ties as they come.

    examples: bool[n, height, width] on a grid of at most 12 pixels; type: "Set" or "Lesson". None where no
    sentence of at most `max_bits` says them. GrammarError where `most` parts of sentences were built before
    that was known.
    """
    if not isinstance(grammar.space, Grid) or grammar.space.size > MOST_PIXELS:
        raise GrammarError(
            f"the shortest sentence is found on grids of at most {MOST_PIXELS} pixels, not on {grammar.space}"
        )
    if type not in ("Set", "Lesson"):
        raise GrammarError(f"examples are a Set or a Lesson, but got {type!r}")
    wanted = frozenset(key.tobytes() for key in keys(check_examples(examples, grammar.space)))
    search = _Search(grammar, grammar.category(type), max_bits)
    for tried, (bits, sentence) in enumerate(search.run(), 1):
        if sentence is not None and search.examples_of(sentence) == wanted:
            return sentence
        if tried >= most:
            raise GrammarError(
                f"no {type} of less than {bits:.1f} bits says these {len(wanted)} examples, and {most:,} "
                f"parts of sentences were built to know that; give `most` more than {most:,}"
            )
    return None


class _Values:
    """What may stand at a place, cheapest first, as far as it is known; a literal's values are all known."""

    def __init__(self, literal: Iterator[tuple[float, Any]] | None = None) -> None:
        self.known: list[tuple[float, Any]] = []
        self.literal = literal
        self.waiting: dict[int, list[Any]] = defaultdict(list)

    def has(self, index: int) -> bool:
        while self.literal is not None and len(self.known) <= index:
            option = next(self.literal, None)
            if option is None:
                break
            self.known.append(option)
        return len(self.known) > index


class _Place:
    """A parameter: its values with what it adds to their cost, and its default first, which is cheapest."""

    def __init__(self, slot: Slot, values: _Values) -> None:
        self.values = values
        self.default = slot.default if slot.has_default and not slot.several else None
        self.default_bits = slot.default_bits
        self.shift = int(self.default is not None)
        self.extra = slot.other_bits if self.shift else 0.0
        self.closed = self.extra == math.inf

    def value(self, index: int) -> tuple[float, Any]:
        if self.shift and index == 0:
            return self.default_bits, self.default
        bits, value = self.values.known[index - self.shift]
        return bits + self.extra, value


class _Search:
    """One agenda for all types: (bits with those still needed around it, what is to be done)."""

    def __init__(self, grammar: Grammar, goal: Category, max_bits: float) -> None:
        self.grammar, self.goal, self.max_bits = grammar, goal, max_bits
        self.queue: list[tuple[float, int, Any]] = []
        self.ticket = count()
        self.around = _around(grammar, goal)
        self.of_type = {name: _Values() for name in self.around}
        self.seen: dict[str, set[Hashable]] = {name: set() for name in self.around}
        self.places: dict[str, list[_Place]] = {}
        side = grammar.space.size
        numbers = np.arange(2**side)[:, None] >> np.arange(side) & 1
        self.pictures: NDArray[np.bool_] = numbers.astype(bool).reshape(-1, *grammar.space.shape)
        self.names = np.array([key.tobytes() for key in keys(self.pictures)], dtype=object)

    def run(self) -> Iterator[tuple[float, Sentence | None]]:
        """Every part built, with its priority; the sentence where it is a new one of the goal's type."""
        for name in sorted(self.around):
            for production in self.grammar.categories[name].productions:
                self.open(production)
        while self.queue:
            priority, _, item = heapq.heappop(self.queue)
            if len(item) == 2:
                yield priority, self.built(*item)
            else:
                self.listed(*item)
                yield priority, None

    def push(self, bits: float, around: float, item: Any) -> None:
        if bits + around <= self.max_bits + ROUNDING:
            heapq.heappush(self.queue, (bits + around, next(self.ticket), item))

    # A rule with its arguments: one index into the values of each place.

    def open(self, production: Production) -> None:
        places = []
        for slot in (*production.positional, *filter(None, [production.several]), *production.keywords):
            if slot.category is None:
                values = _Values(slot.domain.options())  # type: ignore[union-attr]
            else:
                values = self.of_type[slot.category.name]
            if slot.several:
                lists = _Values()
                around = self.around[production.type] + production.floor - slot.cheapest
                self.offer_list(production, slot, values, lists, around, ())
                values = lists
            places.append(_Place(slot, values))
        self.places[production.name] = places
        self.offer(production, (0,) * len(places))

    def offer(self, production: Production, indices: tuple[int, ...]) -> None:
        """Queue a choice of arguments, now or when the last of them is known."""
        bits = production.bits
        for place, index in zip(self.places[production.name], indices, strict=True):
            if index < place.shift:
                bits += place.default_bits
                continue
            if place.closed:
                return
            if not place.values.has(index - place.shift):
                place.values.waiting[index - place.shift].append((self.offer, (production, indices)))
                return
            bits += place.value(index)[0]
        self.push(bits, self.around[production.type], (production, indices))

    def built(self, production: Production, indices: tuple[int, ...]) -> Sentence | None:
        """Make the sentence, keep it if it says something new, and queue the choices next to it."""
        for position, index in reversed(list(enumerate(indices))):
            self.offer(production, (*indices[:position], index + 1, *indices[position + 1 :]))
            if index:  # Every choice is reached once: by raising the indices from left to right.
                break
        args: list[Any] = []
        for place, index in zip(self.places[production.name], indices, strict=True):
            value = place.value(index)[1]
            if place.shift and index and value == place.default:
                return None
            args.extend(value if isinstance(value, tuple) and place.values.literal is None else [value])
        sentence = production.sentence(tuple(args))
        key = self.key_of(sentence)
        if key in self.seen[production.type]:
            return None
        self.seen[production.type].add(key)
        self.found(self.of_type[production.type], sentence.bits, sentence)
        return sentence if production.type == self.goal.name else None

    def found(self, values: _Values, bits: float, value: Any) -> None:
        values.known.append((bits, value))
        for again, arguments in values.waiting.pop(len(values.known) - 1, ()):
            again(*arguments)

    # A list of arguments: a tuple of indices, ascending where order means nothing.

    def offer_list(self, *item: Any) -> None:
        """Queue a list by the least it may cost: without the bits that say it ends."""
        _, slot, values, _, around, indices = item
        several = slot.several
        if len(indices) > several.high:
            return
        if indices and not values.has(max(indices)):
            values.waiting[max(indices)].append((self.offer_list, item))
            return
        bits = sum(values.known[index][0] for index in indices)
        missing = max(several.low - len(indices), 0) * slot.domain.cheapest
        more = max(len(indices) - several.low, 0) * -math.log2(several.more)
        self.push(bits + missing + more, around, (*item, False))

    def listed(self, *item: Any) -> None:
        """A list with all its bits is known; one without leads to itself and to those next to it."""
        production, slot, values, lists, around, indices, whole = item
        several, before = slot.several, item[:5]
        if whole:
            chosen = tuple(values.known[index] for index in indices)
            bits = sum(bits for bits, _ in chosen) + count_bits(several, len(indices))
            self.found(lists, bits, tuple(value for _, value in chosen))
            return
        if len(indices) >= several.low:
            bits = sum(values.known[index][0] for index in indices) + count_bits(several, len(indices))
            self.push(bits, around, (*before, indices, True))
        if production.rule.symmetric:
            last = indices[-1] if indices else -1
            self.offer_list(*before, (*indices, last + 1))
            if indices:
                self.offer_list(*before, (*indices[:-1], last + 1))
            return
        if not any(indices):
            self.offer_list(*before, (*indices, 0))
        for position, index in reversed(list(enumerate(indices))):
            self.offer_list(*before, (*indices[:position], index + 1, *indices[position + 1 :]))
            if index:
                break

    # What a sentence says.

    def key_of(self, sentence: Sentence) -> Hashable:
        """Equal for two sentences of a type that say the same; the text where that cannot be seen."""
        said = sentence.denote()
        if isinstance(said, ExampleSet):
            # What is drawn from a set is the same only where it is drawn from the list of its members.
            inside = np.packbits(said.contains(self.pictures)).tobytes()
            return inside, str(sentence) if said.members() is None else tuple(said.weights.items())
        if sentence.type == "Lesson":
            return said.tobytes() if len(said) > ORDERED else np.sort(keys(said)).tobytes()
        if isinstance(said, np.ndarray):
            return said.tobytes()
        plain = isinstance(said, tuple) and all(isinstance(part, int | float | str) for part in said)
        return said if plain or isinstance(said, frozenset | int | float) else str(sentence)

    def examples_of(self, sentence: Sentence) -> frozenset[bytes]:
        said = sentence.denote()
        if isinstance(said, ExampleSet):
            return frozenset(self.names[said.contains(self.pictures)])
        return frozenset(key.tobytes() for key in keys(said))


def _around(grammar: Grammar, goal: Category) -> dict[str, float]:
    """Least bits around a part of each type that the goal can contain, until it is a whole."""
    around = {goal.name: 0.0}
    changed = True
    while changed:
        changed = False
        for name in list(around):
            for production in grammar.categories[name].productions:
                for slot in production.slots:
                    if slot.category is None:
                        continue
                    # Beside a default, or in a list that may be empty, a part adds its whole cost.
                    least = slot.category.cheapest
                    beside = production.floor - (slot.cheapest if _may_be_left_out(slot) else least)
                    bits = around[name] + beside + (slot.other_bits if slot.has_default else 0.0)
                    if bits < around.get(slot.category.name, math.inf) - 1e-12:
                        around[slot.category.name], changed = bits, True
    return around


def _may_be_left_out(slot: Slot) -> bool:
    return slot.has_default or bool(slot.several and slot.several.low == 0)
