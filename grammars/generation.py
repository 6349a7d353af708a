"""Random sentences within a bound of bits.

The rules' own probabilities, conditioned at every choice on being affordable: a rule or literal is drawn
among those whose cheapest completion still fits. What earlier arguments leave over, later ones may spend.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np

from grammars.bound import Category, Production, Slot, count_bits
from grammars.errors import GrammarError
from grammars.sentence import DEEPEST, Sentence

ROUNDING = 1e-9
"""Bits held back from every bound, so that sums in another order stay below it."""

TRIES = 1_000

TAIL = 30
"""Levels kept for ending: with fewer left, only shortest derivations are taken (no type repeats in one)."""


def random_sentence(
    category: Category,
    rng: np.random.Generator,
    max_bits: float,
    allow: Callable[[Sentence], bool] | None = None,
) -> Sentence:
    """A random sentence of the category with at most `max_bits`; GrammarError where there is none."""
    if max_bits < category.cheapest + ROUNDING:
        raise GrammarError(
            f"the shortest {category.name} has {category.cheapest:.2f} bits, but max_bits is {max_bits:g}"
        )
    for _ in range(TRIES):
        sentence, _bits = draw(category, rng, max_bits - ROUNDING, DEEPEST - 1)
        if allow is None or allow(sentence):
            return sentence
    raise GrammarError(f"none of {TRIES:,} random {category.name} sentences was allowed; relax `allow`")


def draw(category: Category, rng: np.random.Generator, budget: float, levels: int) -> tuple[Sentence, float]:
    """A sentence and its bits, at most `budget` (which is at least `category.cheapest`)."""
    affordable = max(1, bisect_right(category.floors, budget)) if levels > TAIL else 1
    point = rng.random() * category.cumulative[affordable - 1]
    chosen = min(bisect_right(category.cumulative, point), affordable - 1)
    production = category.by_floor[chosen]
    spare = max(0.0, budget - category.floors[chosen])
    args, spent = _arguments(production, rng, spare, levels - 1)
    return production.sentence(tuple(args)), production.bits + spent


def _arguments(
    production: Production, rng: np.random.Generator, spare: float, levels: int
) -> tuple[list[Any], float]:
    """Arguments of a production that cost at most `spare` bits more than the cheapest ones."""
    slots = production.slots
    found: list[list[Any]] = [[]] * len(slots)
    total = 0.0
    order = range(len(slots))
    if len(slots) > 1 and spare < 60.0 and rng.random() < 0.5:
        order = order[::-1]  # No argument is always the one that gets what is left.
    for index in order:
        slot = slots[index]
        cheapest = slot.cheapest
        values, bits = _fill(slot, rng, cheapest + spare, levels)
        found[index] = values
        total += bits
        spare = max(0.0, spare - (bits - cheapest))
    return [value for values in found for value in values], total


_Filled = tuple[list[Any], float]


def _fill(slot: Slot, rng: np.random.Generator, budget: float, levels: int) -> _Filled:
    if slot.several:
        return _fill_several(slot, rng, budget, levels)
    if slot.has_default:
        other = slot.other_bits + slot.domain.cheapest
        affordable_default = slot.default_bits <= budget + ROUNDING
        if affordable_default and (other > budget or rng.random() < 2.0**-slot.default_bits):
            return [slot.default], slot.default_bits
        value, bits = _one(slot, rng, budget - slot.other_bits, levels)
        return [value], slot.default_bits if value == slot.default else slot.other_bits + bits
    value, bits = _one(slot, rng, budget, levels)
    return [value], bits


def _one(slot: Slot, rng: np.random.Generator, budget: float, levels: int) -> tuple[Any, float]:
    if slot.category:
        return draw(slot.category, rng, budget, levels)
    domain: Any = slot.domain
    value = domain.draw(rng, budget)
    return value, domain.bits(value)


def _fill_several(slot: Slot, rng: np.random.Generator, budget: float, levels: int) -> _Filled:
    several = slot.several
    assert several is not None
    cheapest = slot.domain.cheapest
    count = several.low
    while count < several.high and rng.random() < several.more:
        if (count + 1) * cheapest + count_bits(several, count + 1) > budget:
            break
        count += 1
    bits = count_bits(several, count)
    spare = budget - bits - count * cheapest
    values = []
    for _ in range(count):
        value, cost = _one(slot, rng, cheapest + max(0.0, spare), levels)
        values.append(value)
        bits += cost
        spare -= cost - cheapest
    return values, bits
