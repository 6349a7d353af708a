"""Closed-form machines against direct transcriptions of their formulas, pixel by pixel and patch by patch."""

from itertools import product

import numpy as np
import pytest

import models

SIGMAS = (0.05, 0.3, 2.0)


def pictures(n: int, shape: tuple[int, int], seed: int, binary: bool = True) -> np.ndarray:
    values = np.random.default_rng(seed).random((n, *shape))
    return values < 0.3 if binary else values


def direct_ideal(x: np.ndarray, examples: np.ndarray, sigma: float) -> np.ndarray:
    weights = [-((x - y) ** 2).sum() / (2 * sigma**2) for y in examples.astype(float)]
    likely = np.exp(np.array(weights) - max(weights))
    return np.tensordot(likely / likely.sum(), examples.astype(float), 1)


def direct_circular(x: np.ndarray, examples: np.ndarray, sigma: float, patch: int) -> np.ndarray:
    """For every pixel: all pixels of all pictures, around both the offsets of a patch, modulo the grid."""
    height, width = x.shape
    reach = patch // 2
    offsets = {
        (dy % height, dx % width) for dy, dx in product(range(-reach, reach + 1), repeat=2)
    }  # a set: where the patch is larger than the ring, each pixel counts once
    clean = np.empty_like(x)
    for y, z in product(range(height), range(width)):
        logs, centres = [], []
        for picture, row, column in product(examples.astype(float), range(height), range(width)):
            distance = sum(
                (x[(y + dy) % height, (z + dx) % width] - picture[(row + dy) % height, (column + dx) % width])
                ** 2
                for dy, dx in offsets
            )
            logs.append(-distance / (2 * sigma**2))
            centres.append(picture[row, column])
        weights = np.exp(np.array(logs) - max(logs))
        clean[y, z] = weights @ np.array(centres) / weights.sum()
    return clean


def direct_zeros(x: np.ndarray, examples: np.ndarray, sigma: float, patch: int) -> np.ndarray:
    """On pictures padded with NaN: only patches with NaN at the same places are compared."""
    height, width = x.shape
    reach = patch // 2
    noisy, *padded = (np.pad(one, reach, constant_values=np.nan) for one in (x, *examples.astype(float)))
    clean = np.empty_like(x)
    for y, z in product(range(height), range(width)):
        own = noisy[y : y + patch, z : z + patch]
        logs, centres = [], []
        for picture, row, column in product(padded, range(height), range(width)):
            other = picture[row : row + patch, column : column + patch]
            if (np.isnan(own) == np.isnan(other)).all():
                logs.append(-np.nansum((own - other) ** 2) / (2 * sigma**2))
                centres.append(picture[row + reach, column + reach])
        weights = np.exp(np.array(logs) - max(logs))
        clean[y, z] = weights @ np.array(centres) / weights.sum()
    return clean


def direct_translates(x: np.ndarray, examples: np.ndarray, sigma: float) -> np.ndarray:
    """The ideal machine of a list of all translates, written out."""
    height, width = x.shape
    moved = [np.roll(example, move, (0, 1)) for example in examples for move in np.ndindex(height, width)]
    return direct_ideal(x, np.array(moved), sigma)


def direct_placed(x: np.ndarray, examples: np.ndarray, sigma: float, patch: int, padding: str) -> np.ndarray:
    """The local score machine (Kamb & Ganguli 2025): the same pixels of every example, and nothing else."""
    height, width = x.shape
    reach = patch // 2
    clean = np.empty_like(x)
    for y, z in product(range(height), range(width)):
        seen = np.zeros((height, width), dtype=bool)
        for dy, dx in product(range(-reach, reach + 1), repeat=2):
            if padding == "circular":
                seen[(y + dy) % height, (z + dx) % width] = True
            elif 0 <= y + dy < height and 0 <= z + dx < width:
                seen[y + dy, z + dx] = True
        distances = [((x - example)[seen] ** 2).sum() for example in examples.astype(float)]
        logs = -np.array(distances) / (2 * sigma**2)
        weights = np.exp(logs - logs.max())
        clean[y, z] = weights @ examples[:, y, z] / weights.sum()
    return clean


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("sigma", SIGMAS)
def test_ideal_is_the_posterior_mean_over_examples(sigma: float, binary: bool) -> None:
    examples = pictures(5, (4, 5), 0, binary)
    examples = np.concatenate([examples, examples[:2]])  # repeated examples weigh more
    x = examples[:3] + sigma * np.random.default_rng(1).standard_normal((3, 4, 5))
    fitted = models.load("ideal").fit([examples], [0])[0]
    expected = [direct_ideal(one, examples, sigma) for one in x]
    np.testing.assert_allclose(fitted.denoise(x, sigma), expected, atol=2e-4)


