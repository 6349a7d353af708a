"""What each learner learned: its samples, and the shortest sentence for them that study.describe found."""

import logging
import shlex
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from study.described import Description, descriptions
from study.errors import StudyError
from study.report.html import Cell, card, cards, code, made, number, paragraph, sentence, table, text
from study.report.pictures import of_samples
from study.report.samples import verified_samples
from study.words import Found, finite, verified_g

logger = logging.getLogger(__name__)

FILE = "described.nc"
EXPLAINED = (
    "The shortest sentence for the samples that were kept: writing it, and then the samples with its help, "
    "takes fewer bits than listing them. An upper bound: a shorter one may exist. The margin is what the "
    "next sentence costs more."
)


def found_in(folder: Path) -> list[Description]:
    """The descriptions beside a run's results; none where there are none, or none that can be read."""
    if not (folder / FILE).is_file():
        return []
    try:
        return descriptions(folder / FILE)
    except StudyError as error:  # a page without sentences is better than none, and says what makes them
        logger.warning("%s", error)
        return []


def command(folder: Path) -> str:
    """What describes a run."""
    return shlex.join(["python", "-m", "study.describe", str(folder)])


def said(known: Sequence[Description], learner: str, taught: str) -> str:
    """The learned set of one learner and lesson in a line; nothing where it is not known."""
    for one in known:
        if (one.learner, one.taught) == (learner, taught):
            return f'<p class="said">Learned set: <code>{escape(one.said)}</code></p>'
    return ""


def each_learner(
    verified: xr.Dataset, row: Found, known: Sequence[Description], target: Any, window: float, made_by: str
) -> str:
    """A card for each learner that one lesson was taught to."""
    g = {str(name): verified_g(verified, str(name)) for name in verified["learner"].values}
    shown = []
    for learner, values in g.items():
        samples = verified_samples(verified, row.sentence, learner)
        if samples is None:
            continue
        own = replace(row, trainings=finite(values[row.sentence]))
        picture = of_samples(samples, row.sentence, target, window, learner)
        numbers = [("g", own.interval), ("trainings", str(len(own.trainings)))]
        shown.append(card(learner, "", numbers, picture.html(), said(known, learner, row.sentence)))
    return cards(shown, made_by)


def in_sentences(
    known: Sequence[Description], folder: Path, counts: dict[tuple[str, str], int], pictures: bool
) -> str:
    """The table of descriptions, or the command that makes it; counts: samples by learner and lesson, as they
    are now."""
    if not pictures:
        return paragraph("Sentences are found for pictures; this run is about points.", "soft")
    current = [one for one in known if (one.learner, one.taught) in counts]
    if not current:
        words = (
            "No sentence was looked for yet. This looks for the shortest one, and writes it into this page:"
        )
        return paragraph(words, "soft") + code(command(folder))
    stale = len(current) < len(counts) or any(
        counts[one.learner, one.taught] != one.samples for one in current
    )
    note = "The run has gone on since: the command below describes it as it is now." if stale else ""
    return (
        paragraph(EXPLAINED, "hint")
        + (paragraph(note, "soft") if note else "")
        + listed(current)
        + made(command(folder))
    )


def listed(known: Sequence[Description]) -> str:
    """Descriptions, one in a row."""
    estimated = any(one.estimated for one in known)
    body = []
    for one in known:
        cells = [
            text(one.learner),
            Cell(str(one.n) if one.n else ""),
            sentence(one.sentence or "nothing better than listing"),
            number(one.share),
            number(one.sentence_bits, 0),
            number(one.sentence_bits + one.data_bits, 0),
            number(one.listing_bits, 0),
            number(one.margin, 1),
            Cell(str(one.samples)),
            *([text("estimated" if one.estimated else "counted")] if estimated else []),
            sentence(one.taught),
        ]
        body.append(("", cells))
    heads = ["learner", "n", "learned set", "share inside", "bits", "with samples", "listing", "margin"]
    heads += ["samples", *(["size"] if estimated else []), "taught"]
    return table(heads, body, sortable=True)


def counts_of(verified: xr.Dataset) -> dict[tuple[str, str], int]:
    """How many samples each learner gave after each lesson, all trainings together."""
    if "samples" not in verified:
        return {}
    values = verified["samples"].transpose("sentence", "learner", "seed", "sample", ...).values
    there = ~np.isnan(values).any(axis=tuple(range(4, values.ndim)))
    sums = there.sum(axis=(2, 3))
    return {
        (str(learner), str(taught)): int(sums[i, j])
        for i, taught in enumerate(verified["sentence"].values)
        for j, learner in enumerate(verified["learner"].values)
        if sums[i, j]
    }
