"""What a member of a set costs: log2 of the number of strata and of the size of its own, counted or not.

An estimate errs, and a search finds the sets whose estimates err low: of many that hold the samples it takes
the one that seems smallest. So what is not counted costs its estimate and two standard errors, at most what
the sentence shows that it cannot exceed (a product of two sets has no more members than pairs), and at least
the different samples that are inside. All strata without a count are one, as large as the set's `log2_size`
says, unless the set has `estimates` of its own for each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import ExampleSet, Sentence
from grammars.combinations import Difference, Intersection, Restriction, Union
from grammars.convex_set import ConvexSet, weighted_draws
from grammars.example_set import log2_with_error
from grammars.motions import Motions, Orbit
from grammars.random_polygons import COUNTABLE

ERRORS = 2.0
"""Standard errors that an estimate is raised by."""

PAIRS = 26.0
"""log2 of the pairs from which on a product costs as many as there are: draws would not collide."""

NO_LARGER = ("difference", "flipped", "outlines", "within")
"""Rules that make a set no larger than their first."""

Costs = tuple[NDArray[np.float64], bool, float]


def member_bits(sentence: Sentence, denoted: ExampleSet, strata: NDArray[np.int64]) -> Costs:
    """log2 K + log2 |T_s| for each of some different members, by their strata; whether a size that this takes
    is estimated, and its standard error in bits. Infinite where a counted set has no such stratum."""
    weights, sizes = denoted.weights, denoted.sizes()
    cost = np.full(len(strata), np.inf)
    uncounted = [s for s in weights if sizes.get(s) is None]
    for stratum in np.unique(strata).tolist():
        size = sizes.get(stratum)
        if stratum in weights and size is not None:
            cost[strata == stratum] = math.log2(size) - math.log2(weights[stratum])
    rest = np.flatnonzero(np.isinf(cost))
    if not uncounted or not len(rest):
        return cost, False, 0.0
    own = getattr(denoted, "estimates", None)
    if own is not None and set(uncounted) == set(weights):
        return _by_own_estimates(own(), weights, strata)
    most = upper_bits(sentence) if sentence.rule == "product" else math.inf
    value, error = (most, math.inf) if PAIRS < most < math.inf else _uncounted(denoted, sizes)
    raised = min(value + ERRORS * error, most if math.isfinite(most) else upper_bits(sentence))
    share = math.fsum(weights[s] for s in uncounted)
    cost[rest] = max(raised if math.isfinite(raised) else value, math.log2(len(rest))) - math.log2(share)
    return cost, True, error


def _by_own_estimates(
    estimates: dict[int, tuple[float, float]], weights: Any, strata: NDArray[np.int64]
) -> Costs:
    cost, errors = np.full(len(strata), np.inf), [0.0]
    for stratum, seen in zip(*np.unique(strata, return_counts=True), strict=True):
        if int(stratum) in estimates:
            value, error = estimates[int(stratum)]
            size = max(value + ERRORS * error, float(seen))
            cost[strata == stratum] = math.log2(size) - math.log2(weights[int(stratum)])
            errors.append(error / value / math.log(2) if value > 0 else math.inf)
    return cost, True, max(errors)


def _uncounted(denoted: ExampleSet, sizes: dict[int, int | None]) -> tuple[float, float]:
    """log2 of the estimated size of all strata that are not counted, together, and its standard error."""
    drawn = convex_draws(denoted)
    if drawn is None:
        value, error = denoted.log2_size(np.random.Generator(np.random.PCG64(0)))
    else:
        value, error = log2_with_error(*weighted_draws(denoted.space).estimate(drawn))
    known = sum(size for size in sizes.values() if size is not None)
    if known and value > math.log2(known):
        value += math.log2(-math.expm1((math.log2(known) - value) * math.log(2)))
    return value, error


def convex_draws(denoted: ExampleSet) -> NDArray[np.bool_] | None:
    """Which of a grid's weighted draws of convex pictures a set has, where it is made of sets of these alone.

    So a union of such sets is judged by the draws that judge each of them, and needs none of its own.
    """
    if isinstance(denoted, ConvexSet):
        return denoted.drawn if 0 < denoted.grid.size <= COUNTABLE else None
    if isinstance(denoted, Orbit):
        return _turned_draws(denoted)
    if isinstance(denoted, Union):
        first, second = convex_draws(denoted.a), convex_draws(denoted.b)
        return None if first is None or second is None else first | second
    if isinstance(denoted, Intersection | Difference):
        first, second = convex_draws(denoted.base), convex_draws(denoted.other)
        if first is None or second is None:
            return None
        return first & second if isinstance(denoted, Intersection) else first & ~second
    if isinstance(denoted, Restriction):
        first = convex_draws(denoted.base)
        if first is None:
            return None
        return first & ~(weighted_draws(denoted.space).pictures & ~denoted.region).any(axis=(1, 2))
    return None


def _turned_draws(orbit: Orbit) -> NDArray[np.bool_] | None:
    """The same for a set of convex pictures that is turned: as many vertices, in a turned region."""
    base = orbit.base
    if not isinstance(base, ConvexSet) or base.grid.size > COUNTABLE or orbit.motions.shift:
        return None
    draws = weighted_draws(base.grid)
    inside = np.zeros(len(draws.pictures), dtype=bool)
    for image, _ in orbit.motions.images(draws.pictures):
        inside |= base.wanted.holds(image)
    return np.asarray(inside & np.isin(draws.vertices, list(base.vertices)))


def upper_bits(sentence: Sentence) -> float:
    """log2 of a number that a set has at most, by its sentence: counts of its parts, and what rules make of
    them; infinite where nothing is known."""
    denoted = sentence.denote()
    size = denoted.size()
    if size is not None:
        return math.log2(size) if size else 0.0
    parts = [arg for arg in sentence.args if isinstance(arg, Sentence) and arg.type == "Set"]
    bounds = [upper_bits(part) for part in parts]
    if not bounds:
        value, error = denoted.log2_size(np.random.Generator(np.random.PCG64(0)))
        return value + ERRORS * error
    if sentence.rule == "product":
        return sum(bounds)
    if sentence.rule == "union":
        return float(np.logaddexp2.reduce(bounds))
    if sentence.rule == "orbit":
        motions = next((arg.denote() for arg in sentence.args if arg.type == "Motion"), Motions())
        return bounds[0] + math.log2(motions.count(denoted.space.shape))
    if sentence.rule == "several":
        number = int(sentence.args[0])
        return number * bounds[0] - math.lgamma(number + 1) / math.log(2)
    if sentence.rule == "intersect":
        return min(bounds)
    return bounds[0] if sentence.rule in NO_LARGER else math.inf


def lower_bits(sentence: Sentence) -> float:
    """log2 of a number that a set has at least, by its sentence; 0 where nothing is known without drawing."""
    parts = [arg for arg in sentence.args if isinstance(arg, Sentence) and arg.type == "Set"]
    if sentence.rule in ("union", "orbit"):
        return max(map(lower_bits, parts))
    size = sentence.denote().size()
    return math.log2(size) if size else 0.0
