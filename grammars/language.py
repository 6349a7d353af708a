"""A language and its grammar: rules, a default space and a default target; bound to a space, it speaks."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grammars import enumeration, generation, text, variation
from grammars.bound import RESERVE, Category, Production
from grammars.errors import GrammarError, unknown
from grammars.example_set import ExampleSet, Traits
from grammars.rules import Nonterminal, Rule
from grammars.sentence import Sentence
from grammars.spaces import Space

DEFAULT_BITS = 120.0
"""Longest random sentence, in bits, unless told otherwise."""

DENOTATIONS_KEPT = 32
"""Sets kept by a grammar for their counts and lists, at most 4 MiB each."""


@dataclass(frozen=True)
class Language:
    """What one file declares: `rules`, the default `space` and the text of the default `target`.

    `traits` says of any example of the language to which stratum it belongs and its numeric properties.
    """

    name: str
    summary: str
    rules: Sequence[Rule]
    space: Space
    target: str
    traits: Traits


class Grammar:
    """A language bound to a space: coordinates, bits and errors refer to it. Made by `grammars.load`."""

    def __init__(self, language: Language, space: Space | None = None) -> None:
        self.language = language
        self.name = language.name
        self.space: Space = language.space if space is None else space
        self.traits = language.traits
        if type(self.space) is not type(language.space):
            raise GrammarError(
                f"{self.name} is a language of the {type(language.space).__name__}, but got {self.space}"
            )
        self.key = (self.name, str(self.space))
        self.categories = _bind(self, language.rules)
        self.productions = {p.name: p for c in self.categories.values() for p in c.productions}
        self.most_arguments = {name: p.most_arguments for name, p in self.productions.items()}
        _settle(self)
        self._denotations: OrderedDict[Sentence, ExampleSet] = OrderedDict()

    def __repr__(self) -> str:
        return f"<grammar {self.name} on {self.space}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from grammars.registry import load

        return load, (self.name, self.space)

    @property
    def target(self) -> Sentence:
        """The default target, a Set sentence."""
        return self.parse(self.language.target, "Set")

    @property
    def types(self) -> tuple[str, ...]:
        """Names of the types of sentences, sorted."""
        return tuple(sorted(self.categories))

    @property
    def rules(self) -> RuleTable:
        """Every rule: type, signature, bits of choosing it, summary. Prints as a table."""
        return RuleTable(
            RuleRow(p.type, signature(p), p.bits, p.rule.summary)
            for name in self.types
            for p in self.categories[name].productions
        )

    def parse(self, source: str, type: str | None = None) -> Sentence:
        """Read a sentence; of the given type, if one is given.

        Raises SentenceError with the column, the rule, what was expected and the nearest right name.
        """
        return text.parse(self, source, self.category(type).name if type is not None else None)

    def random(
        self,
        type: str,
        rng: np.random.Generator,
        max_bits: float = DEFAULT_BITS,
        allow: Callable[[Sentence], bool] | None = None,
    ) -> Sentence:
        """A random sentence of at most `max_bits`, drawn by the rules' probabilities among the affordable.

        Always terminates. `allow` turns sentences away: after 1,000 refusals a GrammarError is raised.
        """
        return generation.random_sentence(self.category(type), rng, max_bits, allow)

    def enumerate(self, type: str, max_bits: float = math.inf) -> Iterator[Sentence]:
        """Every sentence of at most `max_bits`, lazily, shortest first, none twice."""
        return enumeration.shortest_first(self.category(type), max_bits)

    def mutate(
        self, sentence: Sentence, rng: np.random.Generator, max_bits: float = DEFAULT_BITS
    ) -> Sentence:
        """A sentence near this one, of the same type, at most `max_bits` long; see `grammars.variation`."""
        return variation.mutate(self._own(sentence), rng, max_bits)

    def crossover(
        self, a: Sentence, b: Sentence, rng: np.random.Generator, max_bits: float = DEFAULT_BITS
    ) -> tuple[Sentence, Sentence]:
        """Two sentences that have exchanged subtrees of one type; (a, b) where none fits in `max_bits`."""
        return variation.crossover(self._own(a), self._own(b), rng, max_bits)

    def denote(self, sentence: Sentence) -> Any:
        """What the sentence means. Sets are immutable and kept for a while, for their counts."""
        if sentence.type != "Set":
            return sentence.production.denote(sentence.args)
        kept = self._denotations
        if sentence not in kept:
            kept[sentence] = sentence.production.denote(sentence.args)
            if len(kept) > DENOTATIONS_KEPT:
                kept.popitem(last=False)
        kept.move_to_end(sentence)
        return kept[sentence]

    def category(self, type_name: str) -> Category:
        """The nonterminal of this name; GrammarError with the nearest name otherwise."""
        if type_name not in self.categories:
            raise GrammarError(unknown(f"type in {self.name}", str(type_name), self.categories))
        return self.categories[type_name]

    def _own(self, sentence: Sentence) -> Sentence:
        if sentence.grammar.key != self.key:
            raise GrammarError(f"{sentence!r} is not a sentence of {self.name} on {self.space}")
        return sentence


@dataclass(frozen=True)
class RuleRow:
    """A line of the rule table."""

    type: str
    signature: str
    bits: float
    summary: str


class RuleTable(tuple[RuleRow, ...]):
    """The rules of a grammar; `str` gives one line each, grouped by type."""

    __slots__ = ()

    def __str__(self) -> str:
        width = max((len(row.signature) for row in self), default=0)
        lines: list[str] = []
        before = None
        for row in self:
            if row.type != before:
                lines.append(f"{row.type}")
                before = row.type
            lines.append(f"  {row.signature:<{width}}  {row.bits:4.1f} bits  {row.summary}")
        return "\n".join(lines)


def signature(production: Production) -> str:
    """A rule as one would write it, types and ranges for arguments: `take(1..1024, Set, seed=0..65535)`."""
    shown = []
    for slot in production.slots:
        what = slot.category.name if slot.category else slot.domain.describe()  # type: ignore[union-attr]
        if slot.several:
            what += ", ..."
        shown.append(f"{slot.name}={what}" if slot.keyword else what)
    return shown[0] if production.rule.bare else f"{production.name}({', '.join(shown)})"


def _bind(grammar: Grammar, rules: Sequence[Rule]) -> dict[str, Category]:
    categories: dict[str, Category] = {}
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            raise GrammarError(f"{grammar.name} has two rules named {rule.name}")
        seen.add(rule.name)
        category = categories.setdefault(rule.type.name, Category(rule.type.name))
        category.productions.append(Production(grammar, rule))
    for rule in rules:
        for parameter in rule.parameters:
            if isinstance(parameter.domain, Nonterminal) and parameter.domain.name not in categories:
                raise GrammarError(f"{rule.name} wants a {parameter.domain.name}, which no rule makes")
    for category in categories.values():
        total = sum(production.rule.weight for production in category.productions)
        for production in category.productions:
            share = production.rule.weight / total * (1.0 - RESERVE)
            production.bind(categories, -math.log2(share))
    return categories


def _settle(grammar: Grammar) -> None:
    """Defaults, shortest sentences of every type, and the check that random derivations end."""
    for production in grammar.productions.values():
        production.settle_defaults()
    changed = True
    while changed:  # Bellman-Ford over the types: costs only fall, and each is positive.
        changed = False
        for category in grammar.categories.values():
            for production in category.productions:
                production.floor = production.least()
                if production.floor < category.cheapest - 1e-12:
                    category.cheapest, changed = production.floor, True
    endless = sorted(name for name, category in grammar.categories.items() if category.cheapest == math.inf)
    if endless:
        raise GrammarError(f"{grammar.name}: no finite sentence has the type {' or '.join(endless)}")
    for category in grammar.categories.values():
        category.settle()
    growth = _growth(grammar.categories)
    if growth >= 1.0:
        raise GrammarError(
            f"{grammar.name}: random sentences must end, but the mean number of subsentences grows "
            f"{growth:.2f}-fold per level; give the rules that end more weight"
        )


def _growth(categories: dict[str, Category]) -> float:
    """Spectral radius of the mean number of children of each type: below 1, derivations end almost surely."""
    names = sorted(categories)
    means = np.zeros((len(names), len(names)))
    for row, name in enumerate(names):
        for production in categories[name].productions:
            for slot in production.slots:
                if slot.category:
                    share = 2.0**-production.bits * slot.expected()
                    means[row, names.index(slot.category.name)] += share
    return float(max(abs(np.linalg.eigvals(means))))
