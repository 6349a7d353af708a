"""The best teaching sets as pictures, with their sentences, beside what was learned from them."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.evidence import is_crisp
from analysis.pictures import GAP, present, tile
from analysis.style import GREY, WIDTH, new_figure, styled
from analysis.target import Target

COLUMNS, ROWS = 8, 2  # pictures of each side that are shown
LETTERS = 98  # of the sentence in a line
LINE, HEAD, SPACE, MARGIN = 0.14, 0.17, 0.2, 0.06  # inch


@dataclass(frozen=True, eq=False)
class Taught:
    """A lesson and what came of it, as `teaching_sets` draws it.

    n and bits: of the lesson. learned: a few words over the samples, such as g with its interval. examples:
    bool or float[n, h, w]; samples: float[N, h, w]; valid: bool[N], which are in the target, if known.
    """

    sentence: str
    n: int
    bits: float
    learned: str
    examples: NDArray[Any]
    samples: NDArray[Any]
    valid: NDArray[np.bool_] | None = None


def taught(
    result: xr.Dataset, trial: int, *, seed: int = 0, target: Target | None = None, learned: str = ""
) -> Taught:
    """One trial of a result: `sentence`, `n`, `bits`, `generalization`, `examples` and `samples` by position.

    With a target, samples outside it are marked. `learned` stands over the samples in place of the mean g.
    """
    one = result.isel(trial=trial)
    samples = present(one["samples"].isel(seed=seed).values)
    valid = None
    if target is not None:
        valid = is_crisp(samples)
        valid[valid] = target.contains(samples[valid] > 0.5)
    return Taught(
        sentence=str(one["sentence"].item()),
        n=int(one["n"]),
        bits=float(one["bits"]),
        learned=learned or f"g = {float(one['generalization'].mean()):.2f}",
        examples=present(one["examples"].values),
        samples=samples,
        valid=valid,
    )


@styled
def teaching_sets(rows: Sequence[Taught], *, title: str = "") -> Figure:
    """Each lesson as a row: its sentence, on the left what was taught, on the right what was learned.

    At most 16 pictures of each; frames of samples outside the target are thick and coloured.
    """
    if not rows:
        raise AnalysisError("there is no teaching set to draw")
    texts = [textwrap.wrap(row.sentence, LETTERS, break_on_hyphens=False) or [""] for row in rows]
    blocks = [_height(row) for row in rows]
    heights = [len(text) * LINE + HEAD + block + SPACE for text, block in zip(texts, blocks, strict=True)]
    above = MARGIN + (0.25 if title else 0)
    total = above + sum(heights) - SPACE + MARGIN
    figure = new_figure(WIDTH, total, layout=None)
    if title:
        figure.text(MARGIN / WIDTH, 1 - MARGIN / total, title, fontsize=9, va="top")
    for row, text, block, height in zip(rows, texts, blocks, heights, strict=True):
        for line, words in enumerate(text):
            y = 1 - (above + line * LINE) / total
            figure.text(MARGIN / WIDTH, y, words, fontsize=7, family="DejaVu Sans Mono", va="top")
        top = above + len(text) * LINE
        for i, (words, pictures, valid) in enumerate(_sides(row)):
            left = MARGIN + i * WIDTH / 2
            figure.text(left / WIDTH, 1 - (top + 0.02) / total, words, fontsize=7, color=GREY, va="top")
            place = (left / WIDTH, 1 - (top + HEAD + block) / total, _side_width() / WIDTH, block / total)
            axes = figure.add_axes(place)
            tile(axes, pictures, COLUMNS, valid=valid)
            axes.set_anchor("NW")
        above += height
    return figure


def _sides(row: Taught) -> list[tuple[str, NDArray[Any], NDArray[np.bool_] | None]]:
    """The words over each side, its pictures and which of them are in the target."""
    kept = slice(COLUMNS * ROWS)
    examples, samples = row.examples[kept], row.samples[kept]
    valid = None if row.valid is None else row.valid[kept]
    left = f"taught: n = {row.n}, {row.bits:.0f} bits"
    if row.n > len(examples):
        left += f" (first {len(examples)})"
    right = f"learned: {row.learned}"
    if valid is not None and not valid.all():
        right += f" ({np.count_nonzero(~valid)} of these {len(valid)} outside the target)"
    return [(left, examples, None), (right, samples, valid)]


def _side_width() -> float:
    return WIDTH / 2 - 2 * MARGIN


def _height(row: Taught) -> float:
    """Of the pictures of one row, in inches."""
    lines = min(ROWS, math.ceil(max(len(row.examples), len(row.samples), 1) / COLUMNS))
    height, width = row.samples.shape[1:]
    picture = _side_width() / (COLUMNS * (1 + GAP))
    return lines * picture * (height / width + GAP)
