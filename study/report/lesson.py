"""report.html of a lesson: what one learner made of it, from learned.nc and what lies beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

import analysis
import grammars
from analysis.style import NARROW
from study import learned as said_of
from study.report import learned_sets
from study.report.html import (
    SORTING,
    Cell,
    contents,
    document,
    heading,
    number,
    pairs,
    paragraph,
    section,
    table,
    text,
)
from study.report.page import provenance, put
from study.report.pictures import Picture

MEANT = (
    "g is generalization, 2vc/(v+c) of validity and coverage. Intervals of 95 %: over trainings where there "
    "are several, within the training where there is one."
)


@dataclass(frozen=True)
class Lesson:
    """What the page is about: the folder, its learned.nc, its language, and how it was asked for."""

    folder: Path
    learned: xr.Dataset
    grammar: grammars.Grammar
    command: str
    settings: str


def write(lesson: Lesson) -> list[Path]:
    """Write the page and, beside it, its figures; gives the page first."""
    pictures = drawn(lesson.learned, lesson.grammar)
    files = [lesson.folder / f"{name}.png" for name in pictures]
    for file, picture in zip(files, pictures.values(), strict=True):
        put(file, picture.png)
    path = lesson.folder / "report.html"
    put(path, document(headline(lesson.learned), body(lesson, pictures)).encode())
    return [path, *files]


def headline(learned: xr.Dataset) -> str:
    """What came of it, in a sentence: the centre of g over all trainings, none of which was chosen."""
    g = next(one for one in said_of.measured(learned) if one.name == "g")
    count = int(learned.attrs["n"])
    examples = "A single example" if count == 1 else f"{count} examples"
    last = learned.isel(step=-1)
    trainings = int(np.isfinite(last["generalization"].values).sum())
    ends = "" if np.isnan(g.low) else f" [{g.low:.2f}, {g.high:.2f}]"
    return (
        f"{examples} brought {learned.attrs['learner']} to g = {g.value:.2f}{ends} in "
        f"{'one training' if trainings == 1 else f'{trainings} trainings'}"
    )


def drawn(learned: xr.Dataset, grammar: grammars.Grammar) -> dict[str, Picture]:
    """The figures of study.learn, for a page and for a phone."""
    wide, narrow = said_of.figures(learned, grammar), said_of.figures(learned, grammar, NARROW)
    who, taught = learned.attrs["learner"], learned.attrs["sentence"]
    states = ", ".join(str(step) for step in learned.step.values)
    g = ", ".join(f"{said_of.mean(learned['generalization'].sel(step=step)):.2f}" for step in learned.step)
    words = {
        "samples": (
            f"Pictures taught, {taught}, and samples of {who} after {states} training steps.",
            "What was taught, and below it what the first training sampled, state by state.",
        ),
        "curve": (
            f"Chart of the measures against training steps {states}; g is {g}.",
            f"Measures along the training. Thin lines are single trainings; the dotted line, g = "
            f"{said_of.LEARNED}, is where a target counts as learned.",
        ),
        "trajectory": (
            f"States along the sampler of {who}, from noise to samples.",
            "The backward dynamics of the first training, from noise (state 0) to the sample"
            + ("; each column is one sample." if "y" in learned.dims else "."),
        ),
    }
    return {
        name: Picture(analysis.png(figure), *words[name], narrow=analysis.png(narrow[name]))
        for name, figure in wide.items()
    }


def body(lesson: Lesson, pictures: Mapping[str, Picture]) -> str:
    """The page from its head to its provenance."""
    learned = lesson.learned
    figure = {name: one.html(lesson.command) for name, one in pictures.items()}
    parts = {
        "What was learned": [paragraph(MEANT, "hint"), measures(learned), figure["samples"]],
        "In a sentence": [described(lesson)],
        "Along the training": [figure["curve"], states(learned)] if "curve" in figure else [],
        "Is every kind of example learned?": [strata(learned) if "stratum" in learned.dims else ""],
        "From noise to sample": [
            figure.get("trajectory", ""),
            paragraph(f"No trajectory: {learned.attrs['no_trajectory']}.", "soft")
            if "no_trajectory" in learned.attrs
            else "",
        ],
        "Where this comes from": [provenance(lesson.command, learned, lesson.settings)],
    }
    sections = {title: section(title, *inner) for title, inner in parts.items()}
    return "\n".join(
        [
            f"<header>{heading(headline(learned))}",
            paragraph(said_of.called(learned), "lead"),
            asked(learned),
            contents(title for title, inner in sections.items() if inner),
            f"{SORTING}</header>",
            *sections.values(),
        ]
    )


def asked(learned: xr.Dataset) -> str:
    """Lesson, target, learner and budget."""
    attributes = learned.attrs
    weights = int(attributes["parameters"])
    return pairs(
        [
            ("taught", str(attributes["sentence"])),
            ("n", f"{attributes['n']} examples, {float(attributes['bits']):.0f} bits"),
            ("target", f"{attributes['target']} on {attributes['space']}"),
            ("learner", attributes["learner"] + (f", {weights:,} weights" if weights else "")),
            ("trained", trained(learned)),
            ("samples per measure", str(attributes["samples"])),
        ]
    )


def trained(learned: xr.Dataset) -> str:
    """Steps and repetitions."""
    steps, times = int(learned.step[-1]), learned.sizes["seed"]
    how = f"{steps} steps" if steps else "in closed form"
    return f"{how}, {'once' if times == 1 else f'{times} times'}"


def measures(learned: xr.Dataset) -> str:
    """The measures of the last state."""
    body = [
        ("front" if one.name == "g" else "", [text(one.name), number(one.value, 3), text(one.ends)])
        for one in said_of.measured(learned)
    ]
    return table(["measure", "value", "95 % interval"], body, sortable=True)


def states(learned: xr.Dataset) -> str:
    """A row for each state along the training, means over the trainings."""
    names = ("loss", *said_of.SHOWN)
    body = []
    for step in learned.step.values:
        row = learned.sel(step=step)
        body.append(("", [Cell(str(int(step))), *(number(said_of.mean(row[name]), 3) for name in names)]))
    return table(["step", "loss", *said_of.SHOWN.values()], body, sortable=True)


def strata(learned: xr.Dataset) -> str:
    """Samples, distinct samples and what was expected of the target itself, stratum by stratum."""
    body = []
    for one in said_of.by_stratum(learned):
        numbers = [(one.samples, 1), (one.distinct, 1), (one.expected, 1), (one.evenness, 2)]
        body.append(("", [text(one.label), *(number(value, digits) for value, digits in numbers)]))
    words = (
        "Expected: distinct examples in as many draws of the target itself. Evenness: the share of the "
        "stratum, cut into cells by its properties, that is at least half as full as it should be."
    )
    heads = ["stratum", "samples", "distinct", "expected", "evenness"]
    return paragraph(words, "hint") + table(heads, body, sortable=True)


def described(lesson: Lesson) -> str:
    """The shortest sentence for the samples, or the command that finds it."""
    values = lesson.learned["samples"].isel(step=-1)
    there = ~np.isnan(values.transpose("seed", "sample", ...).values).any(axis=tuple(range(2, values.ndim)))
    who, taught = str(lesson.learned.attrs["learner"]), str(lesson.learned.attrs["sentence"])
    known = learned_sets.found_in(lesson.folder)
    return learned_sets.said(known, who, taught) + learned_sets.in_sentences(
        known, lesson.folder, {(who, taught): int(there.sum())}, "y" in lesson.learned.dims
    )
