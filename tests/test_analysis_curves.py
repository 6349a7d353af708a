"""Figures of trainings, laws, regimes, pairs, learned sets and trajectories: they show what the data say."""

import io

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

import analysis
import grammars
from analysis import AnalysisError
from analysis.style import ORANGE

SIZES = [16, 25, 36, 49, 64, 100]
TRIED = 2 ** np.arange(0, 9)


def measured(seeds=3):
    """Two learners along a training over n: the first memorises, the second only generalises."""
    rng = np.random.default_rng(0)
    n, steps = np.array([4, 16, 64, 256]), np.array([0, 50, 200, 800, 3200])
    luck = np.exp(rng.normal(0, 0.1, (2, seeds, 4, 1)))
    with np.errstate(divide="ignore"):
        copies = 1 / (1 + (10 * n[:, None] * luck / steps) ** 3) * np.array([1, 0.2])[:, None, None, None]
        right = 1 / (1 + (100 * luck / steps) ** 3)
    dims = ("learner", "seed", "n", "step")
    return xr.Dataset(
        {
            "copy_rate": (dims, copies),
            "g_support": (dims, right * (1 - copies)),
            "generalization": (dims, right * (1 - copies)),
            "validity": (dims, right),
            "novelty": (dims, right * (1 - 0.9 * copies)),
        },
        coords={"learner": ["conv", "local"], "n": n, "step": steps},
    )


def needed():
    """n* that grows like d squared, with one size where nothing tried is enough; and one that is constant."""
    truths = np.array([[7 * (d / 16) ** 2 for d in SIZES], [20.0] * len(SIZES)])
    g = 1 / (1 + (truths[:, :, None] / TRIED) ** 2 / 9)
    return analysis.n_star(
        xr.DataArray(
            g,
            dims=("learner", "d", "n"),
            coords={"learner": ["conv", "mlp"], "d": SIZES, "n": TRIED},
            name="g",
        )
    )


def sampled():
    target = (
        grammars.load("dots", space=grammars.Grid(6, 6)).parse("dots(k=between(1, 3))", type="Set").denote()
    )
    rng = np.random.default_rng(1)
    return target, {name: target.sample(60, rng) for name in ("conv", "mlp", "local")}


def cells():
    rng = np.random.default_rng(2)
    pictures = (rng.random((12, 5, 5)) < 0.3).astype(np.float32)
    points = rng.normal(size=(100, 2))
    long = "union(" + ", ".join(f"dots(k={i})" for i in range(30)) + ")"
    return {
        ("dots", "conv"): analysis.LearnedSet(pictures, "dots(k=2)", "g = 0.9", np.arange(12) % 3 > 0),
        ("dots", "transformer"): analysis.LearnedSet(pictures, long, "g = 0.1"),
        ("regions", "conv"): analysis.LearnedSet(points, "ring(1.0, 2.0)", "", points[:, 0] > 0, window=3.0),
    }


def every_figure():
    target, samples = sampled()
    compared = analysis.compare(samples, target, properties=["area"], shuffles=19)
    dots = grammars.load("dots")
    first, second = (dots.parse(f"dots(k={k})", type="Set").denote() for k in (1, 3))
    rng = np.random.default_rng(3)
    both = np.stack([first.sample(40, rng), second.sample(40, rng)]).astype(np.float32)
    both[1, ::4] = 0.5
    mixed = analysis.superposition(both, first, second, dims=("learner",)).assign_coords(
        learner=["conv", "mlp"]
    )
    noise = np.geomspace(80, 0.01, 12)
    states = samples["conv"][:8] + noise[:, None, None, None] * rng.normal(size=(8, 6, 6))
    points = rng.normal(size=(200, 2)) * (1 + noise[:, None, None])
    at_64 = measured().sel(n=64)
    found = analysis.regimes(measured())
    return {
        "curves": analysis.learning_curves(at_64, title="Two learners"),
        "curve": analysis.learning_curves(at_64.isel(learner=0, seed=[0])),
        "scaling": analysis.scaling(needed(), title="Examples needed"),
        "scaling of one": analysis.scaling(needed().isel(learner=0), threshold=0.5),
        "targets": analysis.n_star_by_target(
            xr.concat([needed(), needed()], xr.Variable("target", ["easy", "hard"])),
            threshold=0.9,
        ),
        "phases": analysis.phase_diagram(found, title="Regimes"),
        "phases of one": analysis.phase_diagram(found.isel(learner=0)),
        "divergences": analysis.divergences(compared, title="Pairs"),
        "mixture": analysis.mixture(mixed, ("one dot", "three dots"), title="Union"),
        "sets": analysis.learned_sets(cells(), title="Learned"),
        "pictures": analysis.trajectories(states, noise, title="Backward"),
        "points": analysis.trajectories(points, noise, window=4.0, title="Backward"),
    }


