"""From polygons to pictures and back: held against scipy's hulls, the grammar's drawing and exact test."""

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull

import grammars
from grammars.convexity import fill_hull, least_vertices
from grammars.rasterise import rasterise_convex
from models.raster import beside, drawn
from models.tracing import fewest_vertices, traced


def draws(n: int, side: int = 10, seed: int = 0) -> np.ndarray:
    target = grammars.load("polygons", grammars.Grid(side, side)).target.denote()
    return target.sample(n, np.random.default_rng(seed), distinct=True)


def random_vertices(n: int, v: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 10.0, (n, v, 2))


def test_what_is_drawn_is_the_hull_of_the_vertices() -> None:
    places = random_vertices(40, 6)
    hulls = [polygon[ConvexHull(polygon).vertices] for polygon in places]
    filled = [np.concatenate([hull, np.repeat(hull[:1], 6 - len(hull), axis=0)]) for hull in hulls]
    expected = rasterise_convex(np.stack(filled), (9, 11))
    np.testing.assert_array_equal(drawn(torch.from_numpy(places), (9, 11)).numpy(), expected)
    np.testing.assert_array_equal(drawn(torch.from_numpy(np.stack(filled)), (9, 11)).numpy(), expected)


def test_depth_and_place_beside_a_side() -> None:
    square = torch.tensor([[[1.0, 1.0], [1.0, 4.0], [4.0, 4.0], [4.0, 1.0]]])  # clockwise, rows downwards
    depth, along = beside(square, square.roll(-1, 1), (6, 6))
    centre = 2 * 6 + 3  # (2, 3)
    torch.testing.assert_close(depth[0, :, centre], torch.tensor([1.0, 1.0, 2.0, 2.0]))
    torch.testing.assert_close(along[0, :, centre], torch.tensor([2 / 3, 1 / 3, 1 / 3, 2 / 3]))
    assert depth[0, :, 0].amin() < 0
    assert (depth.amin(1) >= 0).sum() == 16


@pytest.mark.parametrize(("side", "n"), [(10, 120), (16, 12)])
def test_tracing_finds_a_polygon_with_the_fewest_vertices_that_draws_the_picture(side: int, n: int) -> None:
    pictures = draws(n, side)
    polygons = traced(pictures, 6)
    np.testing.assert_array_equal(polygons.number, least_vertices(pictures))
    np.testing.assert_array_equal(fewest_vertices(pictures, 6), polygons.number)
    again = drawn(torch.from_numpy(polygons.vertices), (side, side)).numpy()
    np.testing.assert_array_equal(again, pictures)


def test_traced_polygons_have_room_to_err() -> None:
    """More room than polygons through the outermost white centres, which a touch of noise breaks."""
    pictures = draws(60)
    polygons = traced(pictures, 6)
    noise = np.random.default_rng(0).normal(0.0, 0.03, polygons.vertices.shape)
    beyond = np.arange(6) >= polygons.number[:, None]
    noise[beyond] = np.broadcast_to(noise[:, :1], noise.shape)[beyond]
    again = drawn(torch.from_numpy(polygons.vertices + noise), (10, 10)).numpy()
    assert (again == pictures).all((1, 2)).mean() > 0.9


def test_tracing_answers_whatever_the_picture() -> None:
    pictures = np.zeros((5, 9, 9), bool)
    pictures[1, 4, 4] = True
    pictures[2] = True
    pictures[3, 2:7, 2] = pictures[3, 6, 2:7] = True  # an L: taken for the triangle that is its hull
    pictures[4] = np.hypot(*(np.mgrid[:9, :9] - 4.0)) < 4.3  # a disc needs more than four
    polygons = traced(pictures, 4)
    again = drawn(torch.from_numpy(polygons.vertices), (9, 9)).numpy()
    assert polygons.number.tolist() == [0, 3, 3, 3, 4]
    assert polygons.vertices.shape == (5, 4, 2)
    np.testing.assert_array_equal(again[1:4], fill_hull(pictures[1:4]))
    assert least_vertices(pictures[4:])[0] > 4
    assert 0 < (again[4] != pictures[4]).sum() < 16
