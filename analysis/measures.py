"""The measures of a sample against a target, as plain numbers: what a search asks for hundreds of times.

One line per measure; a new one is a function of the evidence in a file of its own and a line here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis import copies, coverage, validity
from analysis.coverage import at_equal_shares, at_own_shares, counts
from analysis.evidence import Evidence
from analysis.registry import MEASURES, Measure, register
from analysis.target import Target
from analysis.yardstick import Yardstick

for _measure in (
    Measure("crisp", validity.crisp, "share of samples with all pixels within 0.25 of 0 or 1", share=True),
    Measure("validity", validity.validity, "share of samples crisp and in the target", share=True),
    Measure("copy_rate", copies.copy_rate, "share of samples equal to a training example", share=True),
    Measure("near_copy_rate", copies.near_copy_rate, "share of samples with d1/d2 < 1/3", share=True),
    Measure("novelty", copies.novelty, "share of samples valid and not in the training set", share=True),
    Measure("novelty_orbit", copies.novelty_orbit, "share valid and no translate of an example", share=True),
    Measure("coverage", coverage.coverage, "mean over strata of min(distinctness, evenness)"),
    Measure("generalization", coverage.generalization, "harmonic mean of validity and coverage"),
    Measure("g_support", coverage.g_support, "generalization regardless of the strata's frequencies"),
    Measure("count", lambda e: e.once(counts).valid, "valid samples", "samples", per_stratum=True),
    Measure("novel", lambda e: e.once(counts).novel, "distinct valid samples outside the training set",
            "pictures", per_stratum=True),
    Measure("copied", lambda e: e.once(counts).copied, "distinct valid samples inside the training set",
            "pictures", per_stratum=True),
    Measure("trained", lambda e: e.once(counts).trained, "distinct training examples", "pictures",
            per_stratum=True),
    Measure("expected", lambda e: e.once(at_equal_shares).expected,
            "distinct pictures expected of the target itself", "pictures", per_stratum=True),
    Measure("distinctness", lambda e: e.once(at_equal_shares).distinctness,
            "distinct valid samples over those expected, copies by chance only", per_stratum=True),
    Measure("evenness", lambda e: e.once(at_equal_shares).evenness,
            "mass of the cells that are at least half filled", per_stratum=True),
    Measure("distinctness_support", lambda e: e.once(at_own_shares).distinctness,
            "distinctness at the stratum's own number of samples", per_stratum=True),
    Measure("evenness_support", lambda e: e.once(at_own_shares).evenness,
            "evenness at the stratum's own number of samples", per_stratum=True),
):  # fmt: skip
    register(_measure)


def measures(
    samples: NDArray[Any],
    target: Target,
    training_set: NDArray[Any],
    yardstick: Yardstick | None = None,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Every registered measure by name: a float, or an array over `yardstick.strata`.

    samples: float32[N, h, w], white 1 and black 0; training_set: bool[n, h, w]. Without a yardstick one is
    made of `target` and `seed`, which costs far more than measuring: make one and keep it.
    """
    yardstick = yardstick or Yardstick.of(target, seed, draws=max(len(samples), 4096))
    evidence = Evidence(samples, target, np.asarray(training_set), yardstick)
    return {name: measure.compute(evidence) for name, measure in MEASURES.items()}
