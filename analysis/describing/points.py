"""The shortest description of points of the plane, by the same two-part code as of pictures.

    bits of the sentence
  + -log2 (p(x) s^2) for each point inside       (p the density of the set's law, s the step of a written point)
  + log2 (w^2 / s^2) for each outside            (w the width of the window)
  + log2 C(N, outside) + log2(N + 1)             (which are outside, and how many)

A sentence is tested in a fraction of a millisecond, so that one evaluation of the budget is `SENTENCES` here. First
each rule made of numbers alone is fitted to all points, then to what the best fits leave outside and to parts of
the points that lie together, and these are united; the rest of the budget goes into the grammar's own mutation
and crossover of the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from analysis.describing.coding import Fit, noise_bits
from analysis.errors import AnalysisError
from grammars import Grammar, GrammarError, Sentence
from grammars.bound import Production
from grammars.literals import Domain

STEP = 0.01
"""To which a point is written out, as the language itself does."""

SENTENCES = 10
"""Sentences for one evaluation."""

STRIDES = (16, 4, 1)
"""Steps of a number in a descent, the largest first."""

SWEEPS = 8
"""Rounds through all numbers with one stride, at most."""

ROUGH, FINE = 3, 6
"""Starts of each rule that are made better, and fits for which is asked what they leave over."""

PARTS = (2, 3)
"""Numbers of parts that lie together."""

SHAPES, ROUNDS = 3, 3
"""Shapes of a part, each of another rule; and how often the parts are asked again for what others do not hold."""

FEWEST = 8
"""Points left over that are worth a sentence."""

BRED, POPULATION = 0.3, 24
"""Share of the budget kept for mutation and crossover, of so many."""

QUARTERS = (0.0, 90.0, 180.0, 270.0)

Points = NDArray[np.float64]  # float64[n, 2]


def points_of(samples: NDArray[Any], grammar: Grammar) -> Points:
    """Samples as points, those that are not finite far outside; AnalysisError where they are none."""
    points = np.asarray(samples, np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise AnalysisError(
            f"samples of {grammar.name} on {grammar.space} are [N, 2], but got {list(points.shape)}"
        )
    if not len(points):
        raise AnalysisError("`samples >= 1` must hold, but got (samples=0): nothing to describe")
    return np.where(np.isfinite(points).all(axis=1, keepdims=True), points, 1e6)


def point_bits(grammar: Grammar) -> float:
    """What a point costs that is written out."""
    return 2.0 * math.log2(2.0 * grammar.space.window / STEP)


def listing_bits(points: Points, grammar: Grammar) -> float:
    """The points without a sentence."""
    return len(points) * point_bits(grammar)


def search(points: Points, grammar: Grammar, evaluations: int, seed: int) -> list[Fit]:
    """Fits of Set sentences to points, the least total first."""
    rng = np.random.Generator(np.random.PCG64(seed))
    whole = _Search(points, grammar, int((1 - BRED) * SENTENCES * evaluations))
    whole.shaped()
    whole.covered()
    whole.parted()
    whole.left += SENTENCES * evaluations - int((1 - BRED) * SENTENCES * evaluations)
    whole.bred(rng)
    return whole.ranked()


class _Search:
    """Fits to some points; those to a part of them have a search of their own."""

    def __init__(self, points: Points, grammar: Grammar, sentences: int) -> None:
        self.points, self.grammar, self.left = points, grammar, sentences
        self.fits: dict[Sentence, Fit] = {}

    def ranked(self) -> list[Fit]:
        """By total bits, one for each set of points inside at one cost, the shortest."""
        found: list[Fit] = []
        seen: set[tuple[int, bytes]] = set()
        for fit in sorted(self.fits.values(), key=lambda one: (one.total_bits, str(one.sentence))):
            same = round(fit.data_bits * 1e6), fit.inside.tobytes()
            if same not in seen:
                seen.add(same)
                found.append(fit)
        return found

    def fit(self, sentence: Sentence | None) -> Fit | None:
        """What the points cost with a sentence; None where it says no set, or the budget is used up."""
        if sentence is None:
            return None
        if sentence in self.fits:
            return self.fits[sentence]
        if self.left <= 0:
            return None
        self.left -= 1
        try:
            denoted: Any = sentence.denote()
            density = denoted.density(self.points)
        except GrammarError:  # nothing of it lies in the window
            return None
        inside = density > 0
        outside = int((~inside).sum())
        each = -np.log2(density[inside] * STEP**2)
        data = float(each.sum()) + noise_bits(len(self.points), outside, 0)
        data += outside * point_bits(self.grammar)
        found = Fit(sentence, sentence.bits, data, inside, outside, not denoted.density_is_exact, 0.0)
        self.fits[sentence] = found
        return found

    def shaped(self) -> list[Fit]:
        """Each rule of numbers alone, begun where the points lie and made better number by number."""
        best: list[Fit] = []
        for production in self.grammar.category("Set").productions:
            if all(isinstance(slot.domain, Domain) and not slot.several for slot in production.slots):
                begun = [
                    fit
                    for args in _starts(production, self.points)
                    if (fit := self.fit(_said(production, args)))
                ]
                for fit in sorted(begun, key=lambda one: one.total_bits)[:ROUGH]:
                    best.append(self.descended(fit))
        return sorted(best, key=lambda one: one.total_bits)

    def descended(self, fit: Fit) -> Fit:
        """Made better one number at a time."""
        for stride in STRIDES:
            for _ in range(SWEEPS):
                before = fit
                for sentence in list(_neighbours(fit.sentence, stride)):
                    other = self.fit(sentence)
                    if other is not None and other.total_bits < fit.total_bits - 1e-9:
                        fit = other
                if fit is before:
                    break
        return fit

    def covered(self) -> None:
        """The best fits with another shape for what they leave outside."""
        for fit in self.ranked()[:FINE]:
            rest = ~fit.inside
            if rest.sum() >= FEWEST:
                for other in self.asked(self.points[rest])[:1]:
                    self.united([[fit.sentence], [other]])

    def parted(self) -> None:
        """Parts that lie together, each with its best shapes; then each part for what the others do not hold."""
        for count in PARTS:
            if len(self.points) < count * FEWEST:
                return
            _, part = kmeans2(self.points, count, minit="++", seed=0)
            parts = [self.asked(self.points[part == one])[:SHAPES] for one in range(count)]
            for _ in range(ROUNDS):
                if not all(parts):
                    break
                chosen = self.united(parts)
                if chosen is None:
                    break
                held = [self.holds(one) for one in chosen]
                for one in range(count):
                    others = np.logical_or.reduce([held[two] for two in range(count) if two != one])
                    again = self.asked(self.points[~others])[:SHAPES]
                    parts[one] = list(dict.fromkeys([chosen[one], *again]))

    def holds(self, sentence: Sentence) -> NDArray[np.bool_]:
        return np.asarray(sentence.denote().contains(self.points))

    def asked(self, points: Points) -> list[Sentence]:
        """The best shapes of some of the points, if they are enough, one of each rule."""
        if len(points) < FEWEST or self.left <= 0:
            return []
        smaller = _Search(points, self.grammar, min(self.left, max(self.left // 8, 400)))
        given = smaller.left
        best = {fit.sentence.rule: fit.sentence for fit in reversed(smaller.shaped())}
        self.left -= given - smaller.left
        return list(reversed(best.values()))

    def united(self, parts: Sequence[Sequence[Sentence]]) -> list[Sentence] | None:
        """The best union of one of each, made better as a whole; its parts."""
        union = next((p for p in self.grammar.category("Set").productions if p.name == "union"), None)
        if union is None:
            return None
        best: tuple[float, list[Sentence]] = (math.inf, [])
        for chosen in product(*parts):
            whole = chosen[0]
            for part in chosen[1:]:
                whole = union.sentence((whole, part))
            fit = self.fit(whole)
            if fit is not None and fit.total_bits < best[0]:
                best = fit.total_bits, list(chosen)
                found = fit
        if not best[1]:
            return None
        return _members(self.descended(found).sentence, len(parts))

    def bred(self, rng: np.random.Generator) -> None:
        """Mutation and crossover of the best, by tournament of two."""
        tries = 4 * self.left
        while self.left > 0 and tries > 0 and self.fits:
            best = self.ranked()[:POPULATION]
            for _ in range(POPULATION):
                tries -= 1
                one, other = (best[min(rng.integers(len(best), size=2))].sentence for _ in range(2))
                children: Iterable[Sentence]
                children = (
                    (self.grammar.mutate(one, rng),)
                    if rng.random() < 0.7
                    else self.grammar.crossover(one, other, rng)
                )
                for child in children:
                    self.fit(child)
        if self.fits:
            self.descended(self.ranked()[0])


def _members(union: Sentence, count: int) -> list[Sentence]:
    """The parts of unions within each other, so many."""
    if count == 1:
        return [union]
    one, other = union.args
    deeper, single = (one, other) if one.rule == "union" and count > 2 else (other, one)
    return [*_members(deeper, count - 1), single]


def _starts(production: Production, points: Points) -> Iterator[list[Any]]:
    """Arguments that put a shape where the points lie, at two centres, in four directions."""
    inside = points[np.abs(points).max(axis=1) < 1e5]
    if not len(inside):
        return
    low, high = np.percentile(inside, [2, 98], axis=0)
    spread = float(np.linalg.norm(inside - inside.mean(axis=0), axis=1).mean())
    sizes = {
        "radius": spread,
        "width": high[0] - low[0],
        "height": high[1] - low[1],
        "side": float((high - low).max()),
    }
    for centre in (inside.mean(axis=0), (low + high) / 2):
        wanted = {"x": centre[0], "y": centre[1], "offset": 0.0} | sizes
        for thin in (1.0, 0.4):
            for angle in QUARTERS:
                named = wanted | {"width": thin * sizes["width"], "angle": angle}
                yield [_nearest(slot.domain, named.get(slot.name)) for slot in production.slots]


def _nearest(domain: Any, wanted: float | None) -> Any:
    """The value nearest to what is wanted; the middle one where nothing is."""
    values = [value for _, value in domain.options()]
    if not all(isinstance(value, int | float) for value in values):
        return values[0]
    ordered = sorted(values)
    return (
        ordered[len(ordered) // 2] if wanted is None else min(ordered, key=lambda value: abs(value - wanted))
    )


def _neighbours(sentence: Sentence, stride: int) -> Iterator[Sentence]:
    """The sentence with one number moved by a stride, or another word in its place."""
    for path, part in sentence.walk():
        for index, slot in enumerate(part.production.slots_of(part.args)):
            if not isinstance(slot.domain, Domain):
                continue
            for value in _beside(slot.domain, part.args[index], stride):
                args = [*part.args]
                args[index] = value
                moved = _said(part.production, args)
                if moved is not None:
                    yield sentence.replace(path, moved)


def _beside(domain: Domain, value: Any, stride: int) -> Iterator[Any]:
    values = [one for _, one in domain.options()]
    if not all(isinstance(one, int | float) for one in values):
        yield from (one for one in values if one != value)
        return
    ordered = sorted(values)
    place = ordered.index(value)
    for other in (place - stride, place + stride):
        if 0 <= other < len(ordered):
            yield ordered[other]


def _said(production: Production, args: Sequence[Any]) -> Sentence | None:
    try:
        return production.sentence(tuple(args))
    except GrammarError:
        return None
