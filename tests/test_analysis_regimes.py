"""Crossings, laws and regimes on data of known make: what is known is found, what is not is undecided."""

from collections import Counter

import numpy as np
import pytest
import xarray as xr
from scipy import integrate, stats

import analysis
from analysis import AnalysisError
from analysis.crossings import rising
from analysis.laws import LAWS, curve, log_likelihood

D = np.array([16, 25, 36, 49, 64, 81, 100, 128.0])
FINE = np.unique(np.ceil(2 ** (np.arange(0, 25) / 2)))  # n tried: 1, 2, 3, 4, 6, 8, 12, ...
TRUTHS = {
    "constant": lambda d: 20 + 0 * d,
    "logarithmic": lambda d: 6 * (1 + 8 * np.log(d / 16)),
    "power": lambda d: 4 * (d / 16) ** 2,
    "exponential": lambda d: 3 * np.exp(0.055 * (d - 16)),
}


def between(values, tried=FINE):
    """The ends that an experiment on a grid of n would have found."""
    high = np.array([tried[tried >= v][0] if (tried >= v).any() else np.inf for v in values])
    low = np.array([tried[tried < v][-1] if (tried < v).any() else 0.0 for v in values])
    return low, high


def fitted(truth, noise, rng, tried=FINE):
    values = TRUTHS[truth](D) * np.exp(rng.normal(0, noise, len(D)))
    return analysis.fit_laws(D, *between(values, tried))


# Crossings ----------------------------------------------------------------------------------------------


def test_the_rising_fit_is_the_best_one():
    rng = np.random.default_rng(0)
    values, weights = rng.random(5), rng.integers(1, 4, 5).astype(float)
    found = rising(values, weights)
    assert (np.diff(found) >= 0).all()
    grid = np.sort(rng.random((20000, 5)), axis=1)
    loss = (weights * (grid - values) ** 2).sum(axis=1).min()
    assert (weights * (found - values) ** 2).sum() <= loss


def test_n_star_is_the_first_crossing_of_the_rising_median():
    g = xr.DataArray(
        [[[0.1, 0.2, 0.3], [0.6, 0.7, 0.8], [0.5, 0.5, 0.6], [0.95, 0.9, 0.9]],
         [[0.1, 0.1, 0.1], [0.2, 0.2, 0.2], [0.3, 0.3, 0.3], [0.4, 0.4, np.nan]]],
        dims=("d", "n", "draw"),
        coords={"d": [16, 64], "n": ("n", [1, 2, 4, 8], {"units": "examples"})},
    )  # fmt: skip
    found = analysis.n_star(g, (0.5, 0.7, 0.9))
    # Medians 0.2, 0.7, 0.5, 0.9; the two that fall become 0.6 each.
    assert found["n_star"].sel(d=16).values.tolist() == [2, 8, 8]
    assert found["n_star_low"].sel(d=16).values.tolist() == [1, 4, 4]
    assert np.isnan(found["n_star"].sel(d=64)).all()
    assert found["n_star_censored"].sel(d=64).values.tolist() == [1, 1, 1]
    assert found["n_star_low"].sel(d=64).values.tolist() == [8, 8, 8]
    assert np.isinf(found["n_star_high"].sel(d=64)).all()
    middle = float(found["n_star_between"].sel(d=16, threshold=0.5))
    assert middle == pytest.approx(2 ** ((0.5 - 0.2) / (0.6 - 0.2)))
    assert found["n_star"].attrs["units"] == "examples"


def test_the_best_step_is_chosen_on_one_batch_and_reported_on_another():
    rng = np.random.default_rng(8)
    luck = xr.DataArray(
        rng.random((300, 2, 20)),
        dims=("n", "batch", "step"),
        coords={"n": np.arange(1, 301), "step": np.arange(20)},
    )
    reported = analysis.at_best(luck)
    assert float(luck.isel(batch=0).max("step").mean()) > 0.9
    assert float(reported.mean()) == pytest.approx(0.5, abs=0.05)
    assert reported.dims == ("n",)
    steps = reported["step"].values
    assert steps.tolist() == luck.isel(batch=0).argmax("step").values.tolist()
    assert reported.values.tolist() == [float(luck[i, 1, step]) for i, step in enumerate(steps)]
    seeds = xr.DataArray(
        [[[0.1, 0.2], [0.9, 0.3]], [[0.2, 0.1], [0.0, 0.8]], [[0.9, 0.1], [0.1, 0.7]]],
        dims=("seed", "batch", "step"),
    )
    # Medians of the first batch: 0.2 at step 0, 0.1 at step 1.
    assert analysis.at_best(seeds).values.tolist() == [0.9, 0.0, 0.1]
    with pytest.raises(AnalysisError, match="first of two"):
        analysis.at_best(luck.isel(batch=[0]))


