"""A sentence as the choices of its derivation, by name, and back: what Optuna and a swarm can move.

`take(8, dots(k=2), seed=5)` is

    Lesson = take, take.n = 8, take.of = dots, take.of.dots.k = exactly, take.of.dots.k.exactly.k = 2, ...

A name says rule by rule where the choice stands, so it always has the same alternatives: the distribution
of a parameter is fixed by its name. A number also has a `level` in (0, 1): the middle of its share of the
law that the grammar gives it, in ascending order, so that equal steps of level are equally probable.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

import grammars
from grammars.bound import Category, Production, Slot, count_bits
from grammars.literals import Domain
from grammars.rules import Several
from search.errors import SearchError

LONGEST_NAME = 500  # Optuna's databases keep 512 characters
MOST_PARAMETERS = 64  # of one trial in the ledger, those nearest to the root
MOST_VALUES = 2**17  # of a literal that has levels: a bitmap has too many
MOST_WORDS = 64  # of a literal of text that is a categorical parameter
NONE = "none"
UNIT = FloatDistribution(0.0, 1.0)


class Scale:
    """The values of a literal in ascending order, each with its share of the law."""

    def __init__(self, costs: Mapping[Any, float]) -> None:
        self.values = sorted(costs)
        self._place = {value: place for place, value in enumerate(self.values)}
        self.costs = np.array([costs[value] for value in self.values])
        shares = 2.0**-self.costs
        self._ends = np.cumsum(shares / shares.sum())
        self._middles = self._ends - shares / shares.sum() / 2

    def level(self, value: Any) -> float:
        """Where a value stands, in (0, 1)."""
        return float(self._middles[self._place[value]])

    def at(self, level: float, budget: float = inf) -> Any:
        """The value at a level, or the nearest to it of at most `budget` bits."""
        place = min(int(np.searchsorted(self._ends, level, side="right")), len(self.values) - 1)
        if self.costs[place] > budget:
            affordable = np.flatnonzero(self.costs <= budget)
            place = int(affordable[np.abs(affordable - place).argmin()]) if len(affordable) else 0
        return self.values[place]


@dataclass(frozen=True)
class Choice:
    """One choice of a derivation. `of` is what was chosen from: a nonterminal, a literal's place, a list's.

    `kind` is "rule"; "number" (a literal or how many arguments a list has), which has a level; "word", one of
    a few texts; or "free": a seed or a picture, which has no neighbours worth a parameter.
    """

    name: str
    kind: str
    of: Any
    value: Any

    @property
    def level(self) -> float:
        """The level of a number."""
        return self._scale.level(self.value)

    @property
    def cheapest(self) -> Any:
        """What costs least here: a rule's or a word's name, the level of a number."""
        if self.kind == "rule":
            return self.of.by_floor[0].name
        value = self._scale.values[int(self._scale.costs.argmin())]
        return self._scale.level(value) if self.kind == "number" else value

    @property
    def _scale(self) -> Scale:
        return counts(self.of) if isinstance(self.of, Slot) else listed(self.of)


def choices(sentence: grammars.Sentence) -> Iterator[Choice]:
    """Every choice of a derivation, those nearest to the root first; defaults too."""
    waiting = deque([(sentence.type, sentence)])
    while waiting:
        name, here = waiting.popleft()
        production = here.production
        yield Choice(name, "rule", here.grammar.category(here.type), here.rule)
        given = iter(here.args)
        for slot, seeded in zip(production.slots, _seeded(production), strict=True):
            below = inner(name, production, slot)
            count = 1
            if slot.several:
                count = production.count(here.args)
                yield Choice(below, "number", slot, count)
            for place in range(count):
                at = f"{below}.{place}" if slot.several else below
                value = next(given)
                if slot.category:
                    waiting.append((at, value))
                else:
                    yield Choice(at, "free" if seeded else _kind(slot.domain), slot.domain, value)


def inner(name: str, production: Production, slot: Slot) -> str:
    """The name of an argument of the rule that was chosen under `name`; the root's own is left out."""
    return f"{name}.{production.name}.{slot.name}" if "." in name else f"{production.name}.{slot.name}"


