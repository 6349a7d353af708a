"""The page of a run written again from what lies in its folder, such as after its descriptions came."""

from pathlib import Path
from typing import Any

import xarray as xr

from search.lock import holder
from study.errors import StudyError


def refresh(folder: Path) -> str:
    """Write report.html again; gives its path, or in words why it was left as it is."""
    if not (folder / "config.yaml").is_file():
        return f"none: {folder} has no config.yaml, so it is not the folder of a run"
    if holder(folder) is not None:
        return "left to the driver that is at work in this folder; it writes the page when it ends"
    try:
        return str(of_lesson(folder) if (folder / "learned.nc").is_file() else of_search(folder))
    except StudyError as error:
        return f"left as it is: {error}"


def of_search(folder: Path) -> Path:
    """The page of a search."""
    from study.commands.search import report_of
    from study.report.page import write
    from study.resolve import resolve

    settings = resolve([f"config={folder / 'config.yaml'}"]).settings
    return write(report_of(folder, settings, dataset(folder / "result.nc"), dataset(folder / "verified.nc")))


def of_lesson(folder: Path) -> Path:
    """The page of a lesson."""
    from study.commands.learn import lesson_of
    from study.learn_settings import resolve
    from study.report.lesson import write

    settings = resolve([f"config={folder / 'config.yaml'}"]).settings
    return write(lesson_of(folder, settings, dataset(folder / "learned.nc")))[0]


def dataset(path: Path) -> Any:
    """What a file holds, read whole and closed; None where it is not there."""
    if not path.is_file():
        return None
    try:
        with xr.open_dataset(path) as data:
            return data.load()
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read: {error}") from None
