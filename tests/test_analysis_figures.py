"""Figures: what is drawn is what the data say, everything lies inside, and nothing global is touched."""

import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

import analysis
from analysis import AnalysisError
from analysis.style import COLOURS, ORANGE

BASELINES = [1, 4, 16, 64, 256]


def result(trials=40, seeds=2):
    """A search of the layout of result.nc, baselines first, one failed and one empty lesson among it."""
    rng = np.random.default_rng(0)
    total = len(BASELINES) + trials
    g = rng.random((total, seeds)) * 0.8
    n = np.array(BASELINES + (2 ** rng.integers(0, 9, trials)).tolist())
    if trials:
        g[-1], n[-2], g[-2] = np.nan, 0, 0.0
    pictures = (rng.random((total, seeds, 20, 8, 8)) < 0.1).astype(np.float32)
    examples = pictures[:, 0].copy()
    for i, size in enumerate(n):
        examples[i, size:] = np.nan
    return xr.Dataset(
        {
            "n": ("trial", n),
            "bits": ("trial", rng.random(total) * 100),
            "origin": ("trial", ["iid"] * len(BASELINES) + ["search"] * trials),
            "generalization": (("trial", "seed"), g),
            "sentence": ("trial", [f"take({size}, dots(k=2), seed={i})" for i, size in enumerate(n)]),
            "samples": (("trial", "seed", "sample", "y", "x"), pictures),
            "examples": (("trial", "example", "y", "x"), examples),
            "count": (
                ("trial", "seed", "stratum"),
                rng.multinomial(512, [0.2, 0.3, 0.4, 0.1], (total, seeds))[..., :3],
            ),
        },
        coords={"stratum": [1, 2, 3], "stratum_label": ("stratum", ["1 dot", "2 dots", "3 dots"])},
        attrs={"learner": "conv", "samples": 512},
    )


def verified():
    rng = np.random.default_rng(1)
    return xr.Dataset(
        {
            "n": ("sentence", [2, 64]),
            "origin": ("sentence", ["search", "iid"]),
            "generalization": (("sentence", "learner", "seed"), 0.7 + rng.normal(0, 0.02, (2, 2, 5))),
        },
        coords={"learner": ["transformer", "conv"]},
    )


class NothingTouching:
    def contains(self, pictures):
        return pictures.sum(axis=(1, 2)) % 2 == 0


def every_figure():
    data = result()
    rows = [analysis.taught(data, i, target=NothingTouching()) for i in (0, 7)]
    learners = {"conv": data.isel(trial=3), "transformer": data.isel(trial=4)}
    captions = [f"{i} dots" for i in range(20)]
    return {
        "front": analysis.front(data, verified(), title="A title above the legend"),
        "progress": analysis.progress(data, title="A title above the legend"),
        "strata": analysis.strata(learners, title="Strata"),
        "teaching": analysis.teaching_sets(rows, title="Two lessons"),
        "sheet": analysis.sheet(data["samples"].values[0, 0], captions, title="A sheet"),
    }


@pytest.fixture(scope="module")
def twice():
    """Every figure, drawn twice."""
    return every_figure(), every_figure()


@pytest.mark.parametrize("name", ["front", "progress", "strata", "teaching", "sheet"])
def test_a_figure_is_a_function_of_its_data_and_lies_inside_its_edges(name, twice):
    first, second = (analysis.png(figures[name]) for figures in twice)
    assert first == second
    image = mpl.image.imread(io.BytesIO(first))[..., :3]
    assert image.std() > 0.02
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert np.all(edge == 1)
    figure = twice[0][name]
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert box.x0 > 0
    assert box.y0 > 0
    assert box.x1 < width
    assert box.y1 < height


def test_no_setting_of_matplotlib_is_left_changed():
    before = dict(mpl.rcParams)
    analysis.png(analysis.front(result(), verified()))
    analysis.png(analysis.sheet(np.eye(4)[None]))
    assert dict(mpl.rcParams) == before