def parameters(sentence: grammars.Sentence) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """Values and distributions of a sentence as the parameters of an Optuna trial, for people to look at.

    Always there, so that importances compare all trials: for each type of the grammar by its name, which rule
    the outermost sentence of that type begins with, `none` where there is none. Then the derivation's
    choices, at most 64, seeds and pictures as far as they are numbers.
    """
    params: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    for name in sentence.grammar.types:
        names = tuple(sorted(p.name for p in sentence.grammar.category(name).productions))
        params[name], distributions[name] = NONE, CategoricalDistribution((*names, NONE))
    for choice in choices(sentence):
        if choice.kind == "rule" and params[choice.of.name] == NONE:
            params[choice.of.name] = choice.value
        found = _distribution(choice)
        if found is None or len(choice.name) > LONGEST_NAME or choice.name in params:
            continue
        if len(params) < MOST_PARAMETERS:
            params[choice.name], distributions[choice.name] = choice.value, found
    return params, distributions


def model(sentence: grammars.Sentence) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """As `parameters`, for samplers: rules and words by name, numbers by level, nothing free."""
    params: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    for choice in choices(sentence):
        if choice.kind == "number":
            params[choice.name], distributions[choice.name] = choice.level, UNIT
        elif choice.kind != "free":
            found = _distribution(choice)
            assert found is not None
            params[choice.name], distributions[choice.name] = choice.value, found
    return params, distributions


def skeleton(sentence: grammars.Sentence) -> tuple[tuple[str, Any], ...]:
    """A sentence without its numbers and seeds: rules, words, lengths of lists; equal where only numbers
    differ."""
    return tuple(
        (choice.name, choice.value)
        for choice in choices(sentence)
        if choice.kind in ("rule", "word") or isinstance(choice.of, Slot)
    )


def levels(sentence: grammars.Sentence) -> NDArray[np.float64]:
    """The levels of all numeric literals, in the order of `choices`; lengths of lists are not among them."""
    return np.array([choice.level for choice in choices(sentence) if _is_coordinate(choice)])


def at_levels(sentence: grammars.Sentence, moved: NDArray[np.float64]) -> grammars.Sentence:
    """The sentence with other numeric literals, given by their levels; what is symmetric is sorted again."""
    wanted = {choice.name: choice.value for choice in choices(sentence)}
    coordinates = [choice for choice in choices(sentence) if _is_coordinate(choice)]
    for choice, level in zip(coordinates, moved, strict=True):
        wanted[choice.name] = listed(choice.of).at(float(level))
    return compose(sentence.grammar, sentence.type, _Given(wanted), inf)


class Chooser:
    """Makes the choices of `compose`; this one by the grammar's own law, from a generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def rule(self, name: str, category: Category, affordable: list[Production]) -> Production:
        """One of the rules whose shortest sentence fits."""
        shares = np.array([2.0**-production.bits for production in affordable])
        return affordable[int(self.rng.choice(len(affordable), p=shares / shares.sum()))]

    def literal(self, name: str, kind: str, domain: Domain, budget: float) -> Any:
        """A value of at most `budget` bits."""
        return domain.draw(self.rng, budget)

    def count(self, name: str, slot: Slot, most: int) -> int:
        """How many arguments, at most `most`."""
        return min(counts(slot).at(self.rng.random()), most)


class _Given(Chooser):
    """Choices that are known by name."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def rule(self, name: str, category: Category, affordable: list[Production]) -> Production:
        return next(production for production in affordable if production.name == self.values[name])

    def literal(self, name: str, kind: str, domain: Domain, budget: float) -> Any:
        return self.values[name]

    def count(self, name: str, slot: Slot, most: int) -> int:
        return int(self.values[name])


def compose(
    grammar: grammars.Grammar, type: str, chooser: Chooser, max_bits: float, depth: int = 40
) -> grammars.Sentence:
    """The sentence of a chooser's choices, at most `max_bits` long.

    Offered is what still fits; beyond `depth` levels of rules only what ends soonest.
    """
    category = grammar.category(type)
    if max_bits < category.cheapest:
        raise SearchError(
            f"the shortest {type} has {category.cheapest:.2f} bits: `max_bits` must be no less, "
            f"but got max_bits={max_bits:g}"
        )
    return _compose(category.name, category, chooser, max_bits - 1e-9, depth)[0]