@pytest.mark.parametrize(
    ("name", "direct"), [("equivariant_local", direct_circular), ("boundary_broken", direct_zeros)]
)
@pytest.mark.parametrize("patch", [1, 3, 5, 9])
@pytest.mark.parametrize("shape", [(3, 3), (4, 6)], ids=str)
@pytest.mark.parametrize("binary", [True, False])
def test_local_machines_are_their_formulas(name: str, direct, patch: int, shape, binary: bool) -> None:
    examples = pictures(4, shape, patch, binary)
    fitted = models.load(name, patch=patch).fit([examples], [0])[0]
    for sigma in SIGMAS:
        x = examples[:1] + sigma * np.random.default_rng(2).standard_normal((1, *shape))
        expected = direct(x[0], examples, sigma, patch)
        np.testing.assert_allclose(fitted.denoise(x, sigma)[0], expected, atol=1e-3)


def test_a_patch_that_sees_everything_is_the_ideal_machine() -> None:
    examples = pictures(5, (4, 4), 3)
    x = np.random.default_rng(0).standard_normal((6, 4, 4))
    # zero padding across the whole picture: every pixel knows its place
    everywhere = models.load("boundary_broken", patch=7).fit([examples], [0])[0]
    ideal = models.load("ideal").fit([examples], [0])[0]
    np.testing.assert_allclose(everywhere.denoise(x, 0.4), ideal.denoise(x, 0.4), atol=1e-4)
    # circular padding: the ideal machine of all translates
    moves = list(product(range(4), repeat=2))
    orbit = np.concatenate([np.roll(examples, move, (1, 2)) for move in moves])
    around = models.load("equivariant_local", patch=5).fit([examples], [0])[0]
    translated = models.load("ideal").fit([orbit], [0])[0]
    np.testing.assert_allclose(around.denoise(x, 0.4), translated.denoise(x, 0.4), atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 3), (5, 7), (8, 8)], ids=str)
@pytest.mark.parametrize("sampler", ["heun", "sde"])
def test_ideal_samples_training_examples_only(shape: tuple[int, int], sampler: str) -> None:
    examples = np.unique(pictures(12, shape, 5), axis=0)
    samples = models.load("ideal", sampler_steps=40).fit([examples], [0])[0].sample(300, 0, sampler=sampler)
    assert (np.minimum(np.abs(samples), np.abs(samples - 1)) <= 0.25).all()
    known = {example.tobytes() for example in examples}
    drawn = [sample.tobytes() for sample in samples > 0.5]
    assert set(drawn) <= known
    assert len(set(drawn)) > 0.8 * len(known)


def test_a_set_and_its_translates_are_one_to_the_equivariant_machine() -> None:
    dots = np.eye(16, dtype=bool).reshape(16, 4, 4)
    all_of_them, one = models.load("equivariant_local", patch=3).fit([dots, dots[5:6]], [0, 0])
    np.testing.assert_allclose(all_of_them.sample(20, 0), one.sample(20, 0), atol=1e-4)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("shape", [(3, 3), (4, 6), (5, 4)], ids=str)