def test_crossings_of_what_begins_above_and_of_nothing():
    one = xr.DataArray([0.9, 0.95], dims=("n",), coords={"n": [3, 5]})
    found = analysis.crossing(one, 0.5, along="n")
    assert [float(found[f"crossing{end}"][0]) for end in ("", "_low", "_high")] == [3, 0, 3]
    nothing = analysis.crossing(one * np.nan, 0.5, along="n")
    assert np.isnan(nothing["crossing_censored"]).all()
    for wrong, message in (
        (one.assign_coords(n=[5, 3]), "must rise"),
        (one.rename(n="m"), "needs the dimension"),
    ):
        with pytest.raises(AnalysisError, match=message):
            analysis.crossing(wrong, 0.5, along="n")


# Laws ---------------------------------------------------------------------------------------------------


def test_the_likelihood_of_ends_is_the_normal_integral():
    rng = np.random.default_rng(1)
    low, high = rng.normal(size=6) * 3, np.zeros(6)
    high[:] = low + rng.random(6)
    high[0], low[1] = np.inf, -np.inf
    high[2] = low[2]
    for noise in (0.1, 1.0):
        expected = 0.0
        for a, b in zip(low, high, strict=True):
            if a == b:
                expected += stats.norm.logpdf(a, scale=noise)
            else:
                a, b = max(a, -40 * noise), min(b, 40 * noise)
                inside = integrate.quad(lambda z, s=noise: stats.norm.pdf(z, scale=s), a, b, epsabs=0)[0]
                expected += np.log(inside) if inside > 1e-300 else stats.norm.logsf(abs(a) / noise)
        if noise == 1.0:
            assert log_likelihood(low, high, noise) == pytest.approx(expected, rel=1e-6)
    assert np.isfinite(log_likelihood(np.array([30.0]), np.array([31.0]), 0.1))


def test_exact_data_give_the_regression_of_the_logs_and_students_interval():
    rng = np.random.default_rng(2)
    y = 5 * (D / 16) ** 1.5 * np.exp(rng.normal(0, 0.3, len(D)))
    fit = analysis.fit_laws(D, y, laws=["power"]).sel(law="power")
    line = stats.linregress(np.log(D), np.log(y))
    assert float(fit["b"]) == pytest.approx(line.slope, abs=2e-3)
    half = stats.t.ppf(0.975, len(D) - 2) * line.stderr
    assert float(fit["b_high"]) - float(fit["b"]) == pytest.approx(half, rel=0.05)
    assert float(fit["b"]) - float(fit["b_low"]) == pytest.approx(half, rel=0.05)


@pytest.mark.parametrize("truth", list(TRUTHS))
def test_what_is_hardly_noisy_is_named(truth):
    fit = fitted(truth, 0.03, np.random.default_rng(3))
    assert fit.attrs["verdict"] == truth
    assert float(fit["margin"].sel(law=truth)) == pytest.approx(0, abs=0.3)
    middle = np.sqrt(np.prod(between(TRUTHS[truth](D)), axis=0))
    np.testing.assert_allclose(curve(fit, truth, D), middle, rtol=0.6)


def test_what_is_flat_and_noisy_or_tried_coarsely_is_undecided():
    rng = np.random.default_rng(4)
    coarse = 4.0 ** np.arange(0, 8)
    noisy = [fitted("constant", 1.0, rng).attrs["verdict"] for _ in range(2)]
    assert set(noisy) == {"undecided"}
    growing = analysis.fit_laws(D, *between(4 * D / 16, coarse))
    assert growing.attrs["verdict"] == "undecided"
    assert "power" in growing.attrs["plausible"]


def test_censored_data_count_as_what_they_say():
    values = TRUTHS["power"](D)
    low, high = between(values, FINE[FINE <= 96])
    assert np.isinf(high).sum() == 3
    fit = analysis.fit_laws(D, low, high)
    power = fit.sel(law="power")
    assert fit.attrs["censored"] == 3
    assert float(power["b_low"]) < 2 < float(power["b_high"])
    dropped = analysis.fit_laws(D[:5], low[:5], high[:5]).sel(law="power")
    width = float(power["b_high"] - power["b_low"])
    assert width <= float(dropped["b_high"] - dropped["b_low"]) + 0.05


def test_one_crossing_among_censored_ones_says_that_it_grows_and_no_more():
    """n* of an mlp on corners: 16 at the smallest grid, none up to 64 on the others."""
    low, high = np.array([8.0] + [64.0] * 5), np.array([16.0] + [np.inf] * 5)
    fit = analysis.fit_laws([16, 25, 36, 64, 100, 144], low, high)
    assert fit.attrs["verdict"] == "undecided"
    power = fit.sel(law="power")
    assert np.isinf([power["b_low"], power["b_high"]]).all()


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_laws_are_recovered_at_their_stated_rate(noise):
    """Of 25 experiments each: seldom a wrong law, and the right one where growth is steep."""
    rng = np.random.default_rng(5)
    rates = {}
    for truth in TRUTHS:
        said = Counter(fitted(truth, noise, rng).attrs["verdict"] for _ in range(25))
        rates[truth] = said[truth] / 25
        wrong = 1 - rates[truth] - said["undecided"] / 25
        assert wrong <= 0.12, (truth, said)
    assert rates["exponential"] >= 0.9
    assert rates["power"] >= (0.9 if noise < 0.2 else 0.5)


