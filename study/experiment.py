"""A declared experiment: a YAML file of factors, read, checked, and multiplied out into cells.

declared = load("single_dots", "quick")      # study/experiments/single_dots.yaml, or the path of a file
cells = product(declared)                    # every cell: a target, a lesson, a learner
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

import grammars
import models
from search.errors import nearest
from search.evaluation import Objective
from study.cells import EXTRAS, Cell
from study.errors import StudyError
from study.resolve import import_plugins, usual_settings
from study.settings import choices

HOME = Path(__file__).resolve().parent / "experiments"
SIZES = ("quick", "full")
SAMPLES_OF_THE_TARGET = "samples"
ONLY = "only"  # key below a learner: at which places of the other factors it is taught
GIVEN = 4  # what every function of `EXTRAS` is given; its settings come after


@dataclass(frozen=True)
class Targets:
    """A row of targets that differ in their size only.

    `target` is the text of a sentence of type Set, in which `{side}` is the grid's side; or one text for
    each side. `sides` are those of square grids; none on the plane. `facts` stand beside its cells. `draws`
    are those of its samples where they are fewer than the lesson has; 0 is as many.
    """

    grammar: str
    target: Any = ""
    sides: tuple[int, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    draws: int = 0

    def text(self, side: int) -> str:
        """The sentence at one side of the grid; empty is the grammar's own."""
        if isinstance(self.target, Mapping):
            if side not in self.target:
                raise StudyError(f"targets: there is no sentence for side {side}, only for {[*self.target]}")
            return str(self.target[side])
        return str(self.target).replace("{side}", str(side))


@dataclass(frozen=True)
class Lessons:
    """What is taught: n samples of the target for each n, in so many draws, or one sentence of type Lesson.

    `{side}` in `sentence` is the grid's side, `{target}` the target's sentence.
    """

    n: tuple[int, ...] = ()
    draws: int = 1
    sentence: str = ""


@dataclass(frozen=True)
class Experiment:
    """All that one experiment declares; `quick` and `full` hold what differs between its sizes."""

    name: str
    size: str
    title: str
    question: str
    refuted: Mapping[str, str]
    targets: Mapping[str, Targets] = field(default_factory=dict)
    lessons: Mapping[str, Lessons] = field(default_factory=dict)
    learners: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    searches: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seeds: int = 3
    seed: int = 0
    checkpoints: int = 1
    samples: int = 512
    extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    derive: tuple[str, ...] = ("summary",)
    plugins: tuple[str, ...] = ()


def available() -> dict[str, str]:
    """The experiments that come with the project: name and title."""
    return {path.stem: str(read(path).get("title", "")) for path in sorted(HOME.glob("*.yaml"))}


