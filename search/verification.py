"""Verification: the best of the front, taught again with fresh seeds to several learners, beside baselines.

What a search says of its own winners is too good: they were chosen among many for a lucky training. Here
each sentence is taught with seeds that the search never used. Seed number i gives all sentences equal
first weights and equal noise, so that their differences are paired. Each cell of (sentence, learner, seed)
is a trial of a second study in the same storage, so an interrupted verification goes on.

A learner may be asked on another grid: the same words, read on that space, teach it what the target's words
mean there. Where a sentence says nothing on that grid, its cells are empty and say why.
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
from search.evaluation import Objective, Outcome, Task, canonical, content_key, load_grammar
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
    extra: Sequence[Chosen] = (),
    progress: Callable[[Standing], None] | None = None,
) -> xr.Dataset:
    """Teach the chosen sentences (`search.choice`) to every learner with `seeds` fresh seeds: `verified.nc`.

    learners: an objective for each, by the name it is shown with (`objective.taught_to(name, settings)`),
    whose space may be another; one that cannot learn examples of its shape is left out with a warning.
    `extra` are sentences from elsewhere, such as `search.chosen_of(search.minimal(...))`.
    `seeds_of_others` is the number of seeds of all but the first, where it is smaller: what they lack is
    NaN. Dimensions: sentence, learner,
    seed, stratum; `g`, `g_low`, `g_high` are the t-interval over seeds on the logit scale; `difference`,
    `difference_low`, `difference_high` over (sentence, baseline, learner) that of the paired differences.
    Ctrl-C begins nothing new: what is missing is NaN, and the attribute `stopped` is "interrupted".
    """
    if seeds < 1:
        raise SearchError(f"`verify.seeds >= 1` must hold, but got verify.seeds={seeds}")
    pupils = {name: objective for name, objective in learners.items() if _can_learn(name, objective)}
    chosen = _with(choose(result, sentences, baselines), extra)
    each = [seeds] + [min(seeds, seeds_of_others or seeds)] * (len(pupils) - 1)
    jobs, silent = _jobs(chosen, grammar, list(pupils.values()), each)
    book = ledger.sibling(STUDY, {"grammar": grammar.name, "space": str(grammar.space)})

    def note(row: Row) -> None:
        if progress is not None:
            left, pace = len(jobs) - len(bench.rows), bench.seconds_per_training
            progress(Standing(len(bench.rows), len(jobs), None if pace is None else pace * left))

    finished = False
    with interruptible() as asked, Bench(book, workers, asked, note) as bench:
        finished = bench.run(list(jobs.values()))
    rows = {cell: bench.rows.get(job.entry.index) for cell, job in jobs.items()}
    shapes = [tuple(objective.space.shape) for objective in pupils.values()]
    dataset = _dataset(chosen, list(pupils), seeds, rows, silent, book, tuple(grammar.space.shape), shapes)
    first = next(iter(learners.values()))
    return dataset.assign_attrs(
        origin_attributes(first, "What the best lessons taught again, with fresh seeds")
        | {"stopped": "" if finished else "interrupted", "learners": ", ".join(pupils), "seeds": seeds}
    )


def _with(chosen: Sequence[Chosen], extra: Sequence[Chosen]) -> list[Chosen]:
    """Sentences from elsewhere after those of the front, before the baselines; each once."""
    known = {one.sentence for one in chosen}
    found = [one for one in chosen if one.origin != "iid"]
    plain = [one for one in chosen if one.origin == "iid"]
    return [*found, *(one for one in extra if one.sentence not in known), *plain]


def _can_learn(name: str, objective: Objective) -> bool:
    import models

    learner = models.load(objective.learner, **dict(objective.settings))
    reason = learner.supports(tuple(objective.space.shape))
    if reason is not None:
        logger.warning("%s is left out of the verification: %s", name, reason)
    return reason is None


def _jobs(
    chosen: Sequence[Chosen], grammar: grammars.Grammar, learners: Sequence[Objective], seeds: Sequence[int]
) -> tuple[dict[Cell, Job], dict[tuple[int, int], str]]:
    """All cells, seed by seed, so that an early stop leaves whole seeds; `seeds` of each learner.

    Beside them the sentences that say nothing on a learner's grid, with the reason.
    """
    lessons: dict[tuple[int, Any], _Lesson | str] = {}
    for (place, one), objective in product(enumerate(chosen), learners):
        if (place, objective.space) not in lessons:
            lessons[place, objective.space] = _lesson(one.sentence, objective, grammar)
    jobs: dict[Cell, Job] = {}
    silent: dict[tuple[int, int], str] = {}
    for seed, learner, sentence in product(range(max(seeds)), range(len(learners)), range(len(chosen))):
        if seed >= seeds[learner]:
            continue
        one, objective = chosen[sentence], learners[learner]
        lesson = lessons[sentence, objective.space]
        if isinstance(lesson, str):
            silent[sentence, learner] = lesson
            continue
        fresh = replace(objective, seed=fresh_seed(objective.seed, seed), seeds=1, paired=True)
        extra: dict[str, str | int | float] = {
            "role": one.role,
            "learner": objective.learner,
            "seed": seed,
        }
        if objective.space != grammar.space:
            extra["space"] = str(objective.space)
        entry = Entry(
            key=content_key(fresh, lesson.examples),
            index=len(jobs),
            sentence=one.sentence,
            n=len(lesson.examples),
            bits=lesson.bits,
            origin=one.origin,
            parents=(one.trial,) if one.trial >= 0 else (),
            extra=extra,
        )
        jobs[sentence, learner, seed] = Job(entry, Task(fresh, one.sentence))
    return jobs, silent


@dataclass(frozen=True, eq=False)
class _Lesson:
    """What a sentence teaches on one space, and what it costs there."""

    examples: Any
    bits: float


def _lesson(text: str, objective: Objective, grammar: grammars.Grammar) -> _Lesson | str:
    """A sentence read on the objective's space, or why it says nothing there."""
    there = grammar
    if objective.space != grammar.space:
        there = load_grammar(objective.grammar, objective.space, objective.plugins)
    try:
        sentence = there.parse(text, type="Lesson")
        examples = canonical(sentence.denote())
    except grammars.GrammarError as error:
        if there is grammar:
            raise
        return f"no sentence on {there.space}: {' '.join(str(error).split())}"
    return _Lesson(examples, sentence.bits) if len(examples) else f"no examples on {there.space}"


def fresh_seed(search_seed: int, number: int) -> int:
    """The seed of all trainings of this number, one that no evaluation of the search had."""
    text = f"verify {search_seed} {number}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _dataset(
    chosen: Sequence[Chosen],
    learners: Sequence[str],
    seeds: int,
    rows: Mapping[Cell, Row | None],
    silent: Mapping[tuple[int, int], str],
    ledger: Ledger,
    shape: tuple[int, ...],
    shapes: Sequence[tuple[int, ...]],
) -> xr.Dataset:
    """`shape` is that of the examples whose samples are kept, `shapes` that of each learner's."""
    cells = list(product(range(len(chosen)), range(len(learners)), range(seeds)))
    sizes = (len(chosen), len(learners), seeds)
    dims = ("sentence", "learner", "seed")
    found = [rows.get(cell) for cell in cells]
    outcomes = [
        Outcome("", 0, failure=silent.get(cell[:2], "not done")) if row is None else row.outcome
        for cell, row in zip(cells, found, strict=True)
    ]
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
    keys = [
        None if row is None or shapes[cell[1]] != shape else row.entry.key
        for cell, row in zip(cells, found, strict=True)
    ]
    variables |= kept_samples(shape, dims, sizes, keys, ledger)
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
