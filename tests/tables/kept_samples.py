"""The samples that a run keeps of each training (32), as one small file beside its results.

    PYTHONPATH=. python tests/tables/kept_samples.py NAME runs/NAME samples.nc LEARNER LEARNER

What is asked of the learned sets after the run (are these in another set, too?) is asked of them. On grids
alone, of one size; black and white.
"""

import sys
from pathlib import Path

import numpy as np
import xarray as xr

from study import experiment


def kept(name: str, run: Path, learners: list[str]) -> xr.Dataset:
    """Samples by target, learner, n, seed: bool as uint8."""
    cells = {}
    for cell in experiment.product(experiment.load(name, "full")):
        place = dict(cell.place)
        if place["learner"] in learners:
            with xr.open_dataset(run / "cells" / f"{cell.key}.nc") as data:
                cells[place["target"], place["learner"], place["n"]] = data["samples"].values > 0.5
    targets, sizes = (list(dict.fromkeys(key[i] for key in cells)) for i in (0, 2))
    values = np.array([[[cells[t, one, n] for n in sizes] for one in learners] for t in targets], np.uint8)
    dims = ("target", "learner", "n", "seed", "sample", "y", "x")
    labels = {"long_name": "samples kept of each training", "units": "1"}
    return xr.Dataset(
        {"samples": (dims, values, labels)},
        {"target": targets, "learner": learners, "n": sizes},
        {"title": f"Kept samples of {name}", "made_by": "tests/tables/kept_samples.py"},
    )


def main() -> None:
    name, run, file, *learners = sys.argv[1:]
    kept(name, Path(run), learners).to_netcdf(file, encoding={"samples": {"zlib": True, "complevel": 9}})


if __name__ == "__main__":
    main()
