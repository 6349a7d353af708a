"""Every setting of `python -m study.describe`, and how a command line is laid over them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

import grammars
from analysis.description import EVALUATIONS
from search.errors import nearest
from study.config import Space, setting
from study.errors import StudyError
from study.resolve import Request, asked, filled
from study.settings import choices

FLAGS = ("--help", "--cfg")


@dataclass
class Describe:
    """All settings of `python -m study.describe`."""

    path: str = setting("", "folder of a run, or a .nc or .npy file of samples; also given without `path=`")
    grammar: str = setting("", "the language of the descriptions; empty is the run's own")
    space: Space = field(default_factory=Space)
    evaluations: int = setting(EVALUATIONS, "sentences looked at for each", "sentences", range=(1, 10**7))
    seed: int = setting(0, "the same seed finds the same sentences", range=(0, 2**31 - 1))
    shown: int = setting(3, "alternatives shown below the best", "sentences", range=(0, 9))
    out: str = setting("", "file of the descriptions (.nc); empty is described.nc beside the samples")
    plugins: list[str] = setting([], "your own modules, imported before names are looked up")


def resolve(arguments: Sequence[str]) -> Request:
    """Settings in the order defaults < file < command line, checked."""
    flags, line, file = asked(arguments, FLAGS, bare="path")
    settings = filled(Describe, (file, line))
    known = choices("grammars")
    if settings.grammar and settings.grammar not in known:
        raise StudyError(
            f"grammar={settings.grammar}: there is no such grammar; {nearest(settings.grammar, known)}"
        )
    if settings.out and Path(settings.out).suffix != ".nc":
        raise StudyError(f"out={settings.out}: descriptions are written as .nc")
    if not flags and not settings.path:
        raise StudyError("which samples? name a run's folder, or a .nc or .npy file: --help says how")
    return Request(settings, flags)


def language(settings: DictConfig, name: str, shape: tuple[int, ...]) -> grammars.Grammar:
    """The grammar of samples of this shape, on their own grid; a `StudyError` where it is not."""
    name = settings.grammar or name
    if not name:
        raise StudyError(f"{settings.path} does not say its language; add grammar=, such as grammar=dots")
    grammar = grammars.load(name)
    if isinstance(grammar.space, grammars.Plane) != (len(shape) == 1):
        kinds = ("pictures", "points of the plane")
        held, meant = kinds if len(shape) == 2 else kinds[::-1]
        raise StudyError(f"grammar={name}: {settings.path} holds {held}, and {name} is about {meant}")
    if len(shape) == 1:
        return grammar
    height, width = shape
    asked = settings.space.height or height, settings.space.width or width
    if asked != shape:
        raise StudyError(
            f"space is {asked[0]}x{asked[1]}, but the samples in {settings.path} are {height}x{width}"
        )
    return grammars.load(name, space=grammars.Grid(height, width))
