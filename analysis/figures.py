"""The figures of a search: datasets of the layout of result.nc in, figures out, nothing shown or saved.

Each uses the variables it names of a dataset over `trial` and `seed`; trials without a measure are left out.
Write one with `analysis.write(figure, path)`. `width` is in inches; a narrow figure has a narrow legend.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
    NullLocator,
    PercentFormatter,
)
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.intervals import logit_interval
from analysis.style import (
    BLACK,
    BLUE,
    COLOURS,
    GREY,
    ORANGE,
    SKY,
    WIDTH,
    beside_axes,
    new_figure,
    styled,
    wide,
)

LETTER = 0.07  # inch, of a tick label
LEARNED = 0.9  # a learner has learned its target when g is at least this

Array = NDArray[Any]


@styled
def front(
    result: xr.Dataset,
    verified: xr.Dataset | None = None,
    *,
    threshold: float = LEARNED,
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """g against n, on an axis of powers of two: what was tried, the best up to each n, and the baselines.

    result: `n`, `origin` over trial, `generalization` over trial and seed. verified: the same over sentence,
    learner and seed; the learner is the one of `result`, and bars are intervals over fresh trainings.
    """
    figure = new_figure(width, 3.4)
    axes = figure.add_subplot()
    n, g, searched = _tried(result)
    largest = max([2.0, *n])
    axes.scatter(n[searched], g[searched], s=13, color=SKY, alpha=0.55, linewidths=0, label="tried", zorder=2)
    steps_n, steps_g = _best_up_to(n[searched], g[searched])
    if len(steps_n):
        axes.plot(
            [*steps_n, largest], [*steps_g, steps_g[-1]],
            drawstyle="steps-post", color=BLUE, zorder=3,
        )  # fmt: skip
        axes.plot(steps_n, steps_g, "o", color=BLUE, label="best up to n", zorder=4)
    own_n, own_g, low, high = _averaged(n[~searched], g[~searched])
    axes.plot(own_n, own_g, "s--", color=ORANGE, lw=1, label="samples of the target", zorder=3)
    axes.vlines(own_n, low, high, color=ORANGE, lw=1, zorder=3)
    if verified is not None:
        _verified(axes, verified, str(result.attrs.get("learner", "")))
    _threshold(axes, threshold)
    _powers_of_two(axes, largest)
    axes.set(ylim=(-0.02, 1.02), xlabel="n, training examples", ylabel="generalization g")
    beside_axes(axes, title)
    return figure


@styled
def progress(
    result: xr.Dataset, *, threshold: float = LEARNED, title: str = "", width: float = WIDTH
) -> Figure:
    """The best g so far against evaluations, every evaluation as a point, the best baseline as a line.

    result: `origin`, `n` over trial in the order of evaluation, `generalization` over trial and seed.
    """
    figure = new_figure(width, 2.8)
    axes = figure.add_subplot()
    n, g, searched = _tried(result, keep_failed=True)
    mine = g[searched]
    x = np.arange(1, len(mine) + 1)
    axes.scatter(x, mine, s=13, color=SKY, alpha=0.7, linewidths=0, label="one evaluation", zorder=2)
    if np.isfinite(mine).any():
        best = np.fmax.accumulate(mine)
        axes.plot(x, best, drawstyle="steps-post", color=BLUE, label="best so far", zorder=3)
    if np.isfinite(g[~searched]).any():
        place = int(np.nanargmax(g[~searched]))
        label = f"best baseline, {n[~searched][place]:.0f} samples of the target"
        axes.axhline(g[~searched][place], color=ORANGE, ls="--", lw=1, label=label, zorder=1)
    _threshold(axes, threshold)
    axes.set(
        ylim=(-0.02, 1.02),
        xlim=(0.5, max(len(mine), 1) + 0.5),
        xlabel="evaluations",
        ylabel="generalization g",
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    beside_axes(axes, title)
    return figure


@styled
def strata(
    measured: Mapping[str, xr.Dataset] | xr.Dataset, *, title: str = "", width: float = WIDTH
) -> Figure:
    """The share of samples in each stratum, and outside the target, against the target's own shares.

    measured: a dataset, or several by name (learners, sentences); each with `count` over stratum, and over
    anything else, which is averaged and shown as points; the attribute `samples`, and a coordinate `weight`
    where strata are not equal.
    """
    named = {"learned": measured} if isinstance(measured, xr.Dataset) else dict(measured)
    if not named:
        raise AnalysisError("there is nothing to draw the strata of")
    one = next(iter(named.values()))
    names = one["stratum_label" if "stratum_label" in one else "stratum"].values
    labels = [*map(str, names), "outside"]
    weights = one["weight"].values if "weight" in one.coords else np.full(len(names), 1 / len(names))
    figure = new_figure(min(width, 1.6 + 0.5 * len(labels) * (1 + 0.5 * len(named))), 2.7)
    axes = figure.add_subplot()
    places = np.arange(len(labels))
    bar = 0.76 / len(named)
    for i, (name, dataset) in enumerate(named.items()):
        shares = _shares(dataset)
        left = places - 0.38 + (i + 0.5) * bar
        axes.bar(
            left, shares.mean(axis=0), bar * 0.92,
            color=COLOURS[i % len(COLOURS)], alpha=0.85, label=name, zorder=2,
        )  # fmt: skip
        if len(shares) > 1:
            axes.plot(np.tile(left, (len(shares), 1)).T, shares.T, ".", color=BLACK, ms=2.5, zorder=4)
    target = np.append(weights, 0.0)
    axes.hlines(target, places - 0.44, places + 0.44, color=BLACK, lw=1.3, label="target", zorder=3)
    axes.axvline(len(labels) - 1.5, color=GREY, lw=0.6, ls=":")
    crowded = sum(map(len, labels)) * LETTER > 0.8 * figure.get_figwidth()
    axes.set_xticks(places, labels, rotation=30 if crowded else 0, ha="right" if crowded else "center")
    axes.set(ylim=(0, axes.get_ylim()[1] * 1.03), xlim=(-0.6, len(labels) - 0.4), ylabel="share of samples")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.tick_params(axis="x", length=0)
    beside_axes(axes, title)
    return figure


def _tried(result: xr.Dataset, keep_failed: bool = False) -> tuple[Array, Array, Array]:
    """n, the mean of g over seeds, and who was proposed by the search."""
    missing = [name for name in ("n", "origin", "generalization") if name not in result]
    if missing:
        raise AnalysisError(f"this figure needs {', '.join(missing)}, which the dataset does not have")
    g = result["generalization"]
    values = g.mean([dim for dim in g.dims if dim != "trial"]).values.astype(float)
    n = result["n"].values.astype(float)
    searched = result["origin"].values.astype(str) == "search"
    shown = np.ones(len(n), bool) if keep_failed else np.isfinite(values) & (n >= 1)
    return n[shown], values[shown], searched[shown]


def _best_up_to(n: Array, g: Array) -> tuple[Array, Array]:
    """The front of (n down, g up): the points that are better than all with at most as many examples."""
    chosen: list[int] = []
    for i in np.lexsort((-g, n)):
        if not chosen or g[i] > g[chosen[-1]]:
            chosen.append(int(i))
    return n[chosen], g[chosen]


def _averaged(n: Array, g: Array) -> tuple[Array, Array, Array, Array]:
    """Points of equal n as their mean, least and greatest."""
    sizes = np.unique(n)
    groups = [g[n == size] for size in sizes]
    means, low, high = (np.array([f(group) for group in groups]) for f in (np.mean, np.min, np.max))
    return sizes, means, low, high


def _verified(axes: Axes, verified: xr.Dataset, learner: str) -> None:
    data = verified
    if "learner" in data.dims:
        names = data["learner"].values.astype(str).tolist()
        data = data.isel(learner=names.index(learner) if learner in names else 0)
    labels = {BLUE: "found, fresh seeds", ORANGE: "baseline, fresh seeds"}
    for place in range(data.sizes["sentence"]):
        one = data.isel(sentence=place)
        values = one["generalization"].values.astype(float)
        values = values[np.isfinite(values)]
        n = float(one["n"])
        if not len(values) or n < 1:
            continue
        colour = BLUE if "origin" not in one or str(one["origin"].item()) == "search" else ORANGE
        value, low, high = logit_interval(values)
        bars = np.maximum(np.nan_to_num([[value - low], [high - value]]), 0)
        axes.errorbar(
            n, value, bars, fmt="D", ms=4.5, lw=1.2, color=colour, mec=BLACK, mew=0.8, ecolor=BLACK,
            label=labels.pop(colour, None), zorder=5,
        )  # fmt: skip


def _shares(dataset: xr.Dataset) -> Array:
    """Shares of the samples per stratum and outside: float[repetitions, strata + 1]."""
    count = dataset["count"].transpose(..., "stratum")
    inside = count.values.reshape(-1, count.sizes["stratum"]) / float(dataset.attrs["samples"])
    inside = inside[np.isfinite(inside).all(axis=1)]
    if not len(inside):
        raise AnalysisError("there is nothing to draw the strata of: nothing was measured")
    return np.column_stack([inside, 1 - inside.sum(axis=1)])


def _threshold(axes: Axes, threshold: float) -> None:
    axes.axhline(threshold, color=GREY, lw=0.8, ls=(0, (1, 2)), zorder=1)
    axes.annotate(
        f"learned: g ≥ {threshold:g}", (1.0, threshold), xycoords=axes.get_yaxis_transform(),
        ha="right", va="bottom", fontsize=7, color=GREY, xytext=(0, 1), textcoords="offset points",
    )  # fmt: skip


def _powers_of_two(axes: Axes, largest: float) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xlim(2**-0.25, largest * 2**0.25)
    axes.xaxis.set_major_locator(LogLocator(base=2, numticks=14 if wide(axes) else 7))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(MultipleLocator(0.2))
