"""Sheets of pictures: many small ones side by side, each in a thin frame, white on black."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.style import GREY, ORANGE, WIDTH, new_figure, styled

GAP = 0.14  # between two pictures, in widths of one
CAPTION = 0.15  # inch, for a line of words below a picture


@styled
def sheet(
    pictures: ArrayLike,
    captions: Sequence[str] = (),
    *,
    columns: int | None = None,
    valid: ArrayLike | None = None,
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Pictures in rows: bool or float[n, h, w], black 0 and white 1, what lies beyond is clipped.

    captions: one per picture, or none. valid: bool[n]; where False the frame is thick and coloured. A picture
    of NaN is left out, as result files pad with them. width: of the figure in inches, less where the pictures
    are few. AnalysisError where numbers do not match.
    """
    shown = present(pictures)
    count = len(shown)
    columns = columns or min(max(count, 1), 16, max(8, math.ceil(math.sqrt(3 * count))))
    rows = max(1, math.ceil(count / columns))
    side = min(width / (columns * (1 + GAP)), 0.9)
    ratio = np.shape(pictures)[1] / np.shape(pictures)[2]
    below = CAPTION / (side * ratio) if captions else 0.0
    step = side * (ratio * (1 + below) + GAP)
    figure = new_figure(columns * side * (1 + GAP) + 0.1, rows * step + 0.1 + (0.25 if title else 0))
    axes = figure.add_subplot()
    tile(axes, shown, columns, captions=captions, below=below, valid=valid)
    if title:
        axes.set_title(title)
    return figure


def present(pictures: ArrayLike) -> NDArray[Any]:
    """The pictures without those that are all NaN: float[n, h, w]."""
    array = np.asarray(pictures, float)
    if array.ndim != 3:
        raise AnalysisError(f"a sheet shows pictures [n, h, w], got shape {array.shape}")
    return array[~np.isnan(array).all(axis=(1, 2))] if array.size else array


def tile(
    axes: Axes,
    pictures: NDArray[Any],
    columns: int,
    *,
    captions: Sequence[str] = (),
    below: float = 0.0,
    valid: ArrayLike | None = None,
) -> None:
    """Fills axes with pictures in rows of `columns`, with `below` picture heights for words under each."""
    if captions and len(captions) != len(pictures):
        raise AnalysisError(f"there are {len(pictures)} pictures but {len(captions)} captions")
    marked = np.zeros(len(pictures), bool) if valid is None else ~np.asarray(valid, bool)
    if len(marked) != len(pictures):
        raise AnalysisError(f"there are {len(pictures)} pictures but {len(marked)} verdicts")
    height, width = pictures.shape[1:]
    line = height * (1 + below) + GAP * width
    frames: list[list[tuple[float, float]]] = []
    for i, picture in enumerate(pictures):
        left, top = (i % columns) * width * (1 + GAP), (i // columns) * line
        box = (left, left + width, top + height, top)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=box, interpolation="nearest", aspect="equal")
        x0, x1, y1, y0 = box
        frames.append([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
        if captions:
            axes.text(left + width / 2, top + height * 1.04, captions[i], ha="center", va="top", fontsize=6.5)
    plain = [frame for frame, outside in zip(frames, marked, strict=True) if not outside]
    wrong = [frame for frame, outside in zip(frames, marked, strict=True) if outside]
    axes.add_collection(LineCollection(plain, colors=GREY, linewidths=0.5, zorder=3))
    axes.add_collection(LineCollection(wrong, colors=ORANGE, linewidths=1.4, zorder=4))
    rows = max(1, math.ceil(len(pictures) / columns))
    axes.set_xlim(-0.05 * width, columns * width * (1 + GAP) - GAP * width + 0.05 * width)
    axes.set_ylim(rows * line - GAP * width + 0.05 * height, -0.05 * height)
    axes.set_axis_off()
