"""Pictures of k separated dots: exact membership, exact counts, uniform sampling."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import counting, effort
from grammars.example_set import ExampleSet, Traits, draw_accepted, log2_with_error
from grammars.pictures import CHUNK, DOTS, white_pixels
from grammars.separation import conflicts, near_in_words, neighbourhoods, separated, words
from grammars.spaces import Examples, Grid, empty, flat, ordered

PLACING = 64.0
"""Effort of counting out one picture."""

FEWEST_ACCEPTED = 0.02
"""Dots are thrown at random and rejected while at least this share is accepted; else counted out."""


class SeparatedDots(ExampleSet):
    """Pictures with k white pixels, k in `counts`, all in `region`, any two more than `gap` apart.

    Apart in Chebyshev distance: gap 0 may touch, gap 1 is non-adjacent in the 8-neighbourhood. Strata are k.
    Sizes are exact by transfer matrix; None only on grids that need too many profiles (gap 1 and both sides
    beyond 16 pixels or so, with many dots). Draws are uniform; only where dots are too crowded to be thrown
    at random, on grids too large to count them out (beyond 12x12), they are set down one by one wherever
    there is room, which is a generator. `distance` is an upper bound: dots are taken away until what is left
    is separated, then taken away or added until the number is right.
    """

    def __init__(
        self,
        space: Grid,
        counts: frozenset[int],
        gap: int = 1,
        region: NDArray[np.bool_] | None = None,
        traits: Traits = DOTS,
    ) -> None:
        super().__init__(space, traits)
        self.grid = space
        self.gap = gap
        self.region = np.ones(space.shape, dtype=bool) if region is None else region.astype(bool)
        self.room = int(self.region.sum())
        most = min(self.room, math.prod(-(-side // (gap + 1)) for side in space.shape))
        self.counts = tuple(sorted(k for k in counts if 0 <= k <= most))

    @cached_property
    def _placements(self) -> counting.Placements | None:
        if not self.counts:
            return None
        height, width = self.grid.shape
        return counting.placements(height, width, self.region.tobytes(), self.gap, self.counts[-1])

    def _strata(self) -> list[int]:
        return list(self.counts)

    def _sizes(self) -> dict[int, int | None]:
        if self.gap == 0:
            return {k: math.comb(self.room, k) for k in self.counts}
        if self._placements is None:
            return dict.fromkeys(self.counts, None)
        return {k: self._placements.counts[k] for k in self.counts}

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        crowded = [k for k, size in self.sizes().items() if self._is_crowded(k, size)]
        placed = self._placements is not None and self._placements.can_place
        return "uniform" if placed or not crowded else "generator"

    def _is_crowded(self, count: int, size: int | None) -> bool:
        if size is not None:
            return size < FEWEST_ACCEPTED * math.comb(self.room, count)
        too_near = math.comb(count, 2) * ((2 * self.gap + 1) ** 2 - 1) / max(1, self.room - 1)
        return 1.0 - too_near < FEWEST_ACCEPTED

    # Membership.

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        if self.grid.size <= 64 and self.gap <= 1:
            return self._contains_words(examples)
        good = separated(examples, self.gap) & self._allowed_counts[white_pixels(examples)]
        if self.room < self.grid.size:
            good &= ~flat(examples)[:, ~self.region.ravel()].any(axis=1)
        return good

    def _contains_words(self, examples: Any) -> NDArray[np.bool_]:
        """All in one go over machine words, for grids up to 8x8."""
        good = np.empty(len(examples), dtype=bool)
        black = words(~self.region[None])[0]
        for start in range(0, len(examples), CHUNK):
            whole = words(examples[start : start + CHUNK])
            near = near_in_words(whole, self.grid.shape, self.gap) | (whole & black)
            good[start : start + CHUNK] = (near == 0) & self._allowed_counts[np.bitwise_count(whole)]
        return good

    @cached_property
    def _allowed_counts(self) -> NDArray[np.bool_]:
        allowed = np.zeros(self.grid.size + 1, dtype=bool)
        allowed[list(self.counts)] = True
        return allowed

    # Distance.

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        if not self.weights:
            return np.full(len(examples), self.grid.size + 1, dtype=np.int64)
        bound = self._recounted(examples, self._thinned(examples & self.region))
        unreached = bound > self.grid.size
        if unreached.any():
            bound[unreached] = super()._distance_from_outside(examples[unreached])
        return bound

    def _thinned(self, pictures: Any) -> Any:
        """The pictures without the dots in the way, the most conflicting first."""
        kept = pictures.copy()
        active = np.flatnonzero(~separated(kept, self.gap))
        while len(active):
            near = flat(conflicts(kept[active], self.gap))
            flat(kept)[active, near.argmax(axis=1)] = False
            active = active[~separated(kept[active], self.gap)]
        return kept

    def _recounted(self, pictures: Any, kept: Any) -> NDArray[np.int64]:
        """Pixels changed until the number of dots is right; more than there are where that fails."""
        strata = np.array(list(self.weights))
        count = white_pixels(kept)
        taken = white_pixels(pictures) - count
        best = np.full(len(kept), self.grid.size + 1, dtype=np.int64)
        lower = np.searchsorted(strata, count, side="right") - 1
        best[lower >= 0] = (taken + count - strata[lower])[lower >= 0]
        higher = np.searchsorted(strata, count, side="left")
        for index in np.flatnonzero(higher < len(strata)):
            missing = int(strata[higher[index]] - count[index])
            if taken[index] + missing < best[index] and self._has_room(kept[index], missing):
                best[index] = taken[index] + missing
        return best

    @cached_property
    def _near(self) -> NDArray[np.bool_]:
        return neighbourhoods(*self.grid.shape, self.gap)

    def _has_room(self, picture: Any, missing: int) -> bool:
        """Whether dots can be added one after the other, each at the first free pixel."""
        free = self.region.ravel() & ~self._near[picture.ravel()].any(axis=0)
        for _ in range(missing):
            if not free.any():
                return False
            free &= ~self._near[int(free.argmax())]
        return True

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """log2 of the size and its standard error by setting dots down; see `counting.ways`. Not by `rng`."""
        return log2_with_error(*counting.estimated(self.region, self._near, self.counts))

    # Drawing and listing.

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        size = self.sizes().get(stratum, 0)
        if size == 0:
            return empty(self.space)
        if not self._is_crowded(stratum, size):
            return draw_accepted(
                n,
                lambda m: self._thrown(stratum, m, rng),
                lambda thrown: separated(thrown, self.gap),
                empty(self.space),
            )
        if size is not None and self._placements is not None and self._placements.can_place:
            n = n if effort.spend(n * PLACING) else 0
            drawn = [self._placements.placement(stratum, counting.below(size, rng)) for _ in range(n)]
            return np.array(drawn, dtype=bool).reshape(n, *self.grid.shape)
        return draw_accepted(
            n,
            lambda m: self._set_down(stratum, m, rng),
            lambda pictures: white_pixels(pictures) == stratum,
            empty(self.space),
            work=stratum * self.grid.size / 64,
        )

    def _thrown(self, count: int, n: int, rng: np.random.Generator) -> Examples:
        """n pictures with so many white pixels anywhere in the region."""
        cells = np.zeros((n, self.grid.size), dtype=bool)
        if count:
            places = np.flatnonzero(self.region)
            order = np.argpartition(rng.random((n, len(places))), count - 1, axis=1)[:, :count]
            cells[np.arange(n)[:, None], places[order]] = True
        return cells.reshape(n, *self.grid.shape)

    def _set_down(self, count: int, n: int, rng: np.random.Generator) -> Examples:
        """n pictures with so many dots, or fewer where there is no room, set down one by one at random."""
        cells = np.zeros((n, self.grid.size), dtype=bool)
        free = np.tile(self.region.ravel(), (n, 1))
        for _ in range(count):
            place = np.where(free, rng.random(free.shape), -1.0).argmax(axis=1)
            cells[np.arange(n), place] |= free[np.arange(n), place]
            free &= ~self._near[place]
        return cells.reshape(n, *self.grid.shape)

    def _members(self, limit: int) -> Examples | None:
        size = self.size()
        if size is None or size > limit:
            return None
        if size == 0:
            return empty(self.space)
        # One by one, or level by level where the levels below are short, too.
        below = self._with(frozenset(range(self.counts[-1])), self.gap, self.region).size() or 0
        if self._placements is not None and self._placements.can_place and below > PLACING * size:
            found = [self._placements.placement(k, i) for k, m in self.sizes().items() for i in range(m or 0)]
            return ordered(np.array(found))
        if below > 8 * limit:
            return None
        levels = counting.levels(self.region, self._near, self.counts[-1])
        return ordered(np.concatenate([levels[k] for k in self.counts]))

    # Separated dots are closed under much: what is made of them is separated dots again.

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        """Fewer counts, the wider gap, both regions."""
        if not isinstance(other, SeparatedDots):
            return None
        gap, region = max(self.gap, other.gap), self.region & other.region
        return self._with(frozenset(self.counts) & frozenset(other.counts), gap, region)

    def join(self, other: ExampleSet) -> ExampleSet | None:
        """More counts, where gap and region are the same."""
        if not isinstance(other, SeparatedDots) or not (self._within(other) and other._within(self)):
            return None
        return self._with(frozenset(self.counts) | frozenset(other.counts), self.gap, self.region)

    def without(self, other: ExampleSet) -> ExampleSet | None:
        """Fewer counts, where the other's gap and region allow all that is allowed here."""
        if not isinstance(other, SeparatedDots) or not self._within(other):
            return None
        return self._with(frozenset(self.counts) - frozenset(other.counts), self.gap, self.region)

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return self._with(frozenset(self.counts), self.gap, self.region & region)

    def _with(self, counts: frozenset[int], gap: int, region: NDArray[np.bool_]) -> SeparatedDots:
        return SeparatedDots(self.grid, counts, gap, region, self.traits)

    def _within(self, other: SeparatedDots) -> bool:
        """Whether the other set's gap and region allow every picture that this one's allow."""
        return other.gap <= self.gap and not (self.region & ~other.region).any()

    def keeps(self, motion: Any) -> bool:
        """Shifts keep dots that may be anywhere; wrapped ones only where the gap is no matter."""
        if motion.shift and not self.region.all():
            return False
        if motion.shift == "rolls" and self.gap > 0 and max(self.counts, default=0) > 1:
            return False
        return bool(motion.keeps(self.region))
