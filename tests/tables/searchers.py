"""Every searcher at equal numbers of distinct full trainings: the comparison of the room `search`.

make compare
PYTHONPATH=. python tests/tables/searchers.py region --seeds 10 --first-seed 10 --evaluations 200 \
    --searchers genetic iid --data study/results/searchers
PYTHONPATH=. python tests/tables/searchers.py machine --seeds 2 --evaluations 8 --searchers random iid

**Fixed beforehand.** The primary measure is the number of trainings until a lesson reaches g0, the task's
threshold: lessons are taken in the order of proposal; each that is better than all before it in the search's
own g is taught again with 3 fresh seeds, equal for all searchers, and counts when the mean of those reaches
g0. A search that never does has the budget + 1 (censored, and shown so). Beside it the hypervolume of
(g, log2 n) with reference (0, log2 1024), over the search's own front with the verified g of each lesson on
it: in units of g times octaves, 10 at most. Seeds are paired: seed i gives every searcher equal trainings for
equal lessons. Each searcher is held against `genetic` by an exact permutation test of the paired differences
(sign flips; two-sided), corrected by Holm within a task and a measure.

**Added afterwards**, when the tables of 40 trainings were known: the smallest n on the same front whose
verified g reaches g0, compared on the scale of log2.

What is finished is in the folder of `--data`, a netCDF file for each task, and is not done again; markdown is
printed at the end. Each training is kept beside it (`.jsonl`), so that searchers which propose the same
lesson share it: the budget counts it for each of them.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log2
from pathlib import Path

import numpy as np
import xarray as xr

import grammars
import search
from search.evaluation import Objective, Outcome, Task, evaluate
from search.searcher import Admission, Candidate, Evaluated, Problem
from search.verification import fresh_seed

FRESH = 3  # seeds of a verified g
MOST = log2(1024)
NONE = 2048  # of a search in which no lesson reaches g0: more than any has
AGAINST = "genetic"
EXACT = 16  # seeds up to which all sign flips are listed


@dataclass(frozen=True)
class Target:
    """One task: what is taught, to whom, and the g0 that is to be reached."""

    grammar: str
    target: str
    learner: str
    g0: float
    settings: tuple[tuple[str, int | float | str | bool | None], ...] = ()
    side: int = 8

    def objective(self, seed: int) -> Objective:
        space = grammars.Grid(self.side, self.side)
        return Objective(
            self.grammar, space, self.target, self.learner, self.settings, seed=seed, paired=False
        )


MACHINE = ("equivariant_local", (("patch", 5),))
DOTS = "dots(k=between(1, 4))"
TASKS = {
    "machine": Target("dots", DOTS, MACHINE[0], 0.8, MACHINE[1]),
    "conv": Target("dots", DOTS, "conv", 0.8),
    "zeros": Target("dots", DOTS, "conv", 0.6, (("padding", "zeros"),)),
    "parity": Target("dots", "dots(k=multiple_of(2))", MACHINE[0], 0.5, MACHINE[1]),
    "large": Target("dots", DOTS, MACHINE[0], 0.8, MACHINE[1], side=12),
    "region": Target(
        "dots", "dots(k=between(1, 3), region=half('left'))", "boundary_broken", 0.5, (("patch", 5),)
    ),
    # Short training, because the usual one costs 25 s: g0 is what 64 samples reach with it.
    "polygons": Target(
        "polygons",
        "convex(vertices=between(3, 6))",
        "vertices",
        0.65,
        (("balance", False), ("sampler_steps", 16), ("steps", 200)),
        side=10,
    ),
}
SEARCHERS = {
    "genetic": ("genetic", {}),
    "genetic, words only": ("genetic", {"from_target": 0.0, "edits": 0.0}),
    "genetic, no edits": ("genetic", {"edits": 0.0}),
    "tpe": ("optuna", {"sampler": "tpe"}),
    "nsga2": ("optuna", {"sampler": "nsga2"}),
    "gp": ("optuna", {"sampler": "gp"}),
    "cmaes": ("optuna", {"sampler": "cmaes"}),
    "annealing": ("annealing", {}),
    "swarm": ("swarm", {}),
    "enumeration": ("enumeration", {}),
    "random": ("random", {}),
    "iid": ("iid", {}),
}


class Evaluations:
    """Outcomes by objective and sentence in a file of JSON lines, each written as soon as it is found."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, float] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                try:
                    self._known.update(json.loads(line))
                except ValueError:  # cut off in the middle of a write
                    continue

    def g(self, objective: Objective, key: str, sentence: str) -> float:
        """Generalization; NaN where the training failed."""
        if key not in self._known:
            outcome: Outcome = evaluate(Task(objective, sentence))
            if outcome.lost:
                raise SystemExit(f"{sentence}: {outcome.failure}")
            self._known[key] = outcome.g
            if self._path is not None:
                with self._path.open("a") as file:
                    file.write(json.dumps({key: outcome.g}) + "\n")
        return self._known[key]


