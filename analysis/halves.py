"""Agreement: do two learners of one architecture, taught disjoint halves, make the same of the same noise?

Kadkhodaie et al. 2024: two networks trained on disjoint samples of one target that draw the same picture
from the same noise have learned a law, not their examples. What chance gives is exact here: the mean over
all pairs of samples that do not share their noise.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.intervals import LEVEL, paired_difference, wilson
from analysis.packing import keys
from analysis.sampled import crisp_pictures


def agreement(first: NDArray[Any], second: NDArray[Any], level: float = LEVEL) -> xr.Dataset:
    """How alike sample i of one learner is to sample i of another: two arrays [N, h, w], noise shared.

    `equal`: share where both are crisp and equal bit for bit once rounded, with Wilson's interval.
    `correlation`: mean over i of the pixel correlation (Pearson), with a t-interval over the pairs; a picture
    of one shade has correlation 1 with an equal one and 0 with any other. `equal_by_chance` and
    `correlation_by_chance`: the same over all pairs i != j, exactly. AnalysisError where there are fewer than
    two samples or shapes differ. Points of the plane [N, 2]: `distance` in place of both, and what chance
    gives. Sample with the probability-flow sampler: another one adds noise of its own.
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape or a.ndim not in (2, 3) or len(a) < 2:
        raise AnalysisError(
            f"agreement takes as many samples of both learners, two or more, got {a.shape} and {b.shape}"
        )
    found = _of_points(a, b, level) if a.ndim == 2 else _of_pictures(a, b, level)
    return xr.Dataset(found, attrs={"samples": len(a), "level": level})


def _of_pictures(a: NDArray[Any], b: NDArray[Any], level: float) -> dict[str, Any]:
    count = len(a)
    names, crisp = zip(*(_numbered(samples) for samples in (a, b)), strict=True)
    # Equal numbers are equal pictures; those that are not crisp equal nothing.
    labels, numbers = np.unique(np.concatenate(names), return_inverse=True)
    left, right = numbers[:count], numbers[count:]
    same = (left == right) & crisp[0] & crisp[1]
    times = [
        np.bincount(side[ok], minlength=len(labels)) for side, ok in zip((left, right), crisp, strict=True)
    ]
    others = count * (count - 1)
    equal, low, high = wilson(int(same.sum()), count, level)
    units = [_of_length_one(samples) for samples in (a, b)]
    pairs = np.clip((units[0] * units[1]).sum(axis=1), -1.0, 1.0)
    by_chance = float((units[0].sum(axis=0) @ units[1].sum(axis=0) - pairs.sum()) / others)
    mean, mean_low, mean_high = paired_difference(pairs, np.zeros(count), level)
    return {
        "equal": _labelled(equal, "share of pairs equal bit for bit"),
        "equal_low": _labelled(low, f"low end of the {level:.0%} Wilson interval of equal"),
        "equal_high": _labelled(high, f"high end of the {level:.0%} Wilson interval of equal"),
        "equal_by_chance": _labelled(
            float((times[0] @ times[1] - same.sum()) / others),
            "share of pairs of unlike noise that are equal",
        ),
        "correlation": _labelled(mean, "mean pixel correlation of pairs"),
        "correlation_low": _labelled(
            max(mean_low, -1.0), f"low end of its {level:.0%} t-interval over pairs"
        ),
        "correlation_high": _labelled(
            min(mean_high, 1.0), f"high end of its {level:.0%} t-interval over pairs"
        ),
        "correlation_by_chance": _labelled(by_chance, "mean pixel correlation of pairs of unlike noise"),
    }


def _of_points(a: NDArray[Any], b: NDArray[Any], level: float) -> dict[str, Any]:
    apart = np.hypot(*(a - b).T)
    mean, low, high = paired_difference(apart, np.zeros(len(a)), level)
    # The mean over i != j by rows: linear in memory.
    total = sum(float(np.hypot(*(a - point).T).sum()) for point in b)
    by_chance = (total - float(apart.sum())) / (len(a) * (len(a) - 1))
    return {
        "distance": _labelled(mean, "mean distance of pairs"),
        "distance_low": _labelled(max(low, 0.0), f"low end of its {level:.0%} t-interval over pairs"),
        "distance_high": _labelled(high, f"high end of its {level:.0%} t-interval over pairs"),
        "distance_by_chance": _labelled(by_chance, "mean distance of pairs of unlike noise"),
    }


def _numbered(samples: NDArray[Any]) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    pictures, crisp = crisp_pictures(samples)
    return keys(pictures), crisp


def _of_length_one(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Pictures less their mean, of length one, with one coordinate more for those of a single shade.

    A picture of one shade has no direction. It is given one of its own, black and white different ones, so
    that it correlates with its like alone.
    """
    flat = np.nan_to_num(samples.reshape(len(samples), -1).astype(np.float64), posinf=0.0, neginf=0.0)
    centred = flat - flat.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1))
    plain = length <= 1e-9 * np.maximum(np.abs(flat).max(axis=1), 1.0) * np.sqrt(flat.shape[1])
    found = np.zeros((len(flat), flat.shape[1] + 2))
    found[:, :-2] = np.divide(centred, length[:, None], out=np.zeros_like(centred), where=~plain[:, None])
    found[plain, -2] = flat[plain, 0] > 0.5
    found[plain, -1] = flat[plain, 0] <= 0.5
    return found


def _labelled(value: float, long_name: str, units: str = "1") -> Any:
    return ((), float(value), {"long_name": long_name, "units": units})
