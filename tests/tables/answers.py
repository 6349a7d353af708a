"""The tables of `study/results/README.md`, made again from the netCDF files beside it.

    PYTHONPATH=. python tests/tables/answers.py            # write them into the page
    PYTHONPATH=. python tests/tables/answers.py --check    # say what would change, and write nothing

A table stands between `<!-- KIND EXPERIMENT {settings} -->` and `<!-- end -->`; the settings are YAML:

    by        KIND: measures by two factors. {show, rows, columns, where}
    rows      KIND: measures side by side. {show: [...], rows: [...], where}
    n_star    KIND: the smallest n by target, learner and d, and its law. {threshold, where}
    said      KIND: the sentence of each learned set. {rows, columns, where}
    regimes   KIND: the first step that generalises and that memorises. {where}
    shares    KIND: parts of a superposition, means over draws. {show: [...], rows: [...], where}
    members   KIND: share of the kept samples in a set. {grammar, set, learner}
    chance    KIND: parts of a grid, and the share of one or two pixels anywhere that lie in them. {}
    searches  KIND: the best teaching set of each search, beside samples of the target. {}
    short     KIND: the shortest teaching set of each search that does not say the target. {}
    again     KIND: what the same teaching sets taught others. {}

Everything is computed from the single trainings in the group `cells`: mean and 95 % interval over draws and
seeds, or the mean alone where there is but one. Searches are in the group `searches`, with figures of fresh
trainings.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml

import grammars
from study.derived import Whole, at_most, interval, mean, moment, n_star, regimes, said
from study.results_of import first_seen

RESULTS = Path(__file__).parents[2] / "study" / "results"
PAGE = RESULTS / "README.md"
TABLE = re.compile(r"(<!-- (\w+) (\w+) (\{.*?\}) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
NAMES = {
    "g": "generalization",
    "copies": "copy_rate",
    "one dot": "inside",
    "agreement": "agreement_correlation",
    "by chance": "agreement_correlation_by_chance",
}


@lru_cache
def cells(experiment: str) -> xr.Dataset:
    with xr.open_dataset(RESULTS / experiment / "result.nc", group="cells") as data:
        return data.load()


def chosen(data: xr.Dataset, where: Mapping[str, Any]) -> xr.Dataset:
    """The cells at these values of the factors; a KeyError where there is none, so that no typo passes."""
    keep = np.ones(data.sizes["cell"], bool)
    for factor, wanted in where.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        for value in values:
            if value not in data[factor].values.tolist():
                raise KeyError(f"{factor}={value!r}")
        keep &= np.isin(data[factor].values, values)
    return data.isel(cell=np.flatnonzero(keep))


def values(data: xr.Dataset, measure: str) -> Any:
    """One number for each training at its end, by the samples that report; or for each cell."""
    one = 1 - data["crisp"] if measure == "not crisp" else data[NAMES.get(measure, measure)]
    at = {"checkpoint": 0, "batch": "report"}
    return one.sel({name: value for name, value in at.items() if name in one.dims}).values


def entry(data: xr.Dataset, measure: str) -> str:
    if not data.sizes["cell"]:
        return ""
    told = values(data, measure)
    if measure == "distance":  # in pixels, one number for each cell
        return f"{np.nanmean(told):.2f}"
    return said(interval(told)) if np.isfinite(np.asarray(told, float)).any() else ""


def table(heads: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def split(data: xr.Dataset, factors: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], xr.Dataset]]:
    keys = list(zip(*(data[name].values.tolist() for name in factors), strict=True))
    for key in dict.fromkeys(keys):
        yield key, data.isel(cell=[i for i, one in enumerate(keys) if one == key])


def by(name: str, settings: Mapping[str, Any]) -> str:
    data = chosen(cells(name), settings.get("where", {}))
    rows, column = settings["rows"], settings["columns"]
    places = first_seen(data[column].values)
    body = []
    for key, part in split(data, rows):
        here = [entry(part.isel(cell=np.flatnonzero(part[column].values == place)), settings["show"])
                for place in places]  # fmt: skip
        body.append([*map(str, key), *here])
    prefix = f"{column} = " if data[column].dtype.kind in "iu" else ""
    return table([*rows, *(f"{prefix}{place}" for place in places)], body)


def rows(name: str, settings: Mapping[str, Any]) -> str:
    data = chosen(cells(name), settings.get("where", {}))
    body = [
        [*map(str, key), *(entry(part, measure) for measure in settings["show"])]
        for key, part in split(data, settings["rows"])
    ]
    return table([*settings["rows"], *settings["show"]], body)


def smallest(name: str, settings: Mapping[str, Any]) -> str:
    data = chosen(cells(name), settings.get("where", {}))
    found = n_star(Whole(name, data, ())).numbers
    assert found is not None
    at = found.sel(threshold=settings["threshold"])
    sizes = [int(d) for d in sorted(first_seen(data["d"].values))]
    body = []
    for target in first_seen(data["target"].values):
        for learner in first_seen(data["learner"].values):
            one = at.sel(target=target, learner=learner)
            stars = [star(one.sel(d=d)) for d in sizes]
            if any(stars):
                body.append([target, learner, *stars, law(found, target, learner, settings["threshold"])])
    return table(["target", "learner", *(f"d = {d}" for d in sizes), "law"], body)


def star(one: xr.Dataset) -> str:
    low, high = float(one["n_star_low"]), float(one["n_star_high"])
    return "" if np.isnan(low) else at_most(low, high)


def law(found: xr.Dataset, target: str, learner: str, threshold: float) -> str:
    here = (
        (found["law_target"].values == target)
        & (found["law_learner"].values == learner)
        & (found["law_threshold"].values == threshold)
    )
    one = found.isel(law=int(np.flatnonzero(here)[0]))
    verdict = str(one["law_verdict"].item())
    if not verdict:
        return ""
    exponent = [float(one[f"law_exponent{end}"]) for end in ("", "_low", "_high")]
    return f"{verdict}; power {exponent[0]:.1f} [{exponent[1]:.1f}, {exponent[2]:.1f}]"


def sentences(name: str, settings: Mapping[str, Any]) -> str:
    data = chosen(cells(name), settings.get("where", {}) | {"draw": 0})
    places = first_seen(data[settings["columns"]].values)
    body = []
    for key, part in split(data, settings["rows"]):
        line = list(map(str, key))
        for place in places:
            one = part.isel(cell=np.flatnonzero(part[settings["columns"]].values == place))
            line.append(sentence(one) if one.sizes["cell"] else "")
        body.append(line)
    return table([*settings["rows"], *map(str, places)], body)


def sentence(one: xr.Dataset) -> str:
    text, share = str(one["description"].values[0]), float(one["described"].values[0])
    if not text or text.startswith("nothing"):
        return text
    text = text if len(text) <= 70 else text[:67] + "…"
    return f"`{text}` {100 * share:.0f} %"


def moments(name: str, settings: Mapping[str, Any]) -> str:
    data = chosen(cells(name), settings.get("where", {}))
    found = regimes(Whole(name, data, ())).numbers
    assert found is not None
    counts = [int(n) for n in found["n"].values]
    body = []
    for pair in found["pair"].values:
        one = found.sel(pair=pair)
        tried = (one["regime"].transpose("n", ...).values.reshape(len(counts), -1) >= 0).any(axis=1)
        begun = [f"{moment(one, 'tau_gen', i)} / {moment(one, 'tau_mem', i)}" for i in range(len(counts))]
        body.append([str(pair), *(told if own else "" for told, own in zip(begun, tried, strict=True))])
    return table(["target, learner", *(f"n = {n}" for n in counts)], body)


def chance(name: str, settings: Mapping[str, Any]) -> str:
    """What pixels set anywhere would reach, for targets of one or two pixels in a part of the grid."""
    data = chosen(cells(name), settings.get("where", {}))
    body = []
    for (target, d), part in split(data, ["target", "d"]):
        sentence = str(part["target_sentence"].values[0])
        side = math.isqrt(int(d))
        grammar = grammars.load("dots", grammars.Grid(side, side))
        one, two = (
            grammar.parse(sentence.replace("between(1, 2)", str(k)), "Set").denote().size() for k in (1, 2)
        )
        shares = f"{one / d:.2f}", f"{two / math.comb(int(d), 2):.2f}"
        body.append([target, str(d), str(one), f"{one + two:,}", *shares])
    return table(["target", "d", "pixels", "pictures", "one pixel anywhere", "two"], body)


def shares(name: str, settings: Mapping[str, Any]) -> str:
    """Means over draws; each cell's share is over all of its trainings."""
    data = chosen(cells(name), settings.get("where", {}))
    body = [
        [*map(str, key), *(f"{mean(part[measure].values):.2f}" for measure in settings["show"])]
        for key, part in split(data, settings["rows"])
    ]
    return table([*settings["rows"], *(one.replace("_", " ") for one in settings["show"])], body)