def searched(task: Target, name: str, seed: int, budget: int, known: Evaluations) -> list[Evaluated]:
    """The search as `search.minimise` does it, without baselines, one training after the other."""
    objective = task.objective(seed)
    grammar = grammars.load(task.grammar, objective.space)
    kind, settings = SEARCHERS[name]
    searcher = search.load(kind, **settings)
    history: list[Evaluated] = []
    taken: set[str] = set()
    looked_at: dict[str, Candidate | None] = {}
    while len(history) < budget:
        generation = 1 + max((one.generation for one in history), default=-1)
        problem = Problem(grammar, seed, Admission(objective, taken, looked_at=looked_at))
        batch: list[Evaluated] = []
        for proposal in searcher.propose(problem, tuple(history)):
            one = proposal.candidate
            g = known.g(objective, one.key, str(one.sentence))
            place = len(history) + len(batch)
            batch.append(Evaluated(place, one.sentence, generation, proposal.parents, one.n, g))
            taken.add(one.key)
            if len(history) + len(batch) == budget:
                break
        if not batch:
            break
        history += batch
    return history


def verified(task: Target, one: Evaluated, seed: int, known: Evaluations) -> float:
    """Mean g over fresh seeds, the same for all lessons and searchers."""
    found = []
    for number in range(FRESH):
        fresh = replace(task.objective(seed), seed=fresh_seed(seed, number), paired=True)
        candidate = Admission(fresh, ()).look(one.sentence)
        assert candidate is not None
        found.append(known.g(fresh, candidate.key, str(one.sentence)))
    return float(np.nan_to_num(found).mean())


def measured(task: Target, history: Sequence[Evaluated], seed: int, budget: int, known: Evaluations) -> dict:
    """What is compared, and how many verifications it took."""
    best, until, again = -1.0, budget + 1, dict[int, float]()
    for place, one in enumerate(history):
        if not one.failed and one.g > best:
            best = one.g
            again[place] = verified(task, one, seed, known)
            if again[place] >= task.g0 and until > budget:
                until = place + 1
    front = search.non_dominated([[one.g, one.n] for one in history], [1, -1])
    points = []
    for place in np.flatnonzero(front):
        g = again[int(place)] if int(place) in again else verified(task, history[place], seed, known)
        points.append((g, log2(history[place].n), str(history[place].sentence)))
    top = max(points, default=(0.0, 0.0, ""))
    return {
        "until": until,
        "hypervolume": hypervolume([(g, octaves) for g, octaves, _ in points]),
        "smallest": min((round(2**octaves) for g, octaves, _ in points if g >= task.g0), default=NONE),
        "best_g": top[0],
        "best_n": round(2 ** top[1]),
        "best_sentence": top[2],
        "trainings": len(history),
    }


def hypervolume(points: Sequence[tuple[float, float]]) -> float:
    """Area in (g, log2 n) that the points dominate, reference (0, log2 1024): a staircase from small n."""
    area, height = 0.0, 0.0
    steps = sorted(points, key=lambda point: point[1])
    for place, (g, _) in enumerate(steps):
        height = max(height, g)
        end = steps[place + 1][1] if place + 1 < len(steps) else MOST
        area += height * (end - steps[place][1])
    return area


