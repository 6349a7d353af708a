"""All sentences of a type, shortest first: A* over partial derivations.

A partial derivation is a list of choices made and a list of places still open. Its priority is the bits
spent plus the bits of the cheapest completion, which are known exactly, so a derivation leaves the queue in
the order of its bits and none is expanded that is longer than the last one asked for. The alternatives of a
place are sorted by cost and queued one at a time (each alternative queues its successor), so that a place
with 2^64 values costs no more than one with two.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Any

from grammars.bound import Category, Production, Slot, count_bits
from grammars.generation import ROUNDING
from grammars.literals import Domain
from grammars.sentence import DEEPEST, Sentence

# A place still open: a category, a literal's domain, a slot, or ("several", slot, how many so far).
Place = Any
# Linked lists: `choices` back to the first choice, `places` on to the last open place.
Link = Any

_DEFAULT = object()
_STOP = object()
_MORE = object()
_GIVEN = object()


def shortest_first(category: Category, max_bits: float) -> Iterator[Sentence]:
    """Every sentence of the category of at most `max_bits`, by bits, ties in the order of the rules."""
    queue: list[tuple[float, int, Any]] = []
    ticket = count()

    def push(bits: float, item: Any) -> None:
        if bits <= max_bits + ROUNDING:
            heapq.heappush(queue, (bits, next(ticket), item))

    def offer(spent: float, later: float, choices: Link, places: Link, options: Iterator[Any]) -> None:
        """Queue the next alternative of the first open place; `later` is the least cost of the others."""
        option = next(options, None)
        if option is not None:
            bits = spent + option[0] + option[1] + later - ROUNDING
            push(bits, (spent, later, choices, places, option, options))

    offer(0.0, 0.0, None, None, _options(category))
    while queue:
        _, _, item = heapq.heappop(queue)
        if isinstance(item, Sentence):
            yield item
            continue
        spent, later, choices, places, option, options = item
        offer(spent, later, choices, places, options)
        bits, ahead, choice, opened = option
        spent, later, choices = spent + bits, later + ahead, (choice, choices)
        for place in reversed(opened):
            places = (place, places)
        if places is None:
            sentence = _build(category, choices)
            if sentence is not None and sentence.bits <= max_bits:
                push(sentence.bits, sentence)
        else:
            place, rest = places
            offer(spent, later - _cheapest(place), choices, rest, _options(place))


def _cheapest(place: Place) -> float:
    if isinstance(place, tuple):
        _, slot, done = place
        return _several_ahead(slot, done)
    return float(place.cheapest)


def _several_ahead(slot: Slot, done: int) -> float:
    """Least bits still to come in a list with `done` elements."""
    several = slot.several
    assert several is not None
    least = max(done, several.low)
    return (least - done) * slot.domain.cheapest + count_bits(several, least) - _counted(slot, done)


def _counted(slot: Slot, done: int) -> float:
    """Bits already spent on saying that there are at least `done` elements."""
    several = slot.several
    assert several is not None
    if done <= several.low:
        return 0.0
    return count_bits(several, done) - (0.0 if done == several.high else _stop_bits(slot))


def _stop_bits(slot: Slot) -> float:
    assert slot.several is not None
    return count_bits(slot.several, slot.several.low) if slot.several.low < slot.several.high else 0.0


def _options(place: Place) -> Iterator[tuple[float, float, Any, tuple[Place, ...]]]:
    """The alternatives of a place, cheapest first: (bits now, least bits later, choice, places opened)."""
    if isinstance(place, Category):
        for production in place.by_floor:
            yield production.bits, production.floor - production.bits, production, _places(production)
    elif isinstance(place, Domain):
        for bits, value in place.options():
            yield bits, 0.0, value, ()
    elif isinstance(place, Slot):
        yield from sorted(_slot_options(place), key=lambda option: option[0] + option[1])
    else:
        yield from _several_options(*place[1:])


def _places(production: Production) -> tuple[Place, ...]:
    return tuple(("several", slot, 0) if slot.several else slot for slot in production.slots)


def _slot_options(slot: Slot) -> Iterator[tuple[float, float, Any, tuple[Place, ...]]]:
    if slot.has_default:
        yield slot.default_bits, 0.0, _DEFAULT, ()
    if slot.other_bits < float("inf"):
        yield slot.other_bits, slot.domain.cheapest, _GIVEN, (slot.domain,)


def _several_options(slot: Slot, done: int) -> Iterator[tuple[float, float, Any, tuple[Place, ...]]]:
    several = slot.several
    assert several is not None
    options: list[tuple[float, float, Any, tuple[Place, ...]]] = []
    if done >= several.low:
        bits = _stop_bits(slot) if done < several.high else 0.0
        options.append((bits, 0.0, _STOP, ()))
    if done < several.high:
        bits = _counted(slot, done + 1) - _counted(slot, done)
        ahead = slot.domain.cheapest + _several_ahead(slot, done + 1)
        options.append((bits, ahead, _MORE, (slot.domain, ("several", slot, done + 1))))
    yield from sorted(options, key=lambda option: option[0] + option[1])


def _build(category: Category, choices: Link) -> Sentence | None:
    """The sentence of a full list of choices; None where its canonical text belongs to another list."""
    listed = []
    while choices is not None:
        choice, choices = choices
        listed.append(choice)
    listed.reverse()
    return _build_sentence(iter(listed), DEEPEST)


def _build_sentence(choices: Iterator[Any], levels: int) -> Sentence | None:
    """Read one derivation, even where it turns out not canonical (the rest must be read all the same)."""
    production: Production = next(choices)
    args: list[Any] = []
    valid = levels > 0
    for slot in production.slots:
        while True:
            choice = next(choices)
            if choice is _STOP:
                break
            if choice is _DEFAULT:
                args.append(slot.default)
                break
            value = _build_sentence(choices, levels - 1) if slot.category else next(choices)
            valid = valid and value is not None and not (slot.has_default and value == slot.default)
            args.append(value)
            if choice is _GIVEN:
                break
    if not valid:
        return None
    sentence = production.sentence(tuple(args))
    same = len(sentence.args) == len(args) and all(a == b for a, b in zip(sentence.args, args, strict=True))
    return sentence if same else None
