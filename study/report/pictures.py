"""The figures of a report as PNG, with the words that stand below them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import analysis
from study.words import Found

COLUMNS, SHOWN = 8, 24  # pictures in a line and in all, of each side of a teaching set


@dataclass(frozen=True)
class Picture:
    """A figure, what it shows for those who cannot see it, and its caption."""

    png: bytes
    alt: str
    caption: str


def of(figure: Figure, alt: str, caption: str) -> Picture:
    """A figure made ready for the page."""
    return Picture(analysis.png(figure), alt, caption)


def drawn(
    result: xr.Dataset, verified: xr.Dataset | None, shown: Sequence[Found], target: Any
) -> dict[str, Picture]:
    """Every figure of the page by its name; `shown` are the teaching sets whose pictures are wanted."""
    if not np.isfinite(result.get("generalization", np.nan)).any():
        return {}
    pictures = {
        "front": of(
            analysis.front(result, verified),
            "Generalization against the number of training examples.",
            "Generalization g against n: every teaching set that was tried, the best of at most n examples, "
            "and n i.i.d. samples of the target. Bars are 95 % intervals over fresh trainings.",
        ),
        "progress": of(
            analysis.progress(result),
            "The best generalization so far against evaluations.",
            "How the search went: the best g so far against evaluations.",
        ),
    }
    if "y" in result.dims:
        for place, found in enumerate(shown):
            pictures |= teaching_set(analysis.taught(result, found.trial, target=target), found, place)
    strata = of_strata(result, verified, shown)
    return pictures if strata is None else pictures | {"strata": strata}


def teaching_set(one: analysis.Taught, found: Found, place: int) -> dict[str, Picture]:
    """What was taught and what was learned, as two sheets."""
    taught, learned = one.examples[:SHOWN], one.samples[:SHOWN]
    caption = f"Taught: {'all' if found.n <= len(taught) else f'{len(taught)} of'} {found.n}."
    valid = None if one.valid is None else one.valid[:SHOWN]
    outside = 0 if valid is None else int(np.count_nonzero(~valid))
    framed = f", {outside} of them outside the target (framed)" if outside else ""
    said = f"Learned: {len(learned)} samples{framed}."
    return {
        f"taught-{place}": of(
            analysis.sheet(taught, columns=COLUMNS), f"The examples of {one.sentence}", caption
        ),
        f"learned-{place}": of(
            analysis.sheet(learned, columns=COLUMNS, valid=valid), f"Samples after {one.sentence}", said
        ),
    }


def of_strata(result: xr.Dataset, verified: xr.Dataset | None, shown: Sequence[Found]) -> Picture | None:
    """How often each stratum was sampled, by every learner the best teaching set was taught to."""
    if not shown or "count" not in result:
        return None
    best = shown[0]
    measured: dict[str, xr.Dataset] = {}
    if verified is not None and "count" in verified and best.sentence in verified["sentence"].values:
        taught = verified.isel(sentence=list(verified["sentence"].values).index(best.sentence))
        for learner in verified["learner"].values:
            one = taught.sel(learner=learner)
            if np.isfinite(one["count"]).any():
                measured[str(learner)] = one
    if not measured:
        measured = {str(result.attrs["learner"]): result.isel(trial=best.trial)}
    return of(
        analysis.strata(measured),
        "Share of the samples in each stratum of the target.",
        f"Samples by stratum after the best teaching set, {best.sentence}; points are single trainings.",
    )
