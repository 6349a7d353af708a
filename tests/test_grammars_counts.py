"""Exact counts against brute force and against published integer sequences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import grammars
from grammars import counting
from grammars.separated import SeparatedDots

# OEIS A063443, shifted by one: any number of non-attacking kings on an n x n board, n = 1, 2, ...
A063443 = [
    2,
    5,
    35,
    314,
    6427,
    202841,
    12727570,
    1355115601,
    269718819131,
    94707789944544,
    60711713670028729,
    69645620389200894313,
]
# OEIS A061995: ways to place 2 non-attacking kings on an n x n board, n = 1, 2, ...
A061995 = [0, 0, 16, 78, 228, 520, 1020, 1806, 2968, 4608, 6840, 9790]
# OEIS A061996: 3 non-attacking kings.
A061996 = [0, 0, 8, 140, 964, 3920, 11860, 29708, 65240, 129984, 240240, 418220]
# OEIS A061997: 4 non-attacking kings.
A061997 = [0, 0, 1, 79, 1987, 16834, 85275, 317471, 962089, 2515262, 5882109, 12605095]
# OEIS A018807: most dots, n^2 non-attacking kings on a 2n x 2n board, n = 1, 2, ...
A018807 = [4, 79, 3600, 281571, 32572756, 5109144543]


def all_counts(height: int, width: int, gap: int = 1) -> dict[int, int | None]:
    grid = grammars.Grid(height, width)
    return SeparatedDots(grid, frozenset(range(grid.size + 1)), gap).sizes()


@pytest.mark.parametrize(("n", "total"), list(enumerate(A063443, start=1)))
def test_all_kings(n: int, total: int) -> None:
    assert sum(size or 0 for size in all_counts(n, n).values()) == total


@pytest.mark.parametrize(("k", "sequence"), [(2, A061995), (3, A061996), (4, A061997)])
def test_few_kings(k: int, sequence: list[int]) -> None:
    for n, count in enumerate(sequence, start=1):
        size = SeparatedDots(grammars.Grid(n, n), frozenset({k})).size()
        assert size == count, f"{k} kings on {n}x{n}"


@pytest.mark.parametrize(("n", "count"), list(enumerate(A018807, start=1)))
def test_most_kings(n: int, count: int) -> None:
    assert max(all_counts(2 * n, 2 * n)) == n * n
    assert all_counts(2 * n, 2 * n)[n * n] == count


def brute_force(region: np.ndarray, gap: int) -> dict[int, int]:
    pixels = [tuple(pixel) for pixel in np.argwhere(region)]
    counts: dict[int, int] = {}
    frontier: list[tuple[tuple[int, int], ...]] = [()]
    while frontier:
        counts[len(frontier[0])] = len(frontier)
        frontier = [
            (*chosen, pixel)
            for chosen in frontier
            for pixel in pixels
            if (not chosen or pixel > chosen[-1])
            and all(max(abs(pixel[0] - r), abs(pixel[1] - c)) > gap for r, c in chosen)
        ]
    return counts


@pytest.mark.parametrize("gap", [0, 1, 2, 3])
def test_every_small_grid(gap: int) -> None:
    for height, width in itertools.product(range(1, 5), repeat=2):
        if gap == 0 and height * width > 12:
            continue  # 2^16 pictures: the binomial coefficients are tested on the others.
        assert all_counts(height, width, gap) == brute_force(np.ones((height, width), bool), gap)


def test_regions_of_any_shape() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        shape = tuple(rng.integers(1, 6, size=2))
        region = rng.random(shape) < 0.6
        gap = int(rng.integers(1, 4))
        grid = grammars.Grid(*map(int, shape))
        counted = SeparatedDots(grid, frozenset(range(grid.size + 1)), gap, region).sizes()
        assert counted == brute_force(region, gap)


@pytest.mark.parametrize(("height", "width", "gap"), [(3, 4, 1), (4, 3, 1), (4, 4, 2), (2, 5, 1)])
def test_the_ith_arrangement(height: int, width: int, gap: int) -> None:
    allowed = np.ones((height, width), bool)
    allowed[0, -1] = False
    placements = counting.Placements(allowed, gap, most=3)
    for k, count in enumerate(placements.counts):
        made = np.array([placements.placement(k, index) for index in range(count)])
        target = SeparatedDots(grammars.Grid(height, width), frozenset({k}), gap, allowed)
        assert count == brute_force(allowed, gap).get(k, 0)
        if count:
            assert target.contains(made).all()
            assert len(np.unique(grammars.keys(made))) == count


def test_grids_too_large_to_count_say_so() -> None:
    crowded = SeparatedDots(grammars.Grid(40, 40), frozenset(range(200)))
    assert crowded.size() is None
    assert crowded.sampling == "generator"
    drawn = crowded.sample(5, np.random.default_rng(0))
    assert len(drawn) == 5
    assert crowded.contains(drawn).all()


def test_large_counts_are_exact_integers() -> None:
    # All pictures of 16x16 with 128 white pixels: the central binomial coefficient, by Pascal's triangle.
    row = [1]
    for _ in range(256):
        row = [a + b for a, b in zip([0, *row], [*row, 0], strict=True)]
    assert SeparatedDots(grammars.Grid(16, 16), frozenset({128}), gap=0).size() == row[128]


def test_uniform_integers_below_any_bound() -> None:
    rng = np.random.default_rng(0)
    assert {counting.below(5, rng) for _ in range(200)} == set(range(5))
    huge = 10**60
    drawn = [counting.below(huge, rng) for _ in range(200)]
    assert all(0 <= value < huge for value in drawn)
    assert 0.4 < np.mean([value / huge for value in drawn]) < 0.6
