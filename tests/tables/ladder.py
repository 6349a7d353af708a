"""What the fidelity ladder saves, and what it costs: the same search with it and without, side by side.

PYTHONPATH=. python tests/tables/ladder.py conv --seeds 3 --folder ladders
PYTHONPATH=. python tests/tables/ladder.py conv zeros parity --evaluations 120 --folder ladders

Both look at the same number of lessons with the genetic searcher, from the same seed and with the settings
of `study.search`, by words alone (no samples of the target to begin with, no edits of single examples): where
most lessons are good from the beginning, there is nothing to foretell. Full training is that of `--trainings`
seeds, in both. The time is CPU seconds of training, sampling and measuring in one process of one thread,
all rungs together. Fronts are compared by the g of their lessons on 3 fresh seeds: the largest, and the
hypervolume over (g, log2 n) with reference (0, log2 1024). The tasks are those of tests/tables/searchers.py.

Everything lies in the folder: what is finished is not done again; a lesson that both train in full is trained
once, and its time counts for both.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from math import log2
from pathlib import Path

import numpy as np
import xarray as xr
from searchers import TASKS, Evaluations, Target, hypervolume, verified

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


def row(name: str, seed: int, runs: Sequence[tuple[xr.Dataset, list[tuple[float, float]]]]) -> str:
    """A line of the table: time, trainings and front of both, and what each rung was worth."""
    (plain, plain_front), (laddered, its_front) = runs
    spent = [float(result["seconds"].sum()) for result in (plain, laddered)]
    full = int(np.isfinite(laddered["generalization"].values).any(axis=1).sum())
    rungs = [
        f"{one['rung'].partition(' (')[0]} {one['tau']:.2f} [{one['tau_low']:.2f}, {one['tau_high']:.2f}], "
        f"{one['quarter']:.0%} of {one['quarter_chance']:.0%}{', dropped' * one['dropped']}"
        for one in json.loads(laddered.attrs["ladder"])
    ]
    cells = [
        name,
        str(seed),
        f"{spent[0]:.0f}",
        f"{spent[1]:.0f}",
        f"{spent[0] / spent[1]:.1f}",
        f"{full} of {laddered.sizes['trial']}",
        f"{max(g for g, _ in plain_front):.2f}, {max(g for g, _ in its_front):.2f}",
        f"{hypervolume(plain_front):.2f}, {hypervolume(its_front):.2f}",
        "; ".join(rungs),
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tasks", nargs="+", choices=TASKS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--evaluations", type=int, default=60, help="lessons looked at by each search")
    parser.add_argument("--trainings", type=int, default=3, help="of a lesson in full training")
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    bench.evaluate = on_the_processor
    print(
        f"{given.evaluations} lessons each, {given.trainings} seeds in full training. Of two figures the "
        "first is without the ladder; of a rung: Kendall's tau to the next, share of the true best quarter "
        "found, and by chance.\n\n"
        "| task | seed | CPU s without | CPU s with | ratio | trained in full | largest verified g | "
        "hypervolume | rungs |\n|---|---|---|---|---|---|---|---|---|"
    )
    for name in given.tasks:
        for seed in range(given.seeds):
            runs = []
            for laddered in (False, True):
                folder = given.folder / f"{name}-{seed}-{'ladder' if laddered else 'plain'}"
                folder.mkdir(parents=True, exist_ok=True)
                result = searched(TASKS[name], seed, given.evaluations, given.trainings, laddered, folder)
                known = Evaluations(given.folder / "verified.jsonl")
                runs.append((result, front(TASKS[name], result, seed, known)))
            print(row(name, seed, runs), flush=True)


if __name__ == "__main__":
    main()
