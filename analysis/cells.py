"""Cells of a stratum: eight parts of about equal target mass, by three median splits on declared properties.

The evenness of a sample is measured on them: a learner of one half of a target leaves cells empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]  # float64[n, properties]


@dataclass(frozen=True, eq=False)
class Cells:
    """A complete binary tree of splits in heap order: node i splits into 2i and 2i + 1, the root is 1.

    `column[i]` is the property node i looks at; what lies above `threshold[i]` goes right. `mass[j]` is the
    share of the target in leaf j. A node whose examples are all alike sends everything left.
    """

    column: NDArray[np.intp]
    threshold: NDArray[np.float64]
    mass: NDArray[np.float64]

    @classmethod
    def split(cls, values: Values, first: Sequence[int], levels: int = 3) -> "Cells":
        """Splits draws of the target (rows of `values`) at medians: level i on `first[i % len(first)]`.

        Ties stay together, split where it comes nearest to one half. A property that is constant in a node
        is passed over for the next of `first`, then for the remaining ones.
        """
        values = _comparable(values)
        others = [c for c in range(values.shape[1]) if c not in first]
        column = np.zeros(2**levels, np.intp)
        threshold = np.full(2**levels, np.inf)
        node = np.ones(len(values), np.intp)
        for i in range(1, 2**levels if values.shape[1] else 1):
            here = node == i
            turn = (i.bit_length() - 1) % len(first)
            for c in (*first[turn:], *first[:turn], *others):
                cut = _median_split(values[here, c])
                if cut is not None:
                    column[i], threshold[i] = c, cut
                    break
            node[here] = 2 * i + (values[here, column[i]] > threshold[i])
        if not values.shape[1]:
            node[:] = 2**levels
        mass = np.bincount(node - 2**levels, minlength=2**levels) / len(values)
        return cls(column, threshold, mass)

    def __call__(self, values: Values) -> NDArray[np.intp]:
        """The cell of each row of `values`: intp[n] in [0, cells)."""
        leaves = len(self.mass)
        if not values.shape[1]:
            return np.zeros(len(values), np.intp)
        values = _comparable(values)
        rows = np.arange(len(values))
        node = np.ones(len(values), np.intp)
        for _ in range(leaves.bit_length() - 1):
            node = 2 * node + (values[rows, self.column[node]] > self.threshold[node])
        return node - leaves


def _comparable(values: Values) -> Values:
    """Equal up to rounding is equal; a property undefined for an example (NaN) has its lowest value there."""
    return np.where(np.isnan(values), -np.inf, np.round(values, 9))


def _median_split(values: NDArray[np.float64]) -> float | None:
    """The threshold, between two values, that splits nearest to one half; None if all are equal."""
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < 2:
        return None
    left = np.cumsum(counts)[:-1] / len(values)
    cut = int(np.argmin(np.abs(left - 0.5)))
    return float(distinct[cut]) / 2 + float(distinct[cut + 1]) / 2
