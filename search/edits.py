"""Changes of a lesson's examples, whatever words they were said in.

The grammar's own mutation and crossover change words: a nudge of `k` replaces all examples of a lesson at
once. Which lesson teaches is often decided by single examples, above all where there are few. Here one is
left out, changed, or taken from another lesson; the result is written as `these(...)` where its language
has nothing shorter.
"""

import numpy as np

import grammars
from search.errors import SearchError
from search.subsets import Subsets, shortest_words, type_of_example

MOST = 24  # examples that are written one by one: more would not fit into a sentence
KINDS = ("fewer", "without one", "one changed", "one more")
WEIGHTS = (0.3, 0.2, 0.3, 0.2)


def edited(
    lesson: grammars.Sentence, other: grammars.Sentence, rng: np.random.Generator, max_bits: float
) -> grammars.Sentence | None:
    """A lesson with some examples less, one changed, or one of the other's; None where there is none."""
    kind = str(rng.choice(KINDS, p=WEIGHTS))
    parts = Subsets(lesson)
    try:
        found = _fewer(parts, rng) if kind == "fewer" else _by_one(kind, parts, other, rng, max_bits)
    except (SearchError, grammars.GrammarError):  # no words for a single example, or too many of them
        return None
    return found if found is not None and found.bits <= max_bits else None


def _fewer(parts: Subsets, rng: np.random.Generator) -> grammars.Sentence | None:
    """A part of it, its size even on a logarithmic scale."""
    if parts.n < 2:
        return None
    return parts.first(min(int(np.exp(rng.uniform(0, np.log(parts.n)))), parts.n - 1))


def _by_one(
    kind: str, parts: Subsets, other: grammars.Sentence, rng: np.random.Generator, max_bits: float
) -> grammars.Sentence | None:
    """One example left out, changed or added."""
    if parts.n > MOST or (kind == "without one" and parts.n < 2):
        return None
    words, grammar = list(parts.words), parts.grammar
    place = int(rng.integers(parts.n))
    if kind == "without one":
        del words[place]
    elif kind == "one changed":
        old = grammar.parse(words[place], type=type_of_example(grammar))
        words[place] = str(grammar.mutate(old, rng, max_bits))
    else:
        theirs = Subsets(other).examples
        words.append(shortest_words(theirs[int(rng.integers(len(theirs)))], grammar))
    return grammar.parse(f"these({', '.join(words)})", type="Lesson")
