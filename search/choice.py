"""Which sentences are worth a second look: the rule by which a search's rows are taken to verification."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

MARGIN = 0.05  # how far below the best g a smaller or shorter lesson may be
FEW = 4  # lessons of so few examples are of interest in themselves
BASELINE = 64  # the number of i.i.d. samples that a claim is held against


@dataclass(frozen=True)
class Chosen:
    """A sentence that is taught again, and why; `trial` is its place in the search's result, or -1."""

    trial: int
    sentence: str
    origin: str
    role: str
    n: int
    bits: float


def choose(result: xr.Dataset, sentences: int = 3, baselines: int = 2) -> list[Chosen]:
    """At most so many sentences of the front and baselines, fewer where there are fewer.

    Of the front in this order, what is chosen already being passed over: `best`, the highest g; `smallest`,
    the smallest n within 0.05 of it; `few`, the highest g with n <= 4; `shortest`, the fewest bits within
    0.05; then the others by g. Of the baselines: the one nearest to n = 64, then those nearest in n to
    `smallest`, on a logarithmic scale. Nothing where no evaluation succeeded.
    """
    if "generalization" not in result:
        return []
    g = result["generalization"].mean("seed").values
    n, bits = result["n"].values, result["bits"].values
    on_front = result["on_front"].values.astype(bool)
    front = sorted(np.flatnonzero(on_front).tolist(), key=lambda p: (-g[p], n[p], bits[p]))
    if not front:
        return []
    good = [place for place in front if g[place] >= g[front[0]] - MARGIN]
    smallest = min(good, key=lambda p: (n[p], -g[p], bits[p]))
    roles = [("best", front[0]), ("smallest", smallest)]
    roles += [("few", place) for place in front if n[place] <= FEW][:1]
    roles += [("shortest", min(good, key=lambda p: (bits[p], -g[p])))]
    roles += [("front", place) for place in front]

    def apart(place: int, size: float) -> tuple[float, int]:
        return abs(math.log2(n[place]) - math.log2(size)), int(n[place])

    plain: list[int] = np.flatnonzero((result["origin"].values == "iid") & np.isfinite(g)).tolist()
    compared = sorted(plain, key=lambda p: apart(p, BASELINE))[:1]
    compared += sorted(plain, key=lambda p: apart(p, n[smallest]))
    return [
        *_described(result, roles, sentences),
        *_described(result, [("iid", place) for place in compared], baselines),
    ]


def chosen_of(result: xr.Dataset, least: xr.Dataset | None) -> list[Chosen]:
    """The lesson that `search.minimal` ended with, where it is smaller than the one it began with.

    `result` is that of `with_minimal`: it has the lesson as a trial.
    """
    if least is None or not least.attrs.get("attempt", 0):
        return []
    place = result["sentence"].values.tolist().index(str(least.attrs["minimal"]))
    return _described(result, [("minimal", place)], 1)


def _described(result: xr.Dataset, roles: list[tuple[str, int]], most: int) -> list[Chosen]:
    """The first `most` different rows, each under its first role."""
    first: dict[int, str] = {}
    for role, place in roles:
        first.setdefault(int(place), role)
    return [
        Chosen(
            trial=int(result["trial"].values[place]),
            sentence=str(result["sentence"].values[place]),
            origin=str(result["origin"].values[place]),
            role=role,
            n=int(result["n"].values[place]),
            bits=float(result["bits"].values[place]),
        )
        for place, role in list(first.items())[:most]
    ]
