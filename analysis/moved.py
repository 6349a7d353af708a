"""Transfer: does a teaching set that was found for one learner teach another one?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from analysis.intervals import paired_difference

PAIR = ("learner", "learner_other")


def transfer(
    verified: Sequence[tuple[str, xr.Dataset]],
    names: Sequence[str] = (),
    labels: Mapping[tuple[str, str], str] | None = None,
) -> xr.Dataset | None:
    """What the sets found for `learner` do for `learner_other`, less its best baseline, in g.

    verified: runs by name and their datasets with `generalization` over sentence, learner and seed, an
    `origin` of each sentence ("search", or a baseline) and the attribute `learner` they were found for.
    `transfer_g`: the mean g of the
    found sentence that is best with the learner it was found for; `transfer`: that less the baseline of
    highest mean g with the other learner, paired by seed, with a t-interval. The baseline is chosen by the
    same trainings, which makes `transfer` a little too small. names: learners of the answer, by default all
    that occur; labels: what the learner of a run is called there, by (run, learner). None where nothing was
    verified.
    """
    usable = [(run, one) for run, one in verified if "origin" in one and one.attrs.get("learner")]
    called = labels or {}
    found: dict[tuple[str, str], tuple[float, ...]] = {}
    for run, dataset in usable:
        own = str(dataset.attrs["learner"])
        g = dataset["generalization"].transpose("learner", "sentence", "seed").values.astype(float)
        pupils = dataset["learner"].values.astype(str).tolist()
        searched = dataset["origin"].values.astype(str) == "search"
        if own not in pupils or not searched.any():
            continue
        best = _best(g[pupils.index(own)], searched)
        if best is None:
            continue
        for place, other in enumerate(pupils):
            baseline = _best(g[place], ~searched)
            pair = called.get((run, own), own), called.get((run, other), other)
            found[pair] = (_mean(g[place, best]), *_gain(g[place], best, baseline))
    if not found:
        return None
    known = dict.fromkeys(name for pair in found for name in pair)
    listed = list(names) or list(known)
    values = np.full((4, len(listed), len(listed)), np.nan)
    for (own, other), numbers in found.items():
        if own in listed and other in listed:
            values[:, listed.index(own), listed.index(other)] = numbers
    words = (
        ("transfer_g", "g of the set found for the learner, taught to the other"),
        ("transfer", "that less the other's best baseline"),
        ("transfer_low", "low end of its t-interval over seeds"),
        ("transfer_high", "high end of its t-interval over seeds"),
    )
    variables: dict[str, Any] = {
        name: (PAIR, value, {"long_name": meaning, "units": "1"})
        for (name, meaning), value in zip(words, values, strict=True)
    }
    return xr.Dataset(variables, {dim: (dim, listed) for dim in PAIR})


def _best(g: np.ndarray[Any, np.dtype[np.float64]], among: np.ndarray[Any, np.dtype[np.bool_]]) -> int | None:
    means = np.array([_mean(row) if ok else np.nan for row, ok in zip(g, among, strict=True)])
    return None if np.isnan(means).all() else int(np.nanargmax(means))


def _gain(
    g: np.ndarray[Any, np.dtype[np.float64]], best: int, baseline: int | None
) -> tuple[float, float, float]:
    if baseline is None:
        return (np.nan,) * 3
    both = np.isfinite(g[best]) & np.isfinite(g[baseline])
    if not both.any():
        return (np.nan,) * 3
    gain = paired_difference(g[best, both], g[baseline, both])
    return float(gain.value), float(gain.low), float(gain.high)


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else np.nan
