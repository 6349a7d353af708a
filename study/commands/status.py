"""`python -m study.status`: where a run stands, also while it runs and where several drivers share it.

python -m study.status runs/dots-conv
python -m study.status runs/*
"""

import time
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from search.glance import Glance, climbed, glance, lessons_per_minute
from search.lock import holder
from study.commands.search import SHRINK_SEEDS, ledger_of, study_of
from study.errors import StudyError
from study.progress import duration
from study.resolve import resolve
from study.settings import literal, read

HEAD = """\
python -m study.status folder [folder ...] [--help]

Says of each run how many evaluations are done, the best so far, the rate and the time left, failures, who
works on it, whether its driver is alive, and when something was last written. Reads only.
"""
SHOWN = 8  # sentences and workers of each kind


def main(arguments: Sequence[str]) -> int:
    """The command; its exit status."""
    flags = [word for word in arguments if word.startswith("-")]
    folders = [word.removeprefix("run=") for word in arguments if word not in flags]
    if any(flag in ("-h", "--help") for flag in flags) or not arguments:
        print(HEAD, end="")
        return 0
    if flags:
        raise StudyError(f"{flags[0]} is not a flag; the only one is --help")
    print("\n\n".join("\n".join(standing(Path(folder))) for folder in folders))
    return 0


def standing(path: Path) -> list[str]:
    """The lines about one run."""
    settings = settings_of(path)
    url, study = ledger_of(path, settings), study_of(settings)
    driver = holder(path)
    lines = [line("run", str(path)), line("driver", driver or "none is alive")]
    now = time.time()
    if not settings.ledger and not (path / "optuna.db").is_file():
        return [*lines, line("search", "nothing is done yet")]
    seen = glance(url, study)
    if seen is None:
        return [*lines, line("search", "nothing is done yet")]

    def beside(role: str) -> Glance | None:
        return glance(url, f"{study}-{role}" if settings.ledger else role)

    lines.append(line("search", done(seen, settings)))
    if settings.search.get("ladder"):
        rungs: list[Glance] = []
        while (rung := beside(f"rung-{len(rungs)}")) is not None:
            rungs.append(rung)
        full, seen = seen.done, climbed(seen, rungs)
        lines[-1] = line("search", looked_at(seen, full, settings))
    lines += [*best(seen), *pace(seen, settings, driver)]
    later = {stage: beside(stage) for stage in ("shrink", "tune", "verify")}
    lines += [line(stage, after(stage, one, settings)) for stage, one in later.items() if one is not None]
    if seen.failures:
        lines.append(line("failures", f"{len(seen.failures)}; the last: {seen.failures[-1]}"))
    lines += under_way(seen, bool(driver) or bool(settings.ledger))
    lines += [
        line("worker" if place == 0 else "", f"{name}: {count} done")
        for place, (name, count) in enumerate(sorted(seen.workers.items())[:SHOWN])
    ]
    if settings.ledger:
        lines += [
            line("shared by" if place == 0 else "", f"{name}, seen {ago(now - moment)}")
            for place, (name, moment) in enumerate(sorted(seen.drivers.items()))
        ]
    written = [
        one.last_write for one in (seen, *later.values()) if one is not None and one.last_write is not None
    ]
    if written:
        lines.append(line("last write", ago(now - max(written))))
    report = path / "report.html"
    return [*lines, line("report", str(report))] if report.is_file() else lines


def settings_of(path: Path) -> DictConfig:
    """The whole settings of a run; a `StudyError` of one line where the folder is not one."""
    file = path / "config.yaml"
    if not file.is_file():
        raise StudyError(f"{path} is not the folder of a run{instead(path)}")
    try:
        chosen = read(file)
        if not isinstance(chosen, dict):
            raise YAMLError("a list")
        return with_defaults(chosen)
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError, OSError) as error:
        raise StudyError(f"{file} cannot be read: {' '.join(str(error).split())}") from None


