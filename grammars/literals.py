"""Literals of a sentence: which values there are, what each costs in bits, how one is drawn and nudged.

A rule declares them in its annotations: `Annotated[int, Between(0, 7)]`, `Annotated[str, Choice("left",
"right")]`, `Annotated[float, Steps(0.0, 1.0, 0.125)]`. Bounds may be callables of the space. Every domain is
finite, so every value has finitely many bits; the probabilities of a domain sum to one.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import numpy as np

from grammars.errors import GrammarError, nearest, shorten
from grammars.spaces import Space

Value = int | float | str
IntBound = int | Callable[[Any], int]
FloatBound = float | Callable[[Any], float]


class Domain(ABC):
    """A finite set of literal values with a probability each, bound to a space.

    `cheapest` is the smallest cost of a value in bits; `kind` the Python type a text must have there.
    """

    kind: type
    cheapest: float

    @abstractmethod
    def bits(self, value: Value) -> float:
        """-log2 of the probability of a value of this domain."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, budget: float) -> Value:
        """A value by its probability among those of at most `budget` bits (`budget >= cheapest`)."""

    @abstractmethod
    def problem(self, value: Value) -> str | None:
        """Why the value does not belong here, or None."""

    @abstractmethod
    def options(self) -> Iterator[tuple[float, Value]]:
        """Every value with its bits, cheapest first."""

    @abstractmethod
    def nudge(self, value: Value, rng: np.random.Generator) -> Value:
        """A value near this one; may be the same where there is no other."""

    @abstractmethod
    def describe(self) -> str:
        """The domain in a few characters, for rule tables and errors."""

    def write(self, value: Value) -> str:
        return repr(value)


class _Listed(Domain):
    """Values in a list with declared costs in ascending order."""

    values: list[Value] | range

    def __init__(self, values: list[Value], costs: list[float]) -> None:
        self.values = values
        self.costs = costs
        self.cheapest = costs[0]
        self._cumulative = list(accumulate(2.0**-cost for cost in costs))

    def index(self, value: Value) -> int:
        return self.values.index(value)  # type: ignore[arg-type]

    def bits(self, value: Value) -> float:
        return self.costs[self.index(value)]

    def draw(self, rng: np.random.Generator, budget: float) -> Value:
        affordable = max(1, bisect_right(self.costs, budget))
        point = rng.random() * self._cumulative[affordable - 1]
        return self.values[min(bisect_right(self._cumulative, point), affordable - 1)]

    def options(self) -> Iterator[tuple[float, Value]]:
        return zip(self.costs, self.values, strict=True)

    def nudge(self, value: Value, rng: np.random.Generator) -> Value:
        step = _small_step(rng)
        return self.values[min(max(self.index(value) + step, 0), len(self.values) - 1)]


def _small_step(rng: np.random.Generator) -> int:
    """+-1 mostly, now and then further: geometric."""
    size = 1
    while size < 16 and rng.random() < 0.3:
        size += 1
    return size if rng.random() < 0.5 else -size


class _Integers(_Listed):
    kind = int

    def __init__(self, low: int, high: int, weights: list[float]) -> None:
        """`weights`: of low, low + 1, ..., high; probabilities are proportional to them."""
        self.low, self.high = low, high
        self._order = sorted(range(len(weights)), key=lambda i: (-weights[i], i))
        self._rank = {low + index: rank for rank, index in enumerate(self._order)}
        total = math.fsum(weights)
        values: list[Value] = [low + index for index in self._order]
        super().__init__(values, [math.log2(total / weights[index]) for index in self._order])

    def problem(self, value: Value) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return f"wants an integer, but got {_shown(value)}"
        if not self.low <= value <= self.high:
            near = self.low if value < self.low else self.high
            return f"is {self.describe()}, but got {_shown(value)}; nearest: {near}"
        return None

    def index(self, value: Value) -> int:
        return self._rank[int(value)]

    def nudge(self, value: Value, rng: np.random.Generator) -> Value:
        return min(max(int(value) + _small_step(rng), self.low), self.high)

    def describe(self) -> str:
        return f"{self.low}..{self.high}"


