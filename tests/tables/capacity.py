"""Who can learn a training set by heart: copy rates after long training, a table for models/NETWORKS.md.

PYTHONPATH=. python tests/tables/capacity.py 16,64 3          sizes of the training set; training seeds
PYTHONPATH=. python tests/tables/capacity.py 16 1 unet,mlp    some of the learners
"""

import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import analysis
import grammars
import models

N = 512

SIDE = 5

# Noise levels at which the pictures of a set are told apart; steps for each example of the set.
APART = {"noise_mean": -0.2, "noise_std": 1.0, "batch": 64}
DEEP = {"depth": 4, "width": 48, "learning_rate": 4e-3} | APART  # the field covers the picture from any pixel
LEARNERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "mlp": ("mlp", {}, 150),
    "unet": ("unet", {"learning_rate": 3e-3} | APART, 250),
    "transformer": (
        "transformer",
        {"patch": 3, "width": 128, "heads": 4, "learning_rate": 2e-3} | APART,
        800,
    ),
    "conv zeros": ("conv", {"padding": "zeros"} | DEEP, 1000),
    "conv circular": ("conv", {"padding": "circular"} | DEEP, 100),
}


class Row(NamedTuple):
    """One training: shares of N samples that are crisp, copies, and translates of examples on the torus."""

    label: str
    n: int
    seed: int
    steps: int
    crisp: int
    copies: int
    translates: int
    seconds: float

    def __str__(self) -> str:
        share, low, high = analysis.wilson(self.copies, N)
        return (
            f"| {self.label} | {self.n} | {self.seed} | {self.steps} | {share:.2f} [{low:.2f}, {high:.2f}] "
            f"| {self.translates / N:.2f} | {self.crisp / N:.2f} | {self.seconds:.0f} |"
        )


def training_set(n: int, seed: int) -> np.ndarray:
    """n distinct pictures drawn from the default target of dots on 5x5."""
    target = grammars.load("dots", grammars.Grid(SIDE, SIDE)).target.denote()
    return np.asarray(target.sample(n, np.random.default_rng([2026, seed]), distinct=True), dtype=bool)


def canonical(picture: np.ndarray) -> bytes:
    """The same for all translates of a picture on the torus, and for no other."""
    moves = np.ndindex(*picture.shape)
    return min(np.roll(picture, move, (0, 1)).tobytes() for move in moves)


def bound(examples: np.ndarray) -> float:
    """The greatest copy rate that a law which gives all translates of a picture equal weight can have.

    All its weight lies on one orbit then: the one of which the largest share are examples.
    """
    shares = []
    for orbit in {canonical(one): one for one in examples}.values():
        translates = {np.roll(orbit, move, (0, 1)).tobytes() for move in np.ndindex(*orbit.shape)}
        shares.append(sum(one.tobytes() in translates for one in examples) / len(translates))
    return max(shares)


def capacity(label: str, n: int, seed: int, samples: int = N) -> Row:
    """Teach n pictures by heart; a copy is crisp (within 0.25 of 0 or 1) and equal bit for bit."""
    name, settings, steps = LEARNERS[label]
    examples = training_set(n, seed)
    begun = time.process_time()
    fitted = models.load(name, steps=steps * n, **settings).fit([examples], [seed])[0]
    seconds = time.process_time() - begun
    drawn = fitted.sample(samples, seed=1)
    crisp = (np.minimum(np.abs(drawn), np.abs(drawn - 1)) <= 0.25).all((1, 2))
    pictures = (drawn > 0.5)[crisp]
    known, orbits = {one.tobytes() for one in examples}, {canonical(one) for one in examples}
    copies = sum(one.tobytes() in known for one in pictures)
    moved = sum(canonical(one) in orbits for one in pictures)
    return Row(label, n, seed, fitted.steps, int(crisp.sum()), copies, moved, seconds)


def rows(sizes: list[int], seeds: int, labels: list[str]) -> Iterator[Row]:
    for n in sizes:
        for seed in range(seeds):
            for label in labels:
                yield capacity(label, n, seed)


def main(sizes: str, seeds: str, labels: str = ",".join(LEARNERS)) -> None:
    for n in map(int, sizes.split(",")):
        least = [f"{bound(training_set(n, seed)):.3f}" for seed in range(int(seeds))]
        print(f"n = {n}: an equivariant learner copies at most {', '.join(least)}")
    print("\n| learner | n | seed | steps | copy rate [Wilson 95 %] | translates | crisp | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows([int(n) for n in sizes.split(",")], int(seeds), labels.split(",")):
        print(row, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
