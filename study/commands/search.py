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
import search
from study.entry import INTERRUPTED
from study.folder import check, name_of, place, write_settings
from study.half_way import SEARCH, SHRINKING, TUNING, VERIFICATION, HalfWay
from study.help import page
from study.job import Pupil, device, ladder_of, objective_of, pool, pupils, searcher_of, with_tuned, workers
from study.last_words import say
from study.learn_settings import again as again_command
from study.plan import Part, lines
from study.progress import Beside, Progress
from study.report.page import Run, write
from study.resolve import command, learner_settings, load_grammar, resolve

SHRINK_SEEDS = 2  # trainings of each lesson that is tried on the way to a smaller one
TUNE_SEEDS = 2  # full trainings of each configuration that is not pruned
TUNE_LESSONS = 3  # of the front, which one is taught being tuned as well


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
        again=again_command,
    )

    def leave(found: xr.Dataset, ahead: Sequence[str]) -> None:
        analysis.save(found.assign_attrs(command=command(settings)), path / "result.nc", whole)
        if ahead and not interrupted(found):  # else the page comes at the end
            write(report_of(path, settings, found, None, ahead))

    half_way = HalfWay(leave, stages(settings, again))
    with pool(settings) as trainers, ledger as book:
        for stage in ("minimal.nc", "tuning.nc"):  # of an earlier state of the search; the ledger has it all
            (path / stage).unlink(missing_ok=True)
        result = searched = look(settings, objective, book, trainers, half_way)
        half_way.past(SEARCH, result)
        least = tuned = verified = None
        if settings.search.shrink and not interrupted(result):
            least = shrink(settings, objective, searched, book, trainers)
        if least is not None:
            analysis.save(least, path / "minimal.nc", whole)
            result = search.with_minimal(searched, least, grammar)
            half_way.past(SHRINKING, result)
        if settings.search.tune and not interrupted(result, least):
            tuned = tune(settings, objective, result, book, trainers)
        if tuned is not None:
            analysis.save(tuned, path / "tuning.nc", whole)
            half_way.past(TUNING, result)
        if again and not interrupted(result, least, tuned):
            with Progress() as progress:
                verified = search.verify(
                    searched,
                    grammar,
                    {pupil.label: pupil.objective(objective) for pupil in with_tuned(again, tuned)},
                    settings.verify.seeds,
                    book,
                    trainers,
                    sentences=settings.verify.sentences,
                    baselines=settings.verify.baselines,
                    seeds_of_others=settings.verify.others,
                    extra=search.chosen_of(result, least),
                    progress=progress.verifying,
                )
            analysis.save(verified, path / "verified.nc", whole)
    report = write(report_of(path, settings, result, verified))
    say(result, verified, report, dashboard_of(path, settings), least, tuned)
    if interrupted(result, least, tuned, verified):
        print(f"\nStopped before the end; this goes on:\n  {command(settings)}")
        return INTERRUPTED
    return 0


def interrupted(*stages: xr.Dataset | None) -> bool:
    """Whether Ctrl-C ended one of them."""
    return any(one is not None and one.attrs["stopped"] == "interrupted" for one in stages)


def stages(settings: DictConfig, again: Sequence[Pupil]) -> list[str]:
    """What a run does, in order."""
    asked = {
        SEARCH: True,
        SHRINKING: settings.search.shrink,
        TUNING: settings.search.tune,
        VERIFICATION: again,
    }
    return [stage for stage, wanted in asked.items() if wanted]


def look(
    settings: DictConfig,
    objective: search.Objective,
    book: search.Ledger,
    trainers: Executor,
    half_way: HalfWay,
) -> xr.Dataset:
    """The search itself, with its baselines."""
    grammar = load_grammar(settings)
    without = search.Without(grammar.parse(settings.target, "Set"))
    with Progress() as progress:

        def told(now: search.Progress) -> None:
            progress.searching(now)
            half_way.searching(now)

        return search.minimise(
            objective,
            grammar,
            searcher_of(settings),
            1 if settings.sentence else settings.search.evaluations,
            book,
            trainers,
            baselines=search.iid(grammar, settings.target, settings.search.seed, settings.search.baselines),
            allow=None if settings.search.allow_target else without,
            progress=told,
            ladder=ladder_of(settings),
        )


def shrink(
    settings: DictConfig,
    objective: search.Objective,
    result: xr.Dataset,
    book: search.Ledger,
    trainers: Executor,
) -> xr.Dataset | None:
    """The smallest good lesson made smaller; None where there is none of more than one example."""
    by_role = {one.role: one for one in search.choose(result, settings.verify.sentences + 2, 0)}
    wanted = by_role.get("smallest", by_role.get("best"))
    budget = settings.search.shrink
    if wanted is None or wanted.n == 1 or budget < 2 * SHRINK_SEEDS:
        return None
    with Progress() as progress:
        return search.minimal(
            wanted.sentence,
            load_grammar(settings),
            objective,
            budget,
            book,
            trainers,
            seeds=SHRINK_SEEDS,
            progress=progress.shrinking,
        )


def tune(
    settings: DictConfig,
    objective: search.Objective,
    result: xr.Dataset,
    book: search.Ledger,
    trainers: Executor,
) -> xr.Dataset | None:
    """The learner's settings tuned for the sentence that was given, or jointly with a choice of the front."""
    lessons = [settings.sentence] if settings.sentence else for_tuning(result)
    if not lessons:
        return None
    with Progress() as progress:
        return search.tune(
            objective,
            load_grammar(settings),
            lessons,
            settings.search.tunings,
            book,
            trainers,
            seeds=TUNE_SEEDS,
            progress=progress.tuning,
        )


def for_tuning(result: xr.Dataset) -> list[str]:
    """The best, the smallest and the shortest good teaching sets of the front."""
    return [one.sentence for one in search.choose(result, TUNE_LESSONS, 0)]


def parts(settings: DictConfig, again: Sequence[Pupil]) -> list[Part]:
    """The trainings that a run asks for, learner by learner."""
    own = learner_settings(settings)
    first = (1 if settings.sentence else settings.search.evaluations) + len(settings.search.baselines)
    sentences = settings.verify.sentences + settings.verify.baselines
    less = [Part("shrinking", settings.learner.name, own, settings.search.shrink)]
    tunings = settings.search.tunings * TUNE_SEEDS if settings.search.tune else 0
    seeds = [settings.verify.seeds] + [min(settings.verify.seeds, settings.verify.others)] * len(again)
    return [
        Part("search", settings.learner.name, own, first * settings.search.seeds),
        *(less if settings.search.shrink else []),
        *([Part("tuning", settings.learner.name, own, tunings)] if tunings else []),
        *(
            Part("verification", pupil.learner, pupil.settings, sentences * number)
            for pupil, number in zip(again, seeds, strict=False)
        ),
    ]


def report_of(
    path: Path,
    settings: DictConfig,
    result: xr.Dataset,
    verified: xr.Dataset | None,
    ahead: Sequence[str] = (),
) -> Run:
    """What the report is made from; `ahead` are the stages of the run that are not over."""
    return Run(
        folder=path,
        result=result,
        verified=verified,
        target=load_grammar(settings).parse(settings.target, "Set").denote(),
        command=command(settings),
        dashboard=dashboard_of(path, settings),
        sentences=settings.report.sentences,
        settings=OmegaConf.to_yaml(settings, resolve=True),
        ahead=tuple(ahead),
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
