"""An evaluation as pure data: one sentence taught to one learner and measured, in any process.

    outcome = evaluate(Task(objective, "take(8, dots(k=2), seed=0)"))

The result is a function of the task alone: every seed is derived from its content, so the order and the
number of workers change nothing, and two sentences that denote the same examples are one evaluation.
"""

import hashlib
import importlib
import json
import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import analysis
import grammars
from search.errors import SearchError, one_line
from search.pictures import KEPT, Pictures

logger = logging.getLogger(__name__)

Examples = NDArray[Any]  # bool[n, height, width] on a grid, float64[n, 2] on the plane
POINTS = 32  # of a learning curve at most

Setting = int | float | str | bool | None


@dataclass(frozen=True)
class Objective:
    """What is to be taught, to whom, and how it is measured: everything of an evaluation but the sentence.

    `target` is the text of a sentence of type Set. `settings` are the learner's own, by name. `seed` is the
    seed from which those of training and sampling are derived, together with the examples; with `paired`
    from `seed` alone, so that different sentences are taught from equal first weights and noise. `seeds` is
    the number of trainings per evaluation. `plugins` are modules imported before names are resolved.

    `population` is how many trainings take every step together, as one stack, and so how many evaluations a
    worker takes at once (what a GPU wants); None is one evaluation at a time. Like `device` it changes no
    result but for rounding.
    """

    grammar: str
    space: Any
    target: str
    learner: str
    settings: tuple[tuple[str, Setting], ...] = ()
    samples: int = 512
    seed: int = 0
    seeds: int = 1
    paired: bool = False
    device: str = "cpu"
    plugins: tuple[str, ...] = ()
    population: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("samples", 1), ("seed", 0), ("seeds", 1), ("population", 1)):
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise SearchError(f"`{name} >= {least}` must hold, but got {name}={getattr(self, name)}")
        object.__setattr__(self, "settings", tuple(sorted(dict(self.settings).items())))

    def taught_to(self, learner: str, settings: Mapping[str, Setting]) -> "Objective":
        """The same objective for another learner."""
        return replace(self, learner=learner, settings=tuple(settings.items()))

    def content(self) -> dict[str, Any]:
        """What the result depends on: not who computes it, nor the modules that names come from."""
        content = asdict(self)
        del content["device"], content["population"], content["plugins"]
        return content | {"space": str(self.space), "settings": dict(self.settings)}

    @property
    def together(self) -> int:
        """Evaluations that a worker takes at once, of objectives with the same `pupil`."""
        return max((self.population or 1) // self.seeds, 1)

    @property
    def pupil(self) -> tuple[Any, ...]:
        """What trainings have in common that can be stacked: whatever is taught and with whatever seed."""
        return self.learner, self.settings, self.space, self.device, self.population, self.plugins


@dataclass(frozen=True)
class Task:
    """One evaluation: an objective and the text of a sentence of type Lesson."""

    objective: Objective
    sentence: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an evaluation found. `failure` is one line where there is no measure, else None.

    `measures` has one number per training seed, `strata` one per training seed and stratum of
    `stratum_names`. `lost` marks a failure that may not happen again (the worker died, memory ran out, an
    exception): it is tried again when the search is resumed. A training that diverged is a finding and
    stays. `uses_target`: the sentence holds a set as large as the target; None where that is not known.
    `curve` is the training loss by step, the mean over trainings; `pictures` and `curve` are absent once they
    are stored.
    """

    key: str
    n: int
    measures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    strata: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    stratum_names: Mapping[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    failure: str | None = None
    lost: bool = False
    uses_target: bool | None = None
    pictures: Pictures | None = None
    curve: Mapping[int, float] = field(default_factory=dict)

    @property
    def g(self) -> float:
        """Generalization, the mean over training seeds; NaN where the evaluation failed."""
        return self.mean("generalization")

    def mean(self, measure: str) -> float:
        """The mean of one measure over training seeds; NaN where there is none."""
        values = self.measures.get(measure, ())
        return math.fsum(values) / len(values) if values else math.nan


def canonical(examples: Examples) -> Examples:
    """The examples as a set: distinct, in an order that depends on nothing but themselves."""
    if len(examples) == 0:
        return examples
    flat = examples.reshape(len(examples), -1)
    return np.ascontiguousarray(np.unique(flat, axis=0).reshape(-1, *examples.shape[1:]))


@lru_cache(maxsize=64)
def examples_of(lesson: grammars.Sentence) -> Examples:
    """What a lesson denotes, canonical, read-only and kept for a while: a parent is looked at many times."""
    examples = canonical(lesson.denote())
    examples.setflags(write=False)
    return examples


def content_key(objective: Objective, examples: Examples) -> str:
    """The name of an evaluation: sha256 of objective and examples (`canonical`), whatever the sentence."""
    return _digest(objective.content(), examples).hex()


def import_plugins(plugins: Sequence[str]) -> None:
    """Import other people's modules, which register their grammars, learners and searchers by themselves."""
    for name in plugins:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise SearchError(f"plugin {name!r} cannot be imported: {error}") from error


@lru_cache(maxsize=16)
def load_grammar(name: str, space: Any, plugins: tuple[str, ...] = ()) -> grammars.Grammar:
    """A grammar bound to its space, made once per process."""
    import_plugins(plugins)
    return grammars.load(name, space=space)


@lru_cache(maxsize=8)
def load_target(
    name: str, space: Any, text: str, plugins: tuple[str, ...], samples: int
) -> tuple[Any, analysis.Yardstick]:
    """The target as an ExampleSet and its yardstick, which is the same for every run and seed."""
    target = load_grammar(name, space, plugins).parse(text, type="Set").denote()
    return target, analysis.Yardstick.of(target, 0, draws=max(samples, 4096))


def _target_of(objective: Objective) -> tuple[Any, analysis.Yardstick]:
    return load_target(
        objective.grammar, objective.space, objective.target, objective.plugins, objective.samples
    )


@dataclass(frozen=True, eq=False)
class _Lesson:
    """A task made ready in this process: what is taught, and under which name its outcome is kept."""

    objective: Objective
    examples: Examples
    key: str
    uses_target: bool | None


def evaluate(task: Task) -> Outcome:
    """Teach the task's sentence and measure what was learned; errors become a failed outcome.

    A lesson that denotes nothing scores 0 untrained.
    """
    return evaluate_together([task])[0]


def evaluate_together(tasks: Sequence[Task]) -> list[Outcome]:
    """`evaluate` for tasks whose objectives have the same `pupil`, all their trainings in one call of it."""
    ready = [_ready(task) for task in tasks]
    taught = [one for one in ready if isinstance(one, _Lesson) and len(one.examples)]
    found = dict(zip(map(id, taught), _teach(taught), strict=True)) if taught else {}
    return [found.get(id(one)) or _untaught(one) for one in ready]


def _ready(task: Task) -> _Lesson | Outcome:
    """The lesson, or what went wrong: a grammar may be somebody else's."""
    key, n = "", 0
    try:
        objective = task.objective
        grammar = load_grammar(objective.grammar, objective.space, objective.plugins)
        sentence = grammar.parse(task.sentence, type="Lesson")
        examples = canonical(sentence.denote())
        key, n = content_key(objective, examples), len(examples)
        uses_target = sentence.uses_target(grammar.parse(objective.target, type="Set"))
        _target_of(objective)  # made once in a process, and in nobody's seconds
        return _Lesson(objective, examples, key, uses_target)
    except Exception as error:
        logger.debug("%s cannot be taught", task.sentence, exc_info=True)
        return Outcome(key, n, failure=one_line(error), lost=True)


def _teach(lessons: Sequence[_Lesson]) -> list[Outcome]:
    """One outcome for each; a learner that raises has failed them all."""
    import models

    started = time.perf_counter()
    try:
        first = lessons[0].objective
        learner = models.load(first.learner, **dict(first.settings))
        trainings = [(one, place) for one in lessons for place in range(one.objective.seeds)]
        fitted = learner.fit(
            [one.examples for one, _ in trainings],
            [derived_seed(one.objective, one.examples, "train", place) for one, place in trainings],
            device=first.device,
            population=first.population if learner.stacks else None,
        )
    except Exception as error:
        logger.debug("training of %d lessons failed", len(lessons), exc_info=True)
        return [
            Outcome(
                one.key, len(one.examples), failure=one_line(error), lost=True, uses_target=one.uses_target
            )
            for one in lessons
        ]
    each = (time.perf_counter() - started) / len(lessons)
    own = iter(fitted)
    return [_measured(one, [next(own) for _ in range(one.objective.seeds)], each) for one in lessons]


def _measured(lesson: _Lesson, fitted: Sequence[Any], seconds: float) -> Outcome:
    """What the trainings of a lesson learned; `seconds` were spent on them before."""
    started = time.perf_counter() - seconds
    try:
        outcome = _outcome(lesson, fitted)
    except Exception as error:  # a learner or a measure may be somebody else's
        logger.debug("measuring failed", exc_info=True)
        outcome = Outcome(lesson.key, len(lesson.examples), failure=one_line(error), lost=True)
    return replace(outcome, seconds=time.perf_counter() - started, uses_target=lesson.uses_target)


def _outcome(lesson: _Lesson, fitted: Sequence[Any]) -> Outcome:
    objective, examples, key = lesson.objective, lesson.examples, lesson.key
    target, yardstick = _target_of(objective)
    curve = _curve(fitted)
    rows: list[dict[str, Any]] = []
    kept = []
    for place, member in enumerate(fitted):
        if member.diverged:
            reason = f"training diverged after {member.steps} steps (loss {member.loss:.3g})"
            return Outcome(key, len(examples), failure=reason, curve=curve)
        samples = member.sample(objective.samples, derived_seed(objective, examples, "sample", place))
        numbers = analysis.measures(samples, target, examples, yardstick)
        numbers |= {"steps": member.steps, "loss": member.loss}
        rows.append(numbers)
        kept.append(np.asarray(samples[:KEPT], dtype=np.float32))
    measures, strata = _by_seed(rows)
    if not all(math.isfinite(value) for value in measures["generalization"]):
        reason = f"generalization is not a number: {measures['generalization']}"
        return Outcome(key, len(examples), failure=reason)
    return Outcome(
        key,
        len(examples),
        measures,
        strata,
        {int(stratum.key): stratum.label for stratum in yardstick.strata},
        pictures=Pictures(examples, np.stack(kept)),
        curve=curve,
    )


def _curve(fitted: Sequence[Any]) -> dict[int, float]:
    """The loss by step, the mean over trainings; of many steps some, the first and the last among them."""
    steps = sorted(set.intersection(*(set(member.curve) for member in fitted)))
    means = {step: sum(member.curve[step] for member in fitted) / len(fitted) for step in steps}
    steps = [step for step in steps if math.isfinite(means[step])]
    if len(steps) > POINTS:
        steps = [steps[round(place * (len(steps) - 1) / (POINTS - 1))] for place in range(POINTS)]
    return {step: means[step] for step in steps}


def _by_seed(
    rows: list[dict[str, Any]],
) -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[tuple[float, ...], ...]]]:
    """One dictionary per training seed, turned into numbers per seed and numbers per seed and stratum."""
    measures: dict[str, tuple[float, ...]] = {}
    strata: dict[str, tuple[tuple[float, ...], ...]] = {}
    for name, value in rows[0].items():
        if np.ndim(value) == 0:
            measures[name] = tuple(float(row[name]) for row in rows)
        else:
            strata[name] = tuple(tuple(float(part) for part in row[name]) for row in rows)
    return measures, strata


