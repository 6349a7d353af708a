"""What sentences denote, side by side: lines of pictures under their names, and windows full of points."""

import math
from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.pictures import GAP, present
from analysis.style import BLUE, GREY, WIDTH, new_figure, styled

NAME = 0.2  # inch, for the name above a line of pictures
LARGEST = 0.75  # inch, a picture's width
PANEL = 2.1  # inch, a window of points
LETTERS = 42  # in a line above a window of points


@styled
def shelf(
    lines: Sequence[tuple[str, ArrayLike]], *, columns: int = 8, title: str = "", width: float = WIDTH
) -> Figure:
    """Named groups of pictures, each from a new line on with its name above.

    lines: (name, bool or float[n, h, w]), all of one height and width; black 0 and white 1. columns: pictures
    in a line; a group of more goes on below. AnalysisError without any group, or for pictures of two sizes.
    """
    groups = [(name, present(pictures)) for name, pictures in lines]
    sizes = {pictures.shape[1:] for _, pictures in groups}
    if len(sizes) != 1:
        raise AnalysisError(f"a shelf shows pictures of one size, got {len(sizes)} sizes")
    height, across = sizes.pop()
    side = min(width / (columns * (1 + GAP)), LARGEST)
    above, gap, ratio = NAME / side, GAP, height / across  # all in widths of a picture
    rows = [max(1, math.ceil(len(pictures) / columns)) for _, pictures in groups]
    total = sum(above + count * (ratio + gap) for count in rows)
    figure = new_figure(columns * side * (1 + gap) + 0.1, total * side + 0.2 + (0.35 if title else 0))
    axes = figure.add_subplot()
    frames: list[NDArray[np.float64]] = []
    top = 0.0
    for (name, pictures), count in zip(groups, rows, strict=True):
        axes.text(0.0, top + 0.75 * above, name, ha="left", va="baseline", fontsize=6.5)
        top += above
        for i, picture in enumerate(pictures):
            left, upper = (i % columns) * (1 + gap), top + (i // columns) * (ratio + gap)
            box = (left, left + 1, upper + ratio, upper)
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=box, interpolation="nearest")
            frames.append(np.array([(left, upper), (left + 1, upper), (left + 1, upper + ratio)]))
            frames.append(np.array([(left + 1, upper + ratio), (left, upper + ratio), (left, upper)]))
        top += count * (ratio + gap)
    axes.add_collection(LineCollection(frames, colors=GREY, linewidths=0.5, zorder=3))
    axes.set_xlim(-0.05, columns * (1 + gap) - gap + 0.05)
    axes.set_ylim(top - gap + 0.05, -0.05)
    axes.set_aspect("equal")
    axes.set_axis_off()
    if title:
        axes.set_title(title)
    return figure


@styled
def clouds(named: Sequence[tuple[str, ArrayLike]], window: float, *, columns: int = 3) -> Figure:
    """Named sets of points of the plane, float[n, 2], each seen through [-window, window]^2.

    AnalysisError without any.
    """
    if not named:
        raise AnalysisError("there are no points to draw")
    columns = min(columns, len(named))
    rows = math.ceil(len(named) / columns)
    side = PANEL if len(named) > 1 else 2 * PANEL
    figure = new_figure(columns * side, rows * (side + 0.3))
    for place, (name, points) in enumerate(named):
        axes = figure.add_subplot(rows, columns, place + 1)
        x, y = np.asarray(points, float).reshape(-1, 2).T
        axes.scatter(x, y, s=max(0.5, min(12.0, 4000.0 / max(len(x), 1))), color=BLUE, linewidths=0)
        axes.set(xlim=(-window, window), ylim=(-window, window), aspect="equal")
        axes.set_title("\n".join(wrap(name, LETTERS, max_lines=3, placeholder=" …")), fontsize=6)
        axes.grid(False)
    return figure
