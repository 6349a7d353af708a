"""A sentence: one derivation of a language, as an immutable typed tree with a canonical text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from grammars.errors import GrammarError

if TYPE_CHECKING:
    from grammars.bound import Production
    from grammars.example_set import ExampleSet
    from grammars.language import Grammar

Path = tuple[int, ...]
"""Where a subtree stands: the index of the argument to follow at each level; () is the whole sentence."""

DEEPEST = 100
"""Most levels of a sentence: deeper text is refused by the parser, so deeper trees are never built."""


class Sentence:
    """One derivation, immutable and hashable; equal to another of the same text, type and grammar.

    Made by a grammar (`parse`, `random`, `enumerate`, `mutate`, `crossover`), never by hand. `args` holds
    subsentences and literals in the order of the text: positional, several, keywords; defaults included.
    """

    __slots__ = ("_args", "_bits", "_depth", "_hash", "_production", "_text")

    def __init__(self, production: Production, args: tuple[Any, ...]) -> None:
        depth = 0
        for arg in args:
            if isinstance(arg, Sentence) and arg.depth > depth:
                depth = arg.depth
        if depth >= DEEPEST:
            raise GrammarError(f"a sentence nests at most {DEEPEST} rules")
        self._production = production
        self._args = args
        self._depth = depth + 1
        self._bits: float | None = None
        self._text: str | None = None
        self._hash: int | None = None

    @property
    def production(self) -> Production:
        """The rule at the root, bound to the space."""
        return self._production

    @property
    def args(self) -> tuple[Any, ...]:
        return self._args

    @property
    def depth(self) -> int:
        """Levels of rules, at least 1."""
        return self._depth

    @property
    def grammar(self) -> Grammar:
        return self._production.grammar

    @property
    def type(self) -> str:
        """Name of the nonterminal: "Set", "Lesson", ..."""
        return self._production.type

    @property
    def rule(self) -> str:
        """Name of the rule at the root."""
        return self._production.name

    @property
    def bits(self) -> float:
        """-log2 of the probability of this derivation under the grammar; > 0."""
        if self._bits is None:
            self._bits = self._production.bits_of(self._args)
        return self._bits

    def __str__(self) -> str:
        if self._text is None:
            self._text = self._production.write(self._args)
        return self._text

    def __repr__(self) -> str:
        return f"<{self.type} of {self.grammar.name} on {self.grammar.space}: {self}>"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Sentence):
            return NotImplemented
        return self.type == other.type and str(self) == str(other) and self.grammar.key == other.grammar.key

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((str(self), self.type, self.grammar.key))
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return _reread, (self.grammar, str(self), self.type)

    def walk(self) -> Iterator[tuple[Path, Sentence]]:
        """Every subtree with its path, this one first, then left to right."""
        yield (), self
        for index, arg in enumerate(self.args):
            if isinstance(arg, Sentence):
                for path, subtree in arg.walk():
                    yield (index, *path), subtree

    def at(self, path: Path) -> Sentence:
        """The subtree at a path of `walk`."""
        here = self
        for index in path:
            here = here.args[index]
        return here

    def replace(self, path: Path, subtree: Sentence) -> Sentence:
        """This sentence with another subtree of the same type at the path."""
        if not path:
            if subtree.type != self.type:
                raise GrammarError(f"a {self.type} is replaced by a {self.type}, but got a {subtree.type}")
            return subtree
        index, *rest = path
        args = list(self.args)
        args[index] = args[index].replace(tuple(rest), subtree)
        return self.production.sentence(tuple(args))

    def denote(self) -> Any:
        """What the sentence means: an ExampleSet for a Set, distinct examples for a Lesson.

        Deterministic: all randomness is a seed written in the sentence. Arrays are the caller's to change.
        """
        return self.grammar.denote(self)

    def uses_target(self, target: Sentence | ExampleSet) -> bool:
        """Whether a Set in this tree is at least as large as the target, compared by log2 of the size.

        Sizes that cannot be counted are estimated (`ExampleSet.log2_size` with a fixed seed); a set counts as
        large as the target when its estimate plus two standard errors (of both) reaches it.
        """
        from grammars.sizes import contains_as_large

        return contains_as_large(self, target)


def _reread(grammar: Grammar, text: str, type_name: str) -> Sentence:
    return grammar.parse(text, type_name)
