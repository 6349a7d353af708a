"""Sets made of sets: union, intersection, difference, restriction; and explicit ones.

Membership is exact throughout. Sizes are exact where the parts can be listed or their intersection has a form
of its own (inclusion and exclusion); None elsewhere, with an estimate in `log2_size`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grammars.example_set import ExampleSet, Traits, draw_accepted, log2_with_error
from grammars.spaces import Examples, Space, check_examples, empty, keys, ordered

DRAWS = 4096
"""Draws of an estimate of a size."""


class Explicit(ExampleSet):
    """Exactly these examples."""

    def __init__(self, space: Space, examples: Examples, traits: Traits) -> None:
        super().__init__(space, traits)
        self.examples = ordered(check_examples(examples, space))
        self._stratum = traits.stratum(self.examples)
        self._keys = keys(self.examples)

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        return np.isin(keys(examples), self._keys) if len(examples) else np.zeros(0, dtype=bool)

    def _strata(self) -> list[int]:
        return sorted({int(s) for s in self._stratum})

    def _sizes(self) -> dict[int, int | None]:
        return {s: int((self._stratum == s).sum()) for s in self._strata()}

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        choices = self.examples[self._stratum == stratum]
        return choices[rng.integers(len(choices), size=n)] if len(choices) else empty(self.space)

    def _members(self, limit: int) -> Examples | None:
        return self.examples if len(self.examples) <= limit else None

    def meet(self, other: ExampleSet) -> ExampleSet | None:
        return self._those(other.contains(self.examples))

    def without(self, other: ExampleSet) -> ExampleSet | None:
        return self._those(~other.contains(self.examples))

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return self._those(_inside(self.examples, region))

    def join(self, other: ExampleSet) -> ExampleSet | None:
        if not isinstance(other, Explicit):
            return None
        return Explicit(self.space, np.concatenate([self.examples, other.examples]), self.traits)

    def _those(self, chosen: NDArray[np.bool_]) -> ExampleSet:
        return Explicit(self.space, self.examples[chosen], self.traits)


class Union(ExampleSet):
    """Everything in a or in b.

    Uniform within a stratum where both parts are and their sizes are known: a part is drawn by its size, and
    what b draws is rejected where a has it too (Karp & Luby 1983); otherwise a generator. `distance` is the
    smaller of the parts' distances, exact where both are. Sizes by inclusion and exclusion.
    """

    def __init__(self, a: ExampleSet, b: ExampleSet) -> None:
        super().__init__(a.space, a.traits)
        self.a, self.b = a, b

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        known = None not in (*self.a.sizes().values(), *self.b.sizes().values())
        return "uniform" if known and self.a.sampling == self.b.sampling == "uniform" else "generator"

    @property
    def _distance_is_exact(self) -> bool:  # type: ignore[override]
        return self.a.distance_is_exact and self.b.distance_is_exact

    @property
    def work(self) -> float:
        return self.a.work + self.b.work

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = self.a.contains(examples)
        rest = np.flatnonzero(~inside)
        inside[rest] = self.b.contains(examples[rest])
        return inside

    def _strata(self) -> list[int]:
        return sorted({*self.a.sizes(), *self.b.sizes()})

    def _sizes(self) -> dict[int, int | None]:
        return _inclusion_exclusion(self.a.sizes(), self.b.sizes(), intersection(self.a, self.b).sizes())

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        first, second = self.a.sizes().get(stratum, 0), self.b.sizes().get(stratum, 0)
        if first == 0 or second == 0:
            return (self.b if first == 0 else self.a).draw(stratum, n, rng)
        share = 0.5 if first is None or second is None else first / (first + second)

        def propose(m: int) -> Examples:
            of_a = rng.random(m) < share
            return self._mixed(stratum, of_a, rng)

        return draw_accepted(n, propose, _everyone, empty(self.space), self.a.work)

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return union(restriction(self.a, region), restriction(self.b, region))

    def keeps(self, motion: Any) -> bool:
        return self.a.keeps(motion) and self.b.keeps(motion)

    def _mixed(self, stratum: int, of_a: NDArray[np.bool_], rng: np.random.Generator) -> Examples:
        from_a = self.a.draw(stratum, int(of_a.sum()), rng)
        from_b = self.b.draw(stratum, int((~of_a).sum()), rng)
        from_b = from_b[~self.a.contains(from_b)]
        mixed = np.concatenate([from_a, from_b])
        return mixed[rng.permutation(len(mixed))]

    def _members(self, limit: int) -> Examples | None:
        a, b = self.a.members(), self.b.members()
        if a is None or b is None:
            return None
        both = ordered(np.concatenate([a, b]))
        return both if len(both) <= limit else None

    def _distance_from_outside(self, examples: Any) -> NDArray[np.int64]:
        return np.minimum(self.a.distance(examples), self.b.distance(examples))

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """|a| + |b| times the share of draws from the two that are not from b and in a (Karp & Luby 1983)."""
        (log_a, error_a), (log_b, error_b) = self.a.log2_size(rng), self.b.log2_size(rng)
        if -math.inf in (log_a, log_b):
            return (log_b, error_b) if log_a == -math.inf else (log_a, error_a)
        drawn = uniform_draws(self.b, estimate_draws(self), rng)
        outside = float((~self.a.contains(drawn)).mean()) if len(drawn) else 1.0
        size_a, size_b = 2.0**log_a, 2.0**log_b
        spread = size_b * math.sqrt(outside * (1 - outside) / max(1, len(drawn)))
        errors = (size_a * error_a * math.log(2), outside * size_b * error_b * math.log(2), spread)
        return log2_with_error(size_a + outside * size_b, math.hypot(*errors))


class _Filtered(ExampleSet):
    """Members of a base set that pass a test: drawn by rejection, counted by listing."""

    def __init__(self, base: ExampleSet) -> None:
        super().__init__(base.space, base.traits)
        self.base = base

    @property
    def _sampling(self) -> str:  # type: ignore[override]
        return self.base.sampling

    def _passes(self, examples: Any) -> NDArray[np.bool_]:
        raise NotImplementedError

    def _contains(self, examples: Any) -> NDArray[np.bool_]:
        inside = self.base.contains(examples)
        candidates = np.flatnonzero(inside)
        inside[candidates] = self._passes(examples[candidates])
        return inside

    def _strata(self) -> list[int]:
        return list(self.base.sizes())

    def _draw(self, stratum: int, n: int, rng: np.random.Generator) -> Examples:
        return draw_accepted(
            n, lambda m: self.base.draw(stratum, m, rng), self._passes, empty(self.space), self.work
        )

    def _members(self, limit: int) -> Examples | None:
        members = self.base.members()
        return None if members is None else members[self._passes(members)]

    def _estimate(self, rng: np.random.Generator) -> tuple[float, float]:
        """The base's size times the share of its uniform draws that pass; without one, as if one had."""
        log_base, error_base = self.base.log2_size(rng)
        drawn = uniform_draws(self.base, estimate_draws(self), rng)
        passed = int(self._passes(drawn).sum()) if len(drawn) else 0
        share = max(passed, 1) / max(1, len(drawn))
        error = math.sqrt(max(1.0 - share, 0.0) / max(passed, 1)) / math.log(2)
        return log_base + math.log2(share), math.hypot(error, error_base)


