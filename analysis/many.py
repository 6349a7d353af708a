"""The measures of many learners, seeds and checkpoints at once, and their intervals over seeds.

measured = analysis.measure(samples, target, training_set, dims=("learner", "seed"))
analysis.over_seeds(measured)      # mean and t-interval of each measure on the logit scale
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.intervals import LEVEL, logit_interval, paired_difference
from analysis.registry import MEASURES
from analysis.sampled import Sampled

One = Callable[[NDArray[Any], NDArray[Any]], xr.Dataset]
ALMOST = 1e-4  # the finest step of a share of unknown N


def each(sampled: Sampled, training_set: xr.DataArray | NDArray[Any], measure_one: One) -> xr.Dataset:
    """`measure_one(samples, training_set)` of every cell, as one dataset over the leading dimensions.

    training_set: one for all, or with some of the leading dimensions and `example` in place of `sample`; NaN
    pads those with fewer examples. Cells without samples are NaN, and empty text. AnalysisError where there
    is no cell to measure, or the training set leads with a dimension that the samples do not have.
    """
    lessons = Sampled.of(training_set, name="example")
    foreign = [dim for dim in lessons.dims if dim not in sampled.dims]
    if foreign:
        raise AnalysisError(
            f"the training set varies over {', '.join(foreign)}, but the samples only over "
            f"({', '.join(sampled.dims)})"
        )
    found: dict[tuple[int, ...], xr.Dataset] = {}
    for index, values in sampled.cells():
        if values is not None:
            place = dict(zip(sampled.dims, index, strict=True))
            found[index] = measure_one(values, lessons.at(place))
    if not found:
        raise AnalysisError("there is no sample in any cell: nothing can be measured")
    return joined(sampled, found)


def joined(sampled: Sampled, found: dict[tuple[int, ...], xr.Dataset]) -> xr.Dataset:
    """One dataset out of those of single cells, which have equal variables; coordinates are of the first."""
    first = next(iter(found.values()))
    variables: dict[str, Any] = {}
    for name, like in first.data_vars.items():
        if like.dtype.kind in "US":
            whole = np.full((*sampled.sizes, *like.shape), "", dtype=object)
        else:
            whole = np.full((*sampled.sizes, *like.shape), np.nan)
        for index, one in found.items():
            whole[index] = one[name].values
        values = whole.astype(str) if whole.dtype == object else whole
        variables[str(name)] = ((*sampled.dims, *map(str, like.dims)), values, like.attrs)
    coordinates = {str(name): variable.variable for name, variable in first.coords.items()}
    attributes = {
        name: value
        for name, value in first.attrs.items()
        if all(one.attrs.get(name) == value for one in found.values())
    }
    return xr.Dataset(variables, sampled.coords | coordinates, attributes)


def over_seeds(
    measured: xr.Dataset, dim: str = "seed", *, names: Sequence[str] | None = None, level: float = LEVEL
) -> xr.Dataset:
    """Every measure's centre over training seeds, with a t-interval: `<name>`, `<name>_low`, `<name>_high`.

    Shares, g and coverage on the logit scale (`logit_interval`, resolution 1/(2N) by the attribute
    `samples`); what is no share, such as counts and log2 of sizes, on its own scale. Seeds that are NaN do
    not count; `seeds` says how many did, and one alone has NaN ends: a single run supports no claim.
    AnalysisError where nothing varies over `dim`.
    """
    if names is None:
        names = [
            str(name)
            for name, variable in measured.data_vars.items()
            if dim in variable.dims and variable.dtype.kind in "fiu" and not _is_end(str(name), measured)
        ]
    unknown = [name for name in names if name not in measured or dim not in measured[name].dims]
    if unknown or not names:
        raise AnalysisError(
            f"nothing to average over {dim!r}: {', '.join(unknown) or 'no measure varies over it'}"
        )
    count = float(measured.attrs.get("samples", 0) or 0)
    resolution = 1 / (2 * count) if count > 1 else ALMOST
    variables: dict[str, Any] = {}
    seeds = np.zeros(())
    for name in names:
        one = measured[name].transpose(..., dim)
        share = _is_share(name, one)
        ends = np.full((3, *one.shape[:-1]), np.nan)
        values = one.values.astype(float)
        for index in np.ndindex(*one.shape[:-1]):
            kept = values[index][np.isfinite(values[index])]
            if len(kept):
                ends[(slice(None), *index)] = (
                    logit_interval(kept, level, resolution)
                    if share
                    else paired_difference(kept, 0 * kept, level)
                )
        meaning, units = one.attrs.get("long_name", name), one.attrs.get("units", "1")
        words = ("centre over seeds", f"low end of the {level:.0%} t-interval over seeds", "high end of it")
        for end, value, word in zip(("", "_low", "_high"), ends, words, strict=True):
            labels = {"long_name": f"{meaning}: {word}", "units": units}
            variables[name + end] = (one.dims[:-1], value, labels)
        if one.dims[-1] == dim and "stratum" not in one.dims:
            seeds = np.isfinite(values).sum(axis=-1)
            variables["seeds"] = (
                one.dims[:-1], seeds, {"long_name": "training seeds that were measured", "units": "1"},
            )  # fmt: skip
    coordinates = {name: one.variable for name, one in measured.coords.items() if dim not in one.dims}
    return xr.Dataset(variables, coordinates, measured.attrs | {"averaged_over": dim, "level": level})


def _is_share(name: str, values: xr.DataArray) -> bool:
    if name in MEASURES:
        return MEASURES[name].units == "1"
    finite = values.values[np.isfinite(values.values.astype(float))]
    return values.attrs.get("units", "1") == "1" and bool(((finite >= 0) & (finite <= 1)).all())


def _is_end(name: str, measured: xr.Dataset) -> bool:
    return any(name.endswith(end) and name.removesuffix(end) in measured for end in ("_low", "_high"))
