"""A cell of an experiment as pure data: one lesson taught to one learner from several seeds, and watched.

    found = work(cell)         # a dataset over seed, checkpoint and batch, in any process

What comes out is a function of the cell alone. A training is, bit for bit, the one that `study.search` and
`study.learn` do for the same examples, learner and seed; its first batch of samples at the end is theirs too.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import analysis
import models
from search.evaluation import Objective, canonical, derived_seed, load_grammar, load_target
from study.errors import StudyError

Array = NDArray[Any]

BATCHES = ("sample", "sample again")  # the purposes from which the seeds of both batches are derived
KEPT = 32  # samples of each training that stay in result.nc
DESCRIBED = 512  # samples that are described, of all trainings together
MEASURED = (
    "validity", "copy_rate", "near_copy_rate", "novelty", "novelty_orbit", "coverage", "generalization",
    "g_support", "crisp",
)  # fmt: skip
VERSION = 1  # of what a cell's file holds: another number, and files of before are not taken up


@dataclass(frozen=True)
class Cell:
    """One lesson, taught to one learner. `sentence` is "" where the lesson is n samples of the target.

    `place` says where it stands in the experiment (target, d, lesson, n, draw, learner); `checkpoints` is the
    number of states along the training that are measured, each at half the steps of the next; `extras` are
    the names in `EXTRAS` of what else is asked of its samples, with their settings.
    """

    objective: Objective
    sentence: str
    n: int
    draw: int
    place: tuple[tuple[str, Any], ...]
    checkpoints: int
    extras: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()

    @property
    def key(self) -> str:
        """The name of the cell's file: sha256 of all that its result depends on, and of its place."""
        told = asdict(self) | {"objective": self.objective.content(), "version": VERSION}
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:24]

    def examples(self) -> Array:
        """What is taught, as the set that it is; n samples of the target are distinct."""
        objective = self.objective
        grammar = load_grammar(objective.grammar, objective.space, objective.plugins)
        if self.sentence:
            return canonical(grammar.parse(self.sentence, "Lesson").denote())
        target = grammar.parse(objective.target, "Set").denote()
        rng = np.random.default_rng([objective.seed, self.draw])
        # The same draw at a larger n begins with the same examples where the set is drawn from one by one.
        return canonical(target.sample(self.n, rng, distinct=True))


def work(cell: Cell) -> xr.Dataset:
    """Teach, sample twice at every checkpoint, measure; a training that diverged is NaN and counted."""
    objective = cell.objective
    target, yardstick = load_target(
        objective.grammar, objective.space, objective.target, objective.plugins, objective.samples
    )
    examples = cell.examples()
    if len(examples) == 0:
        raise StudyError(f"{dict(cell.place)}: the lesson denotes no example")
    learner = models.load(objective.learner, **dict(objective.settings))
    last = int(getattr(learner.settings, "steps", 0))
    steps = checkpoints(last, cell.checkpoints)
    seeds = [derived_seed(objective, examples, "train", i) for i in range(objective.seeds)]
    shape = (len(seeds), len(steps), len(BATCHES))
    numbers = {name: np.full(shape, math.nan) for name in (*MEASURED, "loss")}
    drawn: dict[int, Array] = {}

    def watch(member: models.Fitted) -> bool:
        """Measured where it is a checkpoint; never ends a training."""
        if member.steps in steps and not member.diverged:
            at = steps.index(member.steps)
            for batch, purpose in enumerate(BATCHES):
                samples = member.sample(
                    objective.samples, derived_seed(objective, examples, purpose, member.index)
                )
                found = analysis.measures(samples, target, examples, yardstick)
                for name in MEASURED:
                    numbers[name][member.index, at, batch] = float(found.get(name, math.nan))
                numbers["loss"][member.index, at, batch] = member.loss
                if at == len(steps) - 1 and batch == 0:
                    drawn[member.index] = samples
        return False

    started = time.process_time()
    between = [step for step in steps[:-1] if step]
    fitted = learner.fit([examples] * len(seeds), seeds, between, watch, device=objective.device)
    for member in fitted:
        if member.index not in drawn:
            watch(member)
    return labelled(cell, examples, steps, numbers, drawn, fitted, target, started)


def checkpoints(last: int, count: int) -> list[int]:
    """Steps of the states that are measured: the last, half of it, and so on; one state for a machine."""
    return sorted({last >> halved for halved in range(count)} - {0}) or [0]


