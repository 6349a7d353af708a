"""Curves: measures along the training, and n* against the size of the grid with the laws fitted to it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from analysis.crossings import pairs
from analysis.errors import AnalysisError
from analysis.intervals import logit_interval
from analysis.laws import curve, fit_laws
from analysis.style import BLACK, COLOURS, GREY, MARKERS, WIDTH, new_figure, styled

SHOWN = ("validity", "copy_rate", "novelty", "generalization")
SAID = {"copy_rate": "copy rate", "generalization": "g", "g_support": "g of the support"}
STYLES = {"constant": (0, (1, 1)), "logarithmic": (0, (5, 2)), "power": "-", "exponential": (0, (4, 1, 1, 1))}
PANEL = 2.5  # inch, height of a panel
PLACE: Literal["outside lower center"] = "outside lower center"  # of legends
BESIDE = 1.035  # times d, from one learner to the next where they share a panel
FOOT = 0.35  # inch, for the legend below all panels

Array = NDArray[np.float64]


@styled
def learning_curves(
    measured: xr.Dataset | Mapping[str, xr.Dataset],
    names: Sequence[str] = SHOWN,
    *,
    along: str = "step",
    over: str = "seed",
    title: str = "",
) -> Figure:
    """Measures along the training, one panel for each learner: the centre over seeds in its t-interval.

    measured: a dataset over `along`, `over` and perhaps `learner`, or one for each learner by its name; steps
    of 0 are left out. With one seed there is no band. AnalysisError where a measure or dimension is missing.
    """
    panels = _by_learner(measured)
    for label, one in panels.items():
        absent = [name for name in (along, *names) if name not in one]
        if absent:
            raise AnalysisError(f"learning curves need {', '.join(absent)}, which {label or 'the data'} lack")
    figure, grid = _panels(len(panels), title)
    for axes, (label, one) in zip(grid, panels.items(), strict=True):
        data = one.sel({along: one[along] > 0}).sortby(along)
        steps = data[along].values.astype(float)
        for i, name in enumerate(names):
            other = [dim for dim in data[name].dims if dim not in (along, over)]
            if other:
                raise AnalysisError(
                    f"{name} varies over {', '.join(map(str, other))}: choose one place of each"
                )
            values = data[name].expand_dims(over) if over not in data[name].dims else data[name]
            middle, low, high = _band(values.transpose(along, over).values.astype(float))
            colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
            said = SAID.get(name, name.replace("_", " "))
            # What lies under another line shows on both sides of it.
            wide = 1.2 + 0.5 * (len(names) - 1 - i)
            axes.plot(steps, middle, color=colour, marker=marker, ms=3 + wide, lw=wide, label=said)
        axes.set_title(label)
        axes.set(ylim=(-0.02, 1.02), xlabel="training steps", ylabel="" if axes is not grid[0] else "measure")
        _powers_of_two(axes, steps, len(panels))
    _legend(figure)
    return figure


@styled
def scaling(
    crossings: xr.Dataset,
    *,
    name: str = "n_star",
    x: str = "d",
    threshold: float | None = None,
    laws: Sequence[str] = ("constant", "logarithmic", "power", "exponential"),
    x_label: str = "d, pixels",
    y_label: str = "n*, training examples",
    title: str = "",
) -> Figure:
    """n* against d, one panel for each learner, with the laws fitted to it; both axes logarithmic.

    crossings: as `n_star` gives it, over `x`, `threshold` and perhaps `learner`. A point is the smallest n
    that teaches and its bar reaches down to the largest that does not; a triangle says that none tried does.
    Above each panel stands the verdict of `fit_laws`; laws that are left are drawn thick, others thin.
    threshold: by default the largest. AnalysisError without `x` or `<name>`.
    """
    if name not in crossings or x not in crossings.dims:
        raise AnalysisError(f"a figure of scaling needs {name} over {x}, got {dict(crossings.sizes)}")
    panels = _by_learner(crossings)
    chosen = float(crossings["threshold"].values[-1]) if threshold is None else threshold
    figure, grid = _panels(len(panels), title)
    for i, (axes, (label, one)) in enumerate(zip(grid, panels.items(), strict=True)):
        low, high = pairs(one, name, threshold=chosen)
        places = one[x].values.astype(float)
        verdict = _laws(axes, places, low, high, laws)
        _points(axes, places, low, high, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
        axes.set_title(f"{label}: {verdict}" if label else verdict)
        axes.set(xlabel=x_label, ylabel=y_label if i == 0 else "", yscale="log")
        _powers_of_two(axes, places, len(panels))
        _plain_numbers(axes, base=2 if np.nanmax(low, initial=0) < 5000 else 10)
    _legend(figure)
    return figure


@styled
def n_star_by_target(crossings: xr.Dataset, *, threshold: float | None = None, title: str = "") -> Figure:
    """n* against d, one panel for each target with a line for each learner; both axes logarithmic.

    crossings: as `n_star` gives it, over `target`, `learner`, `d` and `threshold`. A point is the smallest n
    that teaches; an open triangle stands at the largest n tried where none of them does, and no line goes
    there. Learners stand a little beside each other. threshold: by default the largest. AnalysisError without
    `d`, `target`, `learner` or `n_star`.
    """
    if "n_star" not in crossings or {"d", "target", "learner"} - set(crossings.dims):
        raise AnalysisError(f"n* by target needs n_star over target, learner, d; got {dict(crossings.sizes)}")
    chosen = float(crossings["threshold"].values[-1]) if threshold is None else threshold
    targets, learners = crossings["target"].values, crossings["learner"].values
    sizes = crossings["d"].values.astype(float)
    figure, grid = _panels(len(targets), title, most=2)
    for place, (axes, target) in enumerate(zip(grid, targets, strict=True)):
        for i, learner in enumerate(learners):
            low, high = pairs(crossings, "n_star", target=target, learner=learner, threshold=chosen)
            places = sizes * BESIDE ** (i - (len(learners) - 1) / 2)
            colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            star = np.where(np.isfinite(high), high, np.nan)
            axes.plot(places, star, marker, ls="-", lw=1.0, ms=5, color=colour, mec=BLACK, mew=0.4,
                      label=str(learner))  # fmt: skip
            none = ~np.isnan(low) & ~np.isfinite(high)
            axes.plot(places[none], low[none], "^", ms=5, mfc="white", mec=colour, mew=1.1)
        axes.plot([], [], "^", ms=5, mfc="white", mec=GREY, mew=1.1, label="none up to here")
        axes.set_title(str(target))
        axes.set(xlabel="d, pixels", ylabel="n*, training examples" if place % 2 == 0 else "", yscale="log")
        _powers_of_two(axes, sizes, 2)
        _plain_numbers(axes, base=2)
    _legend(figure)
    return figure


def _points(axes: Axes, x: Array, low: Array, high: Array, colour: str, marker: str) -> None:
    found = np.isfinite(high)
    bottom = np.where(low > 0, low, high / 2)
    axes.vlines(x[found], bottom[found], high[found], color=colour, lw=1.2, zorder=3)
    axes.plot(x[found], high[found], marker, color=colour, mec=BLACK, mew=0.5, label="n*", zorder=4)
    if (~found & ~np.isnan(low)).any():
        axes.plot(
            x[~found], low[~found], "^", ms=6, mfc="white", mec=colour, mew=1.2, zorder=4,
            label="none up to here",
        )  # fmt: skip


def _laws(axes: Axes, x: Array, low: Array, high: Array, laws: Sequence[str]) -> str:
    """Draws the fitted laws, and says which it is."""
    try:
        fit = fit_laws(x, low, high, laws=laws)
    except AnalysisError:
        return "too few data for a law"
    left = str(fit.attrs["plausible"]).split(", ")
    fine = np.geomspace(x.min(), x.max(), 100)
    for law in laws:
        axes.plot(
            fine, curve(fit, law, fine), color=BLACK if law in left else GREY, ls=STYLES[law],
            lw=1.3 if law in left else 0.7, label=law, zorder=2,
        )  # fmt: skip
    ends = np.concatenate([low[low > 0], high[np.isfinite(high)]])
    axes.set_ylim(ends.min() / 1.6, ends.max() * 1.6)
    verdict = str(fit.attrs["verdict"])
    if verdict == "power":
        power = fit.sel(law="power")
        b, least, most = (float(power[end]) for end in ("b", "b_low", "b_high"))
        return f"power {b:.1f} [{least:.1f}, {most:.1f}]"
    return verdict


def _band(values: Array) -> tuple[Array, Array, Array]:
    """Centre and ends over the last axis, NaN left out; the ends are the centre where there is one seed."""
    ends = np.full((3, len(values)), np.nan)
    for i, row in enumerate(values):
        known = row[np.isfinite(row)]
        if len(known) and known.min() >= 0 and known.max() <= 1:
            ends[:, i] = logit_interval(known)
        elif len(known):
            half = known.std(ddof=1) / math.sqrt(len(known)) if len(known) > 1 else np.nan
            ends[:, i] = known.mean(), known.mean() - 2 * half, known.mean() + 2 * half
    return (
        ends[0],
        np.where(np.isnan(ends[1]), ends[0], ends[1]),
        np.where(np.isnan(ends[2]), ends[0], ends[2]),
    )


def _by_learner(data: xr.Dataset | Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    if not isinstance(data, xr.Dataset):
        if not data:
            raise AnalysisError("there is no learner to draw")
        return {str(name): one for name, one in data.items()}
    if "learner" not in data.dims:
        return {str(data.attrs.get("learner", "")): data}
    return {str(name): data.isel(learner=i) for i, name in enumerate(data["learner"].values)}


def _panels(count: int, title: str, most: int = 3) -> tuple[Figure, list[Axes]]:
    """Up to so many panels in a row, all with the same height of their axis."""
    columns = min(most, count)
    rows = math.ceil(count / columns)
    width = WIDTH if columns > 1 else 4.6
    figure = new_figure(width, rows * PANEL + FOOT + (0.2 if title else 0))
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    figure.get_layout_engine().set(w_pad=0.08)  # type: ignore[union-attr,call-arg]
    grid: list[Axes] = []
    for place in range(count):
        grid.append(figure.add_subplot(rows, columns, place + 1, sharey=grid[0] if grid else None))
    return figure, grid


def _legend(figure: Figure) -> None:
    """Below all panels, every name once."""
    named: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    columns = 6 if figure.get_figwidth() > 5 else 4 if len(named) == 4 else 3
    figure.legend(
        list(named.values()), list(named), loc=PLACE, ncols=min(columns, len(named)),
        columnspacing=1.3, handletextpad=0.5,
    )  # fmt: skip


def _plain_numbers(axes: Axes, base: int) -> None:
    """Marks of a logarithmic axis as they are said: 64, not a power."""
    axes.yaxis.set_major_locator(LogLocator(base=base, numticks=9))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _powers_of_two(axes: Axes, places: Array, panels: int) -> None:
    """Marks at what was tried, from the largest down, as far as their names stand apart."""
    axes.set_xscale("log", base=2)
    logs = np.log2(np.unique(places))
    apart = 0.08 * (1 + min(panels, 3) / 2) * max(float(np.ptp(logs)), 1e-9)
    shown: list[float] = []
    for value in logs[::-1]:
        if not shown or shown[-1] - value >= apart:
            shown.append(float(value))
    axes.xaxis.set_major_locator(FixedLocator([2.0**value for value in shown]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
