"""Optuna's samplers directly on derivations: each choice of a rule or a number is a suggested parameter.

The study that a sampler sees is made anew from the history for every batch, in memory: nothing is kept
between batches but what the ledger has, whoever proposed it. Its parameters are those of
`derivations.model`: rules by name, numbers by their level in the grammar's law, so that a sampler's flat
prior over numbers is the grammar's.

**Names that are not always there.** TPE takes each parameter by itself, from the trials that have it. The
other samplers want the same parameters in every trial: they get the `dimensions` most frequent ones, and a
trial without one of them stands at what the grammar says most cheaply there (as Hutter et al. 2011 do with
inactive parameters). A choice that no trial made yet is the grammar's own draw, and so is half the time a
seed or a picture, which has no neighbours; else it is that of a lesson among the best quarter.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil, log2
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, NSGAIISampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, create_trial

from grammars.bound import Category, Production, Slot
from grammars.literals import Domain
from search.derivations import UNIT, Chooser, choices, compose, counts, listed, model
from search.errors import SearchError
from search.first_generation import varied_lessons
from search.searcher import Evaluated, Problem, Proposal
from search.setting import Priced, next_generation, setting

SAMPLERS = ("tpe", "nsga2", "gp", "cmaes")
LEAST_TRIALS = 10  # that CMA-ES is warm-started with, and two numbers: with fewer TPE does it all


@dataclass(frozen=True)
class OptunaSearch(Priced):
    """Lessons by a sampler of Optuna; the first `first` are random. Choose `sampler` so:

    `tpe` (Bergstra et al. 2011) where the choices of rules matter most: it knows parameters that come and go.
    `gp` (Gaussian process, log expected improvement) for a few dozen dear evaluations; a batch takes seconds.
    `cmaes` where the numbers matter: they are drawn from the Gaussian that CMA-ES is warm-started with by the
    best tenth so far (Nomura et al. 2021), the rules by TPE. All three climb one worth, see `Priced`.
    `nsga2` for a front of (g, log2 n, bits) by uniform crossover of parameters, a lesson below `floor` times
    the best g being infeasible, as in `genetic`, which varies whole subsentences instead.
    """

    sampler: str = setting("tpe", "which sampler proposes", choices=SAMPLERS)
    first: int = setting(16, "random lessons that the sampler begins with", 2, 100_000, "sentences")
    batch: int = setting(
        4, "lessons per batch, each asked for with the others pending", 1, 100_000, "sentences"
    )
    dimensions: int = setting(
        24, "parameters of nsga2, gp and cmaes, the most frequent", 1, 1000, "parameters"
    )
    population: int = setting(8, "parents of nsga2", 2, 100_000, "sentences")
    floor: float = setting(0.8, "nsga2: share of the best g below which a lesson is infeasible", 0.0, 1.0)
    tries: int = setting(20, "attempts at a new lesson before a random one is drawn", 1, 10_000, "attempts")

    def __post_init__(self) -> None:
        if self.sampler == "cmaes" and find_spec("cmaes") is None:
            raise SearchError("search.sampler=cmaes needs the package cmaes: pip install cmaes")

    def propose(self, problem: Problem, history: Sequence[Evaluated]) -> Iterator[Proposal]:
        """The next batch, from a study of the whole history; see the module."""
        generation = next_generation(history)
        rng = np.random.Generator(np.random.PCG64([problem.seed, generation, 0x09]))
        known = [one for one in history if not one.failed]
        if len(known) < 2:
            yield from map(Proposal, varied_lessons(problem, rng, self.first, self.max_bits))
            return
        with quiet():
            study, space = self._study(known, int(rng.integers(2**31)))
        free = self._free(known)
        for _ in range(self.batch):
            yield from self._one(problem, rng, study, space, free)

    def _one(
        self,
        problem: Problem,
        rng: np.random.Generator,
        study: optuna.Study,
        space: Mapping[str, BaseDistribution],
        free: Mapping[str, list[Any]],
    ) -> Iterator[Proposal]:
        for _ in range(self.tries):
            with quiet():
                trial = study.ask()
                chooser = _Suggested(rng, trial, space, free)
                sentence = compose(problem.grammar, "Lesson", chooser, self.max_bits)
            candidate = problem.admission.admit(sentence)
            if candidate is not None:
                yield Proposal(candidate)
                return
            study.tell(trial, state=optuna.trial.TrialState.FAIL)  # no longer pending
        yield from map(Proposal, varied_lessons(problem, rng, 1, self.max_bits))

    def _study(
        self, known: Sequence[Evaluated], seed: int
    ) -> tuple[optuna.Study, dict[str, BaseDistribution]]:
        """The history as a study, and the parameters that its sampler may be asked for."""
        said = [model(one.sentence) for one in known]
        counted = Counter(name for params, _ in said for name in params)
        space = {name: found for _, distributions in said for name, found in distributions.items()}
        if self.sampler != "tpe":
            said = _filled(said, [name for name, _ in counted.most_common(self.dimensions)], known, space)
            space = said[0][1]
        best = max(one.g for one in known)
        trials = [
            create_trial(
                params=params,
                distributions=distributions,
                values=[one.g, log2(max(one.n, 1)), one.bits]
                if self.sampler == "nsga2"
                else [self.worth(one)],
                system_attrs=self._attributes(one, best),
            )
            for one, (params, distributions) in zip(known, said, strict=True)
        ]
        up, down = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
        directions = [up, down, down] if self.sampler == "nsga2" else [up]
        study = optuna.create_study(sampler=self._sampler(seed, trials), directions=directions)
        study.add_trials(trials)
        return study, space

    def _attributes(self, one: Evaluated, best: float) -> dict[str, Any]:
        """For NSGA-II: all that is known is one generation, from which the parents are selected."""
        if self.sampler != "nsga2":
            return {}
        return {NSGAIISampler._get_generation_key(): 0, "constraints": [self.floor * best - one.g]}

    def _sampler(self, seed: int, trials: Sequence[FrozenTrial]) -> BaseSampler:
        if self.sampler == "nsga2":
            return NSGAIISampler(population_size=min(self.population, len(trials)), seed=seed)
        if self.sampler == "gp":
            return GPSampler(seed=seed, n_startup_trials=2, warn_independent_sampling=False)
        rules = TPESampler(n_startup_trials=0, constant_liar=True, seed=seed)
        numbers = [_numbers(trial) for trial in trials]
        if self.sampler == "tpe" or len(trials) < LEAST_TRIALS or len(numbers[0].params) < 2:
            return rules
        return CmaEsSampler(
            source_trials=numbers,
            n_startup_trials=1,
            independent_sampler=rules,
            warn_independent_sampling=False,
            seed=seed,
        )

    def _free(self, known: Sequence[Evaluated]) -> dict[str, list[Any]]:
        """Seeds and pictures of the best quarter, by name."""
        best = sorted(known, key=lambda one: (-self.worth(one), one.index))[: ceil(len(known) / 4)]
        found: dict[str, list[Any]] = {}
        for one in best:
            for choice in choices(one.sentence):
                if choice.kind == "free":
                    found.setdefault(choice.name, []).append(choice.value)
        return found


class _Suggested(Chooser):
    """Choices as a trial suggests them, the nearest that is affordable; what it does not know is drawn."""

    def __init__(
        self,
        rng: np.random.Generator,
        trial: Trial,
        space: Mapping[str, BaseDistribution],
        free: Mapping[str, list[Any]],
    ) -> None:
        super().__init__(rng)
        self._trial = trial
        self._space = space
        self._free = free

    def rule(self, name: str, category: Category, affordable: list[Production]) -> Production:
        if name in self._space:
            wanted = self._suggest(name)
            for production in affordable:
                if production.name == wanted:
                    return production
        return super().rule(name, category, affordable)

    def literal(self, name: str, kind: str, domain: Domain, budget: float) -> Any:
        if kind == "free":
            kept = self._free.get(name, [])
            if kept and self.rng.random() < 0.5:
                value = kept[int(self.rng.integers(len(kept)))]
                if domain.bits(value) <= budget:
                    return value
        elif name in self._space:
            wanted = self._suggest(name)
            value = listed(domain).at(wanted, budget) if kind == "number" else wanted
            if domain.bits(value) <= budget:
                return value
        return super().literal(name, kind, domain, budget)

    def count(self, name: str, slot: Slot, most: int) -> int:
        if name in self._space:
            return min(int(counts(slot).at(self._suggest(name))), most)
        return super().count(name, slot, most)

    def _suggest(self, name: str) -> Any:
        distribution = self._space[name]
        if isinstance(distribution, CategoricalDistribution):
            return self._trial.suggest_categorical(name, distribution.choices)
        return self._trial.suggest_float(name, 0.0, 1.0)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's notes on studies that nobody sees and on what is experimental."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


_Said = tuple[dict[str, Any], dict[str, BaseDistribution]]


def _filled(
    said: Sequence[_Said],
    names: Sequence[str],
    known: Sequence[Evaluated],
    space: Mapping[str, BaseDistribution],
) -> list[_Said]:
    """The same parameters in every trial: the named ones, at their cheapest value where they are not."""
    cheapest: dict[str, Any] = {}
    for one in known:
        for choice in choices(one.sentence):
            if choice.name in names and choice.name not in cheapest:
                cheapest[choice.name] = choice.cheapest
    wanted = {name: space[name] for name in names}
    return [({name: params.get(name, cheapest[name]) for name in names}, wanted) for params, _ in said]


def _numbers(trial: FrozenTrial) -> FrozenTrial:
    """A trial without its categorical parameters, which CMA-ES has no place for."""
    kept = {name: found for name, found in trial.distributions.items() if found == UNIT}
    return create_trial(
        params={name: trial.params[name] for name in kept}, distributions=kept, values=trial.values
    )
