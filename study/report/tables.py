"""The tables and cards of a search's report."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

import analysis
from study.report.html import Cell, card, number, pairs, paragraph, sentence, table, text
from study.report.pictures import Picture
from study.words import NO_SENTENCE, Found, says_nothing

MEASURES = {
    "validity": "v",
    "coverage": "c",
    "copy_rate": "copies",
    "novelty": "novelty",
    "g_support": "g support",
}
MEANT = "g is generalization, 2vc/(v+c) of validity v and coverage c; 1 is a perfect sampler of the target."


def asked(result: xr.Dataset) -> str:
    """Target, learner and budget."""
    searched = int((result["origin"] == "search").sum())
    names = {"target": "target", "space": "space", "learner": "learner", "samples": "samples per measure"}
    rows = [(shown, str(result.attrs.get(name, ""))) for name, shown in names.items()]
    tried = f"{several(searched, 'teaching set')} and {several(result.sizes['trial'] - searched, 'baseline')}"
    return pairs([*rows, ("tried", tried)])


def several(count: int, what: str) -> str:
    """A number of things."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def uses_target(result: xr.Dataset, row: Found) -> bool:
    """Whether the sentence holds a set as large as the target."""
    return "uses_target" in result and bool(result["uses_target"].values[row.trial])


def teaching_sets(result: xr.Dataset, rows: Sequence[Found]) -> str:
    """Teaching sets and baselines, one in a row."""
    body = []
    for row in rows:
        own = row.origin == "search"
        cells = [
            Cell(str(row.n)),
            number(row.bits, 0),
            Cell(row.told, repr(row.g) if row.trainings else ""),
            text("yes" if uses_target(result, row) else "no"),
            text("search" if own else "baseline"),
            sentence(row.sentence),
        ]
        body.append(("front" if own else "", cells))
    return table(["n", "bits", "g", "uses target", "origin", "sentence"], body, sortable=True)


def teaching_set(result: xr.Dataset, row: Found, pictures: Sequence[Picture], said: str = "") -> str:
    """What a teaching set says, what was taught, what was learned; `said` is HTML about the learned set."""
    numbers = [("n", str(row.n)), ("bits", f"{row.bits:.0f}"), ("g", row.told)]
    numbers.append(("uses target", "yes" if uses_target(result, row) else "no"))
    return card(row.name, row.sentence, numbers, *(one.html() for one in pictures), said)


def verification(data: xr.Dataset | None) -> str:
    """Every verified sentence with every learner it was taught to."""
    if data is None or "generalization" not in data:
        return paragraph("Nothing was verified in this run.", "soft")
    names = [name for name in MEASURES if name in data]
    means = {name: data[name].mean("seed").transpose("sentence", "learner").values for name in names}
    g = data["generalization"].transpose("sentence", "learner", "seed").values
    why = reasons(data)
    body = []
    for place, said in enumerate(data["sentence"].values):
        for other, learner in enumerate(data["learner"].values):
            values = g[place, other][~np.isnan(g[place, other])]
            cells = [
                text(learner),
                Cell(str(int(data["n"].values[place]))),
                interval(values, why[place, other]),
                Cell(str(values.size)),
                *(number(float(mean[place, other])) for mean in means.values()),
                text("search" if str(data["origin"].values[place]) == "search" else "baseline"),
                sentence(said),
                *([text(why[place, other])] if why.any() else []),
            ]
            body.append(("", cells))
    heads = ["learner", "n", "g and 95 % interval", "seeds", *(MEASURES[name] for name in names)]
    heads += ["origin", "sentence", *(["failure"] if why.any() else [])]
    return paragraph(MEANT, "hint") + table(heads, body, sortable=True)


def reasons(data: xr.Dataset) -> Any:
    """Why a learner has no g for a sentence: text[sentence, learner], "" where it has one."""
    shape = (data.sizes["sentence"], data.sizes["learner"])
    found = np.full(shape, "", dtype=object)
    if "failure" in data:
        g = data["generalization"].transpose("sentence", "learner", "seed").values
        said = data["failure"].transpose("sentence", "learner", "seed").values
        for place in zip(*np.nonzero(np.isnan(g).all(axis=2)), strict=True):
            found[place] = next((str(one) for one in said[place] if str(one)), "")
    return found


def interval(values: Any, why: str = "") -> Cell:
    """g and its interval over fresh trainings; where there is none, in a word `why`."""
    if not values.size:
        return Cell(NO_SENTENCE if says_nothing(why) else "failed")
    g, low, high = analysis.logit_interval(values)
    ends = f" [{low:.2f}, {high:.2f}]" if values.size > 1 else " (one training)"
    return Cell(f"{g:.2f}{ends}", repr(float(g)))


def trials(result: xr.Dataset) -> str:
    """Everything that was tried."""
    means = {
        name: result[name].mean("seed").values
        for name in ("generalization", *MEASURES)
        if name in result and set(result[name].dims) == {"trial", "seed"}
    }
    columns = ("trial", "n", "bits", "seconds", "origin", "generation", "uses_target", "sentence", "failure")
    column = {name: result[name].values for name in (*columns, "on_front") if name in result}
    failures = "failure" in column and any(str(one) for one in column["failure"])
    body = []
    for place in range(result.sizes["trial"]):
        one = {name: values[place] for name, values in column.items()}
        own = str(one["origin"]) == "search"
        cells = [
            Cell(str(int(one["trial"]))),
            Cell(str(int(one["n"]))),
            number(float(one["bits"]), 0),
            *(number(float(values[place])) for values in means.values()),
            number(float(one["seconds"]), 1),
            text("search" if own else "baseline"),
            Cell(str(int(one["generation"])) if own else ""),
            text("yes" if int(one.get("uses_target", 0)) else "no"),
            sentence(one["sentence"]),
            *([text(one["failure"])] if failures else []),
        ]
        body.append(("front" if int(one["on_front"]) else "", cells))
    heads = ["trial", "n", "bits", *(MEASURES.get(name, "g") for name in means), "seconds", "origin"]
    heads += ["generation", "uses target", "sentence", *(["failure"] if failures else [])]
    return table(heads, body, sortable=True, tall=True)