@lru_cache
def samples(experiment: str) -> xr.Dataset:
    with xr.open_dataset(RESULTS / experiment / "samples.nc") as data:
        return data.load()


def members(name: str, settings: Mapping[str, Any]) -> str:
    pictures = samples(name)["samples"].sel(learner=settings["learner"]) > 0
    grid = grammars.Grid(pictures.sizes["y"], pictures.sizes["x"])
    one = grammars.load(settings["grammar"], space=grid).parse(settings["set"], "Set").denote()
    body = []
    for target in pictures["target"].values:
        line = [str(target)]
        for n in pictures["n"].values:
            shown = pictures.sel(target=target, n=n).values
            line.append(said(interval([one.contains(part).mean() for part in shown])))
        body.append(line)
    return table(["target", *(f"n = {n}" for n in pictures["n"].values)], body)


def apart(name: str, learner: str, target: str) -> tuple[int, int]:
    """Samples with two dots, and how many of them have no point of the grid on the segment between."""
    pictures = samples(name)["samples"].sel(learner=learner, target=target).values
    pictures = pictures.reshape(-1, *pictures.shape[-2:])
    steps = [np.abs(np.subtract(*np.argwhere(one))) for one in pictures if one.sum() == 2]
    return len(steps), sum(int(np.gcd(*step)) == 1 for step in steps)


