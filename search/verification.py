"""Verification: the best of the front, taught again with fresh seeds to several learners, beside baselines.

What a search says of its own winners is too good: they were chosen among many for a lucky training. Here
each sentence is taught with seeds that the search never used. Seed number i gives all sentences equal
first weights and equal noise, so that their differences are paired. Each cell of (sentence, learner, seed)
is a trial of a second study in the same storage, so an interrupted verification goes on.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

import analysis
import grammars
from search.bench import Bench, Job, Row, interruptible
from search.choice import Chosen, choose
from search.errors import SearchError
from search.evaluation import Objective, Outcome, Task, canonical, content_key
from search.ledger import Entry, Ledger
from search.result import kept_samples, labelled, measured, origin_attributes, stratum_coordinates

logger = logging.getLogger(__name__)

STUDY = "verify"
Cell = tuple[int, int, int]  # sentence, learner, seed


@dataclass(frozen=True)
class Standing:
    """How far a verification is; `seconds_left` is None until there is something to go by."""

    done: int
    total: int
    seconds_left: float | None


def verify(
    result: xr.Dataset,
    grammar: grammars.Grammar,
    learners: Mapping[str, Objective],
    seeds: int,
    ledger: Ledger,
    workers: Executor,
    *,
    sentences: int = 3,
    baselines: int = 2,
    seeds_of_others: int | None = None,
    progress: Callable[[Standing], None] | None = None,
) -> xr.Dataset:
    """Teach the chosen sentences (`search.choice`) to every learner with `seeds` fresh seeds: `verified.nc`.

    learners: an objective for each, by the name it is shown with (`objective.taught_to(name, settings)`);
    one that cannot learn examples of this shape is left out with a warning. `seeds_of_others` is the number
    of seeds of all but the first, where it is smaller: what they lack is NaN. Dimensions: sentence, learner,
    seed, stratum; `g`, `g_low`, `g_high` are the t-interval over seeds on the logit scale; `difference`,
    `difference_low`, `difference_high` over (sentence, baseline, learner) that of the paired differences.
    Ctrl-C begins nothing new: what is missing is NaN, and the attribute `stopped` is "interrupted".
    """
    if seeds < 1:
        raise SearchError(f"`verify.seeds >= 1` must hold, but got verify.seeds={seeds}")
    pupils = {name: objective for name, objective in learners.items() if _can_learn(name, objective, grammar)}
    chosen = choose(result, sentences, baselines)
    each = [seeds] + [min(seeds, seeds_of_others or seeds)] * (len(pupils) - 1)
    jobs = _jobs(chosen, grammar, list(pupils.values()), each)
    book = ledger.sibling(STUDY, {"grammar": grammar.name, "space": str(grammar.space)})

    def note(row: Row) -> None:
        if progress is not None:
            left, pace = len(jobs) - len(bench.rows), bench.seconds_per_training
            progress(Standing(len(bench.rows), len(jobs), None if pace is None else pace * left))

    finished = False
    with interruptible() as asked, Bench(book, workers, asked, note) as bench:
        finished = bench.run(list(jobs.values()))
    rows = {cell: bench.rows.get(job.entry.index) for cell, job in jobs.items()}
    dataset = _dataset(chosen, list(pupils), seeds, rows, book, tuple(grammar.space.shape))
    first = next(iter(learners.values()))
    return dataset.assign_attrs(
        origin_attributes(first, "What the best lessons taught again, with fresh seeds")
        | {"stopped": "" if finished else "interrupted", "learners": ", ".join(pupils), "seeds": seeds}
    )


def _can_learn(name: str, objective: Objective, grammar: grammars.Grammar) -> bool:
    import models

    learner = models.load(objective.learner, **dict(objective.settings))
    reason = learner.supports(tuple(grammar.space.shape))
    if reason is not None:
        logger.warning("%s is left out of the verification: %s", name, reason)
    return reason is None


def _jobs(
    chosen: Sequence[Chosen], grammar: grammars.Grammar, learners: Sequence[Objective], seeds: Sequence[int]
) -> dict[Cell, Job]:
    """All cells, seed by seed, so that an early stop leaves whole seeds; `seeds` of each learner."""
    lessons = [canonical(grammar.parse(one.sentence, type="Lesson").denote()) for one in chosen]
    jobs: dict[Cell, Job] = {}
    for seed, learner, sentence in product(range(max(seeds)), range(len(learners)), range(len(chosen))):
        if seed >= seeds[learner]:
            continue
        one, objective = chosen[sentence], learners[learner]
        fresh = replace(objective, seed=fresh_seed(objective.seed, seed), seeds=1, paired=True)
        entry = Entry(
            key=content_key(fresh, lessons[sentence]),
            index=len(jobs),
            sentence=one.sentence,
            n=one.n,
            bits=one.bits,
            origin=one.origin,
            parents=(one.trial,),
            extra={"role": one.role, "learner": objective.learner, "seed": seed},
        )
        jobs[sentence, learner, seed] = Job(entry, Task(fresh, one.sentence))
    return jobs


def fresh_seed(search_seed: int, number: int) -> int:
    """The seed of all trainings of this number, one that no evaluation of the search had."""
    text = f"verify {search_seed} {number}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _dataset(
    chosen: Sequence[Chosen],
    learners: Sequence[str],
    seeds: int,
    rows: Mapping[Cell, Row | None],
    ledger: Ledger,
    shape: tuple[int, ...],
) -> xr.Dataset:
    cells = list(product(range(len(chosen)), range(len(learners)), range(seeds)))
    sizes = (len(chosen), len(learners), seeds)
    dims = ("sentence", "learner", "seed")
    missing = Outcome("", 0, failure="not done")
    found = [rows.get(cell) for cell in cells]
    outcomes = [missing if row is None else row.outcome for row in found]
    variables = measured(outcomes, dims, sizes, None)
    variables["seconds"] = _cells(
        dims, sizes, [o.seconds for o in outcomes], "duration of an evaluation", "s"
    )
    variables["failure"] = _cells(
        dims, sizes, [o.failure or "" for o in outcomes], "why nothing was measured"
    )
    if "generalization" in variables:
        g = variables["generalization"][1]
        variables |= _intervals(g) | _differences(g, [one.origin == "iid" for one in chosen])
    variables |= kept_samples(
        shape, dims, sizes, [None if row is None else row.entry.key for row in found], ledger
    )
    return xr.Dataset(variables, coords=_coordinates(chosen, learners) | stratum_coordinates(outcomes))


def _cells(
    dims: tuple[str, ...], sizes: tuple[int, ...], values: list[Any], meaning: str, units: str = "1"
) -> Any:
    return labelled(dims, np.array(values).reshape(sizes), meaning, units)


def _coordinates(chosen: Sequence[Chosen], learners: Sequence[str]) -> dict[str, Any]:
    def of_sentences(values: list[Any], meaning: str, units: str = "1") -> Any:
        return labelled("sentence", np.array(values), meaning, units)

    return {
        "sentence": of_sentences([one.sentence for one in chosen], "the lesson as a sentence"),
        "learner": labelled("learner", np.array(list(learners), dtype=str), "who was taught"),
        "role": of_sentences([one.role for one in chosen], "why it was chosen"),
        "origin": of_sentences([one.origin for one in chosen], "search, or iid for samples of the target"),
        "trial": of_sentences([one.trial for one in chosen], "its trial in result.nc"),
        "n": of_sentences([one.n for one in chosen], "number of distinct training examples", "examples"),
        "bits": of_sentences([one.bits for one in chosen], "length of the sentence", "bit"),
        "baseline": labelled(
            "baseline", np.array([one.n for one in chosen if one.origin == "iid"], dtype=np.int64),
            "number of i.i.d. samples", "examples",
        ),
    }  # fmt: skip


def _intervals(g: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The t-interval of g over seeds; NaN where a cell has no finished seed."""
    ends = np.full((3, *g.shape[:2]), np.nan)
    for place in np.ndindex(*g.shape[:2]):
        values = g[place][np.isfinite(g[place])]
        if len(values):
            ends[(slice(None), *place)] = analysis.logit_interval(values)
    dims = ("sentence", "learner")
    return {
        "g": labelled(dims, ends[0], "generalization over fresh seeds"),
        "g_low": labelled(dims, ends[1], "lower end of the 95% t-interval of g"),
        "g_high": labelled(dims, ends[2], "upper end of the 95% t-interval of g"),
    }


def _differences(g: np.ndarray[Any, Any], is_baseline: Sequence[bool]) -> dict[str, Any]:
    """The paired differences of g to each baseline, over the seeds that both have."""
    baselines = np.flatnonzero(is_baseline)
    ends = np.full((3, len(g), len(baselines), g.shape[1]), np.nan)
    for sentence, column, learner in np.ndindex(*ends.shape[1:]):
        first, second = g[sentence, learner], g[baselines[column], learner]
        both = np.isfinite(first) & np.isfinite(second)
        if both.any():
            ends[:, sentence, column, learner] = analysis.paired_difference(first[both], second[both])
    dims = ("sentence", "baseline", "learner")
    return {
        "difference": labelled(dims, ends[0], "g of the sentence less that of the baseline, mean over seeds"),
        "difference_low": labelled(dims, ends[1], "lower end of the 95% t-interval of the paired difference"),
        "difference_high": labelled(
            dims, ends[2], "upper end of the 95% t-interval of the paired difference"
        ),
    }
