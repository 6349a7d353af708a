"""From settings to the things of the other rooms: objective, searcher, learners to verify with, workers."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from omegaconf import DictConfig, OmegaConf

import models
import search
from study.config import Learner
from study.errors import StudyError
from study.resolve import joined, learner_settings, load_grammar, variant
from study.settings import check, declarations, items, put

MACHINE = "machine"


@dataclass(frozen=True)
class Pupil:
    """A learner by the name it is shown with, its registered name and its settings."""

    label: str
    learner: str
    settings: dict[str, Any]


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
        device=device(settings),
        plugins=tuple(settings.plugins),
    )


def searcher_of(settings: DictConfig) -> Any:
    """The searcher with its own settings."""
    own = [declared.name for declared in fields(search.settings(settings.search.searcher))]
    return search.load(settings.search.searcher, **{name: settings.search[name] for name in own})


def pupils(settings: DictConfig) -> list[Pupil]:
    """Who is taught again: the run's learner first, then those of `verify.learners`, each once."""
    if not settings.verify.learners:
        return []
    first = Pupil(settings.learner.name, settings.learner.name, learner_settings(settings))
    found = {first.label: first}
    for text in settings.verify.learners:
        pupil = machine(settings) if text == MACHINE else pupil_of(settings, text)
        if pupil is not None:
            found.setdefault(pupil.label, pupil)
    return list(found.values())


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
    try:
        from distributed import Client
    except ImportError:
        raise StudyError("scheduler= needs Dask: pip install -c constraints.txt -e '.[cluster]'") from None
    try:
        client = Client(settings.scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise StudyError(
            f"scheduler={settings.scheduler}: no Dask scheduler answers there ({error})"
        ) from None
    with client, client.get_executor() as executor:
        executor.count = sum(client.nthreads().values()) or 1
        yield executor


def workers(settings: DictConfig) -> int:
    """Processes to use: one for each core that is ours, unless a number was asked for."""
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(settings.workers) or ours or 1


def device(settings: DictConfig) -> str:
    """Where networks are trained: `auto` is the GPU where there is one."""
    if settings.device == "cpu":
        return "cpu"
    import torch

    there = torch.cuda.is_available()
    if settings.device == "cuda" and not there:
        raise StudyError("device=cuda: torch finds no GPU here; device=auto takes one only where it is")
    return "cuda" if there else "cpu"
