"""The language of fractals against recursions written with numpy.kron and lists of all pictures."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare

import grammars
from grammars import example_set, fractals
from grammars.errors import SentenceError
from grammars.example_set import ExampleSet
from grammars.language import Grammar
from grammars.literals import Domain
from grammars.tiles import Tile

P_VALUE = 1e-4


def on(height: int, width: int) -> Grammar:
    return Grammar(fractals.LANGUAGE, grammars.Grid(height, width))


def denoted(text: str, height: int = 16, width: int = 16) -> ExampleSet:
    found: ExampleSet = on(height, width).parse(text, "Set").denote()
    return found


def region(text: str, height: int, width: int) -> np.ndarray:
    return np.asarray(on(height, width).parse(text, "Region").denote())


def array(tile: str) -> np.ndarray:
    return np.array([[int(cell) for cell in row] for row in tile.split("/")])


def power(tile: str, depth: int) -> np.ndarray:
    found = np.ones((1, 1), dtype=int)
    for _ in range(depth):
        found = np.kron(found, array(tile))
    return found.astype(bool)


def all_pictures(height: int, width: int) -> np.ndarray:
    d = height * width
    return (np.arange(2**d)[:, None] >> np.arange(d) & 1).astype(bool).reshape(-1, height, width)


def as_set(pictures: np.ndarray) -> set[bytes]:
    return {picture.tobytes() for picture in pictures}


# Carpets as regions.


@pytest.mark.parametrize(
    ("tile", "depth"), [("11/10", 4), ("111/101/111", 2), ("010/111/010", 3), ("01/10", 5)]
)
def test_carpets_are_powers_of_kronecker(tile: str, depth: int) -> None:
    whole = power(tile, depth)
    side = len(whole)
    np.testing.assert_array_equal(region(f"carpet('{tile}')", side, side), whole)
    np.testing.assert_array_equal(
        region(f"carpet('{tile}')", side - 1, side // 2 + 1), whole[:-1, : side // 2 + 1]
    )
    for levels in range(1, depth):
        tiled = np.tile(power(tile, levels), (len(array(tile)) ** (depth - levels),) * 2)
        np.testing.assert_array_equal(region(f"carpet('{tile}', depth={levels})", side, side), tiled)


def test_dots_on_a_carpet() -> None:
    target = denoted("dots(k=2, gap=0, region=carpet('111/101/111'))", 9, 9)
    assert target.size() == math.comb(64, 2)
    drawn = target.sample(100, np.random.default_rng(0))
    assert not (drawn & ~power("111/101/111", 2)).any()


# Iterated function systems.


def iterated(copies: list[tuple[int, int, int, int]], height: int, width: int, depth: int) -> np.ndarray:
    """Row, column, scale, turn; with fractions."""
    points = {(Fraction(1, 2), Fraction(1, 2))}
    for _ in range(depth):
        images = set()
        for (row, column, scale, turn), (y, x) in itertools.product(copies, points):
            if turn >= 4:
                x = 1 - x
            for _ in range(turn % 4):
                y, x = 1 - x, y
            room = 1 - Fraction(1, scale)
            images.add((y / scale + Fraction(row, 4) * room, x / scale + Fraction(column, 4) * room))
        points = images
    found = np.zeros((height, width), dtype=bool)
    for y, x in points:
        found[math.floor(y * height), math.floor(x * width)] = True
    return found


def test_attractors_against_fractions() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        height, width = (int(side) for side in rng.integers(1, 14, size=2))
        grammar = on(height, width)
        sentence = grammar.random("Region", rng, max_bits=90)
        while sentence.rule != "ifs":
            sentence = grammar.random("Region", rng, max_bits=90)
        *copies, depth = sentence.args
        most = max(i for i in range(9) if i == 0 or 2 ** (i - 1) < max(height, width))
        levels = most if depth.rule == "deepest" else min(most, depth.args[0])
        maps = [(c.args[0], c.args[1], c.args[2], c.args[3]) for c in copies]
        np.testing.assert_array_equal(sentence.denote(), iterated(maps, height, width, levels), str(sentence))


def test_copies_in_the_cells_of_a_tile_are_its_carpet() -> None:
    gasket = "ifs(copy(0, 0), copy(0, 4), copy(4, 0))"
    np.testing.assert_array_equal(region(gasket, 16, 16), power("11/10", 4))
    cross = (
        "ifs("
        + ", ".join(f"copy({r}, {c}, scale=3)" for r, c in ((0, 2), (2, 0), (2, 2), (2, 4), (4, 2)))
        + ")"
    )
    np.testing.assert_array_equal(region(cross, 9, 9), power("010/111/010", 2))
    turns = np.rot90(power("11/10", 4))
    np.testing.assert_array_equal(region("ifs(copy(4, 0), copy(0, 0), copy(4, 4))", 16, 16), turns)


def test_relatives_of_the_gasket() -> None:
    """456 = 2 * 224 + 8: 224 without a symmetry and their reflections, 8 that are symmetric."""
    members = denoted("relatives('11/10')").members()
    assert members is not None
    assert len(members) == 456
    mirrored = members.transpose(0, 2, 1)
    assert as_set(members) == as_set(np.ascontiguousarray(mirrored))
    assert int((members == mirrored).all(axis=(1, 2)).sum()) == 8
    classes = {min(m.tobytes(), np.ascontiguousarray(m.T).tobytes()) for m in members}
    assert len(classes) == 232
    assert power("11/10", 4).tobytes() in as_set(members)
    assert (members.sum(axis=(1, 2)) == 3**4).all()


# Sets of carpets.


def carpets_by_kron(tiles: list[str], depth: int, height: int, width: int) -> set[bytes]:
    found = set()
    for chosen in itertools.product(tiles, repeat=depth):
        picture = np.ones((1, 1), dtype=int)
        for tile in chosen:
            picture = np.kron(picture, array(tile))
        found.add(framed(picture, height, width))
    return found


def mosaics_by_recursion(tiles: list[str], depth: int, height: int, width: int) -> set[bytes]:
    def blocks(level: int) -> list[np.ndarray]:
        if level == 0:
            return [np.ones((1, 1), dtype=int)]
        smaller, found = blocks(level - 1), []
        for tile in map(array, tiles):
            for chosen in itertools.product(smaller, repeat=int(tile.sum())):
                parts = iter(chosen)
                black = np.zeros_like(smaller[0])
                found.append(np.block([[next(parts) if cell else black for cell in row] for row in tile]))
        return found

    return {framed(picture, height, width) for picture in blocks(depth)}


def framed(picture: np.ndarray, height: int, width: int) -> bytes:
    size = len(picture)
    top, left = (height - size) // 2, (width - size) // 2
    found = np.zeros((height, width), dtype=bool)
    found[top : top + size, left : left + size] = picture
    return found.tobytes()


FAMILIES = [
    ("twos('11/10', '01/10')", ["11/10", "01/10"]),
    ("twos('11/11')", ["11/11"]),
    ("turns(twos('11/10'))", ["11/10", "11/01", "01/11", "10/11"]),
    ("cells(3, 4)", ["11/10", "11/01", "01/11", "10/11", "11/11"]),
    ("threes('111/101/111', '010/010/010')", ["111/101/111", "010/010/010"]),
    ("cells(5, 7)", []),
]


def check_all_pictures(height: int, width: int) -> None:
    pictures = all_pictures(height, width)
    texts = [picture.tobytes() for picture in pictures]
    for (motifs, tiles), kind in itertools.product(FAMILIES, ("carpets", "mosaics")):
        side = len(array(tiles[0])) if tiles else 2
        fitting = max(level for level in range(4) if side**level <= min(height, width))
        for asked, depth in ((1, min(1, fitting)), (None, fitting)):
            written = f"{kind}({motifs})" if asked is None else f"{kind}({motifs}, depth={asked})"
            define = carpets_by_kron if kind == "carpets" else mosaics_by_recursion
            truth = define(tiles, depth, height, width)
            target = denoted(written, height, width)
            assert target.size() == len(truth), written
            np.testing.assert_array_equal(target.contains(pictures), [text in truth for text in texts])
            members = target.members()
            assert members is not None
            assert as_set(members) == truth
            whites = [sum(text) for text in truth]
            assert target.sizes() == {w: whites.count(w) for w in sorted(set(whites))}


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (4, 3), (1, 4), (4, 4)])
def test_every_picture_of_small_grids(shape: tuple[int, int]) -> None:
    check_all_pictures(*shape)


@pytest.mark.slow
def test_every_picture_of_4x5() -> None:
    check_all_pictures(4, 5)


def test_carpets_of_two_levels_of_threes() -> None:
    tiles = ["111/101/111", "010/111/010", "101/010/101", "100/000/000"]
    motifs = "threes(" + ", ".join(f"'{tile}'" for tile in tiles) + ")"
    members = denoted(f"carpets({motifs})", 9, 9).members()
    assert members is not None
    assert as_set(members) == carpets_by_kron(tiles, 2, 9, 9)
    few = "threes('110/000/000', '000/010/001', '000/000/100')"
    members = denoted(f"mosaics({few})", 10, 11).members()
    assert members is not None
    assert as_set(members) == mosaics_by_recursion(["110/000/000", "000/010/001", "000/000/100"], 2, 10, 11)


def test_counts_far_beyond_lists() -> None:
    """N(l + 1) = sum of N(l)^(white cells), and by white pixels as a polynomial."""
    for low, high in ((1, 4), (2, 3)):
        number, polynomial = 1, np.array([0, 1], dtype=object)
        for _ in range(3):
            tiles = {white: math.comb(4, white) for white in range(low, high + 1)}
            number = sum(many * number**white for white, many in tiles.items())
            larger = np.zeros(1, dtype=object)
            for white, many in tiles.items():
                term = np.ones(1, dtype=object)
                for _ in range(white):
                    term = np.convolve(term, polynomial)
                larger = np.pad(larger, (0, max(0, len(term) - len(larger))))
                larger[: len(term)] += many * term
            polynomial = larger
        target = denoted(f"mosaics(cells({low}, {high}))", 8, 8)
        assert target.size() == number
        assert target.sizes() == {white: int(many) for white, many in enumerate(polynomial) if many}
    assert denoted("mosaics(cells(3, 3))", 16, 16).size() == 4 * (4 * (4 * 4**3) ** 3) ** 3
    assert denoted("carpets(cells(1, 9, side=3))", 27, 27).size() == 511**3
    for m in range(1, 7):
        assert denoted("carpets(cells(2, 3))", 2**m, 2**m).size() == 10**m


# Sampling.


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("carpets(cells(1, 4))", (4, 4)),
        ("carpets(cells(2, 3))", (4, 5)),
        ("mosaics(twos('11/10', '01/10', '01/01', '10/00'))", (4, 4)),
        ("mosaics(cells(1, 2))", (4, 4)),
        ("mosaics(twos('11/00', '00/10'))", (8, 8)),
        ("orbit(mosaics(twos('11/00', '00/10')), symmetries())", (4, 4)),
        ("relatives('10/01')", (8, 8)),
    ],
)
def test_uniform_without_lists(text: str, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    members = denoted(text, *shape).members()
    assert members is not None
    monkeypatch.setattr(example_set, "LISTED", -1)
    target = denoted(text, *shape)
    assert target.sampling == "uniform"
    for stratum in target.weights:
        cells = np.sort(grammars.keys(members[target.strata(members) == stratum]))
        drawn = target.draw(stratum, 30 * len(cells), np.random.default_rng(stratum))
        found, counts = np.unique(grammars.keys(drawn), return_counts=True)
        observed = np.zeros(len(cells))
        observed[np.searchsorted(cells, found)] = counts
        assert observed.sum() == 30 * len(cells)
        assert len(cells) == 1 or chisquare(observed).pvalue > P_VALUE


def test_draws_of_huge_sets_are_members() -> None:
    for text in ("mosaics(cells(1, 4))", "mosaics(cells(2, 3), depth=3)", "mosaics(cells(2, 5, side=3))"):
        target = denoted(text)
        drawn = target.sample(60, np.random.default_rng(0))
        assert len(drawn) == 60
        assert target.contains(drawn).all()
        assert len(np.unique(grammars.keys(drawn))) > 50


# Distance.


@pytest.mark.parametrize("shape", [(4, 4), (3, 5)])
def test_distances_to_mosaics_are_exact(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.random((60, *shape)) < rng.random((60, 1, 1))
    for motifs, tiles in FAMILIES:
        members = denoted(f"mosaics({motifs})", *shape).members()
        assert members is not None
        with monkeypatch.context() as patch:
            patch.setattr(example_set, "LISTED", -1)
            target = denoted(f"mosaics({motifs})", *shape)
            assert target.distance_is_exact
            found = target.distance(pictures)
        if not len(members):
            assert not tiles
            assert (found == math.prod(shape) + 1).all()
            continue
        least = (pictures[:, None] ^ members[None]).sum(axis=(2, 3)).min(axis=1)
        np.testing.assert_array_equal(found, least, err_msg=motifs)


# Motions.


def test_sets_know_the_turns_that_keep_them() -> None:
    for text, shape, motion, kept in (
        ("carpets(cells(2, 3))", (16, 16), "symmetries", True),
        ("carpets(twos('11/10'))", (16, 16), "rotations", False),
        ("mosaics(turns(twos('11/10')))", (16, 16), "rotations", True),
        ("mosaics(cells(3, 3))", (16, 18), "symmetries", True),
        ("mosaics(cells(3, 3))", (16, 17), "symmetries", False),
        ("mosaics(twos('11/00', '00/11'))", (8, 10), "symmetries", True),
        ("mosaics(cells(3, 3))", (16, 16), "rolls", False),
    ):
        base = denoted(text, *shape)
        orbit = denoted(f"orbit({text}, {motion}())", *shape)
        assert (type(orbit) is type(base)) == kept, (text, motion)
        if kept:
            moves = on(*shape).parse(f"{motion}()").denote().images(base.sample(40, np.random.default_rng(0)))
            assert all(base.contains(np.ascontiguousarray(image)).all() for image, _ in moves)


def test_symmetric_variants_of_a_carpet() -> None:
    variants = denoted("orbit(explicit(whole(carpet('11/10'))), symmetries())").members()
    assert variants is not None
    one = power("11/10", 4)
    truth = {np.ascontiguousarray(np.rot90(image, q)).tobytes() for image in (one, one.T) for q in range(4)}
    assert as_set(variants) == truth
    assert len(truth) == 4


# Tiles in sentences.


@pytest.mark.parametrize("sides", [(2,), (3,), (2, 3)])
def test_tiles_are_a_proper_code(sides: tuple[int, ...]) -> None:
    domain: Domain = Tile(*sides).bind(grammars.Grid(8, 8))
    options = list(domain.options())
    assert len({value for _, value in options}) == len(options) == sum(2 ** (s * s) - 1 for s in sides)
    assert math.isclose(sum(2.0**-bits for bits, _ in options), 1.0)
    rng = np.random.default_rng(0)
    for bits, value in options[::7]:
        assert domain.bits(value) == bits
        assert domain.problem(value) is None
        near = domain.nudge(value, rng)
        assert domain.problem(near) is None
        assert sum(a != b for a, b in zip(str(value), str(near), strict=True)) <= 1
    assert domain.draw(rng, domain.cheapest) in {value for _, value in options}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("carpets(twos('00/00'))", "not all 0"),
        ("carpets(twos('111/101/111'))", "'01/01'"),
        ("carpets(threes('11/10'))", "'001/001/001'"),
        ("carpets(twos(5))", "wants|got 5"),
        ("carpets('11/10')", "Motifs"),
        ("carpets(cells(2, 3), depth=7)", "nearest: 4"),
        ("carpet(twos('11/10'))", "carpets"),
    ],
)
def test_mistakes_get_one_line(text: str, hint: str) -> None:
    with pytest.raises(SentenceError, match=hint) as error:
        on(16, 16).parse(text, "Set")
    assert "\n" not in str(error.value)


# The language.


def test_the_default_target() -> None:
    grammar = grammars.load("fractals")
    target = grammar.target.denote()
    assert target.sizes() == {2**a * 3 ** (4 - a): math.comb(4, a) * 6**a * 4 ** (4 - a) for a in range(5)}
    assert target.size() == 10_000
    assert target.stratum_names[24] == "24 white pixels"
    for of in target.properties.values():
        values = of(target.sample(500, np.random.default_rng(0)))
        assert len(np.unique(values)) >= 2


@pytest.mark.slow
def test_many_random_sentences() -> None:
    grammar = grammars.load("fractals")
    rng = np.random.default_rng(5)
    for index in range(100_000):
        sentence = grammar.random("Lesson" if index % 2 else "Set", rng)
        assert 0 < sentence.bits <= 120.0
        assert grammar.parse(str(sentence)) == sentence
        if index % 200 == 0:
            sentence.denote()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (5, 3), (9, 9), (27, 10)])
def test_every_sentence_denotes_something_on_every_grid(shape: tuple[int, int]) -> None:
    grammar = on(*shape)
    rng = np.random.default_rng(6)
    pictures = rng.random((4, *shape)) < 0.5
    for _ in range(100):
        target = grammar.random("Set", rng, max_bits=80).denote()
        drawn = target.sample(8, rng)
        assert target.contains(drawn).all()
        np.testing.assert_array_equal(target.distance(pictures) == 0, target.contains(pictures))
        assert target.size() is None or target.size() >= len(np.unique(grammars.keys(drawn)))
