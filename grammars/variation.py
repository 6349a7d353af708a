"""Variation of sentences for a genetic search: mutation and crossover, typed, bounded, reproducible.

A mutation is one of: a new subtree, a literal nudged, another rule over the same arguments, a subtree hoisted
into its ancestor's place, a rule wrapped around a subtree, or a change to a list of arguments. Kinds and
places are drawn from lists in the order of the tree and of sorted names, so a seed fixes the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from grammars.bound import Category, Production, Slot
from grammars.errors import GrammarError
from grammars.generation import ROUNDING, draw
from grammars.literals import Domain
from grammars.sentence import DEEPEST, Path, Sentence

TRIES = 20
"""Attempts at a different sentence within the bound before a mutation starts afresh."""


def mutate(sentence: Sentence, rng: np.random.Generator, max_bits: float) -> Sentence:
    """A different sentence of the same type, of at most `max_bits`.

    After 20 failed attempts a random sentence is taken; after 20 of those the sentence itself is returned
    (it may be the only one of its type).
    """
    names = sorted(_KINDS)
    weights = np.cumsum([_KINDS[name][0] for name in names])
    for _ in range(TRIES):
        kind = _KINDS[names[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]][1]
        child = kind(sentence, rng, max_bits)
        if child is not None and child.bits <= max_bits and child != sentence:
            return child
    category = sentence.grammar.category(sentence.type)
    if max_bits >= category.cheapest + ROUNDING:
        for _ in range(TRIES):
            child, _bits = draw(category, rng, max_bits - ROUNDING, DEEPEST - 1)
            if child != sentence:
                return child
    return sentence


def crossover(
    a: Sentence, b: Sentence, rng: np.random.Generator, max_bits: float
) -> tuple[Sentence, Sentence]:
    """Exchange one subtree of a for one of b of the same type; (a, b) where 20 draws fit no bound."""
    ours, theirs = _by_type(a), _by_type(b)
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        return a, b
    for _ in range(TRIES):
        name = shared[int(rng.integers(len(shared)))]
        path, subtree = _pick(ours[name], rng)
        other_path, other = _pick(theirs[name], rng)
        if subtree == other or (not path and not other_path):
            continue
        first, second = _put(a, path, other), _put(b, other_path, subtree)
        if first and second and first.bits <= max_bits and second.bits <= max_bits:
            return first, second
    return a, b


def _by_type(sentence: Sentence) -> dict[str, list[tuple[Path, Sentence]]]:
    places: dict[str, list[tuple[Path, Sentence]]] = {}
    for path, subtree in sentence.walk():
        places.setdefault(subtree.type, []).append((path, subtree))
    return places


def _pick(items: list[Any], rng: np.random.Generator) -> Any:
    return items[int(rng.integers(len(items)))]


def _put(sentence: Sentence, path: Path, subtree: Sentence | None) -> Sentence | None:
    """The sentence with the subtree at the path; None where it would nest too deep."""
    if subtree is None or len(path) + subtree.depth > DEEPEST:
        return None
    return sentence.replace(path, subtree)


def _new_subtree(sentence: Sentence, rng: np.random.Generator, max_bits: float) -> Sentence | None:
    path, old = _pick(list(sentence.walk()), rng)
    category = sentence.grammar.category(old.type)
    budget = max_bits - (sentence.bits - old.bits) - ROUNDING
    if budget < category.cheapest:
        return None
    new, _ = draw(category, rng, budget, DEEPEST - 1 - len(path))
    return _put(sentence, path, new)


def _nudge(sentence: Sentence, rng: np.random.Generator, max_bits: float) -> Sentence | None:
    places = [
        (path, index, slot)
        for path, subtree in sentence.walk()
        for index, slot in enumerate(subtree.production.slots_of(subtree.args))
        if isinstance(slot.domain, Domain)
    ]
    if not places:
        return None
    path, index, slot = _pick(places, rng)
    subtree = sentence.at(path)
    args = list(subtree.args)
    args[index] = slot.domain.nudge(args[index], rng)
    return sentence.replace(path, subtree.production.sentence(tuple(args)))


def _swap_rule(sentence: Sentence, rng: np.random.Generator, max_bits: float) -> Sentence | None:
    """Another rule of the same type that keeps the arguments of equal type; new ones are drawn."""
    path, old = _pick(list(sentence.walk()), rng)
    category = sentence.grammar.category(old.type)
    others = [production for production in category.productions if production is not old.production]
    if not others:
        return None
    slots = old.production.slots_of(old.args)
    kept = [(_kind(slot), arg) for slot, arg in zip(slots, old.args, strict=True)]
    return _put(sentence, path, _refill(_pick(others, rng), kept, rng, max_bits, len(path)))


def _kind(slot: Slot) -> str:
    """What an argument is, for keeping it under another rule: its type, or a literal's name and range."""
    if slot.category:
        return slot.category.name
    domain: Any = slot.domain
    return f"{slot.name}: {domain.describe()}"


