"""Two things that a set of pictures can say of itself: how its size grows with d, and how far one must see.

growth:    of the size with the number of pixels d, the rest of the sentence being the same. "polynomial";
           "exponential" is 2^(c d); "subexponential" lies between, such as 2^(c sqrt d).
locality:  a window (height, width) that decides membership: a picture belongs if each of its windows of this
           size is the window of some member in that place. None where no window smaller than the grid does.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grammars.combinations import Explicit, uniform_draws
from grammars.example_set import ExampleSet, Traits
from grammars.separated import SeparatedDots
from grammars.spaces import Examples, Grid

Window = tuple[int, int]
Growth = Literal["polynomial", "subexponential", "exponential"]
POLYNOMIAL: Growth = "polynomial"
SUBEXPONENTIAL: Growth = "subexponential"
EXPONENTIAL: Growth = "exponential"


class StepEdges(Explicit):
    """White on one side of a straight line of one direction: where down*row + right*column < t, any t.

    One more than there are different values of down*row + right*column; that the line lies outside the grid
    is allowed (all black, all white): no window could see the difference. With down and right free of common
    divisors a window of (|right| + 1) x (|down| + 1) pixels, at least 2x2, decides: it sees that pixels of
    the same value have the same colour, and that the colour changes from white to black only.
    """

    growth = POLYNOMIAL

    def __init__(self, space: Grid, traits: Traits, down: int, right: int) -> None:
        divisor = max(1, int(np.gcd(down, right)))
        rows, columns = np.indices(space.shape)
        value = (down // divisor) * rows + (right // divisor) * columns
        limits = np.append(np.unique(value), value.max() + 1)
        super().__init__(space, value < limits[:, None, None], traits)
        sides = abs(right) // divisor + 1, abs(down) // divisor + 1
        self.locality: Window | None = (max(2, sides[0]), max(2, sides[1]))


class Corners(Explicit):
    """A white rectangle in a corner of the grid, of any size, or none: d + 1 pictures.

    Windows of 2x2 pixels decide: they see that white goes on towards the corner's two sides, and that the
    outline turns but once, which is that no window has three white pixels.
    """

    growth = POLYNOMIAL
    locality: Window | None = (2, 2)

    def __init__(self, space: Grid, traits: Traits, corner: str) -> None:
        rows, columns = np.indices(space.shape)
        high, wide = np.divmod(np.arange(space.size), space.width)
        white = (rows <= high[:, None, None]) & (columns <= wide[:, None, None])
        white = white[:, ::-1] if corner.startswith("bottom") else white
        white = white[:, :, ::-1] if corner.endswith("right") else white
        super().__init__(space, np.concatenate([np.zeros((1, *space.shape), dtype=bool), white]), traits)


class Patterns(ExampleSet):
    """Separated dots as one stratum: draws are uniform among all pictures, whatever the number of dots.

    Exact as far as `SeparatedDots` is. Where any number of dots is allowed a window of (gap + 1) pixels
    decides; where not, dots must be counted, and no window does. The size grows exponentially where more than
    half as many dots are allowed as the grid can hold; a bounded number of dots is polynomial.
    """

    def __init__(self, base: SeparatedDots, traits: Traits) -> None:
        super().__init__(base.space, traits)
        self.base = base

    @property
    def _room(self) -> int:
        """Most dots that the grid can hold."""
        height, width = self.base.grid.shape
        return -(-height // (self.base.gap + 1)) * -(-width // (self.base.gap + 1))

    @property
    def growth(self) -> Growth:
        return EXPONENTIAL if 2 * max(self.base.counts, default=0) > self._room else POLYNOMIAL

    @property
    def locality(self) -> Window | None:
        most = min(self._room, self.base.room)
        free = self.base.counts in ((0,), tuple(range(most + 1)))
        return (self.base.gap + 1, self.base.gap + 1) if free else None

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        return self.base.sampling if self.base.size() is not None else "generator"

    @property
    def distance_is_exact(self) -> bool:
        return self.base.distance_is_exact

    def _strata(self) -> list[int]:
        return [0] if self.base.weights else []

    def _sizes(self) -> dict[int, int | None]:
        return {0: self.base.size()}

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        return self.base.contains(examples)

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        return np.asarray(self.base.distance(examples))

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        drawn = uniform_draws(self.base, n, rng)
        return drawn[rng.permutation(len(drawn))]

    def _members(self, limit: int) -> Examples | None:
        members = self.base.members()
        return members if members is not None and len(members) <= limit else None

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        return self.base.log2_size(rng)

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        return self._of(self.base.meet(other.base)) if isinstance(other, Patterns) else None

    def join(self, other: ExampleSet) -> ExampleSet | None:
        return self._of(self.base.join(other.base)) if isinstance(other, Patterns) else None

    def without(self, other: ExampleSet) -> ExampleSet | None:
        return self._of(self.base.without(other.base)) if isinstance(other, Patterns) else None

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return self._of(self.base.restricted(region))

    def keeps(self, motion: Any) -> bool:
        return self.base.keeps(motion)

    def _of(self, base: ExampleSet | None) -> ExampleSet | None:
        return Patterns(base, self.traits) if isinstance(base, SeparatedDots) else None
