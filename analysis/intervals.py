"""Intervals: Wilson's for shares of samples; Student's t over training seeds.

A share within one trained model is binomial. Coverage and g are not: their interval comes from fresh
trainings, at least five for a claim. A distinct count is never bootstrapped: resampling repeats samples.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.errors import AnalysisError

LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate with its two ends; NaN ends where one number is all there is."""

    value: Any
    low: Any
    high: Any


def wilson(successes: ArrayLike, trials: ArrayLike, level: float = LEVEL) -> Interval:
    """The score interval of a binomial share, element by element. Wilson 1927; Brown et al. 2001, eq. 4."""
    _check_level(level)
    k, n = np.asarray(successes, float), np.asarray(trials, float)
    if not np.all((k >= 0) & (k <= n) & (n >= 1)):
        raise AnalysisError("`0 <= successes <= trials` and `trials >= 1` must hold for a share")
    z2 = float(special.ndtri((1 + level) / 2)) ** 2
    share = k / n
    middle = (k + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (n * share * (1 - share) + z2 / 4)) / (n + z2)
    # At 0 and at n the ends are exactly 0 and 1; rounding must not leave the share outside its interval.
    low, high = np.where(k == 0, 0.0, middle - half), np.where(k == n, 1.0, middle + half)
    return Interval(share[()], np.maximum(low, 0.0)[()], np.minimum(high, 1.0)[()])


def logit_interval(values: ArrayLike, level: float = LEVEL, resolution: float = 1 / 1024) -> Interval:
    """The t-interval of a quantity in [0, 1] over training seeds, on the logit scale, and its centre.

    values: one per seed. `resolution` is half the smallest step of the quantity, 1/(2N) for N samples. Values
    nearer than that to 0 or 1 are moved there, since their logit is not defined, an end of the interval
    beyond it is reported as 0 or 1, and the spread is taken to be at least one resolution: seeds that agree
    to the last digit do not make an interval of no width. One seed gives NaN ends, none is an AnalysisError.
    """
    _check_level(level)
    given = np.asarray(values, float).ravel()
    if not given.size or not np.all((given >= 0) & (given <= 1)):
        raise AnalysisError(f"a logit interval takes at least one value in [0, 1], got {given.tolist()}")
    if not 0 < resolution < 0.5:
        raise AnalysisError(f"`0 < resolution < 0.5` must hold, but got resolution={resolution}")
    logits = special.logit(np.clip(given, resolution, 1 - resolution))
    centre = float(special.expit(logits.mean()))
    if given.size == 1:
        return Interval(float(given[0]), float("nan"), float("nan"))
    spread = max(float(logits.std(ddof=1)), resolution / (centre * (1 - centre)))
    half = float(special.stdtrit(given.size - 1, (1 + level) / 2)) * spread / np.sqrt(given.size)
    low, high = special.expit(logits.mean() + np.array([-half, half]))
    if np.ptp(given) == 0:
        centre = float(given[0])
    return Interval(
        centre, float(low) if low > resolution else 0.0, float(high) if high < 1 - resolution else 1.0
    )


def paired_difference(first: ArrayLike, second: ArrayLike, level: float = LEVEL) -> Interval:
    """The t-interval of the mean of `first - second`, paired by training seed, on the quantity's own scale.

    One pair gives NaN ends; lists of unequal length or none at all are an AnalysisError.
    """
    _check_level(level)
    a, b = np.asarray(first, float).ravel(), np.asarray(second, float).ravel()
    if a.shape != b.shape or not a.size:
        raise AnalysisError(f"paired values must be as many, and at least one, got {a.size} and {b.size}")
    difference = a - b
    mean = float(difference.mean())
    if a.size == 1:
        return Interval(mean, float("nan"), float("nan"))
    half = float(special.stdtrit(a.size - 1, (1 + level) / 2) * difference.std(ddof=1) / np.sqrt(a.size))
    return Interval(mean, mean - half, mean + half)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise AnalysisError(f"`0 < level < 1` must hold, but got level={level}")
