"""Properties of pictures against scikit-image and brute force, of points against their formulas."""

import itertools

import numpy as np
import pytest
import xarray as xr
from skimage import measure as sk

import analysis
import grammars
from analysis import AnalysisError
from analysis.properties import PROPERTIES, available_properties, property_of


def random_pictures():
    rng = np.random.default_rng(0)
    pictures = rng.random((150, 9, 11)) < rng.random((150, 1, 1)) ** 2
    pictures[0] = False
    pictures[1] = True
    return pictures


RANDOM = random_pictures()
POLYGONS = grammars.load("polygons").target.denote().sample(80, np.random.default_rng(1))


def region(picture, name):
    return getattr(sk.regionprops(picture.astype(int))[0], name) if picture.any() else np.nan


def box(picture):
    rows, columns = np.nonzero(picture)
    return picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def kept_by(move):
    def share(picture):
        if not picture.any():
            return np.nan
        one = box(picture)
        return (one & move(one)).sum() / one.sum()

    return share


def brute_gap(picture):
    labels = sk.label(picture, connectivity=2)
    places = [(int(y), int(x), int(labels[y, x])) for y, x in np.argwhere(picture)]
    apart = [np.hypot(a[0] - b[0], a[1] - b[1]) for a, b in itertools.combinations(places, 2) if a[2] != b[2]]
    return min(apart) if apart else np.nan


def brute_edges(picture):
    padded = np.pad(picture, 1)
    count = 0
    for y, x in np.argwhere(padded):
        count += sum(not padded[y + a, x + b] for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0)))
    return count


def brute_diagonal(picture):
    if not picture.any():
        return np.nan
    rows, columns = np.nonzero(picture)
    places = {(y - rows.min(), x - columns.min()) for y, x in zip(rows, columns, strict=True)}
    mirrored = {(x, y) for y, x in places}
    return len(places & mirrored) / len(places)


ORACLES = {
    "area": lambda p: p.sum(),
    "components": lambda p: sk.label(p, connectivity=2).max(),
    "components_4": lambda p: sk.label(p, connectivity=1).max(),
    "dots": lambda p: sum(r.area == 1 for r in sk.regionprops(sk.label(p, connectivity=2))),
    "holes": lambda p: sk.label(np.pad(~p, 1, constant_values=True), connectivity=1).max() - 1,
    "euler_number": lambda p: sk.euler_number(p, connectivity=2),
    "gap": brute_gap,
    "mean_row": lambda p: region(p, "centroid")[0] if p.any() else np.nan,
    "mean_column": lambda p: region(p, "centroid")[1] if p.any() else np.nan,
    "spread": lambda p: np.sqrt(np.argwhere(p).var(axis=0).sum()) if p.any() else np.nan,
    "height": lambda p: box(p).shape[0] if p.any() else np.nan,
    "width": lambda p: box(p).shape[1] if p.any() else np.nan,
    "edges": brute_edges,
    "perimeter": lambda p: sk.perimeter(p, neighborhood=4),
    "left_right": kept_by(lambda p: p[:, ::-1]),
    "up_down": kept_by(lambda p: p[::-1]),
    "half_turn": kept_by(lambda p: p[::-1, ::-1]),
    "diagonal": brute_diagonal,
}


@pytest.mark.parametrize("name", list(ORACLES))
@pytest.mark.parametrize("kind", ["random", "polygons"])
def test_a_property_equals_its_oracle(name, kind):
    pictures = {"random": RANDOM, "polygons": POLYGONS}[kind]
    expected = [float(ORACLES[name](picture)) for picture in pictures]
    np.testing.assert_allclose(property_of(pictures, name), expected, atol=1e-9)


@pytest.mark.parametrize("kind", ["random", "polygons"])
def test_orientation_and_elongation_are_those_of_the_moments(kind):
    pictures = {"random": RANDOM[1:], "polygons": POLYGONS}[kind]
    found, long = property_of(pictures, "orientation"), property_of(pictures, "elongation")
    for i, picture in enumerate(pictures):
        if picture.sum() < 2:
            continue
        values = np.linalg.eigvalsh(np.cov(np.argwhere(picture).T, bias=True))
        assert long[i] == pytest.approx((values[1] - values[0]) / values.sum(), abs=1e-9)
        if long[i] > 1e-6:
            apart = (found[i] - np.degrees(region(picture, "orientation"))) % 180
            assert min(apart, 180 - apart) < 1e-6


