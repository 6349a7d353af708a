"""The searches of an experiment: each is a run of `study.search` in its own folder, and can be resumed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import analysis
import grammars
from study import words
from study.derived import Derived, Whole, said, slug, table
from study.errors import StudyError
from study.experiment import Experiment

FILES = ("result", "verified")
SEED = "search.seed"


def arguments(declared: Experiment, path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """Label, folder and command line of every search; a list under search.seed is one search for each."""
    for label, settings in declared.searches.items():
        seeds = settings.get(SEED, 0)
        for seed in seeds if isinstance(seeds, list) else [seeds]:
            own = f"{label}, seed {seed}" if isinstance(seeds, list) else label
            folder = path / "searches" / slug(own)
            said_so = {**settings, SEED: seed, "run": folder}
            yield own, folder, [f"{key}={written(value)}" for key, value in said_so.items()]


def written(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(map(str, value)) + "]"
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def run(declared: Experiment, path: Path, extra: list[str]) -> None:
    """Do or go on with every search; what each says goes to a text beside its folder."""
    from study.commands.search import main

    for label, folder, line in arguments(declared, path):
        told = folder.with_name(f"{folder.name}.txt")  # there once the search has come to its end
        if told.is_file():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        telling = told.with_suffix(".part")
        with telling.open("w", encoding="utf-8") as out, redirect_stdout(out):
            status = main([*line, *extra])
        if status == 130:
            raise KeyboardInterrupt
        if status:
            raise StudyError(f"the search {label!r} ended with status {status}; see {telling}")
        telling.replace(told)


def read(declared: Experiment, path: Path) -> dict[str, dict[str, xr.Dataset]]:
    """What every search has left: `result` and, once it has been taught again, `verified`."""
    found: dict[str, dict[str, xr.Dataset]] = {}
    for label, folder, _ in arguments(declared, path):
        for name in FILES:
            if (folder / f"{name}.nc").is_file():
                with xr.open_dataset(folder / f"{name}.nc", engine="netcdf4") as data:
                    found.setdefault(label, {})[name] = data.load()
    return found


def compared(whole: Whole) -> Derived:
    """The best teaching set of every search beside its best baseline, both taught again with fresh seeds."""
    rows: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    lines: list[str] = []
    pictures: dict[str, list[analysis.Taught]] = {}
    for label, files in whole.searches.items():
        if "result" not in files:
            continue
        row = {"search": label} | row_of(files)
        own = list(again_of(row, files.get("verified")))
        lines += line_of(row) + [line_of_other(one) for one in own if one["learner"] != row["learner"]]
        rows.append(row)
        others += own
        # Of searches that differ in their seed alone the first is shown.
        pictures.setdefault(label.partition(", seed ")[0], picture_of(row, files))
    shown = [one for some in pictures.values() for one in some]
    figures = {"teaching-sets": analysis.teaching_sets(shown, title=whole.title)} if shown else {}
    if not rows:
        return Derived(None, tuple(lines), figures)
    numbers = table(rows)
    if others:
        again = table(others)
        numbers = numbers.merge(again.rename({name: f"again_{name}" for name in again} | {"row": "again"}))
    return Derived(numbers, tuple(lines), figures)


def again_of(row: Mapping[str, Any], verified: xr.Dataset | None) -> Iterator[dict[str, Any]]:
    """What the best teaching set taught every learner that was asked, beside that learner's best samples."""
    if verified is None or "g" not in verified or not verified.sizes.get("baseline"):
        return
    sentences = verified["sentence"].values.astype(str).tolist()
    plain = np.flatnonzero(verified["origin"].values == "iid")
    if row["found_sentence"] not in sentences:
        return
    for learner in verified["learner"].values:
        asked = verified.sel(learner=learner)
        found, g = asked.isel(sentence=sentences.index(row["found_sentence"])), asked["g"].values
        if np.isnan(g[plain]).all() or np.isnan(float(found["g"])):
            continue
        best = int(np.nanargmax(g[plain]))
        baseline, difference = asked.isel(sentence=plain[best]), found.isel(baseline=best)
        one: dict[str, Any] = {"search": row["search"], "learner": str(learner)}
        one["trainings"] = int(np.isfinite(found["generalization"].values).sum())
        one["baseline_n"] = int(baseline["n"])
        for end in ("", "_low", "_high"):
            one[f"g{end}"] = float(found[f"g{end}"])
            one[f"baseline_g{end}"] = float(baseline[f"g{end}"])
            one[f"difference{end}"] = float(difference[f"difference{end}"])
        yield one


