"""The baselines: what plain samples of the target teach, in the same grammar, ledger and measures."""

from collections.abc import Sequence

import grammars
from search.errors import SearchError

SIZES = (1, 4, 16, 64, 256)


def iid(
    grammar: grammars.Grammar, target: str, seed: int, sizes: Sequence[int] = SIZES
) -> list[grammars.Sentence]:
    """`take(n, target, seed)` for each size: n distinct independent samples of the target.

    Each is a sentence as any other, with its bits; a target with fewer than n members gives all of them.
    """
    sentences = []
    for n in sizes:
        text = f"take({n}, {target}, seed={seed % 2**16})"
        try:
            sentences.append(grammar.parse(text, type="Lesson"))
        except grammars.GrammarError as error:
            raise SearchError(f"the baseline {text} is no sentence of {grammar.name}: {error}") from error
    return sentences
