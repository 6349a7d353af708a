"""What is known of learners taught single dots on 8x8; `pytest -m slow -s` on this file prints the table.

"Separated" are crisp pictures of any number k of white dots, no two adjacent in the 8-neighbourhood; crisp is
every pixel within 0.25 of black or white; a copy is crisp and equals an example of the training set.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import models

SINGLE = np.eye(64, dtype=bool).reshape(64, 8, 8)
TAUGHT = {"all 64": SINGLE, "32": SINGLE[::2], "one": SINGLE[27:28]}
N = 512

TABLE: list[tuple[str, dict[str, Any]]] = [
    ("conv", {}),
    ("equivariant_local", {"patch": 5}),
    ("conv", {"depth": 3, "width": 24}),
    ("equivariant_local", {"patch": 7}),
    ("conv", {"padding": "zeros"}),
    ("boundary_broken", {"patch": 5}),
    ("transformer", {}),
    ("ideal", {}),
]


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


@pytest.mark.slow
def test_the_table_of_what_is_learned_from_single_dots() -> None:
    found = {(label, taught): rest for label, taught, *rest in rows()}
    for taught in TAUGHT:
        valid, _, k = found["conv", taught]
        assert min(valid) > 0.9
        assert (k[:5] > 0).all()
        assert difference(k, found["equivariant_local(patch=5)", taught][2]) < 0.12
        assert min(found["transformer", taught][1]) > 0.8
        assert min(found["ideal", taught][1]) > 0.99


def rows() -> Iterator[tuple[str, str, list[float], list[float], np.ndarray]]:
    """Learner, what it was taught, separated and copies for each seed, mean histogram of k."""
    print(f"\n{'learner':32} {'taught':8} {'separated':>15} {'copies':>15}   % of k = 0, 1, 2, ...")
    for name, settings in TABLE:
        learner = models.load(name, **settings)
        seeds = [0, 1, 2] if learner.properties["trained"] else [0]
        label = name + ("(" + ", ".join(f"{k}={v}" for k, v in settings.items()) + ")" if settings else "")
        for taught, examples in TAUGHT.items():
            results = [learned(fitted, examples) for fitted in learner.fit([examples] * len(seeds), seeds)]
            valid, copies = [r[0] for r in results], [r[1] for r in results]
            k = np.mean([r[2] for r in results], axis=0)
            spans = [f"{min(shares):.2f} to {max(shares):.2f}" for shares in (valid, copies)]
            shares = " ".join(f"{100 * share:.0f}" for share in k)
            print(f"{label:32} {taught:8} {spans[0]:>15} {spans[1]:>15}   {shares}", flush=True)
            yield label, taught, valid, copies, k
