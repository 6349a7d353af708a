"""What a local machine in closed form learns of row and column parity, by brute force on its samples.

No module of `analysis` is used: parities are sums, and translates are what `numpy.roll` makes.
"""

import numpy as np

import grammars
import models

SIDE = 6


def test_the_even_samples_of_an_equivariant_window_are_its_examples_pushed_around() -> None:
    examples = (
        grammars.load("codes", grammars.Grid(SIDE, SIDE))
        .parse("take(16, parity(), seed=0)", "Lesson")
        .denote()
    )
    [fitted] = models.load("equivariant_local").fit([examples], [0])
    samples = np.asarray(fitted.sample(256, seed=1)).reshape(-1, SIDE, SIDE) > 0.5
    even = samples[~(samples.sum(axis=1) % 2).any(axis=1) & ~(samples.sum(axis=2) % 2).any(axis=1)]
    pushed = {
        np.roll(example, (down, right), (0, 1)).tobytes()
        for example in examples.astype(bool)
        for down in range(SIDE)
        for right in range(SIDE)
    }
    assert len(even) > 128
    assert np.mean([one.tobytes() in pushed for one in even]) > 0.98
    assert np.mean([one.tobytes() in {e.tobytes() for e in examples.astype(bool)} for one in even]) < 0.2