def _refill(
    production: Production, kept: list[tuple[str, Any]], rng: np.random.Generator, max_bits: float, above: int
) -> Sentence | None:
    """A sentence of the production that uses the kept arguments in their order and draws the others."""
    kept = list(kept)
    args: list[Any] = []
    for slot in production.slots:
        limit = 1
        if slot.several:
            available = sum(kind == _kind(slot) for kind, _ in kept)
            limit = min(max(slot.several.low, available), slot.several.high)
        for _ in range(limit):
            index = next((i for i, (kind, _) in enumerate(kept) if kind == _kind(slot)), None)
            if index is not None:
                args.append(kept.pop(index)[1])
            elif slot.has_default:
                args.append(slot.default)
            else:
                args.append(_fresh(slot, rng, max_bits, above + 1))
    if any(arg is None for arg in args):
        return None
    return _sentence(production, args)


def _fresh(slot: Slot, rng: np.random.Generator, max_bits: float, above: int) -> Any:
    if isinstance(slot.domain, Category):
        if max_bits < slot.domain.cheapest:
            return None
        return draw(slot.domain, rng, max_bits, DEEPEST - 1 - above)[0]
    return slot.domain.draw(rng, max_bits) if max_bits >= slot.domain.cheapest else None


def _sentence(production: Production, args: list[Any]) -> Sentence | None:
    try:
        return production.sentence(tuple(args))
    except GrammarError:  # Too deep: another attempt is made.
        return None


def _hoist(sentence: Sentence, rng: np.random.Generator, max_bits: float) -> Sentence | None:
    """A subtree takes the place of an ancestor of its type."""
    places = list(sentence.walk())
    pairs = [
        (path, inner)
        for path, outer in places
        for below, inner in outer.walk()
        if below and inner.type == outer.type
    ]
    if not pairs:
        return None
    path, inner = _pick(pairs, rng)
    return sentence.replace(path, inner)


def _wrap(sentence: Sentence, rng: np.random.Generator, max_bits: float) -> Sentence | None:
    """A rule is put around a subtree: the subtree becomes one of its arguments, the others are drawn."""
    choices = [
        (path, subtree, production)
        for path, subtree in sentence.walk()
        for production in sentence.grammar.category(subtree.type).productions
        if any(slot.category and slot.category.name == subtree.type for slot in production.slots)
    ]
    if not choices:
        return None
    path, subtree, production = _pick(choices, rng)
    spare = max_bits - sentence.bits
    wrapped = _refill(production, [(subtree.type, subtree)], rng, spare, len(path))
    return _put(sentence, path, wrapped)


def _edit_list(sentence: Sentence, rng: np.random.Generator, max_bits: float) -> Sentence | None:
    """Add, drop or change a copy of one element of a `*parameter`."""
    places = [(path, subtree) for path, subtree in sentence.walk() if subtree.production.several]
    if not places:
        return None
    path, subtree = _pick(places, rng)
    production = subtree.production
    slot = production.several
    assert slot is not None
    assert slot.several is not None
    first = len(production.positional)
    count = production.count(subtree.args)
    args = list(subtree.args)
    action = _pick(["add", "change a copy", "drop"], rng)
    if action == "drop":
        if count <= slot.several.low:
            return None
        del args[first + int(rng.integers(count))]
    else:
        if count >= slot.several.high:
            return None
        new: Any = None
        if action == "change a copy" and count:
            old = args[first + int(rng.integers(count))]
            budget = max_bits - sentence.bits
            new = mutate(old, rng, budget) if isinstance(old, Sentence) else slot.domain.nudge(old, rng)
        else:
            new = _fresh(slot, rng, max_bits - sentence.bits, len(path) + 1)
        if new is None:
            return None
        args.insert(first + count, new)
    return _put(sentence, path, _sentence(production, args))


_Kind = Callable[[Sentence, np.random.Generator, float], Sentence | None]
_KINDS: dict[str, tuple[float, _Kind]] = {
    "edit list": (0.15, _edit_list),
    "hoist": (0.10, _hoist),
    "new subtree": (0.20, _new_subtree),
    "nudge": (0.30, _nudge),
    "swap rule": (0.15, _swap_rule),
    "wrap": (0.10, _wrap),
}
