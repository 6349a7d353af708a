"""A set of examples: what a target is, and what every Set sentence denotes."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars import effort
from grammars.errors import GrammarError
from grammars.spaces import Examples, Space, check_examples, distinct, empty, flat, keys

log = logging.getLogger(__name__)

LISTED = 2**16
"""Longest list of members that a set makes of itself, ..."""

LISTED_BYTES = 2**22
"""... and the largest."""

TRIES = 4096
"""Work in a row that brings nothing, after which a draw gives up and returns what it has."""

EFFORT, EFFORT_EACH = 2.0**18, 512.0
"""Most work of one act of sampling, EFFORT + n * EFFORT_EACH; see `grammars.effort`."""

FRUITLESS = 16
"""Rounds in a row that bring nothing new, after which no more different examples are looked for."""

ROUND = 16
"""Examples drawn first where none may repeat, then twice as many up to 16 times that: a fixed course, so that
the first of many are the few."""

POOL = 512
"""Members drawn once for an upper bound of the distance to a set that has no better one."""

COMPARED = 4096
"""Longest list of members with each of which an example is compared, for the exact distance."""


@dataclass(frozen=True)
class Traits:
    """What a language says of any example, member of a set or not.

    stratum:       examples -> int[n], the class an example belongs to (number of dots; number of vertices)
    stratum_name:  stratum -> a few words, "2 dots"
    additive:      whether the stratum of an overlay of two disjoint pictures is the sum of theirs
    properties:    name -> (examples -> float64[n]), finite numbers; the evenness of samples is judged by them
    """

    stratum: Callable[[Examples], NDArray[np.int64]]
    stratum_name: Callable[[int], str]
    properties: Mapping[str, Callable[[Any], NDArray[np.float64]]] = field(default_factory=dict)
    additive: bool = False


class ExampleSet(ABC):
    """A set of examples of a space, possibly huge: exact membership, counts where possible, sampling.

    A subclass says what it contains (`_contains`), which strata it may have (`_strata`) and how a member is
    drawn (`_draw`, and `_sampling`); where it can, all its members (`_members`) or their number (`_sizes`).
    Sets short enough to be listed are counted, sampled and measured by their list.
    """

    _sampling: str = "uniform"
    _distance_is_exact: bool = False

    def __init__(self, space: Space, traits: Traits) -> None:
        self.space = space
        self.traits = traits

    # What a subclass says.

    @abstractmethod
    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        """Membership of checked examples."""

    @abstractmethod
    def _strata(self) -> list[int]:
        """The strata that may have members, ascending."""

    @abstractmethod
    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        """n independent members of a stratum; fewer where bounded tries find no more."""

    def _sizes(self) -> dict[int, int | None]:
        """Exact sizes of the strata, None where unknown; by default those of the listed members."""
        if self._list is None:
            return dict.fromkeys(self._strata(), None)
        found, counts = np.unique(self._listed_strata, return_counts=True)
        return {int(s): int(c) for s, c in zip(found, counts, strict=True)}

    def _members(self, limit: int) -> Examples | None:
        """All members where they can be listed and are at most `limit`; None otherwise."""
        return None

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """log2 of the size by collisions among uniform draws of each stratum, and its standard error.

        m draws of |T| equally likely examples collide m(m-1)/(2|T|) times on average. Without a collision the
        value is that of one collision, a lower bound in the mean, with an infinite standard error. Draws that
        are not uniform collide more often: then the estimate is too low.
        """
        m = 2048
        sizes, errors = [], []
        for stratum in self.weights:
            drawn = self.draw(stratum, m, rng)
            _, counts = np.unique(keys(drawn), return_counts=True)
            pairs = len(drawn) * (len(drawn) - 1) / 2
            collisions = float((counts * (counts - 1) // 2).sum())
            sizes.append(max(1.0, pairs / max(collisions, 1.0)))
            errors.append(sizes[-1] / math.sqrt(collisions) if collisions else math.inf)
        return log2_with_error(math.fsum(sizes), math.hypot(*errors) if errors else 0.0)

    # Forms of its own that a set may know for what is made of it; None where it knows none.

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        """The intersection with another set."""
        return None

    def join(self, other: ExampleSet) -> ExampleSet | None:
        """The union with another set."""
        return None

    def without(self, other: ExampleSet) -> ExampleSet | None:
        """The members that are not in another set."""
        return None

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        """The members whose white pixels all lie in a region, bool[height, width]."""
        return None

    def keeps(self, motion: Any) -> bool:
        """Whether a motion (`grammars.motions.Motions`) is known to take the set to itself."""
        return False

    @property
    def work(self) -> float:
        """Cost of testing one example, in tests of simple sets."""
        return 1.0

    # What everybody asks.

    def contains(self, examples: Examples) -> NDArray[np.bool_]:
        """Exact membership, bool[n]."""
        return self._contains(check_examples(examples, self.space))

    def strata(self, examples: Examples) -> NDArray[np.int64]:
        """The stratum of each example, int64[n]; -1 outside the set."""
        examples = check_examples(examples, self.space)
        return np.where(self._contains(examples), self.traits.stratum(examples), -1).astype(np.int64)

    def distance(self, examples: Examples) -> NDArray[Any]:
        """Number of pixels in which an example differs from a member near it, int64[n]; 0 iff contained.

        The least such number where `distance_is_exact`, else an upper bound of it. One more than the number
        of pixels where no member is known.
        """
        examples = check_examples(examples, self.space)
        found = np.zeros(len(examples), dtype=np.int64)
        outside = np.flatnonzero(~self._contains(examples))
        if len(outside):
            found[outside] = (
                hamming(examples[outside], self._list)
                if self._comparable
                else self._distance_from_outside(examples[outside])
            )
        return found

    def _distance_from_outside(self, examples: Any) -> NDArray[Any]:
        return hamming(examples, self._pool)

    @property
    def distance_is_exact(self) -> bool:
        """Whether `distance` is the least distance to a member, not only an upper bound."""
        return self._comparable or self._distance_is_exact

    @property
    def _comparable(self) -> bool:
        """Whether the members are few enough to be compared with each one."""
        return self._list is not None and len(self._list) <= COMPARED

    def size(self) -> int | None:
        """Exact number of members; None where a stratum cannot be counted."""
        counts = list(self.sizes().values())
        return None if None in counts else sum(c for c in counts if c is not None)

    def sizes(self) -> dict[int, int | None]:
        """Exact number of members of each stratum that has any; None where it cannot be counted."""
        return dict(self._known_sizes)

    def log2_size(self, rng: np.random.Generator) -> tuple[float, float]:
        """log2 of the number of members and its standard error: exact (error 0) where counted, -inf if empty.

        Elsewhere by the estimator of the kind of set: see its `_estimate`.
        """
        size = self.size()
        if size is not None:
            return (math.log2(size) if size else -math.inf), 0.0
        return self._estimate(rng)

    def members(self) -> Examples | None:
        """All members in canonical order where they can be listed and are few enough; None otherwise.

        Few enough: 65,536 members and 4 MiB.
        """
        return None if self._list is None else self._list.copy()

    @property
    def sampling(self) -> str:
        """How a member of a stratum is drawn: "uniform", or by a declared "generator"."""
        return "uniform" if self._list is not None else self._sampling

    def draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        """n independent members of a stratum; fewer where bounded tries find no more."""
        if n == 0 or self._list is None:
            if n == 0:
                return empty(self.space)
            with effort.bounded(EFFORT + n * EFFORT_EACH):
                return self._draw(stratum, n, rng)
        choices = self._list[self._listed_strata == stratum]
        return choices[rng.integers(len(choices), size=n)] if len(choices) else empty(self.space)

    @property
    def weights(self) -> dict[int, float]:
        """Share of each stratum in the target distribution: equal, over the strata that have members."""
        strata = [s for s, size in self._known_sizes.items() if size != 0]
        return {stratum: 1.0 / len(strata) for stratum in strata}

    @property
    def stratum_names(self) -> dict[int, str]:
        """A few words for each stratum: {2: "2 dots"}."""
        return {stratum: self.traits.stratum_name(stratum) for stratum in self.weights}

    @property
    def properties(self) -> Mapping[str, Callable[[Any], NDArray[np.float64]]]:
        """Declared numeric properties of examples: name -> (examples -> float64[n])."""
        return self.traits.properties

    def sample(self, n: int, rng: np.random.Generator, distinct: bool = False) -> Examples:
        """n members, independent: the stratum by `weights`, within it as `sampling` says.

        distinct: n different members, as the first n different ones of an endless independent sample; all of
        them where the set has no more. Sets that can be listed give exactly min(n, size). Others are drawn
        from in bounded tries: where these find no more, fewer examples come back, which is logged, and a
        stratum that gave less than was asked of it leaves its share to the others.
        """
        if n < 0:
            raise GrammarError(f"`n >= 0` must hold, but got (n={n})")
        with effort.bounded(EFFORT + n * EFFORT_EACH):
            drawn = self._sample_distinct(n, rng) if distinct else self._sample(n, rng, self.weights)
        if len(drawn) < n:
            log.info("%d of %d examples: the set has no more, or bounded tries found none", len(drawn), n)
        return drawn

    # How.

    @cached_property
    def _known_sizes(self) -> dict[int, int | None]:
        with effort.separately(EFFORT):
            return {s: size for s, size in sorted(self._sizes().items()) if size != 0}

    @cached_property
    def _list(self) -> Examples | None:
        with effort.separately(EFFORT):
            return self._members(min(LISTED, LISTED_BYTES // (self.space.size * self.space.dtype.itemsize)))

    @cached_property
    def _listed_strata(self) -> NDArray[np.int64]:
        return self.traits.stratum(self._list) if self._list is not None else np.zeros(0, dtype=np.int64)

    @cached_property
    def _pool(self) -> Any:
        """Members to measure distances to, drawn once with a fixed seed."""
        with effort.separately(EFFORT):
            return self.sample(POOL, np.random.Generator(np.random.PCG64(0)))

    def _sample(self, n: int, rng: np.random.Generator, weights: dict[int, float]) -> Examples:
        """n independent members; strata that are found to give no more are taken out of the weights."""
        found = empty(self.space, n)
        filled = np.zeros(n, dtype=bool)
        for _ in range(len(weights)):
            wanted = np.flatnonzero(~filled)
            if not len(wanted) or not weights:
                break
            strata = list(weights)
            shares = np.array([weights[s] for s in strata])
            chosen = rng.choice(len(strata), size=len(wanted), p=shares / shares.sum())
            for index, stratum in enumerate(strata):
                places = wanted[chosen == index]
                drawn = self.draw(stratum, len(places), rng)
                found[places[: len(drawn)]] = drawn
                filled[places[: len(drawn)]] = True
                if len(drawn) < len(places):  # Nothing more to be had there: the others take its share.
                    del weights[stratum]
        return found[filled]

    def _sample_distinct(self, n: int, rng: np.random.Generator) -> Examples:
        if self._list is not None:
            return self._choose_listed(self._list, n, rng)
        found = empty(self.space)
        fruitless, round_size = 0, ROUND
        weights = self.weights
        while len(found) < n and fruitless < FRUITLESS and weights:
            longer = distinct(np.concatenate([found, self._sample(round_size, rng, weights)]))
            round_size = min(2 * round_size, 16 * ROUND)
            fruitless = 0 if len(longer) > len(found) else fruitless + 1
            found = longer
        return found[:n]

    def _choose_listed(self, members: Examples, n: int, rng: np.random.Generator) -> Examples:
        # The first different ones of an endless sample come in the order of exponential waiting times
        # (Efraimidis & Spirakis 2006).
        strata = self._listed_strata
        rate = np.zeros(len(members))
        for stratum, weight in self.weights.items():
            inside = strata == stratum
            rate[inside] = weight / max(1, int(inside.sum()))
        with np.errstate(divide="ignore"):
            waiting = rng.exponential(size=len(members)) / rate
        return members[np.argsort(waiting, kind="stable")[:n]]


def hamming(examples: Any, members: Any) -> NDArray[np.int64]:
    """Least number of pixels in which each example differs from one of the members; all + 1 without any."""
    pixels = math.prod(examples.shape[1:])
    least = np.full(len(examples), pixels + 1, dtype=np.int64)
    if len(members) == 0:
        return least
    right = flat(members).astype(np.float32)
    white = right.sum(axis=1)
    for start in range(0, len(examples), 1024):
        left = flat(examples[start : start + 1024]).astype(np.float32)
        differing = left.sum(axis=1)[:, None] + white[None, :] - 2.0 * left @ right.T
        least[start : start + 1024] = np.rint(differing.min(axis=1)).astype(np.int64)
    return least


def draw_accepted(
    n: int,
    propose: Callable[[int], Examples],
    accept: Callable[[Any], NDArray[np.bool_]],
    nothing: Examples,
    work: float = 1.0,
) -> Examples:
    """n accepted proposals, in order. Exact rejection sampling.

    Fewer where many in a row are turned away (256, and as many as make up the work `TRIES`) or the effort is
    spent. `work` is the effort of proposing and judging one.
    """
    batches: list[Examples] = []
    found, fruitless, batch = 0, 0, max(16, min(2 * n, 1024))
    while found < n and fruitless < max(256, TRIES / work) and effort.spend(batch * work):
        proposed = propose(batch)
        kept = proposed[accept(proposed)]
        fruitless = 0 if len(kept) else fruitless + batch
        found += len(kept)
        batches.append(kept)
        batch = batch if len(kept) else min(2 * batch, 1024)
    return np.concatenate([nothing, *batches])[:n]


def log2_with_error(value: float, error: float) -> tuple[float, float]:
    """log2 of an estimated size and its standard error, to first order."""
    if value <= 0:
        return -math.inf, 0.0 if error == 0 else math.inf
    return math.log2(value), error / value / math.log(2)
