"""The measures as a labelled dataset, every variable with its unit and its meaning."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.intervals import LEVEL, wilson
from analysis.many import each
from analysis.measures import measures
from analysis.registry import MEASURES
from analysis.sampled import Sampled
from analysis.target import Target
from analysis.yardstick import DRAWS, Yardstick


def measure(
    samples: NDArray[Any] | xr.DataArray,
    target: Target,
    training_set: NDArray[Any] | xr.DataArray,
    yardstick: Yardstick | None = None,
    *,
    seed: int = 0,
    dims: Sequence[str] = (),
) -> xr.Dataset:
    """Every measure of one learned sample, or of many: numbers, and one per stratum of the target.

    Arguments as in `measures`; samples of many learners, seeds and checkpoints lead with these dimensions,
    either named in `dims` or those of a DataArray (`Sampled.of`), and so may the training set; the result
    then leads with them too. Shares of the samples have `<name>_low` and `<name>_high` beside them, Wilson's
    interval within this one model; g and coverage get theirs over training seeds (`analysis.over_seeds`).
    The attributes say N, n and the yardstick's seed: g at another N is not comparable.
    On the plane, what lies beyond the target's window is reported too.
    """
    if dims or isinstance(samples, xr.DataArray) or isinstance(training_set, xr.DataArray):
        sampled = Sampled.of(samples, dims)
        common = yardstick or Yardstick.of(target, seed, draws=max(sampled.count, DRAWS))
        return each(sampled, training_set, lambda own, lesson: measure(own, target, lesson, common))
    yardstick = yardstick or Yardstick.of(target, seed, draws=max(len(samples), DRAWS))
    numbers = measures(samples, target, training_set, yardstick)
    variables: dict[str, Any] = {}
    for name, entry in ((name, MEASURES[name]) for name in numbers):
        labels = {"long_name": entry.long_name, "units": entry.units}
        variables[name] = (("stratum",) if entry.per_stratum else (), numbers[name], labels)
        if entry.share:
            _, low, high = wilson(np.round(numbers[name] * len(samples)), len(samples))
            for end, value in (("low", low), ("high", high)):
                meaning = f"{entry.long_name}: {end} end of the {LEVEL:.0%} Wilson interval"
                variables[f"{name}_{end}"] = ((), value, {"long_name": meaning, "units": entry.units})
    coordinates: dict[str, Any] = {}
    if yardstick.plane:
        variables |= _beyond(samples, target)
    else:
        variables["size"], variables["log2_size"] = _sizes(yardstick)
        coordinates = {
            "stratum": ("stratum", [s.key for s in yardstick.strata], _labels("number of the stratum", "1")),
            "stratum_label": ("stratum", [s.label for s in yardstick.strata], _labels("stratum", "1")),
            "weight": ("stratum", [s.weight for s in yardstick.strata], _labels("share in the target", "1")),
        }
    return xr.Dataset(
        variables,
        coordinates,
        attrs={
            "samples": len(samples),
            "training_examples": len(training_set),
            "yardstick_seed": yardstick.seed,
            "yardstick_draws": yardstick.draws,
        },
    )


def _beyond(samples: NDArray[Any], target: Target) -> dict[str, Any]:
    """What lies beyond the window of a target that has one; its own share is NaN where it is not known."""
    beyond = getattr(target, "beyond", None)
    if beyond is None:
        return {}
    points = np.asarray(samples, np.float64)
    outside, cut = target.contains(points) & beyond(points), getattr(target, "mass_beyond", None)
    return {
        "beyond": (
            (),
            float(outside.mean()),
            _labels("share of samples in the target, beyond its window", "1"),
        ),
        "target_beyond": (
            (),
            math.nan if cut is None else float(cut),
            _labels("share of the target's area beyond its window", "1"),
        ),
    }


def _sizes(yardstick: Yardstick) -> tuple[Any, Any]:
    """Exact counts as text, since they outgrow every integer type, and their log2, NaN where unknown."""
    sizes = [stratum.size for stratum in yardstick.strata]
    text = ["unknown" if size is None else str(size) for size in sizes]
    logs = [np.nan if size is None else math.log2(size) for size in sizes]
    return (
        ("stratum", text, _labels("exact number of pictures, as text", "pictures")),
        ("stratum", logs, _labels("log2 of the number of pictures", "bit")),
    )


def _labels(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}
