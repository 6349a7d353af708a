"""The outlines of the pictures of a set: of each one the white pixels that share a side with a black one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.boundary import fill, outline
from grammars.combinations import difference, estimate_draws, intersection, uniform_draws, union
from grammars.convexity import Pictures
from grammars.example_set import ExampleSet, draw_accepted
from grammars.polygon_traits import OUTLINED
from grammars.spaces import Examples, empty

PROBES = 64


class Outlines(ExampleSet):
    """Outlines of the members of a set that have no hole and, within their outline, some white.

    The fill determines the outline and the outline the fill: a way by sides from inside to outside passes a
    pixel of the outline. So membership is exact where the base's is: a picture belongs iff it is the outline
    of its own filling, more than which it is not, and the filling belongs to the base. Sampling is as
    the base's; the stratum is 10,000 and that of the filling. Sizes by listing.
    """

    def __init__(self, base: ExampleSet) -> None:
        super().__init__(base.space, base.traits)
        self.base = base

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        return self.base.sampling

    @property
    def work(self) -> float:
        return self.base.work + 4.0

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        filled = fill(examples)
        inside = (filled != examples).any(axis=(1, 2)) & (outline(filled) == examples).all(axis=(1, 2))
        inside[inside] = self.base.contains(filled[inside])
        return inside

    def _strata(self) -> list[int]:
        rng = np.random.Generator(np.random.PCG64(0))
        return [OUTLINED + s for s in self.base.weights if has_outline(self.base.draw(s, PROBES, rng)).any()]

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        def propose(m: int) -> Examples:
            return self.base.draw(stratum - OUTLINED, m, rng)

        return outline(draw_accepted(n, propose, has_outline, empty(self.space), self.work))

    def _members(self, limit: int) -> Examples | None:
        members = self.base.members()
        return None if members is None else outline(members[has_outline(members)])

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """The base's size times the share of its uniform draws, at most 256, that have an outline."""
        log_base, error_base = self.base.log2_size(rng)
        drawn = uniform_draws(self.base, min(256, estimate_draws(self)), rng)
        share = max(int(has_outline(drawn).sum()), 1) / max(len(drawn), 1)
        error = math.sqrt((1.0 - share) / share / max(len(drawn), 1)) / math.log(2)
        return log_base + math.log2(share), math.hypot(error, error_base)

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        return Outlines(intersection(self.base, other.base)) if isinstance(other, Outlines) else None

    def join(self, other: ExampleSet) -> ExampleSet | None:
        return Outlines(union(self.base, other.base)) if isinstance(other, Outlines) else None

    def without(self, other: ExampleSet) -> ExampleSet | None:
        return Outlines(difference(self.base, other.base)) if isinstance(other, Outlines) else None

    def keeps(self, motion: Any) -> bool:
        return motion.shift != "rolls" and self.base.keeps(motion)


def has_outline(pictures: Pictures) -> Pictures:
    """Whether a picture has no hole and more than its outline: bool[n]."""
    filled = (fill(pictures) == pictures).all(axis=(1, 2))
    return np.asarray(filled & (outline(pictures) != pictures).any(axis=(1, 2)))