def labelled(
    cell: Cell,
    examples: Array,
    steps: list[int],
    numbers: Mapping[str, Array],
    drawn: Mapping[int, Array],
    fitted: list[models.Fitted],
    target: Any,
    started: float,
) -> xr.Dataset:
    """The numbers of one cell as a dataset that says what they are; `started` on the clock of the process."""
    entries = analysis.MEASURES
    variables: dict[str, Any] = {}
    for name, values in numbers.items():
        meaning = entries[name].long_name if name in entries else "training loss, mean of the last steps"
        variables[name] = (("seed", "checkpoint", "batch"), values, labels(meaning))
    variables["steps"] = ("checkpoint", np.array(steps), labels("training steps of the state", "steps"))
    whole = examples.shape[1:]
    axes = ("y", "x") if len(whole) == 2 else ("coordinate",)
    kept = np.full((len(fitted), KEPT, *whole), math.nan, dtype=np.float32)
    for index, samples in drawn.items():
        kept[index, : len(samples)] = samples[:KEPT]
    variables["samples"] = (
        ("seed", "sample", *axes),
        kept,
        labels("what the learner samples at the end", "white = 1"),
    )
    lesson = np.full((KEPT, *whole), math.nan, dtype=np.float32)
    lesson[: len(examples)] = examples[:KEPT]
    variables["examples"] = (
        ("sample", *axes),
        lesson,
        labels("what was taught, the first of it", "white = 1"),
    )
    variables["taught"] = ((), len(examples), labels("examples taught", "examples"))
    variables["diverged"] = (
        (),
        sum(one.diverged for one in fitted),
        labels("trainings that diverged", "trainings"),
    )
    variables["parameters"] = ((), fitted[0].parameters, labels("weights of the learner"))
    for name, settings in cell.extras:
        axis = "seed" if name in OF_TRAININGS else "checkpoint"
        for inner, value in EXTRAS[name](cell, examples, drawn, target, **dict(settings)).items():
            variables[inner] = (axis if np.ndim(value) else (), value, labels(MEANINGS[inner]))
    seconds = time.process_time() - started
    variables["seconds"] = (
        (),
        seconds,
        labels("CPU time of trainings, samples and all that is measured", "s"),
    )
    return xr.Dataset(variables)


def labels(long_name: str, units: str = "1") -> dict[str, str]:
    return {"long_name": long_name, "units": units}


# What else may be asked of the samples at the end.

MEANINGS = {
    "agreement_equal": "share of equal pictures by two learners taught disjoint samples, one noise",
    "agreement_correlation": "pixel correlation between the two",
    "agreement_equal_by_chance": "share of equal pictures where the noise is another",
    "agreement_correlation_by_chance": "pixel correlation where the noise is another",
    "description": "the shortest sentence found for the samples at the end",
    "described": "share of the samples inside the set of that sentence",
    "description_bits": "two-part code length of the samples by that sentence",
    "listing_bits": "the samples written out",
    "same_as_target": "1 where that sentence denotes the target itself, as far as it is known",
    "distance": "mean distance to the target in pixels, an upper bound, of crisp samples",
    "inside": "share of samples at the end in the set that was asked about",
    "first": "share of samples in the first set only",
    "second": "share of samples in the second set only",
    "intersection": "share of samples in both sets",
    "overlay": "share in neither set, but the pixelwise or of a member of each",
    "overlay_by_chance": "share of overlays among the samples with their pixels shuffled",
    "undecided": "share in neither set of which it could not be decided whether they are overlays",
    "neither": "share crisp, in neither set and no overlay",
    "blurred": "share of samples that are not crisp",
}


