"""The page about one experiment: question, answer, figures, tables, and where they come from."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xarray as xr

import analysis
from study.cells import Cell
from study.derived import Derived
from study.experiment import Experiment
from study.report.html import (
    SORTING,
    code,
    document,
    figure,
    heading,
    number,
    pairs,
    paragraph,
    section,
    table,
    text,
)
from study.report.html import Cell as Entry

HEADS = {
    "summary": "How well",
    "n_star": "From how few",
    "regimes": "When",
    "described": "In one sentence",
    "mixture": "One or the other",
    "atlas": "The learned sets",
    "searches": "Teaching sets",
}
ROWS = (
    *("target", "d", "lesson", "n", "learner", "generalization", "generalization_low", "generalization_high"),
    *("validity", "coverage", "copy_rate", "novelty", "inside", "distance", "trainings"),
)
WHOLE = ("d", "n", "trainings")


def write(
    path: Path, declared: Experiment, answers: Mapping[str, Derived], data: xr.DataTree, asked: str
) -> Path:
    """Write report.html in one step; gives its path."""
    parts = [f"<header>{heading(declared.title)}{paragraph(declared.question, 'lead')}</header>"]
    rows = [(name, words) for name, words in declared.refuted.items()]
    parts.append(section("What would refute each answer", pairs(rows)))
    for name, one in answers.items():
        drawn = [
            figure(analysis.png(picture), f"{declared.title}: {label}", label.replace("-", " ") + ".", asked)
            for label, picture in one.figures.items()
        ]
        said = code("\n".join(one.lines)) if one.lines else ""
        told = SORTING + numbers(one.numbers) if name == "summary" and one.numbers is not None else ""
        parts.append(section(HEADS.get(name, name), *drawn, said, told))
    versions = json.loads(str(analysis.provenance()["versions"]))
    where = [("command", asked), ("cells", f"{data.attrs['finished']} of {data.attrs['cells']} finished"),
             ("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))]  # fmt: skip
    parts.append(section("Where this comes from", pairs(where)))
    file = path / "report.html"
    beside = file.with_name(".report.html.new")
    beside.write_text(document(declared.title, "\n".join(parts)), encoding="utf-8")
    os.replace(beside, file)
    return file


def numbers(rows: xr.Dataset) -> str:
    """The summary as a sortable table."""
    names = [name for name in ROWS if name in rows]
    body = []
    for i in range(rows.sizes["row"]):
        body.append(("", [entry(name, rows[name].values[i]) for name in names]))
    return table(
        [name.replace("generalization", "g").replace("_", " ") for name in names],
        body,
        sortable=True,
        tall=True,
    )


def entry(name: str, value: Any) -> Entry:
    """A number or words, whole where it counts something."""
    if isinstance(value, str):
        return text(value)
    return number(float(value), 0 if name in WHOLE else 2)


def plain(declared: Experiment) -> dict[str, Any]:
    """The experiment as it would stand in a file."""
    tree: dict[str, Any] = json.loads(json.dumps(asdict(declared), default=dict))
    return tree


def configuration(cell: Cell) -> dict[str, Any]:
    """What a cell's file says of where it is from."""
    return {"objective": cell.objective.content(), "sentence": cell.sentence, "place": dict(cell.place)}
