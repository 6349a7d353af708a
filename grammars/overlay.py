"""The product of two sets: one member of each, laid over one another without sharing a white pixel."""

from __future__ import annotations

from functools import cached_property
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.combinations import restriction
from grammars.example_set import COMPARED, ExampleSet, draw_accepted
from grammars.pictures import white_pixels
from grammars.spaces import Examples, empty, flat, ordered

MOST_WHITE = 10
"""White pixels of a product of two long sets: all ways to divide that many can be tried."""

PAIRS = 2**20


class Overlay(ExampleSet):
    """{a or b: a in A, b in B, no pixel white in both}.

    Where neither set has a list of at most 4,096 members, only pictures with at most 10 white pixels belong:
    with these, membership is decided by trying every division of the white pixels; otherwise by trying every
    member of the listed set. Sizes by listing. The generator draws a and b on their own and rejects pairs
    that share a pixel: pictures that divide in several ways come more often.
    """

    _sampling = "generator"

    def __init__(self, a: ExampleSet, b: ExampleSet) -> None:
        super().__init__(a.space, a.traits)
        lists = [(len(members), s) for s in (a, b) if (members := s.members()) is not None]
        shortest = min(lists, key=lambda pair: pair[0], default=(COMPARED + 1, a))
        self.listed = shortest[1].members() if shortest[0] <= COMPARED else None
        self.a, self.b = (b, a) if shortest[1] is b else (a, b)

    @property
    def work(self) -> float:
        if self.listed is not None:
            return 1.0 + 0.1 * len(self.listed) + min(64, len(self.listed)) * self.b.work
        return self._divisions * (self.a.work + self.b.work)

    @cached_property
    def _divisions(self) -> int:
        """Most ways to divide the white pixels of a picture that are tried."""
        first, second = set(self.a.weights), set(self.b.weights)
        return max(
            sum(
                comb(white, size)
                for size in range(white + 1)
                if not self.traits.additive or (size in first and white - size in second)
            )
            for white in range(MOST_WHITE + 1)
        )

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        if self.listed is None:  # The parts may have lists where restricted: then longer pictures belong.
            return None
        return Overlay(restriction(self.a, region), restriction(self.b, region))

    def keeps(self, motion: Any) -> bool:
        return self.a.keeps(motion) and self.b.keeps(motion)

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        if self.listed is None:
            return np.array([self._divides(picture) for picture in examples], dtype=bool)
        inside = np.zeros(len(examples), dtype=bool)
        rows = max(1, PAIRS // max(1, len(self.listed)))
        parts = flat(self.listed).astype(np.float32)
        for start in range(0, len(examples), rows):
            some = examples[start : start + rows]
            shared = flat(some).astype(np.float32) @ parts.T
            whole, part = np.nonzero(shared == parts.sum(axis=1))
            rest = some[whole] & ~self.listed[part]
            inside[start + whole[self.b.contains(rest)]] = True
        return inside

    def _divides(self, picture: Any) -> bool:
        white = np.flatnonzero(picture)
        if len(white) > MOST_WHITE:
            return False
        strata_a, strata_b = set(self.a.weights), set(self.b.weights)
        for size in range(len(white) + 1):
            if self.traits.additive and not (size in strata_a and len(white) - size in strata_b):
                continue
            chosen = np.array(list(combinations(white, size)), dtype=np.int64)
            parts = np.zeros((len(chosen), picture.size), dtype=bool)
            parts[np.arange(len(chosen))[:, None], chosen] = True
            parts = parts.reshape(-1, *picture.shape)
            first = parts[self.a.contains(parts)]
            if len(first) and self.b.contains(picture & ~first).any():
                return True
        return False

    def _strata(self) -> list[int]:
        if self.traits.additive:
            sums = {i + j for i in self.a.weights for j in self.b.weights}
            return sorted(s for s in sums if self.listed is not None or s <= MOST_WHITE)
        drawn = self._pairs(1024, np.random.Generator(np.random.PCG64(0)))
        return sorted({int(s) for s in self.traits.stratum(drawn)})

    def _pairs(self, n: int, rng: np.random.Generator) -> Examples:
        first, second = self.a.sample(n, rng), self.b.sample(n, rng)
        n = min(len(first), len(second))
        return self._laid(first[:n], second[:n])

    def _laid(self, first: Any, second: Any) -> Any:
        both = first | second
        good = ~(first & second).any(axis=(1, 2))
        if self.listed is None:
            good &= white_pixels(both) <= MOST_WHITE
        return both[good]

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        def propose(m: int) -> Examples:
            if not self.traits.additive:
                drawn = self._pairs(m, rng)
                return drawn[self.traits.stratum(drawn) == stratum]
            divisions = [(i, stratum - i) for i in self.a.weights if stratum - i in self.b.weights]
            parts = [empty(self.space)]
            for (i, j), count in zip(divisions, _shares(m, len(divisions), rng), strict=True):
                first, second = self.a.draw(i, count, rng), self.b.draw(j, count, rng)
                both = min(len(first), len(second))
                parts.append(self._laid(first[:both], second[:both]))
            drawn = np.concatenate(parts)
            return drawn[rng.permutation(len(drawn))]

        return draw_accepted(n, propose, _everyone, empty(self.space), 2.0)

    def _members(self, limit: int) -> Examples | None:
        a, b = self.a.members(), self.b.members()
        if a is None or b is None or len(a) * len(b) > 4 * limit:
            return None
        short, long = (a, b) if len(a) < len(b) else (b, a)
        found = ordered(np.concatenate([empty(self.space), *(self._laid(x[None], long) for x in short)]))
        return found if len(found) <= limit else None


def _everyone(examples: Any) -> NDArray[np.bool_]:
    return np.ones(len(examples), dtype=bool)


def _shares(n: int, parts: int, rng: np.random.Generator) -> list[int]:
    """n draws divided evenly at random."""
    return [int(m) for m in rng.multinomial(n, np.full(parts, 1.0 / parts))] if parts else []
