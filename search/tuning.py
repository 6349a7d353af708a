"""The learner's own settings, tuned by Optuna for teaching sets that are there already.

    tuned = tune(objective, grammar, ["take(2, dots(k=2), seed=0)"], 16, ledger, workers)
    json.loads(tuned.attrs["settings"])   # steps, learning rate, width, depth, noise of the best

Each configuration is taught in stages: a short training, where the learner has steps, then one full
training after another, with the same seeds for all. After each stage it is pruned where it is below the
median of those that came to the end (Optuna's MedianPruner). Given several lessons, which one is taught is a
parameter like any other: lesson and learner are chosen jointly. What is climbed is g, less `STEP_PRICE` for
every doubling of the steps. The first configuration is the learner as it is, so that the gain is paired.

Sampler and pruner see a study in memory that is replayed from the ledger; every training is a trial of the
study `tune`, with the settings as its parameters, linked to that of the search by its user attributes. When a
configuration is through, its trials say whether it was `pruned`, and its `worth` where it was not. The best
of many is flattered by luck: teach with it again, on fresh seeds, before anything is claimed of it.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import optuna
import xarray as xr
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import Trial, TrialState

import grammars
from search.bench import Bench, Job, Row, interruptible
from search.errors import SearchError
from search.evaluation import Objective, Setting, Task, canonical, content_key
from search.ledger import Entry, Ledger
from search.optuna_search import quiet
from search.result import labelled, origin_attributes
from search.tunable import possible, tunable, values_of

STUDY = "tune"
LESSON = "lesson"
SHORT = 0.125  # of its steps: the first stage of a configuration
STEP_PRICE = 0.01  # g that half the steps are worth
AT_ONCE = 4  # configurations side by side, whatever the number of workers: it decides what is tried
STARTUP = 6  # random configurations that the sampler begins with
TO_THE_END = 4  # configurations that no pruning is done before
TRIES = 20  # attempts at a configuration that is new and possible
FAILED = -1.0  # the worth of a training that diverged


@dataclass
class Configuration:
    """The learner's settings, the lesson, and what came of both stage by stage."""

    settings: dict[str, Setting]
    lesson: int
    trial: Trial
    short: float = math.nan
    g: list[float] = field(default_factory=list)
    pruned: bool = False
    failure: str = ""
    seconds: float = 0.0
    keys: list[str] = field(default_factory=list)  # of its trainings


