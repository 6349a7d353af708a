"""From a command line to a resolved configuration, or one line that says what is wrong with it."""

import importlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Any, cast, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

import grammars
import models
import search
from search.errors import nearest
from study.config import FREE, FREE_SECTIONS, VARIANTS, Config, Learner, Search
from study.errors import StudyError
from study.settings import check, choices, declarations, flatten, items, literal, put, read, values

FLAGS = ("--help", "--cfg", "--dry-run")
SEEDS_OF_A_LADDER = 3  # at its top the trainings of one lesson are several, since few come so far


@dataclass(frozen=True)
class Request:
    """What a command line asks for: the resolved settings and the flags given."""

    settings: DictConfig
    flags: frozenset[str]


def resolve(arguments: Sequence[str]) -> Request:
    """Settings in the order defaults < file < chosen variant < command line, checked and complete.

    What a file itself chooses (`grammar: polygons`) brings its variant below the file's own values, so that
    the config.yaml of a run gives that run again.
    """
    flags, line, file = asked(arguments)
    grammar = chosen("grammar", "grammar", line, file, str(Config.grammar))
    learner = chosen("learner", "learner.name", line, file, usual_learner(grammar))
    searcher = chosen("searcher", "search.searcher", line, file, str(Search.searcher))
    file = without_others(file, learner, searcher)
    settings = blank(grammar, learner, searcher)
    layers = [of_grammar(grammar) | variant(grammar, learner), file]
    if "grammar" in line or "learner.name" in line:
        layers.reverse()
    for layer in [*layers, line]:
        for key, value in layer.items():
            put(settings, key, value)
    if settings.search.ladder and "search.seeds" not in {**file, **line}:
        settings.search.seeds = SEEDS_OF_A_LADDER
    return Request(with_sentence(complete(settings)), flags)


def asked(
    arguments: Sequence[str], known: Sequence[str] = FLAGS, bare: str = ""
) -> tuple[frozenset[str], dict[str, Any], dict[str, Any]]:
    """Flags, the settings on the line and those in its file, with the plugins imported.

    `bare`: the key of a word without `=`, of which there may be one.
    """
    flags = frozenset("--help" if word == "-h" else word for word in arguments if word.startswith("-"))
    for flag in sorted(flags - set(known)):
        raise StudyError(f"{flag} is not a flag; {nearest(flag, known)}")
    words = [word for word in arguments if not word.startswith("-")]
    if bare and sum("=" not in word for word in words) > 1:
        raise StudyError(f"one {bare} at a time, but got {' '.join(words)}; call it again for another")
    line: dict[str, Any] = dict((bare, word) if bare and "=" not in word else pair(word) for word in words)
    file = read_file(line.pop("config")) if "config" in line else {}
    import_plugins(line.get("plugins", file.get("plugins", [])))
    return flags, line, file


def filled(kind: type[Any], layers: Sequence[Mapping[str, Any]]) -> DictConfig:
    """The defaults of a dataclass of settings, with the layers put over them in order, checked."""
    settings = cast(DictConfig, OmegaConf.structured(kind))
    for layer in layers:
        for key, value in layer.items():
            put(settings, key, value)
    for key, declared in declarations(settings).items():
        check(key, OmegaConf.select(settings, key), declared)
    return settings


def with_sentence(settings: DictConfig) -> DictConfig:
    """The teaching set that was given, if there is one, as its canonical text."""
    if settings.sentence:
        try:
            sentence = load_grammar(settings).parse(settings.sentence, "Lesson")
            examples = sentence.denote()
        except grammars.GrammarError as error:
            raise StudyError(f"sentence: {error}") from None
        if len(examples) == 0:
            raise StudyError(f"sentence: {sentence} denotes no example, so there is nothing to teach")
        settings.sentence = literal(str(sentence))
    return settings


def pair(word: str) -> tuple[str, str]:
    """`key=value`; `learner=conv` is short for `learner.name=conv`."""
    key, equals, value = word.partition("=")
    if not equals or not key:
        meant = [f"{what}={word}" for what in ("grammar", "learner") if word in choices(f"{what}s")]
        hint = f"did you mean {meant[0]}?" if meant else "--help lists them"
        raise StudyError(f"settings are key=value, but got {word!r}; {hint}")
    return {"learner": "learner.name"}.get(key, key), value


def read_file(path: str) -> dict[str, Any]:
    """The settings of a YAML file by their dotted names; `learner: conv` names the learner."""
    if not Path(path).is_file():
        raise StudyError(f"config={path}: there is no such file")
    try:
        loaded = read(Path(path))
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise StudyError(f"config={path}: no YAML file of settings: {said}") from None
    if not isinstance(loaded, dict):
        raise StudyError(f"config={path}: a file of settings holds `key: value` lines, but got a list")
    return {{"learner": "learner.name"}.get(key, key): value for key, value in flatten(loaded).items()}


def import_plugins(named: str | Sequence[str]) -> None:
    """Import other people's modules, which register what they bring."""
    for name in items(named) if isinstance(named, str) else named:
        try:
            importlib.import_module(str(name))
        except ModuleNotFoundError as error:
            raise StudyError(f"plugins: there is no module {error.name!r} to import") from None


def chosen(what: str, key: str, line: Mapping[str, Any], file: Mapping[str, Any], default: str) -> str:
    """The name of the grammar or of the learner, which decides what other settings there are."""
    name = str(line.get(key, file.get(key, default)))
    known = choices(f"{what}s")
    if name not in known:
        raise StudyError(
            f"{key.removesuffix('.name')}={name}: there is no such {what}; {nearest(name, known)}"
        )
    return name


