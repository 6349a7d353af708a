"""What a lesson left behind, in words and pictures: everything is read off `learned.nc`."""

import math
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

import analysis
import grammars
from analysis.figures import LEARNED
from analysis.style import COLOURS, GREY, MARKERS, WIDTH, beside_axes, new_figure, styled
from study.lesson import interval
from study.shown import clipped

Array = NDArray[Any]

SHOWN = {  # measure -> how it is called in a table
    "validity": "validity",
    "copy_rate": "copy rate",
    "novelty": "novelty",
    "coverage": "coverage",
    "generalization": "g",
}
SHARES = ("validity", "copy_rate", "novelty")  # of the samples of one model: Wilson's interval
COLUMNS, PICTURES, STATES = 16, 48, 9
LETTERS = 110  # of a sentence above its pictures, on a page
MEMORISED = 0.9


def words(learned: xr.Dataset) -> list[str]:
    """The table of measures, the states along the training, the strata, and what it all is called."""
    trainings = f"{learned.sizes['seed']} training{'s' if learned.sizes['seed'] > 1 else ''}"
    weights = int(learned.attrs["parameters"])
    architecture = f"{learned.attrs['learner']}, {weights:,} weights" if weights else learned.attrs["learner"]
    return [
        f"sentence  {learned.attrs['sentence']} (n = {learned.attrs['n']}, {learned.attrs['bits']:.0f} bits)",
        f"target    {learned.attrs['target']} on {learned.attrs['space']}",
        f"learner   {architecture}, {int(learned.step[-1])} steps, {trainings}",
        "",
        *states(learned),
        "",
        *measures(learned),
        "",
        *(strata(learned) if "stratum" in learned.dims else []),
        textwrap.fill(called(learned), 100),
    ]


def states(learned: xr.Dataset) -> list[str]:
    """A line for each state along the training, means over the trainings."""
    lines = ["".join(f"{name:>11}" for name in ("step", "loss", *SHOWN.values()))]
    for step in learned.step.values:
        row = learned.sel(step=step)
        values = [mean(row[name]) for name in ("loss", *SHOWN)]
        lines.append(f"{step:>11}" + "".join(f"{value:>11.3f}" for value in values))
    return lines


@dataclass(frozen=True)
class Measured:
    """A measure of the last state, the ends of its 95 % interval (NaN where there is none), and of what."""

    name: str
    value: float
    low: float
    high: float
    about: str

    @property
    def ends(self) -> str:
        """The interval in words."""
        if math.isnan(self.low):
            return "one training, no interval"
        return f"[{self.low:.3f}, {self.high:.3f}] {self.about}"


def measured(learned: xr.Dataset) -> list[Measured]:
    """The measures of the last state with their intervals: over trainings, or within the only one."""
    last = learned.isel(step=-1)
    found = []
    for name, said in SHOWN.items():
        value, low, high = interval(last[name].values)
        about = "over trainings"
        if math.isnan(low) and name in SHARES:
            low, high = (float(last[f"{name}_{end}"].mean()) for end in ("low", "high"))
            about = "within this training"
        found.append(Measured(said, value, low, high, about))
    return found


def measures(learned: xr.Dataset) -> list[str]:
    """A line for each measure of the last state."""
    return [f"{one.name:<11}{one.value:>7.3f}  {one.ends}" for one in measured(learned)]


@dataclass(frozen=True)
class Stratum:
    """Means over trainings of the last state: samples, distinct ones, what was expected of the target."""

    label: str
    samples: float
    distinct: float
    expected: float
    evenness: float


def by_stratum(learned: xr.Dataset) -> list[Stratum]:
    """All strata; what lies outside the target comes last, with its samples alone."""
    last = learned.isel(step=-1)
    found = []
    for place, label in enumerate(learned.stratum_label.values):
        row = last.isel(stratum=place)
        distinct = mean(row.novel) + mean(row.copied)
        found.append(
            Stratum(str(label), mean(row["count"]), distinct, mean(row.expected), mean(row.evenness))
        )
    outside = learned.attrs["samples"] - sum(one.samples for one in found)
    return [*found, Stratum("outside the target", outside, math.nan, math.nan, math.nan)]


def strata(learned: xr.Dataset) -> list[str]:
    """A line for each stratum, and one for what lies outside."""
    *inside, outside = by_stratum(learned)
    lines = [f"{'stratum':<24}{'samples':>9}{'distinct':>10}{'expected':>10}{'evenness':>10}"]
    lines += [
        f"{one.label:<24}{one.samples:>9.1f}{one.distinct:>10.1f}{one.expected:>10.1f}{one.evenness:>10.2f}"
        for one in inside
    ]
    return [*lines, f"{outside.label:<24}{outside.samples:>9.1f}", ""]


