"""The tables and cards of a report."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import xarray as xr

import analysis
from study.report.html import Cell, number, pairs, paragraph, sentence, table, text
from study.words import Found

MEASURES = {
    "validity": "v",
    "coverage": "c",
    "copy_rate": "copies",
    "novelty": "novelty",
    "g_support": "g support",
}


def asked(result: xr.Dataset) -> str:
    """Target, learner and budget."""
    searched = int((result["origin"] == "search").sum())
    names = {"target": "target", "space": "space", "learner": "learner", "samples": "samples per measure"}
    rows = [(shown, str(result.attrs.get(name, ""))) for name, shown in names.items()]
    return pairs([*rows, ("evaluations", f"{searched} and {result.sizes['trial'] - searched} baselines")])


def teaching_sets(rows: Sequence[Found]) -> str:
    """Teaching sets and baselines, one in a row."""
    body = []
    for row in rows:
        own = row.origin == "search"
        cells = [
            Cell(str(row.n)),
            number(row.bits, 0),
            Cell(row.interval, repr(row.g)),
            text("search" if own else "baseline"),
            sentence(row.sentence),
        ]
        body.append(("front" if own else "", cells))
    return table(["n", "bits", "g", "origin", "sentence"], body, sortable=True)


def cards(rows: Sequence[Found], figures: dict[str, str], command: str) -> str:
    """A card for each teaching set: what it says, its figures, what was taught and what was learned."""
    inner = "".join(
        f'<article class="card"><h3>{escape(row.name)}</h3><p><code>{escape(row.sentence)}</code></p>'
        f'<div class="numbers"><span>n <b>{row.n}</b></span><span>bits <b>{row.bits:.0f}</b></span>'
        f"<span>g <b>{escape(row.interval)}</b></span></div>"
        f"{figures.get(f'taught-{place}', '')}{figures.get(f'learned-{place}', '')}</article>"
        for place, row in enumerate(rows)
    )
    made = f'<p class="hint">Pictures made by <code>{escape(command)}</code>.</p>'
    return f'<div class="cards">{inner}</div>{made}' if inner else ""


def verification(data: xr.Dataset | None) -> str:
    """Every verified sentence with every learner it was taught to."""
    if data is None or "generalization" not in data:
        return paragraph("Nothing was verified in this run.", "soft")
    names = [name for name in MEASURES if name in data]
    means = {name: data[name].mean("seed").transpose("sentence", "learner").values for name in names}
    g = data["generalization"].transpose("sentence", "learner", "seed").values
    body = []
    for place, said in enumerate(data["sentence"].values):
        for other, learner in enumerate(data["learner"].values):
            values = g[place, other][~np.isnan(g[place, other])]
            cells = [
                text(learner),
                Cell(str(int(data["n"].values[place]))),
                *interval(values),
                Cell(str(values.size)),
                *(number(float(mean[place, other])) for mean in means.values()),
                text("search" if str(data["origin"].values[place]) == "search" else "baseline"),
                sentence(said),
            ]
            body.append(("", cells))
    heads = ["learner", "n", "g", "95 % interval", "seeds", *(MEASURES[name] for name in names)]
    return table([*heads, "origin", "sentence"], body, sortable=True)


def interval(values: Any) -> list[Cell]:
    """g and its interval over fresh trainings."""
    if not values.size:
        return [Cell("failed"), Cell("")]
    g, low, high = analysis.logit_interval(values)
    return [number(g), Cell(f"{low:.2f} to {high:.2f}" if values.size > 1 else "", repr(float(low)))]


def trials(result: xr.Dataset) -> str:
    """Everything that was tried."""
    means = {
        name: result[name].mean("seed").values
        for name in ("generalization", *MEASURES)
        if name in result and set(result[name].dims) == {"trial", "seed"}
    }
    columns = ("trial", "n", "bits", "seconds", "origin", "generation", "uses_target", "sentence", "failure")
    column = {name: result[name].values for name in (*columns, "on_front")}
    body = []
    for place in range(result.sizes["trial"]):
        one = {name: values[place] for name, values in column.items()}
        cells = [
            Cell(str(int(one["trial"]))),
            Cell(str(int(one["n"]))),
            number(float(one["bits"]), 0),
            *(number(float(values[place])) for values in means.values()),
            number(float(one["seconds"]), 1),
            text(one["origin"]),
            Cell(str(int(one["generation"]))),
            text("yes" if int(one["uses_target"]) else ""),
            sentence(one["sentence"]),
            text(one["failure"]),
        ]
        body.append(("front" if int(one["on_front"]) else "", cells))
    heads = ["trial", "n", "bits", *(MEASURES.get(name, "g") for name in means), "seconds", "origin"]
    return table([*heads, "generation", "uses target", "sentence", "failure"], body, sortable=True, tall=True)
