"""Who can learn a training set by heart, and why a circular convolution cannot (models/NETWORKS.md)."""

import numpy as np
import pytest

from tests.tables.capacity import N, bound, canonical, capacity, training_set


def test_translates_are_alike_and_others_are_not() -> None:
    one, other = training_set(2, 0)
    assert canonical(one) == canonical(np.roll(one, (3, -2), (0, 1)))
    assert canonical(one) != canonical(other)


def test_the_bound_of_equivariance_on_sets_where_it_is_known() -> None:
    single = np.eye(64, dtype=bool).reshape(64, 8, 8)
    assert bound(single[:5]) == 5 / 64  # five of the 64 places of one dot
    assert bound(single) == 1  # the whole orbit
    assert bound(np.ones((1, 8, 8), dtype=bool)) == 1  # its own only translate
    stripes = np.zeros((1, 8, 8), dtype=bool)
    stripes[:, ::4] = True
    assert bound(stripes) == 1 / 4
    assert bound(np.concatenate([single[:5], stripes])) == 1 / 4


def test_an_equivariant_learner_cannot_copy_the_sets_of_the_table() -> None:
    for n in (16, 64):
        for seed in range(3):
            examples = training_set(n, seed)
            assert len(np.unique(examples.reshape(n, -1), axis=0)) == n
            assert bound(examples) < 0.6


@pytest.mark.slow
def test_a_perceptron_and_a_unet_learn_16_pictures_by_heart_and_a_circular_convolution_does_not() -> None:
    assert capacity("mlp", 16, 0).copies > 0.9 * N
    assert capacity("unet", 16, 0).copies > 0.9 * N
    # A law within the bound copies more than this in fewer than 1 of 10^6 samples of 512 (Hoeffding).
    slack = (np.log(1e6) / (2 * N)) ** 0.5
    assert capacity("conv circular", 16, 0).copies / N < bound(training_set(16, 0)) + slack
