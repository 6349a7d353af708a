"""Every setting of a run: default, meaning, unit, range or choices. A learner's own are declared in `models`.

They are laid over each other in this order: the defaults below, a YAML file (`config=path`), what a chosen
name brings along (`VARIANTS`), and `key.sub=value` from the command line. `study.resolve` does that.
"""

from dataclasses import dataclass, field
from typing import Any


def setting(default: Any, help: str, unit: str = "", **limits: Any) -> Any:
    """A field with its meaning and unit; limits: `range=(low, high)`, None for an open end, or `choices`."""
    metadata = {"help": help, "unit": unit, **limits}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Space:
    """What one example is."""

    height: int = setting(0, "rows of the grid; 0 is the grammar's own", "pixels", range=(0, 64))
    width: int = setting(0, "columns of the grid; 0 is the grammar's own", "pixels", range=(0, 64))


@dataclass
class Learner:
    """Who is taught; the learner's own settings stand beside its name."""

    name: str = setting("conv", "architecture, training method and budget", choices="learners")


@dataclass
class Search:
    """Who looks for the teaching set, and for how long; the searcher's own settings stand beside these."""

    searcher: str = setting("genetic", "how sentences are proposed", choices="searchers")
    evaluations: int = setting(
        60, "teaching sets tried, baselines not counted", "trainings", range=(1, 10**6)
    )
    seed: int = setting(0, "the same seed finds the same sentences", range=(0, 2**31 - 1))
    allow_target: bool = setting(True, "also lessons drawn from a set as large as the target")
    baselines: list[int] = setting(
        [1, 4, 16, 64, 256], "sizes of the i.i.d. samples beside it", "examples", range=(1, 1024)
    )
    seeds: int = setting(
        1,
        "trainings of each teaching set, whose mean counts; with the ladder 3",
        "trainings",
        range=(1, 1000),
    )
    ladder: bool = setting(False, "look cheaply first: matching machine, short training, full training")
    short: float = setting(0.25, "with the ladder: share of the steps in short training", range=(1e-3, 0.9))
    promote: float = setting(0.05, "with the ladder: share trained in full for its looks", range=(1e-3, 1.0))
    shrink: int = setting(
        24, "spent on making the smallest good teaching set smaller still; 0 is not at all", "trainings",
        range=(0, 10**6),
    )  # fmt: skip
    tune: bool = setting(
        False, "also tune the learner's own settings, for `sentence` or the best of the front"
    )
    tunings: int = setting(16, "with tune: settings of the learner tried", "configurations", range=(1, 10**6))


@dataclass
class Measure:
    """How what was learned is measured."""

    samples: int = setting(512, "samples drawn from a fitted learner", "samples", range=(32, 10**6))


@dataclass
class Verify:
    """The best of the front, taught again with fresh seeds."""

    learners: list[str] = setting(
        ["conv", "transformer", "machine"],
        "who is taught again; `machine` is the closed form that matches the run's learner, [] is nobody",
    )
    sentences: int = setting(3, "teaching sets of the front that are verified", "sentences", range=(0, 64))
    baselines: int = setting(2, "i.i.d. baselines verified beside them", "sentences", range=(0, 64))
    seeds: int = setting(5, "fresh trainings of each by the run's learner", "trainings", range=(1, 1000))
    others: int = setting(
        3, "fresh trainings of each by the other learners, at most `seeds`", "trainings", range=(1, 1000)
    )
    grids: list[str] = setting(
        ["larger"],
        "other grids, such as [12x12], where the run's learner is taught the same words anew; `larger` is "
        "half as large again, left out where the target says nothing there; [] is none",
    )


@dataclass
class Report:
    """The page a person reads."""

    sentences: int = setting(6, "teaching sets shown as pictures", "sentences", range=(1, 64))


@dataclass
class Config:
    """All settings of `python -m study.search`."""

    grammar: str = setting("dots", "the language of targets and teaching sets", choices="grammars")
    target: str = setting("", "the set to be learned, a sentence; empty is the grammar's own")
    sentence: str = setting("", "a teaching set to try instead of looking for one, a sentence")
    space: Space = field(default_factory=Space)
    learner: Any = field(default_factory=Learner)
    search: Any = field(default_factory=Search)
    measure: Measure = field(default_factory=Measure)
    verify: Verify = field(default_factory=Verify)
    report: Report = field(default_factory=Report)
    workers: int = setting(0, "processes on this machine; 0 is one per core", "processes", range=(0, 4096))
    scheduler: str = setting("", "address of a Dask scheduler, instead of processes on this machine")
    ledger: str = setting(
        "", "Optuna storage URL, which several drivers may share; empty is optuna.db in the run's folder"
    )
    cache: str = setting(
        "",
        "folder of trainings that all runs on this machine share; empty is ~/.cache/learned-sets, or `off`",
    )
    device: str = setting("auto", "where networks are trained", choices=("auto", "cpu", "cuda"))
    population: int = setting(
        0,
        "trainings that a worker takes together as one stack; 0 is 64 on a GPU and one by one on a CPU",
        "trainings",
        range=(0, 1024),
    )
    run: str = setting("", "folder of the run; empty is runs/<grammar>-<learner>")
    plugins: list[str] = setting([], "your own modules, imported before names are looked up")


# What a chosen name brings along. A learner's settings for one grammar stand under (grammar, learner).
VARIANTS: dict[str | tuple[str, str], dict[str, Any]] = {
    "dots": {},
    # Circular padding cannot know the border, which is black in every polygon (validity 0.01 against 0.4
    # with zeros); 16x16 pictures leave a learner of this size nothing to climb (validity 0.06). Backward
    # Langevin steps mend what the probability flow leaves bent: validity 0.36 against 0.21.
    "polygons": {"space.height": 10, "space.width": 10},
    ("polygons", "conv"): {
        "padding": "zeros",
        "depth": 5,
        "width": 16,
        "sampler": "sde",
        "sampler_steps": 24,
    },
    ("polygons", "transformer"): {"patch": 2, "sampler": "sde", "sampler_steps": 24},
    # Of the networks only mlp learns points; networks of pixels have nothing to say here.
    "regions": {"learner.name": "mlp", "verify.learners": ["mlp", "machine"]},
}

# These may differ between a run and its resumption: they do not change what it finds.
FREE = ("workers", "scheduler", "device", "population", "ledger", "cache", "run", "config", "search.shrink",
        "search.tune", "search.tunings")  # fmt: skip
FREE_SECTIONS = ("verify", "report")
