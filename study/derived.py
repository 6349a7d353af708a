"""What follows from an experiment's cells: n* and its law, regimes, descriptions, mixtures, the atlas.

Each derivation takes all that was found and gives numbers (a dataset, stored under its name in result.nc),
the answer in lines, and figures. A new one is a function here and a line in `DERIVED`.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import analysis
from analysis.style import WIDTH
from search.evaluation import load_grammar
from study.cells import Cell, labels
from study.results_of import product_of
from study.shown import clipped

THRESHOLDS = (0.5, 0.7, 0.9)
BY_HEART = 0.9  # copy rate from which on a learner can memorise
OVER = ("draw", "seed")
SHOWN = ("generalization", "g_support", "validity", "coverage", "copy_rate", "novelty")
ROW_NAMES, COLUMN = 0.95, 1.35  # inch, of the atlas
BESIDE = 8  # learners in one figure of it, so that it can be read on a page
RASTER = 120  # points a side, of a target on the plane
LEAST_SIZES = 4  # of the grid, for a law


@dataclass(frozen=True)
class Whole:
    """All that an experiment has found: `cells` over `cell`, and the cells themselves with their pictures."""

    title: str
    cells: xr.Dataset
    found: tuple[tuple[Cell, xr.Dataset], ...]
    searches: Mapping[str, Mapping[str, xr.Dataset]] = field(default_factory=dict)


@dataclass(frozen=True)
class Derived:
    """What a derivation gives: numbers, the answer in lines, figures by the name of their file."""

    numbers: xr.Dataset | None = None
    lines: tuple[str, ...] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)


def groups(cells: xr.Dataset, names: tuple[str, ...]) -> Iterator[tuple[tuple[Any, ...], xr.Dataset]]:
    """Cells that share their place in these factors, in the order of their first one."""
    keys = list(zip(*(cells[name].values.tolist() for name in names), strict=True))
    for key in dict.fromkeys(keys):
        yield key, cells.isel(cell=[i for i, one in enumerate(keys) if one == key])


def at_the_end(cells: xr.Dataset) -> xr.Dataset:
    """The measures of the last state, by the samples that report."""
    return cells.sel(checkpoint=0, batch="report")


def interval(values: Any) -> analysis.Interval:
    """Over trainings and draws; NaN where there is none, NaN ends where there is one."""
    known = np.asarray(values, float).ravel()
    known = known[~np.isnan(known)]
    return analysis.logit_interval(known) if len(known) else analysis.Interval(math.nan, math.nan, math.nan)


def said(found: analysis.Interval) -> str:
    """0.86 [0.82, 0.89], without ends where there are none."""
    ends = "" if math.isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.value:.2f}{ends}"


def summary(whole: Whole) -> Derived:
    """The measures at the end of training for every target, size, lesson and learner, with intervals."""
    names = ("target", "d", "lesson", "n", "learner")
    rows: list[dict[str, Any]] = []
    for key, cells in groups(whole.cells, names):
        end = at_the_end(cells)
        row: dict[str, Any] = dict(zip(names, key, strict=True))
        for name in SHOWN:
            found = interval(end[name].values)
            row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
        row["trainings"] = int(np.isfinite(end["validity"].values).sum())
        row["diverged"] = int(cells["diverged"].sum())
        row["cpu_seconds"] = float(cells["seconds"].sum())
        if "distance" in cells:
            row["distance"] = mean(cells["distance"].values)
        if "inside" in cells:
            found = interval(cells["inside"].values)
            row |= {"inside": found.value, "inside_low": found.low, "inside_high": found.high}
        rows.append(row)
    lines = []
    for (target, d, learner), members in by(rows, ("target", "d", "learner")):
        best = max(
            members, key=lambda row: -1 if math.isnan(row["generalization"]) else row["generalization"]
        )
        parts = [
            f"{short} {said(analysis.Interval(*(best[name + end] for end in ('', '_low', '_high'))))}"
            for short, name in (("g", "generalization"), ("validity", "validity"), ("copies", "copy_rate"))
        ]
        taught = f"n = {best['n']}" if best["n"] else best["lesson"]
        lines.append(f"{target}, d = {d}, {learner}: best at {taught}: {', '.join(parts)}")
    return Derived(table(rows), tuple(lines))


def by(
    rows: list[dict[str, Any]], names: tuple[str, ...]
) -> Iterator[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    keys = [tuple(row[name] for name in names) for row in rows]
    for key in dict.fromkeys(keys):
        yield key, [row for row, one in zip(rows, keys, strict=True) if one == key]


def mean(values: Any) -> float:
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else math.nan


def table(rows: list[dict[str, Any]]) -> xr.Dataset:
    """Rows as a dataset over `row`."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    variables: dict[str, Any] = {}
    for name in names:
        values = [row.get(name, math.nan) for row in rows]
        kind = object if any(isinstance(value, str) for value in values) else None
        variables[name] = ("row", np.array(values, dtype=kind), labels(name.replace("_", " ")))
    return xr.Dataset(variables)