def test_equivariant_ideal_is_the_ideal_machine_of_all_translates(shape, binary: bool) -> None:
    examples = pictures(4, shape, 1, binary)
    # a translate of an example counts once more; one symmetric picture has fewer distinct translates
    examples = np.concatenate([examples, np.roll(examples[:1], (1, 2), (1, 2)), np.ones((1, *shape))])
    fitted = models.load("equivariant_ideal").fit([examples], [0])[0]
    assert fitted.spectra.shape[0] == 5  # type: ignore[attr-defined]
    for sigma in SIGMAS:
        x = examples[:3] + sigma * np.random.default_rng(1).standard_normal((3, *shape))
        expected = [direct_translates(one, examples, sigma) for one in x]
        np.testing.assert_allclose(fitted.denoise(x, sigma), expected, atol=5e-4)


@pytest.mark.parametrize("padding", ["zeros", "circular"])
@pytest.mark.parametrize("patch", [1, 3, 5, 9])
@pytest.mark.parametrize("binary", [True, False])
def test_the_local_machine_is_its_formula(padding: str, patch: int, binary: bool) -> None:
    examples = pictures(6, (4, 6), patch, binary)
    fitted = models.load("local", patch=patch, padding=padding).fit([examples], [0])[0]
    for sigma in SIGMAS:
        x = examples[:2] + sigma * np.random.default_rng(2).standard_normal((2, 4, 6))
        expected = [direct_placed(one, examples, sigma, patch, padding) for one in x]
        np.testing.assert_allclose(fitted.denoise(x, sigma), expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(4, 5), (2,)], ids=str)
@pytest.mark.parametrize("n", [1, 7, 60])
def test_wiener_is_the_posterior_mean_of_a_gaussian(shape: tuple[int, ...], n: int) -> None:
    random = np.random.default_rng(n)
    examples = random.standard_normal((n, *shape)) @ random.standard_normal((shape[-1], shape[-1]))
    flat = examples.reshape(n, -1)
    covariance = np.cov(flat.T, bias=True) if n > 1 else np.zeros((flat.shape[1],) * 2)
    fitted = models.load("wiener").fit([examples], [0])[0]
    for sigma in SIGMAS:
        x = 2 * random.standard_normal((5, *shape))
        gain = covariance @ np.linalg.inv(covariance + sigma**2 * np.eye(len(covariance)))
        expected = flat.mean(0) + (x.reshape(5, -1) - flat.mean(0)) @ gain.T
        np.testing.assert_allclose(fitted.denoise(x, sigma).reshape(5, -1), expected, atol=1e-4)


def test_wiener_samples_have_the_mean_and_covariance_of_the_training_set() -> None:
    random = np.random.default_rng(0)
    examples = random.standard_normal((50, 2)) @ np.array([[1.0, 0.4], [0.0, 0.3]]) + np.array([0.5, -1.0])
    fitted = models.load("wiener", sampler_steps=60).fit([examples], [0])[0]
    samples = fitted.sample(20000, 0)
    np.testing.assert_allclose(samples.mean(0), examples.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(samples.T), np.cov(examples.T, bias=True), atol=0.03)


def test_ideal_draws_the_points_it_was_taught() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    samples = models.load("ideal", sampler_steps=40).fit([points], [0])[0].sample(300, 0)
    distance = np.linalg.norm(samples[:, None] - points[None], axis=2)
    assert (distance.min(1) < 0.05).all()
    assert len(set(distance.argmin(1))) > 15
    assert models.load("ideal").supports((3,)) is not None
    assert models.load("local").supports((2,)) is not None


def test_equivariant_ideal_samples_translates_only() -> None:
    examples = pictures(6, (5, 7), 5)
    samples = models.load("equivariant_ideal", sampler_steps=40).fit([examples], [0])[0].sample(200, 0)
    assert (np.minimum(np.abs(samples), np.abs(samples - 1)) <= 0.25).all()
    moves = product(range(5), range(7))
    orbit = {example.tobytes() for move in moves for example in np.roll(examples, move, (1, 2))}
    drawn = {sample.tobytes() for sample in samples > 0.5}
    assert drawn <= orbit
    assert len(drawn - {example.tobytes() for example in examples}) > 100