def tune(
    objective: Objective,
    grammar: grammars.Grammar,
    lessons: Sequence[str],
    budget: int,
    ledger: Ledger,
    workers: Executor,
    *,
    seeds: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """The learner's settings that teach best, for one lesson or for the best of several.

    budget: configurations, the learner's own included. `progress` is told how many are done. Ctrl-C begins
    nothing new. Dimensions `configuration` (in the order of trying) and `seed`; variables: one for each tuned
    setting, `lesson`, `sentence`, `short`, `generalization`, `worth` (NaN where pruned), `pruned`, `failure`,
    `seconds`. Attributes: `best` (its place), `settings` (the whole learner's, JSON), `changed`
    (1 where they are not its own), `importances` (JSON).
    """
    if seeds < 1 or budget < 1:
        raise SearchError(f"`budget >= 1, seeds >= 1` must hold, but got budget={budget}, seeds={seeds}")
    space = tunable(objective)
    if not space or not lessons:
        missing = "lesson to tune it for" if space else "setting that can be tuned"
        raise SearchError(f"{objective.learner} has no {missing}")
    sentences = [grammar.parse(text, type="Lesson") for text in lessons]
    book = ledger.sibling(STUDY, {"grammar": grammar.name, "space": str(grammar.space)})
    book.refer("tunes", ledger)
    ledger.refer("tuned_in", book)
    with interruptible() as asked, Bench(book, workers, asked) as bench, quiet():
        tuning = _Tuning(objective, sentences, space, seeds, bench, book)
        tuning.run(budget, progress or (lambda done, total: None))
    return _dataset(tuning, "interrupted" if asked else "")


def tune_seed(search_seed: int, number: int) -> int:
    """The seed of all trainings of this number, one that neither the search nor the verification has."""
    return int.from_bytes(hashlib.sha256(f"tune {search_seed} {number}".encode()).digest()[:4], "big")


class _Tuning:
    """One call of `tune`."""

    def __init__(
        self,
        objective: Objective,
        lessons: Sequence[grammars.Sentence],
        space: dict[str, BaseDistribution],
        seeds: int,
        bench: Bench,
        book: Ledger,
    ) -> None:
        self.objective = objective
        self.lessons = lessons
        self.space = space
        self.own = values_of(objective, space)
        self.seeds = seeds
        self.done: list[Configuration] = []
        self._bench = bench
        self._book = book
        self._jobs = 0
        self._examples = [canonical(lesson.denote()) for lesson in lessons]
        self.study = optuna.create_study(
            direction="maximize",
            sampler=TPESampler(seed=tune_seed(objective.seed, -1), n_startup_trials=STARTUP),
            pruner=MedianPruner(n_startup_trials=TO_THE_END),
        )
        places = range(len(lessons))
        self.asked = space if len(lessons) == 1 else space | {LESSON: CategoricalDistribution(places)}
        for place in places:
            self.study.enqueue_trial(self.own | ({LESSON: place} if LESSON in self.asked else {}))

    def run(self, budget: int, progress: Callable[[int, int], None]) -> None:
        """Batch after batch, each stage by stage."""
        while len(self.done) < budget:
            batch = [one for _ in range(min(AT_ONCE, budget - len(self.done))) if (one := self._ask())]
            if not batch or not self._teach(batch):
                return
            for one in batch:
                state = TrialState.PRUNED if one.pruned else TrialState.COMPLETE
                self.study.tell(one.trial, None if one.pruned else self.worth(one), state=state)
                worth = {} if one.pruned or one.failure else {"worth": self.worth(one)}
                self._book.say(one.keys, {"pruned": int(one.pruned)} | worth)
            self.done += batch
            progress(len(self.done), budget)

    def worth(self, one: Configuration) -> float:
        """What is climbed."""
        if one.failure:
            return FAILED
        return math.fsum(one.g) / len(one.g) - self._price(one)

    def _price(self, one: Configuration) -> float:
        steps, own = one.settings.get("steps"), self.own.get("steps")
        return STEP_PRICE * math.log2(float(steps) / float(own)) if steps and own else 0.0

    def _ask(self) -> Configuration | None:
        """The next configuration; None where the sampler finds no new one that is possible."""
        for _ in range(TRIES):
            trial = self.study.ask(self.asked)
            settings = {name: value for name, value in trial.params.items() if name != LESSON}
            known = [one.trial.params for one in self.done]
            known += [t.params for t in self.study.get_trials(states=(TrialState.RUNNING,))]
            if known.count(trial.params) == 1 and possible(self._objective(settings)):
                return Configuration(settings, trial.params.get(LESSON, 0), trial)
            self.study.tell(trial, state=TrialState.FAIL)
        return None

    def _objective(self, settings: dict[str, Setting]) -> Objective:
        return self.objective.taught_to(self.objective.learner, dict(self.objective.settings) | settings)

    def _teach(self, batch: Sequence[Configuration]) -> bool:
        """All stages of a batch, pruned between them; False where the run was stopped."""
        first = 0 if "steps" in self.space else 1
        for stage in range(first, 1 + self.seeds):
            alive = [one for one in batch if not one.pruned and not one.failure]
            jobs = [self._job(one, stage, len(self.done) + batch.index(one)) for one in alive]
            if not self._bench.run(jobs):
                return False
            for one, job in zip(alive, jobs, strict=True):
                self._note(one, stage, self._bench.rows[job.entry.index])
            if stage < self.seeds:
                for one in alive:
                    one.pruned = not one.failure and one.trial.should_prune()
        return True

    def _note(self, one: Configuration, stage: int, row: Row) -> None:
        one.keys.append(row.entry.key)
        one.seconds += row.outcome.seconds
        one.failure = row.outcome.failure or ""
        if one.failure:
            return
        if stage == 0:
            one.short = row.outcome.g
        else:
            one.g.append(row.outcome.g)
        one.trial.report(one.short if stage == 0 else self.worth(one), stage)

    def _job(self, one: Configuration, stage: int, number: int) -> Job:
        """A stage of a configuration: number 0 is the short training."""
        settings = dict(one.settings)
        if stage == 0:
            settings["steps"] = max(round(SHORT * float(settings["steps"] or 0)), 1)
        seed = tune_seed(self.objective.seed, max(stage - 1, 0))
        objective = replace(self._objective(settings), seed=seed, seeds=1, paired=True)
        lesson, examples = self.lessons[one.lesson], self._examples[one.lesson]
        self._jobs += 1
        entry = Entry(
            key=content_key(objective, examples),
            index=self._jobs,
            sentence=str(lesson),
            n=len(examples),
            bits=lesson.bits,
            origin="search",
            extra={"configuration": number, "stage": stage, "rung": int(stage == 0)},
            params=one.trial.params,
            distributions=one.trial.distributions,
        )
        return Job(entry, Task(objective, entry.sentence))


def _dataset(tuning: _Tuning, stopped: str) -> xr.Dataset:
    done = tuning.done

    def over(values: list[Any], meaning: str, units: str = "1", kind: Any = None) -> Any:
        return labelled("configuration", np.array(values, dtype=kind), meaning, units)

    missing = [math.nan] * tuning.seeds
    g = np.array([(one.g + missing)[: tuning.seeds] for one in done], float).reshape(len(done), tuning.seeds)
    ended = [not one.pruned and not one.failure for one in done]
    worth = [tuning.worth(one) if end else math.nan for one, end in zip(done, ended, strict=True)]
    variables = {
        name: over([one.settings[name] for one in done], f"the learner's {name}") for name in tuning.space
    }
    variables |= {
        "lesson": over([one.lesson for one in done], "number of the lesson that was taught", kind=int),
        "sentence": over([str(tuning.lessons[one.lesson]) for one in done], "the lesson", kind=str),
        "short": over([one.short for one in done], "generalization after the short training", kind=float),
        "worth": over(worth, f"mean generalization less {STEP_PRICE} for each doubling of the steps"),
        "pruned": over([int(one.pruned) for one in done], "1 where it was given up on the way", kind="i1"),
        "failure": over([one.failure for one in done], "why there is no g", kind=str),
        "seconds": over([one.seconds for one in done], "duration of all its trainings", "s", float),
        "generalization": labelled(("configuration", "seed"), g, "generalization of each full training"),
    }
    found: dict[str, Any] = {}
    if any(ended):
        best = int(np.nanargmax(np.array(worth, float)))
        settings = dict(tuning.objective.settings) | done[best].settings
        found = {"best": best, "settings": json.dumps(settings, sort_keys=True)}
        found["changed"] = int(done[best].settings != tuning.own)
    return xr.Dataset(variables).assign_attrs(
        origin_attributes(tuning.objective, "The learner's settings that teach best, and what was tried")
        | {"stopped": stopped, "importances": json.dumps(importances(tuning.study))}
        | found
    )


def importances(study: optuna.Study) -> dict[str, float]:
    """How much each parameter decides which configurations are good (Watanabe et al. 2023, PED-ANOVA)."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.value for trial in ended}) < TO_THE_END:
        return {}
    with quiet():
        return optuna.importance.get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
