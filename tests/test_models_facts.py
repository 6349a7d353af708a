"""What is known of learners taught single dots on 8x8; tests/tables/single_dots.py prints it as a table.

"Separated" are crisp pictures of any number k of white dots, no two adjacent in the 8-neighbourhood; crisp is
every pixel within 0.25 of black or white; a copy is crisp and equals an example of the training set.
"""

import math
from typing import Any

import numpy as np
import pytest

import models

SINGLE = np.eye(64, dtype=bool).reshape(64, 8, 8)
TAUGHT = {"all 64": SINGLE, "32": SINGLE[::2], "one": SINGLE[27:28]}
N = 512


def separated(pictures: np.ndarray) -> np.ndarray:
    """Whether no two white pixels touch, pair by pair of the eight neighbours."""
    _, height, width = pictures.shape
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    touching = np.zeros_like(pictures)
    for dy in range(3):
        for dx in range(3):
            if (dy, dx) != (1, 1):
                touching |= pictures & padded[:, dy : dy + height, dx : dx + width]
    return ~touching.any((1, 2))


def learned(fitted: models.Fitted, training_set: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Share of separated samples, share of copies, and the shares of k = 0..6 among all samples."""
    samples = fitted.sample(N, seed=1)
    crisp = (np.minimum(np.abs(samples), np.abs(samples - 1)) <= 0.25).all((1, 2))
    pictures = (samples > 0.5)[crisp]
    known = {example.tobytes() for example in training_set}
    copies = sum(picture.tobytes() in known for picture in pictures)
    valid = pictures[separated(pictures)]
    k = np.bincount(np.minimum(valid.sum((1, 2)), 6), minlength=7)
    return len(valid) / N, copies / N, k / N


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Total variation between two histograms, each made to sum to one."""
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)


@pytest.mark.parametrize("taught", ["all 64", "one"])
def test_a_circular_convolution_taught_single_dots_learns_separated_dots(taught: str) -> None:
    examples = TAUGHT[taught]
    learner = models.load("conv", width=24, steps=300)
    valid, copies, k = learned(learner.fit([examples], [0])[0], examples)
    assert valid > 0.8
    assert copies < 0.6
    assert (k[:4] > 0.01).all()
    name, settings = learner.matching_machine((8, 8))  # type: ignore[misc]
    _, _, predicted = learned(models.load(name, **settings).fit([examples], [0])[0], examples)
    assert difference(k, predicted) < 0.15


def spans(name: str, taught: str, **settings: Any) -> tuple[list[float], list[float], np.ndarray]:
    """Separated and copies for each of 3 training seeds, and the mean histogram of k."""
    examples = TAUGHT[taught]
    members = models.load(name, **settings).fit([examples] * 3, [0, 1, 2])
    found = [learned(member, examples) for member in members]
    return [one[0] for one in found], [one[1] for one in found], np.mean([one[2] for one in found], axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("taught", TAUGHT)
def test_a_circular_convolution_learns_what_its_machine_predicts(taught: str) -> None:
    valid, _, k = spans("conv", taught)
    assert min(valid) > 0.9
    assert (k[:5] > 0).all()
    assert difference(k, spans("equivariant_local", taught, patch=5)[2]) < 0.12


@pytest.mark.slow
@pytest.mark.parametrize("taught", TAUGHT)
@pytest.mark.parametrize("name", ["transformer", "ideal"])
def test_what_knows_every_place_learns_by_heart(name: str, taught: str) -> None:
    assert min(spans(name, taught)[1]) > {"transformer": 0.8, "ideal": 0.99}[name]


@pytest.mark.slow
def test_a_transformer_that_goes_pixel_by_pixel_copies_more_than_independent_pixels_can() -> None:
    assert min(spans("autoregressive", "all 64")[1]) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vae", "dae"])
def test_independent_pixels_make_the_binomial_law_of_k_out_of_single_dots(name: str) -> None:
    """The chain and the code keep nothing: each pixel is white with probability 1/64."""
    _, _, k = spans(name, "all 64")
    binomial = np.array([math.comb(64, i) * (1 / 64) ** i * (63 / 64) ** (64 - i) for i in range(7)])
    assert difference(k, binomial) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["autoregressive", "dae", "gan", "vae"])
def test_other_families_taught_one_picture_repeat_it(name: str) -> None:
    assert min(spans(name, "one")[1]) > 0.8
