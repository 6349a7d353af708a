"""What this room asks of a target: the part of `grammars.ExampleSet` that the measures use."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Examples = NDArray[Any]  # bool[n, h, w] on a grid, float64[n, 2] on the plane


class Target(Protocol):
    """A set with exact membership whose examples fall into strata, and which can be sampled."""

    @property
    def weights(self) -> Mapping[int, float]:
        """The share of each stratum, by its number."""

    @property
    def properties(self) -> Mapping[str, Callable[[Examples], NDArray[np.float64]]]:
        """Numeric properties of examples, by name, in the order in which the cells are split by them."""

    def contains(self, examples: Examples) -> NDArray[np.bool_]:
        """Which examples are members."""

    def strata(self, examples: Examples) -> NDArray[np.int64]:
        """The stratum of each example, -1 outside the set."""

    def sizes(self) -> Mapping[int, int | None]:
        """The exact number of members of each stratum, None where it is not known."""

    def sample(self, n: int, rng: np.random.Generator, distinct: bool = False) -> Examples:
        """n members: strata by weight, within one as the set declares."""
