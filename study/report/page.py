"""report.html: one self-contained page about one run, made from what lies in the run's folder."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from study.report.html import code, document, figure, heading, pairs, paragraph, section
from study.report.pictures import drawn
from study.report.tables import asked, cards, teaching_sets, trials, verification
from study.words import Found, baselines, best, best_baseline, found, front, headline, meaning

HINT = (
    "A click on a column's head sorts by it. g, v and c are generalization, validity and coverage; "
    "trials on the front are bold."
)


@dataclass(frozen=True)
class Run:
    """What a report is about: the folder's data and how it was asked for."""

    folder: Path
    result: xr.Dataset
    verified: xr.Dataset | None
    target: Any
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
    chosen = shown(run, rows)
    pictures = drawn(run.result, run.verified, chosen, run.target)
    folder = run.folder / "figures"
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        put(folder / f"{name}.png", picture.png)
    for stale in folder.glob("*.png"):
        if stale.stem not in pictures:
            stale.unlink()
    figures = {
        # the cards of teaching sets share one line about the command
        name: figure(
            one.png, one.alt, one.caption, "" if name.startswith(("taught-", "learned-")) else run.command
        )
        for name, one in pictures.items()
    }
    path = run.folder / "report.html"
    put(path, document(headline(rows, run.learner), body(run, rows, chosen, figures)).encode())
    return path


def put(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    os.replace(beside, path)


def body(run: Run, rows: Sequence[Found], chosen: Sequence[Found], figures: dict[str, str]) -> str:
    """The page from its head to its provenance."""
    stopped = run.result.attrs.get("stopped")
    note = {
        "interrupted": "This run was interrupted: here is what had finished. The same command goes on.",
        "exhausted": "The searcher ran out of new sentences before its budget was used up.",
    }.get(str(stopped), "")
    return "\n".join(
        part
        for part in [
            f"<header>{heading(headline(rows, run.learner))}",
            paragraph(meaning(rows, run.learner), "lead"),
            paragraph(note, "soft") if note else "",
            "</header>",
            section("What was asked", asked(run.result)),
            section(
                "How well, from how few",
                figures.get("front", ""),
                teaching_sets([*front(run.result, rows), *baselines(rows)]),
                figures.get("progress", ""),
            ),
            section("The best teaching sets and what they taught", cards(chosen, figures, run.command)),
            section("Is every kind of example learned?", figures.get("strata", "")),
            section("Taught again with fresh seeds", verification(run.verified)),
            section("All trials", paragraph(HINT, "hint"), trials(run.result)),
            section("Where this comes from", provenance(run)),
        ]
        if part
    )


def shown(run: Run, rows: Sequence[Found]) -> list[Found]:
    """Whose pictures are shown: the best, what was verified, the front, the rest by g; a baseline last."""
    winner, plain = best(rows), best_baseline(rows)
    on_front = front(run.result, rows)
    found_here = [row for row in rows if row.origin == "search" and row.trainings]
    found_here.sort(key=lambda row: (row is not winner, not row.fresh, row not in on_front, -row.g, row.n))
    return [*found_here[: run.sentences], *([plain] if plain is not None else [])]


def provenance(run: Run) -> str:
    """Commands, versions and every setting."""
    attributes = run.result.attrs
    versions = json.loads(str(attributes.get("versions", "{}")))
    rows = [
        ("command", run.command),
        ("dashboard", run.dashboard),
        ("made", str(attributes.get("created", ""))),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return pairs(rows) + f"<details><summary>All settings</summary>{code(run.settings)}</details>"
