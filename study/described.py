"""What a run's files hold of learned sets, and their descriptions in words and as one dataset."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from study.errors import StudyError
from study.shown import clipped

FILES = ("verified.nc", "learned.nc", "result.nc")
"""Where samples are in a folder; a result's best is described only where nothing was verified."""


@dataclass(frozen=True)
class Learned:
    """Samples of one learner: who it is, what it was taught ("" where not known), the language of its run."""

    learner: str
    taught: str
    n: int
    grammar: str
    samples: NDArray[Any]


def learned_in(path: Path) -> list[Learned]:
    """Everything that was learned in a run, or what a file holds; a `StudyError` where there is nothing."""
    if path.is_dir():
        there = [path / name for name in FILES if (path / name).is_file()]
        if not there:
            raise StudyError(
                f"{path} holds no {', '.join(FILES[:-1])} or {FILES[-1]}: nothing has finished there"
            )
        if len(there) > 1 and there[-1].name == FILES[-1]:
            del there[-1]
        return [one for file in there for one in learned_in(file)]
    if not path.is_file():
        raise StudyError(f"there is no run and no file at {path}")
    return in_array(path) if path.suffix == ".npy" else in_dataset(path)


def in_array(path: Path) -> list[Learned]:
    """The samples of a .npy file."""
    try:
        samples = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} is no file of an array: {error}") from None
    return [Learned(path.stem, "", 0, "", checked(path, samples))]


def in_dataset(path: Path) -> list[Learned]:
    """The samples of a .nc file: those of each lesson and learner, all seeds together."""
    try:
        with xr.open_dataset(path) as data:
            found = data.load()
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read as netCDF: {error}") from None
    if "samples" not in found:
        raise StudyError(
            f"{path} holds no `samples`; it holds {', '.join(map(str, found.data_vars)) or 'nothing'}"
        )
    return [one for one in parts(path, found) if len(one.samples)]


def parts(path: Path, data: xr.Dataset) -> Iterator[Learned]:
    """One for each lesson and learner of a verification, for the best trial of a search, for a training."""
    grammar = str(data.attrs.get("grammar", ""))
    learner = str(data.attrs.get("learner", path.stem))
    if "trial" in data.samples.dims:
        g = data["generalization"].mean([d for d in data["generalization"].dims if d != "trial"])
        if not len(g) or np.isnan(g).all():
            return
        best = data.isel(trial=int(np.nanargmax(g.values)))
        yield Learned(learner, str(best["sentence"].item()), int(best["n"]), grammar, rows(path, best))
        return
    if {"sentence", "learner"} <= set(data.samples.dims):
        for i, sentence in enumerate(data["sentence"].values):
            for j, name in enumerate(data["learner"].values):
                one = data.isel(sentence=i, learner=j)
                yield Learned(str(name), str(sentence), int(one["n"]), grammar, rows(path, one))
        return
    if "step" in data.samples.dims:
        data = data.isel(step=-1)
    taught = str(data.attrs.get("sentence", data.attrs.get("taught", "")))
    yield Learned(learner, taught, int(data.sizes.get("example", 0)), grammar, rows(path, data))


def rows(path: Path, data: xr.Dataset) -> NDArray[Any]:
    """All samples in one row, those of trainings that gave none (NaN) left out."""
    samples = data["samples"]
    of_one = 1  # dimensions of a sample: a point of the plane has one
    if {"y", "x"} <= set(samples.dims):
        samples, of_one = samples.transpose(..., "y", "x"), 2
    values = checked(path, samples.values.reshape(-1, *samples.shape[-of_one:]))
    return values[~np.isnan(values.astype(np.float32)).reshape(len(values), -1).any(axis=1)]


def checked(path: Path, samples: NDArray[Any]) -> NDArray[Any]:
    points = samples.ndim == 2 and samples.shape[1] == 2
    if not (points or samples.ndim == 3) or samples.dtype.kind not in "biuf":
        raise StudyError(
            f"{path} holds {samples.dtype}{list(samples.shape)}; samples are numbers [N, height, width], "
            "or [N, 2] on the plane"
        )
    return samples


# Descriptions that were written.


@dataclass(frozen=True)
class Description:
    """The shortest sentence for what one learner learned of one lesson, as described.nc holds it.

    `sentence` is "" where none is shorter than listing; bits are those of the best sentence all the same.
    """

    learner: str
    taught: str
    n: int
    sentence: str
    share: float
    sentence_bits: float
    data_bits: float
    listing_bits: float
    margin: float
    samples: int
    estimated: bool

    @property
    def said(self) -> str:
        """The learned set in a few words."""
        if not self.sentence:
            return "nothing better than listing"
        return f"{self.sentence} at {100 * self.share:.0f} %"


