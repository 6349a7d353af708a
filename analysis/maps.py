"""Maps: regimes over (n, training time), divergences of all pairs of learners, shares of a mixture."""

import math
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.phases import BOTH, GENERALISES, MEMORISES, NEITHER, REGIMES
from analysis.style import BLACK, BLUE, COLOURS, GREY, WIDTH, new_figure, styled

# Light enough for lines and letters on top; hatched, so that no colour is needed to tell them apart.
FILLS = {NEITHER: "#EFEFEF", GENERALISES: "#9CCBEB", MEMORISES: "#F3B48B", BOTH: "#D9B8CF"}
HATCHES = {NEITHER: "", GENERALISES: "", MEMORISES: "////", BOTH: "xxxx"}
SHARES = ("first", "second", "intersection", "overlay", "undecided", "neither", "blurred")
SAID = {"intersection": "both sets", "overlay": "overlay of both", "blurred": "not crisp"}

Array = NDArray[np.float64]


@styled
def phase_diagram(found: xr.Dataset, *, along: str = "step", title: str = "") -> Figure:
    """Where a learner generalises and where it memorises, over n and training steps, one panel a learner.

    found: as `regimes` gives it. Lines are tau_gen and tau_mem, when each begins, with the exponent of n
    where it is a power; white is what was not tried. AnalysisError where it has other dimensions.
    """
    if "regime" not in found or {"n", along} - set(found["regime"].dims):
        raise AnalysisError(
            f"a phase diagram needs `regime` over n and {along}, as `analysis.regimes` gives it"
        )
    panels = _by_learner(found)
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(WIDTH if columns > 1 else 4.4, rows * 2.7 + 0.5 + (0.2 if title else 0))
    for place, (label, one) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, columns, place + 1)
        _regimes(axes, one, along)
        axes.set_title(label)
        axes.set(xlabel="n, training examples", ylabel="training steps" if place % columns == 0 else "")
    handles: list[Any] = [
        Patch(facecolor=FILLS[code], hatch=HATCHES[code], edgecolor=GREY, linewidth=0.4, label=name)
        for code, name in REGIMES.items()
        if (found["regime"].values == code).any()
    ]
    lines = {handle.get_label(): handle for axes in figure.axes for handle in axes.get_lines()}
    handles += [handle for label, handle in lines.items() if not str(label).startswith("_")]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, columnspacing=1.3, handlelength=1.8)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    return figure