def picture_of(row: Mapping[str, Any], files: Mapping[str, xr.Dataset]) -> list[analysis.Taught]:
    """What the best teaching set of a search shows, and what was learned from it; none on the plane."""
    result, verified = files["result"], files.get("verified")
    sentence = row["found_sentence"]
    texts = result["sentence"].values.astype(str).tolist()
    if sentence not in texts or not {"examples", "samples", "y"} <= {*result.variables, *result.dims}:
        return []
    at = texts.index(sentence)
    if verified is not None and "samples" in verified and sentence in verified["sentence"].values:
        # A teaching set that was made smaller has no samples of the search's own.
        fresh = verified["samples"].sel(sentence=sentence, learner=row["learner"]).values
        own = result["samples"].copy()
        own[{"trial": at}] = fresh[: own.sizes["seed"], : own.sizes["sample"]]
        result = result.assign(samples=own)
    said_g = said(analysis.Interval(*(row[f"found_g{end}"] for end in ("", "_low", "_high"))))
    return [analysis.taught(result, at, learned=f"{row['search']}, g {said_g}")]


def row_of(files: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """One search in numbers."""
    result, verified = files["result"], files.get("verified")
    rows = words.found(result, verified)
    entropy = entropy_of(result)
    row: dict[str, Any] = {
        "learner": str(result.attrs["learner"]),
        "target": str(result.attrs["target"]),
        "target_entropy": entropy,
        "evaluations": int(sum(one.origin == "search" for one in rows)),
    }
    chosen = {
        "found": words.best(rows),
        "baseline": words.best_baseline(rows),
        "shortest": shortest(rows, result),
    }
    for name, one in chosen.items():
        told = one.trainings if one is not None else ()
        interval = analysis.logit_interval(told) if told else (math.nan,) * 3
        row |= {
            f"{name}_sentence": "" if one is None else one.sentence,
            f"{name}_n": math.nan if one is None else one.n,
            f"{name}_bits": math.nan if one is None else one.bits,
            f"{name}_g": interval[0],
            f"{name}_g_low": interval[1],
            f"{name}_g_high": interval[2],
            f"{name}_trainings": len(told),
            f"{name}_fresh": int(one is not None and one.fresh),
        }
    if row["found_sentence"] and "uses_target" in result:
        at = result["sentence"].values.astype(str).tolist().index(row["found_sentence"])
        row["found_uses_target"] = float(result["uses_target"].values[at])
    return row


def shortest(rows: Sequence[words.Found], result: xr.Dataset) -> words.Found | None:
    """The teaching set of fewest bits that is hardly worse than the best and says the target nowhere."""
    usable = words.trusted(rows, searched=True)
    largest = max((row.g for row in usable), default=math.nan)
    uses = result["uses_target"].values if "uses_target" in result else np.ones(result.sizes["trial"])
    near = [row for row in usable if row.g >= largest - words.MARGIN and uses[row.trial] == 0]
    return min(near, key=lambda row: (row.bits, row.n), default=None)


def entropy_of(result: xr.Dataset) -> float:
    """Bits of a draw from the target; NaN where its space cannot be read from the file."""
    try:
        import json

        space = json.loads(str(result.attrs["configuration"]))["space"]
        grid = grammars.Grid(space["height"], space["width"]) if space["height"] else None
        grammar = grammars.load(str(result.attrs["grammar"]), space=grid)
        target = grammar.parse(str(result.attrs["target"]), "Set").denote()
        value, _ = target.log2_size(np.random.default_rng(0))
        return float(value)
    except (KeyError, ValueError, TypeError):
        return math.nan


def line_of_other(one: Mapping[str, Any]) -> str:
    """What the same teaching set taught another learner, in words."""
    own, plain = (
        said(analysis.Interval(*(one[f"{name}{end}"] for end in ("", "_low", "_high"))))
        for name in ("g", "baseline_g")
    )
    return f"    to {one['learner']}: g {own}; {one['baseline_n']} samples of the target: {plain}"


def line_of(row: Mapping[str, Any]) -> list[str]:
    """A search in words."""

    def g(name: str) -> str:
        ends = (row[f"{name}_{end}"] for end in ("g", "g_low", "g_high"))
        return said(analysis.Interval(*ends)) + ("" if row[f"{name}_fresh"] else " (not verified)")

    if not row["found_sentence"]:
        return [f"{row['search']}: nothing found"]
    uses = ", drawn from the target" if row.get("found_uses_target") == 1 else ""
    least = f"{row['shortest_bits']:.0f} bits, g {g('shortest')}: {row['shortest_sentence']}"
    return [
        f"{row['search']} ({row['learner']}): n = {row['found_n']:.0f}, {row['found_bits']:.0f} bits{uses}, "
        f"g {g('found')}: {row['found_sentence']}",
        f"    samples of the target: n = {row['baseline_n']:.0f}, g {g('baseline')}; log2 |T| = "
        f"{row['target_entropy']:.1f} bits",
        *([f"    shortest that does not say the target: {least}"] if row["shortest_sentence"] else []),
    ]
