"""report.html: one self-contained page about one run, made from what lies in the run's folder."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as escaped
from pathlib import Path

import numpy as np
import xarray as xr

import analysis
from study.report.html import (
    Cell,
    document,
    figure,
    number,
    pairs,
    paragraph,
    section,
    sentence,
    table,
    text,
)
from study.report.pictures import drawn
from study.words import Found, best, best_baseline, found, front, headline, meaning

MEASURES = {
    "validity": "v",
    "coverage": "c",
    "copy_rate": "copies",
    "novelty": "novelty",
    "g_support": "g support",
}


@dataclass(frozen=True)
class Run:
    """What a report is about: the folder's data and how it was asked for."""

    folder: Path
    result: xr.Dataset
    verified: xr.Dataset | None
    command: str
    dashboard: str
    sentences: int
    settings: str

    @property
    def learner(self) -> str:
        """The learner that the search taught."""
        return str(self.result.attrs["learner"])


def write(run: Run) -> Path:
    """Write the page and the figures beside it; a page that is being read stays whole."""
    rows = found(run.result, run.verified)
    pictures = drawn(run, rows)
    folder = run.folder / "figures"
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        put(folder / f"{name}.png", picture.png)
    for stale in folder.glob("*.png"):
        if stale.stem not in pictures:
            stale.unlink()
    figures = {
        # the cards of teaching sets share one line about the command
        name: figure(one.png, one.alt, one.caption, "" if name.startswith("taught-") else run.command)
        for name, one in pictures.items()
    }
    path = run.folder / "report.html"
    put(path, document(headline(rows, run.learner), body(run, rows, figures)).encode())
    return path


