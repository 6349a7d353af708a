"""A set with the same pixels exchanged, black for white, in every member."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.combinations import Explicit, intersection, union
from grammars.example_set import ExampleSet
from grammars.linear_code import LinearCode
from grammars.spaces import Examples, ordered


def flipped(base: ExampleSet, picture: NDArray[np.bool_]) -> ExampleSet:
    """The set in the form that knows most about itself."""
    if isinstance(base, LinearCode):
        return base.flipped(picture)
    if isinstance(base, Explicit):
        return Explicit(base.space, base.examples ^ picture, base.traits)
    if isinstance(base, Flipped):
        return flipped(base.base, base.picture ^ picture) if (base.picture ^ picture).any() else base.base
    return Flipped(base, picture) if picture.any() else base


class Flipped(ExampleSet):
    """Every member of a base set with the white pixels of a picture exchanged: as many, as exact, as uniform.

    For languages with one stratum: where the stratum depends on colours, an exchange would change it.
    """

    def __init__(self, base: ExampleSet, picture: NDArray[np.bool_]) -> None:
        super().__init__(base.space, base.traits)
        self.base, self.picture = base, picture

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        return self.base.sampling

    @property
    def distance_is_exact(self) -> bool:
        return self.base.distance_is_exact

    @property
    def work(self) -> float:
        return self.base.work

    def _strata(self) -> list[int]:
        return list(self.base.sizes())

    def _sizes(self) -> dict[int, int | None]:
        return self.base.sizes()

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        return self.base.contains(examples ^ self.picture)

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        return np.asarray(self.base.distance(examples ^ self.picture))

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        return np.asarray(self.base.draw(stratum, n, rng) ^ self.picture)

    def _members(self, limit: int) -> Examples | None:
        members = self.base.members()
        return None if members is None or len(members) > limit else ordered(members ^ self.picture)

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        return self.base.log2_size(rng)

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        both = self._alike(other)
        return None if both is None else flipped(intersection(self.base, both), self.picture)

    def join(self, other: ExampleSet) -> ExampleSet | None:
        both = self._alike(other)
        return None if both is None else flipped(union(self.base, both), self.picture)

    def _alike(self, other: ExampleSet) -> ExampleSet | None:
        """The base of another set with the same pixels exchanged."""
        same = isinstance(other, Flipped) and (other.picture == self.picture).all()
        return other.base if same and isinstance(other, Flipped) else None
