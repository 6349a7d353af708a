"""What one example is: a grid of black and white pixels, or a point of the plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.errors import GrammarError

Examples = NDArray[Any]
"""A batch of examples: `bool[n, height, width]` on a grid, `float64[n, 2]` on the plane."""

LONGEST_SIDE = 64


@dataclass(frozen=True)
class Grid:
    """A grid of `height` x `width` pixels; an example is `bool[height, width]`, white = True.

    Row 0 is the top row, column 0 the left one. Each side has between 1 and 64 pixels.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            side = getattr(self, name)
            if not isinstance(side, int) or isinstance(side, bool) or not 1 <= side <= LONGEST_SIDE:
                raise GrammarError(f"a grid's {name} is an integer in 1..{LONGEST_SIDE}, but got {side!r}")

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def size(self) -> int:
        """Number of pixels, the dimension d."""
        return self.height * self.width

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(np.bool_)

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"


@dataclass(frozen=True)
class Plane:
    """The plane R^2 seen through the window [-window, window]^2; an example is `float64[2]`, (x, y)."""

    window: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.window, int | float) or not 0 < self.window < math.inf:
            raise GrammarError(f"a plane's window is a positive finite number, but got {self.window!r}")

    @property
    def shape(self) -> tuple[int]:
        return (2,)

    @property
    def size(self) -> int:
        """Dimension d of an example."""
        return 2

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(np.float64)

    def __str__(self) -> str:
        return f"plane({self.window:g})"


Space = Grid | Plane


def check_examples(examples: Examples, space: Space) -> Examples:
    """`examples` as they are, or a GrammarError unless they are a batch of the space's examples."""
    examples = np.asarray(examples)
    if examples.shape[1:] != space.shape or examples.ndim != len(space.shape) + 1:
        wanted = ", ".join(map(str, space.shape))
        raise GrammarError(f"examples on {space} have the shape (n, {wanted}), but got {examples.shape}")
    if examples.dtype != space.dtype:
        raise GrammarError(f"examples on {space} are {space.dtype}, but got {examples.dtype}")
    return examples


def empty(space: Space, n: int = 0) -> Examples:
    """A batch of n examples, all black (or at the origin)."""
    return np.zeros((n, *space.shape), dtype=space.dtype)


def flat(examples: Examples) -> Examples:
    """One row per example, [n, d]; also where there is none."""
    return examples.reshape(len(examples), math.prod(examples.shape[1:]))


def keys(examples: Examples) -> NDArray[np.void]:
    """One comparable, sortable key per example: equal iff the examples are equal bit for bit."""
    rows = np.ascontiguousarray(flat(examples))
    raw = np.packbits(rows, axis=1) if rows.dtype == np.bool_ else rows.view(np.uint8)
    raw = np.ascontiguousarray(raw)
    return raw.view(np.dtype((np.void, raw.shape[1])))[:, 0]


def distinct(examples: Examples, at_most: int | None = None) -> Examples:
    """The examples without repetition, in order of first appearance, at most so many."""
    _, first = np.unique(keys(examples), return_index=True)
    chosen = np.sort(first)
    return examples[chosen if at_most is None else chosen[:at_most]]


def ordered(examples: Examples) -> Examples:
    """The examples without repetition, in ascending order of their keys: the canonical list of a set."""
    _, first = np.unique(keys(examples), return_index=True)
    return examples[first]
