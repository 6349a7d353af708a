"""Backward dynamics: how noise becomes samples, state by state."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from analysis.errors import AnalysisError
from analysis.style import BLUE, COLOURS, GREY, WIDTH, new_figure, styled

STATES, SAMPLES, PATHS = 9, 6, 24  # at most shown
GAP = 0.14


@styled
def trajectories(
    states: ArrayLike,
    noise: Sequence[float] | None = None,
    *,
    window: float | None = None,
    title: str = "",
) -> Figure:
    """States along a sampler, from noise to sample: float[states, samples, h, w], or [states, samples, 2].

    Pictures: a row for each of the first 6 samples, up to 9 states evenly chosen, each state on a grey scale
    of its own, since noise is many times as bright as a sample. Points: the first panels are clouds of some
    states, the last one the paths of 24 points. noise: level of each state. AnalysisError for other shapes.
    """
    array = np.asarray(states, float)
    if array.ndim not in (3, 4) or len(array) < 2 or (array.ndim == 3 and array.shape[-1] != 2):
        raise AnalysisError(
            f"trajectories are [states, samples, h, w] or [states, samples, 2] of two states or more, "
            f"got shape {array.shape}"
        )
    if noise is not None and len(noise) != len(array):
        raise AnalysisError(f"there are {len(array)} states but {len(noise)} levels of noise")
    most = STATES if array.ndim == 4 else 5
    chosen = np.unique(np.linspace(0, len(array) - 1, min(most, len(array))).round().astype(int))
    names = [f"state {i}" if noise is None else f"σ = {noise[i]:.2g}" for i in chosen]
    drawn = _pictures if array.ndim == 4 else _points
    return drawn(array, chosen, names, window, title)


def _pictures(
    array: np.ndarray, chosen: np.ndarray, names: Sequence[str], window: float | None, title: str
) -> Figure:
    shown = array[chosen][:, :SAMPLES]
    columns, rows = shown.shape[:2]
    ratio = shown.shape[2] / shown.shape[3]
    side = min(0.72, WIDTH / (columns * (1 + GAP)))
    above = 0.2 + (0.25 if title else 0)
    figure = new_figure(columns * side * (1 + GAP) + 0.1, rows * side * (ratio + GAP) + above + 0.05)
    axes = figure.add_subplot()
    frames = []
    for i, state in enumerate(shown):
        spread = max(0.5, 2 * float(np.nanstd(state)))
        for j, picture in enumerate(state):
            left, top = i * (1 + GAP), j * (ratio + GAP)
            axes.imshow(picture, cmap="gray", vmin=0.5 - spread, vmax=0.5 + spread, interpolation="nearest",
                        extent=(left, left + 1, top + ratio, top))  # fmt: skip
            corners = [
                (left, top),
                (left + 1, top),
                (left + 1, top + ratio),
                (left, top + ratio),
                (left, top),
            ]
            frames.append(corners)
        axes.text(i * (1 + GAP) + 0.5, -0.1, names[i], ha="center", va="bottom", fontsize=6.5)
    axes.add_collection(LineCollection(frames, colors=GREY, linewidths=0.5))
    axes.set_xlim(-0.05, columns * (1 + GAP) - GAP + 0.05)
    axes.set_ylim(rows * (ratio + GAP) - GAP + 0.05, -0.05)
    axes.set_axis_off()
    if title:
        axes.set_title(title, pad=14)
    return figure


def _points(
    array: np.ndarray, chosen: np.ndarray, names: Sequence[str], window: float | None, title: str
) -> Figure:
    across = len(chosen) + 1
    side = WIDTH / min(across, 6)
    figure = new_figure(side * across, side + 0.35 + (0.25 if title else 0))
    for i, state in enumerate(chosen):
        axes = figure.add_subplot(1, across, i + 1)
        points = array[state]
        axes.scatter(
            points[:, 0], points[:, 1], s=max(1.0, min(6.0, 800 / len(points))), color=BLUE, linewidths=0
        )
        size = (
            window
            if i == len(chosen) - 1 and window
            else 1.05 * float(np.nanmax(np.abs(points), initial=0.1))
        )
        axes.set(xlim=(-size, size), ylim=(-size, size), aspect="equal", xticks=[], yticks=[])
        framed(axes)
        axes.set_title(f"{names[i]}\n±{size:.2g}", fontsize=6.5)
    axes = figure.add_subplot(1, across, across)
    size = window or 1.05 * float(np.nanmax(np.abs(array[-1]), initial=0.1))
    for i, path in enumerate(array[:, :PATHS].transpose(1, 0, 2)):
        axes.plot(*path.T, color=COLOURS[i % len(COLOURS)], lw=0.6, alpha=0.8)
        axes.plot(*path[-1], ".", color="black", ms=2.5)
    axes.set(xlim=(-size, size), ylim=(-size, size), aspect="equal", xticks=[], yticks=[])
    framed(axes)
    axes.set_title(f"paths\n±{size:.2g}", fontsize=6.5)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    return figure


def framed(axes: Axes) -> None:
    """A thin frame on all sides, as around a picture."""
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5, color=GREY)
