"""Examples and samples as a run's files hold them, without padding and without failed trainings."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from study.words import Found

Array = NDArray[Any]


def examples_of(result: xr.Dataset, row: Found) -> Array | None:
    """The training set of a trial, as far as it was kept: [n, h, w] or [n, 2]; None where it was not."""
    return present(result["examples"].isel(trial=row.trial).values) if "examples" in result else None


def samples_of(result: xr.Dataset, verified: xr.Dataset | None, row: Found, learner: str) -> Array | None:
    """Of the first fresh training where there is one, else of the search's own; None where nobody sampled."""
    if verified is not None and row.sentence in verified["sentence"].values:
        samples = verified_samples(verified, row.sentence, learner)
        if samples is not None:
            return samples
    if "samples" not in result or learner != str(result.attrs.get("learner")):
        return None
    return first(result["samples"].isel(trial=row.trial))


def verified_samples(verified: xr.Dataset, sentence: str, learner: str) -> Array | None:
    """Of the first fresh training that did not fail; None where there is none."""
    if "samples" not in verified or learner not in verified["learner"].values:
        return None
    place = list(verified["sentence"].values).index(sentence)
    return first(verified["samples"].isel(sentence=place).sel(learner=learner))


def first(samples: xr.DataArray) -> Array | None:
    """Those of the first seed that has any."""
    for values in samples.transpose("seed", ...).values:
        some = present(values)
        if len(some):
            return some
    return None


def present(values: Array) -> Array:
    """Without what is padding: pictures or points of NaN."""
    array = np.asarray(values, np.float32)
    return array[~np.isnan(array).all(axis=tuple(range(1, array.ndim)))]