def test_a_picture_without_direction_has_none():
    square = np.zeros((2, 5, 5), bool)
    square[0, 1:4, 1:4] = True
    square[1, 2, 2] = True
    assert np.isnan(property_of(square, "orientation")).all()
    assert property_of(square, "elongation")[0] == 0
    line = np.zeros((3, 5, 5), bool)
    line[0, :, 2] = line[1, 2, :] = True
    line[2, np.arange(5), np.arange(5)] = True
    assert np.abs(property_of(line, "orientation")).tolist() == [0, 90, 45]


def test_vertices_are_the_strata_of_polygons_and_nothing_elsewhere():
    target = grammars.load("polygons").target.denote()
    assert property_of(POLYGONS, "vertices").tolist() == target.strata(POLYGONS).tolist()
    assert (property_of(POLYGONS, "solidity") == 1).all()
    two = np.zeros((1, 6, 6), bool)
    two[0, 0, 0] = two[0, 5, 5] = True
    assert np.isnan(property_of(two, "vertices")).all()
    assert property_of(two, "solidity").tolist() == [pytest.approx(2 / 6)]


def test_every_property_gives_a_number_for_each_and_minds_no_block():
    for name in available_properties():
        whole = property_of(RANDOM, name)
        assert whole.shape == (len(RANDOM),)
        parts = np.concatenate([property_of(RANDOM[i : i + 1], name) for i in range(len(RANDOM))])
        np.testing.assert_allclose(whole, parts)
        assert property_of(RANDOM[:0], name).shape == (0,)
        assert PROPERTIES[name].long_name
        assert PROPERTIES[name].units


def test_many_pictures_are_counted_block_by_block():
    many = np.tile(RANDOM, (60, 1, 1))
    for name in ("components", "gap", "perimeter", "solidity"):
        np.testing.assert_array_equal(property_of(many, name), np.tile(property_of(RANDOM, name), 60))


def test_points():
    points = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, -1.0]])
    assert available_properties(plane=True) == ["x", "y", "radius", "angle"]
    table = analysis.properties_of(points)
    assert table["radius"].values == pytest.approx([1, 2, np.sqrt(2)])
    assert table["angle"].values == pytest.approx([0, 90, -135])
    assert table["x"].values.tolist() == [1, 0, -1]


def test_the_table_leads_with_the_dimensions_of_the_samples():
    samples = xr.DataArray(
        RANDOM[:40].reshape(2, 20, 9, 11).astype(np.float32),
        dims=("learner", "sample", "y", "x"),
        coords={"learner": ["a", "b"]},
    ).copy(deep=True)
    samples[0, 3] = 0.5
    table = analysis.properties_of(samples, ["area", "gap"])
    assert table["area"].dims == ("learner", "sample")
    assert np.isnan(table["area"].values[0, 3])
    expected = RANDOM[:40].sum(axis=(1, 2)).reshape(2, 20)
    assert table["area"].values[1].tolist() == expected[1].tolist()
    assert table["area"].attrs == {"long_name": "white pixels", "units": "pixels"}


@pytest.fixture
def own_property():
    yield analysis.register_property("corner", lambda p: p[:, 0, 0], "upper left pixel is white")
    del PROPERTIES["corner"]


def test_a_property_of_ones_own_is_one_function(own_property):
    table = analysis.properties_of(RANDOM)
    assert table["corner"].values.tolist() == RANDOM[:, 0, 0].tolist()
    with pytest.raises(AnalysisError, match="'corner' exists already"):
        analysis.register_property("corner", lambda p: p[:, 0, 1], "another")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.properties_of(RANDOM, ["aera"]), "nearest is 'area'"),
        (lambda: analysis.properties_of(RANDOM, ["angle"]), "'angle' is a property of points"),
        (lambda: analysis.properties_of(np.zeros((3, 2)), ["area"]), "'area' is a property of pictures"),
        (lambda: analysis.register_property("mean row", len, "two words"), "one word"),
    ],
)
def test_what_is_no_property_is_said(call, message):
    with pytest.raises(AnalysisError, match=message):
        call()


def test_a_function_that_gives_no_number_for_each_is_refused():
    analysis.register_property("wrong", lambda p: 1.0, "one number for all")
    try:
        with pytest.raises(AnalysisError, match="one number for each of 150 examples"):
            analysis.properties_of(RANDOM, ["wrong"])
    finally:
        del PROPERTIES["wrong"]
