"""The measures on the plane, against brute force and against what a half-learner must get."""

import numpy as np
import pytest

import analysis
from analysis import AnalysisError, Yardstick, measures

NOTHING = np.zeros((0, 2))


class Disk:
    """The unit disk."""

    weights = {0: 1.0}  # noqa: RUF012
    properties = {}  # noqa: RUF012

    def sizes(self):
        return {0: None}

    def contains(self, points):
        return np.hypot(points[:, 0], points[:, 1]) <= 1

    def strata(self, points):
        return np.where(self.contains(points), 0, -1)

    def sample(self, n, rng, distinct=False):
        angle, radius = 2 * np.pi * rng.random(n), np.sqrt(rng.random(n))
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


TARGET = Disk()
YARDSTICK = Yardstick.of(TARGET)


def test_there_are_64_cells_of_equal_mass():
    ((cells,),) = [stratum.cells for stratum in YARDSTICK.strata]
    assert cells.mass.tolist() == [1 / 64] * 64
    fresh = np.bincount(cells(TARGET.sample(64_000, np.random.default_rng(1))), minlength=64)
    assert fresh.min() > 500
    assert fresh.max() < 1500


def test_known_learners_of_a_disk():
    rng = np.random.default_rng(0)
    points = TARGET.sample(4000, rng)
    perfect = measures(points[:512], TARGET, NOTHING, YARDSTICK)
    assert perfect["generalization"] > 0.97
    assert perfect["novelty"] == perfect["crisp"] == 1
    half = measures(points[points[:, 0] > 0][:512], TARGET, NOTHING, YARDSTICK)
    assert half["generalization"] < 0.8
    collapsed = measures(np.tile(points[:1], (512, 1)), TARGET, NOTHING, YARDSTICK)
    assert collapsed["coverage"] == pytest.approx(1 / 64)
    outside = measures(points[:512] + 5, TARGET, NOTHING, YARDSTICK)
    assert outside["generalization"] == outside["coverage"] == 0


def test_copies_are_told_by_distances_alone():
    rng = np.random.default_rng(2)
    training_set = TARGET.sample(30, rng)
    samples = np.concatenate(
        [training_set[rng.integers(30, size=40)] + rng.normal(0, 0.02, (40, 2)), training_set]
    )
    samples = np.concatenate([samples, [[np.nan, 0], [np.inf, 0]]])
    expected = []
    for x in samples:
        d1, d2 = sorted(np.linalg.norm(x - t) for t in training_set)[:2]
        expected.append(bool(np.isfinite(d1) and (d1 == 0 or d1 / d2 < 1 / 3)))
    result = measures(samples, TARGET, training_set, YARDSTICK)
    assert result["copy_rate"] == result["near_copy_rate"] == pytest.approx(np.mean(expected))
    inside = np.hypot(samples[:, 0], samples[:, 1]) <= 1
    assert result["validity"] == pytest.approx(np.mean(inside))
    assert result["novelty"] == pytest.approx(np.mean(inside & ~np.array(expected)))
    alone = measures(samples[:-2], TARGET, training_set[:1], YARDSTICK)
    assert alone["copy_rate"] == pytest.approx(np.mean((samples[:-2] == training_set[0]).all(axis=1)))


def test_the_dataset_has_no_strata_there():
    dataset = analysis.measure(TARGET.sample(100, np.random.default_rng(3)), TARGET, NOTHING)
    assert dict(dataset.sizes) == {}
    assert dataset["generalization"].attrs["long_name"]


def test_shapes_that_are_no_points_are_refused():
    with pytest.raises(AnalysisError, match=r"\[n, 2\]"):
        measures(np.zeros((3, 3)), TARGET, NOTHING, YARDSTICK)
    with pytest.raises(AnalysisError, match="no sample"):
        measures(NOTHING, TARGET, NOTHING, YARDSTICK)
