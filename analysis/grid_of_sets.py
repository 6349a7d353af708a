"""The matrix of learned sets: languages down, learners across, in each cell samples and sentence."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.backward import framed
from analysis.errors import AnalysisError
from analysis.pictures import GAP, present, tile
from analysis.style import BLUE, GREY, ORANGE, WIDTH, new_figure, styled

COLUMNS, ROWS = 4, 2  # pictures in a cell
LETTER = 0.056  # inch, of the sentence
LINE, MOST = 0.115, 4  # inch a line, lines of a sentence
NAME, TOP, SPACE = 0.95, 0.28, 0.12  # inch: names of languages, of learners, between cells


@dataclass(frozen=True, eq=False)
class LearnedSet:
    """What one learner learned of one language: samples, the sentence that says it, and a few words.

    samples: bool or float[N, h, w], or points float[N, 2] with their `window`; valid: bool[N], which are in
    the target, if known. words: such as "g = 0.86, describes 97 %". ground: bool[m, m], what of the window is
    in the target, from the bottom left, if it is to be seen behind points.
    """

    samples: NDArray[Any]
    sentence: str
    words: str = ""
    valid: NDArray[np.bool_] | None = None
    window: float | None = None
    ground: NDArray[np.bool_] | None = None


@styled
def learned_sets(
    cells: Mapping[tuple[str, str], LearnedSet], *, title: str = "", width: float = WIDTH
) -> Figure:
    """Cells by (language, learner), in the order in which the names first occur; what is missing stays empty.

    Each cell shows its first eight samples, those outside the target framed, the sentence below, cut after
    four lines, and the words. AnalysisError without a cell.
    """
    if not cells:
        raise AnalysisError("there is no learned set to draw")
    rows = list(dict.fromkeys(row for row, _ in cells))
    columns = list(dict.fromkeys(column for _, column in cells))
    across = (width - NAME) / len(columns)
    letters = max(8, int((across - SPACE) / LETTER))
    texts = {key: _broken(cell.sentence, letters) for key, cell in cells.items()}
    side = (across - SPACE) / (COLUMNS * (1 + GAP))
    heights = []
    for row in rows:
        lines = max(len(texts[key]) + bool(cells[key].words) for key in cells if key[0] == row)
        heights.append(ROWS * side * (1 + GAP) + lines * LINE + SPACE + 0.06)
    total = TOP + (0.25 if title else 0) + sum(heights)
    figure = new_figure(width, total, layout=None)
    if title:
        figure.text(0.05 / width, 1 - 0.05 / total, title, fontsize=9, va="top")
    top = TOP + (0.25 if title else 0)
    for j, column in enumerate(columns):
        figure.text((NAME + j * across) / width, 1 - (top - 0.1) / total, column, fontsize=8, weight="bold")
    for row, height in zip(rows, heights, strict=True):
        figure.text(0.05 / width, 1 - (top + 0.02) / total, "\n".join(textwrap.wrap(row, 13)), fontsize=8,
                    weight="bold", va="top")  # fmt: skip
        for j, column in enumerate(columns):
            if (row, column) not in cells:
                continue
            left, cell = NAME + j * across, cells[row, column]
            block = ROWS * side * (1 + GAP)
            place = (left / width, 1 - (top + block) / total, (across - SPACE) / width, block / total)
            _samples(figure.add_axes(place), cell)
            y = top + block + 0.02
            for line in texts[row, column]:
                figure.text(
                    left / width, 1 - y / total, line, fontsize=6, family="DejaVu Sans Mono", va="top"
                )
                y += LINE
            figure.text(left / width, 1 - y / total, cell.words, fontsize=6.5, color=GREY, va="top")
        top += height
    return figure


def _broken(sentence: str, letters: int) -> list[str]:
    """Lines of a sentence, broken at its spaces and after its brackets."""
    lines = textwrap.wrap(
        sentence.replace("(", "( "), letters, max_lines=MOST, placeholder=" …", break_on_hyphens=False
    )
    return [line.replace("( ", "(") for line in lines]


def _samples(axes: Axes, cell: LearnedSet) -> None:
    if np.ndim(cell.samples) == 2:
        points = np.asarray(cell.samples, float)
        inside = np.ones(len(points), bool) if cell.valid is None else np.asarray(cell.valid, bool)
        window = cell.window or float(np.nanmax(np.abs(points), initial=1.0))
        if cell.ground is not None:
            axes.imshow(np.where(cell.ground, 0.86, 1.0), cmap="gray", vmin=0, vmax=1, origin="lower",
                        extent=(-window, window, -window, window), interpolation="nearest")  # fmt: skip
        for which, colour in ((inside, BLUE), (~inside, ORANGE)):
            axes.scatter(points[which, 0], points[which, 1], s=1.5, color=colour, linewidths=0)
        axes.set(xlim=(-window, window), ylim=(-window, window), aspect="equal", xticks=[], yticks=[])
        framed(axes)
    else:
        shown = present(cell.samples)[: COLUMNS * ROWS]
        tile(axes, shown, COLUMNS, valid=None if cell.valid is None else cell.valid[: len(shown)])
    axes.set_anchor("NW")