class Intersection(_Filtered):
    """Everything in a and in b, drawn from the smaller; see `intersection`, which may know a better form."""

    def __init__(self, a: ExampleSet, b: ExampleSet) -> None:
        small, large = sorted((a, b), key=_known_size)
        super().__init__(small)
        self.other = large

    @property
    def work(self) -> float:
        return self.base.work + self.other.work

    def _passes(self, examples: Any) -> NDArray[np.bool_]:
        return self.other.contains(examples)

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return intersection(restriction(self.base, region), self.other)

    def keeps(self, motion: Any) -> bool:
        return self.base.keeps(motion) and self.other.keeps(motion)

    def _strata(self) -> list[int]:
        return sorted({*self.base.sizes()} & {*self.other.sizes()})


class Difference(_Filtered):
    """Everything in a that is not in b. Sizes by the intersection's where that is known."""

    def __init__(self, a: ExampleSet, b: ExampleSet) -> None:
        super().__init__(a)
        self.other = b

    @property
    def work(self) -> float:
        return self.base.work + self.other.work

    def _passes(self, examples: Any) -> NDArray[np.bool_]:
        return ~self.other.contains(examples)

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return difference(restriction(self.base, region), self.other)

    def keeps(self, motion: Any) -> bool:
        return self.base.keeps(motion) and self.other.keeps(motion)

    def _sizes(self) -> dict[int, int | None]:
        both = intersection(self.base, self.other).sizes()
        return {
            s: None if size is None or both.get(s, 0) is None else size - (both.get(s, 0) or 0)
            for s, size in self.base.sizes().items()
        }


