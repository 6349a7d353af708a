"""The measures of a sample against a target, as plain numbers: what a search asks for hundreds of times.

One line per measure; a new one is a function of the evidence in a file of its own and a line here.
"""

from typing import Any

from numpy.typing import NDArray

from analysis import copies, coverage, plane, validity
from analysis.coverage import at_equal_shares, at_own_shares, counts
from analysis.evidence import Evidence
from analysis.plane import PlaneEvidence
from analysis.registry import MEASURES, Measure, register
from analysis.target import Target
from analysis.yardstick import DRAWS, Yardstick

for _measure in (
    Measure("crisp", validity.crisp, "share of samples with all pixels within 0.25 of 0 or 1", share=True,
            plane=plane.crisp),
    Measure("validity", validity.validity, "share of samples crisp and in the target", share=True,
            plane=plane.validity),
    Measure("copy_rate", copies.copy_rate, "share of samples equal to a training example", share=True,
            plane=plane.copy_rate),
    Measure("near_copy_rate", copies.near_copy_rate, "share of samples with d1/d2 < 1/3", share=True,
            plane=plane.copy_rate),
    Measure("novelty", copies.novelty, "share of samples valid and not in the training set", share=True,
            plane=plane.novelty),
    Measure("novelty_orbit", copies.novelty_orbit, "share valid and no translate of an example", share=True),
    Measure("coverage", coverage.coverage, "mean over strata of min(distinctness, evenness)",
            plane=plane.coverage),
    Measure("generalization", coverage.generalization, "harmonic mean of validity and coverage",
            plane=plane.generalization),
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

    samples: float32[N, h, w], white 1 and black 0; training_set: bool[n, h, w]; or points float[n, 2] of the
    plane, where only the measures that are defined there are returned. Without a yardstick one is
    made of `target` and `seed`, which costs far more than measuring: make one and keep it.
    """
    yardstick = yardstick or Yardstick.of(target, seed, draws=max(len(samples), DRAWS))
    if yardstick.plane:
        points = PlaneEvidence(samples, target, training_set, yardstick)
        return {name: entry.plane(points) for name, entry in MEASURES.items() if entry.plane is not None}
    evidence = Evidence(samples, target, training_set, yardstick)
    return {name: entry.compute(evidence) for name, entry in MEASURES.items()}
