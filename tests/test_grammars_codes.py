"""The language of codes against lists of all pictures of small grids and textbook linear algebra."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import chisquare

import grammars
from grammars import codes, example_set, gf2, linear_code
from grammars.example_set import ExampleSet
from grammars.language import Grammar

P_VALUE = 1e-4
SMALL = [shape for shape in itertools.product(range(1, 5), range(1, 6)) if math.prod(shape) <= 12]


def on(height: int, width: int) -> Grammar:
    return Grammar(codes.LANGUAGE, grammars.Grid(height, width))


def denoted(text: str, height: int = 8, width: int = 8) -> ExampleSet:
    found: ExampleSet = on(height, width).parse(text, "Set").denote()
    return found


def all_pictures(height: int, width: int) -> np.ndarray:
    d = height * width
    return (np.arange(2**d)[:, None] >> np.arange(d) & 1).astype(bool).reshape(-1, height, width)


def test_elimination_against_plain_loops() -> None:
    """The rank as the number of vectors that the span of the ones before does not contain."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        matrix = rng.random((int(rng.integers(1, 8)), int(rng.integers(1, 20)))) < 0.4
        span = {0}
        rank = 0
        for row in matrix:
            vector = int("".join("1" if bit else "0" for bit in row), 2)
            if vector not in span:
                span |= {vector ^ other for other in span}
                rank += 1
        reduced, pivots = gf2.eliminated(matrix)
        assert len(reduced) == len(pivots) == gf2.rank(matrix) == rank
        np.testing.assert_array_equal(reduced[:, pivots], np.eye(rank, dtype=bool))
        words = {int("".join("1" if bit else "0" for bit in row), 2) for row in reduced}
        assert words <= span


def by_definition(text: str, pictures: np.ndarray) -> np.ndarray:
    """Membership written out once more, for the sentences that are brute-forced."""
    rows, columns = pictures.sum(axis=2) % 2, pictures.sum(axis=1) % 2
    height, width = pictures.shape[1:]
    if text == "parity()":
        return ~(rows.any(axis=1) | columns.any(axis=1))
    if text == "parity(rows='odd')":
        return rows.all(axis=1) & ~columns.any(axis=1)
    if text == "parity(rows='odd', columns='odd')":
        return rows.all(axis=1) & columns.all(axis=1)
    if text == "parity(columns='any')":
        return ~rows.any(axis=1)
    if text == "parity(rows='any', columns='any')":
        return np.ones(len(pictures), dtype=bool)
    if text == "windows(2, 2)":
        four = pictures[:, 1:, 1:] ^ pictures[:, :-1, 1:] ^ pictures[:, 1:, :-1] ^ pictures[:, :-1, :-1]
        return ~four.any(axis=(1, 2))
    if text == "even(border(), rows(0, 0))":
        edge = np.ones((height, width), dtype=bool)
        edge[1:-1, 1:-1] = False
        return (pictures[:, edge].sum(axis=1) % 2 == 0) & (rows[:, 0] == 0)
    if text == "dots(k=1)":
        return pictures.sum(axis=(1, 2)) == 1
    assert text == "dots()"
    good = np.ones(len(pictures), dtype=bool)
    for (a, b), (c, d) in itertools.combinations(itertools.product(range(height), range(width)), 2):
        if max(abs(a - c), abs(b - d)) == 1:
            good &= ~(pictures[:, a, b] & pictures[:, c, d])
    return good


DEFINED = [
    "parity()",
    "parity(rows='odd')",
    "parity(rows='odd', columns='odd')",
    "parity(columns='any')",
    "parity(rows='any', columns='any')",
    "windows(2, 2)",
    "even(border(), rows(0, 0))",
    "dots(k=1)",
    "dots()",
]


def check_defined(text: str, height: int, width: int) -> None:
    if text == "windows(2, 2)" and min(height, width) < 2:
        return
    pictures = all_pictures(height, width)
    truth = by_definition(text, pictures)
    target = denoted(text, height, width)
    np.testing.assert_array_equal(target.contains(pictures), truth)
    assert target.size() == truth.sum(), (text, height, width)


@pytest.mark.parametrize("text", DEFINED)
def test_every_picture_of_small_grids(text: str) -> None:
    for height, width in SMALL:
        check_defined(text, height, width)


