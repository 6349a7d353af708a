"""Comparison: divergences against scipy and by hand, chance at its rate, and what runs of all kinds give."""

import itertools

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import jensenshannon

import analysis
import grammars
from analysis import AnalysisError
from analysis.divergence import (
    by_chance,
    codes_of,
    holm,
    jaccard,
    jensen_shannon,
    kernel,
    mmd2,
    morisita,
    p_value,
)
from analysis.gathering import gathered

GRAMMAR = grammars.load("dots", space=grammars.Grid(6, 6))
TARGET = GRAMMAR.parse("dots(k=between(1, 3))", type="Set").denote()
FEW = ("area", "mean_row", "gap", "holes")


def draws(text, n, seed):
    one = GRAMMAR.parse(text, type="Set").denote()
    return one.sample(n, np.random.default_rng(seed)).astype(np.float32)


# Divergences --------------------------------------------------------------------------------------------


def test_jensen_shannon_is_scipys_squared():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.integers(6, size=50), rng.integers(8, size=70)
        p, q = np.bincount(a, minlength=8) / 50, np.bincount(b, minlength=8) / 70
        assert jensen_shannon(a, b) == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    assert jensen_shannon(np.zeros(3, int), np.ones(4, int)) == pytest.approx(1)
    with pytest.raises(AnalysisError, match="at least one sample"):
        jensen_shannon(np.zeros(0, int), np.ones(4, int))


def test_jaccard_and_morisita_by_hand():
    a, b = np.array([1, 1, 2, 3]), np.array([2, 3, 4])
    assert jaccard(a, b) == 2 / 4
    within = 2 / (4 * 3) + 0
    assert morisita(a, b) == pytest.approx(2 * 2 / (4 * 3) / within)
    assert np.isnan(morisita(np.array([1, 2]), np.array([3])))


def test_morisita_finds_the_share_in_common_whatever_the_sizes_of_the_samples():
    rng = np.random.default_rng(1)
    for n, m in ((400, 400), (100, 800)):
        found = [
            morisita(rng.integers(0, 500, n), rng.integers(200, 700, m)) for _ in range(200)
        ]  # 300 of 500 in common
        assert np.mean(found) == pytest.approx(0.6, abs=0.05)


def test_mmd_is_the_sum_over_pairs():
    rng = np.random.default_rng(2)
    x, y = rng.random((7, 2, 3)), rng.random((5, 2, 3)) + 0.3
    similar = kernel(np.concatenate([x, y]))
    flat = np.concatenate([x, y]).reshape(12, 6)
    squares = [((a - b) ** 2).sum() for a, b in itertools.combinations(flat, 2)]
    width = np.median(squares)

    def k(a, b):
        return np.exp(-((a - b) ** 2).sum() / width)

    expected = (
        sum(k(a, b) for a, b in itertools.permutations(x, 2)) / 42
        + sum(k(a, b) for a, b in itertools.permutations(y, 2)) / 20
        - 2 * sum(k(a, b) for a in x for b in y) / 35
    )
    assert mmd2(similar, np.arange(12) < 7) == pytest.approx(expected)


def test_p_values_of_one_law_are_uniform_and_of_two_small():
    rng = np.random.default_rng(3)
    small, far = [], []
    for _ in range(60):
        x = rng.normal(size=(40, 2))
        for values, shift in ((small, 0.0), (far, 1.5)):
            y = rng.normal(size=(40, 2)) + shift
            similar = kernel(np.concatenate([x, y]))
            first = np.arange(80) < 40
            chance = by_chance([lambda which, s=similar: mmd2(s, which)], (40, 40), rng, 99)[:, 0]
            values.append(p_value(mmd2(similar, first), chance))
    assert 0.01 < np.mean(np.array(small) <= 0.1) < 0.22
    assert 0.35 < np.mean(small) < 0.65
    assert max(far) <= 0.02


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, np.nan, 0.03])).tolist() == pytest.approx(
        [0.03, 0.06, np.nan, 0.06], nan_ok=True
    )
    assert holm(np.array([[0.5, 0.9]])).tolist() == [[1.0, 1.0]]


def test_numbers_become_categories():
    assert codes_of(np.array([2.0, 5.0, np.nan, 2.0])).tolist() == [1, 2, 0, 1]
    many = codes_of(np.arange(320.0))
    assert np.bincount(many)[1:].tolist() == [20] * 16


# Pairs of learners --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    samples = {
        "same": draws("dots(k=between(1, 3))", 300, 0),
        "also": draws("dots(k=between(1, 3))", 300, 1),
        "two": draws("dots(k=2)", 300, 2),
        "blurred": np.where(np.arange(300)[:, None, None] % 2, draws("dots(k=2)", 300, 3), 0.5),
    }
    return analysis.compare(samples, TARGET, properties=FEW, shuffles=99)


def test_learners_of_one_law_are_told_apart_by_nothing(table):
    pair = table.sel(learner="same", learner_other="also")
    for name in ("js_strata_p", "mmd2_p", "jaccard_p"):
        assert float(pair[name]) > 0.02
    assert (pair["stratum_p_holm"].fillna(1) > 0.05).all()
    assert (pair["property_p_holm"].fillna(1) > 0.05).all()
    assert float(pair["js_strata"]) < 3 * float(pair["js_strata_by_chance"]) + 0.005


