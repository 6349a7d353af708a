"""Dots apart by the 4-neighbourhood, lines, lattices and sub-grids, against plain loops and sequences."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import chisquare

import grammars
from grammars import city_block, dots, example_set
from grammars.city_block import CityDots
from grammars.example_set import ExampleSet
from grammars.language import Grammar
from grammars.pictures import DOTS

# OEIS A006506: independent sets of the n x n grid graph, n = 1, 2, ...
A006506 = [
    2,
    7,
    63,
    1234,
    55447,
    5598861,
    1280128950,
    660647962955,
    770548397261707,
    2030049051145980050,
]

P_VALUE = 1e-4


def on(height: int, width: int) -> Grammar:
    return Grammar(dots.LANGUAGE, grammars.Grid(height, width))


def denoted(text: str, height: int = 8, width: int = 8) -> ExampleSet:
    found: ExampleSet = on(height, width).parse(text, "Set").denote()
    return found


def all_pictures(height: int, width: int) -> np.ndarray:
    d = height * width
    return (np.arange(2**d)[:, None] >> np.arange(d) & 1).astype(bool).reshape(-1, height, width)


@pytest.mark.parametrize(("n", "total"), list(enumerate(A006506, start=1)))
def test_independent_sets_of_the_grid(n: int, total: int) -> None:
    assert denoted(f"dots(k=between(0, {n * n}), neighbours=4)", n, n).size() == total


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
            and all(abs(pixel[0] - r) + abs(pixel[1] - c) > gap for r, c in chosen)
        ]
    return counts


def city(region: np.ndarray, gap: int, counts: frozenset[int] | None = None) -> CityDots:
    grid = grammars.Grid(*map(int, region.shape))
    return CityDots(grid, counts or frozenset(range(grid.size + 1)), gap, region, DOTS)


def test_counts_in_regions_of_any_shape() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        region = rng.random(tuple(rng.integers(1, 5, size=2))) < 0.7
        gap = int(rng.integers(1, 5))
        assert city(region, gap).sizes() == brute_force(region, gap)


@pytest.mark.slow
@pytest.mark.parametrize("gap", [1, 2, 3])
def test_every_grid_up_to_4x5(gap: int) -> None:
    for height, width in itertools.product(range(1, 5), range(1, 6)):
        region = np.ones((height, width), dtype=bool)
        target = city(region, gap)
        assert target.sizes() == brute_force(region, gap)
        pictures = all_pictures(height, width)
        counts = np.bincount(target.strata(pictures) + 1)[1:]
        assert target.sizes() == {k: int(count) for k, count in enumerate(counts) if count}


def test_grids_too_large_to_count_say_so() -> None:
    crowded = city(np.ones((40, 40), dtype=bool), 1, frozenset({600}))
    assert crowded.size() is None
    assert crowded.sampling == "generator"
    few = city(np.ones((40, 40), dtype=bool), 1, frozenset({5}))
    assert few.sampling == "uniform"
    drawn = few.sample(30, np.random.default_rng(0))
    assert len(drawn) == 30
    assert few.contains(drawn).all()


UNIFORM = [
    "dots(k=between(1, 4), neighbours=4)",
    "dots(k=3, gap=2, region=outside(rows(1, 1)), neighbours=4)",
    "orbit(dots(k=2, neighbours=4, region=half('top')), rolls())",
    "intersect(dots(k=3, neighbours=4), dots(k=3, gap=2, neighbours=4, region=interior()))",
    "difference(dots(k=2, neighbours=4), dots(k=2))",
    "lines(k=between(0, 4))",
    "lines(k=3, gap=0)",
    "union(lines(k=3), dots(k=3))",
    "dots(k=2, gap=0, region=subgrid(2, 3, column=1))",
]


@pytest.mark.parametrize("way", ["listed", "drawn", "counted out"])
@pytest.mark.parametrize("text", UNIFORM)
def test_uniform(text: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way != "listed":
        monkeypatch.setattr(example_set, "LISTED", -1)
    if way == "counted out":
        monkeypatch.setattr(city_block, "FEWEST_ACCEPTED", 2.0)
    target = denoted(text, 4, 4)
    assert target.sampling == "uniform"
    pictures = all_pictures(4, 4)
    truth = pictures[target.contains(pictures)]
    assert target.size() in (len(truth), None)
    for stratum in target.weights:
        cells = np.sort(grammars.keys(truth[target.strata(truth) == stratum]))
        drawn = target.draw(stratum, 15 * len(cells), np.random.default_rng(stratum))
        found, counts = np.unique(grammars.keys(drawn), return_counts=True)
        observed = np.zeros(len(cells))
        observed[np.searchsorted(cells, found)] = counts
        assert observed.sum() == 15 * len(cells)
        assert len(cells) == 1 or chisquare(observed).pvalue > P_VALUE


def is_line(picture: np.ndarray) -> bool:
    places = np.argwhere(picture)
    steps = np.diff(places, axis=0)
    return len(steps) == 0 or bool((steps == steps[0]).all() and abs(steps[0]).max() > 1)


@pytest.mark.parametrize("shape", [(3, 3), (4, 4), (2, 6), (1, 7)])
def test_lines_are_evenly_spaced(shape: tuple[int, int]) -> None:
    pictures = all_pictures(*shape)
    target = denoted(f"lines(k=between(0, {math.prod(shape)}))", *shape)
    truth = np.array([is_line(picture) for picture in pictures])
    np.testing.assert_array_equal(target.contains(pictures), truth)
    assert target.size() == truth.sum()


def test_sizes_of_lines_in_closed_form() -> None:
    assert denoted("lines(k=2, gap=0)").size() == math.comb(64, 2)
    assert denoted("lines(k=2)").size() == 1806  # Non-attacking kings, OEIS A061995.
    # Eight in a row, a column or a diagonal, with steps of one pixel.
    assert denoted("lines(k=8, gap=0)").size() == 8 + 8 + 2
    assert denoted("lines(k=9, gap=0)").size() == 0
    assert denoted("lines(k=2, gap=0)", 64, 64).size() == math.comb(4096, 2)


def test_lattices_are_all_places_of_one() -> None:
    for down, right, slant in ((2, 2, 0), (2, 4, 2), (3, 3, 1), (8, 8, 0), (1, 2, 1)):
        members = denoted(f"lattice({down}, {right}, slant={slant})").members()
        assert members is not None
        assert len(members) == down * right
        assert members.any(axis=0).all()  # Each pixel is in one of them, ...
        assert members.sum() == 64  # ... and in one only.
    checkerboard = denoted("lattice(1, 2, slant=1)").members()
    assert checkerboard is not None
    assert {picture.tobytes() for picture in checkerboard} == {
        (np.indices((8, 8)).sum(axis=0) % 2 == parity).tobytes() for parity in (0, 1)
    }


def test_defaults_are_left_out() -> None:
    grammar = on(8, 8)
    for text in ("dots(k=2)", "dots(k=2, neighbours=4)", "lattice(2, 3)", "lines(k=3)"):
        assert str(grammar.parse(text)) == text
    assert str(grammar.parse("dots(k=2, gap=1, neighbours=8)")) == "dots(k=2)"
    with pytest.raises(grammars.SentenceError, match="4 or 8"):
        grammar.parse("dots(k=2, neighbours=6)")
