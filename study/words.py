"""What a run found, in numbers and in plain words: the command's last words and the report's first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import analysis
from analysis.figures import LEARNED

MARGIN = 0.03  # a g that is lower by no more than this counts as "not below"
NO_SENTENCE = "no such sentence"  # on another grid


def says_nothing(failure: str) -> bool:
    """Whether a sentence has no g on a learner's grid because it says nothing there."""
    return failure.startswith(("no sentence on", "no examples on"))


@dataclass(frozen=True)
class Found:
    """One teaching set: its size, its sentence, and g of each training of the run's learner.

    `fresh` says that the trainings are other than those the search chose by; only then is g a claim.
    """

    sentence: str
    origin: str
    n: int
    bits: float
    trainings: tuple[float, ...]
    fresh: bool
    trial: int = -1

    @property
    def g(self) -> float:
        """The centre of g over trainings; NaN where the evaluation failed."""
        return float(analysis.logit_interval(self.trainings).value) if self.trainings else math.nan

    @property
    def interval(self) -> str:
        """g with its 95 % interval over trainings, or with the warning that there is only one."""
        if not self.trainings:
            return "failed"
        if len(self.trainings) == 1:
            return f"{self.g:.2f} (one training)"
        _, low, high = analysis.logit_interval(self.trainings)
        return f"{self.g:.2f} [{low:.2f}, {high:.2f}]"

    @property
    def told(self) -> str:
        """The interval, marked where the search chose by these trainings and no fresh ones followed."""
        if self.fresh or not self.trainings:
            return self.interval
        if len(self.trainings) == 1:
            return f"{self.g:.2f} (one training, not verified)"
        return f"{self.interval} (not verified)"

    @property
    def name(self) -> str:
        """The teaching set in a few words, to begin a sentence with."""
        if self.origin != "search":
            return f"{self.n} i.i.d. sample{'' if self.n == 1 else 's'} of the target"
        return "A single example" if self.n == 1 else f"{self.n} examples"


def found(result: xr.Dataset, verified: xr.Dataset | None = None) -> list[Found]:
    """All trials in their order, with verified figures wherever there are some."""
    fresh = {} if verified is None else verified_g(verified, str(result.attrs.get("learner", "")))
    count = result.sizes["trial"]
    own = result["generalization"].values if "generalization" in result else np.empty((count, 0))
    column = {name: result[name].values for name in ("sentence", "origin", "n", "bits")}
    rows = []
    for trial in range(count):
        sentence = str(column["sentence"][trial])
        values = fresh.get(sentence, own[trial])
        rows.append(
            Found(
                sentence,
                str(column["origin"][trial]),
                int(column["n"][trial]),
                float(column["bits"][trial]),
                trainings=finite(values),
                fresh=sentence in fresh,
                trial=trial,
            )
        )
    return rows


def finite(values: np.ndarray[Any, Any]) -> tuple[float, ...]:
    """The trainings that did not fail."""
    return tuple(float(g) for g in values if not math.isnan(g))


def verified_g(verified: xr.Dataset, learner: str) -> dict[str, np.ndarray[Any, Any]]:
    """Sentence -> g of its fresh trainings, for one learner."""
    if "generalization" not in verified or learner not in verified["learner"].values:
        return {}
    values = verified["generalization"].sel(learner=learner)
    sentences = [str(text) for text in verified["sentence"].values]
    return {text: np.asarray(values.isel(sentence=place)) for place, text in enumerate(sentences)}


def front(result: xr.Dataset, rows: Sequence[Found]) -> list[Found]:
    """The teaching sets that no smaller one beats in g, smallest first."""
    chosen = [row for row, on in zip(rows, result["on_front_n"].values, strict=True) if on]
    return sorted(chosen, key=lambda row: (row.n, row.bits))


def baselines(rows: Sequence[Found]) -> list[Found]:
    """The i.i.d. samples of the target, smallest first."""
    return sorted((row for row in rows if row.origin != "search"), key=lambda row: row.n)


def trusted(rows: Sequence[Found], *, searched: bool) -> list[Found]:
    """Teaching sets (or baselines) with a g: the verified ones, or all where none is."""
    usable = [row for row in rows if (row.origin == "search") == searched and row.trainings]
    return [row for row in usable if row.fresh] or usable


def best(rows: Sequence[Found]) -> Found | None:
    """The smallest teaching set whose g is within the margin of the largest."""
    usable = trusted(rows, searched=True)
    largest = max((row.g for row in usable), default=math.nan)
    near = [row for row in usable if row.g >= largest - MARGIN]
    return min(near, key=lambda row: (row.n, row.bits), default=None)


def best_baseline(rows: Sequence[Found]) -> Found | None:
    """The i.i.d. samples with the largest g."""
    return max(trusted(rows, searched=False), key=lambda row: (row.g, -row.n), default=None)


def headline(rows: Sequence[Found], learner: str) -> str:
    """The finding in one sentence; a figure stands in it only where fresh trainings gave it."""
    winner = best(rows)
    if winner is None:
        return f"Nothing was taught to {learner} yet"
    verb = "teaches" if winner.n == 1 else "teach"
    how = "the target" if winner.g >= LEARNED else "the target in part"
    if not winner.fresh:
        verb = "seems to teach" if winner.n == 1 else "seem to teach"
        return f"Not verified yet: {winner.name[0].lower()}{winner.name[1:]} {verb} {learner} {how}"
    return f"{winner.name} {verb} {learner} {how}: g = {winner.interval}"


def meaning(rows: Sequence[Found], learner: str) -> str:
    """What the figures say, and what they do not, in a few sentences."""
    winner, plain = best(rows), best_baseline(rows)
    if winner is None:
        return "No evaluation has finished: there is nothing to say yet."
    said = [f"{winner.name} ({winner.bits:.0f} bits) brought {learner} to g = {winner.interval}"]
    if winner.fresh:
        said[0] += f" in {len(winner.trainings)} fresh trainings."
    else:
        said[0] += "; this is the search's own figure, not yet verified on fresh seeds."
    if plain is not None:
        said.append(
            f"{plain.name}, the best baseline{' verified' * plain.fresh}, brought it to {plain.told}."
        )
        said.append(comparison(winner, plain))
    learned = "at least" if winner.g >= LEARNED else "below"
    said.append(f"g is {learned} {LEARNED}, so the target is {'' if winner.g >= LEARNED else 'not '}learned.")
    said.append(
        f"n = {winner.n} is an upper bound of what it takes to get there, for this learner and budget."
    )
    return " ".join(said)


def comparison(winner: Found, plain: Found) -> str:
    """Which of the two teaches better, as far as paired fresh trainings can tell."""
    if not (winner.fresh and plain.fresh) or len(winner.trainings) != len(plain.trainings):
        return "Which of the two teaches better, single trainings cannot tell."
    value, low, high = analysis.paired_difference(winner.trainings, plain.trainings)
    if math.isnan(low):
        return "Which of the two teaches better, single trainings cannot tell."
    verdict = "the two cannot be told apart"
    if low > 0:
        verdict = "the teaching set is better"
    elif high < 0:
        verdict = "the baseline is better"
    elif low > -MARGIN:
        verdict = "the teaching set is not below"
    return f"The paired difference is {value:+.2f} [{low:+.2f}, {high:+.2f}]: {verdict}."