def called(learned: xr.Dataset) -> str:
    """One or two sentences: learned, memorised, or what is missing; and which trainings diverged."""
    last = learned.isel(step=-1)
    g, valid, copied, covered = (
        mean(last[name]) for name in ("generalization", "validity", "copy_rate", "coverage")
    )
    if g >= LEARNED:
        said = f"g is at least {LEARNED}: the target is learned."
    elif copied >= MEMORISED:
        said = f"{copied:.0%} of the samples are training examples: the lesson is memorised, not the target."
    elif valid < 0.5:
        said = f"{1 - valid:.0%} of the samples lie outside the target: it is not learned."
    elif covered < valid:
        said = (
            f"g is below {LEARNED}: samples are in the target more often than they cover it{poorest(last)}."
        )
    else:
        said = f"g is below {LEARNED}: what is learned covers the target, and {1 - valid:.0%} lies outside."
    diverged = int(learned["diverged"].sum())
    if diverged:
        said += f" {diverged} of {learned.sizes['seed']} trainings diverged and count nowhere."
    if learned.sizes["seed"] < 3:
        said += " Fewer than 3 trainings: a look, not a claim."
    if "no_trajectory" in learned.attrs:
        said += f" No trajectory: {learned.attrs['no_trajectory']}."
    return said


def poorest(last: xr.Dataset) -> str:
    """The stratum that is learned least, where there are strata."""
    if "stratum" not in last.dims or last.sizes["stratum"] < 2:
        return ""
    least = xr.apply_ufunc(np.fmin, last["distinctness"], last["evenness"]).mean("seed")
    return f" (least: {last.stratum_label.values[int(np.argmin(least.values))]})"


def mean(values: xr.DataArray) -> float:
    """Over the trainings that did not diverge; NaN where there is none."""
    there = values.values[~np.isnan(values.values)]
    return float(there.mean()) if there.size else math.nan


# Figures.


def figures(learned: xr.Dataset, grammar: grammars.Grammar, width: float = WIDTH) -> dict[str, Figure]:
    """By the name of the file: the samples; the curve and the trajectory where there is one."""
    drawn = {"samples": sampled(learned, grammar, width)}
    if learned.sizes["step"] > 1:
        drawn["curve"] = curve(learned, width)
    if "trajectory" in learned:
        drawn["trajectory"] = backward(learned, grammar, width)
    return drawn


def sampled(learned: xr.Dataset, grammar: grammars.Grammar, width: float) -> Figure:
    """What was taught above what was learned, state by state, of the first training that lives."""
    first = int(np.argmin(learned["diverged"].values))
    samples = learned["samples"].isel(seed=first)
    groups = [(f"taught: {learned.attrs['sentence']}", learned["examples"].values)]
    for step in learned.step.values:
        one = samples.sel(step=step).values
        if not np.isnan(one).all():
            groups.append((f"learned after {step} steps" if step else "learned", one))
    if isinstance(grammar.space, grammars.Plane):
        return analysis.clouds(groups, grammar.space.window, columns=windows(width))
    columns = COLUMNS if width == WIDTH else COLUMNS // 2
    letters = round(LETTERS * width / WIDTH)
    shown = [(clipped(name, letters), pictures[: 2 * columns]) for name, pictures in groups[:-1]]
    return analysis.shelf([*shown, (groups[-1][0], groups[-1][1][:PICTURES])], columns=columns, width=width)


def backward(learned: xr.Dataset, grammar: grammars.Grammar, width: float) -> Figure:
    """States along the sampler, from noise to sample; each column of pictures is one sample."""
    states = learned["trajectory"].values
    chosen = np.unique(np.linspace(0, len(states) - 1, min(STATES, len(states))).round().astype(int))
    groups = [(f"state {place} of {len(states) - 1}", states[place]) for place in chosen]
    if isinstance(grammar.space, grammars.Plane):
        return analysis.clouds(groups, grammar.space.window, columns=windows(width))
    title = f"{learned.attrs['learner']}: from noise to sample"
    return analysis.shelf(groups, columns=states.shape[1], title=title, width=width)


def windows(width: float) -> int:
    """Windows of points side by side."""
    return 3 if width == WIDTH else 2


@styled
def curve(learned: xr.Dataset, width: float = WIDTH) -> Figure:
    """The measures against the training step, every training as a thin line."""
    figure = new_figure(width, 3.0)
    axes = figure.add_subplot()
    steps = learned.step.values
    drawn = {name: said for name, said in SHOWN.items() if name != "novelty"}  # validity less copies
    for colour, marker, (name, said) in zip(COLOURS, MARKERS, drawn.items(), strict=False):
        values = learned[name].transpose("step", "seed").values
        axes.plot(steps, values, color=colour, lw=0.6, alpha=0.5)
        middle = [mean(learned[name].sel(step=step)) for step in steps]
        axes.plot(steps, middle, color=colour, marker=marker, label=said)
    axes.axhline(LEARNED, color=GREY, lw=0.8, ls=(0, (1, 2)))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(steps.tolist()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set(ylim=(-0.02, 1.02), xlabel="training steps", ylabel="measure")
    beside_axes(axes)
    return figure
