"""Every setting of `python -m study.show`, and how a command line is laid over them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from omegaconf import DictConfig, OmegaConf

import grammars
from search.errors import nearest
from study.config import VARIANTS, Space, setting
from study.errors import StudyError
from study.resolve import Request, chosen, import_plugins, pair, read_file
from study.settings import check, declarations, put

FLAGS = ("--help", "--cfg")
ENDINGS = (".png", ".pdf", ".svg")


@dataclass
class Show:
    """All settings of `python -m study.show`."""

    grammar: str = setting("dots", "the language", choices="grammars")
    sentence: str = setting("", "what is drawn, a sentence of any type; empty is the language itself")
    space: Space = field(default_factory=Space)
    pictures: int = setting(32, "pictures drawn at most", "pictures", range=(1, 1024))
    points: int = setting(2000, "points drawn of a set on the plane", "points", range=(1, 10**6))
    seed: int = setting(0, "the same seed draws the same pictures", range=(0, 2**31 - 1))
    out: str = setting(
        "", "file of the picture sheet (.png, .pdf, .svg); empty is shows/<grammar>-<hash>.png"
    )
    plugins: list[str] = setting([], "your own modules, imported before names are looked up")


def resolve(arguments: Sequence[str]) -> Request:
    """Settings in the order defaults < what the grammar brings along < file < command line, checked."""
    flags = frozenset("--help" if word == "-h" else word for word in arguments if word.startswith("-"))
    for flag in sorted(flags - set(FLAGS)):
        raise StudyError(f"{flag} is not a flag; {nearest(flag, FLAGS)}")
    line = dict(pair(word) for word in arguments if not word.startswith("-"))
    file = read_file(line.pop("config")) if "config" in line else {}
    import_plugins(line.get("plugins", file.get("plugins", [])))
    name = chosen("grammar", "grammar", line, file, str(Show.grammar))
    settings = cast(DictConfig, OmegaConf.structured(Show))
    usual = {key: value for key, value in VARIANTS.get(name, {}).items() if key.startswith("space.")}
    for layer in (usual, file, line):
        for key, value in layer.items():
            put(settings, key, value)
    for key, declared in declarations(settings).items():
        check(key, OmegaConf.select(settings, key), declared)
    ending = Path(settings.out).suffix.lower()
    if settings.out and ending not in ENDINGS:
        raise StudyError(f"out={settings.out}: a sheet is written as {' or '.join(ENDINGS)}")
    return Request(with_space(settings), flags)


def with_space(settings: DictConfig) -> DictConfig:
    """The settings with the sides of the grid filled in; a `StudyError` where the plane is given some."""
    own = grammars.load(settings.grammar).space
    if isinstance(own, grammars.Grid):
        settings.space.height = settings.space.height or own.height
        settings.space.width = settings.space.width or own.width
    elif settings.space.height or settings.space.width:
        raise StudyError(
            f"grammar={settings.grammar} is about {own}, which has no space.height and no space.width"
        )
    return settings