@pytest.mark.slow
def test_the_interval_of_an_exponent_covers():
    rng = np.random.default_rng(6)
    inside = []
    for _ in range(80):
        values = 4 * (D / 16) ** 1.2 * np.exp(rng.normal(0, 0.3, len(D)))
        fit = analysis.fit_laws(D, *between(values), laws=["power"]).sel(law="power")
        inside.append(float(fit["b_low"]) <= 1.2 <= float(fit["b_high"]))
    assert np.mean(inside) >= 0.90


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.fit_laws(D[:3], D[:3]), "needs 4 data"),
        (lambda: analysis.fit_laws(D, D, D - 1), "low <= high"),
        (lambda: analysis.fit_laws(D, D, D * np.inf), "every datum is censored"),
        (lambda: analysis.fit_laws(D, D, laws=["cubic"]), "no law 'cubic'"),
        (lambda: analysis.fit_laws(D, D[:4]), "as many"),
    ],
)
def test_what_has_no_law_is_said(call, message):
    with pytest.raises(AnalysisError, match=message):
        call()


def test_all_laws_have_a_formula():
    assert list(LAWS) == ["constant", "logarithmic", "power", "exponential"]


# Regimes ------------------------------------------------------------------------------------------------


def trained(seeds=3):
    """tau_gen = 100 for every n; tau_mem = 20 n: as Bonnaire et al. 2025 found. The grid ends at 6400."""
    rng = np.random.default_rng(7)
    n, steps = np.array([4, 8, 16, 32, 64, 128, 256, 512]), 25 * np.unique(np.round(2 ** (np.arange(17) / 2)))
    luck = np.exp(rng.normal(0, 0.05, (seeds, len(n), 1)))
    copies = 1 / (1 + (20 * n[:, None] * luck / steps) ** 3)
    right = 1 / (1 + (100 * luck / steps) ** 3)
    dims = ("seed", "n", "step")
    return xr.Dataset(
        {"copy_rate": (dims, copies), "g_support": (dims, right * (1 - copies)), "validity": (dims, right)},
        coords={"n": n, "step": steps},
    )


def test_memorisation_and_generalisation_begin_where_they_were_put():
    found = analysis.regimes(trained())
    n = found["n"].values
    known = found["tau_mem_censored"].values == 0
    assert known.tolist() == [True] * 7 + [False]
    truth = 20 * n[known]
    assert (found["tau_mem_low"].values[known] < truth * 1.1).all()
    assert (found["tau_mem_high"].values[known] > truth * 0.9).all()
    assert float(found["tau_mem_exponent_low"]) < 1 < float(found["tau_mem_exponent_high"])
    assert float(found["tau_mem_exponent"]) == pytest.approx(1, abs=0.1)
    assert str(found["tau_mem_law"].values) == "power"
    late = n >= 32
    assert (found["tau_gen"].values[late] <= 150).all()
    steps = found["step"].values
    expected = {(4, 6400): 2, (512, 400): 1, (512, steps[0]): 0, (64, 6400): 2}
    for (size, step), code in expected.items():
        assert int(found["regime"].sel(n=size, step=step, method="nearest")) == code
    doublings = analysis.window(found).values
    assert (np.diff(doublings[late & known]) > 0).all()
    assert set(found["regime"].attrs["flag_meanings"].split()) == {
        "not_tried", "neither", "generalises", "memorises", "both",
    }  # fmt: skip


def test_regimes_keep_other_dimensions_leave_out_step_0_and_save(tmp_path):
    both = xr.concat([trained(), trained()], dim="learner").assign_coords(learner=["conv", "mlp"])
    start = both.isel(step=[0]).assign_coords(step=[0])
    found = analysis.regimes(xr.concat([start, both], dim="step"))
    assert found["tau_mem"].dims == ("learner", "n")
    assert found["tau_mem_law"].values.tolist() == ["power", "power"]
    assert 0 not in found["step"]
    path = analysis.save(found, tmp_path / "regimes.nc")
    with xr.open_dataset(path) as back:
        for name in found.data_vars:
            np.testing.assert_array_equal(back[name].values, found[name].values)
            assert back[name].attrs["long_name"]


def test_few_sizes_have_no_law_and_untried_cells_no_regime():
    few = trained().isel(n=slice(0, 3)).copy(deep=True)
    few["copy_rate"][:, 0, 3] = np.nan
    found = analysis.regimes(few)
    assert str(found["tau_mem_law"].values) == ""
    assert np.isnan(float(found["tau_mem_exponent"]))
    assert int(found["regime"].isel(n=0, step=3)) == -1
    with pytest.raises(AnalysisError, match="regimes need n, novelty"):
        analysis.regimes(few.rename(n="m"), generalises=("novelty", 0.5))
