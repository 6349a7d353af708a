"""Pictures in several pieces, each of them a picture of a set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grammars.boundary import count_pieces
from grammars.convexity import Pictures, is_convex
from grammars.effort import spend
from grammars.example_set import ExampleSet, log2_with_error
from grammars.spaces import Examples, empty, flat, keys, ordered

POOL = 256
"""Pictures of the base that are tried together."""

EFFORT = 128.0
"""What drawing a picture of a pool counts as; see `grammars.effort`."""

FRUITLESS = 3
"""Pools in a row that give nothing, after which a draw gives up."""

LISTED = 512
"""Longest list of a base whose combinations are listed."""


class SeveralPieces(ExampleSet):
    """Pictures in so many 8-connected pieces, so with a black gap between them, each alone one of the base.

    Pictures that one convex polygon makes are left out: they are one polygon's. Exact membership where the
    base's is exact, by the pieces themselves; a member of the base that is in pieces is never one. Sizes by
    listing where the base has at most 512 members, None elsewhere.

    The generator draws pools of members of the base, and to each of them adds others at random that keep the
    distance, each used once: what leaves much room is likelier than in the base.
    """

    _sampling = "generator"

    def __init__(self, base: ExampleSet, number: int) -> None:
        super().__init__(base.space, base.traits)
        self.base, self.number = base, number

    @property
    def work(self) -> float:
        return 4.0 + self.number * self.base.work

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = count_pieces(examples) == self.number
        inside[inside] = ~is_convex(examples[inside])
        for i in np.flatnonzero(inside):
            labels, _ = ndimage.label(examples[i], np.ones((3, 3)))
            pieces = labels == np.arange(1, self.number + 1)[:, None, None]
            inside[i] = self.base.contains(pieces).all()
        return inside

    def _strata(self) -> list[int]:
        drawn = self._laid(np.random.Generator(np.random.PCG64(0)))
        return sorted({int(s) for s in self.traits.stratum(drawn)})

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        kept = [empty(self.space)]
        found, fruitless = 0, 0
        while found < n and fruitless < FRUITLESS and spend(POOL * EFFORT):
            laid = self._laid(rng)
            laid = laid[self.traits.stratum(laid) == stratum]
            fruitless = 0 if len(laid) else fruitless + 1
            found += len(laid)
            kept.append(laid)
        return np.concatenate(kept)[:n]

    def _laid(self, rng: np.random.Generator) -> Examples:
        pool = self._single(self.base.sample(POOL, rng))
        free = np.ones(len(pool), bool)
        apart = _apart(pool)
        found = [empty(self.space)]
        for first in range(len(pool)):
            chosen = [first]
            possible = apart[first] & free
            while free[first] and len(chosen) < self.number and possible.any():
                chosen.append(int(rng.choice(np.flatnonzero(possible))))
                possible &= apart[chosen[-1]]
            if len(chosen) == self.number:
                free[chosen] = False
                found.append(np.asarray(pool[chosen].any(axis=0))[None])
        laid = np.concatenate(found)
        return laid[~is_convex(laid)]

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """By collisions as in `ExampleSet`, among four pools' pictures: a lower bound."""
        drawn = np.concatenate([self._laid(rng) for _ in range(4)])
        _, counts = np.unique(keys(drawn), return_counts=True)
        collisions = float((counts * (counts - 1) // 2).sum())
        size = max(float(len(counts)), len(drawn) * (len(drawn) - 1) / 2 / max(collisions, 1.0))
        return log2_with_error(size, size / math.sqrt(collisions) if collisions else math.inf)

    @staticmethod
    def _single(pictures: Pictures) -> Pictures:
        return pictures[count_pieces(pictures) == 1]

    def _members(self, limit: int) -> Examples | None:
        members = self.base.members()
        if members is None or len(members) > LISTED:
            return None
        members = self._single(members)
        apart = _apart(members)
        groups = np.arange(len(members))[:, None]
        for _ in range(self.number - 1):
            fits = apart[groups].all(axis=1) & (np.arange(len(members)) > groups[:, -1:])
            if fits.sum() > 4 * limit:
                return None
            group, added = np.nonzero(fits)
            groups = np.concatenate([groups[group], added[:, None]], axis=1)
        laid = np.zeros((len(groups), *members.shape[1:]), bool)
        for column in groups.T:
            laid |= members[column]
        laid = ordered(laid[~is_convex(laid)])
        return laid if len(laid) <= limit else None

    def keeps(self, motion: Any) -> bool:
        return motion.shift == "" and self.base.keeps(motion)


def _apart(pictures: Pictures) -> Pictures:
    """Which two pictures have no white pixels that touch, by a side or a corner: bool[n, n]."""
    near = ndimage.binary_dilation(pictures, np.ones((1, 3, 3)))
    shared = flat(near).astype(np.float32) @ flat(pictures).astype(np.float32).T
    return np.asarray(shared < 0.5)
