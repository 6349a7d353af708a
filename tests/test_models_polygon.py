"""Learners crafted for polygons: what their samples are by construction, and what they learn."""

import numpy as np
import pytest
import torch

import analysis
import grammars
import models
from grammars.convexity import is_convex, least_vertices
from models.cyclic import CyclicNetwork, Ring
from models.edm import condition
from models.polygon import PolygonNetwork
from models.tracing import fewest_vertices, traced

GRID = grammars.Grid(10, 10)
SHORT = {"steps": 8, "batch": 4, "sampler_steps": 4}


def draws(n: int) -> np.ndarray:
    target = grammars.load("polygons", GRID).target.denote()
    return target.sample(n, np.random.default_rng(0), distinct=True)


def test_the_cyclic_network_does_not_know_which_vertex_is_the_first() -> None:
    network = CyclicNetwork((10, 10), 6, width=8, hidden=12, depth=2)
    weights = network.initial(torch.Generator().manual_seed(0))
    polygons = traced(draws(8), 6)
    noise = np.random.default_rng(0).normal(0.0, 0.1, polygons.vertices.shape)  # no centre between two sides
    count, x = torch.from_numpy(polygons.number), torch.from_numpy(polygons.vertices + noise).float()
    turned = x.clone()
    for polygon, number in enumerate(polygons.number):
        turned[polygon, :number] = x[polygon, :number].roll(1, 0)
    sigma = torch.full((8, 1, 1), 0.5)
    ring = Ring.of(count, 6)
    out, other = (
        network(weights, (own - 4.5) / 2, own, sigma, condition(sigma), count, ring) for own in (x, turned)
    )
    for polygon, number in enumerate(polygons.number):
        torch.testing.assert_close(
            other[polygon, :number], out[polygon, :number].roll(1, 0), atol=1e-4, rtol=0
        )
        assert not out[polygon, number:].any()
    assert out.abs().max() > 0.01


def test_a_soft_drawing_has_gradients_and_hardens_to_the_polygon() -> None:
    network = PolygonNetwork((10, 10), 6, width=8, depth=1, hard=0.02)
    weights = network.initial(torch.Generator().manual_seed(1))
    x = torch.randn(4, 10, 10, generator=torch.Generator().manual_seed(2), requires_grad=True)
    level = torch.full((4, 1, 1), 0.5)
    vertices, softness = network.polygon(weights, x, condition(level))
    soft = network.drawing(vertices, softness, level)
    assert ((soft > 0) & (soft < 1)).all()
    soft[:, 5, 5].sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().sum() > 0
    hard = network.drawing(vertices, softness, torch.full((4, 1, 1), 0.02))
    nearly = network.drawing(vertices, softness, torch.full((4, 1, 1), 1e-3 + 0.0205))
    assert set(hard.unique().tolist()) == {0.0, 1.0}
    assert (hard - nearly).abs().mean() < 0.05
    assert is_convex(hard.bool().numpy()).all()


@pytest.mark.parametrize("name", ["polygon", "vertices"])
@pytest.mark.parametrize("steps", [0, 8])
def test_samples_are_crisp_convex_polygons_whatever_was_taught(name: str, steps: int) -> None:
    taught = np.random.default_rng(0).random((9, 9, 8)) < 0.4
    fitted = models.load(name, **SHORT | {"steps": steps}).fit([taught], [0])[0]
    samples = fitted.sample(60, seed=1)
    assert set(np.unique(samples)) <= {0.0, 1.0}
    pictures = samples.astype(bool)
    lit = pictures.any(axis=(1, 2))
    assert lit.mean() > 0.5
    assert is_convex(pictures[lit]).all()
    assert least_vertices(pictures[lit]).max() <= 6


def test_black_pictures_keep_their_share() -> None:
    pictures = draws(20)
    for black, low, high in ((0, 0.0, 0.2), (20, 0.35, 0.65)):
        taught = np.concatenate([pictures, np.zeros((black, 10, 10), bool)])
        fitted = models.load("vertices", steps=40, batch=16, sampler_steps=8).fit([taught], [0])[0]
        assert low <= (~fitted.sample(200, seed=0).any(axis=(1, 2))).mean() <= high


def test_numbers_of_vertices_are_drawn_as_pictures_need_them() -> None:
    """Untrained hexagons are mostly drawn with fewer vertices; the mixture knows, the plain shares do not."""
    taught = draws(80)
    shares = np.bincount(fewest_vertices(taught, 6), minlength=7) / len(taught)
    apart = {}
    for balance in (True, False):
        fitted = models.load("vertices", **SHORT | {"steps": 0}, balance=balance).fit([taught], [0])[0]
        needed = fewest_vertices(fitted.sample(400, seed=3) > 0.5, 6)
        apart[balance] = np.abs(np.bincount(needed, minlength=7) / 400 - shares).sum() / 2
    assert apart[True] < apart[False]


@pytest.mark.slow
def test_vertices_learn_the_default_target_from_draws_of_it() -> None:
    target = grammars.load("polygons", GRID).target.denote()
    training_set = target.sample(1024, np.random.default_rng(0), distinct=True)
    found = {}
    for steps in (None, 0):
        settings = {} if steps is None else {"steps": steps}
        fitted = models.load("vertices", **settings).fit([training_set], [0])[0]
        found[steps] = analysis.measures(fitted.sample(512, seed=1000), target, training_set)
    assert found[None]["generalization"] >= 0.9
    assert found[None]["copy_rate"] <= 0.1
    assert found[0]["generalization"] < 0.6