# n*, its law, and whether the learner could have memorised.


def n_star(whole: Whole) -> Derived:
    """The smallest n that generalises at the best moment of training, by size, and its law."""
    dense = product_of(whole.cells.isel(cell=np.flatnonzero(whole.cells["n"].values > 0)))
    dense = dense.isel(lesson=0, drop=True)
    # Chosen on one batch, reported on the other; a machine has one state.
    measure = measured(dense)
    # On the plane half of the mass is had by anything: there only the highest threshold tells learners apart.
    shown = THRESHOLDS[0] if measure == "g_support" else THRESHOLDS[-1]
    best = analysis.at_best(dense[measure], along="checkpoint").drop_vars("checkpoint", errors="ignore")
    crossings = analysis.n_star(best, THRESHOLDS)
    copies = dense["copy_rate"].sel(checkpoint=0, batch="report").median(OVER)
    crossings["copies_at_the_end"] = copies.assign_attrs(labels("median copy rate at the end of training"))
    crossings[f"best_{measure}"] = best.median(OVER).assign_attrs(
        labels(f"median {measure} at the best moment")
    )
    lines, laws, figures = [], [], {}
    for target in dense["target"].values:
        for learner in dense["learner"].values:
            for threshold in THRESHOLDS:
                one = crossings.sel(target=target, learner=learner, threshold=threshold)
                row = law(one.dropna("d", subset=["n_star_low"]))
                laws.append({"target": str(target), "learner": str(learner), "threshold": threshold} | row)
                if row["sizes"] and threshold == shown:
                    lines.append(f"{target}, {learner}, {measure} >= {threshold}: {row['words']}")
                    lines.append("    " + control(one))
        drawn = crossings.sel(target=target).dropna("d", how="all", subset=["n_star_low"])
        if drawn.sizes["d"] > 1:
            figures[f"n-star-{slug(str(target))}"] = analysis.scaling(
                drawn, threshold=shown, title=str(target)
            )
    if dense.sizes["d"] > 1 and dense.sizes["target"] > 1:
        figures["n-star"] = analysis.n_star_by_target(crossings, threshold=shown, title=whole.title)
    numbers = crossings.merge(table(laws).rename({name: f"law_{name}" for name in laws[0]}).rename(row="law"))
    return Derived(numbers, tuple(lines), figures)


def measured(dense: xr.Dataset) -> str:
    """What is asked to reach a threshold: on the plane the support has no measure of its own."""
    return "generalization" if np.isnan(dense["g_support"]).all() else "g_support"


def law(one: xr.Dataset) -> dict[str, Any]:
    """Which law n* follows over d, in numbers and words."""
    low, high = one["n_star_low"].values.astype(float), one["n_star_high"].values.astype(float)
    d = one["d"].values.astype(float)
    row: dict[str, Any] = {"sizes": len(d), "verdict": "", "exponent": math.nan, "exponent_low": math.nan,
                           "exponent_high": math.nan}  # fmt: skip
    places = ", ".join(
        f"{int(size)}: {at_most(bottom, top)}" for size, bottom, top in zip(d, low, high, strict=True)
    )
    if len(d) >= LEAST_SIZES and np.isfinite(high).any():
        fit = analysis.fit_laws(d, low, high)
        power = fit.sel(law="power")
        row |= {"verdict": str(fit.attrs["verdict"]), "exponent": float(power["b"]),
                "exponent_low": float(power["b_low"]), "exponent_high": float(power["b_high"])}  # fmt: skip
        decided = row["verdict"] != "undecided"
        verdict = row["verdict"] if decided else f"undecided between {fit.attrs['plausible']}"
        ends = f"[{row['exponent_low']:.1f}, {row['exponent_high']:.1f}]"
        verdict += f"; as a power of d {row['exponent']:.1f} {ends}"
    elif np.isfinite(high).any():
        verdict = "too few sizes for a law"
    else:
        verdict = "none that was tried teaches it"
    return row | {"words": f"n* at d = {places}: {verdict}"}