NAMES = (
    "curves", "curve", "scaling", "scaling of one", "targets", "phases", "phases of one", "divergences",
    "mixture", "sets", "pictures", "points",
)  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    before = dict(mpl.rcParams)
    figures = every_figure()
    assert dict(mpl.rcParams) == before
    return figures


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_lies_inside_its_edges(name, drawn):
    assert set(drawn) == set(NAMES)
    data = analysis.png(drawn[name], dpi=80)
    image = mpl.image.imread(io.BytesIO(data))[..., :3]
    assert image.std() > 0.02
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert np.all(edge == 1)


def test_a_figure_is_written_as_pdf(drawn, tmp_path):
    path = analysis.write(drawn["phases"], tmp_path / "figure.pdf")
    assert path.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", NAMES)
def test_no_words_overlap(name, drawn):
    """Ticks, titles, legends and labels of a figure, as they are drawn."""
    figure = drawn[name]
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    if figure._suptitle is not None:
        texts.append(figure._suptitle)
    for axes in figure.axes:
        texts += [*axes.texts, axes._left_title]
        if axes.axison:
            for axis in (axes.xaxis, axes.yaxis):
                texts += [axis.label, *(tick.label1 for tick in axis._update_ticks())]
    boxes = [
        (text.get_text(), text.get_window_extent(renderer).shrunk(0.9, 0.8))
        for text in dict.fromkeys(texts)
        if text.get_visible() and text.get_text().strip() and text.get_rotation() == 0
    ]
    assert boxes
    pairs = [(a, b, one, other) for i, (a, one) in enumerate(boxes) for b, other in boxes[:i]]
    assert not [(a, b) for a, b, one, other in pairs if one.overlaps(other)]


def line(axes, label):
    return next(one for one in axes.get_lines() if one.get_label() == label)


def test_learning_curves_are_intervals_over_seeds(drawn):
    left, right = drawn["curves"].axes[:2]
    assert [axes.get_title(loc="left") for axes in (left, right)] == ["conv", "local"]
    steps, middle = line(left, "copy rate").get_data()
    assert steps.tolist() == [50, 200, 800, 3200]
    own = measured().sel(n=64, learner="conv", step=800)["copy_rate"].values
    value, low, high = analysis.logit_interval(own)
    assert middle[2] == pytest.approx(value)
    bands = [c.get_paths()[0].vertices for c in left.collections]
    assert any(np.isclose(band, [800, low]).all(axis=1).any() for band in bands)
    assert any(np.isclose(band, [800, high]).all(axis=1).any() for band in bands)


def test_scaling_shows_points_censored_ones_and_the_verdict(drawn):
    left, right = drawn["scaling"].axes[:2]
    crossings = needed().sel(threshold=0.9)
    found = crossings["n_star"].sel(learner="conv").values
    assert line(left, "n*").get_ydata().tolist() == found[np.isfinite(found)].tolist()
    x, y = line(left, "none up to here").get_data()
    assert x.tolist() == [d for d, n in zip(SIZES, found, strict=True) if np.isnan(n)]
    assert set(y.tolist()) == {256}
    verdict = analysis.fit_laws(
        SIZES, crossings["n_star_low"].sel(learner="mlp"), crossings["n_star_high"].sel(learner="mlp")
    ).attrs["verdict"]
    assert right.get_title(loc="left") == f"mlp: {verdict}"
    assert left.get_title(loc="left").startswith("conv: ")


