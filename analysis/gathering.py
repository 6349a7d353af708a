"""Out of runs, or a dictionary of samples: what each learner sampled, and how it was taught."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.sampled import Sampled

AVERAGED = ("seed", "draw")  # dimensions of equal standing; of all others one place is taken


@dataclass(frozen=True, eq=False)
class Learned:
    """Samples of one learner by seed, each float[N, ...]; what was taught, and where that is written."""

    learner: str
    seeds: tuple[NDArray[Any], ...]
    plane: bool
    taught: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""

    @property
    def samples(self) -> NDArray[Any]:
        """Those of all seeds, one after the other."""
        return np.concatenate(self.seeds)


def gathered(
    data: xr.DataTree | xr.Dataset | Mapping[str, Any], sentence: str | None = None
) -> dict[str, Learned]:
    """What each learner sampled, by its name; with the run's name before it where two would be called alike.

    data: a tree of runs (`open_runs`); a dataset with `samples`; or samples by the learner's name, arrays or
    DataArrays (`Sampled.of`). Of a `verified.nc` the samples of one `sentence`, by default its first; of a
    `result.nc`, which is only looked at where there is no other, those of its best proposed lesson; of
    several training states the last. AnalysisError where nobody sampled anything, or not all the same size.
    """
    found: list[Learned] = []
    if isinstance(data, xr.DataTree):
        for run, datasets in _by_run(data).items():
            several = [one for dataset in datasets for one in _of_dataset(dataset, sentence)]
            found += [replace(one, run=run) for one in several]
    elif isinstance(data, xr.Dataset):
        found = _of_dataset(data, sentence)
    else:
        found = [one for name, value in data.items() for one in _of_value(str(name), value, sentence)]
    if not found:
        raise AnalysisError("nobody sampled anything here: there is no variable `samples` with numbers in it")
    if len({(one.plane, one.seeds[0].shape[1:]) for one in found}) > 1:
        raise AnalysisError(
            "learners of pictures of one size, or all of points, can be compared, not of several"
        )
    called = Counter(one.learner for one in found)
    named: dict[str, Learned] = {}
    for one in found:
        name = long = one.learner if called[one.learner] == 1 else f"{one.run}: {one.learner}"
        place = 2
        while name in named:
            name, place = f"{long} ({place})", place + 1
        named[name] = one
    return named


def verifications(data: Any) -> list[tuple[str, xr.Dataset]]:
    """The datasets that say how teaching sets did with several learners, `verified.nc`, and their runs."""
    if isinstance(data, xr.DataTree):
        candidates = [(_run_of(node), node.to_dataset()) for node in data.subtree]
    else:
        candidates = [("", data)] if isinstance(data, xr.Dataset) else []
    return [
        (run, one)
        for run, one in candidates
        if "generalization" in one and {"sentence", "learner", "seed"} <= set(one["generalization"].dims)
    ]


def _by_run(tree: xr.DataTree) -> dict[str, list[xr.Dataset]]:
    """The datasets of each run that show what was learned: not the search where there is a verification."""
    runs: dict[str, dict[str, xr.Dataset]] = {}
    for node in tree.subtree:
        dataset = node.to_dataset()
        if "samples" in dataset:
            runs.setdefault(_run_of(node), {})[node.name or "result"] = dataset
    return {
        run: [one for name, one in files.items() if not (name == "result" and "verified" in files)]
        for run, files in runs.items()
    }


def _run_of(node: xr.DataTree) -> str:
    """The run that a file belongs to: `/<run>/<file>`."""
    parts = node.path.strip("/").split("/")
    return "/".join(parts[:-1]) or parts[0]


def _of_value(name: str, value: Any, sentence: str | None) -> list[Learned]:
    if isinstance(value, xr.Dataset | xr.DataTree):
        several = gathered(value, sentence)
        return [
            Learned(name if len(several) == 1 else f"{name}: {key}", one.seeds, one.plane, one.taught,
                    one.attributes)
            for key, one in several.items()
        ]  # fmt: skip
    return _of_array(name, value, "", {})


def _of_dataset(dataset: xr.Dataset, sentence: str | None) -> list[Learned]:
    samples = dataset["samples"]
    taught = str(dataset.attrs.get("sentence", ""))
    if "trial" in samples.dims:
        trial = _best(dataset)
        if trial is None:
            return []
        samples, taught = samples.isel(trial=trial), str(dataset["sentence"].values[trial])
    if "sentence" in samples.dims:
        names = dataset["sentence"].values.astype(str).tolist()
        if sentence is not None and sentence not in names:
            raise AnalysisError(f"{sentence!r} was not taught here; {names[0]!r} was, among {len(names)}")
        place = 0 if sentence is None else names.index(sentence)
        samples, taught = samples.isel(sentence=place), names[place]
    if "learner" not in samples.dims:
        return _of_array(str(dataset.attrs.get("learner", "learner")), samples, taught, dataset.attrs)
    learners = dataset["learner"].values.astype(str)
    return [
        one
        for i, name in enumerate(learners)
        for one in _of_array(str(name), samples.isel(learner=i), taught, dataset.attrs)
    ]


def _of_array(name: str, value: Any, taught: str, attributes: Mapping[str, Any]) -> list[Learned]:
    array = value if isinstance(value, xr.DataArray) else np.asarray(value)
    if isinstance(array, xr.DataArray):
        for dim in ("step", "checkpoint"):
            if dim in array.dims:
                array = array.isel({dim: -1})
        others = [str(d) for d in array.dims if d not in (*AVERAGED, "sample", "y", "x", "coordinate")]
        if others:
            raise AnalysisError(
                f"samples of {name!r} vary over {', '.join(others)}: choose one place of each"
            )
    elif array.ndim > 2 and (array.ndim == 4 or (array.ndim == 3 and array.shape[-1] == 2)):
        array = xr.DataArray(
            array, dims=("seed", "sample", *(("y", "x") if array.ndim == 4 else ("coordinate",)))
        )
    sampled = Sampled.of(array)
    seeds = []
    for _, values in sampled.cells():
        if values is not None:
            padding = (
                np.isnan(values).reshape(len(values), -1).all(axis=1) if values.dtype.kind == "f" else None
            )
            seeds.append(values if padding is None else values[~padding])
    return [Learned(name, tuple(seeds), sampled.plane, taught, attributes)] if seeds else []


def _best(result: xr.Dataset) -> int | None:
    """The proposed lesson of highest mean g; any lesson where none was proposed."""
    if "generalization" not in result:
        return None
    g = result["generalization"]
    means = g.mean([dim for dim in g.dims if dim != "trial"]).values
    proposed = (
        result["origin"].values.astype(str) == "search" if "origin" in result else np.ones(len(means), bool)
    )
    values = np.where(proposed, means, np.nan)
    values = means if np.isnan(values).all() else values
    return None if np.isnan(values).all() else int(np.nanargmax(values))
