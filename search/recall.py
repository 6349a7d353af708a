"""What a search proposed before, read from its ledger instead of proposed anew.

A search is a function of its seed and of the results so far, so a ledger is enough to go on from. To propose
again what was proposed before costs a millisecond or two for each trial; to read it, a tenth of that. It is
read where the ledger says that everything in it was proposed by the same searcher, settings, seed, baselines
and code as now (`proposer`), and up to the last generation in it, which may be half of one. All else is
proposed anew, and answered from the ledger.
"""

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import grammars
from search.cache import sources
from search.evaluation import Objective
from search.ledger import Entry
from search.searcher import Allow, Evaluated, Searcher

ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # in the repr of what says nothing of itself
PACKAGES = ("numpy", "deap", "optuna")


def proposer(
    searcher: Searcher,
    objective: Objective,
    baselines: Sequence[str],
    allow: Allow | None,
    grammar: grammars.Grammar,
) -> str:
    """sha256 of all that decides what is proposed, beside the results; empty where it cannot be said.

    `baselines` are content keys. A searcher or an `allow` without a repr of its own cannot be told from
    another.
    """
    said = [type(searcher).__module__, repr(searcher), repr(allow), str(grammar.rules)]
    if any(ADDRESS.search(one) for one in said):
        return ""
    content = repr([*said, objective.content(), objective.seed, *baselines, _source(objective.plugins)])
    return hashlib.sha256(content.encode() + _file_of(type(searcher))).hexdigest()


def remembered(
    proposals: Mapping[int, Entry], first: int, budget: int, grammar: grammars.Grammar
) -> list[tuple[Entry, grammars.Sentence]]:
    """Proposals in their order from index `first`, whole generations, those of the last one left out.

    Nothing where the ledger holds a sentence that the grammar does not know.
    """
    found: list[Entry] = []
    while len(found) < budget and first + len(found) in proposals:
        found.append(proposals[first + len(found)])
    whole = [entry for entry in found if entry.generation < found[-1].generation]
    if any(before.generation > after.generation for before, after in pairwise(whole)):
        return []
    try:
        return [(entry, grammar.parse(entry.sentence, type="Lesson")) for entry in whole]
    except grammars.GrammarError:
        return []


def evaluated(entry: Entry, sentence: grammars.Sentence, g: float) -> Evaluated:
    """An entry as searchers see it."""
    return Evaluated(entry.index, sentence, entry.generation, entry.parents, entry.n, g)


@lru_cache(maxsize=8)
def _source(plugins: tuple[str, ...]) -> str:
    """The code that proposes, and the versions of what it calls."""
    digest = hashlib.sha256(" ".join(version(package) for package in PACKAGES).encode())
    for path in [*sources(plugins), *sorted(Path(__file__).parent.rglob("*.py"))]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _file_of(kind: type[Any]) -> bytes:
    """The file of a class, which may be anybody's."""
    path = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return Path(path).read_bytes() if path and Path(path).is_file() else b""
