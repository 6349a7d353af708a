"""How large is a learned set of which only a sample is known? Three answers, each with what it assumes.

Birthday size: m(m-1)/(2 x equal pairs), right where all members are as likely, too small elsewhere. Unseen
mass: the chance that the next sample is new (Good 1953). Chao1: a lower bound of the number of members,
whatever their frequencies (Chao 1984). N is stated with each: another N gives others.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from analysis.errors import AnalysisError
from analysis.intervals import LEVEL
from analysis.many import joined
from analysis.packing import keys
from analysis.sampled import Sampled, crisp_pictures


def learned_size(
    samples: NDArray[Any] | xr.DataArray, *, dims: Sequence[str] = (), level: float = LEVEL
) -> xr.Dataset:
    """Sizes of the set that a sample [N, h, w] is drawn from, or of many (`Sampled.of`): see above.

    Only crisp samples count, rounded; their number is `crisp_samples`. `log2_birthday`, `log2_chao1` and the
    ends of intervals at `level` in bits; infinite without a repetition, where nothing bounds the size from
    above. AnalysisError for points of the plane, which never repeat, and without two crisp samples.
    """
    if not 0 < level < 1:
        raise AnalysisError(f"`0 < level < 1` must hold, but got level={level}")
    sampled = Sampled.of(samples, dims)
    if sampled.plane:
        raise AnalysisError("points of the plane do not repeat: the size of a set of them is no number")
    found = {index: _of_one(values, level) for index, values in sampled.cells() if values is not None}
    if not found:
        raise AnalysisError("there is no sample in any cell: no size can be estimated")
    return joined(sampled, found)


def frequencies(pictures: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many different pictures occur exactly f times, f = 0, 1, 2, ...: int64[most + 1]."""
    _, times = np.unique(keys(pictures), return_counts=True)
    return np.bincount(times, minlength=3).astype(np.int64)


def _of_one(samples: NDArray[Any], level: float) -> xr.Dataset:
    pictures, crisp = crisp_pictures(samples)
    kept = pictures[crisp]
    spectrum = frequencies(kept) if len(kept) else np.zeros(3, np.int64)
    m = int(crisp.sum())
    distinct = int(spectrum.sum())
    pairs = float(sum(f * (f - 1) // 2 * int(k) for f, k in enumerate(spectrum)))
    size, low, high = birthday(m, pairs, level)
    unseen, unseen_low, unseen_high = unseen_mass(m, int(spectrum[1]), int(spectrum[2]), level)
    least, least_low, least_high = chao1(m, distinct, int(spectrum[1]), int(spectrum[2]), level)
    ends = f"end of its {level:.0%} interval"
    return xr.Dataset(
        {
            "crisp_samples": _labelled(m, "crisp samples, N of the estimates", "samples"),
            "distinct": _labelled(distinct, "different pictures among them", "pictures"),
            "once": _labelled(int(spectrum[1]), "pictures seen exactly once", "pictures"),
            "equal_pairs": _labelled(pairs, "pairs of equal samples", "pairs"),
            "log2_birthday": _labelled(_log2(size), "log2 of m(m-1)/(2 x equal pairs), equal chances", "bit"),
            "log2_birthday_low": _labelled(_log2(low), f"low {ends}, Poisson", "bit"),
            "log2_birthday_high": _labelled(_log2(high), f"high {ends}, Poisson", "bit"),
            "unseen": _labelled(unseen, "Good-Turing chance that the next sample is new"),
            "unseen_low": _labelled(unseen_low, f"low {ends}, Esty 1983"),
            "unseen_high": _labelled(unseen_high, f"high {ends}, Esty 1983"),
            "log2_chao1": _labelled(_log2(least), "log2 of Chao1, a lower bound of the size", "bit"),
            "log2_chao1_low": _labelled(_log2(least_low), f"low {ends}, Chao 1987", "bit"),
            "log2_chao1_high": _labelled(_log2(least_high), f"high {ends}, Chao 1987", "bit"),
        },
        attrs={"samples": len(samples), "level": level},
    )


def birthday(m: int, equal_pairs: float, level: float = LEVEL) -> tuple[float, float, float]:
    """m(m-1)/(2c) of c equal pairs among m, with the interval that Poisson's exact one of c gives.

    Of uniform draws c is nearly Poisson (Garwood 1936); where some members are likelier, c is larger and the
    size of the set larger than this says. Infinite without an equal pair.
    """
    pairs = m * (m - 1) / 2
    tail = (1 - level) / 2
    most = float(special.gammaincinv(equal_pairs + 1, 1 - tail))
    least = float(special.gammaincinv(equal_pairs, tail)) if equal_pairs > 0 else 0.0
    if pairs == 0:
        return math.nan, math.nan, math.nan
    return tuple(max(1.0, pairs / c) if c > 0 else math.inf for c in (equal_pairs, most, least))  # type: ignore[return-value]


def unseen_mass(m: int, once: int, twice: int, level: float = LEVEL) -> tuple[float, float, float]:
    """f1/m (Good 1953), with the normal interval of Esty 1983: variance (f1(1 - f1/m) + 2 f2) / m^2."""
    if m == 0:
        return math.nan, math.nan, math.nan
    share = once / m
    half = float(special.ndtri((1 + level) / 2)) * math.sqrt(once * (1 - share) + 2 * twice) / m
    if once == m:
        # Seen mass grows from 0 to s over m draws, about m s/2 of which repeat: none does by exp(-m s/2).
        return 1.0, max(0.0, 1.0 + 2 * math.log1p(-level) / m), 1.0
    return share, max(0.0, share - half), min(1.0, share + half)


def chao1(m: int, distinct: int, once: int, twice: int, level: float = LEVEL) -> tuple[float, float, float]:
    """S + (m-1)/m f1^2/(2 f2), with the log-normal interval of Chao 1987, eq. 8 to 12; m, S, f1, f2 counted.

    Without a picture seen twice the bias-corrected form f1(f1-1)/2 takes its place.
    """
    if m == 0:
        return math.nan, math.nan, math.nan
    k = (m - 1) / m
    if twice > 0:
        more = k * once**2 / (2 * twice)
        ratio = once / twice
        variance = twice * (k / 2 * ratio**2 + k**2 * ratio**3 + k**2 / 4 * ratio**4)
    else:
        more = k * once * (once - 1) / 2
        size = distinct + more
        variance = k * once * (once - 1) / 2 + k**2 * once * (2 * once - 1) ** 2 / 4
        variance -= k**2 * once**4 / (4 * size) if size else 0.0
    if more <= 0:
        return float(distinct), float(distinct), float(distinct)
    factor = math.exp(
        float(special.ndtri((1 + level) / 2)) * math.sqrt(math.log1p(max(variance, 0.0) / more**2))
    )
    return distinct + more, distinct + more / factor, distinct + more * factor


def _log2(size: float) -> float:
    return math.log2(size) if size > 0 else math.nan


def _labelled(value: float, long_name: str, units: str = "1") -> Any:
    return ((), float(value), {"long_name": long_name, "units": units})