def descriptions(path: Path) -> list[Description]:
    """Those of a described.nc; a `StudyError` where the file is not one."""
    try:
        with xr.open_dataset(path) as data:
            found = data.load()
        best = found.isel(rank=0) if found.sizes["rank"] else None
        return [description(found, best, place) for place in range(found.sizes["learned"])]
    except (OSError, ValueError, KeyError) as error:
        raise StudyError(f"{path} holds no descriptions: {error}; study.describe writes it again") from None


def description(found: xr.Dataset, best: xr.Dataset | None, place: int) -> Description:
    """One of them; NaN where nothing was found at all."""

    def number(name: str) -> float:
        return math.nan if best is None else float(best[name].values[place])

    text = "" if best is None else str(best["sentence"].values[place])
    shorter = number("total_bits") < float(found["listing_bits"][place])
    return Description(
        learner=str(found["learner"].values[place]),
        taught=str(found["taught"].values[place]),
        n=int(found["n"][place]),
        sentence=text if shorter else "",
        share=number("validity"),
        sentence_bits=number("sentence_bits"),
        data_bits=number("data_bits"),
        listing_bits=float(found["listing_bits"][place]),
        margin=number("margin"),
        samples=int(found["samples"][place]),
        estimated=number("estimated") == 1,
    )


# Words.


def words(one: Learned, found: xr.Dataset, shown: int) -> list[str]:
    """What was learned in one line; below it its cost, its margin and the alternatives."""
    who = one.learner + (f", taught {clipped(one.taught, 80)}" if one.taught else "")
    who += f" (n = {one.n})" if one.n else ""
    size, listing = found.attrs["samples"], found.attrs["listing_bits"]
    if not found.sizes["rank"] or float(found["total_bits"][0]) >= listing:
        lines = [f"{who}: {found.attrs['verdict']} ({size} samples, {listing:.0f} bits)"]
        return [*lines, *(alternative(found, i, "tried") for i in range(min(shown, found.sizes["rank"])))]
    best = found.isel(rank=0)
    lines = [f"{who}, learned `{best['sentence'].item()}` at {100 * float(best['validity']):.0f} %"]
    margin = float(best["margin"])
    lines.append(
        f"    {float(best['sentence_bits']):.1f} + {float(best['data_bits']):.1f} bits for {size} samples, "
        f"{int(best['outside'])} outside"
        + (f"; {margin:.1f} less than the next" if math.isfinite(margin) else "")
        + f"; listing {listing:.0f}"
        + ("; size estimated" if int(best["estimated"]) else "")
    )
    rest = range(1, min(shown + 1, found.sizes["rank"]))
    return [*lines, *(alternative(found, i, f"+{extra(found, i):.1f}") for i in rest)]


def alternative(found: xr.Dataset, rank: int, lead: str) -> str:
    one = found.isel(rank=rank)
    share = f"{100 * float(one['validity']):.0f} %"
    return f"    {lead:>9}  {share:>5}  {clipped(str(one['sentence'].item()), 90)}"


def extra(found: xr.Dataset, rank: int) -> float:
    """Bits that an alternative costs more than the best."""
    return float(found["total_bits"][rank] - found["total_bits"][0])


def joined(learned: Sequence[Learned], found: Sequence[xr.Dataset]) -> xr.Dataset:
    """All descriptions over `learned` and `rank`, beside who learned them from what."""
    longest = max(data.sizes["rank"] for data in found)
    padded = [data.reindex(rank=np.arange(1, longest + 1), fill_value=fills(data)) for data in found]
    whole = xr.concat(
        padded,
        dim="learned",
        combine_attrs="drop_conflicts",
        join="exact",
        coords="minimal",
        compat="override",
    )
    texts = {
        "learner": ([one.learner for one in learned], "who learned it"),
        "taught": ([one.taught for one in learned], "the lesson"),
        "verdict": (
            [data.attrs["verdict"] for data in found],
            "the best sentence, or that listing is shorter",
        ),
    }
    for name, (values, meaning) in texts.items():
        whole[name] = ("learned", np.array(values, dtype=object), {"long_name": meaning})
    numbers = {
        "n": ([one.n for one in learned], "examples of the lesson", "examples"),
        "samples": ([data.attrs["samples"] for data in found], "samples described", "samples"),
        "not_crisp": ([data.attrs["not_crisp"] for data in found], "samples that are not crisp", "samples"),
        "listing_bits": ([data.attrs["listing_bits"] for data in found], "the samples written out", "bit"),
    }
    for name, (counts, meaning, units) in numbers.items():
        whole[name] = ("learned", np.array(counts), {"long_name": meaning, "units": units})
    whole.attrs["title"] = "The shortest descriptions of what was learned"
    return whole


def fills(data: xr.Dataset) -> dict[str, Any]:
    """What stands at ranks that there are not."""
    kinds = {str(name): variable.dtype.kind for name, variable in data.data_vars.items()}
    return {name: {"f": math.nan, "i": -1, "u": 0}.get(kind, "") for name, kind in kinds.items()}
