"""How learned sets differ between learners that were taught the same."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import analysis
from study.report.html import Cell, details, made, number, paragraph, signed, table, text

SURE = 0.05  # p, corrected for all tests of all pairs, from which on a difference is named
COLUMNS = {  # variable -> head, digits
    "js_strata": ("strata apart, bit", 3),
    "js_strata_by_chance": ("by chance", 3),
    "js_strata_p": ("p of strata", 3),
    "mmd2": ("MMD²", 3),
    "mmd2_p": ("p of MMD²", 3),
    "morisita": ("in common", 2),
    "agreement_equal": ("equal from one noise", 2),
}
EXPLAINED = (
    "Strata apart: Jensen-Shannon divergence of the shares of the strata, outside and not crisp among them, "
    "beside what two samples of one law give. MMD²: squared maximum mean discrepancy of the examples. p: the "
    "share of random splits of both that are as far apart. In common: Morisita's index, 1 for two uniform "
    "laws on one set. Differs most in: the stratum, in shares of the samples, and the property, in standard "
    "deviations; of the learner less the other. A learner beside itself is one half of its trainings against "
    "the other half."
)


def differences(verified: xr.Dataset, sentence: str, target: Any, folder: Path) -> str:
    """All pairs of learners in a small table; nothing where only one sampled."""
    if "samples" not in verified:
        return ""
    try:
        table_of = analysis.compare(verified, target, sentence=sentence)
    except analysis.AnalysisError as error:
        return paragraph(f"The learners cannot be compared: {error}.", "soft")
    names = [str(name) for name in table_of["learner"].values]
    if len(names) < 2:
        return ""
    shown = {name: head for name, head in COLUMNS.items() if name in table_of}
    body = [("", cells) for cells in rows(table_of, names, list(shown))]
    heads = ["learner", "beside", *(head for head, _ in shown.values()), "differs most in"]
    counted = "; ".join(
        f"{name}, {int(count)} samples of {int(seeds)} training{'s' if seeds > 1 else ''}"
        for name, count, seeds in zip(
            names, table_of["samples"].values, table_of["seeds"].values, strict=True
        )
    )
    return (
        paragraph(f"All were taught {sentence}: {counted}.", "hint")
        + table(heads, body, sortable=True)
        + details("What the columns mean", paragraph(EXPLAINED, "hint"))
        + made(command(folder, sentence))
    )


def command(folder: Path, sentence: str) -> str:
    """The line of Python that compares."""
    run, taught = json.dumps(str(folder)), json.dumps(sentence)
    asked = f"analysis.compare(analysis.open_runs({run}), sentence={taught})"
    return shlex.join(["python", "-c", f"import analysis; print({asked})"])


def rows(table_of: xr.Dataset, names: list[str], shown: list[str]) -> Iterator[list[Cell]]:
    """One for each pair, a learner beside itself last."""
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    for i, j in [*pairs, *((i, i) for i in range(len(names)))]:
        values = {name: float(table_of[name].values[i, j]) for name in shown}
        if all(np.isnan(value) for value in values.values()):
            continue
        yield [
            text(names[i]),
            text("itself" if i == j else names[j]),
            *(number(values[name], COLUMNS[name][1]) for name in shown),
            text("" if i == j else most(table_of.isel(learner=i, learner_other=j))),
        ]


def most(pair: xr.Dataset) -> str:
    """The stratum and the property that differ most, where a test tells the two learners apart."""
    found = [
        f"{name}: {'+' * (difference > 0)}{signed(difference * factor, digits)} {unit}"
        for dim, label, factor, digits, unit in (
            ("stratum", "stratum_label", 100, 0, "%"),
            ("property", "property", 1, 1, "sd"),
        )
        if dim in pair.dims
        for name, difference in largest(pair, dim, label)
    ]
    return "; ".join(found) or "nothing that the tests tell apart"


def largest(pair: xr.Dataset, dim: str, label: str) -> list[tuple[str, float]]:
    """The largest difference along a dimension among those that are sure; none where none is."""
    differences_of = pair[f"{dim}_difference"].values
    sure = (pair[f"{dim}_p_holm"].values < SURE) & np.isfinite(differences_of)
    if not sure.any():
        return []
    place = int(np.argmax(np.where(sure, np.abs(differences_of), -1.0)))
    return [(str(pair[label].values[place]), float(differences_of[place]))]