def test_learners_of_two_laws_differ_where_they_do(table):
    pair = table.sel(learner="same", learner_other="two")
    assert float(pair["js_strata_p"]) == 0.01
    assert float(pair["js_strata"]) > 0.3
    labels = pair["stratum_label"].values.tolist()
    assert labels == ["not crisp", "outside", "1 dot", "2 dots", "3 dots"]
    differ = (pair["stratum_p_holm"] < 0.05).values.tolist()
    assert differ == [False, False, True, True, True]
    assert float(pair["stratum_difference"].sel(stratum=2)) == pytest.approx(
        float(pair["stratum_share"].sel(stratum=2)) - 1
    )
    assert float(pair["property_p_holm"].sel(property="area")) < 1e-6
    assert float(pair["property_p_holm"].sel(property="mean_row")) > 0.05
    assert np.isnan(float(pair["property_p"].sel(property="holes")))
    blurred = table.sel(learner="two", learner_other="blurred")
    assert float(blurred["stratum_difference"].sel(stratum=-2)) == pytest.approx(-0.5)
    assert float(blurred["stratum_p_holm"].sel(stratum=-2)) < 1e-6


def test_the_table_is_symmetric_where_it_should_be(table):
    for name in ("js_strata", "jaccard", "morisita", "mmd2", "js", "stratum_p_holm", "property_p_holm"):
        values = table[name].values
        np.testing.assert_array_equal(values, np.swapaxes(values, 0, 1))
    for name in ("stratum_difference", "property_difference"):
        values = table[name].values
        np.testing.assert_allclose(values, -np.swapaxes(values, 0, 1))
    assert np.isnan(np.diag(table["js_strata"].values)).all()  # a single seed cannot be halved
    for one in table.variables.values():
        assert one.attrs["long_name"]
        assert one.attrs["units"]


def test_seeds_of_one_learner_are_compared_with_each_other():
    samples = {
        "steady": np.stack([draws("dots(k=2)", 100, seed) for seed in range(4)]),
        "moody": np.stack([draws(f"dots(k={1 + seed % 2})", 100, seed) for seed in range(4)]),
    }
    table = analysis.compare(samples, TARGET, properties=["area"], shuffles=99)
    own = np.diag(table["js_strata_p"].values)
    assert own[0] > 0.02
    assert own[1] == 0.01
    assert table["seeds"].values.tolist() == [4, 4]
    assert table["samples"].values.tolist() == [400, 400]


def test_the_same_noise_is_found_out_and_then_kept_apart():
    rng = np.random.default_rng(5)
    first = np.stack([draws("dots(k=2)", 200, seed) for seed in range(2)])
    second = first.copy()
    second[:, ::4] = draws("dots(k=2)", 100, 9).reshape(2, 50, 6, 6)
    table = analysis.compare({"a": first, "b": second}, TARGET, properties=["area"], shuffles=99)
    pair = table.sel(learner="a", learner_other="b")
    assert float(pair["agreement_equal"]) == pytest.approx(0.75, abs=0.02)
    assert float(pair["agreement_equal_by_chance"]) < 0.02
    assert float(pair["jaccard_p"]) > 0.02  # as of independent samples of one law
    assert float(pair["jaccard"]) < 0.5
    shuffled = rng.permuted(second.reshape(2, 200, 36), axis=1).reshape(second.shape)
    assert "agreement_equal" not in analysis.compare({"a": first, "b": shuffled}, TARGET, properties=["area"])


def test_points_are_compared_too():
    rng = np.random.default_rng(6)
    table = analysis.compare(
        {"a": rng.normal(size=(200, 2)), "b": rng.normal(size=(200, 2)) + 1}, shuffles=99
    )
    assert table["property"].values.tolist() == ["x", "y", "radius", "angle"]
    assert float(table["mmd2_p"][0, 1]) == 0.01
    assert float(table["property_p_holm"].sel(property="x")[0, 1]) < 1e-3
    assert "jaccard" not in table


# Runs ---------------------------------------------------------------------------------------------------


def verified(learners=("conv", "mlp"), seeds=4):
    """The layout of verified.nc: a found sentence and a baseline; the mlp does not profit."""
    rng = np.random.default_rng(7)
    samples = np.stack([
        [[draws("dots(k=2)" if s == 0 else "dots(k=1)", 32, [s, i, seed]) for seed in range(seeds)]
         for i in range(len(learners))]
        for s in range(2)
    ])  # fmt: skip
    centre = np.array([[0.8, 0.5], [0.7, 0.6]])  # [sentence, learner]
    luck = rng.normal(0, 0.05, seeds)
    g = centre[:, :, None] + luck + rng.normal(0, 0.005, (2, len(learners), seeds))
    return xr.Dataset(
        {
            "samples": (("sentence", "learner", "seed", "sample", "y", "x"), samples),
            "generalization": (("sentence", "learner", "seed"), g),
        },
        coords={
            "sentence": ["take(2, dots(k=2), seed=0)", "take(4, dots(k=1), seed=0)"],
            "origin": ("sentence", ["search", "iid"]),
            "learner": list(learners),
        },
        attrs={"learner": "conv", "grammar": "dots", "space": "6x6", "target": "dots(k=between(1, 3))"},
    )


