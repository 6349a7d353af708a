"""What a search says when it ends: a short table, what it means, and where to look on."""

import math
import shlex
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import xarray as xr

from study.thrift import fewer, foretold, tuning
from study.words import (
    NO_SENTENCE,
    Found,
    best,
    best_baseline,
    finite,
    found,
    front,
    meaning,
    says_nothing,
    verified_g,
)

ROWS = 8


def say(
    result: xr.Dataset,
    verified: xr.Dataset | None,
    report: Path,
    dashboard: str,
    least: xr.Dataset | None = None,
    tuned: xr.Dataset | None = None,
) -> None:
    """Print the table, its meaning, the report's path and the dashboard's command line."""
    rows = found(result, verified)
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    print()
    print("\n".join(table(shortened(result, rows))))
    print()
    others = elsewhere(verified, rows)
    if others:
        print("\n".join([*others, ""]))
    for said in (meaning(rows, str(result.attrs["learner"])), fewer(least), tuning(tuned), foretold(result)):
        if said:
            print(textwrap.fill(said, width, break_long_words=False, break_on_hyphens=False))
    print(f"\nreport     {report}\ndashboard  {reachable(dashboard)}", flush=True)


def reachable(dashboard: str) -> str:
    """The dashboard's command line as it can be typed here, or what has to be installed first."""
    program, _, rest = dashboard.partition(" ")
    if shutil.which(program):
        return dashboard
    beside = Path(sys.executable).with_name(program)
    if beside.is_file():
        return f"{shlex.quote(str(relative(beside)))} {rest}"
    return f"{dashboard}\n           after: pip install -c constraints.txt -e '.[dashboard]'"


def relative(path: Path) -> Path:
    """A path below the current folder, as short as it can be said."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def shortened(result: xr.Dataset, rows: Sequence[Found]) -> list[Found]:
    """The front (its best part where it is long), what was verified, and the best baseline; by n."""
    chosen = sorted(front(result, rows), key=lambda row: -row.g if row.trainings else math.inf)[:ROWS]
    chosen += [row for row in rows if row.fresh]
    chosen += [row for row in (best(rows), best_baseline(rows)) if row is not None]
    kept = dict.fromkeys(chosen)
    return sorted(kept, key=lambda row: (row.n, row.bits))


def elsewhere(verified: xr.Dataset | None, rows: Sequence[Found]) -> list[str]:
    """The best teaching set and the best baseline, as other learners were taught by them."""
    pair = [row for row in (best(rows), best_baseline(rows)) if row is not None and row.fresh]
    if verified is None or not pair:
        return []
    width = max(len(str(name)) for name in verified["learner"].values) + 2
    lines = [f"{'':<{width}}" + "".join(f"{row.name:<34}" for row in pair).rstrip()]
    for other in map(str, verified["learner"].values):
        values = verified_g(verified, other)
        shown = [
            replace(row, trainings=finite(values[row.sentence])).interval
            if not (reason := said_nothing(verified, other, row.sentence))
            else reason
            for row in pair
        ]
        lines.append(f"{other:<{width}}" + "".join(f"{one:<34}" for one in shown).rstrip())
    return lines if len(lines) > 2 else []


def said_nothing(verified: xr.Dataset, learner: str, sentence: str) -> str:
    """Where a sentence says nothing on a learner's grid: so in a word; else nothing."""
    place = list(map(str, verified["sentence"].values)).index(sentence)
    failures = verified["failure"].sel(learner=learner).isel(sentence=place).values
    reason = next((str(one) for one in failures if str(one)), "")
    return NO_SENTENCE if says_nothing(reason) else ""


def table(rows: Sequence[Found]) -> list[str]:
    """Rows of n, bits, g with its interval and whether it is verified, sentence."""
    width = max((len(row.told) for row in rows), default=0)
    lines = [f"{'n':>4} {'bits':>5}  {'g':<{width}} {'':<8}  sentence"]
    for row in rows:
        origin = "" if row.origin == "search" else "baseline"
        # a sentence stays in one piece, so that it can be copied
        lines.append(f"{row.n:>4} {row.bits:>5.0f}  {row.told:<{width}} {origin:<8}  {row.sentence}")
    return lines
