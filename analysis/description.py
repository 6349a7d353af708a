"""The shortest description of a learned set: which sentence says the samples in the fewest bits?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.describing import points
from analysis.describing.coding import Fit, listing_bits
from analysis.describing.sample import Sample
from analysis.describing.search import search
from analysis.errors import AnalysisError
from grammars import Grammar, Plane

EVALUATIONS = 4200
"""Sentences looked at, unless told otherwise."""

RANKS = 10
"""Descriptions in the answer."""

LISTING = "nothing better than listing"
"""The verdict where no sentence is shorter than the samples written out."""

VARIABLES = {
    "sentence_bits": ("bits of the sentence", "bit"),
    "data_bits": ("bits of the samples given the sentence", "bit"),
    "total_bits": ("two-part code length", "bit"),
    "margin": ("total bits of the next description less these", "bit"),
    "outside": ("samples outside of the set, those that are not crisp included", "samples"),
    "validity": ("share of the samples in the set", "1"),
    "estimated": ("1 where a size that the code needs is estimated, not counted", "1"),
    "size_error": ("standard error of log2 of the estimated size; 0 where counted, NaN where unknown", "bit"),
}


def describe(
    samples: NDArray[Any], grammar: Grammar, *, evaluations: int = EVALUATIONS, seed: int = 0
) -> xr.Dataset:
    """The shortest descriptions of samples by Set sentences of a grammar, over `rank`, the best first.

    samples: float or bool[N, height, width] on the grammar's grid, where what is not crisp is outside of
    every set; or float[N, 2] on the plane, where what is not finite is, and the code is that of
    `analysis.describing.points`: the density of the set in place of its size, each point to 0.01.
    The code has two parts (Rissanen 1978; see `analysis.describing.coding`): bits of the sentence; for each
    sample inside log2 K + log2 |T_s|; d bits for each outside, log2 C(N, outside) and log2(N + 1). Sentences
    that say the same of the samples at the same cost count as one, the shortest. `margin` is what the next
    one costs more. The attribute `verdict` is the best sentence, or "nothing better than listing" where it is
    no shorter than `listing_bits`, the samples written out (each, or the different ones once and then named).

    evaluations: sentences looked at, the budget. The answer is a pure function of the arguments: whatever the
    machine, as far as the sizes of sets that are estimated agree. What is found is an upper bound: a shorter
    description may exist. AnalysisError for samples that are not the grammar's.
    """
    if evaluations < 1:
        raise AnalysisError(f"`evaluations >= 1` must hold, but got (evaluations={evaluations})")
    if isinstance(grammar.space, Plane):
        points_given = points.points_of(samples, grammar)
        n, held = len(points_given), int((np.abs(points_given) < points.FAR).all(axis=1).sum())
        fits = points.search(points_given, grammar, evaluations, seed)
        listing = points.listing_bits(points_given, grammar)
    else:
        sample = Sample.of(samples, grammar)
        n, held = sample.n, int(sample.counts.sum())
        fits = search(sample, evaluations, seed)
        listing = listing_bits(sample)
    shown = fits[:RANKS]
    totals = [fit.total_bits for fit in fits] + [math.nan]
    columns: dict[str, list[Any]] = {
        "sentence_bits": [fit.sentence_bits for fit in shown],
        "data_bits": [fit.data_bits for fit in shown],
        "total_bits": totals[: len(shown)],
        "margin": [totals[i + 1] - totals[i] for i in range(len(shown))],
        "outside": [fit.outside for fit in shown],
        "validity": [1.0 - fit.outside / n for fit in shown],
        "estimated": [np.int8(fit.estimated) for fit in shown],
        "size_error": [fit.error for fit in shown],
    }
    variables: dict[str, Any] = {
        name: ("rank", np.array(values), {"long_name": VARIABLES[name][0], "units": VARIABLES[name][1]})
        for name, values in columns.items()
    }
    texts = np.array([str(fit.sentence) for fit in shown], dtype=object)
    variables["sentence"] = ("rank", texts, {"long_name": "a Set sentence, the shortest that says the same"})
    return xr.Dataset(
        variables,
        {"rank": ("rank", np.arange(1, len(shown) + 1), {"long_name": "place by total bits", "units": "1"})},
        {
            "grammar": grammar.name,
            "space": str(grammar.space),
            "samples": n,
            "not_crisp": n - held,
            "listing_bits": listing,
            "verdict": verdict(shown, listing),
            "evaluations": evaluations,
            "seed": seed,
        },
    )


def verdict(fits: list[Fit], listing: float) -> str:
    """The best sentence, or that there is nothing better than listing."""
    return str(fits[0].sentence) if fits and fits[0].total_bits < listing else LISTING
