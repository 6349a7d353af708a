"""One lesson taught to one learner and watched: fitted members in, `learned.nc` as a dataset out."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from omegaconf import DictConfig

import analysis
import models
from search.evaluation import Objective, canonical, derived_seed, load_target
from study.errors import StudyError
from study.job import device
from study.progress import Progress
from study.resolve import learner_settings, load_grammar

Array = NDArray[Any]

MARKS = 20  # how often a training says where it stands
CLOUD = 512  # points of the plane that are followed instead of a few pictures
OF_THE_SET = ("size", "log2_size", "target_beyond")  # what belongs to the target, not to a sample


@dataclass
class Watch:
    """Asked by the learner at every mark: measures where a state is to be kept, and says how far it is."""

    measured: Callable[[models.Fitted], xr.Dataset]
    marks: tuple[int, ...]
    last: int
    members: int
    progress: "Teaching"
    found: dict[tuple[int, int], xr.Dataset] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)

    def __call__(self, member: models.Fitted) -> bool:
        """Never ends a training."""
        if member.steps in self.marks and not member.diverged:
            self.found[member.index, member.steps] = self.measured(member)
        self.taken[member.index] = member.steps
        self.progress.teaching(self, member)
        return False


class Teaching(Progress):
    """A bar on a terminal, a line every few seconds elsewhere: steps, loss, and what was measured last."""

    def teaching(self, watch: Watch, member: models.Fitted) -> None:
        """Show where the trainings stand."""
        total = watch.members * watch.last
        line = f"{sum(watch.taken.values())}/{total} steps, loss {member.loss:.3f}"
        latest = [found for (index, _), found in watch.found.items() if index == member.index]
        if latest:
            one = latest[-1]
            line += f", validity {float(one.validity):.2f}, copies {float(one.copy_rate):.2f}, "
            line += f"g {float(one.generalization):.2f}"
        self._show(sum(watch.taken.values()), total, line)


def teach(settings: DictConfig) -> xr.Dataset:
    """Train, sample and measure; dimensions seed, step (a state along the training), sample and y, x.

    The last state of each training is, bit for bit, what the search finds for the same sentence, learner and
    seed. A StudyError where every training diverged.
    """
    objective = objective_of(settings)
    sentence = load_grammar(settings).parse(settings.sentence, "Lesson")
    examples = canonical(sentence.denote())
    learner = models.load(objective.learner, **dict(objective.settings))
    last = int(getattr(learner.settings, "steps", 0))
    wanted = tuple(sorted({last >> halved for halved in range(settings.learn.checkpoints)} - {0})) or (0,)
    target, yardstick = load_target(
        objective.grammar, objective.space, objective.target, objective.plugins, objective.samples
    )
    seeds = [derived_seed(objective, examples, "train", i) for i in range(objective.seeds)]

    def measured(member: models.Fitted) -> xr.Dataset:
        samples = member.sample(objective.samples, derived_seed(objective, examples, "sample", member.index))
        found = analysis.measure(samples, target, examples, yardstick)
        kept = samples[: settings.learn.kept]
        found["samples"] = (("sample", *axes(samples)), kept, labels("what the learner samples", "white = 1"))
        found["loss"] = ((), member.loss, labels("training loss, mean of the last steps", "1"))
        found["seconds"] = ((), member.seconds, labels("duration of the training so far", "s"))
        return found

    between = {round(last * mark / MARKS) for mark in range(1, MARKS)} if last else set()
    marks = sorted((set(wanted) | between) - {0, last}) if last else []
    progress = Teaching()
    with progress, one_thread():
        watch = Watch(measured, wanted[:-1], last, len(seeds), progress)
        fitted = learner.fit([examples] * len(seeds), seeds, marks, watch, device=objective.device)
        for member in fitted:
            if not member.diverged:
                watch.found[member.index, wanted[-1]] = measured(member)
        if not watch.found:
            worst = fitted[0]
            raise StudyError(
                f"training diverged at step {worst.steps} (loss {worst.loss:.3g}); "
                "a lower learner.learning_rate may help"
            )
        learned = joined(watch.found, len(seeds), wanted)
        trajectory = followed(fitted, settings, derived_seed(objective, examples, "sample", 0))
    return described(learned, settings, examples, fitted, trajectory)


def objective_of(settings: DictConfig) -> Objective:
    """The same that a search asks for, so that both find the same."""
    return Objective(
        grammar=settings.grammar,
        space=load_grammar(settings).space,
        target=settings.target,
        learner=settings.learner.name,
        settings=tuple(learner_settings(settings).items()),
        samples=settings.measure.samples,
        seed=settings.learn.seed,
        seeds=settings.learn.seeds,
        device=device(settings),
        plugins=tuple(settings.plugins),
    )


def joined(found: Mapping[tuple[int, int], xr.Dataset], seeds: int, steps: tuple[int, ...]) -> xr.Dataset:
    """All states as one dataset over seed and step; NaN where a training did not come so far."""
    one = next(iter(found.values()))
    changing = [str(name) for name in one.data_vars if name not in OF_THE_SET]
    missing = xr.full_like(one[changing], math.nan, dtype=np.float32)
    rows = []
    for seed in range(seeds):
        states = [found[seed, step][changing] if (seed, step) in found else missing for step in steps]
        rows.append(xr.concat(states, dim="step", join="exact", coords="minimal", compat="override"))
    learned = xr.concat(rows, dim="seed", join="exact", coords="minimal", compat="override")
    for name in OF_THE_SET:
        if name in one:
            learned[name] = one[name]
    learned.attrs = dict(one.attrs)
    return learned.assign_coords(
        step=("step", list(steps), labels("training step of the state", "steps")),
        seed=("seed", np.arange(seeds), labels("place of the training", "1")),
    )


def followed(fitted: list[models.Fitted], settings: DictConfig, seed: int) -> Array | str:
    """States along the sampler of the first member that lives, float32[states, n, ...], or why none."""
    member = next(member for member in fitted if not member.diverged)
    count = settings.learn.trajectories if len(member.shape) == 2 else max(settings.learn.trajectories, CLOUD)
    try:
        return member.sample(count, seed, trajectory=True)
    except models.ModelError as error:
        return str(error)


def described(
    learned: xr.Dataset,
    settings: DictConfig,
    examples: Array,
    fitted: list[models.Fitted],
    trajectory: Array | str,
) -> xr.Dataset:
    """The dataset with the lesson, the trajectory, intervals over seeds, and words about where it is from."""
    sentence = load_grammar(settings).parse(settings.sentence, "Lesson")
    learned["examples"] = (("example", *axes(examples)), examples, labels("what was taught", "white = 1"))
    if isinstance(trajectory, str):
        learned.attrs["no_trajectory"] = trajectory
    else:
        meaning = "states along the sampler of the first training, from noise to sample"
        dimensions = ("state", "followed", *axes(trajectory[0]))
        learned["trajectory"] = (dimensions, trajectory, labels(meaning, "white - black"))
    for name, values, meaning, unit in (
        ("training_seed", [member.seed for member in fitted], "seed of the training", "1"),
        ("steps", [member.steps for member in fitted], "training steps taken", "steps"),
        ("diverged", [int(member.diverged) for member in fitted], "1 where the training diverged", "1"),
    ):
        learned[name] = ("seed", np.asarray(values), labels(meaning, unit))
    for name in ("generalization", "coverage", "validity", "copy_rate", "novelty"):
        for place, end in ((1, "low"), (2, "high")):
            ends = [interval(learned[name].sel(step=step).values)[place] for step in learned.step.values]
            meaning = f"{learned[name].attrs['long_name']}: {end} end of the 95% interval over trainings"
            learned[f"{name}_over_seeds_{end}"] = ("step", ends, labels(meaning, "1"))
    return learned.assign_attrs(
        title="What one lesson taught",
        grammar=settings.grammar,
        space=str(load_grammar(settings).space),
        sentence=str(sentence),
        bits=sentence.bits,
        n=len(examples),
        target=settings.target,
        learner=settings.learner.name,
        parameters=fitted[0].parameters,
        device=device(settings),
    )


def interval(values: Array) -> analysis.Interval:
    """Over trainings: those that did not diverge. NaN where there is none, NaN ends where there is one."""
    there = values[~np.isnan(values)]
    return analysis.logit_interval(there) if len(there) else analysis.Interval(math.nan, math.nan, math.nan)


def axes(examples: Array) -> tuple[str, ...]:
    """Names of the axes of one example."""
    return ("y", "x") if np.ndim(examples) == 3 else ("coordinate",)


def labels(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}


@contextmanager
def one_thread() -> Iterator[None]:
    """As the workers of a search train: small networks are faster so, and the bits are the same."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
