"""Every setting of `python -m study.show`, and how a command line is laid over them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

import grammars
from study.config import VARIANTS, Space, setting
from study.errors import StudyError
from study.resolve import Request, asked, chosen, filled

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
    flags, line, file = asked(arguments, FLAGS)
    name = chosen("grammar", "grammar", line, file, str(Show.grammar))
    usual = {key: value for key, value in VARIANTS.get(name, {}).items() if key.startswith("space.")}
    settings = filled(Show, (usual, file, line))
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
