"""Regimes: for which n and how much training a learner generalises, and from when on it memorises.

    found = analysis.regimes(measured)       # of measures over (n, step) and any seeds, draws, learners
    found["tau_mem"], found["tau_mem_exponent"], found["regime"]

A memoriser can generalise first: tau_gen, when it begins to make what is new and right, need not grow with n,
while tau_mem, when it begins to copy, grows like n (Bonnaire et al. 2025). Between them lies what is of use.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from analysis.crossings import crossing
from analysis.errors import AnalysisError
from analysis.laws import LEAST, fit_laws

OVER = ("draw", "seed")
NOT_TRIED, NEITHER, GENERALISES, MEMORISES, BOTH = -1, 0, 1, 2, 3
REGIMES = {NEITHER: "neither", GENERALISES: "generalises", MEMORISES: "memorises", BOTH: "both"}
SHOWN = ("copy_rate", "validity", "novelty", "generalization", "g_support", "agreement_equal",
         "agreement_correlation")  # fmt: skip


def regimes(
    measured: xr.Dataset,
    *,
    generalises: tuple[str, float] = ("g_support", 0.5),
    memorises: tuple[str, float] = ("copy_rate", 0.5),
    along: str = "step",
    over: tuple[str, ...] = OVER,
) -> xr.Dataset:
    """What happens where over (n, step), and when it begins; all other dimensions stay.

    measured: measures over `n`, `along` and any of `over`, whose median is taken. generalises, memorises: the
    measure and the value from which on it counts. `regime` over (n, step) is -1 where nothing was tried, 0
    neither, 1 generalises, 2 memorises, 3 both (the lesson is most of the target). `tau_gen` and `tau_mem`
    over n are the first step of each, with the ends between which it lies (`crossing`); steps of 0 are left
    out. `tau_mem_exponent`, with its interval, is that of tau_mem as a power of n, `tau_mem_law` the verdict
    on its law (`fit_laws`); likewise of tau_gen. NaN and "" with fewer than 4 n at which something is known.
    AnalysisError where a dimension or measure is missing.
    """
    names = [generalises[0], memorises[0]]
    missing = [name for name in ("n", along) if name not in measured.dims or name not in measured.coords]
    missing += [name for name in names if name not in measured]
    if missing:
        raise AnalysisError(f"regimes need {', '.join(dict.fromkeys(missing))}, which the data do not have")
    chosen = measured.sel({along: measured[along] > 0}).sortby(["n", along])
    kept = [name for name in dict.fromkeys((*names, *SHOWN)) if name in chosen and along in chosen[name].dims]
    medians: dict[str, xr.DataArray] = {}
    for name in kept:
        average = [dim for dim in over if dim in chosen[name].dims]
        one = chosen[name].median(average, keep_attrs=True) if average else chosen[name]
        medians[name] = one.assign_attrs({"long_name": name, "units": "1"} | one.attrs)
    result = xr.Dataset(medians, attrs={"generalises": str(generalises), "memorises": str(memorises)})
    result["regime"] = _regime(medians, generalises, memorises)
    for label, (name, threshold) in (("tau_gen", generalises), ("tau_mem", memorises)):
        first = crossing(chosen[name], threshold, along=along, over=over, name=label)
        result = result.merge(first.isel(threshold=0, drop=True), combine_attrs="override")
        result = result.merge(_law(result, label, along), combine_attrs="override")
    return result


def window(found: xr.Dataset) -> xr.DataArray:
    """log2 of tau_mem over tau_gen, by n: the doublings of training during which only generalising happens.

    A lower bound where memorising was not seen (tau_mem is censored); NaN where generalising was not.
    """
    last = found["tau_mem"].fillna(found["tau_mem_low"])
    ratio: xr.DataArray = xr.apply_ufunc(np.log2, last / found["tau_gen"])
    return ratio.assign_attrs(
        long_name="doublings of training between generalising and memorising", units="1"
    )


def _regime(
    medians: Mapping[str, xr.DataArray], generalises: tuple[str, float], memorises: tuple[str, float]
) -> xr.DataArray:
    good = medians[generalises[0]] >= generalises[1] - 1e-12
    copied = medians[memorises[0]] >= memorises[1] - 1e-12
    tried = medians[generalises[0]].notnull() & medians[memorises[0]].notnull()
    codes = good.astype("int8") * GENERALISES + copied.astype("int8") * MEMORISES
    return (
        codes.where(tried, NOT_TRIED)
        .astype("int8")
        .assign_attrs(
            long_name="regime",
            units="1",
            flag_values=[NOT_TRIED, *REGIMES],
            flag_meanings=" ".join(["not_tried", *REGIMES.values()]),
        )
    )


def _law(found: xr.Dataset, label: str, along: str) -> xr.Dataset:
    """The power of n, its interval and the verdict on the law, for every place of the other dimensions."""
    low = found[f"{label}_low"].transpose(..., "n")
    high = found[f"{label}_high"].transpose(..., "n")
    n = found["n"].values.astype(float)
    numbers = np.full((3, *low.shape[:-1]), np.nan)
    verdicts = np.full(low.shape[:-1], "", dtype=object)
    for index in np.ndindex(*low.shape[:-1]):
        ends = low.values[index], high.values[index]
        known = ~np.isnan(ends).any(axis=0) & ((ends[0] > 0) | np.isfinite(ends[1]))
        if known.sum() < LEAST or not np.isfinite(ends[1][known]).any():
            continue
        fit = fit_laws(n[known], ends[0][known], ends[1][known])
        power = fit.sel(law="power")
        numbers[(slice(None), *index)] = [float(power[name]) for name in ("b", "b_low", "b_high")]
        verdicts[index] = fit.attrs["verdict"]
    dims = tuple(str(dim) for dim in low.dims[:-1])
    words = ("exponent", "low end of the interval of the exponent", "high end of it")
    variables: dict[str, Any] = {
        f"{label}_exponent{end}": (
            dims, values, {"long_name": f"{label} as a power of n: {word}", "units": "1"},
        )
        for end, values, word in zip(("", "_low", "_high"), numbers, words, strict=True)
    }  # fmt: skip
    meaning = {"long_name": f"law of {label} against n, or undecided; {along} counts", "units": "1"}
    variables[f"{label}_law"] = (dims, verdicts.astype(str), meaning)
    return xr.Dataset(variables)
