"""`python -m study.run`: run a declared experiment, or go on with it, and say what it answers.

python -m study.run experiment=single_dots size=quick
python -m study.run experiment=single_dots size=full --dry-run
"""

import hashlib
import math
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr
from omegaconf import OmegaConf

import analysis
import search
from study import cells as cells_module
from study import experiment, run_settings, searches
from study.cell_ledger import CellLedger, open_cells
from study.cells import Cell, work
from study.commands.search import listen
from study.derived import DERIVED, Derived, Whole
from study.errors import StudyError
from study.experiment import Experiment
from study.help import page
from study.job import device, pool, workers
from study.progress import Progress
from study.report import experiments as report
from study.results_of import gathered

HEAD = """\
python -m study.run experiment=NAME [size=quick|full] [key=value ...] [--help | --cfg | --dry-run]

Runs a declared experiment: every lesson by every learner. What is finished is not done again.

  --help     this page
  --cfg      the whole experiment as YAML
  --dry-run  its cells, and the hours it is estimated to take, from measured ones
"""


def main(arguments: Sequence[str]) -> int:
    """The command; its exit status."""
    request = run_settings.resolve(arguments)
    settings = request.settings
    if "--help" in request.flags or not settings.experiment:
        print(page(settings, HEAD, ()))
        print("\nexperiments:")
        known = experiment.available()
        print("\n".join(f"    {name:<{max(map(len, known))}}  {title}" for name, title in known.items()))
        return 0 if "--help" in request.flags else 2
    declared = experiment.load(settings.experiment, settings.size)
    if settings.seeds:
        declared = replace(declared, seeds=settings.seeds)
    if "--cfg" in request.flags:
        print(OmegaConf.to_yaml(OmegaConf.create(report.plain(declared)), resolve=False), end="")
        return 0
    cells = experiment.product(declared, device(settings), tuple(settings.plugins))
    path = run_settings.place(settings)
    check(path)
    if "--dry-run" in request.flags:
        with pool(settings) as executor:
            print("\n".join(planned(declared, cells, path, executor, workers(settings))))
        return 0
    listen()
    with search.sole_driver(path):
        (path / "cells").mkdir(parents=True, exist_ok=True)
        print(f"{declared.title}: {len(cells)} cells in {path}", flush=True)
        stopped = False
        try:
            progress = Running()
            cache = search.open_cache(settings.cache)
            with ledger(settings, path, declared, cells) as book, progress, pool(settings) as executor:
                finish(path, cells, executor, workers(settings), progress, cache, book)
            searches.run(declared, path, passed_on(settings))
        except KeyboardInterrupt:
            stopped = True
        show(path, declared, cells, command(settings))
    if stopped:
        print(f"stopped; what had finished is there. To go on: {command(settings)}", flush=True)
        return 130
    return 0


def ledger(
    settings: Any, path: Path, declared: Experiment, cells: Sequence[Cell]
) -> AbstractContextManager[CellLedger | None]:
    """Where finished cells are shown to the dashboard; none where the experiment has searches only."""
    return open_cells(settings.ledger, path, declared, cells) if cells else nullcontext()


def passed_on(settings: Any) -> list[str]:
    """Settings of this command that its searches take too."""
    names = ("workers", "scheduler", "device", "ledger", "cache")
    return [f"{name}={settings[name]}" for name in names if settings[name]]


def command(settings: Any) -> str:
    """The command line that runs this again."""
    words = [f"experiment={settings.experiment}", f"size={settings.size}"]
    words += [f"{name}={settings[name]}" for name in ("seeds", "run") if settings[name]]
    return " ".join(["python -m study.run", *words])


def check(path: Path) -> None:
    """A StudyError where the folder cannot hold a run."""
    for part in [path, *path.parents]:
        if part.exists() and not part.is_dir():
            raise StudyError(f"run={path}: {part} is a file, and a run needs a folder")
    if path.is_dir() and any(path.iterdir()) and not (path / "cells").is_dir():
        there = [one.name for one in path.iterdir() if one.name != ".lock"]
        if there:
            raise StudyError(
                f"{path} holds files that are not a run of an experiment; name another folder with run="
            )


class Running(Progress):
    """A bar on a terminal, a line every few seconds elsewhere."""

    def running(self, done: int, total: int, cell: Cell, seconds: float) -> None:
        """Show where the experiment stands."""
        where = dict(cell.place)
        taught = f"n = {where['n']}" if where["n"] else where["lesson"]
        self._show(done, total, f"{done}/{total} cells, {where['learner']} on {where['target']} "
                   f"(d = {where['d']}, {taught}): {seconds:.0f} s")  # fmt: skip


def file_of(path: Path, cell: Cell) -> Path:
    return path / "cells" / f"{cell.key}.nc"


def read(file: Path) -> xr.Dataset | None:
    """What a cell has found; None where it has not finished, or its file is not whole."""
    with suppress(OSError, ValueError), xr.open_dataset(file, engine="netcdf4") as data:
        return data.load()
    return None


def there(path: Path, cell: Cell, cache: search.Cache | None) -> bool:
    """Whether a cell has finished here, or another run on this machine has left it in the cache."""
    file = file_of(path, cell)
    if read(file) is not None:
        return True
    return cache is not None and cache.fetch(cell.objective, cached(cell), file) and read(file) is not None


def cached(cell: Cell) -> str:
    """A cell's key in the cache: what it depends on, and the source that the cache itself does not know."""
    return f"{cell.key} {hashlib.sha256(Path(cells_module.__file__).read_bytes()).hexdigest()}"