def _untaught(one: _Lesson | Outcome) -> Outcome:
    """No example, no training: nothing valid, nothing covered. What could not be made ready has failed."""
    if isinstance(one, Outcome):
        return one
    zero = (0.0,) * one.objective.seeds
    measures = dict.fromkeys(
        ("generalization", "validity", "coverage", "copy_rate", "novelty", "steps"), zero
    )
    none_kept = np.zeros((one.objective.seeds, 0, *one.examples.shape[1:]), dtype=np.float32)
    pictures = Pictures(one.examples, none_kept)
    return Outcome(one.key, 0, measures, uses_target=one.uses_target, pictures=pictures)


def derived_seed(objective: Objective, examples: Examples, purpose: str, place: int) -> int:
    """A seed of 32 bits from what is done and to what; `paired` leaves the examples out."""
    what = ["seed", objective.seed, purpose, place]
    content = examples[:0] if objective.paired else examples
    return int.from_bytes(_digest(what, content)[:4], "big")


def _digest(header: Any, examples: Examples) -> bytes:
    """sha256 of a header and of an array's type, shape and values, in one byte order everywhere."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True, default=str).encode())
    values = examples.astype(examples.dtype.newbyteorder("<"))
    packed = np.packbits(values) if values.dtype == bool else values
    digest.update(f"{values.dtype.kind}{values.shape}".encode())
    digest.update(np.ascontiguousarray(packed).tobytes())
    return digest.digest()