def result():
    g = np.array([[0.2, 0.3], [0.9, 0.8], [0.95, 0.99]])
    samples = np.stack([[draws(f"dots(k={t + 1})", 16, [t, s]) for s in range(2)] for t in range(3)])
    return xr.Dataset(
        {
            "samples": (("trial", "seed", "sample", "y", "x"), samples),
            "generalization": (("trial", "seed"), g),
            "origin": ("trial", ["search", "search", "iid"]),
            "sentence": ("trial", ["one", "two", "three"]),
        },
        attrs={"learner": "conv", "grammar": "dots", "space": "6x6", "target": "dots(k=between(1, 3))"},
    )


def learned():
    """The layout of learned.nc: states along the training, the last of which counts."""
    samples = np.stack([[draws(f"dots(k={1 + step})", 40, [s, step]) for step in range(3)] for s in range(2)])
    return xr.Dataset(
        {"samples": (("seed", "step", "sample", "y", "x"), samples)},
        coords={"step": [10, 20, 40]},
        attrs={"learner": "unet", "grammar": "dots", "space": "6x6", "target": "dots(k=between(1, 3))",
               "sentence": "take(3, dots(k=3), seed=0)"},
    )  # fmt: skip


@pytest.fixture
def runs(tmp_path):
    for name, file, data in (
        ("a", "result", result()), ("a", "verified", verified()), ("b", "learned", learned()),
        ("c", "result", result()),
    ):  # fmt: skip
        (tmp_path / name).mkdir(exist_ok=True)
        analysis.save(data, tmp_path / name / f"{file}.nc")
    tree = analysis.open_runs(*(tmp_path / name for name in "abc"))
    yield tree
    tree.close()


def test_runs_of_every_kind_are_compared(runs):
    table = analysis.compare(runs, properties=["area"], shuffles=49)
    assert table["learner"].values.tolist() == ["a: conv", "mlp", "unet", "c: conv"]
    assert table["taught"].values.tolist() == [
        "take(2, dots(k=2), seed=0)", "take(2, dots(k=2), seed=0)", "take(3, dots(k=3), seed=0)", "two",
    ]  # fmt: skip
    assert table["samples"].values.tolist() == [128, 128, 80, 32]
    share = table["stratum_share"].sel(learner="unet", learner_other="mlp")
    assert share.values.tolist() == [0, 0, 0, 0, 1]
    assert float(table["js_strata"].sel(learner="mlp", learner_other="unet")) == pytest.approx(1)


def test_transfer_is_the_gain_of_a_found_set_with_another_learner(runs):
    table = analysis.compare(runs, properties=["area"], shuffles=19)
    one = runs["a/verified"].to_dataset()["generalization"].values
    gain = table.sel(learner="a: conv")
    assert float(gain["transfer"].sel(learner_other="a: conv")) == pytest.approx(
        (one[0, 0] - one[1, 0]).mean()
    )
    assert float(gain["transfer_low"].sel(learner_other="a: conv")) > 0
    assert float(gain["transfer_high"].sel(learner_other="mlp")) < 0
    assert float(gain["transfer_g"].sel(learner_other="mlp")) == pytest.approx(one[0, 1].mean())
    assert np.isnan(table["transfer"].sel(learner="mlp")).all()


def test_what_is_taken_of_a_file():
    assert gathered(result())["conv"].taught == "two"
    assert gathered(learned())["unet"].samples.sum(axis=(1, 2)).tolist() == [3] * 80
    other = gathered(verified(), "take(4, dots(k=1), seed=0)")
    assert other["mlp"].samples.sum() == 32 * 4
    padded = verified()
    padded["samples"][:, 1, 2:] = np.nan
    assert [len(one.seeds) for one in gathered(padded).values()] == [4, 2]


def test_a_comparison_is_saved_and_reproducible(tmp_path):
    samples = {"a": draws("dots(k=2)", 60, 0), "b": draws("dots(k=1)", 60, 1)}
    one, again = (analysis.compare(samples, TARGET, shuffles=19, seed=3) for _ in range(2))
    xr.testing.assert_identical(one, again)
    path = analysis.save(one, tmp_path / "compared.nc")
    with xr.open_dataset(path) as back:
        xr.testing.assert_equal(back.load(), one)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.compare({}), "nobody sampled anything"),
        (lambda: analysis.compare({"a": np.zeros((4, 3, 3)), "b": np.zeros((4, 2, 3))}), "not of several"),
        (lambda: analysis.compare({"a": np.zeros((1, 3, 3))}), "two samples of each learner"),
        (lambda: gathered(verified(), "take(1)"), "was not taught here"),
        (
            lambda: gathered({"a": xr.DataArray(np.zeros((2, 3, 2, 2)), dims=("n", "sample", "y", "x"))}),
            "choose one place",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(call, message):
    with pytest.raises(AnalysisError, match=message):
        call()