def test_targets_beside_each_other_show_what_was_found_and_what_was_not(drawn):
    easy, hard = drawn["targets"].axes
    assert (easy.get_title(loc="left"), hard.get_title(loc="left")) == ("easy", "hard")
    found = needed().sel(threshold=0.9)["n_star"].sel(learner="conv").values
    np.testing.assert_array_equal(line(easy, "conv").get_ydata(), found)
    censored = next(one for one in easy.lines if one.get_marker() == "^")
    assert len(censored.get_xdata()) == np.isnan(found).sum() > 0


def test_the_phase_diagram_is_the_regimes(drawn):
    axes = drawn["phases"].axes[0]
    found = analysis.regimes(measured()).isel(learner=0)
    (mesh,) = [c for c in axes.collections if hasattr(c, "get_coordinates")]
    np.testing.assert_array_equal(
        np.asarray(mesh.get_array()).reshape(4, 4), found["regime"].transpose("step", "n").values + 1
    )
    np.testing.assert_array_equal(line(axes, "τ_mem").get_ydata(), found["tau_mem"].values)


def test_divergences_are_numbers_with_what_chance_gives(drawn):
    target, samples = sampled()
    compared = analysis.compare(samples, target, properties=["area"], shuffles=19)
    words = [text.get_text() for text in drawn["divergences"].axes[0].texts]
    value = float(compared["js_strata"].values[0, 1])
    assert words.count(f"{value:.2g}") >= 2
    assert words.count("–") == 3
    assert f"({float(compared['js_strata_by_chance'].values[0, 1]):.2g})" in words


def test_a_mixture_fills_the_whole(drawn):
    bars = drawn["mixture"].axes[0].patches
    widths = [bar.get_width() for bar in bars]
    assert sum(widths) == pytest.approx(2)
    assert sorted(widths, reverse=True)[0] == pytest.approx(1)
    assert any(width == pytest.approx(0.25) for width in widths)


def test_the_matrix_shows_samples_sentences_and_what_is_outside(drawn):
    figure = drawn["sets"]
    words = [text.get_text() for text in figure.texts]
    for expected in ("conv", "transformer", "dots", "regions", "dots(k=2)", "ring(1.0, 2.0)", "g = 0.9"):
        assert expected in words
    assert any(word.endswith("…") for word in words)
    first = figure.axes[0]
    assert len(first.images) == 8
    marked = [
        c for c in first.collections
        if isinstance(c, LineCollection) and np.allclose(c.get_color()[0][:3], to_rgb(ORANGE))
    ]  # fmt: skip
    assert sum(len(c.get_segments()) for c in marked) == 3  # of the first eight, places 0, 3 and 6


def test_trajectories_go_from_noise_to_sample(drawn):
    axes = drawn["pictures"].axes[0]
    assert len(axes.images) == 9 * 6
    names = [text.get_text() for text in axes.texts]
    assert (names[0], names[-1]) == ("σ = 80", "σ = 0.01")
    limits = [image.get_clim()[1] for image in axes.images]
    assert limits[0] > 50
    assert limits[-1] < 2
    assert len(drawn["points"].axes) == 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.learning_curves(measured()), "choose one place"),
        (lambda: analysis.learning_curves(measured().rename(step="time")), "need step"),
        (lambda: analysis.learning_curves({}), "no learner"),
        (lambda: analysis.scaling(needed().isel(d=0)), "n_star over d"),
        (lambda: analysis.n_star_by_target(needed()), "needs n_star over target, learner, d"),
        (lambda: analysis.phase_diagram(measured()), "as `analysis.regimes` gives it"),
        (lambda: analysis.divergences(xr.Dataset()), "no 'js_strata' of pairs"),
        (lambda: analysis.mixture(xr.Dataset()), "as `analysis.superposition` gives them"),
        (lambda: analysis.learned_sets({}), "no learned set"),
        (lambda: analysis.trajectories(np.zeros((3, 4, 5))), "got shape"),
        (lambda: analysis.trajectories(np.zeros((3, 4, 5, 5)), [1.0]), "3 states but 1 levels"),
    ],
)
def test_what_cannot_be_drawn_is_said(call, message):
    with pytest.raises(AnalysisError, match=message):
        call()