def without_others(file: dict[str, Any], learner: str, searcher: str) -> dict[str, Any]:
    """A file's settings without those of a learner or searcher that the command line replaces."""
    dropped: set[str] = set()
    if file.get("learner.name", learner) != learner:
        dropped = {key for key in file if key.startswith("learner.")}
    other = file.get("search.searcher", searcher)
    if other != searcher:
        dropped |= {"search.searcher", *(f"search.{item.name}" for item in fields(search.settings(other)))}
    return {key: value for key, value in file.items() if key not in dropped}


def blank(grammar: str, learner: str, searcher: str) -> DictConfig:
    """The defaults for one grammar, learner and searcher, typed; the latter two bring their own."""
    settings = OmegaConf.structured(Config)
    settings.grammar = grammar
    settings.learner = joined(Learner, models.settings(learner))
    settings.learner.name = learner
    settings.search = joined(Search, search.settings(searcher))
    settings.search.searcher = searcher
    return cast(DictConfig, settings)


def joined(*kinds: type[Any]) -> DictConfig:
    """One group of settings from several dataclasses, types and meanings kept."""
    members: list[tuple[str, Any, Any]] = []
    for kind in kinds:
        types = get_type_hints(kind)
        for declared in fields(kind):
            again = field(
                default=declared.default,
                default_factory=declared.default_factory,
                metadata=declared.metadata,
            )
            members.append((declared.name, types[declared.name], again))
    return cast(DictConfig, OmegaConf.structured(make_dataclass(kinds[0].__name__, members)))


def variant(grammar: str, learner: str) -> dict[str, Any]:
    """What the chosen names bring along wherever they are chosen; a learner's settings may depend on the
    grammar."""
    below = {f"learner.{key}": value for key, value in usual_settings(grammar, learner).items()}
    return {key: value for key, value in of_grammar(grammar).items() if key.startswith("space.")} | below


def of_grammar(grammar: str) -> dict[str, Any]:
    """What a grammar brings along to a search, but for who is taught."""
    return {key: value for key, value in VARIANTS.get(grammar, {}).items() if key != "learner.name"}


def usual_learner(grammar: str) -> str:
    """Who is taught in a grammar when nobody is named."""
    return str(VARIANTS.get(grammar, {}).get("learner.name", Learner.name))


def usual_settings(grammar: str, learner: str) -> dict[str, Any]:
    """How a learner is set for a grammar when nothing else is said: what differs from its own defaults."""
    return dict(VARIANTS.get((grammar, learner), {}))


def complete(settings: DictConfig) -> DictConfig:
    """Fill in what follows from the grammar, and hold every value to its range or choices."""
    for key, declared in declarations(settings).items():
        check(key, OmegaConf.select(settings, key), declared)
    own = grammars.load(settings.grammar).space
    if isinstance(own, grammars.Grid):
        settings.space.height = settings.space.height or own.height
        settings.space.width = settings.space.width or own.width
    elif settings.space.height or settings.space.width:
        raise StudyError(
            f"grammar={settings.grammar} is about {own}, which has no space.height and no space.width"
        )
    grammar = load_grammar(settings)
    try:
        target = grammar.parse(settings.target, "Set") if settings.target else grammar.target
    except grammars.GrammarError as error:
        raise StudyError(f"target: {error}") from None
    settings.target = literal(str(target))
    reason = models.load(settings.learner.name, **learner_settings(settings)).supports(grammar.space.shape)
    if reason is not None:
        raise StudyError(f"learner={settings.learner.name}: {reason}")
    return settings


def load_grammar(settings: DictConfig) -> grammars.Grammar:
    """The grammar of these settings, bound to their grid; on the plane, to its own window."""
    height, width = settings.space.height, settings.space.width
    return grammars.load(settings.grammar, space=grammars.Grid(height, width) if height and width else None)


def learner_settings(settings: DictConfig) -> dict[str, Any]:
    """The learner's own settings as plain values, without its name."""
    plain = cast(dict[str, Any], OmegaConf.to_container(settings.learner, resolve=True))
    return {key: value for key, value in plain.items() if key != "name"}


def decisive(settings: DictConfig) -> dict[str, Any]:
    """The settings that change what a run finds, by their dotted names."""
    return deciding(values(settings))


def deciding(known: Mapping[str, Any]) -> dict[str, Any]:
    """Those of these settings, by their dotted names, that change what a run finds."""
    return {
        key: value
        for key, value in known.items()
        if key not in FREE and key.partition(".")[0] not in FREE_SECTIONS
    }


def command(settings: DictConfig, module: str = "study.search") -> str:
    """The shortest command line that asks for these settings."""
    words = [f"grammar={settings.grammar}"]
    if settings.learner.name != Learner.name:
        words.append(f"learner={settings.learner.name}")
    if settings.search.searcher != Search.searcher:
        words.append(f"search.searcher={settings.search.searcher}")
    usual = values(resolve(words).settings)
    for key, value in values(settings).items():
        if value != usual[key]:
            words.append(f"{key}={written(value)}")
    return shlex.join(["python", "-m", module, *words])


def written(value: Any) -> str:
    """A value as a command line writes it."""
    if isinstance(value, list):
        return f"[{','.join(str(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
