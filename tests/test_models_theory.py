"""Schedules of patches by noise level, and their calibration to a denoiser whose schedule is known."""

import numpy as np
import pytest

import models
from models.patch_schedule import PatchSchedule

GRID = (6, 5)


def pictures(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, *GRID)) < 0.3


def sides(machine: models.Learner, sigmas: list[float]) -> list[int]:
    return machine.schedule.at(np.array(sigmas)).tolist()  # type: ignore[attr-defined]


def test_a_schedule_is_what_its_text_says() -> None:
    machine = models.load("equivariant_local", schedule="3 5@0.3 7@1 1@9")
    assert sides(machine, [0.02, 0.29, 0.3, 0.99, 1.0, 8.9, 9.0, 500.0]) == [3, 3, 5, 5, 7, 7, 1, 1]
    assert str(machine.schedule) == "3 5@0.3 7@1 1@9"  # type: ignore[attr-defined]
    assert machine.properties["receptive_field"] == 7


def test_between_two_sides_the_patch_is_the_odd_number_nearest_to_a_line_in_ln_sigma() -> None:
    machine = models.load("boundary_broken", patch=9, patch_min=3, sigma_min=0.1, sigma_max=10.0)
    for sigma in np.geomspace(0.1, 10, 50):
        exact = 3 + 6 * np.log(sigma / 0.1) / np.log(100)
        side = sides(machine, [sigma])[0]
        assert abs(side - exact) <= 1 + 1e-9
        assert side % 2 == 1
    assert sides(machine, [0.1, 1e-3, 10.0, 1e3]) == [3, 3, 9, 9]
    assert sides(models.load("local", patch=7, patch_min=7), [0.02, 20.0]) == [7, 7]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"patch": 4}, "`patch` must be odd, but got patch=4"),
        ({"schedule": "3 4@1"}, "`patch` must be odd, but got patch=4"),
        ({"schedule": "3 5@1 7@0.5"}, "levels of a schedule must rise from above 0, but got [1.0, 0.5]"),
        ({"schedule": "3 5"}, "a schedule reads like '3 5@0.3 7@1', but got '3 5'"),
        ({"schedule": ""}, "a schedule reads like '3 5@0.3 7@1', but got ''"),
        ({"schedule": "3 5@nan"}, "levels of a schedule must rise from above 0, but got [nan]"),
        ({"patch": 3, "patch_min": 5}, "`patch_min <= patch` must hold, but got (patch_min=5, patch=3)"),
        ({"patch_min": 3, "schedule": "3"}, "`patch_min` must not be given beside it, but got patch_min=3"),
    ],
)
def test_what_is_no_schedule_is_refused(settings: dict, line: str) -> None:
    with pytest.raises(models.ModelError) as error:
        models.load("equivariant_local", **settings)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["local", "equivariant_local", "boundary_broken"])
def test_a_scheduled_machine_is_at_each_level_the_machine_of_that_side(name: str) -> None:
    examples = pictures(5)
    scheduled = models.load(name, schedule="1 3@0.2 5@1").fit([examples], [0])[0]
    x = np.random.default_rng(1).standard_normal((4, *GRID))
    levels = np.array([1.5, 0.1, 0.4, 0.2])
    together = scheduled.denoise(x, levels)
    for i, (level, side) in enumerate(zip(levels, [5, 1, 3, 3], strict=True)):
        fixed = models.load(name, patch=side).fit([examples], [0])[0].denoise(x[i : i + 1], level)
        np.testing.assert_allclose(together[i : i + 1], fixed, atol=1e-5)
        np.testing.assert_allclose(scheduled.denoise(x[i : i + 1], level), fixed, atol=1e-5)


@pytest.mark.parametrize("name", ["local", "equivariant_local", "boundary_broken"])
def test_calibration_finds_the_schedule_of_a_machine(name: str) -> None:
    examples = pictures(8)
    known = models.load(name, schedule="1 3@0.15 5@0.6", sigma_min=0.05, sigma_max=4.0)
    machine = models.calibrated(known.fit([examples], [0])[0], examples, name, levels=12, n=16)
    assert (machine.settings.sigma_min, machine.settings.sigma_max) == (0.05, 4.0)
    levels = [0.08, 0.12, 0.2, 0.4, 0.8, 1.5]
    assert sides(machine, levels) == sides(known, levels)
    samples = [one.fit([examples], [0])[0].sample(20, 5) for one in (machine, known)]
    assert np.mean(np.abs(samples[0] - samples[1]) < 0.1) > 0.9


def test_calibration_keeps_to_the_sides_it_is_given() -> None:
    examples = pictures(8)
    network = models.load("equivariant_local", patch=5).fit([examples], [0])[0]
    machine = models.calibrated(network, examples, patches=[1, 3], levels=6, n=8)
    assert set(machine.schedule.sides) <= {1, 3}  # type: ignore[attr-defined]


def test_a_machine_without_patches_cannot_be_calibrated() -> None:
    examples = pictures(3)
    with pytest.raises(models.ModelError, match="ideal has no patches to calibrate"):
        models.calibrated(models.load("ideal").fit([examples], [0])[0], examples, "ideal")


def test_a_schedule_through_points_changes_between_them() -> None:
    found = PatchSchedule.through([3, 3, 5, 3], [0.01, 0.1, 1.0, 100.0])
    assert str(found) == "3 5@0.3162 3@10"


def pooled(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_the_matching_machine_predicts_a_circular_convolution_from_the_same_noise() -> None:
    """Taught one picture, which is all that the ideal machine predicts."""
    examples = np.zeros((1, 8, 8), dtype=bool)
    examples[0, 2, 1] = examples[0, 4, 5] = True
    learner = models.load("conv", width=24, steps=300)
    name, settings = learner.matching_machine((8, 8))  # type: ignore[misc]
    network, machine, ideal = (
        one.fit([examples], [0])[0].sample(64, 1, sampler="heun", steps=20)
        for one in (learner, models.load(name, **settings), models.load("ideal"))
    )
    assert pooled(network, machine) > 0.75
    assert abs(pooled(network, ideal)) < 0.2
    assert abs(pooled(network, np.roll(machine, 1, 0))) < 0.2  # another's noise predicts nothing