def describe(
    cell: Cell, examples: Array, drawn: Mapping[int, Array], target: Any, evaluations: int = 600
) -> dict[str, Any]:
    """The shortest sentence for what was learned, by the samples of all trainings."""
    found = {"description": "", "described": math.nan, "description_bits": math.nan, "listing_bits": math.nan}
    if not drawn:
        return found
    each = max(1, DESCRIBED // len(drawn))
    samples = np.concatenate([one[:each] for one in drawn.values()])
    objective = cell.objective
    grammar = load_grammar(objective.grammar, objective.space, objective.plugins)
    told = analysis.describe(samples, grammar, evaluations=evaluations)
    found["listing_bits"] = float(told.attrs["listing_bits"])
    found["description"] = str(told.attrs["verdict"])
    if told.sizes["rank"]:
        found["described"] = float(told["validity"][0])
        found["description_bits"] = float(told["total_bits"][0])
    return found


def distance(
    cell: Cell, examples: Array, drawn: Mapping[int, Array], target: Any, samples: int = 64
) -> dict[str, Any]:
    """How far from the target the crisp samples are; 0 where all are members."""
    far: list[float] = []
    for one in drawn.values():
        crisp = one[(np.minimum(np.abs(one), np.abs(one - 1)) <= 0.25).reshape(len(one), -1).all(1)]
        if len(crisp):
            far += np.asarray(target.distance(crisp[:samples] > 0.5), float).tolist()
    return {"distance": float(np.mean(far)) if far else math.nan}


def inside(
    cell: Cell, examples: Array, drawn: Mapping[int, Array], target: Any, set: str = ""
) -> dict[str, Any]:
    """The share of each training's samples in another set than the target; a sentence of type Set."""
    objective = cell.objective
    grammar = load_grammar(objective.grammar, objective.space, objective.plugins)
    other = grammar.parse(set, "Set").denote()
    shares = np.full(objective.seeds, math.nan)
    for index, one in drawn.items():
        shares[index] = float(analysis.measures(one, other, examples)["validity"])
    return {"inside": shares}


def superposition(
    cell: Cell, examples: Array, drawn: Mapping[int, Array], target: Any, first: str = "", second: str = ""
) -> dict[str, Any]:
    """What became of the union of two sets; sentences of type Set."""
    names = (
        "first",
        "second",
        "intersection",
        "overlay",
        "overlay_by_chance",
        "undecided",
        "neither",
        "blurred",
    )
    if not drawn or not first or not second:  # nothing learned, or a row of targets that is no union
        return dict.fromkeys(names, math.nan)
    objective = cell.objective
    grammar = load_grammar(objective.grammar, objective.space, objective.plugins)
    one, other = (grammar.parse(text, "Set").denote() for text in (first, second))
    found = analysis.superposition(np.concatenate([*drawn.values()]), one, other, taught=examples)
    return {name: float(found[name]) for name in names}


AGREED = ("equal", "correlation", "equal_by_chance", "correlation_by_chance")


def agreement(
    cell: Cell, examples: Array, drawn: Mapping[int, Array], target: Any, samples: int = 256
) -> dict[str, Any]:
    """What two learners taught disjoint samples of the target, as many as the lesson has, make of one noise.

    At every checkpoint (Kadkhodaie et al. 2024). NaN where the target has too few members for both, and of
    points of the plane, whose agreement is a distance.
    """
    objective = cell.objective
    learner = models.load(objective.learner, **dict(objective.settings))
    steps = checkpoints(int(getattr(learner.settings, "steps", 0)), cell.checkpoints)
    found = {f"agreement_{name}": np.full(len(steps), math.nan) for name in AGREED}
    n = len(examples)
    rng = np.random.default_rng([objective.seed, cell.draw, 1])
    both = target.sample(2 * n, rng, distinct=True)
    if len(both) < 2 * n or examples.ndim != 3:
        return found
    halves = [canonical(both[:n]), canonical(both[n:])]
    seeds = [derived_seed(objective, half, "train", 0) for half in halves]
    noise = derived_seed(objective, examples, "agreement", 0)
    made: dict[tuple[int, int], Array] = {}

    def watch(member: models.Fitted) -> bool:
        if member.steps in steps and not member.diverged:
            made[member.index, steps.index(member.steps)] = from_noise(member, samples, noise)
        return False

    fitted = learner.fit(halves, seeds, [step for step in steps[:-1] if step], watch, device=objective.device)
    for member in fitted:
        if (member.index, len(steps) - 1) not in made:
            watch(member)
    for at in range(len(steps)):
        if (0, at) in made and (1, at) in made:
            told = analysis.agreement(made[0, at], made[1, at])
            for name in AGREED:
                found[f"agreement_{name}"][at] = float(told[name])
    return found


def from_noise(member: models.Fitted, samples: int, seed: int) -> Array:
    """By the probability flow, whose only noise is the first; by its own sampler where it has no flow."""
    try:
        return member.sample(samples, seed, sampler="heun")
    except models.ModelError:
        return member.sample(samples, seed)


EXTRAS: dict[str, Callable[..., dict[str, Any]]] = {
    "agreement": agreement,
    "describe": describe,
    "distance": distance,
    "inside": inside,
    "superposition": superposition,
}
"""Each takes the cell, the examples, samples by training and the target; gives numbers and words by name."""

OF_TRAININGS = ("inside",)
"""Those of `EXTRAS` that give a number for each training; the others' arrays are over the checkpoints."""