def load(name: str, size: str) -> Experiment:
    """An experiment by its name or by the path of a YAML file, at one of its sizes."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else HOME / f"{name}.yaml"
    if size not in SIZES:
        raise StudyError(f"size={size}: not one of its choices; {nearest(size, SIZES)}")
    if not path.is_file():
        known = [one.stem for one in sorted(HOME.glob("*.yaml"))]
        raise StudyError(f"experiment={name}: there is no such experiment; {nearest(name, known)}")
    raw = read(path)
    sizes = {one: mapping(raw.pop(one, None), f"{path}: `{one}`") for one in SIZES}
    return checked(path.stem, size, laid_over(raw, sizes[size]), str(path))


def read(path: Path) -> dict[str, Any]:
    """The tree of a YAML file; a StudyError where it is none."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StudyError(f"{path} is no YAML file of an experiment: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise StudyError(f"{path} is no YAML file of an experiment: it holds no `key: value` lines")
    return tree


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees: mappings are merged, all else is replaced, and null takes away."""
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = laid_over(merged[key], value)
        else:
            merged[key] = value
    return merged


def checked(name: str, size: str, tree: Mapping[str, Any], source: str) -> Experiment:
    """The tree as an Experiment; a StudyError names what is missing, unknown or out of range."""
    from study.derived import DERIVED  # which knows what is below this file

    known = [one.name for one in fields(Experiment) if one.name not in ("name", "size")]
    for key in tree:
        if key not in known:
            raise StudyError(f"{source}: {key} is no part of an experiment; {nearest(str(key), known)}")
    for key in ("title", "question", "refuted"):
        if not tree.get(key):
            raise StudyError(f"{source}: an experiment states its `{key}`")
    values: dict[str, Any] = dict(tree)
    values["refuted"] = mapping(tree["refuted"], f"{source}: `refuted`")
    values["plugins"] = texts(tree.get("plugins"), f"{source}: `plugins`")
    import_plugins(list(values["plugins"]))
    for key, kind, lists in (("targets", Targets, ("sides",)), ("lessons", Lessons, ("n",))):
        values[key] = {
            label: part(kind, one, f"{source}: {key}.{label}", lists)
            for label, one in mapping(tree.get(key), f"{source}: `{key}`").items()
        }
    for key in ("learners", "searches", "extras"):
        values[key] = {
            label: mapping(one, f"{source}: {key}.{label}")
            for label, one in mapping(tree.get(key), f"{source}: `{key}`").items()
        }
    values["derive"] = texts(tree.get("derive", ["summary"]), f"{source}: `derive`")
    for label, one in values["lessons"].items():
        if bool(one.n) == bool(one.sentence):
            raise StudyError(f"{source}: lessons.{label}: a lesson has either `n` or a `sentence`")
    for key, least in (("seeds", 1), ("seed", 0), ("checkpoints", 1), ("samples", 32)):
        whole_number(tree.get(key, least), least, key, source)
    for key, names, there in (("extras", values["extras"], EXTRAS), ("derive", values["derive"], DERIVED)):
        for one in names:
            if one not in there:
                raise StudyError(f"{source}: {key}: there is no {one!r}; {nearest(one, there)}")
    for label, settings in values["extras"].items():
        takes = [*inspect.signature(EXTRAS[label]).parameters][GIVEN:]
        for key in settings:
            if key not in takes:
                raise StudyError(f"{source}: extras.{label}: there is no {key!r}; {nearest(key, takes)}")
    if not values["searches"] and not all(values[key] for key in ("targets", "lessons", "learners")):
        raise StudyError(f"{source}: an experiment has targets, lessons and learners, or searches")
    return Experiment(name, size, **values)


def part(kind: type[Any], tree: Any, where: str, lists: Sequence[str]) -> Any:
    """One mapping as a dataclass; lists become tuples of whole numbers."""
    known = [one.name for one in fields(kind)]
    if not isinstance(tree, Mapping):
        raise StudyError(f"{where} must be a mapping with some of {', '.join(known)}, but got {tree!r}")
    for key in tree:
        if key not in known:
            raise StudyError(f"{where}: there is no {key!r}; {nearest(str(key), known)}")
    for one in fields(kind):
        if one.default is MISSING and one.default_factory is MISSING and one.name not in tree:
            raise StudyError(f"{where}: there is no `{one.name}`")
    values = dict(tree)
    for key in lists:
        values[key] = listed(tree.get(key), f"{where}.{key}")
        for value in values[key]:
            whole_number(value, 1, key, where)
    whole_number(tree.get("draws", 1), 1, "draws", where)
    if not isinstance(tree.get("sentence", ""), str):
        raise StudyError(f"{where}.sentence must be text, but got {tree['sentence']!r}")
    return kind(**values)


def mapping(tree: Any, where: str) -> dict[str, Any]:
    """What stands at a place that holds `key: value` lines, or nothing."""
    if not isinstance(tree, Mapping | None):
        raise StudyError(f"{where} must hold `key: value` lines, but got {tree!r}")
    return {str(key): value for key, value in (tree or {}).items()}


def listed(tree: Any, where: str) -> tuple[Any, ...]:
    """What stands at a place that holds a list, or nothing."""
    if not isinstance(tree, list | tuple | None):
        raise StudyError(f"{where} must be a list, [{tree}], but got {tree!r}")
    return tuple(tree or ())


def texts(tree: Any, where: str) -> tuple[str, ...]:
    """A list of names."""
    return tuple(str(one) for one in listed(tree, where))


def whole_number(value: Any, least: int, key: str, where: str) -> None:
    """A StudyError where a value is no integer of at least so much."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise StudyError(f"{where}: `{key} >= {least}` must hold, but got {key}={value!r}")


# Cells.


