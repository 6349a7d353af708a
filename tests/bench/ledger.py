"""What the search itself costs: opening a ledger of many trials, replaying a search, each evaluation.

    PYTHONPATH=. python tests/bench/ledger.py                 # CPU seconds of this process, as markdown
    PYTHONPATH=. python tests/bench/ledger.py starting 20000  # until a search of so many trials goes on

The trials are copies of one that the ledger wrote, with keys of their own. The learner of the second part
is a stub whose training takes no time, so that what is left is driver, ledger and artifacts.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import sqlalchemy

import grammars
import search
from search.evaluation import Outcome, Task
from search.ledger import Entry
from search.pictures import Pictures
from search.rows import CURVES, PARAMS, SYSTEM, TRIALS, USER, VALUES
from study.learn_settings import again

TRIALS_COPIED = 20_000
EVALUATIONS = 60
REPLAYED = 600
SIZES = (1, 16, 256)
MEASURES = [
    *("generalization", "validity", "coverage", "copy_rate", "novelty", "novelty_orbit", "crisp", "steps"),
    *("near_copy_rate", "g_support", "distinct", "repeats", "support", "evenness", "seconds", "loss"),
]


def filled(folder: Path, count: int) -> str:
    """A ledger with `count` finished trials; its URL."""
    url = f"sqlite:///{folder / 'optuna.db'}"
    rng = np.random.default_rng(0)
    outcome = Outcome(
        f"{0:064x}",
        8,
        {name: (float(rng.random()),) for name in MEASURES},
        {name: (tuple(rng.random(4)),) for name in ("valid", "distinct", "expected", "covered")},
        {k: f"{k} dots" for k in range(1, 5)},
        seconds=5.0,
        pictures=Pictures(rng.random((8, 8, 8)) < 0.3, rng.random((1, 32, 8, 8)).astype(np.float32)),
        curve={50 * (place + 1): 1 / (place + 1) for place in range(12)},
    )
    entry = Entry(f"{0:064x}", 0, "take(8, dots(k=2), seed=0)", 8, 31.7, "search", 1, (0, 3))
    with search.open_ledger(url, folder / "artifacts", "search", {}) as book:
        trial = book.start(entry)
        assert trial is not None
        book.finish(trial, entry, outcome)
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for table, own in (
            (TRIALS, "trial_id"),
            (PARAMS, "param_id"),
            (VALUES, "trial_value_id"),
            (CURVES, "trial_intermediate_value_id"),
            (USER, "trial_user_attribute_id"),
            (SYSTEM, "trial_system_attribute_id"),
        ):
            rows = [dict(row._mapping) for row in connection.execute(sqlalchemy.select(table))]
            copies = []
            for number in range(1, count):
                for row in rows:
                    copy = {name: value for name, value in row.items() if name != own}
                    copy["trial_id"] = trial + number
                    copy |= {"number": number} if table is TRIALS else {}
                    if row.get("key") == "key":
                        copy["value_json"] = f'"{number:064x}"'
                    copies.append(copy)
            if copies:
                connection.execute(table.insert(), copies)
    engine.dispose()
    return url


def opening(folder: Path) -> tuple[float, int]:
    """CPU seconds until a ledger of so many trials is open, and how many outcomes it has."""
    url = filled(folder, TRIALS_COPIED)
    began = time.process_time()
    with search.open_ledger(url, folder / "artifacts", "search", {}) as book:
        return time.process_time() - began, len(book.outcomes)


AT_WORK = [0.0]  # CPU seconds of the stub, which are a worker's and not the driver's


def stub(tasks: Sequence[Task]) -> tuple[list[Outcome], str]:
    """An outcome of the usual size, without any training."""
    began = time.process_time()
    (task,) = tasks
    objective = task.objective
    grammar = grammars.load(objective.grammar, space=objective.space)
    examples = search.evaluation.canonical(grammar.parse(task.sentence, "Lesson").denote())
    key = search.evaluation.content_key(objective, examples)
    rng = np.random.default_rng(int(key[:8], 16))
    height, width = objective.space.shape
    samples = np.where(rng.random((1, 32, height, width)) < 0.1, 1.0, 0.0)
    samples += 0.01 * rng.standard_normal(samples.shape)
    outcome = Outcome(
        key,
        len(examples),
        {name: (float(rng.random()),) for name in MEASURES},
        {name: (tuple(rng.random(4)),) for name in ("valid", "distinct", "expected", "covered")},
        {k: f"{k} dots" for k in range(1, 5)},
        seconds=5.0,
        uses_target=False,
        pictures=Pictures(examples, samples.astype(np.float32)),
        curve={50 * (place + 1): 1 / (place + 1) for place in range(12)},
    )
    AT_WORK[0] += time.process_time() - began
    return [outcome], "stub"


def beside_training(folder: Path, name: str, space: grammars.Grid) -> float:
    """CPU seconds of one evaluation without training, at default settings: a whole search, shared out."""
    grammar = grammars.load(name, space=space)
    baselines = search.iid(grammar, str(grammar.target), 0)
    (folder / "before").mkdir()
    searching(folder / "before", grammar, 1)  # what is loaded once
    return searching(folder, grammar, EVALUATIONS, baselines) / (EVALUATIONS + len(baselines))


def training(name: str, space: grammars.Grid) -> float:
    """CPU seconds to teach and measure one sample of the target at default settings: the mean of three."""
    target = str(grammars.load(name, space=space).target)
    objective = search.Objective(name, space, target, "conv")
    search.evaluate(Task(objective, f"take(1, {target}, seed=1)"))  # what is loaded once
    began = time.process_time()
    for n in SIZES:
        search.evaluate(Task(objective, f"take({n}, {target}, seed=0)"))
    return (time.process_time() - began) / len(SIZES)


def replaying(folder: Path) -> float:
    """CPU seconds of each trial of a finished search that is asked for again: read, not trained."""
    grammar = grammars.load("dots")
    searching(folder, grammar, REPLAYED)
    return searching(folder, grammar, REPLAYED) / REPLAYED


def starting(folder: Path, count: int) -> float:
    """CPU seconds until a search of so many finished trials, asked for one more, has it evaluated."""
    grammar = grammars.load("dots")
    searching(folder, grammar, count)
    began: list[float] = []

    def noted(tasks: Sequence[Task]) -> tuple[list[Outcome], str]:
        began.append(time.process_time())
        return stub(tasks)

    start = time.process_time()
    searching(folder, grammar, count + 1, work=noted)
    return began[0] - start


def searching(
    folder: Path,
    grammar: grammars.Grammar,
    count: int,
    baselines: Sequence[grammars.Sentence] = (),
    work: Callable[[Sequence[Task]], tuple[list[Outcome], str]] = stub,
) -> float:
    """CPU seconds of a search without training."""
    from search import bench

    objective = search.Objective(grammar.name, grammar.space, str(grammar.target), "conv")
    bench.at_work = work
    url = f"sqlite:///{folder / 'optuna.db'}"
    AT_WORK[0] = 0.0
    began = time.process_time()
    with (
        search.start(0) as pool,
        search.open_ledger(url, folder / "artifacts", "search", objective.content(), again=again) as book,
    ):
        search.minimise(objective, grammar, search.load("genetic"), count, book, pool, baselines=baselines)
    return time.process_time() - began - AT_WORK[0]


def main() -> None:
    """Print the figures."""
    import torch

    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp())
    try:
        for part in ("many", "replay", "dots", "polygons"):
            (folder / part).mkdir()
        if "opening" in sys.argv or len(sys.argv) == 1:
            seconds, outcomes = opening(folder / "many")
            print(f"| opening a ledger of {outcomes:,} trials | {seconds:.2f} s |", flush=True)
        if "replaying" in sys.argv or len(sys.argv) == 1:
            each = replaying(folder / "replay")
            print(f"| a trial of {REPLAYED} read again | {1000 * each:.1f} ms |", flush=True)
        if "starting" in sys.argv:  # minutes, most of them to write the trials
            count = int(sys.argv[-1]) if sys.argv[-1].isdigit() else TRIALS_COPIED
            (folder / "starting").mkdir()
            seconds = starting(folder / "starting", count)
            print(f"| until a search of {count:,} trials goes on | {seconds:.2f} s |", flush=True)
        for name, side in (("dots", 8), ("polygons", 10)):
            if name in sys.argv or len(sys.argv) == 1:
                space = grammars.Grid(side, side)
                each, taught = beside_training(folder / name, name, space), training(name, space)
                print(
                    f"| an evaluation on {name} beside its training | {1000 * each:.1f} ms, "
                    f"{each / taught:.1%} of {taught:.2f} s |",
                    flush=True,
                )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
