"""Samples of many learners, seeds and checkpoints as one array with named dimensions, taken cell by cell.

The last dimensions are `sample` and those of one example: `y`, `x` on a grid, `coordinate` on the plane. All
others lead: a cell is one learner with one seed at one checkpoint. What lies in a file is read cell by cell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.evidence import is_crisp

Index = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Sampled:
    """The array, its leading dimensions, and whether the samples are points of the plane."""

    array: xr.DataArray
    dims: tuple[str, ...]
    plane: bool

    @classmethod
    def of(
        cls, samples: xr.DataArray | NDArray[Any], dims: Sequence[str] = (), name: str = "sample"
    ) -> "Sampled":
        """From a DataArray with the dimensions above, in any order; or from an array and its leading `dims`.

        A plain array without leading dimensions is [N, h, w] or [N, 2]; with k names in `dims`, k dimensions
        stand before these. `name`: of the dimension that counts the examples. AnalysisError where dimensions
        are missing or are not as many as named.
        """
        if not isinstance(samples, xr.DataArray):
            samples = _named(np.asarray(samples), tuple(dims), name)
        found = {str(dim) for dim in samples.dims}
        plane = "coordinate" in found
        last = (name, "coordinate") if plane else (name, "y", "x")
        if not found.issuperset(last):
            raise AnalysisError(
                f"samples have the dimensions ({name}, y, x) or ({name}, coordinate) and any others before "
                f"them, got ({', '.join(map(str, samples.dims))})"
            )
        leading = tuple(str(dim) for dim in samples.dims if dim not in last)
        return cls(samples.transpose(*leading, *last), leading, plane)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Lengths of the leading dimensions."""
        return tuple(self.array.sizes[dim] for dim in self.dims)

    @property
    def count(self) -> int:
        """N, the number of samples in a cell."""
        return int(self.array.sizes[self.array.dims[len(self.dims)]])

    @property
    def coords(self) -> dict[str, Any]:
        """The coordinates that belong to leading dimensions alone."""
        return {
            str(name): variable.variable
            for name, variable in self.array.coords.items()
            if set(variable.dims) <= set(self.dims)
        }

    def cells(self) -> Iterator[tuple[Index, NDArray[Any] | None]]:
        """Every cell's place and samples; None where all are NaN: that learner was not asked."""
        for index in np.ndindex(*self.sizes):
            values = self.array[index].values
            absent = values.dtype.kind == "f" and values.size > 0 and bool(np.isnan(values).all())
            yield index, None if absent or not len(values) else values

    def at(self, place: dict[str, int]) -> NDArray[Any]:
        """The examples of a cell, by the leading dimensions that there are; padding of NaN is left out."""
        values = self.array.isel({dim: place[dim] for dim in self.dims}).values
        if values.dtype.kind == "f":
            values = values[~np.isnan(values).all(axis=tuple(range(1, values.ndim)))]
        return np.asarray(values)


def crisp_pictures(samples: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Samples [N, h, w] as black and white: bool[N, h, w] and which are crisp, bool[N]."""
    if samples.dtype == np.bool_:
        return samples, np.ones(len(samples), bool)
    return np.asarray(samples > 0.5), is_crisp(samples)


def _named(values: NDArray[Any], dims: tuple[str, ...], name: str) -> xr.DataArray:
    last = values.ndim - len(dims)
    if last == 3:
        return xr.DataArray(values, dims=(*dims, name, "y", "x"))
    if last == 2 and values.shape[-1] == 2:
        return xr.DataArray(values, dims=(*dims, name, "coordinate"))
    raise AnalysisError(
        f"samples of shape {values.shape} with dims=({', '.join(dims)}) are neither pictures [..., N, h, w] "
        f"nor points [..., N, 2]: name every dimension that stands before N"
    )