class _UniformIntegers(_Integers):
    """All values cost the same: no table is kept, so that a range may be long."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.values = range(low, high + 1)
        self.cheapest = math.log2(len(self.values))

    def bits(self, value: Value) -> float:
        return self.cheapest

    def draw(self, rng: np.random.Generator, budget: float) -> Value:
        return self.values[int(rng.random() * len(self.values))]

    def options(self) -> Iterator[tuple[float, Value]]:
        return ((self.cheapest, value) for value in self.values)


class _Seeds(_UniformIntegers):
    """Seeds have no neighbours: nudging draws another."""

    def nudge(self, value: Value, rng: np.random.Generator) -> Value:
        return self.draw(rng, self.cheapest)


@dataclass(frozen=True)
class Between:
    """Integers from `low` to `high`, both included.

    `law` is "uniform"; "harmonic" (the i-th value, i = 1, 2, ..., has probability proportional to 1/(i(i+1)):
    small values are cheap, the cost grows like 2 log2 i; compare Rissanen's code of the integers, 1983);
    "count" (harmonic in the value itself, 0 as cheap as 4: numbers of things); "log" (proportional to 1/i:
    every octave is as probable as the next); or "seed" (uniform, and a nudge redraws it).
    """

    low: IntBound
    high: IntBound
    law: Literal["uniform", "harmonic", "count", "log", "seed"] = "uniform"

    def bind(self, space: Space) -> Domain:
        low, high = _at(self.low, space), _at(self.high, space)
        if low > high:
            raise GrammarError(f"`low <= high` must hold on {space}, but got (low={low}, high={high})")
        if self.law == "uniform":
            return _UniformIntegers(low, high)
        if self.law == "seed":
            return _Seeds(low, high)
        if self.law == "count":
            return _Integers(low, high, [count_weight(k) for k in range(low, high + 1)])
        ranks = range(1, high - low + 2)
        return _Integers(low, high, [1.0 / (i * (i + 1) if self.law == "harmonic" else i) for i in ranks])


def count_weight(count: int) -> float:
    """Weight of a number of things: harmonic from 1; none of them is as rare as four."""
    return 1.0 / (count * (count + 1)) if count else 1.0 / 20.0


class _Floats(_Listed):
    kind = float

    def problem(self, value: Value) -> str | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return f"wants a number, but got {_shown(value)}"
        if value not in self.values:
            near = min(self.values, key=lambda v: abs(float(v) - value))
            return f"is {self.describe()}, but got {_shown(value)}; nearest: {near!r}"
        return None

    def describe(self) -> str:
        step = float(self.values[1]) - float(self.values[0]) if len(self.values) > 1 else 0.0
        return f"{self.values[0]}..{self.values[-1]} in steps of {step:g}"


@dataclass(frozen=True)
class Steps:
    """Floats low, low + step, ..., up to `high`, equally probable: a declared finite grid of numbers."""

    low: FloatBound
    high: FloatBound
    step: FloatBound

    def bind(self, space: Space) -> Domain:
        low, high, step = (_at(bound, space) for bound in (self.low, self.high, self.step))
        if step <= 0 or high < low:
            raise GrammarError(
                f"`low <= high` and `step > 0` must hold on {space}, but got ({low=}, {high=}, {step=})"
            )
        count = math.floor((high - low) / step + 1e-9) + 1
        # Twelve decimals: what is written is what is meant, whatever the rounding of low + i * step.
        values: list[Value] = [round(low + i * step, 12) + 0.0 for i in range(count)]
        return _Floats(values, [math.log2(count)] * count)


class _Choices(_Listed):
    kind = str

    def problem(self, value: Value) -> str | None:
        if value in self.values:
            return None
        choices = [str(v) for v in self.values]
        near = nearest(value, choices) if isinstance(value, str) else None
        hint = f"did you mean {near!r}?" if near else f"choose from {', '.join(map(repr, choices))}"
        return f"does not know {_shown(value)}; {hint}"

    def nudge(self, value: Value, rng: np.random.Generator) -> Value:
        return self.draw(rng, self.costs[-1])

    def describe(self) -> str:
        return "|".join(map(repr, self.values))


class Choice:
    """One of several strings, equally probable."""

    def __init__(self, *values: str) -> None:
        self.values = values
        for value in values:
            if not value.isascii() or not value.isprintable() or any(mark in value for mark in "'\"\\"):
                raise GrammarError(f"a choice is printable ASCII without quotes and backslashes: {value!r}")

    def bind(self, space: Space) -> Domain:
        return _Choices(list(self.values), [math.log2(len(self.values))] * len(self.values))


def _at(bound: Any, space: Space) -> Any:
    return bound(space) if callable(bound) else bound


def _shown(value: Value) -> str:
    return shorten(repr(value), 40)
