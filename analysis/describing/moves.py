"""Sentences near a sentence, place by place: other literals, other parts, more of them, rules around.

Every move is one of a finite list in the order of the tree, so that the course of a search is fixed. What the
data ask for comes from a `Choices`: for a type, the sentences that may stand there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, product
from typing import Any

from grammars import GrammarError, Sentence
from grammars.bound import Production, Slot
from grammars.literals import Domain
from grammars.rules import MISSING

Choices = Callable[[str], list[Sentence]]
"""For the name of a type, sentences that may stand at a place of it, the most promising first."""

FEW = 32
"""Values of a literal that are all tried; of more, those near by."""

STEPS = (1, 2, 3, 4, 6, 8, 12, 16)

MOST_AROUND = 48
"""Ways to fill the other places of a rule that is put around a part."""

MOST_OPTIONS, MOST_CHOICES = 48, 20_000
"""Options of one place among several, and choices for all that are put in order."""

Path = tuple[int, ...]


Place = tuple[Path, str, int]
"""Where something may change, how ("literal", "part", "list", "drop", "rule", "hoist", "wrap"), and which
literal."""

NUDGES = ("literal", "list", "part")
CHANGES = (*NUDGES, "hoist", "rule", "wrap")
DROPS = ("drop",)


def places(sentence: Sentence, kinds: tuple[str, ...] = CHANGES) -> list[Place]:
    """Everything that may change, part by part from the root down; `NUDGES` keep the form of the sentence."""
    found: list[Place] = []
    for path, part in sentence.walk():
        for kind in kinds:
            if kind == "literal":
                slots = part.production.slots_of(part.args)
                found += [(path, kind, i) for i, slot in enumerate(slots) if isinstance(slot.domain, Domain)]
            elif kind != "part" or path:
                found.append((path, kind, 0))
    return found


def at_place(sentence: Sentence, place: Place, choices: Choices) -> list[Sentence]:
    """What the sentence becomes with something else at one of its places."""
    path, kind, index = place
    part = sentence.at(path)
    made: dict[str, Callable[[], list[Sentence]]] = {
        "literal": lambda: literals(part, index),
        "part": lambda: choices(part.type),
        "list": lambda: lists(part, choices),
        "drop": lambda: dropped(part),
        "hoist": lambda: hoisted(part),
        "rule": lambda: swapped(part, choices),
        "wrap": lambda: wrapped(part, choices),
    }
    return _put(sentence, path, [one for one in made[kind]() if one != part])


def descended(
    start: Sentence,
    loss: Callable[[Sentence], float],
    choices: Choices,
    kinds: tuple[str, ...] = NUDGES,
    most: int | None = None,
) -> Sentence:
    """The best at each place in turn, around and around until none is better, or `most` were tried."""
    here, least, place, unchanged = start, loss(start), 0, 0
    order, tried = places(here, kinds), 0
    while order and unchanged < len(order) and (most is None or tried < most):
        some = at_place(here, order[place % len(order)], choices)
        tried += len(some)
        best = min(some, key=lambda s: (loss(s), s.bits, str(s)), default=here)
        place, unchanged = place + 1, unchanged + 1
        if loss(best) < least - 1e-9:
            here, least, unchanged = best, loss(best), 0
            order = places(here, kinds)
    return here


def _put(sentence: Sentence, path: Path, parts: list[Sentence]) -> list[Sentence]:
    found = []
    for part in parts:
        try:
            found.append(sentence.replace(path, part))
        except GrammarError:  # It would nest too deep.
            continue
    return found


# Other literals.


def literals(part: Sentence, index: int) -> list[Sentence]:
    """A part with another value of one of its literals."""
    slot = list(part.production.slots_of(part.args))[index]
    before, after = part.args[:index], part.args[index + 1 :]
    assert isinstance(slot.domain, Domain)
    return [part.production.sentence((*before, v, *after)) for v in near(slot.domain, part.args[index])]


def near(domain: Domain, value: Any) -> list[Any]:
    """All other values of a short list; of a long one of numbers those near by and both ends."""
    listed = getattr(domain, "values", None)
    if listed is None or "_Seeds" in type(domain).__name__:
        return []
    if len(listed) <= FEW or domain.kind is str:
        return [other for other in listed if other != value]
    ordered = sorted(listed)
    place = ordered.index(value)
    places = [place + sign * step for step in STEPS for sign in (-1, 1)] + [0, len(ordered) - 1]
    return [ordered[i] for i in dict.fromkeys(places) if 0 <= i < len(ordered) and i != place]


# More or fewer parts.


def lists(part: Sentence, choices: Choices) -> list[Sentence]:
    """A part with one element of its list less, or one more."""
    production = part.production
    slot = production.several
    if slot is None or slot.several is None:
        return []
    end = len(production.positional) + production.count(part.args)
    found = dropped(part)
    if production.count(part.args) < slot.several.high:
        for value in values_of(slot, choices):
            found.append(production.sentence((*part.args[:end], value, *part.args[end:])))
    return [one for one in found if one != part]


def dropped(part: Sentence) -> list[Sentence]:
    """A part with one element of its list less."""
    production = part.production
    slot = production.several
    first, count = len(production.positional), production.count(part.args)
    if slot is None or slot.several is None or count <= slot.several.low:
        return []
    shorter = [(*part.args[:i], *part.args[i + 1 :]) for i in range(first, first + count)]
    return [production.sentence(args) for args in shorter]


def values_of(slot: Slot, choices: Choices) -> list[Any]:
    """What may stand at a place: a default, then sentences of its type, or all values of a short literal."""
    found: list[Any] = [] if slot.default is MISSING else [slot.default]
    if slot.category is not None:
        found += choices(slot.category.name)
    else:
        listed = getattr(slot.domain, "values", None)
        if listed is not None and (len(listed) <= FEW or slot.domain.kind is str):  # type: ignore[union-attr]
            found += list(listed)
    return list(dict.fromkeys(found))


# Other rules.


def hoisted(part: Sentence) -> list[Sentence]:
    """A part of the same type in its place."""
    return list(dict.fromkeys(below for path, below in part.walk() if path and below.type == part.type))


def swapped(part: Sentence, choices: Choices) -> list[Sentence]:
    """Another rule of the type that keeps all arguments of a type or name that it has a place for."""
    found = []
    slots = list(part.production.slots_of(part.args))
    for production in part.grammar.category(part.type).productions:
        if production is part.production:
            continue
        kept = [(_name(slot), arg) for slot, arg in zip(slots, part.args, strict=True)]
        shared = {name for name, _ in kept} & {_name(slot) for slot in production.slots}
        if shared:
            found += filled(production, kept, choices, few=1)
    return found


def _name(slot: Slot) -> str:
    return slot.category.name if slot.category else f"{slot.name}: {slot.domain.describe()}"  # type: ignore[union-attr]


def wrapped(part: Sentence, choices: Choices) -> list[Sentence]:
    """Rules around a part, their other places filled in several ways."""
    found = []
    for production in part.grammar.category(part.type).productions:
        if any(slot.category and slot.category.name == part.type for slot in production.slots):
            found += filled(production, [(part.type, part)], choices, few=MOST_AROUND)
    return found


def filled(production: Production, kept: list[tuple[str, Any]], choices: Choices, few: int) -> list[Sentence]:
    """Sentences of a rule with the kept arguments in their places and the others by `choices`."""
    kept = list(kept)
    options: list[list[Any]] = []
    for slot in production.slots:
        name = _name(slot)
        own = [arg for other, arg in kept if other == name]
        if slot.several:
            own = own[: slot.several.high]
            kept = [pair for pair in kept if pair[0] != name]
            least = max(slot.several.low - len(own), 0)
            options += [[arg] for arg in own] + [values_of(slot, choices)[:few]] * least
        elif own:
            kept.remove((name, own[0]))
            options.append([own[0]])
        else:
            options.append(values_of(slot, choices)[:few])
    if any(not some for some in options):
        return []
    return [production.sentence(args) for args in _first(options, few)]


def _first(options: list[list[Any]], few: int) -> list[tuple[Any, ...]]:
    """Choices of one option each, the first of all places before the later ones of any."""
    short = [some[:MOST_OPTIONS] for some in options]
    indices = islice(product(*map(range, map(len, short))), MOST_CHOICES)
    ordered = sorted(indices, key=lambda chosen: (sum(chosen), chosen))[:few]
    return [tuple(some[i] for some, i in zip(short, chosen, strict=True)) for chosen in ordered]