def at_most(low: float, high: float) -> str:
    """A crossing in words: 16, or above all that were tried, or no more than the first of them."""
    if not np.isfinite(high):
        return f"> {low:.0f}"
    return f"{high:.0f}" if low > 0 else f"<= {high:.0f}"


def control(one: xr.Dataset) -> str:
    """Whether the learner memorises at n*, or at the largest n where there is no n*."""
    words = []
    for size in one["d"].values:
        here = one.sel(d=size)
        if np.isnan(float(here["n_star_low"])):
            continue
        n = float(here["n_star"])
        n = n if np.isfinite(n) else float(here["n_star_low"])
        copied = float(here["copies_at_the_end"].sel(n=n))
        words.append(f"{int(size)}: {copied:.2f}" + ("" if copied >= BY_HEART else " (cannot memorise)"))
    return f"copies at that n at the end of training, d = {', '.join(words)}"


def slug(words: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in words.lower()).strip("-")


# Regimes.


def regimes(whole: Whole) -> Derived:
    """Where over (n, training step) each learner generalises and memorises, at its own largest size."""
    lines, figures, kept = [], {}, []
    trained = whole.cells.isel(cell=np.flatnonzero(whole.cells["n"].values > 0))
    for (target,), cells in groups(trained, ("target",)):
        panels = {}
        for (learner,), own in groups(cells, ("learner",)):
            own = own.isel(cell=np.flatnonzero(own["d"].values == own["d"].values.max()))
            if len(set(own["n"].values.tolist())) < 2 or float(own["steps"].max()) <= 0:
                continue
            dense = product_of(own, ("n", "draw")).sel(batch="report", drop=True)
            steps = own["steps"].isel(cell=0).values
            dense = dense.drop_vars("steps").assign_coords(checkpoint=steps).rename(checkpoint="step")
            dense["step"].attrs = labels("training steps", "steps")
            measure = measured(dense)
            dense = dense.isel(step=np.flatnonzero(steps > 0))
            panels[str(learner)] = analysis.regimes(dense, generalises=(measure, THRESHOLDS[0]))
        for learner, one in panels.items():
            begin = [
                f"n = {int(n)}: {moment(one, 'tau_gen', i)} / {moment(one, 'tau_mem', i)}"
                for i, n in enumerate(one["n"].values)
            ]
            lines.append(f"{target}, {learner}: first step that generalises / memorises: {'; '.join(begin)}")
            figures[f"regimes-{slug(target)}-{slug(learner)}"] = analysis.phase_diagram(
                one, title=f"{target}, {learner}"
            )
            kept.append(
                one.drop_vars(["threshold"], errors="ignore").expand_dims(pair=[f"{target}, {learner}"])
            )
    numbers = (
        xr.concat(kept, dim="pair", join="outer", data_vars="all", coords="minimal", compat="override")
        if kept
        else None
    )
    return Derived(numbers, tuple(lines), figures)


def moment(one: xr.Dataset, name: str, place: int) -> str:
    value = float(one[name].values[place])
    return f"{value:.0f}" if np.isfinite(value) else "never"


# Sentences.


def described(whole: Whole) -> Derived:
    """What each learner has learned, in one sentence."""
    lines, rows = [], []
    for i in range(whole.cells.sizes["cell"]):
        one = whole.cells.isel(cell=i)
        if not str(one["description"].item()):
            continue
        end = interval(one["generalization"].sel(checkpoint=0, batch="report").values)
        rows.append(
            {
                name: one[name].item()
                for name in ("target", "d", "lesson", "n", "draw", "learner", "description", "described")
            }
            | {"generalization": end.value}
        )
        if one["draw"].item() == 0:
            lines.append(sentence_line(one))
    return Derived(table(rows) if rows else None, tuple(lines))


def sentence_line(one: xr.Dataset) -> str:
    """Who, taught what, learned which sentence, and the share of samples in its set."""
    learner, target, sentence = (str(one[name].item()) for name in ("learner", "target", "description"))
    n, d, share = int(one["n"]), int(one["d"]), float(one["described"])
    taught = f"{n} samples" if n else str(one["lesson"].item())
    nothing = math.isnan(share) or sentence.startswith("nothing")
    at = sentence if nothing else f"`{clipped(sentence, 100)}` at {100 * share:.0f} %"
    return f"{learner}, taught {taught} of {target} (d = {d}): {at}"