@lru_cache
def searched(experiment: str, dimension: str) -> list[xr.Dataset]:
    """What stands in the group `searches`, one after the other."""
    with xr.open_dataset(RESULTS / experiment / "result.nc", group="searches") as data:
        data.load()
    return [data.isel({dimension: i}) for i in range(data.sizes[dimension])]


def spread(one: xr.Dataset, name: str, sign: str = "") -> str:
    value, low, high = (float(one[f"{name}{end}"]) for end in ("", "_low", "_high"))
    return f"{value:{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"


def lessons(name: str, settings: Mapping[str, Any]) -> str:
    body = []
    for one in searched(name, "row"):
        text = str(one["found_sentence"].item())
        text = text if len(text) <= 90 else text[:87] + "…"
        drawn = {1.0: "yes", 0.0: "no"}.get(float(one["found_uses_target"]), "")
        found, plain = spread(one, "found_g"), spread(one, "baseline_g")
        sizes = [f"{float(one[key]):.0f}" for key in ("found_n", "found_bits", "target_entropy")]
        first = [str(one["search"].item()), f"`{text}`", *sizes, drawn]
        body.append([*first, found, f"{float(one['baseline_n']):.0f}", plain])
    heads = ["search", "best teaching set", "n", "bits", "log2 of the target's size", "says the target", "g"]
    return table([*heads, "n of the best samples", "their g"], body)


def short(name: str, settings: Mapping[str, Any]) -> str:
    body = []
    for one in searched(name, "row"):
        text = str(one["shortest_sentence"].item())
        if text:
            sizes = [f"{float(one[key]):.0f}" for key in ("shortest_bits", "target_entropy", "shortest_n")]
            body.append([str(one["search"].item()), f"`{text}`", *sizes, spread(one, "shortest_g")])
    return table(["search", "shortest teaching set", "bits", "log2 of the target's size", "n", "g"], body)


def again(name: str, settings: Mapping[str, Any]) -> str:
    body = []
    for one in searched(name, "again"):
        taught = [str(one[f"again_{key}"].item()) for key in ("search", "learner", "trainings")]
        figures = [spread(one, f"again_{key}") for key in ("g", "baseline_g")]
        body.append([*taught, *figures, spread(one, "again_difference", "+")])
    heads = ["search", "taught to", "trainings", "g", "g of that learner's best samples", "paired difference"]
    return table(heads, body)


KINDS: dict[str, Callable[[str, Mapping[str, Any]], str]] = {
    "by": by,
    "rows": rows,
    "n_star": smallest,
    "said": sentences,
    "regimes": moments,
    "shares": shares,
    "chance": chance,
    "members": members,
    "searches": lessons,
    "again": again,
    "short": short,
}


def remade(page: str) -> str:
    """The page with every table made again."""

    def again(found: re.Match[str]) -> str:
        head, kind, name, settings, _, end = found.groups()
        return head + "\n" + KINDS[kind](name, yaml.safe_load(settings)) + "\n" + end

    return TABLE.sub(again, page)


def main(arguments: list[str]) -> int:
    page = PAGE.read_text(encoding="utf-8")
    new = remade(page)
    if "--check" not in arguments:
        PAGE.write_text(new, encoding="utf-8")
    elif new != page:
        print(f"{PAGE}: the tables are not those of the files; run this without --check")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
