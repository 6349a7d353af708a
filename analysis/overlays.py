"""Superposition or mixture: taught the union of two sets, what does a learner make of them?

Every sample is one of: in the first set only, in the second only, in both; in neither but an *overlay*, that
is the pixelwise or of a member of the first and a member of the second; none of these; not crisp (a blend).

Whether a picture is an overlay is decided exactly where all ways to split it can be gone through: by the
lists of both sets, or by its subsets where it has few white pixels. Elsewhere splits along its connected
components and by the examples taught are tried: one found is proof, none leaves the picture *undecided*.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from analysis.errors import AnalysisError
from analysis.intervals import LEVEL, wilson
from analysis.many import joined
from analysis.packing import Pictures, keys
from analysis.sampled import Sampled, crisp_pictures

ATOMS = 12  # a picture of more parts is not split in all 2^12 ways
PAIRS = 1 << 22  # of members that fit into one picture
YES, NO, UNDECIDED = 1, 0, -1

MEANINGS = {
    "first": "share of samples in the first set only",
    "second": "share of samples in the second set only",
    "intersection": "share of samples in both sets",
    "overlay": "share in neither set, but the pixelwise or of a member of each",
    "undecided": "share in neither set of which it could not be decided whether they are overlays",
    "neither": "share crisp, in neither set and no overlay",
    "blurred": "share of samples that are not crisp",
}


class Members(Protocol):
    """What is asked of the two sets: membership, and a list of the members or None."""

    def contains(self, examples: Any) -> NDArray[np.bool_]:
        """Which examples are members."""

    def members(self) -> Any:
        """All members where they can be listed, else None."""


def superposition(
    samples: NDArray[Any] | xr.DataArray,
    first: Members,
    second: Members,
    taught: NDArray[np.bool_] | None = None,
    *,
    dims: Sequence[str] = (),
    seed: int = 0,
    level: float = LEVEL,
) -> xr.Dataset:
    """Shares of samples in the first set, the second, both, overlays of both, and none: they sum to 1.

    samples: pictures, as in `Sampled.of`. taught: bool[n, h, w], tried as parts where the search is not
    exhaustive. Each share has Wilson's interval; `overlay_high` counts what is undecided too.
    `overlay_by_chance`: the share of overlays among the same samples with their pixels shuffled, which says
    how much of `overlay` is but the number of white pixels. AnalysisError for points of the plane.
    """
    sampled = Sampled.of(samples, dims)
    if sampled.plane:
        raise AnalysisError("points of the plane cannot be overlaid: superposition takes pictures")
    found = {
        index: _of_one(values, first, second, taught, seed, level)
        for index, values in sampled.cells()
        if values is not None
    }
    if not found:
        raise AnalysisError("there is no sample in any cell: nothing can be told apart")
    return joined(sampled, found)


def overlays(
    pictures: Pictures, first: Members, second: Members, taught: Pictures | None = None
) -> NDArray[np.int8]:
    """Whether each picture is the or of a member of each set: 1 yes, 0 no, -1 undecided; int8[n]."""
    verdicts = np.full(len(pictures), UNDECIDED, np.int8)
    lists = [one.members() for one in (first, second)]
    hints = [pictures[:0] if taught is None else taught[one.contains(taught)] for one in (first, second)]
    for place, picture in enumerate(pictures):
        white = int(picture.sum())
        if white <= ATOMS:
            pixels = np.flatnonzero(picture.ravel())
            atoms = np.zeros((white, picture.size), bool)
            atoms[np.arange(white), pixels] = True
            verdicts[place] = _splits(atoms.reshape(-1, *picture.shape), first, second)
        elif lists[0] is not None and lists[1] is not None:
            verdicts[place] = _covered(picture, lists[0], lists[1])
        elif _along_components(picture, first, second) or _by_hints(picture, first, second, hints):
            verdicts[place] = YES
    return verdicts


def _of_one(
    samples: NDArray[Any],
    first: Members,
    second: Members,
    taught: NDArray[np.bool_] | None,
    seed: int,
    level: float,
) -> xr.Dataset:
    pictures, crisp = crisp_pictures(samples)
    counts = _counted(pictures[crisp], first, second, taught)
    counts["blurred"] = len(samples) - int(crisp.sum())
    rng = np.random.Generator(np.random.PCG64([seed, 0x0E1]))
    flat = pictures[crisp].reshape(int(crisp.sum()), -1)
    shuffled = rng.permuted(flat, axis=1).reshape(-1, *pictures.shape[1:])
    by_chance = _counted(shuffled, first, second, taught)["overlay"] / len(samples)
    variables: dict[str, Any] = {}
    for name, meaning in MEANINGS.items():
        share, low, high = wilson(counts[name], len(samples), level)
        if name == "overlay":
            high = wilson(counts[name] + counts["undecided"], len(samples), level).high
        variables[name] = _labelled(share, meaning)
        variables[f"{name}_low"] = _labelled(low, f"{meaning}: low end of the {level:.0%} Wilson interval")
        variables[f"{name}_high"] = _labelled(high, f"{meaning}: high end of the {level:.0%} Wilson interval")
    variables["overlay_by_chance"] = _labelled(by_chance, "share of overlays once pixels are shuffled")
    return xr.Dataset(variables, attrs={"samples": len(samples), "level": level})


def _counted(
    pictures: Pictures, first: Members, second: Members, taught: NDArray[np.bool_] | None
) -> dict[str, int]:
    _, where, times = np.unique(keys(pictures), return_index=True, return_counts=True)
    different = pictures[where]
    in_first, in_second = first.contains(different), second.contains(different)
    verdicts = np.zeros(len(different), np.int8)
    outside = ~in_first & ~in_second
    verdicts[outside] = overlays(different[outside], first, second, taught)
    kinds = {
        "first": in_first & ~in_second,
        "second": in_second & ~in_first,
        "intersection": in_first & in_second,
        "overlay": outside & (verdicts == YES),
        "undecided": outside & (verdicts == UNDECIDED),
        "neither": outside & (verdicts == NO),
    }
    return {name: int(times[which].sum()) for name, which in kinds.items()}


def _splits(atoms: Pictures, first: Members, second: Members) -> int:
    """Whether a member of the first and one of the second, both made of these atoms, cover all of them.

    Subsets are bit masks. A subset s of the first will do iff some member of the second lies above what s
    leaves; `above[m]` says so for each m, by a superset transform: one bit of the mask after the other.
    """
    count = len(atoms)
    masks = np.arange(1 << count)
    chosen = (masks[:, None] >> np.arange(count)) & 1
    flat = atoms.reshape(count, atoms.shape[1] * atoms.shape[2])
    subsets = (chosen @ flat > 0).reshape(-1, *atoms.shape[1:])
    members = np.asarray(first.contains(subsets), bool)
    above = np.asarray(second.contains(subsets), bool).copy()
    for bit in range(count):
        halves = above.reshape(-1, 2, 1 << bit)
        halves[:, 0] |= halves[:, 1]
    left = masks[-1] ^ masks[members]
    return YES if bool(above[left].any()) else NO


def _covered(picture: Pictures, first: Pictures, second: Pictures) -> int:
    """By the lists of both sets: every pair of members that lie in the picture."""
    inside = [_packed(one[~(one & ~picture).any(axis=(1, 2))]) for one in (first, second)]
    if len(inside[0]) * len(inside[1]) > PAIRS:
        return UNDECIDED
    whole = _packed(picture[None])[0]
    return YES if any(((a | inside[1]) == whole).all(axis=1).any() for a in inside[0]) else NO


def _along_components(picture: Pictures, first: Members, second: Members) -> bool:
    labels, count = ndimage.label(picture, np.ones((3, 3), int))
    if not 1 < count <= ATOMS:
        return False
    atoms = np.stack([labels == i for i in range(1, count + 1)])
    return _splits(atoms, first, second) == YES


def _by_hints(picture: Pictures, first: Members, second: Members, hints: Sequence[Pictures]) -> bool:
    """An example taught that lies in the picture, with what it leaves or with an example of the other set."""
    inside = [one[~(one & ~picture).any(axis=(1, 2))] for one in hints]
    for own, other in ((inside[0], second), (inside[1], first)):
        left = picture & ~own
        if len(left) and bool(np.asarray(other.contains(left)).any()):
            return True
    if not len(inside[0]) or not len(inside[1]):
        return False
    return _covered(picture, inside[0], inside[1]) == YES


def _packed(pictures: Pictures) -> NDArray[np.uint8]:
    count, height, width = pictures.shape
    return np.packbits(pictures.reshape(count, height * width), axis=1)


def _labelled(value: float, long_name: str) -> Any:
    return ((), float(value), {"long_name": long_name, "units": "1"})
