"""The measures on the plane: points float64[n, 2] in place of pictures.

Every point is crisp and almost none repeats another, so that copies are told by d1 / d2 alone and coverage is
the evenness over 64 cells of equal target mass: c = sum_j p_j min(1, n_j / (V p_j / 2)).
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.coverage import harmonic
from analysis.errors import AnalysisError
from analysis.target import Target
from analysis.yardstick import Yardstick

Points = NDArray[np.float64]


class PlaneEvidence:
    """Samples float[N, 2], a target on the plane, a training set float[n, 2] and the target's yardstick."""

    def __init__(
        self, samples: NDArray[Any], target: Target, training_set: NDArray[Any], yardstick: Yardstick
    ) -> None:
        self.samples: Points = np.asarray(samples, np.float64)
        self.training_set: Points = np.unique(np.asarray(training_set, np.float64), axis=0)
        for points in (self.samples, self.training_set):
            if points.ndim != 2 or points.shape[1] != 2:
                raise AnalysisError(f"points of the plane are [n, 2], got shape {points.shape}")
        if not len(self.samples):
            raise AnalysisError("nothing can be measured on no sample at all")
        self.target = target
        self.yardstick = yardstick

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """In the target: bool[N]. A point with a coordinate that is not finite is not."""
        inside: NDArray[np.bool_] = np.asarray(np.isfinite(self.samples).all(axis=1))
        inside[inside] = self.target.contains(self.samples[inside])
        return inside

    @cached_property
    def near(self) -> NDArray[np.bool_]:
        """d1 / d2 < 1/3, or d1 = 0: bool[N]."""
        answer = np.zeros(len(self.samples), bool)
        if not len(self.training_set):
            return answer
        finite = np.flatnonzero(np.isfinite(self.samples).all(axis=1))
        step = max(1, (1 << 20) // len(self.training_set))
        for start in range(0, len(finite), step):
            chosen = finite[start : start + step]
            apart = self.samples[chosen, None] - self.training_set
            nearest = np.sort(np.hypot(apart[..., 0], apart[..., 1]), axis=1)[:, :2]
            # Where there is a single example there is no d2, and only the example itself is a copy.
            answer[chosen] = (nearest[:, 0] == 0) | (
                3 * nearest[:, 0] < nearest[:, -1] if len(self.training_set) > 1 else False
            )
        return answer


def crisp(evidence: PlaneEvidence) -> float:
    """Always 1: there is nothing to round."""
    return 1.0


def validity(evidence: PlaneEvidence) -> float:
    """v = V / N: the share of samples in the target."""
    return float(evidence.valid.mean())


def copy_rate(evidence: PlaneEvidence) -> float:
    """The share of samples with d1 / d2 < 1/3."""
    return float(evidence.near.mean())


def novelty(evidence: PlaneEvidence) -> float:
    """The share of samples in the target that are no copies."""
    return float((evidence.valid & ~evidence.near).mean())


def coverage(evidence: PlaneEvidence) -> float:
    """The target mass of the cells that hold at least half the valid samples they should; 0 without any."""
    points = evidence.samples[evidence.valid]
    if not len(points):
        return 0.0
    ((cells,),) = [stratum.cells for stratum in evidence.yardstick.strata]
    inside = np.bincount(cells(points), minlength=len(cells.mass))
    filled = cells.mass > 0
    share = np.minimum(1.0, inside[filled] / (len(points) * cells.mass[filled] / 2))
    return float(cells.mass[filled] @ share)


def generalization(evidence: PlaneEvidence) -> float:
    """g = 2 v c / (v + c)."""
    return harmonic(validity(evidence), coverage(evidence))
