"""`python -m study.learn`: teach one learner one sentence, watch it, and see what was learned.

    python -m study.learn learner=conv sentence="take(8, dots(k=2), seed=0)" target="dots(k=between(1, 4))"
    python -m study.learn learner=transformer learn.seeds=3 learner.steps=2400

The same command again says what is there already.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import xarray as xr
from omegaconf import DictConfig, OmegaConf

import analysis
import search
from study import learned
from study.commands.search import listen
from study.errors import StudyError
from study.folder import check, write_settings
from study.help import page
from study.learn_settings import command, place, resolve
from study.lesson import teach
from study.report.lesson import Lesson, write
from study.resolve import load_grammar

RESULT = "learned.nc"
HEAD = """\
python -m study.learn [key=value ...] [--help | --cfg]

Teaches one learner one sentence and measures what it learned. The same command again shows it again.

  --help     this page; with grammar= and learner= the settings of that choice
  --cfg      the resolved settings as YAML
"""


def main(arguments: Sequence[str]) -> int:
    """The command; its exit status."""
    request = resolve(arguments)
    settings = request.settings
    if "--help" in request.flags:
        print(page(settings, HEAD, ("grammars", "learners")))
        return 0
    if "--cfg" in request.flags:
        print(OmegaConf.to_yaml(settings, resolve=True), end="")
        return 0
    path = place(settings)
    check(path, settings)
    listen()
    with search.sole_driver(path):
        there = check(path, settings) and (path / RESULT).is_file()
        if there:
            print(f"taught already, in {path}", flush=True)
        else:
            write_settings(path, settings)
            print(f"teaching in {path}", flush=True)
            whole = cast(dict[str, Any], OmegaConf.to_container(settings, resolve=True))
            analysis.save(teach(settings), path / RESULT, whole)
        show(path, settings)
    return 0


def show(path: Path, settings: DictConfig) -> None:
    """Say what `learned.nc` holds, draw it, and write its page."""
    try:
        with xr.open_dataset(path / RESULT) as data:
            found = data.load()
    except (OSError, ValueError) as error:
        raise StudyError(f"{path / RESULT} cannot be read: {error}; remove it to teach again") from None
    print("\n".join(["", *learned.words(found), ""]))
    report, *drawn = write(lesson_of(path, settings, found))
    print(f"data      {path / RESULT}\npictures  {', '.join(str(one) for one in drawn)}")
    print(f"report    {report}", flush=True)


def lesson_of(path: Path, settings: DictConfig, found: xr.Dataset) -> Lesson:
    """What the page is made from."""
    return Lesson(
        folder=path,
        learned=found,
        grammar=load_grammar(settings),
        command=command(settings),
        settings=OmegaConf.to_yaml(settings, resolve=True),
    )
