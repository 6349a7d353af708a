"""Draws of a target, stratum by stratum: what a yardstick is made of."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.target import Examples, Target

log = logging.getLogger(__name__)

LEAST = 256  # of a stratum: 32 in each of its cells
ROUNDS = 16


def of_each_stratum(
    target: Target, wanted: Sequence[int], count: int, rng: np.random.Generator
) -> dict[int, Examples]:
    """`count` draws of each wanted stratum, fewer but at least 256 where no more are found in bounded tries.

    A stratum of unknown size of which nothing is found is taken for empty, which is logged, and left out: the
    target itself would never show it. Any other that gives too little is an AnalysisError.
    """
    # Telling the stratum of an example may cost more than drawing it.
    draw = getattr(target, "draw", None)
    if draw is None:
        found = _sorted_out(target, wanted, count, rng)
    else:
        found = {key: _until_enough(draw, key, count, rng) for key in wanted}
    sizes = target.sizes()
    kept: dict[int, Examples] = {}
    for key, examples in found.items():
        if len(examples) >= min(count, LEAST):
            kept[key] = examples
        elif len(examples) or sizes.get(key) is not None:
            raise AnalysisError(
                f"only {len(examples)} draws of stratum {key} of the target could be had, "
                f"but {min(count, LEAST)} are needed to measure it"
            )
        else:
            log.warning("stratum %d of the target is left out: not one member was found", key)
    if not kept:
        raise AnalysisError("nothing can be measured against a target of which no member was found")
    return kept


def _until_enough(draw: Any, key: int, count: int, rng: np.random.Generator) -> Examples:
    """One call may give fewer than asked for, its work being bounded; the next goes on. Half will do."""
    found = draw(key, count, rng)
    for _ in range(ROUNDS):
        if not len(found) or len(found) >= max(count / 2, min(count, LEAST)):
            break
        found = np.concatenate([found, draw(key, count - len(found), rng)])
    return found


def _sorted_out(
    target: Target, wanted: Sequence[int], count: int, rng: np.random.Generator
) -> dict[int, Examples]:
    """Of all draws of the target, the first that fall into each stratum."""
    examples = target.sample(count * len(wanted), rng)
    strata = target.strata(examples)
    for _ in range(ROUNDS):
        if min(np.count_nonzero(strata == key) for key in wanted) >= count:
            break
        more = target.sample(count * len(wanted), rng)
        examples = np.concatenate([examples, more])
        strata = np.concatenate([strata, target.strata(more)])
    return {key: examples[strata == key][:count] for key in wanted}
