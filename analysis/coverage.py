"""Recall: how much of the target the samples reach, which neither a memoriser nor a half-learner may get.

Per stratum s, against m draws of the target itself: d_s, the distinct examples found over those expected,
where copies of the training set count no more than chance would have them; and e_s, how evenly the cells of
the stratum are filled. Coverage c is the mean over strata of the smaller one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.evidence import Evidence
from analysis.packing import contained
from analysis.yardstick import Stratum

LEAST = 32  # valid samples a stratum needs to count towards g_support

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Counts:
    """What was found in each stratum of the yardstick; `cells[s][group]` are the samples per cell."""

    valid: NDArray[np.int64]
    novel: NDArray[np.int64]  # U_s, distinct, outside the training set
    copied: NDArray[np.int64]  # C_s, distinct, inside it
    trained: NDArray[np.int64]  # |S ∩ T_s|
    cells: tuple[tuple[NDArray[np.int64], ...], ...]


@dataclass(frozen=True, eq=False)
class Recall:
    """E_s, d_s and e_s of every stratum at m_s draws, and c."""

    expected: Array
    distinctness: Array
    evenness: Array
    coverage: float


def counts(evidence: Evidence) -> Counts:
    """Counts the valid samples, distinct ones and cells of each stratum."""
    strata = evidence.strata[evidence.valid]
    _, first = np.unique(evidence.keys[evidence.valid], return_index=True)
    is_copy = contained(evidence.keys[evidence.valid][first], evidence.training_keys)
    keys = [stratum.key for stratum in evidence.yardstick.strata]
    distinct = strata[first]
    return Counts(
        valid=_count(strata, keys),
        novel=_count(distinct[~is_copy], keys),
        copied=_count(distinct[is_copy], keys),
        trained=_count(evidence.trained_strata, keys),
        cells=tuple(
            _per_cell(stratum, evidence.valid_properties[strata == stratum.key])
            for stratum in evidence.yardstick.strata
        ),
    )


def at_equal_shares(evidence: Evidence) -> Recall:
    """Recall at m_s = V w_s draws: the target with its frequencies. V / K where strata weigh the same."""
    total = int(np.count_nonzero(evidence.valid))
    return _recall(evidence, np.array([total * s.weight for s in evidence.yardstick.strata]), least=0)


def at_own_shares(evidence: Evidence) -> Recall:
    """Recall at the valid samples each stratum has: the set regardless of its frequencies."""
    return _recall(evidence, evidence.once(counts).valid.astype(float), least=LEAST)


def coverage(evidence: Evidence) -> float:
    """c = mean over strata of min(d_s, e_s), by the strata's weights; 0 without a valid sample."""
    return evidence.once(at_equal_shares).coverage


def generalization(evidence: Evidence) -> float:
    """g = 2 v c / (v + c): the harmonic mean of validity and coverage."""
    return harmonic(float(evidence.valid.mean()), coverage(evidence))


def g_support(evidence: Evidence) -> float:
    """g with the valid samples of each stratum in place of m; a stratum with fewer than 32 counts 0."""
    return harmonic(float(evidence.valid.mean()), evidence.once(at_own_shares).coverage)


def harmonic(validity: float, coverage: float) -> float:
    """The harmonic mean, 0 where both are."""
    return 2 * validity * coverage / (validity + coverage) if validity + coverage > 0 else 0.0


def _recall(evidence: Evidence, draws: Array, least: int) -> Recall:
    found = evidence.once(counts)
    strata = evidence.yardstick.strata
    expected, distinctness, evenness = (np.zeros(len(strata)) for _ in range(3))
    for i, stratum in enumerate(strata):
        if draws[i] <= 0 or found.valid[i] < least:
            continue
        expected[i] = stratum.expected_distinct(draws[i])
        by_chance = expected[i] * _trained_share(stratum, int(found.trained[i]))
        distinctness[i] = min(1.0, (found.novel[i] + min(found.copied[i], by_chance)) / expected[i])
        evenness[i] = min(
            float(cells.mass @ np.minimum(1.0, _ratio(inside, draws[i] * cells.mass / 2)))
            for cells, inside in zip(stratum.cells, found.cells[i], strict=True)
        )
    weights = np.array([stratum.weight for stratum in strata])
    return Recall(expected, distinctness, evenness, float(weights @ np.minimum(distinctness, evenness)))


def _trained_share(stratum: Stratum, trained: int) -> float:
    """|S ∩ T_s| / |T_s|, 0 where the size is not known."""
    return trained / stratum.size if stratum.size is not None else 0.0


def _ratio(inside: NDArray[np.int64], needed: Array) -> Array:
    return np.divide(inside, needed, out=np.zeros(len(needed)), where=needed > 0)


def _per_cell(stratum: Stratum, values: Array) -> tuple[NDArray[np.int64], ...]:
    return tuple(np.bincount(cells(values), minlength=len(cells.mass)) for cells in stratum.cells)


def _count(strata: NDArray[np.int64], keys: list[int]) -> NDArray[np.int64]:
    return np.array([np.count_nonzero(strata == key) for key in keys], np.int64)
