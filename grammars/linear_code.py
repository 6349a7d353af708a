"""Sets of pictures given by parity checks: linear codes over GF(2) and their cosets.

All that is asked of them has an exact answer: such a set is empty or has 2^dimension members.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import gf2
from grammars.example_set import ExampleSet, Traits
from grammars.gf2 import Matrix
from grammars.motions import Motions
from grammars.pictures import CHUNK
from grammars.spaces import Examples, Grid, empty, flat, ordered
from grammars.square import EXPONENTIAL, POLYNOMIAL, Growth, Window

TABLE_RANK = 12
"""Most independent checks for which the distance to the code is tabled for every pattern of failed checks."""


class LinearCode(ExampleSet):
    """Pictures x with an even (or odd) number of white pixels in each of several regions: Hx = s over GF(2).

    checks: bool[m, d], a region in each row. odd: bool[m], what the parity of each is to be. Membership,
    size (2^(d - rank), or 0 where the checks contradict each other) and sampling are exact; intersections
    and restrictions are codes again. `distance` is exact up to 12 independent checks and for codes short
    enough to be compared with all members, else an upper bound: each failed check is mended by a pixel of
    its own. One stratum, 0: what the language says of any picture must be the same stratum.
    """

    def __init__(
        self, space: Grid, traits: Traits, checks: Matrix, odd: Matrix, growth: Growth | None = None
    ) -> None:
        super().__init__(space, traits)
        self.grid = space
        self.checks, self.odd = checks, odd
        reduced, pivots = gf2.eliminated(np.concatenate([checks, odd[:, None]], axis=1))
        self.consistent = space.size not in pivots
        self.rank = len(pivots) if self.consistent else len(pivots) - 1
        self._reduced, self._parity = reduced[: self.rank, :-1], reduced[: self.rank, -1]
        self._pivots = pivots[: self.rank]
        self._free = np.setdiff1d(np.arange(space.size), self._pivots)
        self._growth = growth

    @property
    def dimension(self) -> int:
        """log2 of the number of members, where there are any."""
        return self.grid.size - self.rank

    @property
    def growth(self) -> Growth:
        """How the size grows with d: as declared, else exponential with an eighth of d free bits or more."""
        return self._growth or (EXPONENTIAL if 8 * self.dimension >= self.grid.size else POLYNOMIAL)

    @property
    def locality(self) -> Window | None:
        """The least window that holds any one check; None where that is as high or as wide as the grid."""
        checks = self.checks.reshape(-1, *self.grid.shape)
        sides = [1, 1]
        for check in checks:
            for axis, used in enumerate((check.any(axis=1), check.any(axis=0))):
                places = np.flatnonzero(used)
                if len(places):
                    sides[axis] = max(sides[axis], int(places[-1] - places[0]) + 1)
        local = not len(checks) or (sides[0] < self.grid.height and sides[1] < self.grid.width)
        return (sides[0], sides[1]) if local else None

    # What every set says.

    def _strata(self) -> list[int]:
        return [0] if self.consistent else []

    def _sizes(self) -> dict[int, int | None]:
        return {0: 2**self.dimension} if self.consistent else {}

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = np.zeros(len(examples), dtype=bool)
        if self.consistent:
            for start in range(0, len(examples), CHUNK):
                inside[start : start + CHUNK] = ~self._failed(examples[start : start + CHUNK]).any(axis=1)
        return inside

    def _failed(self, examples: Any) -> Matrix:
        """Which of the independent checks fail, bool[n, rank]."""
        return gf2.product(flat(examples), self._reduced.T) ^ self._parity

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        bits = rng.integers(0, 2, size=(n, self.dimension), dtype=np.uint8).astype(bool)
        return self._of_bits(bits) if self.consistent else empty(self.space)

    def _members(self, limit: int) -> Examples | None:
        if not self.consistent:
            return empty(self.space)
        if 2**self.dimension > limit:
            return None
        return ordered(self._of_bits(gf2.combinations(self.dimension)))

    def _of_bits(self, bits: Matrix) -> Examples:
        """The member with these values at the free pixels; the others follow from the checks."""
        cells = np.zeros((len(bits), self.grid.size), dtype=bool)
        cells[:, self._free] = bits
        cells[:, self._pivots] = gf2.product(bits, self._reduced[:, self._free].T) ^ self._parity
        return cells.reshape(-1, *self.grid.shape)

    # Distance.

    @property
    def distance_is_exact(self) -> bool:
        return super().distance_is_exact or not self.consistent or self.rank <= TABLE_RANK

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        if not self.consistent or super().distance_is_exact:
            return super()._distance_from_outside(examples)
        failed = self._failed(examples)
        if self.rank <= TABLE_RANK:
            return self._leaders[failed @ (1 << np.arange(self.rank))]
        return np.minimum(super()._distance_from_outside(examples), failed.sum(axis=1))

    @cached_property
    def _leaders(self) -> NDArray[np.int64]:
        """For each pattern of failed checks, the fewest pixels that mend it (weight of the coset leader)."""
        pixels = np.unique((1 << np.arange(self.rank)) @ self._reduced.astype(np.int64))
        least = np.full(2**self.rank, -1, dtype=np.int64)
        least[0] = 0
        frontier = np.zeros(1, dtype=np.int64)
        while len(frontier):
            reached = np.unique(frontier[:, None] ^ pixels)
            frontier, weight = reached[least[reached] < 0], int(least[frontier[0]]) + 1
            least[frontier] = weight
        return least

    # What is made of codes by conditions is a code again.

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        """The checks of both."""
        return self._and(other.checks, other.odd) if isinstance(other, LinearCode) else None

    def join(self, other: ExampleSet) -> ExampleSet | None:
        """The larger, where it contains the other."""
        if not isinstance(other, LinearCode):
            return None
        return other if self._is_in(other) else self if other._is_in(self) else None

    def without(self, other: ExampleSet) -> ExampleSet | None:
        """Nothing, where the other contains this code; all of it, where they have nothing in common."""
        if not isinstance(other, LinearCode):
            return None
        if self._is_in(other):
            return self._and(np.zeros((1, self.grid.size), dtype=bool), np.ones(1, dtype=bool))
        return None if self._and(other.checks, other.odd).consistent else self

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        """A check of its own for every pixel that must be black."""
        black = np.eye(self.grid.size, dtype=bool)[~region.ravel()]
        return self._and(black, np.zeros(len(black), dtype=bool))

    def flipped(self, picture: NDArray[np.bool_]) -> LinearCode:
        """Every member with the white pixels of a picture exchanged: a coset."""
        moved = gf2.product(self.checks, picture.reshape(-1, 1))[:, 0]
        return LinearCode(self.grid, self.traits, self.checks, self.odd ^ moved, self._growth)

    def keeps(self, motion: Motions) -> bool:
        """Whether every moved check follows from the checks; shifts that do not wrap are no linear maps."""
        if motion.shift == "translations":
            return self.rank == 0
        checks = self._reduced.reshape(-1, *self.grid.shape)
        moved = [image for image, _ in Motions(turn=motion.turn).images(checks)]
        if motion.shift == "rolls":
            moved += [np.roll(checks, 1, axis=1), np.roll(checks, 1, axis=2)]
        return all(self._follows(flat(image), self._parity) for image in moved)

    def _follows(self, checks: Matrix, odd: Matrix) -> bool:
        """Whether every member passes these checks: each is the sum of the checks at its pivots."""
        used = checks[:, self._pivots]
        same = (gf2.product(used, self._reduced) == checks).all()
        return bool(same and (gf2.product(used, self._parity[:, None])[:, 0] == odd).all())

    def _is_in(self, other: LinearCode) -> bool:
        return not self.consistent or (other.consistent and self._follows(other._reduced, other._parity))

    def _and(self, checks: Matrix, odd: Matrix) -> LinearCode:
        both = np.concatenate([self.checks, checks]), np.concatenate([self.odd, odd])
        rows = np.unique(np.concatenate([both[0], both[1][:, None]], axis=1), axis=0)
        return LinearCode(self.grid, self.traits, rows[:, :-1], rows[:, -1])


class RowsAndColumns(LinearCode):
    """Pictures with a prescribed parity of every row, of every column, or of both.

    With both there are 2^((height - 1)(width - 1)), as the last row and column follow from the rest, if the
    parities of the rows add up to the same as those of the columns, else none. `distance` is exact: a pixel
    mends one row and one column at once, and the numbers of wrong rows and of wrong columns differ by an even
    number, so that the larger of them is enough.
    """

    def __init__(self, space: Grid, traits: Traits, rows: str, columns: str) -> None:
        self.rows, self.columns = rows, columns
        lines = np.kron(np.eye(space.height, dtype=bool), np.ones(space.width, dtype=bool))
        across = np.tile(np.eye(space.width, dtype=bool), space.height)
        wanted = [(c, p == "odd") for c, p in ((lines, rows), (across, columns)) if p != "any"]
        checks = np.concatenate([np.zeros((0, space.size), dtype=bool), *(c for c, _ in wanted)])
        odd = np.concatenate([np.zeros(0, dtype=bool), *(np.full(len(c), is_odd) for c, is_odd in wanted)])
        super().__init__(space, traits, checks, odd, EXPONENTIAL)

    @property
    def distance_is_exact(self) -> bool:
        return True

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        if not self.consistent:
            return np.full(len(examples), self.grid.size + 1, dtype=np.int64)
        least = np.zeros(len(examples), dtype=np.int64)
        for axis, parity in ((2, self.rows), (1, self.columns)):
            if parity != "any":
                wrong = (examples.sum(axis=axis) & 1) != (parity == "odd")
                least = np.maximum(least, wrong.sum(axis=1))
        return least
