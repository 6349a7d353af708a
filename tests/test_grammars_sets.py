"""Sets against a second opinion: an interpreter of sentences over all pictures of a tiny grid.

It shares no code with the room: a picture is a frozenset of (row, column), a Set is a Python set of pictures,
and every rule is its definition.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import grammars
from grammars import dots, example_set, overlay
from grammars.example_set import ExampleSet
from grammars.language import Grammar

Pixel = tuple[int, int]
Picture = frozenset[Pixel]


class Definitions:
    """What each rule of the language `dots` means, on a grid small enough to list all pictures."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.pixels = list(itertools.product(range(height), range(width)))
        self.pictures = [
            frozenset(chosen)
            for size in range(len(self.pixels) + 1)
            for chosen in itertools.combinations(self.pixels, size)
        ]

    def of(self, sentence: grammars.Sentence) -> Any:
        args = [self.of(a) if isinstance(a, grammars.Sentence) else a for a in sentence.args]
        return getattr(self, sentence.rule)(*args)

    # Numbers and regions.

    def exactly(self, k: int) -> set[int]:
        return {k}

    def between(self, low: int, high: int) -> set[int]:
        return {k for k in range(100) if low <= k <= high}

    def multiple_of(self, step: int, plus: int) -> set[int]:
        return {k for k in range(100) if k >= plus and (k - plus) % step == 0}

    def rows(self, first: int, last: int) -> set[Pixel]:
        return {(r, c) for r, c in self.pixels if first <= r <= last}

    def columns(self, first: int, last: int) -> set[Pixel]:
        return {(r, c) for r, c in self.pixels if first <= c <= last}

    def border(self) -> set[Pixel]:
        return {(r, c) for r, c in self.pixels if r in (0, self.height - 1) or c in (0, self.width - 1)}

    def interior(self) -> set[Pixel]:
        return set(self.pixels) - self.border()

    def half(self, side: str) -> set[Pixel]:
        return {
            (r, c)
            for r, c in self.pixels
            if (side == "top" and 2 * r + 1 < self.height)
            or (side == "bottom" and 2 * r + 1 > self.height)
            or (side == "left" and 2 * c + 1 < self.width)
            or (side == "right" and 2 * c + 1 > self.width)
        }

    def everywhere(self) -> set[Pixel]:
        return set(self.pixels)

    def outside(self, region: set[Pixel]) -> set[Pixel]:
        return set(self.pixels) - region

    def subgrid(self, down: int, right: int, row: int, column: int) -> set[Pixel]:
        return {(r, c) for r, c in self.pixels if (r - row) % down == 0 and (c - column) % right == 0}

    def levels(self, number: int) -> int:
        return number

    def deepest(self) -> int:
        return 99

    def carpet(self, tile: str, depth: int) -> set[Pixel]:
        cells = tile.split("/")
        side = len(cells)

        def is_white(r: int, c: int, level: int) -> bool:
            if level == 0:
                return True
            size = side ** (level - 1)
            return cells[r // size % side][c // size % side] == "1" and is_white(r, c, level - 1)

        # On these grids no more than six levels differ, and above them the grid is in the first cell.
        most = next(level for level in range(9) if side**level >= max(self.height, self.width))
        return {(r, c) for r, c in self.pixels if is_white(r, c, min(depth, most))}

    def copy(self, row: int, column: int, scale: int, turn: int) -> tuple[int, int, int, int]:
        return row, column, scale, turn

    def ifs(self, *arguments: Any) -> set[Pixel]:
        *copies, depth = arguments
        points = {(Fraction(1, 2), Fraction(1, 2))}
        for _ in range(min(depth, next(m for m in range(9) if 2**m >= max(self.height, self.width)))):
            points = {image for point in points for image in self._images(copies, point)}
        return {(math.floor(y * self.height), math.floor(x * self.width)) for y, x in points}

    def _images(self, copies: Any, point: Any) -> Iterator[Any]:
        for row, column, scale, turn in copies:
            y, x = point[0], 1 - point[1] if turn >= 4 else point[1]
            for _ in range(turn % 4):
                y, x = 1 - x, y
            room = Fraction(scale - 1, 4 * scale)
            yield y / scale + row * room, x / scale + column * room

    # Pictures.

    def at(self, row: int, column: int) -> Picture:
        return frozenset({(row, column)})

    def overlay(self, *pictures: Picture) -> Picture:
        return frozenset().union(*pictures)

    def picture(self, digits: str) -> Picture:
        bits = "".join(f"{int(digit, 16):04b}" for digit in digits)
        return frozenset(pixel for pixel, bit in zip(self.pixels, bits, strict=False) if bit == "1")

    # Sets.

    def dots(self, k: set[int], gap: int, region: set[Pixel], neighbours: int) -> set[Picture]:
        def steps(down: int, right: int) -> int:
            return max(down, right) if neighbours == 8 else down + right

        def apart(picture: Picture) -> bool:
            pairs = itertools.combinations(picture, 2)
            return all(steps(abs(a - c), abs(b - d)) > gap for (a, b), (c, d) in pairs)

        return {p for p in self.pictures if len(p) in k and p <= region and apart(p)}

    def lines(self, k: set[int], gap: int) -> set[Picture]:
        def is_line(picture: Picture) -> bool:
            places = sorted(picture)
            steps = {(c - a, d - b) for (a, b), (c, d) in itertools.pairwise(places)}
            return len(steps) <= 1 and all(max(abs(down), abs(right)) > gap for down, right in steps)

        return {p for p in self.pictures if len(p) in k and is_line(p)}

    def lattice(self, down: int, right: int, slant: int) -> set[Picture]:
        found = set()
        for first, offset in itertools.product(range(down), range(right)):
            rows = range(first, self.height, down)
            places = {(r, offset + slant * i + right * j) for i, r in enumerate(rows) for j in range(-99, 99)}
            found.add(frozenset(places & set(self.pixels)))
        return found

    def explicit(self, *pictures: Picture) -> set[Picture]:
        return set(pictures)

    def union(self, first: set[Picture], second: set[Picture]) -> set[Picture]:
        return first | second

    def intersect(self, first: set[Picture], second: set[Picture]) -> set[Picture]:
        return first & second

    def difference(self, first: set[Picture], second: set[Picture]) -> set[Picture]:
        return first - second

    def product(self, first: set[Picture], second: set[Picture]) -> set[Picture]:
        return {a | b for a in first for b in second if not a & b}

    def within(self, of: set[Picture], region: set[Pixel]) -> set[Picture]:
        return {p for p in of if p <= region}

    def orbit(self, of: set[Picture], motion: Any) -> set[Picture]:
        return {image for picture in of for image in motion(picture)}

    # Motions.

    def rolls(self) -> Any:
        def images(picture: Picture) -> Iterator[Picture]:
            for down, right in self.pixels:
                yield frozenset(((r + down) % self.height, (c + right) % self.width) for r, c in picture)

        return images

    def translations(self) -> Any:
        def images(picture: Picture) -> Iterator[Picture]:
            for down in range(-self.height, self.height):
                for right in range(-self.width, self.width):
                    moved = frozenset((r + down, c + right) for r, c in picture)
                    if moved <= set(self.pixels):
                        yield moved

        return images

    def _maps(self, *maps: Any) -> Any:
        return lambda picture: [frozenset(f(r, c) for r, c in picture) for f in maps]

    def rotations(self) -> Any:
        last_row, last_column = self.height - 1, self.width - 1
        maps = [lambda r, c: (r, c), lambda r, c: (last_row - r, last_column - c)]
        if self.height == self.width:
            maps += [lambda r, c: (c, last_row - r), lambda r, c: (last_column - c, r)]
        return self._maps(*maps)

    def reflections(self) -> Any:
        last_row, last_column = self.height - 1, self.width - 1
        return self._maps(
            lambda r, c: (r, c),
            lambda r, c: (last_row - r, c),
            lambda r, c: (r, last_column - c),
            lambda r, c: (last_row - r, last_column - c),
        )

    def symmetries(self) -> Any:
        turns, flips = self.rotations(), self.reflections()
        return lambda picture: [image for turned in turns(picture) for image in flips(turned)]

    # Lessons.

    def these(self, *pictures: Picture) -> set[Picture]:
        return set(pictures)


def as_set(examples: Any) -> set[Picture]:
    return {frozenset(map(tuple, np.argwhere(picture).tolist())) for picture in examples}


def as_array(pictures: list[Picture], height: int, width: int) -> Any:
    found = np.zeros((len(pictures), height, width), dtype=bool)
    for array, picture in zip(found, pictures, strict=True):
        for row, column in picture:
            array[row, column] = True
    return found


SIZES = [(3, 3), (2, 4), (3, 2), (1, 5)]


def sets_of(height: int, width: int, count: int, seed: int) -> Iterator[tuple[ExampleSet, set[Picture], str]]:
    """Random sets of a fresh grammar (which remembers no denotation), each with its definition."""
    grammar = Grammar(dots.LANGUAGE, grammars.Grid(height, width))
    definitions = Definitions(height, width)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        sentence = grammar.random("Set", rng, max_bits=90)
        yield sentence.denote(), definitions.of(sentence), str(sentence)


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No set makes a list of itself: everything must come from how it is made."""
    monkeypatch.setattr(example_set, "LISTED", -1)


def check_membership(height: int, width: int, count: int, seed: int) -> None:
    everything = Definitions(height, width).pictures
    array = as_array(everything, height, width)
    sizes = set()
    for found, defined, text in sets_of(height, width, count, seed):
        inside = found.contains(array)
        assert {p for p, is_in in zip(everything, inside, strict=True) if is_in} == defined, text
        expected = [len(p) if p in defined else -1 for p in everything]
        np.testing.assert_array_equal(found.strata(array), expected, err_msg=text)
        sizes.add(len(defined))
    assert len(sizes) > 10  # Empty, small and large ones were among them.


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_membership_is_the_definition(height: int, width: int) -> None:
    check_membership(height, width, count=250, seed=height * 10 + width)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.usefixtures("unlisted")
def test_membership_without_lists(height: int, width: int) -> None:
    check_membership(height, width, count=150, seed=height * 100 + width)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_lists_and_sizes_are_exact(height: int, width: int) -> None:
    for found, defined, text in sets_of(height, width, 150, seed=3):
        members = found.members()
        assert members is not None, text
        assert as_set(members) == defined, text
        assert len(members) == len(defined) == found.size()
        counts = {k: sum(len(p) == k for p in defined) for k in range(height * width + 1)}
        assert found.sizes() == {k: count for k, count in counts.items() if count}, text


@pytest.mark.usefixtures("unlisted")
def test_sizes_without_lists_are_exact_or_unknown() -> None:
    known = 0
    for found, defined, text in sets_of(3, 3, 200, seed=5):
        assert found.members() is None
        for stratum, size in found.sizes().items():
            if size is not None:
                assert size == sum(len(p) == stratum for p in defined), text
        if found.size() is not None:
            known += 1
            assert found.size() == len(defined), text
        assert {len(p) for p in defined} <= set(found.sizes()), text
    assert known > 100


@pytest.mark.usefixtures("unlisted")
def test_estimates_of_sizes_hold() -> None:
    outside = tried = 0
    for found, defined, _ in sets_of(3, 3, 250, seed=6):
        if found.size() is not None or not defined:
            continue
        value, error = found.log2_size(np.random.default_rng(0))
        if math.isinf(error) or found.sampling == "generator":
            continue
        tried += 1
        # A standard error of nought comes from a share of nought or one among the draws.
        outside += abs(value - math.log2(len(defined))) > 3.0 * error + 0.02
    assert tried > 15
    assert outside <= 1 + tried // 50


@pytest.mark.usefixtures("unlisted")
def test_samples_without_lists_are_members() -> None:
    rng = np.random.default_rng(0)
    for found, defined, text in sets_of(3, 3, 120, seed=8):
        drawn = found.sample(40, rng)
        assert as_set(drawn) <= defined, text
        few = found.sample(10, rng, distinct=True)
        assert len(as_set(few)) == len(few)
        assert len(few) == min(10, len(defined)) or len(defined) < 20, text


@pytest.mark.parametrize("listing", [True, False])
def test_distance_is_an_upper_bound(listing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not listing:
        monkeypatch.setattr(example_set, "LISTED", -1)
    everything = Definitions(3, 3).pictures
    array = as_array(everything, 3, 3)
    for found, defined, text in sets_of(3, 3, 60, seed=9):
        reported = found.distance(array)
        for picture, distance in zip(everything, reported, strict=True):
            true = min((len(picture ^ member) for member in defined), default=None)
            if true is None:
                assert distance > 0, text
            elif found.distance_is_exact:
                assert distance == true, text
            else:
                assert distance >= true, text
                assert (distance == 0) == (true == 0), text


def test_product_of_long_sets_stays_decidable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, "COMPARED", 0)
    monkeypatch.setattr(overlay, "MOST_WHITE", 3)
    definitions = Definitions(3, 3)
    grammar = Grammar(dots.LANGUAGE, grammars.Grid(3, 3))
    sentence = grammar.parse("product(dots(k=between(1, 2)), dots(k=between(1, 3), gap=0))")
    found = sentence.denote()
    everything = as_array(definitions.pictures, 3, 3)
    short = {p for p in definitions.of(sentence) if len(p) <= 3}
    assert as_set(everything[found.contains(everything)]) == short
    assert as_set(found.sample(3000, np.random.default_rng(0))) == short


def test_forms_of_their_own_mean_the_same() -> None:
    """What dots know about what is made of them agrees with the general way."""
    from grammars import combinations, motions
    from grammars.separated import SeparatedDots

    rng = np.random.default_rng(1)
    grid = grammars.Grid(3, 3)
    everything = as_array(Definitions(3, 3).pictures, 3, 3)

    def random_dots() -> SeparatedDots:
        counts = frozenset(np.flatnonzero(rng.random(6) < 0.5).tolist())
        region = rng.random((3, 3)) < rng.choice([0.6, 1.0])
        return SeparatedDots(grid, counts, int(rng.integers(3)), region)

    known = 0
    for _ in range(200):
        a, b = random_dots(), random_dots()
        if rng.random() < 0.3:
            b = SeparatedDots(grid, frozenset(b.counts), a.gap, a.region)
        region = rng.random((3, 3)) < 0.7
        for general, own in (
            (combinations.Intersection(a, b), a.meet(b)),
            (combinations.Union(a, b), a.join(b)),
            (combinations.Difference(a, b), a.without(b)),
            (combinations.Restriction(a, region), a.restricted(region)),
        ):
            if own is not None:
                known += 1
                np.testing.assert_array_equal(general.contains(everything), own.contains(everything))
        for shift in ("", "translations", "rolls"):
            for turn in ("", "rotations", "reflections", "symmetries"):
                motion = motions.Motions(shift, turn)
                if a.keeps(motion):
                    known += 1
                    moved = motions.Orbit(a, motion)
                    np.testing.assert_array_equal(moved.contains(everything), a.contains(everything))
    assert known > 600
