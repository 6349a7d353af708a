"""The front against its definition, pair by pair, and the choice of what is taught again."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from search.choice import choose
from search.front import non_dominated

number = st.sampled_from([0.0, 0.25, 0.5, 1.0, 7.0, math.nan])


@given(st.lists(st.tuples(number, number, number), max_size=12))
def test_no_row_on_the_front_is_beaten_and_every_other_is(rows: list[tuple[float, ...]]) -> None:
    def beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        better = [x > y if sign > 0 else x < y for x, y, sign in zip(a, b, (1, -1, -1), strict=True)]
        return any(better) and all(x == y or good for x, y, good in zip(a, b, better, strict=True))

    usable = [row for row in rows if not any(map(math.isnan, row))]
    expected = [row in usable and not any(beats(other, row) for other in usable) for row in rows]
    assert non_dominated(np.array(rows).reshape(-1, 3), (1, -1, -1)).tolist() == expected


def test_signs_say_what_is_better() -> None:
    values = np.array([[0.9, 64.0], [0.8, 1.0], [0.8, 2.0], [0.7, 1.0]])
    assert non_dominated(values, (1, -1)).tolist() == [True, True, False, False]
    assert non_dominated(values, (-1, 1)).tolist() == [True, False, True, True]


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows: int) -> None:
    assert non_dominated(np.ones((rows, 2)), (1, -1)).tolist() == [True] * rows


def searched(rows: list[tuple[str, float, int, float]]) -> xr.Dataset:
    origin, g, n, bits = (list(column) for column in zip(*rows, strict=True))
    values = np.array([[a, b, c] if o == "search" else [np.nan] * 3 for o, a, b, c in rows])
    return xr.Dataset(
        {
            "sentence": ("trial", [f"s{place}" for place in range(len(rows))]),
            "origin": ("trial", origin),
            "generalization": (("trial", "seed"), np.array(g)[:, None]),
            "n": ("trial", n),
            "bits": ("trial", bits),
            "on_front": ("trial", non_dominated(values, (1, -1, -1))),
        },
        coords={"trial": range(len(rows))},
    )


def test_the_choice_is_best_smallest_few_and_the_baselines_beside_them() -> None:
    result = searched(
        [
            ("iid", 0.10, 1, 20.0),
            ("iid", 0.30, 16, 24.0),
            ("iid", 0.70, 128, 28.0),
            ("search", 0.90, 100, 60.0),  # best
            ("search", 0.86, 20, 40.0),  # smallest within 0.05
            ("search", 0.87, 40, 50.0),
            ("search", 0.50, 3, 30.0),  # the best of few
            ("search", 0.40, 2, 29.0),
            ("search", 0.20, 500, 90.0),  # on no front
        ]
    )
    chosen = choose(result)
    assert [(one.role, one.trial) for one in chosen] == [
        ("best", 3), ("smallest", 4), ("few", 6), ("iid", 2), ("iid", 1),
    ]  # fmt: skip
    assert [(one.role, one.trial) for one in choose(result, sentences=9, baselines=0)] == [
        ("best", 3), ("smallest", 4), ("few", 6), ("front", 5), ("front", 7),
    ]  # fmt: skip


def test_a_row_fills_one_role_and_the_next_takes_the_other() -> None:
    result = searched([("search", 0.9, 2, 30.0), ("search", 0.88, 3, 20.0), ("search", 0.1, 1, 9.0)])
    assert [(one.role, one.trial) for one in choose(result)] == [("best", 0), ("shortest", 1), ("front", 2)]


def test_nothing_is_chosen_where_nothing_succeeded() -> None:
    assert choose(searched([("iid", 0.5, 1, 9.0), ("search", math.nan, 1, 9.0)])) == []
    assert choose(xr.Dataset()) == []
