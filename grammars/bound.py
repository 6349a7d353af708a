"""The rules of a language bound to a space: which choices there are, and what each costs in bits.

A language is a probabilistic context-free grammar: a derivation's probability is the product of its choices'
(a rule of the wanted type by its weight, a literal by its domain's law, the number of `*several`, and for a
parameter with a default, first whether it is the default). `bits` is -log2 of that product, so the lengths
are those of a prefix code and Kraft's inequality holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any

from grammars.errors import GrammarError
from grammars.literals import Domain
from grammars.rules import MISSING, Default, Nonterminal, Parameter, Rule, Several
from grammars.sentence import Sentence

if TYPE_CHECKING:
    from grammars.language import Grammar

RESERVE = 1.0 / 64.0
"""Share of every choice of a rule kept for rules not yet in the language: a choice always costs something."""

DEFAULT_PROBABILITY = 0.5
"""Probability that a parameter with a default keeps it."""


class Category:
    """A nonterminal and the productions that may stand for it. `cheapest`: bits of its shortest sentence."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.productions: list[Production] = []
        self.cheapest = math.inf
        self.floors: list[float] = []
        self.by_floor: list[Production] = []
        self.cumulative: list[float] = []

    def bits(self, value: Any) -> float:
        return float(value.bits)

    def settle(self) -> None:
        """Order the productions by the bits of their shortest sentence, for `random` and `enumerate`."""
        self.by_floor = sorted(self.productions, key=lambda p: (p.floor, p.name))
        self.floors = [production.floor for production in self.by_floor]
        self.cumulative = list(accumulate(2.0**-production.bits for production in self.by_floor))


class Slot:
    """A parameter of a production: what may stand there and what it costs."""

    def __init__(self, parameter: Parameter, domain: Category | Domain) -> None:
        self.name = parameter.name
        self.keyword = parameter.keyword
        self.domain = domain
        self.category = domain if isinstance(domain, Category) else None
        self.several = parameter.several
        self.default = parameter.default
        self.default_bits = 0.0
        self.other_bits = 0.0
        self.cheapest = math.inf

    def settle_default(self) -> None:
        """The costs of "the default" and of "anything else", the latter given that it is not the default."""
        if self.default is MISSING:
            return
        rest = 1.0 - 2.0 ** -self.domain.bits(self.default)
        certain = rest <= 1e-12
        self.default_bits = -math.log2(1.0 if certain else DEFAULT_PROBABILITY)
        self.other_bits = math.inf if certain else math.log2(rest / (1.0 - DEFAULT_PROBABILITY))

    @property
    def has_default(self) -> bool:
        return self.default is not MISSING

    def least(self) -> float:
        """Bits of the cheapest argument, kept in `cheapest`."""
        self.cheapest = self.domain.cheapest
        if self.several:
            self.cheapest *= self.several.low
            self.cheapest += count_bits(self.several, self.several.low)
        elif self.has_default:
            # Anything else has at most the probability that the default leaves, so it is never cheaper.
            self.cheapest = self.default_bits
        return self.cheapest

    def bits(self, value: Any) -> float:
        if not self.has_default:
            return self.domain.bits(value)
        return self.default_bits if value == self.default else self.other_bits + self.domain.bits(value)

    def write(self, value: Any) -> str:
        text = str(value) if self.category else self.domain.write(value)  # type: ignore[union-attr]
        return f"{self.name}={text}" if self.keyword else text

    def expected(self) -> float:
        """Mean number of arguments that are written out here."""
        if self.several:
            low, high, more = self.several.low, self.several.high, self.several.more
            return low + math.fsum(more**j for j in range(1, min(high - low, 10_000) + 1))
        return 1.0 - DEFAULT_PROBABILITY if self.has_default and self.other_bits < math.inf else 1.0


def count_bits(several: Several, count: int) -> float:
    """Bits of "so many arguments": geometric beyond the least number."""
    bits = -(count - several.low) * math.log2(several.more)
    return bits if count == several.high else bits - math.log2(1.0 - several.more)


