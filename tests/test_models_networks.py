"""Networks: what each can see and cannot, layers against their definitions, and that they train."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import models
from models import ModelError
from models.edm import condition
from models.layers import convolve, doubled
from models.places import offsets, sinusoids, window
from models.unet import field

SINGLE = np.eye(64, dtype=bool).reshape(64, 8, 8)


def network(name: str, shape: tuple[int, ...], seed: int = 0, **settings: Any) -> Any:
    """An untrained network as a function of x float64[n, ...]; no weight is zero, so nothing is hidden."""
    net = models.load(name, **settings).network(shape)  # type: ignore[attr-defined]
    generator = torch.Generator().manual_seed(seed)
    weights = {
        name: (weight + 0.3 * torch.randn(weight.shape, generator=generator)).double()
        for name, weight in net.initial(generator).items()
    }
    told = condition(torch.full((1, 1), 0.5, dtype=torch.float64))
    # float64, so that what does not depend on a pixel does not depend on it at all
    return lambda x: net(weights, x, told)


def noise(n: int, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def reach(net: Any, shape: tuple[int, int]) -> int:
    """How far, in rows or columns, the farthest pixel lies that one on a diagonal depends on."""
    x = noise(1, shape).requires_grad_()
    out, most = net(x)[0], 0
    for y in range(shape[0]):
        column = y % shape[1]
        (gradient,) = torch.autograd.grad(out[y, column], x, retain_graph=True)
        rows, columns = np.nonzero(gradient[0].numpy())
        most = max(most, np.abs(rows - y).max(), np.abs(columns - column).max())
    return int(most)


def same_when_moved(net: Any, shape: tuple[int, int], by: tuple[int, int]) -> bool:
    x = noise(2, shape)
    return torch.allclose(net(x.roll(by, (1, 2))), net(x).roll(by, (1, 2)), atol=1e-9)


# Layers by definition.


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 4)], ids=str)
def test_a_convolution_by_its_definition(stride: int, circular: bool, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    (height, width), ins, outs = shape, 2, 3
    h, kernel, bias = rng.random((2, *shape, ins)), rng.random((outs, 3, 3, ins)), rng.random(outs)
    wanted = np.zeros((2, -(-height // stride), -(-width // stride), outs)) + bias
    for y, x, dy, dx in product(*map(range, wanted.shape[1:3]), (-1, 0, 1), (-1, 0, 1)):
        row, column = y * stride + dy, x * stride + dx
        if circular:
            row, column = row % height, column % width
        if 0 <= row < height and 0 <= column < width:
            wanted[:, y, x] += h[:, row, column] @ kernel[:, dy + 1, dx + 1].T
    found = convolve(torch.tensor(h), torch.tensor(kernel), torch.tensor(bias), circular, stride)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-12)


def test_doubling_repeats_every_pixel_and_cuts() -> None:
    h = np.random.default_rng(0).random((2, 2, 3, 4))
    wanted = h.repeat(2, axis=1).repeat(2, axis=2)[:, :3, :5]
    np.testing.assert_array_equal(doubled(torch.tensor(h), 3, 5).numpy(), wanted)


def test_sinusoids_by_their_definition() -> None:
    rows, columns, channels = 3, 4, 10
    found = sinusoids(rows, columns, channels).reshape(rows, columns, channels)
    for row, column, i in np.ndindex(rows, columns, channels):
        angle = (row if i % 4 < 2 else column) / 10000 ** (i // 4 / 3)  # three frequencies for ten numbers
        assert found[row, column, i] == pytest.approx(np.cos(angle) if i % 2 else np.sin(angle), abs=1e-6)
    assert len(np.unique(sinusoids(8, 8, 32).round(3), axis=0)) == 64  # no two places alike


@pytest.mark.parametrize("circular", [False, True])
def test_offsets_and_windows_by_their_definition(circular: bool) -> None:
    rows, columns, radius = 4, 5, 1
    places = list(np.ndindex(rows, columns))
    number, near = offsets(rows, columns, circular), window(rows, columns, circular, radius)
    kind: dict[tuple[int, int], int] = {}
    for i, one in enumerate(places):
        for j, other in enumerate(places):
            away = (other[0] - one[0], other[1] - one[1])
            if circular:
                away = (away[0] % rows, away[1] % columns)
            assert kind.setdefault(away, number[i, j]) == number[i, j]
            steps = [min(d % side, -d % side) for d, side in zip(away, (rows, columns), strict=True)]
            assert near[i, j] == (max(steps if circular else map(abs, away)) <= radius)
    assert sorted(kind.values()) == list(range(rows * columns if circular else 7 * 9))


def test_attention_with_relative_positions_and_a_window_by_its_definition() -> None:
    settings = {"positions": "relative", "window": 1, "width": 6, "heads": 2, "depth": 1, "patch": 1}
    net = models.load("transformer", **settings).network((3, 4))  # type: ignore[attr-defined]
    weights = net.initial(torch.Generator().manual_seed(0))
    h = noise(2, (12, 6)).float()
    parts = (h @ weights["0.attend"].t()).view(2, 12, 3, 2, 3)
    places, wanted = list(np.ndindex(3, 4)), torch.zeros(2, 12, 2, 3)
    for n, i, head in np.ndindex(2, 12, 2):
        seen = [j for j in range(12) if np.abs(np.subtract(places[j], places[i])).max() <= 1]
        logits = torch.stack(
            [
                parts[n, i, 0, head] @ parts[n, j, 1, head] / 3**0.5
                + weights["0.relative"][head, int(offsets(3, 4, False)[i, j])]
                for j in seen
            ]
        )
        wanted[n, i, head] = logits.softmax(0) @ parts[n, seen, 2, head]
    found = net.attention(weights, 0, h)
    torch.testing.assert_close(found, wanted.reshape(2, 12, 6) @ weights["0.project"].t())


# What is stated is true.

UNETS = [
    {"heads": heads, "levels": levels, "blocks": blocks, "padding": padding, "width": 4}
    for heads in (0, 2)
    for levels, blocks in ((1, 1), (1, 2), (2, 1), (3, 1))
    for padding in ("circular", "zeros")
]
TRANSFORMERS = [
    {"positions": positions, "window": reach, "border": border, "patch": patch, "width": 8, "depth": depth}
    for positions in ("learned", "sinusoidal", "relative", "none")
    for reach, border, depth in (
        (None, "closed", 1),
        (None, "circular", 1),
        (1, "closed", 2),
        (1, "circular", 1),
        (2, "closed", 1),
    )
    for patch in (1, 2, None)
    if positions == "relative" or reach is not None or border == "closed"
]
MLPS: list[dict[str, Any]] = [{"width": 8, "depth": 1}]
EVERY = [
    (name, settings)
    for name, kinds in (("unet", UNETS), ("transformer", TRANSFORMERS), ("mlp", MLPS))
    for settings in kinds
]
every = pytest.mark.parametrize(
    ("name", "settings"), EVERY, ids=lambda value: value if isinstance(value, str) else str([*value.values()])
)


@every
def test_stated_equivariance_is_true(name: str, settings: dict[str, Any]) -> None:
    known = models.load(name, **settings).properties["equivariant"]
    shape = (12, 12)  # more than 100 pixels: a patch that is not given is not a pixel
    assert same_when_moved(network(name, shape, **settings), shape, (3, 1)) == known
    if known:
        assert same_when_moved(network(name, (5, 4), **settings), (5, 4), (2, 1))


@every
def test_stated_receptive_fields_are_true(name: str, settings: dict[str, Any]) -> None:
    stated = models.load(name, **settings).properties["receptive_field"]
    shape = (14, 14)  # no multiple of 4 or 8
    most = max(shape) - 1
    wraps = settings.get("padding") == "circular" or settings.get("border") == "circular"
    if stated is None:
        assert reach(network(name, shape, **settings), shape) == most
    elif not wraps:  # else what is far on paper is near on the ring
        assert reach(network(name, shape, **settings), shape) <= stated // 2


@pytest.mark.parametrize(("levels", "blocks"), [(1, 1), (1, 3), (2, 1), (2, 2), (3, 1)])
def test_the_field_of_a_unet_is_reached(levels: int, blocks: int) -> None:
    side = field(levels, blocks) + 2
    net = network("unet", (side, 3), width=2, levels=levels, blocks=blocks, heads=0)
    assert reach(net, (side, 3)) == field(levels, blocks) // 2


@pytest.mark.parametrize("reached", [1, 2])
def test_the_field_of_windows_is_reached(reached: int) -> None:
    settings = {"window": reached, "depth": 2, "patch": 1, "width": 4, "heads": 1}
    assert reach(network("transformer", (9, 9), **settings), (9, 9)) == 2 * reached


@pytest.mark.parametrize(("levels", "coarsest"), [(2, 2), (3, 4)])
def test_a_circular_unet_knows_its_place_within_a_coarsest_pixel_and_no_more(
    levels: int, coarsest: int
) -> None:
    net = network("unet", (8, 8), width=4, levels=levels, heads=2, padding="circular")
    assert same_when_moved(net, (8, 8), (coarsest, -coarsest))
    assert not same_when_moved(net, (8, 8), (coarsest // 2, 0))


def test_without_places_all_permutations_of_pixels_are_alike() -> None:
    net, x = network("transformer", (3, 4), positions="none", patch=1), noise(2, (3, 4))
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    moved = net(x.flatten(1)[:, order].view(x.shape))
    torch.testing.assert_close(moved.flatten(1), net(x).flatten(1)[:, order])


@every
def test_matching_machines_exist_and_have_the_same_symmetry(name: str, settings: dict[str, Any]) -> None:
    learner = models.load(name, **settings)
    for shape in ((3, 3), (5, 7), (8, 8), (16, 16)):
        matching = learner.matching_machine(shape)
        if matching is not None:
            machine = models.load(matching[0], **matching[1])
            assert machine.supports(shape) is None
            assert machine.properties["equivariant"] == learner.properties["equivariant"]
            seen, field = (one.properties["receptive_field"] for one in (machine, learner))
            assert field is None or seen is None or seen <= field


@pytest.mark.parametrize(
    ("name", "settings", "machine"),
    [
        ("unet", {}, ("ideal", {})),
        ("unet", {"heads": 0, "levels": 1}, ("boundary_broken", {"patch": 5})),
        ("unet", {"heads": 0, "levels": 1, "padding": "circular"}, ("equivariant_local", {"patch": 5})),
        ("unet", {"levels": 1, "padding": "circular"}, ("equivariant_ideal", {})),
        ("unet", {"padding": "circular"}, None),
        ("transformer", {}, ("ideal", {})),
        ("transformer", {"positions": "relative"}, ("ideal", {})),
        ("transformer", {"positions": "none"}, None),
        ("transformer", {"window": 1}, ("local", {"patch": 5})),
        ("transformer", {"window": 1, "positions": "relative"}, ("boundary_broken", {"patch": 5})),
        (
            "transformer",
            {"window": 1, "positions": "relative", "border": "circular", "patch": 1},
            ("equivariant_local", {"patch": 5}),
        ),
        (
            "transformer",
            {"positions": "relative", "border": "circular", "patch": 1},
            ("equivariant_ideal", {}),
        ),
        ("mlp", {}, ("ideal", {})),
    ],
)
def test_which_machine_matches(name: str, settings: dict[str, Any], machine: Any) -> None:
    assert models.load(name, **settings).matching_machine((16, 16) if name == "unet" else (8, 8)) == machine


@pytest.mark.parametrize("name", ["unet", "transformer", "mlp"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (3, 3), (5, 7), (9, 16)], ids=str)
def test_any_size_will_do(name: str, shape: tuple[int, int]) -> None:
    out = network(name, shape)(noise(2, shape))
    assert out.shape == (2, *shape)
    assert out.isfinite().all()


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        (
            "unet",
            {"heads": 5},
            "`heads` must divide the 64 channels of the lowest resolution, but got (heads=5",
        ),
        ("transformer", {"border": "circular"}, "needs positions=relative or a window"),
        ("transformer", {"positions": "lerned"}, "did you mean 'learned'?"),
    ],
)
def test_mistakes_are_one_clear_line(name: str, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError) as error:
        models.load(name, **settings)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


# They train.


def crisp(samples: np.ndarray) -> np.ndarray:
    near = np.minimum(np.abs(samples), np.abs(samples - 1)) <= 0.25
    return near.all((1, 2))  # type: ignore[no-any-return]


def copied(fitted: models.Fitted, examples: np.ndarray, n: int = 256) -> float:
    samples = fitted.sample(n, seed=1)
    known = {example.tobytes() for example in examples}
    return float(np.mean([picture.tobytes() in known for picture in (samples > 0.5)] & crisp(samples)))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("unet", {"width": 16, "levels": 2, "steps": 300}),
        ("mlp", {"width": 64, "batch": 32, "steps": 500}),
        ("transformer", {"steps": 500}),
    ],
)
def test_four_dots_are_learned_by_heart(name: str, settings: dict[str, Any]) -> None:
    examples = np.eye(16, dtype=bool).reshape(16, 4, 4)[[0, 6, 9, 15]]
    untrained = models.load(name, **settings | {"steps": 1}).fit([examples], [0])[0]
    assert copied(untrained, examples) < 0.2
    assert copied(models.load(name, **settings).fit([examples], [0])[0], examples) > 0.8


def test_mlp_learns_a_ring_wherever_it_lies() -> None:
    angle, radius = np.random.default_rng(0).random((2, 1024))
    ring = np.stack([np.cos(2 * np.pi * angle), np.sin(2 * np.pi * angle)], 1) * (0.9 + 0.2 * radius)[:, None]
    points = 5.0 + 3.0 * ring
    learner = models.load("mlp", width=48, batch=128, steps=400)
    fitted = learner.fit([points], [0])[0]
    off = np.abs(np.linalg.norm((fitted.sample(512, seed=1) - 5.0) / 3.0, axis=1) - 1)
    assert (off < 0.15).mean() > 0.85
    quadrants = np.bincount((fitted.sample(512, seed=1) > 5.0) @ [1, 2], minlength=4)
    assert quadrants.min() > 80  # of 128


def test_frequencies_stay_where_they_were_drawn() -> None:
    points = np.random.default_rng(0).standard_normal((32, 2))
    fitted = models.load("mlp", width=8, steps=20, batch=8).fit([points], [0], checkpoints=[0])[0]
    first, last = fitted.at(0).weights, fitted.weights  # type: ignore[attr-defined]
    assert torch.equal(first["frequencies"], last["frequencies"])
    assert not torch.equal(first["in"], last["in"])


@pytest.mark.slow
def test_a_unet_taught_single_dots_makes_crisp_dots_by_its_defaults() -> None:
    samples = models.load("unet").fit([SINGLE], [0])[0].sample(512, seed=1)
    pictures = samples > 0.5
    around = np.pad(pictures, ((0, 0), (1, 1), (1, 1))).astype(int)
    whites = sum(around[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3))
    separated = ~(pictures & (whites > 1)).any((1, 2))
    assert (separated & crisp(samples)).mean() > 0.9
