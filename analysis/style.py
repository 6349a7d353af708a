"""One style for all figures, and how a figure is made and written without any global state of pyplot.

Colours are those of Okabe & Ito (2008), told apart with every common kind of colour blindness; wherever they
carry meaning, a marker, a line or a frame carries it too.
"""

import io
import math
import os
import uuid
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.errors import AnalysisError

BLUE, ORANGE, GREEN, SKY = "#0072B2", "#D55E00", "#009E73", "#56B4E9"
PURPLE, YELLOW, BLACK, GREY, PALE = "#CC79A7", "#E69F00", "#000000", "#767676", "#C9C9C9"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, BLACK)
MARKERS = ("o", "s", "D", "^", "v", "P", "X")

WIDTH = 6.75  # inch: the text of a page in one column
NARROW = 3.6  # inch: the screen of a phone; letters are as large as in the wide figure
LINE, LONG = 13, 28  # points, a line of a legend; letters of a label that has the line to itself
DPI = 200

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.labelcolor": "#222222",
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "#222222",
    "ytick.labelcolor": "#222222",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "errorbar.capsize": 2,
    "savefig.dpi": DPI,
    "figure.facecolor": "white",
    "pdf.fonttype": 42,  # letters stay letters
    "svg.hashsalt": "learned-sets",
}

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draws in the house style and leaves matplotlib's settings as they were."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return inside


class Drawing(Figure):
    """A figure that a notebook shows where it is the value of a cell, without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)


def new_figure(
    width: float = WIDTH, height: float = 3.2, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """An empty figure in inches that no window and no list of figures knows of."""
    figure = Drawing(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def beside_axes(axes: Axes, title: str = "", **settings: Any) -> None:
    """The legend outside, above the drawing on the right, where it hides nothing; the title above it."""
    labels = axes.get_legend_handles_labels()[1]
    columns = 6 if wide(axes) else 2 if max(map(len, labels), default=0) < LONG else 1
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        columnspacing=1.3,
        handletextpad=0.5,
        **settings,
    )
    axes.set_title(title, pad=5 + LINE * math.ceil(len(labels) / columns) if title else 6)


def wide(axes: Axes) -> bool:
    """Whether the figure has the width of a page rather than that of a phone."""
    figure = axes.get_figure(root=True)
    return figure is None or figure.get_figwidth() > (WIDTH + NARROW) / 2


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as the bytes of a PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    _render(figure, buffer, "png", dpi)
    return buffer.getvalue()


def write(figure: Figure, path: str | Path, dpi: int = DPI) -> Path:
    """Writes a figure as PNG, PDF or SVG, by the ending of `path`, in one step.

    AnalysisError for another ending or where the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "pdf", "svg"):
        raise AnalysisError(f"a figure is written as .png, .pdf or .svg, got {path.name!r}")
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    buffer = io.BytesIO()
    _render(figure, buffer, kind, dpi)
    try:
        beside.write_bytes(buffer.getvalue())
        os.replace(beside, path)
    except OSError as error:
        if path.parent.is_dir():
            beside.unlink(missing_ok=True)
        raise AnalysisError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _render(figure: Figure, buffer: io.BytesIO, kind: str, dpi: int) -> None:
    # No date and no version inside: equal figures are equal files.
    metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[kind]
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
