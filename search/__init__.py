"""Who looks for the teaching set: searchers, baselines, the ledger of evaluations, the workers.

with search.start(2) as workers, search.open_ledger(url, artifacts, "search", settings) as ledger:
    result = search.minimise(objective, grammar, searcher, 60, ledger, workers, baselines=baselines)
"""

from search.baselines import iid
from search.errors import SearchError
from search.evaluation import Objective, Outcome, Task, evaluate
from search.front import non_dominated
from search.ledger import Entry, Ledger, open_ledger
from search.lock import sole_driver
from search.minimise import Progress, minimise
from search.registry import available, load, register, settings
from search.searcher import Evaluated, Problem, Proposal, Searcher
from search.verify import Standing, verify
from search.workers import start

__all__ = [
    "Entry",
    "Evaluated",
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
    "available",
    "evaluate",
    "iid",
    "load",
    "minimise",
    "non_dominated",
    "open_ledger",
    "register",
    "settings",
    "sole_driver",
    "start",
    "verify",
]