def _compose(
    name: str, category: Category, chooser: Chooser, budget: float, depth: int
) -> tuple[grammars.Sentence, float]:
    """A sentence under a name, and its bits."""
    affordable = [p for p in category.by_floor if p.floor <= budget] if depth > 0 else []
    production = chooser.rule(name, category, affordable or category.by_floor[:1])
    spare = max(budget - production.floor, 0.0)
    args: list[Any] = []
    for slot, seeded in zip(production.slots, _seeded(production), strict=True):
        below, room = inner(name, production, slot), slot.cheapest + spare
        found, spent = _argument(below, slot, seeded, chooser, room, depth - 1)
        args += found
        spare = max(spare - (spent - slot.cheapest), 0.0)
    sentence = production.sentence(tuple(args))
    return sentence, sentence.bits


def _argument(
    name: str, slot: Slot, seeded: bool, chooser: Chooser, budget: float, depth: int
) -> tuple[list[Any], float]:
    """What stands at one place of a rule, and its bits; a default where nothing else fits."""
    least, several = slot.domain.cheapest, slot.several
    kind = "free" if seeded else "rule" if slot.category else _kind(slot.domain)

    def one(at: str, room: float) -> tuple[Any, float]:
        if slot.category:
            return _compose(at, slot.category, chooser, max(room, least), depth)
        domain: Any = slot.domain
        value = chooser.literal(at, kind, domain, max(room, least))
        return value, domain.bits(value)

    if several:
        most = several.low
        while most < several.high and (most + 1) * least + count_bits(several, most + 1) <= budget:
            most += 1
        count = max(several.low, min(chooser.count(name, slot, most), most))
        spent = count_bits(several, count)
        spare = max(budget - spent - count * least, 0.0)
        values = []
        for place in range(count):
            value, bits = one(f"{name}.{place}", least + spare)
            values.append(value)
            spent, spare = spent + bits, max(spare - (bits - least), 0.0)
        return values, spent
    if slot.has_default:
        if slot.other_bits + least > budget:
            return [slot.default], slot.default_bits
        value, _ = one(name, budget - slot.other_bits)
        return [value], slot.bits(value)
    value, bits = one(name, budget)
    return [value], bits


def _is_coordinate(choice: Choice) -> bool:
    return choice.kind == "number" and not isinstance(choice.of, Slot)


def _distribution(choice: Choice) -> BaseDistribution | None:
    """What Optuna may know of a choice, in the values that a person reads."""
    if choice.kind == "rule":
        return CategoricalDistribution(tuple(sorted(p.name for p in choice.of.productions)))
    if isinstance(choice.of, Slot):
        several: Any = choice.of.several
        return IntDistribution(several.low, several.high)
    if choice.kind == "word":
        return CategoricalDistribution(tuple(listed(choice.of).values))
    scale = _scale_of(choice.of)
    if scale is None or choice.of.kind is str:
        return None
    low, high = scale.values[0], scale.values[-1]
    return IntDistribution(low, high) if choice.of.kind is int else FloatDistribution(low, high)


@lru_cache(maxsize=4096)
def _seeded(production: Production) -> tuple[bool, ...]:
    """Which of a rule's parameters are seeds."""
    return tuple(getattr(one.domain, "law", "") == "seed" for one in production.rule.parameters)


@lru_cache(maxsize=4096)
def _kind(domain: Any) -> str:
    scale = _scale_of(domain)
    if scale is None:
        return "free"
    return "word" if domain.kind is str else "number"


@lru_cache(maxsize=4096)
def _scale_of(domain: Any) -> Scale | None:
    """The scale of a literal; None where it has too many values to list."""
    most = MOST_WORDS if domain.kind is str else MOST_VALUES
    options = list(islice(domain.options(), most + 1))
    return Scale({value: bits for bits, value in options}) if len(options) <= most else None


def listed(domain: Any) -> Scale:
    """The scale of a literal that is a number or a word."""
    scale = _scale_of(domain)
    assert scale is not None, "a literal without levels is free"
    return scale


@lru_cache(maxsize=4096)
def counts(slot: Any) -> Scale:
    """The scale of the length of a list."""
    several: Several = slot.several
    return Scale({count: count_bits(several, count) for count in range(several.low, several.high + 1)})