# Superposition.

PARTS = ("first", "second", "intersection", "overlay", "undecided", "neither", "blurred")


def mixture(whole: Whole) -> Derived:
    """The shares of the one set, the other, both, overlays of both, and neither."""
    lines, figures, rows = [], {}, []
    for (target,), cells in groups(whole.cells, ("target",)):
        shares = {}
        for (learner,), own in groups(cells, ("learner",)):
            means = {name: mean(own[name].values) for name in (*PARTS, "overlay_by_chance")}
            if math.isnan(means["first"]):
                continue
            rows.append({"target": target, "learner": learner} | means)
            shares[learner] = means
            parts = ", ".join(f"{name} {means[name]:.2f}" for name in PARTS if means[name] >= 0.005)
            lines.append(
                f"{target}, {learner}: {parts} (overlays by chance {means['overlay_by_chance']:.2f})"
            )
        if shares:
            data = xr.Dataset(
                {name: ("learner", [one[name] for one in shares.values()]) for name in PARTS},
                {"learner": list(shares)},
            )
            figures[f"mixture-{slug(target)}"] = analysis.mixture(data, title=target)
    return Derived(table(rows) if rows else None, tuple(lines), figures)


# The atlas.


def atlas(whole: Whole) -> Derived:
    """Samples, sentence and g of every learner: a figure for each lesson, or one for a single target."""
    shown: dict[str, dict[tuple[str, str], analysis.LearnedSet]] = {}
    alone = len(set(whole.cells["target"].values.tolist())) == 1
    for i, (asked, one) in enumerate(whole.found):
        row = whole.cells.isel(cell=i)
        samples = one["samples"].isel(seed=0).values
        if samples.ndim == 2:  # points are small: those of all trainings
            samples = one["samples"].values.reshape(-1, 2)
        samples = samples[~np.isnan(samples).reshape(len(samples), -1).any(1)]
        if row["draw"].item() != 0 or not len(samples):
            continue
        g = float(row["generalization"].sel(checkpoint=0, batch="report").mean())
        sentence = str(row["description"].item()) if "description" in row else ""
        # A window around most points: a few may lie anywhere.
        window = float(np.quantile(np.abs(samples), 0.95)) * 1.2 if samples.ndim == 2 else None
        n, target = int(row["n"].item()), str(row["target"].item())
        taught = f"{n} samples" if n else str(row["lesson"].item())
        ground = None if window is None else on_the_plane(asked, window)
        cell = analysis.LearnedSet(samples, sentence, f"g = {g:.2f}", window=window, ground=ground)
        place = (taught, str(row["learner"].item())) if alone else (target, str(row["learner"].item()))
        shown.setdefault("" if alone else taught, {})[place] = cell
    figures = {}
    for taught, cells in shown.items():
        learners = list(dict.fromkeys(learner for _, learner in cells))
        title = f"Taught {taught}" if taught else whole.title
        for part in range(0, len(learners), BESIDE):
            some = learners[part : part + BESIDE]
            width = max(WIDTH, ROW_NAMES + COLUMN * len(some))
            name = slug(f"atlas {taught}") + f"-{part // BESIDE + 1}" * (len(learners) > BESIDE)
            figures[name] = analysis.learned_sets(
                {place: cell for place, cell in cells.items() if place[1] in some}, title=title, width=width
            )
    return Derived(None, (), figures)


def on_the_plane(cell: Cell, window: float) -> Any:
    """Which points of a raster over the window are in the target, from the bottom left."""
    objective = cell.objective
    target = load_grammar(objective.grammar, objective.space, objective.plugins).parse(
        objective.target, "Set"
    )
    middles = (np.arange(RASTER) + 0.5) / RASTER * 2 * window - window
    x, y = np.meshgrid(middles, middles)
    inside = target.denote().contains(np.stack([x.ravel(), y.ravel()], axis=1))
    return np.asarray(inside).reshape(RASTER, RASTER)


def searches(whole: Whole) -> Derived:
    """The best teaching set of every search, beside samples of the target."""
    from study.searches import compared

    return compared(whole)


DERIVED: dict[str, Callable[[Whole], Derived]] = {
    "summary": summary,
    "n_star": n_star,
    "regimes": regimes,
    "described": described,
    "mixture": mixture,
    "atlas": atlas,
    "searches": searches,
}
"""What an experiment may ask for in its `derive`, by name."""
