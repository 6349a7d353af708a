"""`python -m study.search`: look for the smallest training set that teaches a learner the target.

    python -m study.search grammar=dots          # two cores, a few minutes
    python -m study.search grammar=polygons workers=4 search.evaluations=200

The same command resumes a run that was interrupted.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import xarray as xr
from omegaconf import DictConfig, OmegaConf

import analysis
import search
from study.entry import INTERRUPTED
from study.folder import check, place, write_settings
from study.help import page
from study.job import Pupil, device, objective_of, pupils, searcher_of, workers
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
    target = grammar.parse(settings.target, "Set")
    plain = search.iid(grammar, settings.target, settings.search.seed, settings.search.baselines)
    with ExitStack() as open_things:
        pool = open_things.enter_context(search.start(workers(settings)))
        book = open_things.enter_context(
            search.open_ledger(ledger_of(path, settings), path / "artifacts", "search", objective.content())
        )
        with Progress() as progress:
            result = search.minimise(
                objective,
                grammar,
                searcher_of(settings),
                settings.search.evaluations,
                book,
                pool,
                baselines=plain,
                allow=None if settings.search.allow_target else lambda lesson: not lesson.uses_target(target),
                progress=progress,
            )
        result = signed(result, settings)
        analysis.save(result, path / "result.nc")
        verified = None
        if again and result.attrs["stopped"] != "interrupted":
            verified = signed(verify(result, settings, objective, again, book, pool), settings)
            analysis.save(verified, path / "verified.nc")
    report = write(report_of(path, settings, result, verified))
    say(result, verified, report, dashboard_of(path, settings))
    if "interrupted" in (result.attrs["stopped"], "" if verified is None else verified.attrs["stopped"]):
        print(f"\nStopped before the end; this goes on:\n  {command(settings)}")
        return INTERRUPTED
    return 0


def signed(dataset: xr.Dataset, settings: DictConfig) -> xr.Dataset:
    """The dataset with the whole configuration as one JSON string among its attributes."""
    import json

    whole = OmegaConf.to_container(settings, resolve=True)
    return dataset.assign_attrs(configuration=json.dumps(whole, sort_keys=True), command=command(settings))


def parts(settings: DictConfig, again: Sequence[Pupil]) -> list[Part]:
    """The trainings that a run asks for, learner by learner."""
    own = learner_settings(settings)
    first = settings.search.evaluations + len(settings.search.baselines)
    each = (settings.verify.sentences + settings.verify.baselines) * settings.verify.seeds
    return [
        Part("search", settings.learner.name, own, first),
        *(Part("verification", pupil.learner, pupil.settings, each) for pupil in again),
    ]


def report_of(path: Path, settings: DictConfig, result: xr.Dataset, verified: xr.Dataset | None) -> Run:
    """What the report is made from."""
    return Run(
        folder=path,
        result=result,
        verified=verified,
        command=command(settings),
        dashboard=dashboard_of(path, settings),
        sentences=settings.report.sentences,
        settings=OmegaConf.to_yaml(settings, resolve=True),
    )


def ledger_of(path: Path, settings: DictConfig) -> str:
    """The URL of the ledger."""
    return settings.ledger or f"sqlite:///{path / 'optuna.db'}"


def dashboard_of(path: Path, settings: DictConfig) -> str:
    """The command line that opens the dashboard on this run."""
    import shlex

    words = ["optuna-dashboard", ledger_of(path, settings), "--artifact-dir", str(path / "artifacts")]
    return shlex.join(words)


def listen() -> None:
    """Warnings of the rooms become lines on the terminal."""
    handler = Beside()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
