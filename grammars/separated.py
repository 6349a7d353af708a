"""Pictures of k separated dots: exact membership, exact counts, exactly uniform sampling."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import counting, effort
from grammars.example_set import ExampleSet, Traits, draw_accepted
from grammars.pictures import DOTS, white_pixels
from grammars.spaces import Examples, Grid, empty, flat, ordered

PLACING = 64.0
"""Effort of counting out one picture."""

CHUNK = 2**15
"""Pictures looked at together: fits the processor's cache."""

FEWEST_ACCEPTED = 0.02
"""Dots are thrown at random and rejected where at least this share is accepted; else counted out."""


class SeparatedDots(ExampleSet):
    """Pictures with k white pixels, k in `counts`, all in `region`, any two more than `gap` apart.

    Apart in Chebyshev distance: gap 0 may touch, gap 1 is non-adjacent in the 8-neighbourhood. Strata are k.
    Sizes are exact by transfer matrix; None only on grids whose shorter side needs more than 60,000 profiles
    (gap 1: both sides beyond about 20 pixels). `distance` is an upper bound: dots are taken away until what
    is left is separated, then taken away or added until the number is right.
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
        room = int(self.region.sum())
        self.counts = tuple(sorted(k for k in counts if 0 <= k <= room))

    @cached_property
    def _placements(self) -> counting.Placements | None:
        if self.gap == 0 or not self.counts:
            return None
        height, width = self.grid.shape
        return counting.placements(height, width, self.region.tobytes(), self.gap, self.counts[-1])

    def _strata(self) -> list[int]:
        return list(self.counts)

    def _sizes(self) -> dict[int, int | None]:
        if self.gap == 0:
            room = int(self.region.sum())
            return {k: math.comb(room, k) for k in self.counts}
        if self._placements is None:
            return dict.fromkeys(self.counts, None)
        known = self._placements.counts
        return {k: known[k] if k < len(known) else 0 for k in self.counts}

    # Membership.

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = np.empty(len(examples), dtype=bool)
        test = self._contains_word if self.grid.size <= 64 else self._contains_pictures
        for start in range(0, len(examples), CHUNK):
            inside[start : start + CHUNK] = test(examples[start : start + CHUNK])
        return inside

    @cached_property
    def _allowed_counts(self) -> NDArray[np.bool_]:
        allowed = np.zeros(self.grid.size + 1, dtype=bool)
        allowed[list(self.counts)] = True
        return allowed

    def _contains_word(self, pictures: Any) -> NDArray[np.bool_]:
        """A picture of at most 64 pixels is one machine word; a shift moves all its dots at once."""
        words = _words(pictures)
        wrong = words & ~_words(self.region[None])[0]
        for mask, shift in self._conflicts:
            wrong |= (words & mask) & (words >> shift)
        return (wrong == 0) & self._allowed_counts[np.bitwise_count(words)]

    @cached_property
    def _conflicts(self) -> list[tuple[np.uint64, np.uint64]]:
        """For each direction to a forbidden neighbour: which pixels have one, and how far on it is."""
        width = self.grid.width
        found = []
        for down, right in _offsets(self.gap):
            pixels = np.zeros(self.grid.shape, dtype=bool)
            here, _ = _overlap(self.grid.shape, down, right)
            pixels[here] = True
            found.append((_words(pixels[None])[0], np.uint64(down * width + right)))
        return found

    def _contains_pictures(self, pictures: Any) -> NDArray[np.bool_]:
        good = self._allowed_counts[white_pixels(pictures)]
        good &= ~(pictures & ~self.region).any(axis=(1, 2))
        for down, right in _offsets(self.gap):
            here, there = _overlap(self.grid.shape, down, right)
            good &= ~(pictures[:, *here] & pictures[:, *there]).any(axis=(1, 2))
        return good

    def _conflicting(self, pictures: Any) -> NDArray[np.int64]:
        """For every white pixel, how many white pixels are too near."""
        near = np.zeros(pictures.shape, dtype=np.int64)
        for down, right in _offsets(self.gap):
            here, there = _overlap(self.grid.shape, down, right)
            both = pictures[:, *here] & pictures[:, *there]
            near[:, *here] += both
            near[:, *there] += both
        return near

    # Distance.

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        if not self.weights:
            return np.full(len(examples), self.grid.size + 1, dtype=np.int64)
        kept = self._thinned(examples & self.region)
        bound = self._recounted(examples, kept)
        unreached = bound > self.grid.size
        if unreached.any():
            bound[unreached] = super()._distance_from_outside(examples[unreached])
        return bound

    def _thinned(self, pictures: Any) -> Any:
        """The pictures without the dots in the way, the most conflicting first."""
        kept = pictures.copy()
        active = np.arange(len(kept))
        while len(active):
            near = flat(self._conflicting(kept[active]))
            worst = near.argmax(axis=1)
            conflicting = near[np.arange(len(active)), worst] > 0
            active, worst = active[conflicting], worst[conflicting]
            flat(kept)[active, worst] = False
        return kept

    def _recounted(self, pictures: Any, kept: Any) -> NDArray[np.int64]:
        """Pixels changed until the number of dots is right; more than there are where that fails."""
        strata = np.array(list(self.weights))
        count, before = white_pixels(kept), white_pixels(pictures)
        best = np.full(len(kept), self.grid.size + 1, dtype=np.int64)
        changed = before - count
        lower = np.searchsorted(strata, count, side="right") - 1
        has_lower = lower >= 0
        best[has_lower] = (changed + count - strata[lower])[has_lower]
        higher = np.searchsorted(strata, count, side="left")
        wanted = np.where(higher < len(strata), strata[np.minimum(higher, len(strata) - 1)], -1)
        for index in np.flatnonzero(wanted >= 0):
            missing = int(wanted[index] - count[index])
            if changed[index] + missing < best[index] and self._has_room(kept[index], missing):
                best[index] = changed[index] + missing
        return best

    def _has_room(self, picture: Any, missing: int) -> bool:
        """Whether dots can be added one after the other, each at the first free pixel."""
        free = self.region.copy()
        for row, column in np.argwhere(picture):
            self._block(free, row, column)
        for _ in range(missing):
            if not free.any():
                return False
            self._block(free, *np.unravel_index(int(free.argmax()), free.shape))
        return True

    def _block(self, free: NDArray[np.bool_], row: Any, column: Any) -> None:
        gap = self.gap
        free[max(0, row - gap) : row + gap + 1, max(0, column - gap) : column + gap + 1] = False

    # Drawing and listing.

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        size = self._known_sizes.get(stratum, 0)
        if size == 0 or n == 0:
            return empty(self.space)
        room = int(self.region.sum())
        if size is None or self._placements is None or size >= FEWEST_ACCEPTED * math.comb(room, stratum):
            single = SeparatedDots(self.grid, frozenset({stratum}), self.gap, self.region)
            return draw_accepted(
                n, lambda m: self._thrown(stratum, m, rng), single._contains, empty(self.space)
            )
        n = n if effort.spend(n * PLACING) else 0
        drawn = [self._placements.placement(stratum, counting.below(size, rng)) for _ in range(n)]
        return np.array(drawn, dtype=bool).reshape(n, *self.grid.shape)

    def _thrown(self, count: int, n: int, rng: np.random.Generator) -> Examples:
        """n pictures with so many white pixels anywhere in the region."""
        places = np.flatnonzero(self.region)
        cells = np.zeros((n, self.grid.size), dtype=bool)
        if count:
            order = np.argpartition(rng.random((n, len(places))), count - 1, axis=1)[:, :count]
            cells[np.arange(n)[:, None], places[order]] = True
        return cells.reshape(n, *self.grid.shape)

    def _members(self, limit: int) -> Examples | None:
        size = self.size()
        if size is None or size > limit:
            return None
        wanted = [k for k in self.counts if self._known_sizes.get(k)]
        if not wanted:
            return empty(self.space)
        # Level by level; every level up to the last wanted one must be short enough, too.
        smaller = SeparatedDots(self.grid, frozenset(range(wanted[-1] + 1)), self.gap, self.region)
        if (smaller.size() or 0) > 8 * limit:
            return self._counted_out(wanted)
        levels = self._levels(wanted[-1])
        return ordered(np.concatenate([levels[k] for k in wanted]))

    def _counted_out(self, wanted: list[int]) -> Examples | None:
        if self._placements is None:
            return None
        found = [
            self._placements.placement(k, index) for k in wanted for index in range(self._known_sizes[k] or 0)
        ]
        return ordered(np.array(found))

    def _levels(self, most: int) -> list[Examples]:
        """All pictures of 0, 1, ..., most separated dots: each level adds a later pixel to the one before."""
        size = self.grid.size
        blocked_by = ~np.ones((size, size), dtype=bool)
        for place in range(size):
            free = np.ones(self.grid.shape, dtype=bool)
            self._block(free, place // self.grid.width, place % self.grid.width)
            blocked_by[place] = ~free.ravel()
            blocked_by[place, : place + 1] = True
        pictures = np.zeros((1, size), dtype=bool)
        free = self.region.ravel()[None].copy()
        levels = [pictures.reshape(-1, *self.grid.shape)]
        for _ in range(most):
            parents, places = np.nonzero(free)
            pictures = pictures[parents]
            pictures[np.arange(len(places)), places] = True
            free = free[parents] & ~blocked_by[places]
            levels.append(pictures.reshape(-1, *self.grid.shape))
        return levels

    # Separated dots are closed under much: what is made of them is separated dots again.

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        """Fewer counts, the wider gap, both regions."""
        if not isinstance(other, SeparatedDots):
            return None
        counts = frozenset(self.counts) & frozenset(other.counts)
        gap, region = max(self.gap, other.gap), self.region & other.region
        return SeparatedDots(self.grid, counts, gap, region, self.traits)

    def join(self, other: ExampleSet) -> ExampleSet | None:
        """More counts, where gap and region are the same."""
        if not isinstance(other, SeparatedDots) or not (self._within(other) and other._within(self)):
            return None
        counts = frozenset(self.counts) | frozenset(other.counts)
        return SeparatedDots(self.grid, counts, self.gap, self.region, self.traits)

    def without(self, other: ExampleSet) -> ExampleSet | None:
        """Fewer counts, where the other's gap and region allow all that is allowed here."""
        if not isinstance(other, SeparatedDots) or not self._within(other):
            return None
        counts = frozenset(self.counts) - frozenset(other.counts)
        return SeparatedDots(self.grid, counts, self.gap, self.region, self.traits)

    def _within(self, other: SeparatedDots) -> bool:
        """Whether the other set's gap and region allow every picture that this one's allow."""
        return other.gap <= self.gap and not (self.region & ~other.region).any()

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        counts = frozenset(self.counts)
        return SeparatedDots(self.grid, counts, self.gap, self.region & region, self.traits)

    def keeps(self, motion: Any) -> bool:
        """Shifts keep dots that may be anywhere; wrapped ones only where the gap is no matter."""
        if motion.shift and not self.region.all():
            return False
        if motion.shift == "rolls" and self.gap > 0 and max(self.counts, default=0) > 1:
            return False
        return motion.keeps(self.region)


def _offsets(gap: int) -> list[tuple[int, int]]:
    """Half of the neighbourhood that must stay free: the later pixels of it, in reading order."""
    return [
        (down, right) for down in range(gap + 1) for right in range(-gap, gap + 1) if down > 0 or right > 0
    ]


Window = tuple[slice, slice]


def _overlap(shape: tuple[int, int], down: int, right: int) -> tuple[Window, Window]:
    """Where a picture and its shift overlap: pixels here and their neighbours there."""
    height, width = shape
    if right >= 0:
        here = slice(0, max(0, width - right)), slice(right, width)
    else:
        here = slice(min(width, -right), width), slice(0, max(0, width + right))
    rows = slice(0, max(0, height - down)), slice(min(height, down), height)
    return (rows[0], here[0]), (rows[1], here[1])


def _words(pictures: Any) -> NDArray[np.uint64]:
    """Pictures of at most 64 pixels as machine words: pixel i in reading order is bit i."""
    packed = np.zeros((len(pictures), 8), dtype=np.uint8)
    bits = np.packbits(flat(pictures), axis=1, bitorder="little")
    packed[:, : bits.shape[1]] = bits
    return packed.view("<u8")[:, 0]