@pytest.mark.slow
@pytest.mark.parametrize("text", DEFINED)
def test_every_picture_of_4x5(text: str) -> None:
    check_defined(text, 4, 5)


def test_closed_forms() -> None:
    for n in range(2, 13):
        assert denoted("parity()", n, n).size() == 2 ** ((n - 1) ** 2)
        assert denoted("parity()", n, n + 3).size() == 2 ** ((n - 1) * (n + 2))
        assert denoted("dots(k=1)", n, n).size() == n * n
        assert denoted("corner('bottom right')", n, n).size() == n * n + 1
        assert denoted("steps(1, 1)", n, n).size() == 2 * n
        assert denoted("steps(0, 1)", n, n).size() == n + 1
        assert denoted("windows(2, 2)", n, n).size() == 2 ** (2 * n - 1)
        assert denoted("linear(rate=0.5, seed=1)", n, n).size() == 2 ** round(n * n / 2)
    # OEIS A063443: non-attacking kings on an n x n board.
    assert [denoted("dots()", n, n).size() for n in range(1, 9)] == [
        *(2, 5, 35, 314, 6427, 202841, 12727570, 1355115601)
    ]


@pytest.mark.parametrize("rate", [0.0, 0.125, 0.5, 0.875, 1.0])
def test_linear_codes_are_linear(rate: float) -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for seed in range(5):
        code = denoted(f"linear(rate={rate}, seed={seed})", 4, 4)
        assert code.size() == 2 ** round(16 * rate)
        members = code.members()
        assert members is not None
        assert len(members) == code.size()
        pairs = rng.integers(len(members), size=(2, 200))
        assert code.contains(members[pairs[0]] ^ members[pairs[1]]).all()
        assert code.contains(np.zeros((1, 4, 4), dtype=bool)).all()
        seen.add(members.tobytes())
    assert len(seen) == (1 if rate in (0.0, 1.0) else 5)


def test_contradicting_checks_leave_nothing() -> None:
    for text in ("parity(rows='odd')", "parity(rows='odd', columns='odd')"):
        target = denoted(text, 3, 4)
        assert (target.size() == 0) == (not by_definition(text, all_pictures(3, 4)).any())
        assert len(target.sample(5, np.random.default_rng(0))) == target.size() == 0
        assert target.weights == {}
        assert (target.distance(all_pictures(3, 4)[:9]) == 13).all()


# Windows decide.


