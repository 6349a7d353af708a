"""report.html of a search: one self-contained page, made from what lies in the run's folder."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import grammars
from study.described import Description
from study.report import learned_sets, thrift
from study.report.across import differences
from study.report.html import (
    SORTING,
    cards,
    code,
    contents,
    details,
    document,
    heading,
    made,
    pairs,
    paragraph,
    section,
)
from study.report.pictures import Picture, drawn, of_examples, of_samples
from study.report.samples import examples_of, samples_of
from study.report.tables import MEANT, asked, several, teaching_set, teaching_sets, trials, verification
from study.words import Found, baselines, best, best_baseline, found, front, headline, meaning

CHOSEN = (
    "One training each: figures the search chose by, so the best of them are flattered by luck. "
    "Those on the front are marked by a bar. "
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
    ahead: tuple[str, ...] = ()  # stages that are not over, while the run is at work

    @property
    def learner(self) -> str:
        """The learner that the search taught."""
        return str(self.result.attrs["learner"])

    @property
    def window(self) -> float:
        """Points of the plane are seen through [-window, window]^2."""
        space = grammars.load(str(self.result.attrs["grammar"])).space
        return space.window if isinstance(space, grammars.Plane) else 1.0


def write(run: Run) -> Path:
    """Write the page and the figures beside it; a page that is being read stays whole."""
    rows = found(run.result, run.verified)
    chosen = shown(run, rows)
    charts = drawn(run.result, run.verified, rows, chosen)
    sheets = [sheets_of(run, row) for row in chosen]
    beside(
        run.folder / "figures",
        charts
        | {f"{kind}-{place}": picture for place, pair in enumerate(sheets) for kind, picture in pair.items()},
    )
    path = run.folder / "report.html"
    put(path, document(headline(rows, run.learner), body(run, rows, chosen, charts, sheets)).encode())
    return path


def beside(folder: Path, pictures: Mapping[str, Picture]) -> None:
    """The figures as files; those of an earlier page that are no more are removed."""
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        put(folder / f"{name}.png", picture.png)
    for stale in folder.glob("*.png"):
        if stale.stem not in pictures:
            stale.unlink()


def put(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    os.replace(new, path)


def body(
    run: Run,
    rows: Sequence[Found],
    chosen: Sequence[Found],
    charts: Mapping[str, Picture],
    sheets: Sequence[Mapping[str, Picture]],
) -> str:
    """The page from its head to its provenance."""
    note = standing(run)
    known = learned_sets.found_in(run.folder)
    chart = {name: one.html(run.command) for name, one in charts.items()}
    shown_sets = [
        teaching_set(
            run.result, row, list(pair.values()), learned_sets.said(known, run.learner, row.sentence)
        )
        for row, pair in zip(chosen, sheets, strict=True)
    ]
    parts = {
        "How well, from how few": [
            chart.get("front", ""),
            teaching_sets(run.result, [*front(run.result, rows), *baselines(rows)]),
        ],
        "The best teaching sets": [cards(shown_sets, run.command)],
        **{
            title: [*inner, made(run.command)]
            for title, inner in thrift.parts(run.folder, run.result).items()
        },
        "Taught again with fresh seeds": [verification(run.verified)],
        "Is every kind of example learned?": [chart.get("strata", "")],
        "What each learner learned": [learned(run, chosen, known)],
        "How the learners differ": [across(run, chosen)],
        "How the search went": [
            chart.get("progress", ""),
            paragraph(CHOSEN + MEANT, "hint"),
            trials(run.result),
        ],
        "Where this comes from": [provenance(run.command, run.result, run.settings, run.dashboard)],
    }
    sections = {title: section(title, *inner) for title, inner in parts.items()}
    return "\n".join(
        [
            f"<header>{heading(headline(rows, run.learner))}",
            paragraph(meaning(rows, run.learner), "lead"),
            paragraph(note, "soft") if note else "",
            asked(run.result),
            contents(title for title, inner in sections.items() if inner),
            f"{SORTING}</header>",
            *sections.values(),
        ]
    )


def standing(run: Run) -> str:
    """Whether the run came to its end, and where not how far it is; nothing where all is well."""
    stopped = str(run.result.attrs.get("stopped"))
    if run.ahead or stopped == "running":
        budget = int(run.result.attrs["evaluations"])
        own = (run.result["origin"] == "search").values
        done = min(int(own.sum()), budget)  # those of shrinking come on top
        tried = f"{done} of {several(budget, 'evaluation')} done"
        if "fidelity" in run.result.dims:
            full = int(np.isfinite(run.result["generalization_at"].values[own, -1]).sum())
            tried = f"{done} of {several(budget, 'lesson')} looked at, {full} trained in full"
        to_come = f", still to come: {', '.join(run.ahead)}" if run.ahead else ""
        return (
            f"This run is not finished: {tried}{to_come}. "
            "The page is written anew while the run is at work; where it is not, the same command goes on."
        )
    return {
        "interrupted": "This run was interrupted: here is what had finished. The same command goes on.",
        "exhausted": "The searcher ran out of new sentences before its budget was used up.",
    }.get(stopped, "")


def learned(run: Run, chosen: Sequence[Found], known: Sequence[Description]) -> str:
    """The samples of every verified learner after the best teaching set, and all of it in sentences."""
    pictures = "y" in run.result.dims
    if run.verified is None:
        counts = {(one.learner, one.taught): one.samples for one in known}
        return learned_sets.in_sentences(known, run.folder, counts, pictures) if chosen else ""
    winner = next((row for row in chosen if row.fresh), None)
    each = ""
    if winner is not None:
        each = paragraph(f"All were taught {winner.sentence}.", "soft") + learned_sets.each_learner(
            run.verified, winner, known, run.target, run.window, run.command
        )
    counts = learned_sets.counts_of(run.verified)
    return each + learned_sets.in_sentences(known, run.folder, counts, pictures)


def across(run: Run, chosen: Sequence[Found]) -> str:
    """The pairwise divergences of the verified learners after the best teaching set."""
    winner = next((row for row in chosen if row.fresh), None)
    if run.verified is None or winner is None:
        return ""
    return differences(run.verified, winner.sentence, run.target, run.folder)


def sheets_of(run: Run, row: Found) -> dict[str, Picture]:
    """What was taught and what was learned, where it was kept."""
    pictures = {}
    examples = examples_of(run.result, row)
    if examples is not None and len(examples):
        pictures["taught"] = of_examples(examples, row.n, row.sentence, run.window)
    samples = samples_of(run.result, run.verified, row, run.learner)
    if samples is not None and len(samples):
        pictures["learned"] = of_samples(samples, row.sentence, run.target, run.window, run.learner)
    return pictures


def shown(run: Run, rows: Sequence[Found]) -> list[Found]:
    """Whose pictures are shown: the best, what was verified, the front, the rest by g; a baseline last."""
    winner, plain = best(rows), best_baseline(rows)
    on_front = front(run.result, rows)
    found_here = [row for row in rows if row.origin == "search" and row.trainings]
    found_here.sort(key=lambda row: (row is not winner, not row.fresh, row not in on_front, -row.g, row.n))
    return [*found_here[: run.sentences], *([plain] if plain is not None else [])]


def provenance(command: str, data: xr.Dataset, settings: str, dashboard: str = "") -> str:
    """Commands, versions and every setting."""
    versions = json.loads(str(data.attrs.get("versions", "{}")))
    rows = [
        ("command", command),
        ("dashboard", dashboard),
        ("made", str(data.attrs.get("created", ""))),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return pairs(rows) + details("All settings", code(settings))
