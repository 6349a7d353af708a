"""Many learners at once, intervals over seeds, synthetic learners of known truth, sizes of unknown sets."""

import math

import numpy as np
import pytest
import xarray as xr

import analysis
import grammars
from analysis import AnalysisError, Yardstick, measures

GRAMMAR = grammars.load("dots")
TARGET = GRAMMAR.target.denote()
YARDSTICK = Yardstick.of(TARGET)
LESSON = TARGET.sample(256, np.random.default_rng(0), distinct=True)


def upper_half(rng, n):
    """Uniform over the part of the target whose mean row lies above its median."""
    drawn = TARGET.sample(4 * n, rng)
    row = TARGET.properties["mean row"](drawn)
    return drawn[row < np.median(TARGET.properties["mean row"](TARGET.sample(4000, rng)))][:n]


def noisy(rng, n):
    """The target, with one sample in ten replaced by a random picture, which is hardly ever a member."""
    samples = TARGET.sample(n, rng)
    places = rng.choice(n, n // 10, replace=False)
    samples[places] = rng.random((n // 10, 8, 8)) < 0.5
    return samples


LEARNERS = {
    "uniform": TARGET.sample,
    "memoriser": lambda n, rng: LESSON[rng.integers(len(LESSON), size=n)],
    "half": lambda n, rng: upper_half(rng, n),
    "noisy": lambda n, rng: noisy(rng, n),
    "collapsed": lambda n, rng: np.repeat(TARGET.sample(4, rng), n // 4, axis=0),
}


@pytest.fixture(scope="module")
def sampled():
    """float32 over learner, seed, sample, y, x: five synthetic learners with five seeds."""
    values = [
        [draw(512, np.random.default_rng([i, seed])) for seed in range(5)]
        for i, draw in enumerate(LEARNERS.values())
    ]
    return xr.DataArray(
        np.array(values, np.float32),
        dims=("learner", "seed", "sample", "y", "x"),
        coords={"learner": list(LEARNERS), "seed": range(5)},
    )


@pytest.fixture(scope="module")
def measured(sampled):
    return analysis.measure(sampled, TARGET, LESSON, YARDSTICK)


def test_all_cells_at_once_are_each_cell_alone(sampled, measured):
    assert measured.sizes == {"learner": 5, "seed": 5, "stratum": 4}
    for learner, seed in (("memoriser", 3), ("noisy", 0)):
        alone = measures(sampled.sel(learner=learner, seed=seed).values, TARGET, LESSON, YARDSTICK)
        one = measured.sel(learner=learner, seed=seed)
        for name, value in alone.items():
            np.testing.assert_array_equal(one[name].values, value)
    _, low, high = analysis.wilson(np.round(measured["validity"] * 512), 512)
    np.testing.assert_allclose(measured["validity_low"], low)
    np.testing.assert_allclose(measured["validity_high"], high)


def test_known_truths_of_synthetic_learners(measured):
    mean = measured.mean("seed")
    assert (mean["generalization"].sel(learner="uniform") > 0.97).all()
    assert float(mean["copy_rate"].sel(learner="memoriser")) == 1
    assert float(mean["novelty"].sel(learner="memoriser")) == 0
    assert float(mean["generalization"].sel(learner="memoriser")) < 0.3
    assert 0.6 < float(mean["generalization"].sel(learner="half")) < 0.8
    assert float(mean["validity"].sel(learner="half")) == 1
    noisy = mean.sel(learner="noisy")
    assert float(noisy["validity"]) == pytest.approx((512 - 51) / 512, abs=1e-12)
    v = float(noisy["validity"])
    assert float(noisy["generalization"]) == pytest.approx(2 * v / (v + 1), abs=0.03)
    assert float(mean["coverage"].sel(learner="collapsed")) < 0.05
    assert float(mean["validity"].sel(learner="collapsed")) == 1


def test_a_yardstick_is_made_for_the_samples_of_a_cell():
    unknown = grammars.load("polygons", space=grammars.Grid(8, 8)).target.denote()
    samples = unknown.sample(60, np.random.default_rng(0)).reshape(2, 3, 10, 8, 8)
    found = analysis.measure(samples, unknown, samples[0, 0], dims=("learner", "seed"))
    assert found.attrs["samples"] == 10
    assert found.attrs["yardstick_draws"] == 2048
    assert (found["validity"] == 1).all()


def test_plain_arrays_name_their_leading_dimensions(sampled, measured):
    again = analysis.measure(sampled.values, TARGET, LESSON, YARDSTICK, dims=("learner", "seed"))
    for name in measured.data_vars:
        np.testing.assert_array_equal(again[name].values, measured[name].values)
    with pytest.raises(AnalysisError, match="name every dimension"):
        analysis.measure(sampled.values, TARGET, LESSON, YARDSTICK, dims=("learner",))


def test_every_cell_has_its_own_lesson_and_absent_cells_are_nan(sampled):
    part = sampled.isel(learner=[0, 1], seed=[0, 1]).copy(deep=True)
    part[0, 1] = np.nan
    lessons = xr.DataArray(
        np.full((2, 256, 8, 8), np.nan, np.float32),
        dims=("learner", "example", "y", "x"),
        coords={"learner": part["learner"]},
    )
    lessons[0, :16], lessons[1] = LESSON[:16], LESSON
    found = analysis.measure(part, TARGET, lessons, YARDSTICK)
    assert np.isnan(found["validity"].values[0, 1])
    assert found["trained"].sum("stratum").values[:, 0].tolist() == [16, 256]
    assert found["copy_rate"].values[1].tolist() == [1, 1]
    with pytest.raises(AnalysisError, match="varies over draw"):
        analysis.measure(part, TARGET, lessons.rename(learner="draw"), YARDSTICK)
    with pytest.raises(AnalysisError, match="no sample in any cell"):
        analysis.measure(part * np.nan, TARGET, LESSON, YARDSTICK)


def test_points_of_the_plane_are_measured_over_seeds():
    plane = grammars.load("regions")
    target = plane.target.denote()
    rng = np.random.default_rng(0)
    points = np.stack([target.sample(300, rng) for _ in range(3)])
    found = analysis.measure(points, target, points[0, :20], Yardstick.of(target), dims=("seed",))
    assert found["validity"].values.tolist() == [1, 1, 1]
    assert found["coverage"].dims == ("seed",)


# Intervals over seeds -----------------------------------------------------------------------------------


def test_over_seeds_is_the_logit_interval_of_each_place(measured):
    over = analysis.over_seeds(measured)
    assert over.sizes == {"learner": 5, "stratum": 4}
    own = measured["generalization"].sel(learner="half").values
    expected = analysis.logit_interval(own, resolution=1 / 1024)
    found = [float(over[f"generalization{end}"].sel(learner="half")) for end in ("", "_low", "_high")]
    assert found == pytest.approx(list(expected))
    assert over["seeds"].values.tolist() == [5] * 5
    assert "validity_low_low" not in over
    counts = measured["count"].sel(learner="uniform", stratum=2).values
    assert float(over["count"].sel(learner="uniform", stratum=2)) == pytest.approx(counts.mean())
    assert all(v.attrs["units"] and v.attrs["long_name"] for v in over.data_vars.values())


def test_a_single_run_has_no_interval_and_is_marked(measured):
    over = analysis.over_seeds(measured.isel(seed=[0]))
    assert over["seeds"].values.tolist() == [1] * 5
    assert np.isnan(over["generalization_low"]).all()
    with pytest.raises(AnalysisError, match="no measure varies over it"):
        analysis.over_seeds(measured.isel(seed=0))


def test_the_interval_of_g_covers_the_mean_of_synthetic_learners():
    """A family of learners: each training keeps a random part of the target and adds random noise.

    The truth is the mean of g over 300 trainings; intervals are of five. Small sets keep this quick.
    """
    grammar = grammars.load("dots", space=grammars.Grid(5, 5))
    target = grammar.parse("dots(k=between(1, 3))", type="Set").denote()
    yardstick = Yardstick.of(target)
    members = target.members()
    rng = np.random.default_rng(3)
    g = np.array([_g_of_one(members, target, yardstick, rng) for _ in range(900)])
    truth = g[:300].mean()
    rest = g[300:].reshape(-1, 5)
    inside = [low <= truth <= high for _, low, high in (analysis.logit_interval(row) for row in rest)]
    assert 0.1 < truth < 0.9
    assert np.mean(inside) >= 0.90


def _g_of_one(members, target, yardstick, rng):
    kept = members[rng.random(len(members)) < rng.uniform(0.4, 0.9)]
    samples = kept[rng.integers(len(kept), size=128)]
    wrong = rng.random(128) < rng.uniform(0.0, 0.3)
    samples[wrong] = rng.random((wrong.sum(), 5, 5)) < 0.5
    return measures(samples, target, members[:0], yardstick)["generalization"]


# Agreement ----------------------------------------------------------------------------------------------


def test_agreement_is_brute_force():
    rng = np.random.default_rng(1)
    a = (rng.random((40, 3, 3)) < 0.3).astype(np.float32)
    b = a.copy()
    b[::3] = rng.random((14, 3, 3)) < 0.3
    b[1] += 0.4  # not crisp: equal to nothing
    a[2], b[2] = 0, 0
    found = analysis.agreement(a, b)

    def crisp(p):
        return all(min(abs(v), abs(v - 1)) <= 0.25 for v in p.ravel())

    def equal(p, q):
        return crisp(p) and crisp(q) and bool(((p > 0.5) == (q > 0.5)).all())

    def correlation(p, q):
        if np.ptp(p) == 0 or np.ptp(q) == 0:
            return float(np.ptp(p) == np.ptp(q) and (p.flat[0] > 0.5) == (q.flat[0] > 0.5))
        return float(np.corrcoef(p.ravel(), q.ravel())[0, 1])

    n = len(a)
    others = [(i, j) for i in range(n) for j in range(n) if i != j]
    assert float(found["equal"]) == np.mean([equal(a[i], b[i]) for i in range(n)])
    assert float(found["equal_by_chance"]) == pytest.approx(np.mean([equal(a[i], b[j]) for i, j in others]))
    assert float(found["correlation"]) == pytest.approx(np.mean([correlation(a[i], b[i]) for i in range(n)]))
    by_chance = np.mean([correlation(a[i], b[j]) for i, j in others])
    assert float(found["correlation_by_chance"]) == pytest.approx(by_chance)
    assert float(found["correlation_low"]) < float(found["correlation"]) < float(found["correlation_high"])


def test_agreement_of_points_and_what_cannot_agree():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(30, 2))
    found = analysis.agreement(a, a + 0.1)
    assert float(found["distance"]) == pytest.approx(0.1 * math.sqrt(2))
    apart = [np.hypot(*(a[i] - a[j] - 0.1)) for i in range(30) for j in range(30) if i != j]
    assert float(found["distance_by_chance"]) == pytest.approx(np.mean(apart))
    with pytest.raises(AnalysisError, match="as many samples of both"):
        analysis.agreement(a, a[:3])


# The size of an unknown set -----------------------------------------------------------------------------


def drawn_from(size, count, rng, weights=None):
    """Samples of a set of that size, pictures written in binary."""
    numbers = rng.choice(size, count, p=weights)
    return ((numbers[:, None] >> np.arange(16)) & 1).astype(bool).reshape(-1, 4, 4)


def test_sizes_of_a_uniform_set_are_covered():
    rng = np.random.default_rng(5)
    inside = {"birthday": [], "chao1": [], "unseen": []}
    for _ in range(200):
        pictures = drawn_from(3000, 512, rng)
        one = analysis.learned_size(pictures)
        for name in ("birthday", "chao1"):
            low, high = float(one[f"log2_{name}_low"]), float(one[f"log2_{name}_high"])
            inside[name].append(low <= math.log2(3000) <= high)
        truth = 1 - len(np.unique(pictures.reshape(-1, 16), axis=0)) / 3000
        inside["unseen"].append(float(one["unseen_low"]) <= truth <= float(one["unseen_high"]))
    assert 0.92 <= np.mean(inside["birthday"]) <= 0.995
    assert np.mean(inside["chao1"]) >= 0.90
    assert np.mean(inside["unseen"]) >= 0.90


def test_chao1_stays_a_lower_bound_where_members_are_not_equally_likely():
    rng = np.random.default_rng(6)
    weights = 1 / np.arange(1, 2001) ** 1.2
    weights /= weights.sum()
    found = [analysis.learned_size(drawn_from(2000, 512, rng, weights)) for _ in range(50)]
    assert np.mean([2 ** float(one["log2_chao1"]) for one in found]) < 2000
    assert np.mean([2 ** float(one["log2_birthday"]) for one in found]) < 1000
    assert all(float(one["log2_chao1"]) >= math.log2(float(one["distinct"])) for one in found)


def test_sizes_by_hand():
    pictures = drawn_from(16, 8, np.random.default_rng(0))
    pictures[:] = False
    pictures[1, 0, 0] = pictures[2, 0, 1] = pictures[3, 0, 1] = True  # 5 black, two equal, one alone
    one = analysis.learned_size(pictures)
    assert float(one["crisp_samples"]) == 8
    assert float(one["equal_pairs"]) == 10 + 1
    assert 2 ** float(one["log2_birthday"]) == pytest.approx(8 * 7 / 22)
    assert float(one["unseen"]) == 1 / 8
    assert 2 ** float(one["log2_chao1"]) == pytest.approx(3 + 7 / 8 * 1 / 2)
    grey = np.full((4, 3, 3), 0.5, np.float32)
    assert float(analysis.learned_size(grey)["crisp_samples"]) == 0
    assert np.isnan(float(analysis.learned_size(grey)["log2_birthday"]))
    different = drawn_from(2**16, 20, np.random.default_rng(1))
    assert math.isinf(float(analysis.learned_size(different)["log2_birthday"]))
    assert float(analysis.learned_size(different)["unseen"]) == 1
    with pytest.raises(AnalysisError, match="do not repeat"):
        analysis.learned_size(np.zeros((5, 2)))


def test_sizes_over_learners(sampled):
    sizes = analysis.learned_size(sampled)
    assert sizes["log2_birthday"].dims == ("learner", "seed")
    memoriser = sizes.sel(learner="memoriser").mean("seed")
    assert float(memoriser["log2_birthday"]) == pytest.approx(8, abs=0.4)
    assert float(sizes.sel(learner="collapsed")["distinct"].max()) == 4


# Files --------------------------------------------------------------------------------------------------


def test_everything_is_saved_read_by_plain_xarray_and_explains_itself(sampled, measured, tmp_path):
    """What each function of this room gives, in one file; every variable has its unit and its meaning."""
    part = sampled.isel(learner=[0, 1], seed=[0, 1])
    first, second = (GRAMMAR.parse(f"dots(k={k})", type="Set").denote() for k in (1, 3))
    steps = xr.DataArray([[0.1, 0.6], [0.0, 0.9]], dims=("d", "n"), coords={"d": [16, 64], "n": [4, 8]})
    tree = xr.DataTree.from_dict(
        {
            "measured": measured,
            "over_seeds": analysis.over_seeds(measured),
            "sizes": analysis.learned_size(part),
            "agreement": analysis.agreement(part[0, 0].values, part[0, 1].values),
            "properties": analysis.properties_of(part, ["area", "gap", "orientation"]),
            "superposition": analysis.superposition(part[:, :, :40], first, second),
            "compared": analysis.compare({"a": part[0].values, "b": part[1].values}, TARGET, shuffles=9),
            "n_star": analysis.n_star(steps),
            "laws": analysis.fit_laws([16, 25, 36, 49, 64], [2, 5, 9, 15, 28], [4, 7, 12, 21, np.inf]),
        }
    )
    path = analysis.save(tree, tmp_path / "everything.nc")
    with xr.open_datatree(path) as back:
        for node in tree.leaves:
            name = node.path.strip("/")
            found, expected = back[name].to_dataset().load(), node.to_dataset()
            xr.testing.assert_equal(found, expected)
            for label, variable in expected.variables.items():
                if label not in ("d", "n", "seed", "learner"):  # given from outside
                    assert found[label].attrs["long_name"] == variable.attrs["long_name"], (name, label)
                    assert found[label].attrs["units"] == variable.attrs["units"], (name, label)
    assert math.isinf(float(tree["n_star/n_star_high"].sel(d=16, threshold=0.9)))
