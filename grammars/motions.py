"""Motions of pictures on a grid, and the orbit of a set: every image of every member.

A motion here is a whole family of maps that can be undone: if y is an image of x, then x is one of y. So a
picture is in the orbit of a set iff one of its own images is in the set.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.combinations import DRAWS, uniform_draws
from grammars.example_set import ExampleSet, draw_accepted, log2_with_error
from grammars.spaces import Examples, empty, ordered

Image = tuple[Any, NDArray[np.bool_]]
"""One map applied to a batch: the images, bool[n, height, width], and which of them there are, bool[n]."""


class Motions(ABC):
    """A family of maps of pictures, closed under undoing."""

    @abstractmethod
    def images(self, pictures: Any) -> list[Image]:
        """Each map of the family, applied to all pictures."""

    def random_images(self, pictures: Any, rng: np.random.Generator) -> Any:
        """One image of each picture, uniform among the maps that apply to it."""
        images = self.images(pictures)
        exists = np.array([there for _, there in images])
        chance = np.where(exists, rng.random(exists.shape), -1.0).argmax(axis=0)
        moved = pictures.copy()
        for index, (image, _) in enumerate(images):
            chosen = chance == index
            moved[chosen] = image[chosen]
        return moved


class Rolls(Motions):
    """All translations, wrapped around the edges: the grid as a torus."""

    def images(self, pictures: Any) -> list[Image]:
        there = np.ones(len(pictures), dtype=bool)
        _, height, width = pictures.shape
        return [
            (np.roll(pictures, (down, right), axis=(1, 2)), there)
            for down in range(height)
            for right in range(width)
        ]


class Translations(Motions):
    """All translations that keep every white pixel on the grid."""

    def images(self, pictures: Any) -> list[Image]:
        _, height, width = pictures.shape
        white = pictures.sum(axis=(1, 2))
        found = []
        for down in range(1 - height, height):
            for right in range(1 - width, width):
                moved = np.zeros_like(pictures)
                into, out = _window(height, width, down, right), _window(height, width, -down, -right)
                moved[:, *into] = pictures[:, *out]
                found.append((moved, moved.sum(axis=(1, 2)) == white))
        return found


def _window(height: int, width: int, down: int, right: int) -> tuple[slice, slice]:
    return (
        slice(max(0, down), height + min(0, down)),
        slice(max(0, right), width + min(0, right)),
    )


class Rotations(Motions):
    """Quarter turns of a square grid; half turns of another."""

    def images(self, pictures: Any) -> list[Image]:
        there = np.ones(len(pictures), dtype=bool)
        turns = range(4) if pictures.shape[1] == pictures.shape[2] else range(0, 4, 2)
        return [(np.rot90(pictures, turn, axes=(1, 2)), there) for turn in turns]


class Reflections(Motions):
    """Left and right exchanged, top and bottom exchanged, both, neither."""

    def images(self, pictures: Any) -> list[Image]:
        there = np.ones(len(pictures), dtype=bool)
        flipped = pictures[:, :, ::-1]
        return [(p, there) for p in (pictures, flipped, pictures[:, ::-1], flipped[:, ::-1])]


class Symmetries(Motions):
    """Rotations and reflections together: the 8 symmetries of a square grid, the 4 of another."""

    def images(self, pictures: Any) -> list[Image]:
        turned = Rotations().images(pictures)
        return turned + [(image[:, :, ::-1], there) for image, there in turned]


class Orbit(ExampleSet):
    """Every image of every member of a base set under a family of motions.

    An image must belong to the stratum of its origin (the number of white pixels always does). Uniform where
    the base is: an image y of a uniform member is kept with a chance inversely proportional to how many of
    y's images are members, and proportional to how many images y has. Sizes by listing.
    """

    def __init__(self, base: ExampleSet, motions: Motions) -> None:
        super().__init__(base.space, base.traits)
        self.base, self.motions = base, motions

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        return self.base.sampling

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = np.zeros(len(examples), dtype=bool)
        for start in range(0, len(examples), 1024):
            part = examples[start : start + 1024]
            for image, there in self.motions.images(part):
                left = np.flatnonzero(there & ~inside[start : start + 1024])
                if len(left):
                    inside[start + left] = self.base._contains(np.ascontiguousarray(image[left]))
        return inside

    def _multiplicities(self, examples: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each example, how many maps apply to it and how many of these lead into the base."""
        applying = np.zeros(len(examples), dtype=np.int64)
        leading = np.zeros(len(examples), dtype=np.int64)
        for image, there in self.motions.images(examples):
            applying += there
            leading += there & self.base._contains(np.ascontiguousarray(image))
        return applying, leading

    def _strata(self) -> list[int]:
        return list(self.base.sizes())

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        def propose(m: int) -> Examples:
            return self.motions.random_images(self.base.draw(stratum, min(m, 512), rng), rng)

        def accept(moved: Any) -> NDArray[np.bool_]:
            applying, leading = self._multiplicities(moved)
            most = len(self.motions.images(moved[:1]))
            ratio = applying / np.maximum(leading, 1)
            return rng.random(len(moved)) * most < ratio

        return draw_accepted(n, propose, accept, empty(self.space))

    def _members(self, limit: int) -> Examples | None:
        base = self.base.members()
        if base is None:
            return None
        found = empty(self.space)
        for image, there in self.motions.images(base):
            found = ordered(np.concatenate([found, image[there]]))
            if len(found) > limit:
                return None
        return found

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """The base's size times the mean, over its uniform draws, of images had over images in the base."""
        log_base, error_base = self.base.log2_size(rng)
        drawn = uniform_draws(self.base, DRAWS // 8, rng)
        if not len(drawn):
            return -math.inf, 0.0
        applying, leading = self._multiplicities(drawn)
        ratio = applying / leading
        mean, error = float(ratio.mean()), float(ratio.std() / math.sqrt(len(ratio)))
        log_mean, log_error = log2_with_error(mean, error)
        return log_base + log_mean, math.hypot(error_base, log_error)
