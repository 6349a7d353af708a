"""The figures of the front page are those of the files beside it."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import analysis

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "study" / "results" / "first"
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = r"(\d\.\d\d) \[(\d\.\d\d), (\d\.\d\d)\]"


def interval(values: xr.DataArray) -> tuple[float, float, float]:
    """The t-interval of g over seeds, from the single trainings."""
    found = values.to_numpy()
    return tuple(analysis.logit_interval(found[np.isfinite(found)]))


@pytest.mark.parametrize(
    ("name", "learners"),
    [("dots", ["conv", "conv(padding=zeros)"]), ("polygons", ["conv"])],
)
def test_the_tables_are_recomputed_from_the_trainings(name: str, learners: list[str]) -> None:
    with xr.open_dataset(RESULTS / f"{name}-verified.nc") as verified:
        rows = 0
        for place, sentence in enumerate(verified["sentence"].values):
            n = int(verified["n"][place])
            lesson = f"| `{sentence}` | {n} |"
            iid = f"i.i.d. samples of the target | {n} |"
            single = "one sample of the target (it has four dots) | 1 |"
            baseline = str(verified["origin"].values[place]) == "iid"
            sought = (single if n == 1 else iid) if baseline else lesson
            bits = f"| {float(verified['bits'][place]):.0f} |"
            line = next((line for line in README.splitlines() if sought in line and bits in line), None)
            if line is None:
                continue
            rows += 1
            shown = [tuple(map(float, found)) for found in re.findall(NUMBER, line)]
            g = verified["generalization"].isel(sentence=place)
            expected = [interval(g.sel(learner=learner)) for learner in learners]
            np.testing.assert_allclose(shown, expected, atol=0.0051)
        assert rows == {"dots": 3, "polygons": 5}[name]


@pytest.mark.parametrize(
    ("name", "n", "against", "learner", "shown"),
    [
        ("dots", 2, 64, "conv", "+0.018 [+0.001, +0.035]"),
        ("dots", 2, 64, "conv(padding=zeros)", "−0.079 [−0.103, −0.054]"),
        ("polygons", 41, 64, "conv", "+0.138 [+0.109, +0.167]"),
        ("polygons", 41, 16, "conv", "+0.052 [+0.021, +0.083]"),
    ],
)
def test_the_differences_are_recomputed_from_the_trainings(
    name: str, n: int, against: int, learner: str, shown: str
) -> None:
    assert shown in " ".join(README.split())
    with xr.open_dataset(RESULTS / f"{name}-verified.nc") as verified:
        g = verified["generalization"].sel(learner=learner).to_numpy()
        size, iid = verified["n"].to_numpy(), verified["origin"].to_numpy() == "iid"
        found = g[np.flatnonzero((size == n) & ~iid)[0]]
        baseline = g[np.flatnonzero((size == against) & iid)[0]]
        both = np.isfinite(found) & np.isfinite(baseline)
        difference = analysis.paired_difference(found[both], baseline[both])
    numbers = [float(number) for number in re.findall(r"[+-]\d\.\d{3}", shown.replace("−", "-"))]
    np.testing.assert_allclose(tuple(difference), numbers, atol=0.00051)


def test_lessons_of_41_pictures_scored_as_is_said() -> None:
    assert "scored 0.53 to 0.61 in single trainings, lessons of 41 other shapes 0.15 to 0.53" in README
    with xr.open_dataset(RESULTS / "polygons-result.nc") as result:
        alike = (result["n"] == 41).to_numpy()
        g = result["generalization"].to_numpy()[alike, 0]
        sentences = result["sentence"].to_numpy()[alike]
    start = "take(41, convex(vertices=6, region=everywhere()),"
    hexagons = np.array([text.startswith(start) for text in sentences])
    assert hexagons.sum() == 6
    ends = [g[hexagons].min(), g[hexagons].max(), g[~hexagons].min(), g[~hexagons].max()]
    np.testing.assert_allclose(ends, [0.53, 0.61, 0.15, 0.53], atol=0.0051)


def test_what_one_picture_taught_is_recomputed_from_the_trainings() -> None:
    words = " ".join(README.split()).partition("two dots in 20 bits")[2]
    shown = [tuple(map(float, found)) for found in re.findall(NUMBER, words)]
    with xr.open_dataset(RESULTS / "dots-smaller-verified.nc") as verified:
        sentences = verified["sentence"].values.tolist()
        one = verified.isel(sentence=sentences.index("these(overlay(at(1, 0), at(5, 3)))"))
        assert int(one["n"]) == 1
        assert round(float(one["bits"])) == 20
        g = one["generalization"]
        expected = [interval(g.sel(learner=name)) for name in ("conv", "equivariant_local")]
        np.testing.assert_allclose(shown[:2], expected, atol=0.0051)
        assert interval(g.sel(learner="transformer"))[0] < 0.005