def put(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    os.replace(beside, path)


def body(run: Run, rows: Sequence[Found], figures: dict[str, str]) -> str:
    """The page from its head to its provenance."""
    stopped = run.result.attrs.get("stopped")
    note = {
        "interrupted": "This run was interrupted: here is what had finished. The same command goes on.",
        "exhausted": "The searcher ran out of new sentences before its budget was used up.",
    }.get(str(stopped), "")
    return "\n".join(
        part
        for part in [
            f"<header><h1>{escaped(headline(rows, run.learner))}</h1>",
            paragraph(meaning(rows, run.learner), "lead"),
            paragraph(note, "soft") if note else "",
            "</header>",
            section("What was asked", asked(run)),
            section("How well, from how few", figures.get("front", ""), front_table(run, rows)),
            section("The best teaching sets, and what was learned from them", cards(run, rows, figures)),
            section("Is every kind of example learned?", figures.get("strata", "")),
            section("Taught again with fresh seeds", verification(run), figures.get("verified", "")),
            section("All trials", paragraph(HINT, "hint"), trials(run.result)),
            section("Where this comes from", provenance(run)),
        ]
        if part
    )


HINT = (
    "A click on a column's head sorts by it. g, v and c are generalization, validity and coverage; "
    "trials on the front are bold."
)


def asked(run: Run) -> str:
    """Target, learner and budget."""
    attributes = run.result.attrs
    searched = int((run.result["origin"] == "search").sum())
    return pairs(
        [
            ("target", str(attributes["target"])),
            ("space", str(attributes["space"])),
            ("learner", run.learner),
            ("evaluations", f"{searched} and {run.result.sizes['trial'] - searched} baselines"),
            ("samples per measure", str(attributes["samples"])),
        ]
    )


def front_table(run: Run, rows: Sequence[Found]) -> str:
    """The front and the baselines, as a table."""
    chosen = front(run.result, rows)
    plain = sorted((row for row in rows if row.origin != "search"), key=lambda row: row.n)
    return table(
        ["n", "bits", "g", "", "sentence"],
        [
            (
                "front" if row.origin == "search" else "",
                [
                    Cell(str(row.n)),
                    number(row.bits, 0),
                    Cell(row.interval, repr(row.g)),
                    text("search" if row.origin == "search" else "baseline"),
                    sentence(row.sentence),
                ],
            )
            for row in [*chosen, *plain]
        ],
        sortable=True,
    )


def cards(run: Run, rows: Sequence[Found], figures: dict[str, str]) -> str:
    """A card for each of the best teaching sets, and one for the best baseline."""
    chosen = shown(run, rows)
    inner = "".join(
        f'<article class="card"><h3>{escaped(row.name)}</h3><p><code>{escaped(row.sentence)}</code></p>'
        f'<div class="numbers"><span>n <b>{row.n}</b></span><span>bits <b>{row.bits:.0f}</b></span>'
        f"<span>g <b>{escaped(row.interval)}</b></span></div>{figures.get(f'taught-{place}', '')}</article>"
        for place, row in enumerate(chosen)
    )
    made = f'<p class="hint">Pictures made by <code>{escaped(run.command)}</code>.</p>'
    return f'<div class="cards">{inner}</div>{made}' if inner else ""


def shown(run: Run, rows: Sequence[Found]) -> list[Found]:
    """Whose pictures are shown: the best, the rest of the front by g, and the best baseline at the end."""
    winner, plain = best(rows), best_baseline(rows)
    others = sorted(front(run.result, rows), key=lambda row: (-row.g, row.n))
    chosen = [row for row in [winner, *(row for row in others if row is not winner)] if row is not None]
    return [*chosen[: run.sentences], *([plain] if plain is not None else [])]


def verification(run: Run) -> str:
    """Every verified sentence with every learner it was taught to."""
    data = run.verified
    if data is None or "generalization" not in data:
        return paragraph("Nothing was verified in this run.", "soft")
    names = {name: head for name, head in MEASURES.items() if name in data}
    rows = []
    for place in range(data.sizes["sentence"]):
        for learner in data["learner"].values:
            one = data.isel(sentence=place).sel(learner=learner)
            values = one["generalization"].values
            values = values[~np.isnan(values)]
            g, low, high = analysis.logit_interval(values) if values.size else (np.nan,) * 3
            cells = [
                text(learner),
                Cell(str(int(one["n"].item()))),
                number(g),
                Cell(f"{low:.2f} to {high:.2f}" if values.size > 1 else "", repr(float(low))),
                Cell(str(values.size)),
                *(number(float(one[name].mean("seed"))) for name in names),
                text(one["origin"].item()),
                sentence(one["sentence"].item()),
            ]
            rows.append(("", cells))
    heads = ["learner", "n", "g", "95 % interval", "seeds", *names.values(), "origin", "sentence"]
    return table(heads, rows, sortable=True)


def trials(result: xr.Dataset) -> str:
    """Everything that was tried."""
    means = {
        name: result[name].mean("seed").values
        for name in ("generalization", *MEASURES)
        if name in result and result[name].dims == ("trial", "seed")
    }
    rows = []
    for place in range(result.sizes["trial"]):
        one = result.isel(trial=place)
        cells = [
            Cell(str(int(one["trial"].item()))),
            Cell(str(int(one["n"].item()))),
            number(float(one["bits"].item()), 0),
            *(number(float(values[place])) for values in means.values()),
            number(float(one["seconds"].item()), 1),
            text(one["origin"].item()),
            Cell(str(int(one["generation"].item()))),
            text("yes" if int(one["uses_target"].item()) else ""),
            sentence(one["sentence"].item()),
            text(one["failure"].item()),
        ]
        rows.append(("front" if int(one["on_front"].item()) else "", cells))
    heads = ["trial", "n", "bits", *(MEASURES.get(name, "g") for name in means), "seconds", "origin"]
    heads += ["generation", "uses target", "sentence", "failure"]
    return table(heads, rows, sortable=True, tall=True)


def provenance(run: Run) -> str:
    """Commands, versions and every setting."""
    attributes = run.result.attrs
    versions = json.loads(str(attributes.get("versions", "{}")))
    return (
        pairs(
            [
                ("command", run.command),
                ("dashboard", run.dashboard),
                ("made", str(attributes.get("created", ""))),
                ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
            ]
        )
        + f"<details><summary>All settings</summary><pre><code>{escaped(run.settings)}</code></pre></details>"
    )
