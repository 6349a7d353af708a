"""Where a quantity first reaches a threshold: n*, the smallest teaching set, or a time of training.

What was tried is a grid of values, so a crossing is known to lie between two of them: after the last that
fails and not after the first that reaches. None found is right-censored at the largest tried, and stored so.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from analysis.errors import AnalysisError

Array = NDArray[np.float64]

THRESHOLDS = (0.5, 0.7, 0.9)  # of g


def n_star(
    g: xr.DataArray,
    thresholds: float | Sequence[float] = THRESHOLDS,
    *,
    along: str = "n",
    over: Sequence[str] = ("draw", "seed"),
) -> xr.Dataset:
    """n*: the smallest n whose median g, made to rise with n, reaches a threshold; over all other dimensions.

    g: over `along` and any of `over` (draws of lessons, seeds), whose median is taken, NaN left out; the rest
    (size of the grid, learner) stays. As `crossing` with an isotonic fit.
    """
    return crossing(g, thresholds, along=along, over=over, isotonic=True, name="n_star")


def at_best(
    values: xr.DataArray, *, along: str = "step", batch: str = "batch", over: Sequence[str] = ("draw", "seed")
) -> xr.DataArray:
    """Values at the best place on `along`, chosen on one batch of samples and reported on another.

    values: over `along`, `batch` (two: to choose by, to report) and anything else. The place is that of the
    greatest median over `over` in the first batch, one for each place of the other dimensions; the answer is
    the second batch there, with the place as coordinate `along`. The greatest value of one and the same batch
    would be too great by its luck. NaN where nothing was tried. AnalysisError without two batches.
    """
    if along not in values.dims or values.sizes.get(batch) != 2:
        raise AnalysisError(
            f"the best {along} is chosen on the first of two of {batch!r}, got {dict(values.sizes)}"
        )
    choice, report = values.isel({batch: 0}, drop=True), values.isel({batch: 1}, drop=True)
    average = [dim for dim in over if dim in values.dims]
    medians = choice.median(average) if average else choice
    best = medians.fillna(-np.inf).argmax(along)
    return report.isel({along: best}).assign_attrs(values.attrs)


def crossing(
    values: xr.DataArray,
    thresholds: float | Sequence[float],
    *,
    along: str,
    over: Sequence[str] = (),
    isotonic: bool = False,
    name: str = "crossing",
) -> xr.Dataset:
    """The first place on `along` where the median over `over` reaches each threshold.

    `<name>` is that place, NaN where none does; `<name>_low` and `<name>_high` are the places between which
    it lies: 0 below the first tried, infinite above the last; `<name>_between` is where the line from the one
    to the other, over log places, reaches the threshold; `<name>_censored` is 1 where none does. isotonic:
    the medians are first made to rise (least squares, weighted by the number of values). NaN where nothing
    was tried. AnalysisError where `along` is no dimension or its places do not rise from above 0.
    """
    if along not in values.dims or along not in values.coords:
        raise AnalysisError(f"a crossing needs the dimension {along!r} with its values, got {values.dims}")
    places = values[along].values.astype(float)
    if np.any(places <= 0) or np.any(np.diff(places) <= 0):
        raise AnalysisError(f"{along} must rise from above 0, got {places.tolist()}")
    listed = np.atleast_1d(np.asarray(thresholds, float))
    average = [dim for dim in over if dim in values.dims]
    rest = [str(dim) for dim in values.dims if dim != along and dim not in average]
    ordered = values.transpose(*rest, along, *average).values.astype(float)
    grouped = ordered.reshape(*ordered.shape[: len(rest) + 1], -1)
    shape = (*grouped.shape[: len(rest)], len(listed))
    ends = np.full((5, *shape), np.nan)
    for index in np.ndindex(*shape[:-1]):
        for i, threshold in enumerate(listed):
            ends[(slice(None), *index, i)] = _first(places, grouped[index], threshold, isotonic)
    units = values[along].attrs.get("units", "1")
    long_name = values.attrs.get("long_name", str(values.name or "value"))
    words = (
        (name, f"first {along} where {long_name} reaches the threshold"),
        (f"{name}_low", f"largest {along} tried that does not, 0 if all do"),
        (f"{name}_high", f"smallest {along} tried that does, infinite if none does"),
        (f"{name}_between", f"{along} where the line between the two reaches it"),
        (f"{name}_censored", "1 where none that was tried reaches it"),
    )
    dims = (*rest, "threshold")
    variables = {
        label: (dims, end, {"long_name": meaning, "units": "1" if label.endswith("censored") else units})
        for (label, meaning), end in zip(words, ends, strict=True)
    }
    coordinates = {str(n): c.variable for n, c in values.coords.items() if set(c.dims) <= set(rest)}
    labels = {"long_name": "threshold", "units": values.attrs.get("units", "1")}
    return xr.Dataset(
        variables,
        coordinates | {"threshold": ("threshold", listed, labels)},
        {
            "along": along,
            "tried": places.tolist(),
            "isotonic": int(isotonic),
            "median_over": ", ".join(average),
        },
    )


def rising(medians: Array, weights: Array) -> Array:
    """The least-squares fit that never falls, by pooling adjacent violators. Barlow et al. 1972."""
    return np.asarray(isotonic_regression(medians, weights=weights).x, float)


def _first(places: Array, values: Array, threshold: float, isotonic: bool) -> tuple[float, ...]:
    """The crossing, the two ends, between them, and whether it is censored."""
    finite = np.isfinite(values)
    counts = finite.sum(axis=1)
    tried = counts > 0
    if not tried.any():
        return (np.nan,) * 5
    places, counts = places[tried], counts[tried]
    medians = np.array([np.median(row[ok]) for row, ok in zip(values[tried], finite[tried], strict=True)])
    if isotonic:
        medians = rising(medians, counts.astype(float))
    reached = np.flatnonzero(medians >= threshold - 1e-12)
    if not len(reached):
        return np.nan, float(places[-1]), np.inf, np.nan, 1.0
    i = int(reached[0])
    if i == 0:
        return float(places[0]), 0.0, float(places[0]), float(places[0]), 0.0
    step = (threshold - medians[i - 1]) / (medians[i] - medians[i - 1])
    between = float(np.exp(np.log(places[i - 1]) + step * np.log(places[i] / places[i - 1])))
    return float(places[i]), float(places[i - 1]), float(places[i]), between, 0.0


def pairs(crossings: xr.Dataset, name: str, **choice: Any) -> tuple[Array, Array]:
    """The ends of each crossing at one choice of the other dimensions, as `fit_laws` takes them."""
    one = crossings.sel(choice)
    return one[f"{name}_low"].values.astype(float), one[f"{name}_high"].values.astype(float)
