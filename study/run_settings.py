"""Every setting of `python -m study.run`, and how a command line is laid over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from study.config import setting
from study.experiment import SIZES
from study.resolve import Request, asked, filled

FLAGS = ("--help", "--cfg", "--dry-run")


@dataclass
class Run:
    """All settings of `python -m study.run`."""

    experiment: str = setting("", "name of an experiment, or the path of a YAML file of your own")
    size: str = setting("quick", "minutes, or hours", choices=SIZES)
    seeds: int = setting(
        0, "trainings of each cell; 0 is as many as the experiment says", "trainings", range=(0, 1000)
    )
    workers: int = setting(0, "processes on this machine; 0 is one per core", "processes", range=(0, 4096))
    scheduler: str = setting("", "address of a Dask scheduler, instead of processes on this machine")
    ledger: str = setting("", "URL of an Optuna storage; empty is optuna.db in the run's folder")
    cache: str = setting(
        "",
        "folder of trainings that all runs on this machine share; empty is ~/.cache/learned-sets, or `off`",
    )
    device: str = setting("auto", "where networks are trained", choices=("auto", "cpu", "cuda"))
    run: str = setting("", "folder of the run; empty is runs/<experiment>-<size>")
    plugins: list[str] = setting([], "your own modules, imported before names are looked up")


def resolve(arguments: Sequence[str]) -> Request:
    """Settings in the order defaults < file < command line, checked."""
    flags, line, file = asked(arguments, FLAGS)
    return Request(filled(Run, (file, line)), flags)


def place(settings: DictConfig) -> Path:
    """`run`, or runs/<experiment>-<size>."""
    if settings.run:
        return Path(settings.run)
    return Path("runs") / f"{Path(settings.experiment).stem}-{settings.size}"