class Restriction(_Filtered):
    """Members of a set whose white pixels all lie in a region, bool[height, width]."""

    def __init__(self, base: ExampleSet, region: NDArray[np.bool_]) -> None:
        super().__init__(base)
        self.region = region

    def _passes(self, examples: Any) -> NDArray[np.bool_]:
        return _inside(examples, self.region)

    @property
    def work(self) -> float:
        return self.base.work + 1.0

    def restricted(self, region: NDArray[np.bool_]) -> ExampleSet | None:
        return Restriction(self.base, self.region & region)

    def keeps(self, motion: Any) -> bool:
        whole = not motion.shift or bool(self.region.all())
        return whole and bool(motion.keeps(self.region)) and self.base.keeps(motion)


def union(a: ExampleSet, b: ExampleSet) -> ExampleSet:
    """Everything in a or in b, in the form that knows most about itself."""
    return _first(a.join(b), b.join(a)) or Union(a, b)


def intersection(a: ExampleSet, b: ExampleSet) -> ExampleSet:
    """Everything in a and in b, in the form that knows most about itself."""
    return _first(a.meet(b), b.meet(a)) or Intersection(a, b)


def difference(a: ExampleSet, b: ExampleSet) -> ExampleSet:
    """Everything in a and not in b, in the form that knows most about itself."""
    return a.without(b) or Difference(a, b)


def restriction(base: ExampleSet, region: NDArray[np.bool_]) -> ExampleSet:
    """Members whose white pixels all lie in a region, in the form that knows most about itself."""
    return base.restricted(region) or Restriction(base, region)


def _first(*forms: ExampleSet | None) -> ExampleSet | None:
    return next((form for form in forms if form is not None), None)


def _inside(pictures: Any, region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(~(pictures & ~region).any(axis=(1, 2)))


def _everyone(examples: Any) -> NDArray[np.bool_]:
    return np.ones(len(examples), dtype=bool)


def estimate_draws(s: ExampleSet) -> int:
    """Draws of an estimate of a size: fewer where a test costs much."""
    return max(64, min(DRAWS, int(2**20 / s.work)))


def uniform_draws(base: ExampleSet, n: int, rng: np.random.Generator) -> Examples:
    """n draws with the strata by their sizes (by their weights where a size is unknown)."""
    members = base.members()
    if members is not None:
        return members[rng.integers(len(members), size=n)] if len(members) else members
    sizes = base.sizes()
    if None in sizes.values():
        return base.sample(n, rng)
    total = sum(size or 0 for size in sizes.values())
    shares = np.array([(size or 0) / total for size in sizes.values()])
    counts = rng.multinomial(n, shares / shares.sum())
    parts = [base.draw(s, int(m), rng) for s, m in zip(sizes, counts, strict=True)]
    return np.concatenate([empty(base.space), *parts])


def _known_size(s: ExampleSet) -> float:
    size = s.size()
    return math.inf if size is None else min(float(size), 1e300) if size < 10**300 else 1e300


def _inclusion_exclusion(
    a: dict[int, int | None], b: dict[int, int | None], both: dict[int, int | None]
) -> dict[int, int | None]:
    sizes: dict[int, int | None] = {}
    for stratum in sorted({*a, *b}):
        parts = a.get(stratum, 0), b.get(stratum, 0), both.get(stratum, 0)
        sizes[stratum] = None if None in parts else parts[0] + parts[1] - parts[2]  # type: ignore[operator]
    return sizes
