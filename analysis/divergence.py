"""How far two samples are apart: Jensen-Shannon, Jaccard, Morisita, MMD, and what equal laws would give.

Everything is a function of two samples; `by_chance` shuffles their members between them, so that its answers
are those of two samples of these sizes from one law.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError

Codes = NDArray[np.int64]  # int64[n], equal numbers for equal things
Statistic = Callable[[NDArray[np.bool_]], float]  # of which members of the pool are in the first sample

SHUFFLES = 199
BINS = 16  # of a property with more than TELLING different values
TELLING = 32


def jensen_shannon(first: Codes, second: Codes) -> float:
    """Jensen-Shannon divergence of two samples of categories, in bits: 0 alike, 1 disjoint. Lin 1991.

    AnalysisError where one is empty.
    """
    if not len(first) or not len(second):
        raise AnalysisError("a divergence needs at least one sample on both sides")
    most = int(max(first.max(), second.max())) + 1
    p, q = (np.bincount(side, minlength=most) / len(side) for side in (first, second))
    middle = (p + q) / 2
    return float(_entropy(middle) - (_entropy(p) + _entropy(q)) / 2)


def jaccard(first: Codes, second: Codes) -> float:
    """Things that occur in both samples over those that occur at all; falls with the sizes of the samples."""
    one, other = np.unique(first), np.unique(second)
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / max(1, len(one) + len(other) - shared)


def morisita(first: Codes, second: Codes) -> float:
    """Morisita's index 2 sum pq / (sum p^2 + sum q^2), without bias by the samples' sizes; NaN unrepeated.

    Of two laws, each uniform on as many members: the share of the members they have in common. Morisita 1959.
    """
    _, numbers = np.unique(np.concatenate([first, second]), return_inverse=True)
    most = int(numbers.max(initial=-1)) + 1
    p, q = (np.bincount(side, minlength=most) for side in (numbers[: len(first)], numbers[len(first) :]))
    within = sum(float(side @ (side - 1)) / max(len(own) * (len(own) - 1), 1)
                 for side, own in ((p, first), (q, second)))  # fmt: skip
    if within == 0:
        return np.nan
    return 2.0 * float(p @ q) / (len(first) * len(second)) / within


def codes_of(values: NDArray[np.float64]) -> Codes:
    """Numbers as categories: each its own where few, else 16 classes of about equal size; NaN is one."""
    values = np.round(values, 9)
    known = ~np.isnan(values)
    found = np.zeros(len(values), np.int64)
    distinct, numbers = np.unique(values[known], return_inverse=True)
    if len(distinct) > TELLING:
        cuts = np.unique(np.quantile(values[known], np.arange(1, BINS) / BINS))
        numbers = np.searchsorted(cuts, values[known], side="right")
    found[known] = numbers + 1
    return found


def kernel(examples: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(-|x - y|^2 / (2 s^2)) of all pairs, s^2 half the median squared distance. Gretton et al. 2012."""
    flat = examples.reshape(len(examples), -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares[None] - 2 * flat @ flat.T, 0.0)
    between = apart[np.triu_indices(len(flat), 1)]
    width = float(np.median(between)) if len(between) else 1.0
    if width == 0:
        width = float(between.mean()) or 1.0
    return np.asarray(np.exp(-apart / width))


def mmd2(similar: NDArray[np.float64], first: NDArray[np.bool_]) -> float:
    """The unbiased squared maximum mean discrepancy of a pool split in two. Gretton et al. 2012, eq. 3."""
    own = first.astype(np.float64)
    other = 1.0 - own
    m, n = own.sum(), other.sum()
    diagonal = np.diag(similar)
    rows = similar @ own
    within = (own @ rows - diagonal @ own) / (m * (m - 1))
    across = (other @ rows) / (m * n)
    rest = similar.sum(axis=1) - rows
    return float(within + (other @ rest - diagonal @ other) / (n * (n - 1)) - 2 * across)


def by_chance(
    statistics: Sequence[Statistic],
    sizes: tuple[int, int],
    rng: np.random.Generator,
    shuffles: int = SHUFFLES,
) -> NDArray[np.float64]:
    """Each statistic at random splits of the pool into two samples: float64[shuffles, statistics]."""
    first = np.zeros(sum(sizes), bool)
    first[: sizes[0]] = True
    found = np.empty((shuffles, len(statistics)))
    for i in range(shuffles):
        split = rng.permutation(first)
        found[i] = [statistic(split) for statistic in statistics]
    return found


def p_value(value: float, chance: NDArray[np.float64], *, small: bool = False) -> float:
    """The share of splits at least as extreme, the one seen among them; large values are, or `small` ones."""
    beyond = chance <= value + 1e-12 if small else chance >= value - 1e-12
    return float((1 + np.count_nonzero(beyond)) / (1 + len(chance)))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values corrected for their number, by Holm 1979; NaN is no test and stays NaN."""
    flat = np.asarray(p, float).ravel()
    corrected = np.full(len(flat), np.nan)
    order = [i for i in np.argsort(flat, kind="stable") if not np.isnan(flat[i])]
    worst = 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - rank) * flat[i]))
        corrected[i] = worst
    return corrected.reshape(np.shape(p))


def _entropy(p: NDArray[np.float64]) -> float:
    held = p[p > 0]
    return float(-(held @ np.log2(held)))