def with_defaults(chosen: dict[str, Any]) -> DictConfig:
    """What a run of today has and an older file may lack; a setting that is unknown today is left alone."""
    defaults: Any = resolve([]).settings
    return OmegaConf.create(literal(chosen | {"ledger": chosen.get("ledger", defaults.ledger)}))


def instead(path: Path) -> str:
    """What may have been meant: a run of a like name beside it, or how to begin one."""
    if path.exists() and not path.is_dir():
        return ": it is a file"
    beside = path.parent if path.parent.is_dir() else Path("runs")
    runs = {one.parent.name: one.parent for one in sorted(beside.glob("*/config.yaml"))}
    close = get_close_matches(path.name, runs, n=1)
    if close:
        return f"; did you mean {runs[close[0]]}?"
    return (
        f"; there are {', '.join(str(run) for run in list(runs.values())[:SHOWN])}"
        if runs
        else (" (no config.yaml); python -m study.search makes one under runs/")
    )


def line(name: str, value: str) -> str:
    """One line of text: nothing that a database holds may steer the terminal."""
    shown = "".join(sign if sign.isprintable() else " " for sign in value)
    return f"{name:<11} {' '.join(shown.split())}"


def done(seen: Glance, settings: DictConfig) -> str:
    text = f"{seen.done} of {settings.search.evaluations} evaluations"
    return text + beside_it(seen, settings)


def looked_at(seen: Glance, full: int, settings: DictConfig) -> str:
    """How far a search with a ladder is, whose budget counts lessons at its foot."""
    text = f"{seen.done} of {settings.search.evaluations} lessons looked at, {full} trained in full"
    return text + beside_it(seen, settings)


def beside_it(seen: Glance, settings: DictConfig) -> str:
    """The baselines."""
    asked = len(settings.search.baselines or ())
    return f", {seen.baselines} of {asked} baselines" if asked else ""


def after(stage: str, seen: Glance, settings: DictConfig) -> str:
    """How far a stage after the search is; what an earlier state of the search left there counts too."""
    if stage == "shrink":
        trainings, most = seen.done * SHRINK_SEEDS, settings.search.get("shrink", 0)
        return f"{trainings} {f'of at most {most} ' * (trainings <= most)}trainings done, on fewer examples"
    if stage == "tune":
        tried, most = seen.configurations, settings.search.get("tunings", 0)
        return f"{tried} {f'of {most} ' * (tried <= most)}settings of the learner, {seen.done} trainings done"
    return f"{seen.done + seen.baselines} trainings done"


def best(seen: Glance) -> list[str]:
    if seen.best is None:
        return []
    said = seen.best.said
    return [
        line("best", f"g {said['g']:.3f} at n = {said['n']}, the search's own figure"),
        line("", str(said.get("sentence"))),
    ]


def pace(seen: Glance, settings: DictConfig, driver: str | None) -> list[str]:
    """Evaluations a minute, with a ladder lessons, and the time left where somebody is at it."""
    left = settings.search.evaluations - seen.done
    ladder = settings.search.get("ladder")
    rate = lessons_per_minute(seen) if ladder else seen.per_minute
    if rate is None or left <= 0:
        return []
    text = f"{rate:.1f} {'lessons' if ladder else 'evaluations'} a minute"
    if driver or settings.ledger:
        text += f", about {duration(60 * left / rate)} left"
    return [line("rate", text)]


def under_way(seen: Glance, alive: bool) -> list[str]:
    """Evaluations that were begun and not finished."""
    if not seen.running:
        return []
    what = (
        f"{len(seen.running)} begun" if alive else f"{len(seen.running)} cut off; begun again on resumption"
    )
    return [line("under way", what), *(line("", sentence) for sentence in seen.running[:SHOWN])]


def ago(seconds: float) -> str:
    return f"{duration(max(seconds, 0.0))} ago"