def test_neither_pyplot_nor_xarray_is_loaded_for_plain_measures():
    code = (
        "import sys, analysis; assert not {'xarray', 'matplotlib', 'torch', 'pandas'} & set(sys.modules);"
        "import numpy as np; analysis.png(analysis.sheet(np.eye(4)[None]));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def line(axes, label):
    return next(one for one in axes.get_lines() if one.get_label() == label)


def test_the_front_is_what_nothing_smaller_beats():
    data = result()
    (axes,) = analysis.front(data).axes
    g = data["generalization"].mean("seed").values
    points = [
        (n, value)
        for n, value, origin in zip(data["n"].values, g, data["origin"].values, strict=True)
        if origin == "search" and n >= 1 and np.isfinite(value)
    ]
    best = {(n, v) for n, v in points if not any(m <= n and w >= v and (m, w) != (n, v) for m, w in points)}
    assert set(zip(*line(axes, "best up to n").get_data(), strict=True)) == best
    tried = next(c for c in axes.collections if c.get_label() == "tried")
    assert sorted(map(tuple, tried.get_offsets().tolist())) == sorted((float(n), float(v)) for n, v in points)
    baseline = line(axes, "samples of the target")
    assert baseline.get_xdata().tolist() == BASELINES
    np.testing.assert_allclose(baseline.get_ydata(), g[: len(BASELINES)])
    assert axes.get_xscale() == "log"
    assert axes.xaxis.get_transform().base == 2
    steps = next(one for one in axes.get_lines() if one.get_drawstyle() == "steps-post")
    assert np.all(np.diff(steps.get_ydata()) >= 0)


def test_the_front_shows_fresh_trainings_of_the_runs_own_learner():
    (axes,) = analysis.front(result(), verified()).axes
    shown = [c for c in axes.containers if c.get_label() in ("found, fresh seeds", "baseline, fresh seeds")]
    assert [c.get_label() for c in shown] == ["found, fresh seeds", "baseline, fresh seeds"]
    for place, container in enumerate(shown):
        own = verified()["generalization"].isel(sentence=place).sel(learner="conv").values
        value, low, high = analysis.logit_interval(own)
        assert container.lines[0].get_ydata()[0] == pytest.approx(value)
        (segment,) = container.lines[2][0].get_segments()
        assert segment[:, 1] == pytest.approx([low, high])


def test_progress_is_the_running_best_of_the_search_alone():
    data = result()
    (axes,) = analysis.progress(data).axes
    g = data["generalization"].mean("seed").values[len(BASELINES) :]
    best = line(axes, "best so far")
    assert best.get_xdata().tolist() == list(range(1, len(g) + 1))
    assert best.get_ydata().tolist() == [np.nanmax(g[: i + 1]) for i in range(len(g))]
    label = next(
        one.get_label() for one in axes.get_lines() if str(one.get_label()).startswith("best baseline")
    )
    own = data["generalization"].mean("seed").values[: len(BASELINES)]
    assert label == f"best baseline, {BASELINES[int(np.argmax(own))]} samples of the target"


def test_strata_are_shares_of_all_samples_and_the_rest_is_outside():
    data = result().isel(trial=3)
    (axes,) = analysis.strata(data).axes
    (bars,) = axes.containers
    expected = data["count"].mean("seed").values / 512
    assert [bar.get_height() for bar in bars] == pytest.approx([*expected, 1 - expected.sum()])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1 dot", "2 dots", "3 dots", "outside"]
    targets = next(c for c in axes.collections if c.get_label() == "target").get_segments()
    assert [segment[0, 1] for segment in targets] == pytest.approx([1 / 3] * 3 + [0])
    weighted = data.assign_coords(weight=("stratum", [0.5, 0.3, 0.2]))
    (axes,) = analysis.strata(weighted).axes
    targets = next(c for c in axes.collections if c.get_label() == "target").get_segments()
    assert [segment[0, 1] for segment in targets] == pytest.approx([0.5, 0.3, 0.2, 0])


def test_a_sheet_shows_its_pictures_and_marks_what_is_outside():
    rng = np.random.default_rng(2)
    pictures = rng.random((11, 4, 6))
    pictures[5] = np.nan
    valid = rng.random(10) < 0.5
    (axes,) = analysis.sheet(pictures, valid=valid, columns=4).axes
    shown = np.array([image.get_array() for image in axes.images])
    np.testing.assert_array_equal(shown, np.delete(pictures, 5, axis=0))
    frames = [c for c in axes.collections if isinstance(c, LineCollection)]
    marked = [c for c in frames if np.allclose(c.get_color()[0][:3], to_rgb(ORANGE))]
    assert sum(len(c.get_segments()) for c in frames) == 10
    assert sum(len(c.get_segments()) for c in marked) == np.count_nonzero(~valid)
    boxes = [image.get_extent() for image in axes.images]
    assert len({(box[0], box[3]) for box in boxes}) == 10
    assert len({box[3] for box in boxes}) == 3


def test_white_is_white_and_black_is_black():
    picture = np.zeros((1, 8, 8), bool)
    picture[0, :, 4:] = True
    image = mpl.image.imread(io.BytesIO(analysis.png(analysis.sheet(picture))))[..., :3]
    middle = image[image.shape[0] // 2]
    third, two_thirds = middle[len(middle) // 3], middle[2 * len(middle) // 3]
    assert np.all(third == 0)
    assert np.all(two_thirds == 1)


def test_a_row_of_teaching_shows_the_lesson_and_which_samples_are_outside():
    data = result()
    row = analysis.taught(data, 1, seed=1, target=NothingTouching())
    samples = data["samples"].values[1, 1]
    assert row.valid.tolist() == NothingTouching().contains(samples > 0.5).tolist()
    assert len(row.examples) == row.n == 4
    figure = analysis.teaching_sets([row])
    left, right = figure.axes
    assert len(left.images) == 4
    assert len(right.images) == 16
    words = [text.get_text() for text in figure.texts]
    outside = int(np.count_nonzero(~row.valid[:16]))
    assert words[0] == row.sentence
    assert words[1].startswith("taught: n = 4, ")
    assert words[2].endswith(f"({outside} of these 16 outside the target)")


def test_long_sentences_are_broken_not_cut():
    data = result()
    sentence = "take(4, union(" + ", ".join(f"dots(k={i})" for i in range(40)) + "), seed=0)"
    long = data.assign(sentence=("trial", [sentence] * data.sizes["trial"]))
    figure = analysis.teaching_sets([analysis.taught(long, 1)])
    lines = [
        text.get_text() for text in figure.texts if not text.get_text().startswith(("taught", "learned"))
    ]
    assert " ".join(lines) == sentence
    assert len(lines) > 3


@pytest.mark.parametrize("trials", [0, 1])
def test_a_search_that_has_hardly_begun_can_be_drawn(trials):
    data = result(40).isel(trial=slice(0, len(BASELINES) + trials))
    for figure in (analysis.front(data), analysis.progress(data), analysis.front(data.isel(trial=[]))):
        assert analysis.png(figure)


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_figures_are_written_in_one_step(tmp_path, ending):
    figure = analysis.sheet(np.eye(4)[None])
    path = analysis.write(figure, tmp_path / f"sheet.{ending}")
    first = path.read_bytes()
    assert analysis.write(analysis.sheet(np.eye(4)[None]), path).read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == [f"sheet.{ending}"]


def test_what_cannot_be_drawn_or_written_is_one_clear_line(tmp_path):
    figure = analysis.sheet(np.eye(4)[None])
    (tmp_path / "file").write_text("x")
    for wrong, message in [
        (lambda: analysis.write(figure, tmp_path / "a.gif"), r"\.png, \.pdf or \.svg"),
        (lambda: analysis.write(figure, tmp_path / "file" / "a.png"), "cannot write"),
        (lambda: analysis.sheet(np.eye(4)), r"\[n, h, w\]"),
        (lambda: analysis.sheet(np.zeros((2, 4, 4)), ["one"]), "2 pictures but 1 captions"),
        (lambda: analysis.sheet(np.zeros((2, 4, 4)), valid=[True]), "2 pictures but 1 verdicts"),
        (lambda: analysis.front(xr.Dataset({"n": ("trial", [1])})), "origin, generalization"),
        (lambda: analysis.strata({}), "nothing to draw"),
        (lambda: analysis.teaching_sets([]), "no teaching set"),
    ]:
        with pytest.raises(AnalysisError, match=message):
            wrong()


# Machado et al. 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("kind", list(BLINDNESS))
def test_colours_stay_apart_for_the_colour_blind(kind):
    from skimage.color import rgb2lab

    linear = np.array([to_rgb(colour) for colour in COLOURS]) ** 2.2
    seen = np.clip(linear @ np.array(BLINDNESS[kind]).T, 0, 1) ** (1 / 2.2)
    lab = rgb2lab(seen[None])[0]
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    assert apart[np.triu_indices(len(COLOURS), 1)].min() > 10  # CIE76; about 2 is just noticeable
