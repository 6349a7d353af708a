"""What the fidelity ladder saves, and what it costs: the same search with it and without, side by side.

PYTHONPATH=. python tests/tables/ladder.py conv --seeds 2 --first-seed 1 --evaluations 160 \
    --data study/results/ladder
PYTHONPATH=. python tests/tables/ladder.py zeros polygons --evaluations 60 --data study/results/ladder

Both look at the same number of lessons with the genetic searcher, from the same seed and with the settings
of `study.search`, by words alone (no samples of the target to begin with, no edits of single examples): where
most lessons are good from the beginning, there is nothing to foretell. Full training is that of `--trainings`
seeds, in both. The time is CPU seconds of training, sampling and measuring in one process of one thread,
all rungs together. Fronts are compared by the g of their lessons on 3 fresh seeds: the largest, and the
hypervolume over (g, log2 n) with reference (0, log2 1024). The tasks are those of tests/tables/searchers.py.

The searches lie in `--folder`, what they took and found in that of `--data`: what is finished is not done
again. A lesson that both train in full is trained once, and its time counts for both.
"""

import argparse
import json
import time
from dataclasses import replace
from math import log2
from pathlib import Path

import numpy as np
import xarray as xr
from searchers import TASKS, Evaluations, Results, Target, hypervolume, verified

import grammars
import search
from search import bench
from search.evaluation import Outcome, Task, evaluate
from search.searcher import Evaluated


def on_the_processor(task: Task) -> Outcome:
    """An evaluation whose seconds are CPU seconds."""
    began = time.process_time()
    outcome = evaluate(task)
    return replace(outcome, seconds=time.process_time() - began)


def searched(
    task: Target, seed: int, budget: int, trainings: int, laddered: bool, folder: Path
) -> xr.Dataset:
    """One search, resumed where it stopped."""
    objective = replace(task.objective(seed), seeds=trainings)
    grammar = grammars.load(task.grammar, objective.space)
    with (
        search.start(0) as workers,
        search.open_ledger(
            f"sqlite:///{folder / 'optuna.db'}",
            folder / "artifacts",
            "search",
            objective.content(),
            cache=search.open_cache(str(folder.parent / "cache")),
        ) as book,
    ):
        ladder = search.ladder_of(objective) if laddered else None
        return search.minimise(
            objective,
            grammar,
            search.load("genetic", from_target=0.0, edits=0.0),
            budget,
            book,
            workers,
            ladder=ladder,
        )


def front(task: Target, result: xr.Dataset, seed: int, known: Evaluations) -> list[tuple[float, float]]:
    """(g on fresh seeds, log2 n) of the lessons on the front."""
    grammar = grammars.load(task.grammar, task.objective(seed).space)
    points = []
    for place in np.flatnonzero(result["on_front_n"].values):
        sentence = grammar.parse(str(result["sentence"].values[place]), "Lesson")
        n, g = int(result["n"].values[place]), float(result["generalization"].values[place].mean())
        one = Evaluated(int(place), sentence, 0, (), n, g)
        points.append((verified(task, one, seed, known), log2(n)))
    return points


def measured(
    name: str, seed: int, budget: int, trainings: int, laddered: bool, folder: Path
) -> dict[str, float | str]:
    """What one search took and found."""
    own = folder / f"{name}-{seed}-{'ladder' if laddered else 'plain'}"
    own.mkdir(parents=True, exist_ok=True)
    result = searched(TASKS[name], seed, budget, trainings, laddered, own)
    points = front(TASKS[name], result, seed, Evaluations(folder / "verified.jsonl"))
    rungs = [
        f"{one['rung'].partition(' (')[0]} {one['tau']:.2f} [{one['tau_low']:.2f}, {one['tau_high']:.2f}], "
        f"{one['quarter']:.0%} of {one['quarter_chance']:.0%}{', dropped' * one['dropped']}"
        for one in json.loads(result.attrs.get("ladder", "[]"))
    ]
    return {
        "seconds": float(result["seconds"].sum()),
        "full": int(np.isfinite(result["generalization"].values).any(axis=1).sum()),
        "best_g": max((g for g, _ in points), default=0.0),
        "hypervolume": hypervolume(points),
        "rungs": "; ".join(rungs),
    }


def line(name: str, seed: int, plain: dict, laddered: dict) -> str:
    """A line of the table: time, trainings and front of both, and what each rung was worth."""
    cells = [
        name,
        str(seed),
        f"{plain['seconds']:.0f}",
        f"{laddered['seconds']:.0f}",
        f"{plain['seconds'] / laddered['seconds']:.1f}",
        f"{laddered['full']} of {laddered['budget']}",
        f"{plain['best_g']:.2f}, {laddered['best_g']:.2f}",
        f"{plain['hypervolume']:.2f}, {laddered['hypervolume']:.2f}",
        laddered["rungs"],
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tasks", nargs="+", choices=TASKS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=60, help="lessons looked at by each search")
    parser.add_argument("--trainings", type=int, default=3, help="of a lesson in full training")
    parser.add_argument("--folder", type=Path, default=Path("ladders"), help="of the searches")
    parser.add_argument("--data", type=Path, help="folder of results, read and written")
    given = parser.parse_args()
    bench.evaluate = on_the_processor
    print(
        f"{given.evaluations} lessons each, {given.trainings} seeds in full training. Of two figures the "
        "first is without the ladder; of a rung: Kendall's tau to the next, share of the true best quarter "
        "found, and by chance.\n\n"
        "| task | seed | CPU s without | CPU s with | ratio | trained in full | largest verified g | "
        "hypervolume | rungs |\n|---|---|---|---|---|---|---|---|---|"
    )
    if given.data:
        given.data.mkdir(parents=True, exist_ok=True)
    for name in given.tasks:
        results = Results(given.data / f"{name}.nc" if given.data else None, "What a ladder saves", "ladder")
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            both = []
            for laddered in (False, True):
                what = {
                    "task": name,
                    "searcher": "with a ladder" if laddered else "without a ladder",
                    "seed": seed,
                    "budget": given.evaluations,
                }
                found = results.get(**what)
                if found is None or found["trained"] != given.trainings:
                    what["trained"] = given.trainings
                    found = what | measured(
                        name, seed, given.evaluations, given.trainings, laddered, given.folder
                    )
                    results.add(found)
                both.append(found)
            print(line(name, seed, *both), flush=True)


if __name__ == "__main__":
    main()
