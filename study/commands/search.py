"""`python -m study.search`: look for the smallest training set that teaches a learner the target.

    python -m study.search grammar=dots          # two cores, a few minutes
    python -m study.search grammar=polygons workers=4 search.evaluations=200

The same command resumes a run that was interrupted.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, cast

import xarray as xr
from omegaconf import DictConfig, OmegaConf

import analysis
import grammars
import search
from study.entry import INTERRUPTED
from study.folder import check, name_of, place, write_settings
from study.help import page
from study.job import Pupil, device, objective_of, pool, pupils, searcher_of, workers
from study.last_words import say
from study.plan import Part, lines
from study.progress import Beside, Progress
from study.report.page import Run, write
from study.resolve import command, learner_settings, load_grammar, resolve


def main(arguments: Sequence[str]) -> int:
    """The command; its exit status."""
    request = resolve(arguments)
    settings = request.settings
    if "--help" in request.flags:
        print(page(settings))
        return 0
    if "--cfg" in request.flags:
        print(OmegaConf.to_yaml(settings, resolve=True), end="")
        return 0
    path, again = place(settings), pupils(settings)
    resumed = check(path, settings)
    if "--dry-run" in request.flags:
        print("\n".join(lines(settings, path, parts(settings, again), workers(settings), device(settings))))
        return 0
    listen()
    with search.sole_driver(path):
        check(path, settings)  # once more, now that nobody else can write there
        write_settings(path, settings)
        print(f"{'resuming' if resumed else 'searching in'} {path}", flush=True)
        return run(path, settings, again)


def run(path: Path, settings: DictConfig, again: Sequence[Pupil]) -> int:
    """Search, verify, write what is left behind, and say what was found."""
    objective, grammar = objective_of(settings), load_grammar(settings)
    whole = cast(dict[str, Any], OmegaConf.to_container(settings, resolve=True))
    ledger = search.open_ledger(
        ledger_of(path, settings),
        path / "artifacts",
        study_of(settings),
        objective.content(),
        shared=bool(settings.ledger),
        cache=search.open_cache(settings.cache),
    )
    with pool(settings) as trainers, ledger as book:
        result = look(settings, objective, book, trainers).assign_attrs(command=command(settings))
        analysis.save(result, path / "result.nc", whole)
        verified = None
        if again and result.attrs["stopped"] != "interrupted":
            with Progress() as progress:
                verified = search.verify(
                    result,
                    grammar,
                    {pupil.label: objective.taught_to(pupil.learner, pupil.settings) for pupil in again},
                    settings.verify.seeds,
                    book,
                    trainers,
                    sentences=settings.verify.sentences,
                    baselines=settings.verify.baselines,
                    seeds_of_others=settings.verify.others,
                    progress=progress.verifying,
                )
            analysis.save(verified, path / "verified.nc", whole)
    report = write(report_of(path, settings, result, verified))
    say(result, verified, report, dashboard_of(path, settings))
    if any(data is not None and data.attrs["stopped"] == "interrupted" for data in (result, verified)):
        print(f"\nStopped before the end; this goes on:\n  {command(settings)}")
        return INTERRUPTED
    return 0


def look(
    settings: DictConfig, objective: search.Objective, book: search.Ledger, trainers: Executor
) -> xr.Dataset:
    """The search itself, with its baselines."""
    grammar = load_grammar(settings)
    target = grammar.parse(settings.target, "Set")

    def without_target(lesson: grammars.Sentence) -> bool:
        return not lesson.uses_target(target)

    with Progress() as progress:
        return search.minimise(
            objective,
            grammar,
            searcher_of(settings),
            settings.search.evaluations,
            book,
            trainers,
            baselines=search.iid(grammar, settings.target, settings.search.seed, settings.search.baselines),
            allow=None if settings.search.allow_target else without_target,
            progress=progress.searching,
        )


def parts(settings: DictConfig, again: Sequence[Pupil]) -> list[Part]:
    """The trainings that a run asks for, learner by learner."""
    own = learner_settings(settings)
    first = settings.search.evaluations + len(settings.search.baselines)
    sentences = settings.verify.sentences + settings.verify.baselines
    seeds = [settings.verify.seeds] + [min(settings.verify.seeds, settings.verify.others)] * len(again)
    return [
        Part("search", settings.learner.name, own, first),
        *(
            Part("verification", pupil.learner, pupil.settings, sentences * number)
            for pupil, number in zip(again, seeds, strict=False)
        ),
    ]


def report_of(path: Path, settings: DictConfig, result: xr.Dataset, verified: xr.Dataset | None) -> Run:
    """What the report is made from."""
    return Run(
        folder=path,
        result=result,
        verified=verified,
        target=load_grammar(settings).parse(settings.target, "Set").denote(),
        command=command(settings),
        dashboard=dashboard_of(path, settings),
        sentences=settings.report.sentences,
        settings=OmegaConf.to_yaml(settings, resolve=True),
    )


def ledger_of(path: Path, settings: DictConfig) -> str:
    """The URL of the ledger."""
    return settings.ledger or f"sqlite:///{path / 'optuna.db'}"


def study_of(settings: DictConfig) -> str:
    """The name of the study: in a database of one's own a plain one, elsewhere one for these settings."""
    return name_of(settings) if settings.ledger else "search"


def dashboard_of(path: Path, settings: DictConfig) -> str:
    """The command line that opens the dashboard on this run."""
    import shlex

    words = ["optuna-dashboard", ledger_of(path, settings), "--artifact-dir", str(path / "artifacts")]
    return shlex.join(words)


def listen() -> None:
    """Warnings of the rooms become lines on the terminal."""
    handler = Beside()
    handler.setLevel(logging.WARNING)  # the loggers of other packages have levels of their own
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