def window_decided(members: np.ndarray, pictures: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """Pictures each of whose windows is, in its place, that of some member."""
    good = np.ones(len(pictures), dtype=bool)
    height, width = pictures.shape[1:]
    high, wide = min(window[0], height), min(window[1], width)
    for row, column in itertools.product(range(height - high + 1), range(width - wide + 1)):
        here = (slice(None), slice(row, row + high), slice(column, column + wide))
        seen = grammars.keys(np.ascontiguousarray(members[here]))
        good &= np.isin(grammars.keys(np.ascontiguousarray(pictures[here])), seen)
    return good


LOCAL = [
    *(f"steps({slope})" for slope in ("0, 0", "0, 1", "-1, 0", "1, 1", "-1, 2", "3, 1", "2, -3", "-2, -2")),
    *(f"corner('{where}')" for where in ("top left", "top right", "bottom left", "bottom right")),
    "dots()",
    "dots(gap=2)",
    "dots(gap=0, region=half('left'))",
    "windows(2, 2)",
    "windows(2, 3)",
    "parity(rows='any', columns='any')",
]


@pytest.mark.parametrize("shape", [(4, 4), (3, 5)])
def test_the_stated_window_decides(shape: tuple[int, int]) -> None:
    pictures = all_pictures(*shape)
    for text in LOCAL:
        target = denoted(text, *shape)
        members = target.members()
        if target.locality is None or members is None:  # type: ignore[attr-defined]
            continue
        decided = window_decided(members, pictures, target.locality)  # type: ignore[attr-defined]
        np.testing.assert_array_equal(decided, target.contains(pictures), err_msg=f"{text} {shape}")


@pytest.mark.parametrize(
    "text", ["dots(k=1)", "parity()", "dots(k=multiple_of(2), gap=0)", "parity(rows='any')"]
)
def test_no_window_decides(text: str) -> None:
    """Every window that is smaller than the grid by a row or a column sees nothing wrong somewhere."""
    pictures = all_pictures(4, 4)
    target = denoted(text, 4, 4)
    assert target.locality is None  # type: ignore[attr-defined]
    inside = target.contains(pictures)
    window = (3, 4) if text == "parity(rows='any')" else (3, 3)
    assert window_decided(pictures[inside], pictures[~inside], window).any()


def test_the_square() -> None:
    for (growth, locality), text in codes.SQUARE.items():
        target = denoted(text)
        assert target.growth == growth  # type: ignore[attr-defined]
        assert (target.locality is not None) == (locality == "local")  # type: ignore[attr-defined]
        sizes = [denoted(text, n, n).size() or 0 for n in (6, 12)]
        exponent = [math.log2(size) / n**2 for size, n in zip(sizes, (6, 12), strict=True)]
        degree = [math.log2(size) / math.log2(n**2) for size, n in zip(sizes, (6, 12), strict=True)]
        if growth == "polynomial":  # d^c: the degree stays, ...
            assert degree[1] <= degree[0] < 1.1
        else:  # ... or 2^(c d): the bits per pixel stay.
            assert exponent[1] > 0.75 * exponent[0] > 0.25


# Sampling.

UNIFORM = [
    "parity()",
    "parity(columns='odd')",
    "dots()",
    "dots(k=between(1, 3), gap=0)",
    "linear(rate=0.5, seed=7)",
    "windows(2, 2)",
    "flipped(dots(), at(1, 1))",
    "within(parity(), outside(rows(0, 0)))",
    "difference(parity(rows='any', columns='any'), parity(rows='any'))",
    "union(dots(), parity())",
]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("text", UNIFORM)
def test_uniform(text: str, listed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not listed:
        monkeypatch.setattr(example_set, "LISTED", -1)
    target = denoted(text, 3, 4)
    assert target.sampling == "uniform"
    pictures = all_pictures(3, 4)
    members = grammars.keys(pictures[target.contains(pictures)])
    drawn = target.sample(20 * len(members), np.random.default_rng(3))
    assert len(drawn) == 20 * len(members)
    found, counts = np.unique(grammars.keys(drawn), return_counts=True)
    observed = np.zeros(len(members))
    observed[np.searchsorted(np.sort(members), found)] = counts
    assert target.size() in (len(members), None)
    assert chisquare(observed).pvalue > P_VALUE


# Distance.


@pytest.mark.parametrize(
    "text",
    [
        "parity()",
        "parity(rows='odd')",
        "parity(columns='any')",
        "parity(rows='odd', columns='any')",
        "linear(rate=0.25, seed=2)",
        "linear(rate=0.5, seed=2)",
        "windows(2, 2)",
        "even(rows(0, 1), columns(0, 1), border())",
        "flipped(linear(rate=0.5, seed=4), at(0, 0))",
    ],
)
def test_exact_distances(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_set, "LISTED", -1)
    for shape in ((3, 4), (4, 3), (2, 5)):
        target = denoted(text, *shape)
        assert target.distance_is_exact
        pictures = all_pictures(*shape)
        inside = pictures[target.contains(pictures)]
        rows = np.random.default_rng(0).permutation(len(pictures))[:200]
        least = np.full(len(rows), math.prod(shape) + 1)
        for member in inside:
            least = np.minimum(least, (pictures[rows] ^ member).sum(axis=(1, 2)))
        np.testing.assert_array_equal(target.distance(pictures[rows]), least)


def test_distances_are_upper_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    code = denoted("linear(rate=0.5, seed=2)", 3, 4)
    rng = np.random.default_rng(0)
    pictures = rng.random((100, 3, 4)) < 0.5
    exact = code.distance(pictures)
    monkeypatch.setattr(example_set, "LISTED", -1)
    monkeypatch.setattr(linear_code, "TABLE_RANK", -1)
    bound = denoted("linear(rate=0.5, seed=2)", 3, 4)
    assert not bound.distance_is_exact
    assert (bound.distance(pictures) >= exact).all()
    np.testing.assert_array_equal(bound.distance(pictures) == 0, exact == 0)


# The algebra knows codes.


def test_algebra_of_codes_against_lists() -> None:
    pictures = all_pictures(3, 4)
    parts = ["parity()", "parity(rows='any')", "linear(rate=0.75, seed=1)", "windows(2, 2)", "even(border())"]
    for first, second in itertools.product(parts, repeat=2):
        a, b = (denoted(text, 3, 4).contains(pictures) for text in (first, second))
        for rule, truth in (("union", a | b), ("intersect", a & b), ("difference", a & ~b)):
            target = denoted(f"{rule}({first}, {second})", 3, 4)
            np.testing.assert_array_equal(target.contains(pictures), truth)
            assert target.size() == truth.sum()


def test_sizes_far_beyond_lists() -> None:
    assert denoted("intersect(parity(), even(half('left')))", 8, 8).size() == 2**49
    assert denoted("difference(parity(rows='any', columns='any'), parity())").size() == 2**64 - 2**49
    assert denoted("union(parity(rows='any'), parity(columns='any'))").size() == 2 * 2**56 - 2**49
    assert denoted("within(parity(), rows(0, 4))").size() == 2 ** (4 * 7)
    assert denoted("flipped(parity(), at(0, 0))").size() == 2**49
    assert denoted("dots()", 12, 12).size() == 69645620389200894313  # OEIS A063443


@pytest.mark.parametrize("shape", [(4, 4), (3, 4)])
def test_codes_know_the_motions_that_keep_them(shape: tuple[int, int]) -> None:
    pictures = all_pictures(*shape)
    kept = 0
    texts = ["parity()", "windows(2, 2)", "even(border())", "parity(rows='any')", "linear(rate=0.5, seed=0)"]
    for text in texts:
        base = denoted(text, *shape)
        members = pictures[base.contains(pictures)]
        for motion in ("translations", "rolls", "rotations", "reflections", "symmetries"):
            orbit = denoted(f"orbit({text}, {motion}())", *shape)
            images = denoted(f"orbit({text}, {motion}())", *shape).contains(members)
            assert images.all()
            if type(orbit) is type(base):
                kept += 1
                moved = on(*shape).parse(f"{motion}()").denote().images(members)
                assert all(base.contains(np.ascontiguousarray(image[there])).all() for image, there in moved)
    assert kept >= 10


def test_flips() -> None:
    pictures = all_pictures(3, 3)
    place = np.zeros((3, 3), dtype=bool)
    place[1, 2] = True
    for text in ("dots()", "parity()", "corner('top left')", "orbit(steps(1, 0), rotations())"):
        base, moved = denoted(text, 3, 3), denoted(f"flipped({text}, at(1, 2))", 3, 3)
        np.testing.assert_array_equal(moved.contains(pictures), base.contains(pictures ^ place))
        assert moved.size() == base.size()
        again = denoted(f"flipped(flipped({text}, at(1, 2)), at(1, 2))", 3, 3)
        np.testing.assert_array_equal(again.contains(pictures), base.contains(pictures))


def test_the_default_target() -> None:
    grammar = grammars.load("codes")
    assert str(grammar.target) == "parity()"
    assert grammar.space == grammars.Grid(8, 8)
    target = grammar.target.denote()
    assert target.log2_size(np.random.default_rng(0)) == (49.0, 0.0)
    assert target.stratum_names == {0: "all pictures"}
    assert (target.distance(np.zeros((1, 8, 8), dtype=bool)) == 0).all()


@pytest.mark.slow
def test_many_random_sentences() -> None:
    grammar = grammars.load("codes")
    rng = np.random.default_rng(5)
    for index in range(100_000):
        sentence = grammar.random("Lesson" if index % 2 else "Set", rng)
        assert 0 < sentence.bits <= 120.0
        assert grammar.parse(str(sentence)) == sentence
        if index % 100 == 0:
            sentence.denote()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (5, 3), (16, 16)])
def test_every_sentence_denotes_something_on_every_grid(shape: tuple[int, int]) -> None:
    grammar = on(*shape)
    rng = np.random.default_rng(6)
    pictures = rng.random((4, *shape)) < 0.5
    for _ in range(150):
        target = grammar.random("Set", rng, max_bits=80).denote()
        drawn = target.sample(8, rng)
        assert target.contains(drawn).all()
        np.testing.assert_array_equal(target.distance(pictures) == 0, target.contains(pictures))
        assert target.size() is None or target.size() >= len(np.unique(grammars.keys(drawn)))
