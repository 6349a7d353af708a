"""How large a patch is at which noise level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError


@dataclass(frozen=True)
class PatchSchedule:
    """Sides of patches by noise level: `sides[0]` below `levels[0]`, `sides[1]` from there on, and so on.

    As text, which is a setting of the local machines: `3 5@0.3 7@1` is 3 below sigma = 0.3, 5 from 0.3 on and
    7 from 1 on. Sides are odd, so that a patch has a centre; levels rise.
    """

    sides: tuple[int, ...]
    levels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for side in self.sides:
            if side < 1 or side % 2 == 0:
                raise ModelError(f"`patch` must be odd, but got patch={side}")
        if not all(low < high for low, high in pairwise((0.0, *self.levels))):
            raise ModelError(f"levels of a schedule must rise from above 0, but got {list(self.levels)}")

    @classmethod
    def parse(cls, text: str) -> PatchSchedule:
        """From text as above; what cannot be read is a `ModelError`."""
        first, *others = text.split() or [""]
        try:
            pairs = [other.split("@") for other in others]
            sides = (int(first), *(int(side) for side, _ in pairs))
            levels = tuple(float(level) for _, level in pairs)
        except ValueError:
            raise ModelError(f"a schedule reads like '3 5@0.3 7@1', but got {text!r}") from None
        return cls(sides, levels)

    @classmethod
    def linear(cls, low: int, high: int, sigma_min: float, sigma_max: float) -> PatchSchedule:
        """From `low` at sigma_min to `high` at sigma_max: the odd number nearest to a line in ln(sigma)."""
        if low > high:
            raise ModelError(f"`patch_min <= patch` must hold, but got (patch_min={low}, patch={high})")
        steps = (high - low) // 2
        ratio = sigma_max / sigma_min
        levels = tuple(sigma_min * ratio ** ((k + 0.5) / steps) for k in range(steps))
        return cls(tuple(range(low, high + 1, 2)), levels)

    @classmethod
    def through(cls, sides: Sequence[int], sigmas: Sequence[float]) -> PatchSchedule:
        """`sides[i]` at `sigmas[i]`, which rise; they change at the geometric mean of two noise levels."""
        kept, levels = [sides[0]], []
        for (before, low), (side, high) in pairwise(zip(sides, sigmas, strict=True)):
            if side != before:
                kept.append(side)
                levels.append(float(f"{math.sqrt(low * high):.4g}"))
        return cls(tuple(kept), tuple(levels))

    def __str__(self) -> str:
        others = (f"{side}@{level:.4g}" for side, level in zip(self.sides[1:], self.levels, strict=True))
        return " ".join([str(self.sides[0]), *others])

    def at(self, sigmas: NDArray[np.float32]) -> NDArray[np.int64]:
        """The side at each noise level."""
        return np.array(self.sides)[np.searchsorted(self.levels, sigmas, side="right")]
