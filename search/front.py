"""The front: what no other evaluation beats in everything at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def non_dominated(values: ArrayLike, signs: Sequence[int]) -> NDArray[np.bool_]:
    """Which rows of `float[rows, objectives]` are on the front: none is as good in all and better in one.

    `signs` is +1 for an objective that should be large and -1 for one that should be small. Rows with a
    NaN are not on it, equal rows are on it together.
    """
    costs = -np.asarray(values, float).reshape(-1, len(signs)) * np.asarray(signs, float)
    on_front = np.zeros(len(costs), dtype=bool)
    usable = np.flatnonzero(~np.isnan(costs).any(axis=1))
    # In lexicographic order a row can only be dominated by one before it (Kung et al. 1975), and then
    # also by one that is on the front already.
    order = usable[np.lexsort(costs[usable].T[::-1])]
    front: list[NDArray[np.float64]] = []
    for row in order:
        cost = costs[row]
        known = np.array(front) if front else np.empty((0, costs.shape[1]))
        no_worse = (known <= cost).all(axis=1)
        if not (no_worse & (known < cost).any(axis=1)).any():
            on_front[row] = True
            front.append(cost)
    return on_front
