"""All cells of an experiment as one dataset, and as a product with NaN where nothing was found."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from study.cells import Cell, labels

PLACES = {
    "target": "row of targets that differ in size only",
    "d": "pixels of a picture",
    "lesson": "how the lesson was made",
    "n": "examples asked for, 0 where a sentence is the lesson",
    "draw": "which lesson of that size",
    "learner": "who was taught",
}
PER_CELL = ("taught", "diverged", "seconds", "parameters")


def gathered(found: Sequence[tuple[Cell, xr.Dataset]]) -> xr.Dataset:
    """One dataset over `cell`; states and trainings that a cell does not have are NaN.

    Samples and examples, whose pictures differ in size, are left to the cells' own files.
    """
    rows = [aligned(one.drop_vars(["samples", "examples"], errors="ignore")) for _, one in found]
    whole = xr.concat(
        rows,
        dim="cell",
        data_vars="all",
        join="outer",
        coords="minimal",
        compat="override",
        fill_value=fills(rows),
    )
    for name, meaning in PLACES.items():
        values = np.array([dict(cell.place)[name] for cell, _ in found])
        whole = whole.assign_coords(
            {name: ("cell", values, labels(meaning, "pixels" if name == "d" else "1"))}
        )
    for name, meaning in (
        ("target_sentence", "the target"),
        ("lesson_sentence", "what was taught; empty is n samples of the target"),
    ):
        texts = [cell.objective.target if name == "target_sentence" else cell.sentence for cell, _ in found]
        whole[name] = ("cell", np.array(texts, dtype=object), labels(meaning))
    return whole


def aligned(one: xr.Dataset) -> xr.Dataset:
    """Checkpoints counted from the end, so that those of all cells are the same share of the budget."""
    count = one.sizes["checkpoint"]
    halvings = np.arange(count)[::-1]
    return one.assign_coords(
        checkpoint=("checkpoint", halvings, labels("halvings of the budget: 0 is its end")),
        seed=("seed", np.arange(one.sizes["seed"]), labels("place of the training")),
        batch=("batch", ["choose", "report"], labels("samples to choose a state by, and to report it by")),
    )


def fills(rows: Sequence[xr.Dataset]) -> dict[str, Any]:
    kinds = {str(name): one.dtype.kind for row in rows for name, one in row.data_vars.items()}
    return {name: -1 if kind in "iu" else "" if kind in "OUS" else np.nan for name, kind in kinds.items()}


def product_of(cells: xr.Dataset, names: Sequence[str] = tuple(PLACES)) -> xr.Dataset:
    """The same over the factors instead of `cell`: NaN and empty text where there is no cell."""
    texts = [str(name) for name, one in cells.data_vars.items() if one.dtype.kind in "OUS"]
    numbers = cells.drop_vars(texts)
    for name in list(numbers.data_vars):
        if numbers[name].dtype.kind in "iu":
            numbers[name] = numbers[name].astype(float)
    orders = {name: first_seen(cells[name].values) for name in names}
    indexed = numbers.drop_vars([name for name in PLACES if name not in names])
    dense = indexed.set_index(cell=list(names)).unstack("cell")
    for name, order in orders.items():
        dense = dense.sel({name: order if cells[name].dtype.kind in "OUS" else sorted(order)})
        dense[name].attrs = dict(cells[name].attrs)
    return dense


def first_seen(values: Any) -> list[Any]:
    """Distinct values in the order in which they first occur."""
    return list(dict.fromkeys(values.tolist()))
