"""Every setting of `python -m study.learn`, and how a command line is laid over them."""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

import grammars
import models
import search
from study.config import Learner, Measure, Search, Space, setting
from study.errors import StudyError
from study.resolve import (
    Request,
    asked,
    chosen,
    complete,
    decisive,
    joined,
    load_grammar,
    variant,
    without_others,
    written,
)
from study.settings import literal, put, values

FLAGS = ("--help", "--cfg")
TAUGHT = "take(64, {target}, seed=0)"  # where no sentence is given


@dataclass
class Learn:
    """How often a lesson is taught, and how closely it is watched."""

    seeds: int = setting(1, "trainings, each from its own seed", "trainings", range=(1, 1000))
    seed: int = setting(0, "the same seed gives the same trainings and samples", range=(0, 2**31 - 1))
    checkpoints: int = setting(
        4,
        "states along the training that are measured, each at half the steps of the next; 1 is the end only",
        "states",
        range=(1, 64),
    )
    kept: int = setting(512, "samples kept of each state in learned.nc", "samples", range=(1, 10**6))
    trajectories: int = setting(8, "samples that are followed backward from noise", "samples", range=(1, 64))


@dataclass
class Lesson:
    """All settings of `python -m study.learn`."""

    grammar: str = setting("dots", "the language of target and lesson", choices="grammars")
    sentence: str = setting(
        "", "what is taught, a sentence of type Lesson; empty is 64 samples of the target"
    )
    target: str = setting("", "what it is measured against, a sentence; empty is the grammar's own")
    space: Space = field(default_factory=Space)
    learner: Any = field(default_factory=Learner)
    learn: Learn = field(default_factory=Learn)
    measure: Measure = field(default_factory=Measure)
    device: str = setting("auto", "where networks are trained", choices=("auto", "cpu", "cuda"))
    run: str = setting("", "folder of the run; empty is runs/learn-<grammar>-<learner>-<hash>")
    plugins: list[str] = setting([], "your own modules, imported before names are looked up")


def resolve(arguments: Sequence[str]) -> Request:
    """Settings in the order defaults < file < what chosen names bring along < command line, checked."""
    flags, line, file = asked(arguments, FLAGS)
    grammar = chosen("grammar", "grammar", line, file, str(Lesson.grammar))
    learner = chosen("learner", "learner.name", line, file, str(Learner.name))
    settings = blank(grammar, learner)
    layers: list[Mapping[str, Any]] = [
        variant(grammar, learner),
        without_others(file, learner, str(Search.searcher)),
    ]
    if "grammar" in line or "learner.name" in line:
        layers.reverse()
    for layer in [*layers, line]:
        for key, value in layer.items():
            put(settings, key, value)
    able(settings)
    return Request(with_sentence(complete(settings)), flags)


def blank(grammar: str, learner: str) -> DictConfig:
    """The defaults for one grammar and learner, typed."""
    settings = OmegaConf.structured(Lesson)
    settings.grammar = grammar
    settings.learner = joined(Learner, models.settings(learner))
    settings.learner.name = learner
    return cast(DictConfig, settings)


def able(settings: DictConfig) -> None:
    """A `StudyError` that names the learners of points where one of pictures is asked to learn them."""
    shape = grammars.load(settings.grammar).space.shape
    if models.load(settings.learner.name).supports(shape) is None or len(shape) == 2:
        return
    others = [name for name in models.available() if models.load(name).supports(shape) is None]
    raise StudyError(
        f"learner={settings.learner.name} does not learn points of the plane; "
        + (f"those that do: {', '.join(others)}" if others else "none does")
    )


def with_sentence(settings: DictConfig) -> DictConfig:
    """The settings with the lesson filled in, as its canonical text."""
    text = settings.sentence or TAUGHT.format(target=settings.target)
    try:
        sentence = load_grammar(settings).parse(text, "Lesson")
    except grammars.GrammarError as error:
        raise StudyError(f"sentence: {error}") from None
    if len(sentence.denote()) == 0:
        raise StudyError(f"sentence: {sentence} denotes no example, so there is nothing to teach")
    settings.sentence = literal(str(sentence))
    return settings


def command(settings: DictConfig) -> str:
    """The shortest command line that asks for these settings."""
    words = [f"grammar={settings.grammar}", f"learner={settings.learner.name}"]
    usual = values(resolve(words).settings)
    words += [f"{key}={written(value)}" for key, value in values(settings).items() if value != usual[key]]
    return shlex.join(["python", "-m", "study.learn", *words])


def again(objective: search.Objective, sentence: str) -> str:
    """The command line that teaches a sentence as an evaluation did, from another seed."""
    known = replace(objective, seed=0, seeds=1, paired=False, device="cpu")
    return f"{_to_the_same(known)} {shlex.quote(f'sentence={sentence}')}"


@lru_cache(maxsize=16)
def _to_the_same(objective: search.Objective) -> str:
    """`again` without the sentence."""
    words: dict[str, Any] = {"grammar": objective.grammar, "learner": objective.learner}
    words["target"] = objective.target
    if isinstance(objective.space, grammars.Grid):
        words |= {"space.height": objective.space.height, "space.width": objective.space.width}
    words |= {f"learner.{name}": value for name, value in objective.settings}
    words |= {"measure.samples": objective.samples, "plugins": list(objective.plugins)}
    settings = resolve([f"{name}={written(value)}" for name, value in words.items()]).settings
    return shlex.join(word for word in shlex.split(command(settings)) if not word.startswith("sentence="))


def place(settings: DictConfig) -> Path:
    """`run`, or runs/learn-<grammar>-<learner>, with eight hex digits where settings are not the defaults."""
    if settings.run:
        return Path(settings.run)
    names = ["learn", settings.grammar, settings.learner.name]
    mine = decisive(settings)
    usual = decisive(resolve([f"grammar={names[1]}", f"learner={names[2]}"]).settings)
    changed = {key: value for key, value in mine.items() if value != usual[key]}
    if changed:
        names.append(hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:8])
    return Path("runs") / re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join(names))
