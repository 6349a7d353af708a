"""The shortest description of points of the plane, by the same two-part code as of pictures.

    bits of the sentence
  + -log2 (p(x) s^2) for each point inside     (p the density of the set's law, s the step of a written point)
  + log2 (w^2 / s^2) for each outside          (w the width of the window)
  + log2 C(N, outside) + log2(N + 1)           (which are outside, and how many)

A sentence is tested in a millisecond, so that one evaluation of the budget is `SENTENCES` here. First each
rule made of numbers alone is fitted to all points; then shapes along circles on which many points lie, with
others for what these leave outside; then parts of the points that lie together. Parts are united, and asked
for again given each other. The rest goes into the grammar's own mutation and crossover, and into the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from analysis.describing.coding import Fit, noise_bits
from analysis.errors import AnalysisError
from grammars import Grammar, GrammarError, Plane, Sentence
from grammars.bound import Production
from grammars.literals import Domain

FAR = 1e5
"""Beyond every window."""

STEP = 0.01
"""To which a point is written out, as the language itself does."""

SENTENCES, MOST = 20, 24_000
"""Sentences for one evaluation, and for all of them at most."""

STRIDES = (16, 4, 1)
"""Steps of a number in a descent, the largest first."""

SWEEPS = 8
"""Rounds through all numbers with one stride, at most."""

ROUGH, FINE = 2, 4
"""Starts of each rule that are made better, and fits for which is asked what they leave over."""

PARTS = (2, 3)
"""Numbers of parts that lie together."""

SHAPES, ROUNDS = 3, 3
"""Shapes of a part, each of another rule; and how often the parts are asked again, given the others."""

FEWEST = 8
"""Points left over that are worth a sentence."""

BAND, TRIPLES, CIRCLES = 0.2, 300, 3
"""Half the width of the band along a circle, the circles tried, and those from which a shape begins."""

BRED, POPULATION = 0.1, 24
"""Share of the budget kept for mutation and crossover, of so many."""

POLISHED = 0.1
"""Share kept for the best in the end."""

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
    return np.where(np.isfinite(points).all(axis=1, keepdims=True), points, 2 * FAR)


def point_bits(grammar: Grammar) -> float:
    """What a point costs that is written out."""
    assert isinstance(grammar.space, Plane)
    return 2.0 * math.log2(2.0 * grammar.space.window / STEP)


def listing_bits(points: Points, grammar: Grammar) -> float:
    """The points without a sentence."""
    return len(points) * point_bits(grammar)


def search(points: Points, grammar: Grammar, evaluations: int, seed: int) -> list[Fit]:
    """Fits of Set sentences to points, the least total first."""
    budget = min(SENTENCES * evaluations, MOST)
    whole = _Search(points, grammar, int((1 - BRED - POLISHED) * budget))
    whole.shaped()
    whole.covered()
    whole.exchanged()
    whole.parted()
    whole.exchanged()
    whole.left += int(BRED * budget)
    whole.bred(np.random.Generator(np.random.PCG64(seed)))
    whole.left += int(POLISHED * budget)
    if whole.fits:
        whole.descended(whole.ranked()[0], pairs=True)
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
        estimated = not denoted.density_is_exact
        error = math.nan if estimated else 0.0  # of an estimated area it is not known
        found = Fit(sentence, sentence.bits, data, inside, outside, estimated, error)
        self.fits[sentence] = found
        return found

    def shapes(self) -> list[Production]:
        """The rules of numbers alone."""
        sets = self.grammar.category("Set").productions
        return [
            p for p in sets if all(isinstance(slot.domain, Domain) and not slot.several for slot in p.slots)
        ]

    def shaped(self) -> list[Fit]:
        """Each rule of numbers alone, begun where the points lie and made better number by number."""
        best: list[Fit] = []
        for production in self.shapes():
            starts = chain(_starts(production, self.points), *_along(production, self.points))
            begun = [fit for args in starts if (fit := self.fit(_said(production, args)))]
            best += [self.descended(fit) for fit in sorted(begun, key=_total)[:ROUGH]]
        return sorted(best, key=_total)

    def descended(self, fit: Fit, pairs: bool = False) -> Fit:
        """Made better one number at a time; or, where that ends, two of one shape at a time."""
        for stride in STRIDES:
            for _ in range(SWEEPS):
                before = fit
                fit = self.best_of(fit, _neighbours(fit.sentence, stride))
                if fit is before and pairs:
                    fit = self.best_of(fit, _pairs(fit.sentence, stride))
                if fit is before:
                    break
        return fit

    def best_of(self, fit: Fit, others: Iterable[Sentence]) -> Fit:
        for sentence in others:
            other = self.fit(sentence)
            if other is not None and other.total_bits < fit.total_bits - 1e-9:
                fit = other
        return fit

    def covered(self) -> None:
        """Shapes that hold a part of the points, each with others for what it leaves outside."""
        partial: list[Fit] = []
        for production in self.shapes():
            for around in _along(production, self.points):
                begun = [fit for args in around if (fit := self.fit(_said(production, args)))]
                partial += [self.descended(fit) for fit in sorted(begun, key=_total)[:1]]
        first = {
            (fit.sentence.rule, fit.inside.sum() // FEWEST): fit
            for fit in sorted(partial, key=_total, reverse=True)
        }
        for fit in [*sorted(first.values(), key=_total)[:FINE], *self.ranked()[:FINE]]:
            if fit.outside >= FEWEST:
                others = self.asked(self.points[~fit.inside])[:SHAPES]
                if others:
                    self.united([[fit.sentence], others])

    def parted(self) -> None:
        """Parts that lie together, each with its best shapes."""
        for count in PARTS:
            if len(self.points) < count * FEWEST:
                return
            _, part = kmeans2(self.points, count, minit="++", seed=0)
            parts = [self.asked(self.points[part == one])[:SHAPES] for one in range(count)]
            if all(parts):
                self.united(parts)

    def exchanged(self) -> None:
        """The best union of two, each again for what the other does not hold."""
        for _ in range(ROUNDS):
            best = next((fit for fit in self.ranked() if fit.sentence.rule == "union"), None)
            if best is None:
                return
            one, other = best.sentence.args
            again = [self.asked(self.points[~self.holds(kept)])[:SHAPES] for kept in (other, one)]
            found = self.united(
                [list(dict.fromkeys([one, *again[0]])), list(dict.fromkeys([other, *again[1]]))]
            )
            if found is None or {str(part) for part in found} == {str(one), str(other)}:
                return

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
        return _members(self.descended(found, pairs=True).sentence, len(parts))

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


def _total(fit: Fit) -> float:
    return fit.total_bits


def _members(union: Sentence, count: int) -> list[Sentence]:
    """The parts of unions within each other, so many."""
    if count == 1:
        return [union]
    one, other = union.args
    deeper, single = (one, other) if one.rule == "union" and count > 2 else (other, one)
    return [*_members(deeper, count - 1), single]


def _starts(production: Production, points: Points) -> Iterator[list[Any]]:
    """Arguments that put a shape where the points lie, at several centres, in four directions.

    The centre of a shape need not be that of its points: half a ring lies to one side of its own.
    """
    inside = points[np.abs(points).max(axis=1) < FAR]
    if not len(inside):
        return
    low, high = np.percentile(inside, [2, 98], axis=0)
    middle, extent = inside.mean(axis=0), high - low
    spread = float(np.linalg.norm(inside - middle, axis=1).mean())
    sizes = {"radius": spread, "height": extent[1], "side": float(extent.max())}
    names = {slot.name for slot in production.slots}
    aside = [spread * np.array(way) for way in ((0.6, 0), (-0.6, 0), (0, 0.6), (0, -0.6))]
    centres = [
        middle,
        (low + high) / 2,
        *(middle + one for one in aside if "angle" in names and "radius" in names),
    ]
    for centre in centres:
        for thin in (1.0, 0.4) if "width" in names else (1.0,):
            for angle in QUARTERS if "angle" in names else (0.0,):
                wanted = sizes | {
                    "x": centre[0],
                    "y": centre[1],
                    "offset": 0.0,
                    "width": thin * extent[0],
                    "angle": angle,
                }
                yield [_nearest(slot.domain, wanted.get(slot.name)) for slot in production.slots]


def _along(production: Production, points: Points) -> list[list[list[Any]]]:
    """Arguments that put a shape along a circle on which many of the points lie; a list for each circle."""
    names = {slot.name for slot in production.slots}
    if not {"x", "y", "radius", "width"} <= names:
        return []
    found = []
    for x, y, radius in _circles(points[np.abs(points).max(axis=1) < FAR]):
        given = {"x": x, "y": y, "radius": radius, "width": 2 * BAND}
        angles = QUARTERS if "angle" in names else (0.0,)
        ways = [given | {"angle": angle} for angle in angles]
        found.append(
            [[_nearest(slot.domain, way.get(slot.name)) for slot in production.slots] for way in ways]
        )
    return found


def _circles(points: Points) -> list[tuple[float, float, float]]:
    """x, y and radius of circles along which many points lie, by triples (Fischler and Bolles 1981)."""
    rng = np.random.Generator(np.random.PCG64(len(points)))
    if not len(points):
        return []
    one, two, three = (points[rng.integers(len(points), size=TRIPLES)] for _ in range(3))
    first, second = two - one, three - one
    cross = 2 * (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    good = np.abs(cross) > 1e-3
    one, first, second, cross = one[good], first[good], second[good], cross[good]
    a, b = (first**2).sum(axis=1), (second**2).sum(axis=1)
    centre = (
        one
        + np.stack([second[:, 1] * a - first[:, 1] * b, first[:, 0] * b - second[:, 0] * a], 1)
        / cross[:, None]
    )
    radius = np.linalg.norm(one - centre, axis=1)
    kept = (radius > 2 * BAND) & (radius < 2.0) & (np.abs(centre).max(axis=1) < 2.0)
    centre, radius = centre[kept], radius[kept]
    near = np.abs(np.linalg.norm(points[None] - centre[:, None], axis=2) - radius[:, None]) < BAND
    gain = np.log2(
        (2 * np.abs(points).max()) ** 2 / (4 * np.pi * radius * BAND)
    )  # bits for each point along it
    found: list[tuple[float, float, float]] = []
    free = np.ones(len(points), bool)
    for _ in range(CIRCLES):
        if not len(near):
            break
        best = int(np.argmax((near & free).sum(axis=1) * gain))
        found.append((float(centre[best, 0]), float(centre[best, 1]), float(radius[best])))
        free &= ~near[best]
    return found


def _nearest(domain: Any, wanted: float | None) -> Any:
    """The value nearest to what is wanted; the middle one where nothing is."""
    values = _ordered(domain)
    if wanted is None or isinstance(values[0], str):
        return values[len(values) // 2]
    return min(values, key=lambda value: abs(value - wanted))


def _neighbours(sentence: Sentence, stride: int) -> Iterator[Sentence]:
    """The sentence with one number moved by a stride, or another word in its place."""
    for path, part, index in _places(sentence):
        for value in _beside(part, index, stride):
            yield from _with(sentence, path, part, {index: value})


def _pairs(sentence: Sentence, stride: int) -> Iterator[Sentence]:
    """The same with two numbers of one shape, such as a radius and a width."""
    for (path, part, index), (other_path, _, other) in combinations(_places(sentence), 2):
        if path == other_path:
            for value, second in product(_beside(part, index, stride), _beside(part, other, stride)):
                yield from _with(sentence, path, part, {index: value, other: second})


def _places(sentence: Sentence) -> Iterator[tuple[tuple[int, ...], Sentence, int]]:
    """Where literals stand: the path to a part, the part, and the argument's number."""
    for path, part in sentence.walk():
        for index, slot in enumerate(part.production.slots_of(part.args)):
            if isinstance(slot.domain, Domain):
                yield path, part, index


def _with(
    sentence: Sentence, path: tuple[int, ...], part: Sentence, changed: Mapping[int, Any]
) -> Iterator[Sentence]:
    args = [changed.get(index, arg) for index, arg in enumerate(part.args)]
    moved = _said(part.production, args)
    if moved is not None:
        yield sentence.replace(path, moved)


def _beside(part: Sentence, index: int, stride: int) -> Iterator[Any]:
    """The values a stride below and above; of words all others."""
    domain: Any = list(part.production.slots_of(part.args))[index].domain
    value, values = part.args[index], _ordered(domain)
    if isinstance(value, str):
        yield from (one for one in values if one != value)
        return
    place = values.index(value)
    for other in (place - stride, place + stride):
        if 0 <= other < len(values):
            yield values[other]


@lru_cache(maxsize=256)
def _ordered(domain: Domain) -> list[Any]:
    return sorted(value for _, value in domain.options())


def _said(production: Production, args: Sequence[Any]) -> Sentence | None:
    try:
        return production.sentence(tuple(args))
    except GrammarError:
        return None
