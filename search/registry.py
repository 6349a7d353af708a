"""Names of searchers: one line each. A module is imported only when its searcher is asked for."""

from dataclasses import Field, dataclass, fields
from importlib import import_module
from typing import Any

from search.errors import SearchError, nearest
from search.searcher import Searcher


@dataclass(frozen=True)
class Entry:
    """Where a searcher lives (`module:class`) and what it is in one line.

    The class is a frozen dataclass whose fields are its settings, with `help` and `range` in their metadata.
    """

    where: str
    summary: str


REGISTRY: dict[str, Entry] = {
    "annealing": Entry("search.annealing:Annealing", "simulated annealing by mutations, on g less prices"),
    "enumeration": Entry("search.enumeration:Enumeration", "every lesson of the language, shortest first"),
    "genetic": Entry(
        "search.genetic:Genetic", "typed genetic programming (DEAP) with NSGA-II on (g, n, bits)"
    ),
    "iid": Entry("search.samples:Samples", "samples of the target of all sizes, the best of which counts"),
    "optuna": Entry(
        "search.optuna_search:OptunaSearch", "Optuna on derivations: sampler=tpe, nsga2, gp or cmaes"
    ),
    "random": Entry("search.random_search:RandomSearch", "independent draws from the grammar"),
    "swarm": Entry("search.swarm:Swarm", "particle swarm on the numbers of the best structures"),
}


def register(name: str, where: str, summary: str) -> None:
    """Add a searcher from another module."""
    if name in REGISTRY and REGISTRY[name].where != where:
        raise SearchError(f"there is a searcher {name!r} already: {REGISTRY[name].where}")
    REGISTRY[name] = Entry(where, summary)


def available() -> dict[str, str]:
    """Name and one-line summary of every searcher."""
    return {name: entry.summary for name, entry in REGISTRY.items()}


def settings(name: str) -> type[Any]:
    """The class of a searcher, a dataclass of its settings; an unknown name is a SearchError."""
    if name not in REGISTRY:
        raise SearchError(f"no searcher {name!r}; {nearest(name, REGISTRY)}")
    module, _, attribute = REGISTRY[name].where.partition(":")
    found: type[Any] = getattr(import_module(module), attribute)
    return found


def load(name: str, **values: Any) -> Searcher:
    """A searcher by name with its settings; wrong names and values are a SearchError."""
    kind = settings(name)
    names = [declared.name for declared in fields(kind)]
    for given in values:
        if given not in names:
            raise SearchError(f"searcher {name} has no setting {given!r}; {nearest(given, names)}")
    for declared in fields(kind):
        if declared.name in values:
            _check(declared, values[declared.name])
    searcher: Searcher = kind(**values)
    return searcher


def _check(declared: Field[Any], value: Any) -> None:
    wanted = type(declared.default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
        raise SearchError(f"{declared.name} must be of type {wanted.__name__}, but got {value!r}")
    choices = declared.metadata.get("choices")
    if choices is not None and value not in choices:
        raise SearchError(f"{declared.name} has no choice {value!r}; {nearest(str(value), choices)}")
    low, high = declared.metadata.get("range", (None, None))
    if not ((low is None or value >= low) and (high is None or value <= high)):  # refuses NaN too
        rule = " <= ".join(str(part) for part in (low, declared.name, high) if part is not None)
        raise SearchError(f"`{rule}` must hold, but got {declared.name}={value!r}")
