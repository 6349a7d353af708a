"""How many ways there are to place k separated dots, exactly, and the i-th of them.

A transfer matrix, pixel by pixel (a broken profile): the state is which of the last few pixels are white,
just as many as can still forbid a white pixel. Counts for all k at once are the coefficients of a polynomial
in z, kept as one integer with z = 2^bits (Kronecker substitution), so a step is an addition and a shift.
Counting completions from every state gives a bijection between 0..count-1 and the arrangements, hence exact
uniform sampling.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

MOST_STATES = 20_000
"""Profiles at one pixel; grids that need more are not counted."""

MOST_STEPS = 2_000_000
"""Profiles at all pixels together."""

MOST_BYTES = 2**26
"""Memory for the completions of all profiles, without which arrangements are counted but not made."""

CHAINS = 512
"""Times that dots are set down for an estimate of how many ways there are."""


class Placements:
    """All placements of 0..most white pixels on the allowed pixels, any two more than `gap` apart.

    Apart means in Chebyshev distance: gap 0 may touch, gap 1 is non-adjacent in the 8-neighbourhood.
    `allowed`: bool[height, width]. `counts`: number of placements of k = 0, 1, ..., most white pixels.
    Raises OverflowError where too many profiles would be needed.
    """

    def __init__(self, allowed: NDArray[np.bool_], gap: int, most: int) -> None:
        height, width = allowed.shape
        self.flipped = width > height  # Profiles run along the shorter side.
        self.allowed = (allowed.T if self.flipped else allowed).ravel().tolist()
        self.width = min(height, width)
        self.shape = allowed.shape
        self.most = most
        free = sum(self.allowed)
        self.bits = max(math.comb(free, j) for j in range(most + 1)).bit_length() + 1
        self.truncate = (1 << self.bits * (most + 1)) - 1
        self.forbidding = _forbidding(self.width, gap)
        window = max(mask.bit_length() for mask in self.forbidding)
        self.keep = (1 << window) - 1
        self.steps = 0
        self.counts = self._count()

    def _next(self, cell: int, state: int) -> tuple[int, int | None]:
        """The profiles after a black and (where it may stand) a white pixel."""
        black = (state << 1) & self.keep
        may = self.allowed[cell] and not state & self.forbidding[cell % self.width]
        return black, (black | 1) & self.keep if may and black.bit_count() < self.most else None

    def _count(self) -> list[int]:
        """One pass forward: for each profile, the polynomial that counts the ways to get there."""
        ways = {0: 1}
        for cell in range(len(self.allowed)):
            following: dict[int, int] = {}
            for state, count in ways.items():
                black, white = self._next(cell, state)
                following[black] = following.get(black, 0) + count
                if white is not None:
                    more = (count << self.bits) & self.truncate
                    if more:
                        following[white] = following.get(white, 0) + more
            self.steps += len(following)
            if len(following) > MOST_STATES or self.steps > MOST_STEPS:
                raise OverflowError("too many profiles")
            ways = following
        total = sum(ways.values())
        return [self._coefficient(total, k) for k in range(self.most + 1)]

    @property
    def can_place(self) -> bool:
        """Whether `placement` can be asked."""
        return self.steps * (100 + self.bits * (self.most + 1) // 8) <= MOST_BYTES

    @cached_property
    def _completions(self) -> list[dict[int, int]]:
        """For each pixel and profile, the polynomial that counts completions by their white pixels."""
        layers: list[dict[int, int]] = [{0: 0}]
        for cell in range(len(self.allowed)):
            layers.append({})
            for state in layers[-2]:
                for following in self._next(cell, state):
                    if following is not None:
                        layers[-1][following] = 1
        for cell in range(len(self.allowed) - 1, -1, -1):
            for state in layers[cell]:
                black, white = self._next(cell, state)
                count = layers[cell + 1][black]
                if white is not None:
                    count = (count + (layers[cell + 1][white] << self.bits)) & self.truncate
                layers[cell][state] = count
        return layers

    def _coefficient(self, polynomial: int, k: int) -> int:
        return (polynomial >> self.bits * k) & ((1 << self.bits) - 1)

    def placement(self, k: int, index: int) -> NDArray[np.bool_]:
        """The index-th placement of k white pixels, bool[height, width]; `0 <= index < counts[k]`."""
        cells = np.zeros(len(self.allowed), dtype=bool)
        state = 0
        for cell in range(len(self.allowed)):
            if k == 0:
                break
            black, white = self._next(cell, state)
            without = self._coefficient(self._completions[cell + 1][black], k)
            if index < without or white is None:
                state = black
            else:
                index -= without
                cells[cell], state, k = True, white, k - 1
        return cells.reshape(self.shape[::-1]).T if self.flipped else cells.reshape(self.shape)


def _forbidding(width: int, gap: int) -> list[int]:
    """For each column, which earlier pixels forbid a white one there; bit i is the pixel i + 1 back."""
    masks = []
    for column in range(width):
        mask = 0
        for rows_up in range(gap + 1):
            for shift in range(-gap, gap + 1):
                back = rows_up * width - shift
                if 0 <= column + shift < width and back > 0 and (rows_up or shift < 0):
                    mask |= 1 << (back - 1)
        masks.append(mask)
    return masks


@lru_cache(maxsize=16)
def placements(height: int, width: int, allowed: bytes, gap: int, most: int) -> Placements | None:
    """`Placements`, kept for the next caller; None where the grid is too wide to count."""
    mask = np.frombuffer(allowed, dtype=bool).reshape(height, width)
    try:
        return Placements(mask, gap, most)
    except OverflowError:
        return None


def below(bound: int, rng: np.random.Generator) -> int:
    """A uniform integer from 0 to bound - 1, however large, exactly."""
    bits = (bound - 1).bit_length()
    if bits == 0:
        return 0
    while True:
        value = int.from_bytes(rng.bytes((bits + 7) // 8), "little") & ((1 << bits) - 1)
        if value < bound:
            return value


# Dots set down one by one, whatever keeps them apart: near[i, j] says that not both of two pixels are white.


def estimated(
    region: NDArray[np.bool_], near: NDArray[np.bool_], counts: tuple[int, ...]
) -> tuple[float, float]:
    """Estimated number of placements of any of these numbers of dots, and its standard error."""
    most = 1 << (max(counts, default=1) - 1).bit_length()  # So that sets that differ little share a table.
    values, errors = ways(region.tobytes(), np.packbits(near).tobytes(), most)
    chosen = [k for k in counts if k < len(values)]
    return math.fsum(values[chosen]), math.hypot(*errors[chosen])


@lru_cache(maxsize=256)
def ways(allowed: bytes, near: bytes, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimated numbers of placements of 0, 1, ..., `most` dots, and their standard errors.

    Dots are set down one after the other, each on any pixel that is free. The product of the numbers of free
    pixels has the number of sequences of dots for its mean, k! for each placement (Knuth 1975, Mathematics of
    Computation 29:121). By a fixed seed.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    free = np.tile(np.frombuffer(allowed, dtype=bool), (CHAINS, 1))
    pixels = free.shape[1]
    apart = ~np.unpackbits(np.frombuffer(near, np.uint8), count=pixels**2).astype(bool).reshape(
        pixels, pixels
    )
    found = np.ones(CHAINS)
    values, errors = [1.0], [0.0]
    for count in range(1, most + 1):
        found = found * free.sum(axis=1) / count
        if not found.any():
            break
        values.append(float(found.mean()))
        errors.append(float(found.std(ddof=1)) / math.sqrt(CHAINS))
        place = np.where(free, rng.random(free.shape, dtype=np.float32), np.float32(-1)).argmax(axis=1)
        free &= apart[place]
    return np.array(values), np.array(errors)


def levels(region: NDArray[np.bool_], near: NDArray[np.bool_], most: int) -> list[NDArray[np.bool_]]:
    """All placements of 0, 1, ..., `most` dots: each level adds a later pixel to those of the one before."""
    pixels = region.size
    later = np.triu(np.ones((pixels, pixels), dtype=bool), k=1) & ~near
    cells = np.zeros((1, pixels), dtype=bool)
    free = region.ravel()[None]
    found = [cells]
    for _ in range(most):
        parents, places = np.nonzero(free)
        cells = cells[parents]
        cells[np.arange(len(places)), places] = True
        free = free[parents] & later[places]
        found.append(cells)
    return [level.reshape(-1, *region.shape) for level in found]
