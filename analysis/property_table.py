"""Properties of samples as a labelled dataset: a variable for each, over the dimensions of the samples."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.properties import chosen, entry_of, property_of
from analysis.sampled import Sampled, crisp_pictures


def properties_of(
    samples: NDArray[Any] | xr.DataArray, names: Iterable[str] | None = None, *, dims: Sequence[str] = ()
) -> xr.Dataset:
    """Every property, or the named ones, of each sample: float64 over (..., sample).

    samples: as in `Sampled.of`, pictures or points. NaN where a sample is not crisp, where there is none, and
    where the property has no meaning. AnalysisError for an unknown name, with the nearest one.
    """
    sampled = Sampled.of(samples, dims)
    wanted = chosen(names, sampled.plane)
    table = {name: np.full((*sampled.sizes, sampled.count), np.nan) for name in wanted}
    for index, values in sampled.cells():
        if values is None:
            continue
        examples, counted = usable(values, sampled.plane)
        for name in wanted:
            table[name][index][counted] = property_of(examples, name)
    variables = {
        name: (
            (*sampled.dims, "sample"),
            values,
            {"long_name": entry_of(name).long_name, "units": entry_of(name).units},
        )
        for name, values in table.items()
    }
    return xr.Dataset(variables, sampled.coords, {"samples": sampled.count})


def usable(samples: NDArray[Any], plane: bool) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The examples that can be looked at, and which samples they are: crisp and rounded, or finite points."""
    if plane:
        points = np.asarray(samples, np.float64)
        finite = np.asarray(np.isfinite(points).all(axis=1))
        return points[finite], finite
    pictures, crisp = crisp_pictures(samples)
    return pictures[crisp], crisp
