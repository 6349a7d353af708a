"""Motions of pictures on a grid, and the orbit of a set: every image of every member.

A motion here is a family of maps that can be undone: if y is an image of x, then x is one of y. So a picture
is in the orbit of a set iff one of its own images is in the set. There are shifts (with or without wrapping)
and turns about the middle (rotations, reflections, both); shifts followed by turns are turns followed by
shifts, so an orbit of an orbit is the orbit under both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.combinations import estimate_draws, uniform_draws
from grammars.example_set import ExampleSet, draw_accepted, log2_with_error
from grammars.spaces import Examples, empty, ordered

Image = tuple[Any, NDArray[np.bool_]]
"""One map applied to a batch: the images, bool[n, height, width], and which of them there are, bool[n]."""


@dataclass(frozen=True)
class Motions:
    """A shift of a kind, then a turn of a kind; "" is no motion.

    shift: "translations" keep every white pixel on the grid; "rolls" wrap around the edges, as on a torus.
    turn: "rotations" are quarter turns on a square grid, half turns on another; "reflections" exchange left
    and right, top and bottom, or both; "symmetries" are both kinds together.
    """

    shift: str = ""
    turn: str = ""

    def then(self, other: Motions) -> Motions:
        """Both one after the other, in either order."""
        return Motions(_wider(self.shift, other.shift, "rolls"), _wider(self.turn, other.turn, "symmetries"))

    def count(self, shape: tuple[int, ...]) -> int:
        """Number of maps on a grid of this shape, at most."""
        return (math.prod(shape) if self.shift else 1) * len(self._turns(shape))

    def images(self, pictures: Any) -> Iterator[Image]:
        """Each map of the family, applied to all pictures."""
        for shifted, there in self._shifted(pictures):
            for quarters, mirror in self._turns(pictures.shape[1:]):
                yield _turned(shifted, quarters, mirror), there

    def random_images(self, pictures: Any, rng: np.random.Generator) -> Any:
        """One image of each picture, uniform among the maps that apply to it."""
        moved = self._shifted_at_random(pictures, rng)
        turns = self._turns(pictures.shape[1:])
        chosen = rng.integers(len(turns), size=len(pictures))
        for index, (quarters, mirror) in enumerate(turns):
            moved[chosen == index] = _turned(moved[chosen == index], quarters, mirror)
        return moved

    def keeps(self, region: NDArray[np.bool_]) -> bool:
        """Whether the turns take a region to itself."""
        return all((_turned(region[None], *turn)[0] == region).all() for turn in self._turns(region.shape))

    def _turns(self, shape: tuple[int, ...]) -> list[tuple[int, bool]]:
        """Quarter turns, and whether left and right are exchanged before."""
        step = 1 if shape[0] == shape[1] else 2
        rotations = [(quarters, False) for quarters in range(0, 4, step)]
        return {
            "": [(0, False)],
            "rotations": rotations,
            "reflections": [(0, False), (2, False), (0, True), (2, True)],
            "symmetries": rotations + [(quarters, True) for quarters in range(0, 4, step)],
        }[self.turn]

    def _shifted(self, pictures: Any) -> Iterator[Image]:
        count, height, width = pictures.shape
        everywhere = np.ones(count, dtype=bool)
        if not self.shift:
            yield pictures, everywhere
            return
        rows, columns, high, wide = _boxes(pictures)
        cornered = pictures if self.shift == "rolls" else _rolled(pictures, -rows, -columns)
        for down in range(height):
            for right in range(width):
                there = (
                    everywhere if self.shift == "rolls" else (down + high <= height) & (right + wide <= width)
                )
                yield np.roll(cornered, (down, right), axis=(1, 2)), there

    def _shifted_at_random(self, pictures: Any, rng: np.random.Generator) -> Any:
        count, height, width = pictures.shape
        if not self.shift:
            return pictures.copy()
        if self.shift == "rolls":
            return _rolled(pictures, rng.integers(height, size=count), rng.integers(width, size=count))
        rows, columns, high, wide = _boxes(pictures)
        down, right = rng.integers(height - high + 1), rng.integers(width - wide + 1)
        return _rolled(pictures, down - rows, right - columns)


class Translations(Motions):
    """All shifts that keep every white pixel on the grid."""

    def __init__(self) -> None:
        super().__init__(shift="translations")


class Rolls(Motions):
    """All shifts, wrapped around the edges."""

    def __init__(self) -> None:
        super().__init__(shift="rolls")


class Rotations(Motions):
    """Quarter turns of a square grid, half turns of another."""

    def __init__(self) -> None:
        super().__init__(turn="rotations")


class Reflections(Motions):
    """Left and right exchanged, top and bottom exchanged, both, neither."""

    def __init__(self) -> None:
        super().__init__(turn="reflections")


class Symmetries(Motions):
    """Rotations and reflections: the 8 symmetries of a square grid, the 4 of another."""

    def __init__(self) -> None:
        super().__init__(turn="symmetries")


def _wider(kind: str, other: str, widest: str) -> str:
    """The family that holds both kinds."""
    return kind if other in ("", kind) else other if kind == "" else widest


def _turned(pictures: Any, quarters: int, mirror: bool) -> Any:
    return np.rot90(pictures[:, :, ::-1] if mirror else pictures, quarters, axes=(1, 2))


def _boxes(pictures: Any) -> tuple[Any, Any, Any, Any]:
    """Of the white pixels of each picture: first row and column, height and width; one pixel without any."""
    found = []
    for axis in (2, 1):
        used = pictures.any(axis=axis)
        used[~used.any(axis=1), 0] = True
        first = used.argmax(axis=1)
        found.append((first, used.shape[1] - used[:, ::-1].argmax(axis=1) - first))
    (row, high), (column, wide) = found
    return row, column, high, wide


def _rolled(pictures: Any, down: Any, right: Any) -> Any:
    """Each picture shifted by its own number of rows and columns, wrapped."""
    count, height, width = pictures.shape
    rows = (np.arange(height)[None] - np.reshape(down, (-1, 1))) % height
    columns = (np.arange(width)[None] - np.reshape(right, (-1, 1))) % width
    return pictures[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def orbit_of(base: ExampleSet, motion: Motions) -> ExampleSet:
    """Every image of every member, in the form that knows most about itself."""
    if base.keeps(motion):
        return base
    if type(base) is Orbit:
        return orbit_of(base.base, base.motions.then(motion))
    return Orbit(base, motion)


class Orbit(ExampleSet):
    """Every image of every member of a base set under a family of motions.

    An image must belong to the stratum of its origin (the number of white pixels always does). Uniform where
    the base is: an image y of a uniform member is kept with a chance inversely proportional to how many of
    y's images are members, and proportional to how many images y has. Sizes by listing, None where the set
    is too long for that: images of different members may be the same.
    """

    def __init__(self, base: ExampleSet, motions: Motions) -> None:
        super().__init__(base.space, base.traits)
        self.base, self.motions = base, motions

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        return self.base.sampling

    @property
    def maps(self) -> int:
        """Number of maps, at most."""
        return self.motions.count(self.space.shape)

    @property
    def work(self) -> float:
        return self.maps * self.base.work

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = np.zeros(len(examples), dtype=bool)
        for start in range(0, len(examples), 1024):
            part = examples[start : start + 1024]
            for image, there in self.motions.images(part):
                left = np.flatnonzero(there & ~inside[start : start + 1024])
                if len(left):
                    inside[start + left] = self.base.contains(np.ascontiguousarray(image[left]))
        return inside

    def _multiplicities(self, examples: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each example, how many maps apply to it and how many of these lead into the base."""
        applying = np.zeros(len(examples), dtype=np.int64)
        leading = np.zeros(len(examples), dtype=np.int64)
        for image, there in self.motions.images(examples):
            applying += there
            leading += there & self.base.contains(np.ascontiguousarray(image))
        return applying, leading

    def _strata(self) -> list[int]:
        return list(self.base.sizes())

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        def propose(m: int) -> Examples:
            return np.asarray(self.motions.random_images(self.base.draw(stratum, m, rng), rng))

        def accept(moved: Any) -> NDArray[np.bool_]:
            applying, leading = self._multiplicities(moved)
            return rng.random(len(moved)) * self.maps < applying / np.maximum(leading, 1)

        return draw_accepted(n, propose, accept, empty(self.space), self.work)

    def _members(self, limit: int) -> Examples | None:
        base = self.base.members()
        if base is None or len(base) * self.maps > 16 * limit:
            return None
        images = [image[there] for image, there in self.motions.images(base)]
        found = ordered(np.concatenate([empty(self.space), *images]))
        return found if len(found) <= limit else None

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """The base's size times the mean, over its uniform draws, of images had over images in the base."""
        log_base, error_base = self.base.log2_size(rng)
        drawn = uniform_draws(self.base, estimate_draws(self), rng)
        if not len(drawn):
            return -math.inf, 0.0
        applying, leading = self._multiplicities(drawn)
        ratio = applying / leading
        mean, error = float(ratio.mean()), float(ratio.std() / math.sqrt(len(ratio)))
        log_mean, log_error = log2_with_error(mean, error)
        return log_base + log_mean, math.hypot(error_base, log_error)

    def keeps(self, motion: Motions) -> bool:
        both = self.motions.then(motion)
        same = (both.shift, both.turn) == (self.motions.shift, self.motions.turn)
        return same or self.base.keeps(motion)