def product(declared: Experiment, device: str = "cpu", plugins: Sequence[str] = ()) -> list[Cell]:
    """Every cell of the experiment, in the order in which the file names its factors, cheap sides first."""
    cells: list[Cell] = []
    for row, targets in declared.targets.items():
        for side in targets.sides or (0,):
            grammar, text = bound(declared, row, targets, side)
            for lesson, label, n, draw in lessons(declared, side, text):
                if targets.draws and draw >= targets.draws:
                    continue
                legible(declared, label, lesson, grammar)
                d = int(grammar.space.size) if side else 2
                for learner, own in declared.learners.items():
                    place = {"target": row, "d": d, "lesson": label, "n": n, "draw": draw, "learner": learner}
                    if not wanted(declared, place, own.get(ONLY)):
                        continue
                    name, settings = taught_to(declared, learner, own, targets.grammar, side)
                    if models.load(name, **settings).supports(grammar.space.shape) is not None:
                        continue
                    objective = Objective(
                        grammar=targets.grammar,
                        space=grammar.space,
                        target=text,
                        learner=name,
                        settings=tuple(settings.items()),
                        samples=declared.samples,
                        seed=declared.seed,
                        seeds=1 if deterministic(name) else declared.seeds,
                        device=device,
                        plugins=(*declared.plugins, *plugins),
                    )
                    extras = tuple((one, tuple(of_row(said, row))) for one, said in declared.extras.items())
                    cells.append(
                        Cell(objective, lesson, n, draw, tuple(place.items()), declared.checkpoints, extras)
                    )
    return cells


def wanted(declared: Experiment, place: Mapping[str, Any], only: Any) -> bool:
    """Whether a learner is asked about a place: `only` lists, by factor, the values it is asked about."""
    where = f"experiment={declared.name}: learners.{place['learner']}.{ONLY}"
    factors = [name for name in place if name != "learner"]
    for name, values in mapping(only, where).items():
        if name not in factors:
            raise StudyError(f"{where}: there is no factor {name!r}; {nearest(name, factors)}")
        if place[name] not in listed(values, f"{where}.{name}"):
            return False
    return True


def of_row(settings: Mapping[str, Any], row: str) -> Iterator[tuple[str, Any]]:
    """The settings of an extra for one row of targets: a mapping holds a value for each row."""
    for key, value in settings.items():
        yield key, value.get(row, "") if isinstance(value, Mapping) else value


def bound(declared: Experiment, row: str, targets: Targets, side: int) -> tuple[grammars.Grammar, str]:
    """The grammar on its grid, and the canonical text of the target."""
    where = f"experiment={declared.name}: targets.{row}"
    if targets.grammar not in choices("grammars"):
        near = nearest(str(targets.grammar), choices("grammars"))
        raise StudyError(f"{where}: there is no grammar {targets.grammar!r}; {near}")
    try:
        grammar = grammars.load(targets.grammar, space=grammars.Grid(side, side) if side else None)
        text = targets.text(side)
        sentence = grammar.parse(text, "Set") if text else grammar.target
    except grammars.GrammarError as error:
        raise StudyError(f"{where}: {error}") from None
    return grammar, str(sentence)


def lessons(declared: Experiment, side: int, target: str) -> Iterator[tuple[str, str, int, int]]:
    """(sentence or "", label, n, draw) of every lesson; "" is n samples of the target."""
    for label, one in declared.lessons.items():
        if one.sentence:
            text = one.sentence.replace("{side}", str(side)).replace("{target}", target)
            yield from ((text, label, 0, draw) for draw in range(one.draws))
        else:
            yield from (("", label, n, draw) for n in one.n for draw in range(one.draws))


def legible(declared: Experiment, label: str, lesson: str, grammar: grammars.Grammar) -> None:
    """A StudyError where a lesson is a sentence and not one of the grammar."""
    try:
        if lesson:
            grammar.parse(lesson, "Lesson")
    except grammars.GrammarError as error:
        raise StudyError(f"experiment={declared.name}: lessons.{label}: {error}") from None


def taught_to(
    declared: Experiment, label: str, own: Mapping[str, Any], grammar: str, side: int
) -> tuple[str, dict[str, Any]]:
    """A learner's registered name and its settings: its usual ones for the grammar, and its own."""
    settings = {key: grammar if value == "{grammar}" else value for key, value in own.items() if key != ONLY}
    name = str(settings.pop("learner", label))
    where = f"experiment={declared.name}: learners.{label}"
    if name not in choices("learners"):
        raise StudyError(f"{where}: there is no learner {name!r}; {nearest(name, choices('learners'))}")
    for key, value in settings.items():
        if isinstance(value, Mapping) and side not in value:
            raise StudyError(f"{where}: there is no {key} for side {side}, only for {[*value]}")
    whole = usual_settings(grammar, name) | {
        key: value[side] if isinstance(value, Mapping) else value for key, value in settings.items()
    }
    try:
        models.load(name, **whole)
    except models.ModelError as error:
        raise StudyError(f"{where}: {error}") from None
    return name, whole


def deterministic(learner: str) -> bool:
    """Whether another seed of the training changes nothing: the closed-form machines."""
    return "steps" not in {one.name for one in fields(models.settings(learner))}
