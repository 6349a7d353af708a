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
from grammars.rules import MISSING
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
    # Called for every part of every sentence: written for speed, here and below.
    floors, cumulative = category.floors, category.cumulative
    affordable = (bisect_right(floors, budget) or 1) if levels > TAIL else 1
    chosen = bisect_right(cumulative, rng.random() * cumulative[affordable - 1])
    if chosen >= affordable:
        chosen = affordable - 1
    production = category.by_floor[chosen]
    if not production.slots:
        return production.sentence(()), production.bits
    spare = budget - floors[chosen]
    args, spent = _arguments(production, rng, spare if spare > 0.0 else 0.0, levels - 1)
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
        if slot.several or slot.default is not MISSING:
            found[index], bits = _fill(slot, rng, cheapest + spare, levels)
        else:
            value, bits = _one(slot, rng, cheapest + spare, levels)
            found[index] = [value]
        total += bits
        spare -= bits - cheapest
        if spare < 0.0:
            spare = 0.0
    return [value for values in found for value in values], total


_Filled = tuple[list[Any], float]


def _fill(slot: Slot, rng: np.random.Generator, budget: float, levels: int) -> _Filled:
    """Arguments of a place that takes several or has a default."""
    if slot.several:
        return _fill_several(slot, rng, budget, levels)
    other = slot.other_bits + slot.domain.cheapest
    affordable_default = slot.default_bits <= budget + ROUNDING
    if affordable_default and (other > budget or rng.random() < 2.0**-slot.default_bits):
        return [slot.default], slot.default_bits
    value, bits = _one(slot, rng, budget - slot.other_bits, levels)
    return [value], slot.default_bits if value == slot.default else slot.other_bits + bits


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