def permutation(differences: np.ndarray) -> float:
    """Two-sided p of a mean of paired differences under exchange of signs; exact up to 16 pairs."""
    n = len(differences)
    if n <= EXACT:
        signs = np.array(list(product((1, -1), repeat=n)))
    else:
        signs = np.random.default_rng(0).choice([1, -1], size=(2**EXACT, n))
        signs[0] = 1
    means = np.abs(signs @ differences)
    return float((means >= abs(differences.sum()) - 1e-12).mean())


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979)."""
    order = np.argsort(values)
    corrected = np.array(values, float)[order] * np.arange(len(values), 0, -1)
    found = np.empty(len(values))
    found[order] = np.minimum(np.maximum.accumulate(corrected), 1.0)
    return found.tolist()


class Results:
    """Measures by task, searcher, seed and budget in one netCDF file, written whole after each search."""

    def __init__(
        self, path: Path | None, title: str = "Searchers compared", made_by: str = "searchers"
    ) -> None:
        self.path = path
        self._attributes = {"title": title, "made_by": f"tests/tables/{made_by}.py"}
        self.rows: list[dict] = []
        if path is not None and path.exists():
            with xr.open_dataset(path) as data:
                loaded = data.load()
            names = [str(name) for name in loaded.data_vars]
            self.rows = [
                {name: loaded[name].values[row].item() for name in names}
                for row in range(loaded.sizes["search"])
            ]

    def get(self, task: str, searcher: str, seed: int, budget: int) -> dict | None:
        wanted = {"task": task, "searcher": searcher, "seed": seed, "budget": budget}
        return next((row for row in self.rows if wanted.items() <= row.items()), None)

    def add(self, row: dict) -> None:
        self.rows.append(row)
        if self.path is None:
            return
        units = {
            "until": "trainings",
            "trainings": "trainings",
            "hypervolume": "g octaves",
            "budget": "trainings",
            "smallest": "examples",
            "seconds": "s",
            "trained": "trainings",
            "full": "lessons",
        }
        data = xr.Dataset(
            {
                name: ("search", np.array([one[name] for one in self.rows]), {"units": units.get(name, "1")})
                for name in row
            },
            attrs=self._attributes,
        )
        beside = self.path.with_suffix(".new")
        data.to_netcdf(beside)
        os.replace(beside, self.path)


def each(values: Sequence[int], most: int) -> str:
    """The median of counts and all of them; what is above `most` is not known."""
    shown = ", ".join(f">{most}" if value > most else str(value) for value in sorted(values))
    middle = float(np.median(values))
    return f"{f'>{most}' if middle > most else f'{middle:g}'} ({shown})"


def table(name: str, rows: Sequence[Sequence[dict]], labels: Sequence[str], budget: int) -> str:
    """One task in markdown; `rows[searcher][seed]`."""
    task, seeds = TASKS[name], len(rows[0])
    compared = [place for place, label in enumerate(labels) if label != AGAINST]
    p: dict[str, dict[int, float]] = {}
    for measure in ("until", "smallest", "hypervolume"):
        if AGAINST not in labels:
            p[measure] = {}
            continue
        seen = np.array([[one[measure] for one in those] for those in rows], float)
        seen = np.log2(seen) if measure == "smallest" else seen
        raw = [permutation(seen[place] - seen[labels.index(AGAINST)]) for place in compared]
        p[measure] = dict(zip(compared, holm(raw), strict=True))
    lines = [
        f"**{name}**: {task.target} on {task.side}x{task.side} taught to `{task.learner}`"
        f"{''.join(f', {key} {value}' for key, value in task.settings)}; g0 = {task.g0}; "
        f"{seeds} paired seeds, {budget} trainings each. "
        f"p is against `{AGAINST}`, by Holm for {len(compared)} comparisons.",
        "",
        "| searcher | trainings until g0: median (each) | p | smallest n with g0: median (each) | p | "
        "hypervolume: mean (least–greatest) | p | best verified g: mean | median n of it |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for place, label in enumerate(labels):
        volume = [one["hypervolume"] for one in rows[place]]

        def corrected(measure: str, place: int = place) -> str:
            return f"{p[measure][place]:.3f}" if place in p[measure] else "–"

        cells = [
            f"`{label}`",
            each([one["until"] for one in rows[place]], budget),
            corrected("until"),
            each([one["smallest"] for one in rows[place]], 1024),
            corrected("smallest"),
            f"{np.mean(volume):.2f} ({min(volume):.2f}–{max(volume):.2f})",
            corrected("hypervolume"),
            f"{np.mean([one['best_g'] for one in rows[place]]):.3f}",
            f"{np.median([one['best_n'] for one in rows[place]]):g}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tasks", nargs="+", choices=TASKS, help="what is taught, and to whom")
    parser.add_argument("--searchers", nargs="+", choices=SEARCHERS, default=list(SEARCHERS))
    parser.add_argument("--seeds", type=int, default=10, help="paired seeds")
    parser.add_argument("--first-seed", type=int, default=0, help="seeds not used for finding a setting")
    parser.add_argument("--evaluations", type=int, default=40, help="distinct trainings of each search")
    parser.add_argument("--data", type=Path, help="folder of results, read and written")
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    for name in given.tasks:
        if given.data:
            given.data.mkdir(parents=True, exist_ok=True)
        known = Evaluations(given.data / f"{name}.jsonl" if given.data else None)
        results = Results(given.data / f"{name}.nc" if given.data else None)
        for seed, label in product(seeds, given.searchers):
            if results.get(name, label, seed, given.evaluations) is None:
                history = searched(TASKS[name], label, seed, given.evaluations, known)
                found = measured(TASKS[name], history, seed, given.evaluations, known)
                results.add(
                    {"task": name, "searcher": label, "seed": seed, "budget": given.evaluations} | found
                )
        rows = [
            [results.get(name, label, seed, given.evaluations) or {} for seed in seeds]
            for label in given.searchers
        ]
        print(table(name, rows, given.searchers, given.evaluations), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
