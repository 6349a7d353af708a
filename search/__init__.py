"""Who looks for the teaching set: searchers, baselines, the ledger of evaluations, the workers.

    with search.start(2) as workers, search.open_ledger(url, artifacts, "search", settings) as ledger:
        result = search.minimise(objective, grammar, searcher, 60, ledger, workers, baselines=baselines)

Everything is loaded when it is first asked for, so that a worker process does not carry databases.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.baselines import iid
    from search.cache import Cache, open_cache
    from search.choice import choose, chosen_of
    from search.driver import Progress, minimise
    from search.errors import SearchError
    from search.evaluation import Objective, Outcome, Task, evaluate
    from search.front import non_dominated
    from search.ladder import Ladder, ladder_of
    from search.ledger import Entry, Ledger, open_ledger
    from search.lock import sole_driver
    from search.registry import available, load, register, settings
    from search.searcher import Evaluated, Problem, Proposal, Searcher, Without
    from search.shrinking import minimal, with_minimal
    from search.tunable import tunable
    from search.tuning import tune
    from search.verification import Standing, verify
    from search.workers import start

_HOME = {
    "Cache": "cache",
    "Entry": "ledger",
    "Evaluated": "searcher",
    "Ladder": "ladder",
    "Ledger": "ledger",
    "Objective": "evaluation",
    "Outcome": "evaluation",
    "Problem": "searcher",
    "Progress": "driver",
    "Proposal": "searcher",
    "SearchError": "errors",
    "Searcher": "searcher",
    "Standing": "verification",
    "Task": "evaluation",
    "Without": "searcher",
    "available": "registry",
    "choose": "choice",
    "chosen_of": "choice",
    "evaluate": "evaluation",
    "iid": "baselines",
    "ladder_of": "ladder",
    "load": "registry",
    "minimal": "shrinking",
    "minimise": "driver",
    "non_dominated": "front",
    "open_cache": "cache",
    "open_ledger": "ledger",
    "register": "registry",
    "settings": "registry",
    "sole_driver": "lock",
    "start": "workers",
    "tunable": "tunable",
    "tune": "tuning",
    "verify": "verification",
    "with_minimal": "shrinking",
}

__all__ = [
    "Cache",
    "Entry",
    "Evaluated",
    "Ladder",
    "Ledger",
    "Objective",
    "Outcome",
    "Problem",
    "Progress",
    "Proposal",
    "SearchError",
    "Searcher",
    "Standing",
    "Task",
    "Without",
    "available",
    "choose",
    "chosen_of",
    "evaluate",
    "iid",
    "ladder_of",
    "load",
    "minimal",
    "minimise",
    "non_dominated",
    "open_cache",
    "open_ledger",
    "register",
    "settings",
    "sole_driver",
    "start",
    "tunable",
    "tune",
    "verify",
    "with_minimal",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"search.{_HOME[name]}"), name)
    raise AttributeError(f"module 'search' has no attribute {name!r}")
