"""What `--dry-run` prints: what would be done, and its cost from one measured training per learner."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

import models
from study.progress import duration
from study.resolve import load_grammar

SHARE = 16  # a sixteenth of the training steps is timed, and as much of the sampling
EXAMPLES = 16


@dataclass(frozen=True)
class Part:
    """Trainings of one learner."""

    what: str
    learner: str
    settings: dict[str, Any]
    trainings: int


def lines(settings: DictConfig, path: Path, parts: list[Part], workers: int, device: str) -> list[str]:
    """The plan as lines of text; measures a short training of each learner on this machine."""
    grammar = load_grammar(settings)
    target = grammar.parse(settings.target, "Set").denote()
    size = target.size()
    pictures = grammar.parse(f"take({EXAMPLES}, {settings.target}, seed=0)", "Lesson").denote()
    counted = f"{size:,} pictures" if size is not None else "not countable"
    said = [
        f"target    {settings.target} on {grammar.space} ({counted})",
        f"learner   {settings.learner.name}, {settings.measure.samples} samples per measure",
        f"folder    {path}{' (exists: what is finished is not done again)' if path.exists() else ''}",
        f"workers   {workers} ({device})",
        "",
        f"{'':<14}{'learner':<20}{'trainings':>10}{'each':>10}{'together':>12}",
    ]
    total = 0.0
    seconds: dict[str, float] = {}
    for part in parts:
        key = f"{part.learner} {sorted(part.settings.items())}"
        if key not in seconds:
            seconds[key] = measured(part, pictures, settings.measure.samples, device)
        whole = part.trainings * seconds[key]
        total += whole
        said.append(
            f"{part.what:<14}{part.learner:<20}{part.trainings:>10}{seconds[key]:>8.1f} s"
            f"{duration(whole / workers):>12}"
        )
    core_hours = total / 3600
    said += [
        "",
        f"estimated from one measured cell each: {duration(total / workers)}, {core_hours:.2f} core-hours",
    ]
    return said


def measured(part: Part, pictures: Any, samples: int, device: str) -> float:
    """Seconds of one training, sampling and no measuring, extrapolated from a short one on one thread."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        steps = getattr(models.load(part.learner, **part.settings).settings, "steps", None)
        few = samples if steps is None else max(math.ceil(samples / SHARE), 1)
        short = {} if steps is None else {"steps": max(math.ceil(steps / SHARE), 1)}
        learner = models.load(part.learner, **(part.settings | short))
        learner.fit([pictures], [0], device=device)  # once without the clock: libraries are loaded
        began = time.perf_counter()
        [fitted] = learner.fit([pictures], [0], device=device)
        trained = time.perf_counter() - began
        began = time.perf_counter()
        fitted.sample(few, 0)
        sampled = time.perf_counter() - began
        scale = 1.0 if steps is None else steps / short["steps"]
        return trained * scale + sampled * samples / few
    finally:
        torch.set_num_threads(before)