class Production:
    """One rule bound to a space: the alternatives of its type are alternatives of a random choice."""

    def __init__(self, grammar: Grammar, rule: Rule) -> None:
        self.grammar = grammar
        self.rule = rule
        self.name = rule.name
        self.type = rule.type.name
        self.slots: tuple[Slot, ...] = ()
        self.positional: tuple[Slot, ...] = ()
        self.several: Slot | None = None
        self.keywords: tuple[Slot, ...] = ()
        self.bits = 0.0
        self.floor = math.inf

    def bind(self, categories: dict[str, Category], bits: float) -> None:
        """Resolve the parameters' types and literals; set the cost of choosing this rule."""
        slots = []
        for parameter in self.rule.parameters:
            if isinstance(parameter.domain, Nonterminal):
                domain: Category | Domain = categories[parameter.domain.name]
            else:
                try:
                    domain = parameter.domain.bind(self.grammar.space)
                except GrammarError as error:
                    raise GrammarError(f"rule {self.name}, {parameter.name}: {error}") from error
            slots.append(Slot(parameter, domain))
        self.slots = tuple(slots)
        self.positional = tuple(s for s in slots if not s.keyword and not s.several)
        self.several = next((s for s in slots if s.several), None)
        self.keywords = tuple(s for s in slots if s.keyword)
        self.bits = bits

    @property
    def most_arguments(self) -> int:
        """Greatest number of arguments that can be written."""
        return sum(slot.several.high if slot.several else 1 for slot in self.slots)

    def settle_defaults(self) -> None:
        for slot in self.slots:
            if isinstance(slot.default, Default):
                if slot.category is None:
                    raise GrammarError(f"rule {self.name}: default(...) is for nonterminals: {slot.name}")
                slot.default = self.grammar.parse(slot.default.text, slot.category.name)
            elif slot.has_default and isinstance(slot.domain, Domain):
                problem = slot.domain.problem(slot.default)
                if problem:
                    raise GrammarError(f"rule {self.name}: the default of {slot.name} {problem}")
            slot.settle_default()

    def least(self) -> float:
        """Bits of the shortest sentence of this rule, as far as its parameters' are known."""
        return self.bits + sum(slot.least() for slot in self.slots)

    def slots_of(self, args: tuple[Any, ...]) -> Iterator[Slot]:
        """The slot of each argument, in order."""
        yield from self.positional
        if self.several:
            for _ in range(self.count(args)):
                yield self.several
        yield from self.keywords

    def count(self, args: tuple[Any, ...]) -> int:
        """How many of the arguments belong to the `*parameter`."""
        return len(args) - len(self.positional) - len(self.keywords)

    def sentence(self, args: tuple[Any, ...]) -> Sentence:
        """The sentence of these arguments, in canonical order."""
        if self.rule.symmetric:
            args = self._sorted(args)
        return Sentence(self, args)

    def _sorted(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        split = len(args) - len(self.keywords)
        free = sorted(args[:split], key=_order)
        if self.several and self.several.several:
            least = len(self.positional) + self.several.several.low
            seen = [next(equal) for _, equal in groupby(free, key=_order)]
            free = seen if len(seen) >= least else free[:least]
        return (*free, *args[split:])

    def bits_of(self, args: tuple[Any, ...]) -> float:
        bits = self.bits
        if self.several and self.several.several:
            bits += count_bits(self.several.several, self.count(args))
        for slot, arg in zip(self.slots_of(args), args, strict=True):
            bits += slot.bits(arg)
        return bits

    def write(self, args: tuple[Any, ...]) -> str:
        written = [
            slot.write(arg)
            for slot, arg in zip(self.slots_of(args), args, strict=True)
            if not (slot.has_default and arg == slot.default)
        ]
        return written[0] if self.rule.bare else f"{self.name}({', '.join(written)})"

    def denote(self, args: tuple[Any, ...]) -> Any:
        """Call the rule's function with the denotations of the arguments."""
        values = [arg.denote() if isinstance(arg, Sentence) else arg for arg in args]
        given = iter(values)
        count = self.count(args)
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for argument in self.rule.call:
            if argument.source == "several":
                positional.extend(next(given) for _ in range(count))
                continue
            if argument.source == "given":
                value = next(given)
            else:
                value = self.grammar.space if argument.source == "space" else self.grammar.traits
            if argument.keyword:
                named[argument.name] = value
            else:
                positional.append(value)
        return self.rule.function(*positional, **named)


def _order(arg: Any) -> Any:
    return str(arg) if isinstance(arg, Sentence) else arg
