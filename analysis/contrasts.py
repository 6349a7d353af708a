"""The numbers of all pairs of learners: divergences with what chance gives, and tests with their p-values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from analysis.divergence import (
    by_chance,
    codes_of,
    holm,
    jaccard,
    jensen_shannon,
    kernel,
    mmd2,
    morisita,
    p_value,
)
from analysis.gathering import Learned
from analysis.packing import keys
from analysis.sides import BLURRED, OUTSIDE, Side
from analysis.target import Target

MOST = 1024  # samples of a learner in the MMD, whose cost is their square
FEWEST = 8  # values on both sides that a test is made of

Array = NDArray[np.float64]
PAIR = ("learner", "learner_other")


class Contrasts:
    """The numbers of all pairs, symmetric ones written once and mirrored."""

    def __init__(self, names: list[str], strata: list[int], properties: list[str], plane: bool) -> None:
        self.names, self.strata, self.properties, self.plane = names, strata, properties, plane
        size = len(names)
        self.scalar: dict[str, Array] = {}
        self.by_stratum = {name: np.full((size, size, len(strata)), np.nan) for name in STRATA}
        self.by_property = {name: np.full((size, size, len(properties)), np.nan) for name in PROPERTIES}

    def put(self, name: str, i: int, j: int, value: float) -> None:
        """A number of the pair, in whatever order."""
        array = self.scalar.setdefault(name, np.full((len(self.names), len(self.names)), np.nan))
        array[i, j] = array[j, i] = value

    def fill(
        self, i: int, j: int, first: Side, second: Side, rng: np.random.Generator, shuffles: int
    ) -> None:
        sizes = len(first.strata), len(second.strata)
        pool: dict[str, NDArray[np.int64]] = {}
        if self.strata:
            pool["js_strata"] = _numbered(np.concatenate([first.strata, second.strata]))
        for name in self.properties:
            both = np.concatenate([first.values[name], second.values[name]])
            pool[f"js {name}"] = codes_of(both)
        statistics: list[Callable[[NDArray[np.bool_]], float]] = [
            lambda split, codes=codes: jensen_shannon(codes[split], codes[~split])  # type: ignore[misc]
            for codes in pool.values()
        ]
        seen = _first_of(sizes)
        chance = by_chance(statistics, sizes, rng, shuffles)
        for name, statistic, column in zip(pool, statistics, chance.T, strict=True):
            value, mean, p = statistic(seen), float(column.mean()), p_value(statistic(seen), column)
            if name == "js_strata":
                for end, number in (("", value), ("_by_chance", mean), ("_p", p)):
                    self.put(name + end, i, j, number)
            else:
                place = self.properties.index(name.removeprefix("js "))
                for end, number in (("js", value), ("js_by_chance", mean)):
                    self.by_property[end][i, j, place] = self.by_property[end][j, i, place] = number
        if not self.plane:
            self._supports(i, j, first, second, rng, shuffles)
        self._mmd(i, j, first, second, rng, shuffles)
        if i != j:
            self._tests(i, j, first, second)

    def _supports(
        self, i: int, j: int, first: Side, second: Side, rng: np.random.Generator, shuffles: int
    ) -> None:
        """Only crisp samples are members of a set."""
        sizes = len(first.examples), len(second.examples)
        if not min(sizes):
            return
        codes = _numbered(keys(np.concatenate([first.examples, second.examples])))
        split = _first_of(sizes)

        def value(which: NDArray[np.bool_]) -> float:
            return jaccard(codes[which], codes[~which])

        chance = by_chance([value], sizes, rng, shuffles)[:, 0]
        self.put("jaccard", i, j, value(split))
        self.put("jaccard_by_chance", i, j, float(chance.mean()))
        self.put("jaccard_p", i, j, p_value(value(split), chance, small=True))
        self.put("morisita", i, j, morisita(codes[split], codes[~split]))

    def _mmd(
        self, i: int, j: int, first: Side, second: Side, rng: np.random.Generator, shuffles: int
    ) -> None:
        both = [
            side.whole if len(side.whole) <= MOST else side.whole[rng.permutation(len(side.whole))[:MOST]]
            for side in (first, second)
        ]
        similar = kernel(np.concatenate(both))
        sizes = len(both[0]), len(both[1])
        value = mmd2(similar, _first_of(sizes))
        chance = by_chance([lambda which: mmd2(similar, which)], sizes, rng, shuffles)[:, 0]
        self.put("mmd2", i, j, value)
        self.put("mmd2_p", i, j, p_value(value, chance))

    def _tests(self, i: int, j: int, first: Side, second: Side) -> None:
        for place, stratum in enumerate(self.strata):
            hits = [int(np.count_nonzero(side.strata == stratum)) for side in (first, second)]
            sizes = [len(side.strata) for side in (first, second)]
            table = [[hits[0], sizes[0] - hits[0]], [hits[1], sizes[1] - hits[1]]]
            p = float(stats.fisher_exact(table).pvalue) if sum(hits) else np.nan
            shares = [hit / size for hit, size in zip(hits, sizes, strict=True)]
            for a, b, own, other in ((i, j, shares[0], shares[1]), (j, i, shares[1], shares[0])):
                self.by_stratum["stratum_share"][a, b, place] = own
                self.by_stratum["stratum_difference"][a, b, place] = own - other
                self.by_stratum["stratum_p"][a, b, place] = p
        for place, name in enumerate(self.properties):
            values = [side.values[name][~np.isnan(side.values[name])] for side in (first, second)]
            if min(map(len, values)) < FEWEST:
                continue
            pool = np.concatenate(values)
            p = float(stats.ks_2samp(*values, method="asymp").pvalue) if np.ptp(pool) > 0 else np.nan
            apart = float(values[0].mean() - values[1].mean()) / (float(pool.std()) or 1.0)
            for a, b, known, sign in ((i, j, values[0], 1), (j, i, values[1], -1)):
                self.by_property["property_mean"][a, b, place] = known.mean()
                self.by_property["property_difference"][a, b, place] = sign * apart
                self.by_property["property_p"][a, b, place] = p

    def agree(self, i: int, j: int, together: Sequence[xr.Dataset]) -> None:
        """Means of `agreement` over the seeds both have."""
        for name in together[0].data_vars:
            if not str(name).endswith(("_low", "_high")):
                self.put(f"agreement_{name}", i, j, float(np.mean([float(one[name]) for one in together])))

    def dataset(self, target: Target | None, learned: Mapping[str, Learned]) -> xr.Dataset:
        """Everything labelled, and the tests corrected for their number."""
        upper = np.triu_indices(len(self.names), 1)
        tests = np.concatenate(
            [self.by_stratum["stratum_p"][upper].ravel(), self.by_property["property_p"][upper].ravel()]
        )
        corrected = holm(tests)
        strata = len(self.by_stratum["stratum_p"][upper].ravel())
        for group, name, part in (
            (self.by_stratum, "stratum_p", corrected[:strata]),
            (self.by_property, "property_p", corrected[strata:]),
        ):
            whole = np.full_like(group[name], np.nan)
            whole[upper] = part.reshape(len(upper[0]), whole.shape[2])
            whole[upper[::-1]] = part.reshape(len(upper[0]), whole.shape[2])
            group[f"{name}_holm"] = whole
        variables: dict[str, Any] = {
            name: (PAIR, values, {"long_name": _meaning(name), "units": "bit" if "js" in name else "1"})
            for name, values in self.scalar.items()
        }
        groups = [("property", self.by_property, PROPERTIES)]
        if self.strata:
            groups.append(("stratum", self.by_stratum, STRATA))
        for dim, group, meanings in groups:
            for name, values in group.items():
                meaning = meanings.get(name, "p corrected for all tests of all pairs, Holm")
                labels = {"long_name": meaning, "units": "bit" if name.startswith("js") else "1"}
                variables[name] = ((*PAIR, dim), values, labels)
        counts = [len(one.samples) for one in learned.values()]
        variables["samples"] = (("learner",), counts, {"long_name": "samples compared", "units": "samples"})
        variables["seeds"] = (
            ("learner",), [len(one.seeds) for one in learned.values()],
            {"long_name": "trainings they come from", "units": "1"},
        )  # fmt: skip
        variables["taught"] = (
            ("learner",), [one.taught for one in learned.values()],
            {"long_name": "what the learner was taught", "units": "1"},
        )  # fmt: skip
        return xr.Dataset(variables, self._coordinates(target), {"tests": int(np.isfinite(tests).sum())})

    def _coordinates(self, target: Target | None) -> dict[str, Any]:
        labels = {"long_name": "who was taught", "units": "1"}
        coordinates: dict[str, Any] = {
            "learner": ("learner", self.names, labels),
            "learner_other": ("learner_other", self.names, labels),
            "property": ("property", self.properties, {"long_name": "property of examples", "units": "1"}),
        }
        if self.strata:
            names = {OUTSIDE: "outside", BLURRED: "not crisp"} | dict(getattr(target, "stratum_names", {}))
            words = [str(names.get(stratum, stratum)) for stratum in self.strata]
            coordinates["stratum"] = (
                "stratum", self.strata,
                {"long_name": "number of the stratum, -1 outside, -2 not crisp", "units": "1"},
            )  # fmt: skip
            coordinates["stratum_label"] = ("stratum", words, {"long_name": "stratum", "units": "1"})
        return coordinates


STRATA = {
    "stratum_share": "share of the learner's samples in the stratum",
    "stratum_difference": "share of the learner less that of the other",
    "stratum_p": "Fisher's exact p of equal shares",
}
PROPERTIES = {
    "js": "Jensen-Shannon divergence of the property",
    "js_by_chance": "the same of two samples of these sizes from one law, mean",
    "property_mean": "mean over the learner's samples",
    "property_difference": "mean less that of the other, in standard deviations of both together",
    "property_p": "Kolmogorov and Smirnov's p of equal laws",
}
SCALARS = {
    "js_strata": "Jensen-Shannon divergence over strata, outside and not crisp",
    "jaccard": "pictures sampled by both over those sampled by either",
    "morisita": "Morisita's index: share in common of two uniform laws on sets of one size",
    "mmd2": "squared maximum mean discrepancy, unbiased",
    "agreement_equal": "share of pictures equal from the same noise",
    "agreement_equal_by_chance": "the same of unlike noise",
    "agreement_correlation": "mean pixel correlation from the same noise",
    "agreement_correlation_by_chance": "the same of unlike noise",
    "agreement_distance": "mean distance of points from the same noise",
    "agreement_distance_by_chance": "the same of unlike noise",
}


def _meaning(name: str) -> str:
    if name in SCALARS:
        return SCALARS[name]
    if name.endswith("_p"):
        return f"{SCALARS[name.removesuffix('_p')]}: share of random splits of both as far apart"
    return f"{SCALARS[name.removesuffix('_by_chance')]}: mean over random splits of both"


def _first_of(sizes: tuple[int, int]) -> NDArray[np.bool_]:
    split = np.zeros(sum(sizes), bool)
    split[: sizes[0]] = True
    return split


def _numbered(things: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.unique(things, return_inverse=True)[1], np.int64)