def _regimes(axes: Axes, one: xr.Dataset, along: str) -> None:
    codes = one["regime"].transpose(along, "n").values
    n, steps = one["n"].values.astype(float), one[along].values.astype(float)
    x, y = _edges(n), _edges(steps)
    colours = ListedColormap(["#FFFFFF", *FILLS.values()])
    axes.pcolormesh(
        x, y, codes + 1, cmap=colours, vmin=-0.5, vmax=len(FILLS) + 0.5, zorder=0, rasterized=True
    )
    for j, i in np.argwhere(np.isin(codes, [code for code, hatch in HATCHES.items() if hatch])):
        axes.add_patch(
            Rectangle((x[i], y[j]), x[i + 1] - x[i], y[j + 1] - y[j], fill=False, linewidth=0, alpha=0.35,
                      hatch=HATCHES[int(codes[j, i])], edgecolor=GREY, zorder=1)
        )  # fmt: skip
    for name, colour, marker, sign in (("tau_gen", BLUE, "o", "τ_gen"), ("tau_mem", BLACK, "s", "τ_mem")):
        values = one[name].values.astype(float)
        if np.isfinite(values).any():
            axes.plot(
                n, values, color=colour, marker=marker, ms=4, mec="white", mew=0.5, label=sign, zorder=3
            )
        if str(one[f"{name}_law"].values) == "power":
            exponent = float(one[f"{name}_exponent"])
            known = np.flatnonzero(np.isfinite(values))
            middle = int(known[len(known) // 2])
            axes.annotate(
                f"n^{exponent:.1f}", (n[middle], values[middle]), xytext=(7, -9), textcoords="offset points",
                ha="left", fontsize=7, color=colour, zorder=4,
                bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8},
            )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    for axis, places in ((axes.xaxis, n), (axes.yaxis, steps)):
        shown = places
        while len(shown) > 8:
            shown = shown[::-2][::-1]
        axis.set_major_locator(FixedLocator(shown.tolist()))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.grid(False)


@styled
def divergences(compared: xr.Dataset, name: str = "js_strata", *, title: str = "") -> Figure:
    """A matrix of all pairs of learners: the number, darker for more, framed where chance is unlikely.

    compared: as `compare` gives it. Under each number stands what chance gives; a thick frame says p < 0.05.
    """
    if name not in compared or "learner_other" not in compared[name].dims:
        known = [str(n) for n, one in compared.data_vars.items() if one.dims == ("learner", "learner_other")]
        raise AnalysisError(f"there is no {name!r} of pairs to draw, only {', '.join(known)}")
    values = compared[name].values.astype(float)
    learners = [str(label) for label in compared["learner"].values]
    side = min(0.9, (WIDTH - 1.6) / len(learners))
    figure = new_figure(side * len(learners) + 1.9, side * len(learners) + 1.1 + (0.2 if title else 0))
    axes = figure.add_subplot()
    shades = LinearSegmentedColormap.from_list("white to blue", ["#FFFFFF", BLUE])
    finite = values[np.isfinite(values)]
    top = float(finite.max()) if len(finite) and finite.max() > 0 else 1.0
    axes.imshow(np.ma.masked_invalid(values), cmap=shades, vmin=0, vmax=1.15 * top)
    chance, p = (compared.get(f"{name}_{end}") for end in ("by_chance", "p"))
    for i, j in np.ndindex(*values.shape):
        if not np.isfinite(values[i, j]):
            axes.text(j, i, "–", ha="center", va="center", color=GREY)
            continue
        colour = "white" if values[i, j] > 0.6 * top else BLACK
        axes.text(j, i - 0.08, f"{values[i, j]:.2g}", ha="center", va="center", fontsize=8, color=colour)
        if chance is not None:
            under = f"({float(chance[i, j]):.2g})"
            axes.text(j, i + 0.24, under, ha="center", va="center", fontsize=6.5, color=colour)
        if p is not None and float(p[i, j]) < 0.05:
            axes.add_patch(Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, lw=1.6, ec=BLACK))
    places = np.arange(len(learners))
    axes.set_xticks(places, learners, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, learners)
    axes.tick_params(length=0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    words = str(compared[name].attrs.get("long_name", name))
    axes.set_xlabel(f"{words}\n(by chance), framed where p < 0.05", fontsize=7, color=GREY)
    if title:
        axes.set_title(title)
    return figure


@styled
def mixture(
    found: xr.Dataset, names: tuple[str, str] = ("first set", "second set"), *, title: str = ""
) -> Figure:
    """Shares of a superposition as bars, one for each learner (or seed, or whatever leads).

    found: as `superposition` gives it; names: of the two sets.
    """
    missing = [name for name in SHARES if name not in found]
    if missing:
        raise AnalysisError(f"a mixture needs {', '.join(missing)}, as `analysis.superposition` gives them")
    leading = [dim for dim in found["first"].dims if dim != "seed"]
    data = found[list(SHARES)]
    data = data.mean("seed") if "seed" in found["first"].dims else data
    stacked = data.stack(place=leading) if leading else data.expand_dims("place")
    labels = [str(found.attrs.get("learner", ""))]
    if leading:
        labels = [
            " ".join(map(str, place if isinstance(place, tuple) else (place,)))
            for place in stacked["place"].values
        ]
    figure = new_figure(WIDTH, 0.32 * len(labels) + 1.0 + (0.2 if title else 0))
    axes = figure.add_subplot()
    left = np.zeros(len(labels))
    said = {**SAID, "first": names[0], "second": names[1]}
    palette = [COLOURS[0], COLOURS[1], COLOURS[3], COLOURS[2], "#B7DCCF", "#DDDDDD", GREY]
    marks = ["", "", "", "////", "....", "", "xxxx"]
    for name, colour, hatch in zip(SHARES, palette, marks, strict=True):
        values = stacked[name].values.astype(float)
        if np.nansum(values) > 0:
            axes.barh(
                labels, values, left=left, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5,
                label=said.get(name, name), height=0.75,
            )  # fmt: skip
        left = left + np.nan_to_num(values)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of samples")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.tick_params(axis="y", length=0)
    axes.grid(False)
    figure.legend(loc="outside upper center", ncols=4)
    if title:
        axes.set_title(title)
    return figure


def _edges(places: Array) -> Array:
    """Borders of cells around places on a logarithmic axis."""
    logs = np.log2(places)
    if len(logs) == 1:
        return np.asarray(2.0 ** (logs[0] + np.array([-0.5, 0.5])))
    middle = (logs[1:] + logs[:-1]) / 2
    first, last = 2 * logs[0] - middle[0], 2 * logs[-1] - middle[-1]
    return np.asarray(2.0 ** np.concatenate([[first], middle, [last]]))


def _by_learner(found: xr.Dataset) -> dict[str, xr.Dataset]:
    if "learner" not in found.dims:
        panels = {str(found.attrs.get("learner", "")): found}
    else:
        panels = {str(name): found.isel(learner=i) for i, name in enumerate(found["learner"].values)}
    for one in panels.values():
        if one["regime"].ndim != 2:
            raise AnalysisError(
                f"a phase diagram shows two dimensions, got {one['regime'].dims}: choose places"
            )
    return panels