def finish(
    path: Path,
    cells: Sequence[Cell],
    executor: Executor,
    count: int,
    progress: Running,
    cache: search.Cache | None,
    book: CellLedger | None,
) -> None:
    """Do what is not there yet, nor in the cache; each cell's file is written as soon as it is found."""
    todo = []
    for one in cells:
        if not there(path, one, cache):
            todo.append(one)
        elif book is not None and not book.has(one):
            book.add(one, xr.load_dataset(file_of(path, one), engine="netcdf4"))
    done, total = len(cells) - len(todo), len(cells)
    line: dict[Future[xr.Dataset], Cell] = {}
    waiting = iter(todo)
    failed: list[str] = []
    while True:
        while len(line) < 2 * count and (cell := next(waiting, None)) is not None:
            line[executor.submit(work, cell)] = cell
        if not line:
            break
        ready, _ = wait(line, return_when=FIRST_COMPLETED)
        for future in ready:
            cell = line.pop(future)
            done += 1
            try:
                found = future.result()
            except search.SearchError as error:
                failed.append(f"{dict(cell.place)}: {error}")
                continue
            file = analysis.save(found, file_of(path, cell), report.configuration(cell))
            if cache is not None:
                cache.keep(cell.objective, cached(cell), file)
            if book is not None:
                book.add(cell, found)
            progress.running(done, total, cell, float(found["seconds"]))
    if failed:
        raise StudyError(f"{len(failed)} cells failed; the first: {failed[0]}")


def show(path: Path, declared: Experiment, cells: Sequence[Cell], asked: str) -> None:
    """Derive, write result.nc, figures and report, and print the answer."""
    found = [(cell, there) for cell in cells if (there := read(file_of(path, cell))) is not None]
    looked = searches.read(declared, path)
    if not found and not looked:
        raise StudyError(f"nothing has finished in {path}")
    whole = Whole(declared.title, gathered(found) if found else xr.Dataset(), tuple(found), looked)
    answers: dict[str, Derived] = {name: DERIVED[name](whole) for name in declared.derive}
    tree = {"/": xr.Dataset(), "/cells": whole.cells}
    tree |= {f"/{name}": one.numbers for name, one in answers.items() if one.numbers is not None}
    data: xr.DataTree = xr.DataTree.from_dict(tree)
    data.attrs = {"title": declared.title, "question": declared.question, "command": asked,
                  "cells": len(cells), "finished": len(found)}  # fmt: skip
    analysis.save(data, path / "result.nc", report.plain(declared))
    (path / "figures").mkdir(exist_ok=True)
    for one in answers.values():
        for name, figure in one.figures.items():
            analysis.write(figure, path / "figures" / f"{name}.png")
    page = report.write(path, declared, answers, data, asked)
    print("\n" + declared.question.strip())
    for name in declared.derive:
        if answers[name].lines:
            print(
                "\n"
                + "\n".join([f"{name.replace('_', ' ')}:", *(f"  {line}" for line in answers[name].lines)])
            )
    waiting = len(list(searches.arguments(declared, path))) - sum(
        "verified" in one for one in looked.values()
    )
    if waiting:
        print(f"\n{waiting} searches have not finished.")
    if len(found) < len(cells):
        print(f"\n{len(found)} of {len(cells)} cells have finished.")
    print(f"\ndata    {path / 'result.nc'}\nreport  {page}", flush=True)


def planned(
    declared: Experiment, cells: Sequence[Cell], path: Path, executor: Executor, count: int
) -> list[str]:
    """The cells by factor, and what is left to do, from one cell of each learner measured in this machine.

    The cheapest cell of each learner is trained once, and CPU time taken to grow with pixels and trainings.
    """
    todo = [cell for cell in cells if read(file_of(path, cell)) is None]
    lines = [
        f"{declared.title} (size={declared.size}): {len(cells)} cells, {len(cells) - len(todo)} finished"
    ]
    for name in dict(cells[0].place) if cells else ():
        values = list(dict.fromkeys(dict(cell.place)[name] for cell in cells))
        lines.append(f"  {name:<8} {', '.join(map(str, values))}")
    total = 0.0
    cheapest: dict[Any, Cell] = {}
    for cell in todo:
        who = dict(cell.place)["learner"]
        if who not in cheapest or weight(cell) < weight(cheapest[who]):
            cheapest[who] = cell
    begun = time.monotonic()
    measured = {
        who: executor.submit(work, replace(cell, objective=replace(cell.objective, seeds=1)))
        for who, cell in cheapest.items()
    }
    for who, future in measured.items():
        try:
            found = future.result()
        except search.SearchError as error:
            raise StudyError(f"{dict(cheapest[who].place)}: {error}") from None
        seconds = float(found["seconds"]) / (weight(cheapest[who]) / cheapest[who].objective.seeds)
        share = sum(seconds * weight(cell) for cell in todo if dict(cell.place)["learner"] == who)
        lines.append(f"  {who}: about {share / 3600:.2f} core-hours")
        total += share
    lines += [
        f"  search   {label}: {' '.join(line)}" for label, _, line in searches.arguments(declared, path)
    ]
    if todo:
        lines.append(
            f"about {total / 3600:.2f} core-hours, {math.ceil(total / count / 60)} min with {count} workers "
            f"(measured: one cell of each learner, {time.monotonic() - begun:.0f} s)"
        )
    return lines


def weight(cell: Cell) -> float:
    """What a cell costs beside another of the same learner: pixels times trainings."""
    return float(dict(cell.place)["d"] * cell.objective.seeds)
