"""What is said about a run follows from its figures, and claims no more than they carry."""

import math

import numpy as np
import pytest
import xarray as xr

from study.last_words import table
from study.progress import duration
from study.words import Found, best, best_baseline, comparison, found, front, headline, meaning


def teaching_set(n: int, *g: float, origin: str = "search", fresh: bool = True) -> Found:
    return Found(f"take({n}, dots(k=2), seed=0)", origin, n, 10.0 + n, g, fresh)


def test_the_smallest_set_within_the_margin_is_called_the_best() -> None:
    rows = [teaching_set(30, 0.80, 0.82), teaching_set(2, 0.79, 0.80), teaching_set(1, 0.60, 0.61)]
    winner = best(rows)
    assert winner is not None
    assert winner.n == 2


def test_a_verified_set_is_trusted_over_a_lucky_single_training() -> None:
    rows = [teaching_set(3, 0.99, fresh=False), teaching_set(8, 0.7, 0.7, 0.7)]
    winner = best(rows)
    assert winner is not None
    assert winner.n == 8


def test_failed_evaluations_never_win() -> None:
    assert best([teaching_set(3)]) is None
    assert headline([teaching_set(3)], "conv") == "Nothing was taught to conv yet"
    assert "nothing to say" in meaning([], "conv")
    assert teaching_set(3).interval == "failed"
    assert math.isnan(teaching_set(3).g)


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [
        ((0.9, 0.91, 0.92, 0.9, 0.91), (0.7, 0.72, 0.71, 0.7, 0.72), "the teaching set is better"),
        ((0.7, 0.72, 0.71, 0.7, 0.72), (0.9, 0.91, 0.92, 0.9, 0.91), "the baseline is better"),
        ((0.80, 0.81, 0.80, 0.81), (0.80, 0.81, 0.81, 0.80), "is not below"),
        ((0.5, 0.9, 0.6), (0.9, 0.5, 0.7), "cannot be told apart"),
    ],
)
def test_a_comparison_rests_on_paired_fresh_trainings(mine, theirs, words: str) -> None:
    assert words in comparison(teaching_set(2, *mine), teaching_set(64, *theirs, origin="iid"))


def test_what_the_search_chose_by_is_marked_in_every_row() -> None:
    rows = [
        teaching_set(1, 0.9, 0.92, 0.91, fresh=False),
        teaching_set(2, 0.95, fresh=False),
        teaching_set(3, 0.7, 0.72, 0.71),
        teaching_set(4),
        teaching_set(64, 0.5, origin="iid", fresh=False),
    ]
    assert [row.told.partition(" ")[2] for row in rows] == [
        f"{rows[0].interval.partition(' ')[2]} (not verified)",
        "(one training, not verified)",
        rows[2].interval.partition(" ")[2],
        "",
        "(one training, not verified)",
    ]
    head, *lines = table(rows)
    assert ["not verified" in one for one in lines] == [True, True, False, False, True]
    assert {one.index("take(") for one in lines} == {head.index("sentence")}


def test_single_trainings_and_chosen_figures_are_not_compared() -> None:
    plain = teaching_set(64, 0.5, 0.5, 0.5, origin="iid")
    assert "cannot tell" in comparison(teaching_set(2, 0.9, 0.9, 0.9, fresh=False), plain)
    assert "cannot tell" in comparison(teaching_set(2, 0.9), teaching_set(64, 0.5, origin="iid"))


def test_learned_is_said_from_nine_tenths_on() -> None:
    assert headline([teaching_set(1, 0.95, 0.96)], "conv").startswith(
        "A single example teaches conv the target:"
    )
    assert "in part" in headline([teaching_set(4, 0.85, 0.86)], "conv")
    assert "not learned" in meaning([teaching_set(4, 0.85, 0.86)], "conv")
    assert "not learned" not in meaning([teaching_set(4, 0.95, 0.96)], "conv")


def test_a_result_is_read_with_its_verified_figures() -> None:
    result = xr.Dataset(
        {
            "sentence": ("trial", ["a", "b", "c"]),
            "origin": ("trial", ["iid", "search", "search"]),
            "n": ("trial", [64, 2, 5]),
            "bits": ("trial", [20.0, 30.0, 40.0]),
            "generalization": (("trial", "seed"), [[0.8], [0.9], [np.nan]]),
            "on_front_n": ("trial", [0, 1, 0]),
        },
        attrs={"learner": "conv"},
    )
    verified = xr.Dataset(
        {"generalization": (("sentence", "learner", "seed"), [[[0.7, 0.72]], [[0.81, 0.83]]])},
        coords={"sentence": ["b", "a"], "learner": ["conv"]},
    )
    rows = found(result, verified)
    assert [row.fresh for row in rows] == [True, True, False]
    assert rows[1].trainings == (0.7, 0.72)
    assert [row.sentence for row in front(result, rows)] == ["b"]
    plain = best_baseline(rows)
    assert plain is not None
    assert plain.trainings == (0.81, 0.83)


@pytest.mark.parametrize(("seconds", "words"), [(3.2, "3 s"), (200, "3 min"), (3 * 3600, "3.0 h")])
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
