"""Which of a learner's settings are worth tuning, and between which values.

A setting that says so itself has `tune=(low, high)` in its metadata. Of the others those below are tuned, as
far around the value they have as is said here, and never beyond the range that they declare.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from search.evaluation import Objective, Setting

Limits = tuple[float | None, float | None]


def tunable(objective: Objective) -> dict[str, BaseDistribution]:
    """The settings that are tuned, by name: each distribution holds the value that the objective has."""
    import models

    own = models.load(objective.learner, **dict(objective.settings)).settings
    found = {}
    for declared in fields(own):
        distribution = _distribution(declared, getattr(own, declared.name), hasattr(own, "steps"))
        if distribution is not None and not distribution.single():
            found[declared.name] = distribution
    return found


def values_of(objective: Objective, names: Mapping[str, BaseDistribution]) -> dict[str, Setting]:
    """The values that the objective's learner has, its own where nothing is said."""
    import models

    own = models.load(objective.learner, **dict(objective.settings)).settings
    return {name: getattr(own, name) for name in names}


def possible(objective: Objective) -> bool:
    """Whether there is such a learner for such examples: settings may exclude one another."""
    import models

    try:
        learner = models.load(objective.learner, **dict(objective.settings))
    except models.ModelError:
        return False
    return learner.supports(tuple(objective.space.shape)) is None


def _distribution(declared: Field[Any], value: Any, trained: bool) -> BaseDistribution | None:
    if value is None or isinstance(value, bool | str):
        return None
    limits: Limits = declared.metadata.get("range", (None, None))
    wanted = declared.metadata.get("tune")
    if wanted is not None:
        low, high = min(wanted[0], value), max(wanted[1], value)
        return IntDistribution(low, high) if isinstance(value, int) else FloatDistribution(low, high)
    if declared.name == "patch" and trained:  # a patch of tokens, not a receptive field
        return None
    make = AROUND.get(declared.name)
    return None if make is None or not value else make(value, limits)


def _times(low: float, high: float) -> Callable[[Any, Limits], BaseDistribution]:
    """So many times the value, on a logarithmic scale."""

    def make(value: Any, limits: Limits) -> BaseDistribution:
        least, most = (_within(value * factor, limits) for factor in (low, high))
        if isinstance(value, int):
            return IntDistribution(max(round(least), 1), round(most), log=True)
        return FloatDistribution(least, most, log=True)

    return make


def _plus(low: float, high: float) -> Callable[[Any, Limits], BaseDistribution]:
    """The value and so much beside it."""

    def make(value: Any, limits: Limits) -> BaseDistribution:
        least, most = (_within(value + shift, limits) for shift in (low, high))
        if isinstance(value, int):
            return IntDistribution(round(least), round(most))
        return FloatDistribution(least, most)

    return make


def _steps(size: Callable[[int], int], below: int, above: int) -> Callable[[Any, Limits], BaseDistribution]:
    """The value and so many steps of a size below and above it: heads must divide, sides be odd."""

    def make(value: Any, limits: Limits) -> BaseDistribution:
        step = max(size(value), 1)
        places = [value + step * place for place in range(-below, above + 1)]
        allowed = [one for one in places if _within(one, limits) == one]
        return IntDistribution(allowed[0], allowed[-1], step=step)

    return make


def _within(value: float, limits: Limits) -> float:
    low, high = limits
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)


AROUND: dict[str, Callable[[Any, Limits], BaseDistribution]] = {
    "steps": _times(0.25, 2.0),
    "learning_rate": _times(0.25, 4.0),
    "width": _steps(lambda width: width // 2, 1, 2),
    "depth": _plus(-1, 2),  # and with it the receptive field
    "patch": _steps(lambda _: 2, 1, 2),  # of a machine: its receptive field
    "noise_mean": _plus(-0.8, 0.8),
    "noise_std": _times(0.6, 1.6),
}
