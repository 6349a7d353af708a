"""The figures of a report as PNG, with the words that stand below them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

import analysis
from analysis.evidence import is_crisp
from analysis.style import NARROW, WIDTH
from study.report.html import figure
from study.words import Found, front

Array = NDArray[Any]

COLUMNS, SHOWN = 8, 24  # pictures in a line and in all, of each side of a teaching set
SHEET = 3.6  # inch, the width of a card
POINTS = 0.6  # of that, a window of points


@dataclass(frozen=True)
class Picture:
    """A figure, what it shows for those who cannot see it, and its caption.

    narrow: the same for a phone; share: of the width of its box, where it shows few.
    """

    png: bytes
    alt: str
    caption: str
    narrow: bytes = b""
    share: float = 1.0

    def html(self, command: str = "") -> str:
        """The picture inside the page, with the command that makes it."""
        return figure(self.png, self.alt, self.caption, command, narrow=self.narrow, share=self.share)


def chart(draw: Callable[[float], Figure], alt: str, caption: str) -> Picture:
    """A figure drawn for a page and for a phone; `draw` takes the width in inches."""
    return Picture(analysis.png(draw(WIDTH)), alt, caption, analysis.png(draw(NARROW)))


def drawn(
    result: xr.Dataset, verified: xr.Dataset | None, rows: Sequence[Found], shown: Sequence[Found]
) -> dict[str, Picture]:
    """The charts of the page by their names; `shown` are the teaching sets whose pictures are wanted."""
    if not np.isfinite(result.get("generalization", np.nan)).any():
        return {}
    best = "; ".join(f"{row.told} at n = {row.n}" for row in front(result, rows))
    g = result["generalization"].mean([dim for dim in result["generalization"].dims if dim != "trial"])
    mine = g.values[result["origin"].values.astype(str) == "search"]
    peak = "" if np.isnan(mine).all() else f"; the largest is {np.nanmax(mine):.2f}"
    pictures = {
        "front": chart(
            lambda width: analysis.front(result, verified, width=width),
            f"Chart of generalization g against the number of training examples n. On the front: {best}.",
            "Generalization g against n: every teaching set that was tried, the best of at most n examples, "
            "and n i.i.d. samples of the target. Diamonds are means over fresh trainings, bars their "
            "95 % intervals; all else is one training.",
        ),
        "progress": chart(
            lambda width: analysis.progress(result, width=width),
            f"Chart of the best generalization so far against {len(mine)} evaluations{peak}.",
            "How the search went: the best g so far against evaluations, each of them one training.",
        ),
    }
    strata = of_strata(result, verified, shown)
    return pictures if strata is None else pictures | {"strata": strata}


def of_examples(examples: Array, n: int, sentence: str, window: float) -> Picture:
    """What was taught."""
    some = examples[:SHOWN] if examples.ndim == 3 else examples
    caption = "Taught: " + (
        "the one example." if n == 1 else f"all {n}." if len(some) == n else f"{len(some)} of {n}."
    )
    return sheet(some, f"Examples of {sentence}", caption, None, window)


def of_samples(samples: Array, after: str, target: Any, window: float, who: str = "") -> Picture:
    """What was learned; samples outside the target have a frame."""
    some = samples[:SHOWN] if samples.ndim == 3 else samples
    valid = is_crisp(some) if some.ndim == 3 else np.ones(len(some), bool)
    valid[valid] = target.contains(some[valid] > 0.5 if some.ndim == 3 else some[valid].astype(np.float64))
    outside = int(np.count_nonzero(~valid))
    marked = " (framed)" if some.ndim == 3 else ""
    many = "all" if outside == len(some) else str(outside)
    caption = f"Learned: {len(some)} samples, " + (
        f"{many} of them outside the target{marked}." if outside else "all of them in the target."
    )
    return sheet(some, f"Samples of {who or 'the learner'} after {after}", caption, valid, window)


def sheet(pictures: Array, alt: str, caption: str, valid: Array | None, window: float) -> Picture:
    """Pictures in lines, or points in their window."""
    if pictures.ndim == 2:
        return Picture(analysis.png(analysis.clouds([("", pictures)], window)), alt, caption, share=POINTS)
    columns = min(COLUMNS, max(len(pictures), 1))
    share = columns / COLUMNS
    made = analysis.sheet(pictures, columns=columns, valid=valid, width=SHEET * share)
    return Picture(analysis.png(made), alt, caption, share=share)


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
    return chart(
        lambda width: analysis.strata(measured, width=width),
        f"Chart of the share of samples in each stratum of the target, for {', '.join(measured)}.",
        f"Samples by stratum after the best teaching set, {best.sentence}; points are single trainings.",
    )
