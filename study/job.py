"""From settings to the things of the other rooms: objective, searcher, learners to verify with, workers."""

import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import xarray as xr
from omegaconf import DictConfig, OmegaConf

import grammars
import models
import search
from search.given import Given
from study.cluster import cluster
from study.config import Learner
from study.errors import StudyError
from study.resolve import joined, learner_settings, load_grammar, variant
from study.settings import check, declarations, items, put

logger = logging.getLogger(__name__)

MACHINE = "machine"
LARGER = "larger"
STACKED = 64  # trainings in one stack of a GPU


@dataclass(frozen=True)
class Pupil:
    """A learner by the name it is shown with, its registered name and settings; a grid if not the run's."""

    label: str
    learner: str
    settings: dict[str, Any]
    grid: Any = None

    def objective(self, own: search.Objective) -> search.Objective:
        """The run's objective for this learner."""
        taught = own.taught_to(self.learner, self.settings)
        return taught if self.grid is None else replace(taught, space=self.grid)


def objective_of(settings: DictConfig) -> search.Objective:
    """What is taught, to whom, and how it is measured."""
    return search.Objective(
        grammar=settings.grammar,
        space=load_grammar(settings).space,
        target=settings.target,
        learner=settings.learner.name,
        settings=tuple(learner_settings(settings).items()),
        samples=settings.measure.samples,
        seed=settings.search.seed,
        seeds=settings.search.seeds,
        device=device(settings),
        plugins=tuple(settings.plugins),
        population=population(settings),
    )


def searcher_of(settings: DictConfig) -> Any:
    """The searcher with its own settings; where a sentence is given, the one that proposes nothing else."""
    if settings.sentence:
        return Given(settings.sentence)
    own = [declared.name for declared in fields(search.settings(settings.search.searcher))]
    return search.load(settings.search.searcher, **{name: settings.search[name] for name in own})


def ladder_of(settings: DictConfig) -> search.Ladder | None:
    """The rungs below full training; None where no ladder is wanted."""
    if not settings.search.ladder:
        return None
    ladder = search.ladder_of(
        objective_of(settings), share=settings.search.short, promote=settings.search.promote
    )
    if not ladder.rungs:
        raise StudyError(
            f"search.ladder=true: {settings.learner.name} has no matching machine and no steps to shorten"
        )
    return ladder


def pupils(settings: DictConfig) -> list[Pupil]:
    """Who is taught again: the run's learner first, then those of `verify.learners`, then other grids."""
    if not settings.verify.learners:
        return []
    first = Pupil(settings.learner.name, settings.learner.name, learner_settings(settings))
    found = {first.label: first}
    for text in settings.verify.learners:
        pupil = machine(settings) if text == MACHINE else pupil_of(settings, text)
        if pupil is not None:
            found.setdefault(pupil.label, pupil)
    for text in settings.verify.grids:
        pupil = on_larger(settings, first) if text == LARGER else on_grid(settings, first, text)
        if pupil is not None:
            found.setdefault(pupil.label, pupil)
    return list(found.values())


def with_tuned(found: Sequence[Pupil], tuned: xr.Dataset | None) -> list[Pupil]:
    """The same and, after it was tuned, the run's learner with the best settings found."""
    if tuned is None or not tuned.attrs.get("changed", 0):
        return list(found)
    settings = json.loads(str(tuned.attrs["settings"]))
    return [*found, Pupil(f"{found[0].learner} tuned", found[0].learner, settings)]


def on_grid(settings: DictConfig, pupil: Pupil, text: str) -> Pupil:
    """The run's learner on another grid, such as `12x12`, where the target must be a sentence too."""
    sides = re.fullmatch(r"([0-9]{1,2})x([0-9]{1,2})", text)
    if sides is None or not all(1 <= int(side) <= 64 for side in sides.groups()):
        raise StudyError(
            f"verify.grids: a grid is <height>x<width> with sides from 1 to 64, or {LARGER}, but got {text}"
        )
    if not isinstance(load_grammar(settings).space, grammars.Grid):
        raise StudyError(f"verify.grids={text}: grammar={settings.grammar} is not about grids")
    grid = grammars.Grid(*map(int, sides.groups()))
    try:
        grammars.load(settings.grammar, space=grid).parse(settings.target, "Set")
    except grammars.GrammarError as error:
        raise StudyError(f"verify.grids={text}: target: {error}") from None
    return replace(pupil, label=f"{pupil.label} on {text}", grid=grid)


def on_larger(settings: DictConfig, pupil: Pupil) -> Pupil | None:
    """The run's learner on a grid half as large again; None where the target says nothing on such a grid."""
    space = load_grammar(settings).space
    if not isinstance(space, grammars.Grid):
        return None
    sides = [side + side // 2 for side in space.shape]
    try:
        return on_grid(settings, pupil, "x".join(map(str, sides)))
    except StudyError as error:
        logger.info("left out: %s", error)
        return None


def machine(settings: DictConfig) -> Pupil | None:
    """The closed form that predicts the run's learner, where there is one, sampled as the learner is."""
    own = learner_settings(settings)
    matching = models.load(settings.learner.name, **own).matching_machine(
        tuple(load_grammar(settings).space.shape)
    )
    if matching is None:
        return None
    name, theirs = matching
    shared = {field.name: own[field.name] for field in fields(models.settings(name)) if field.name in own}
    return Pupil(name, name, shared | theirs)


def pupil_of(settings: DictConfig, text: str) -> Pupil:
    """`transformer`, or with other settings than usual: `conv(padding=zeros)`."""
    name, _, inner = text.partition("(")
    if inner and not inner.endswith(")"):
        raise StudyError(f"verify.learners: {text} lacks its closing bracket")
    check("verify.learners", name, {"choices": "learners"})
    tree = OmegaConf.create({"learner": joined(Learner, models.settings(name))})
    usual = variant(settings.grammar, name)
    if name == settings.learner.name:
        usual = {f"learner.{key}": value for key, value in learner_settings(settings).items()}
    for key, value in usual.items():
        if key.startswith("learner."):
            put(tree, key, value)
    for word in items(inner.removesuffix(")")):
        key, _, value = word.partition("=")
        put(tree, f"learner.{key.strip()}", value.strip())
    for key, declared in declarations(tree.learner).items():
        check(f"learner.{key}", tree.learner[key], declared)
    return Pupil(text, name, learner_settings(tree))


@contextmanager
def pool(settings: DictConfig) -> Iterator[Executor]:
    """Who trains: processes on this machine, or the workers of a Dask cluster."""
    if not settings.scheduler:
        with search.start(workers(settings)) as processes:
            yield processes
        return
    with cluster(settings.scheduler) as executor:
        yield executor


def workers(settings: DictConfig) -> int:
    """Processes to use, unless a number was asked for: one for each core that is ours, two for a GPU.

    Of two that share a GPU one draws samples and measures on its core while the other trains.
    """
    if not settings.workers and device(settings) != "cpu":
        return 2
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(settings.workers) or ours or 1


def population(settings: DictConfig) -> int | None:
    """Trainings that a worker takes together: stacks are what a GPU wants, a CPU gains nothing by them."""
    if settings.population:
        return int(settings.population)
    return STACKED if device(settings) != "cpu" else None


def device(settings: DictConfig) -> str:
    """Where networks are trained: `auto` is the GPU where there is one."""
    if settings.device == "cpu":
        return "cpu"
    import torch

    there = torch.cuda.is_available()
    if settings.device == "cuda" and not there:
        raise StudyError("device=cuda: torch finds no GPU here; device=auto takes one only where it is")
    return "cuda" if there else "cpu"
