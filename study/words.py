"""What a run found, in numbers and in plain words: the last words of the command and the head of the report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import analysis

LEARNED = 0.9  # a learner has learned its target when g is at least this


@dataclass(frozen=True)
class Found:
    """One teaching set: its size, its sentence, and g for the run's learner.

    `trainings` is the number of seeds behind g; the interval's ends are NaN for a single one. `fresh` says
    that the seeds are other than those the search chose by.
    """

    sentence: str
    origin: str
    n: int
    bits: float
    g: float
    low: float
    high: float
    trainings: int
    fresh: bool

    @property
    def interval(self) -> str:
        """g with its 95 % interval, or with the warning that it is a single training."""
        if math.isnan(self.g):
            return "failed"
        if self.trainings < 2:
            return f"{self.g:.2f} (one training)"
        return f"{self.g:.2f} [{self.low:.2f}, {self.high:.2f}]"

    @property
    def name(self) -> str:
        """The teaching set in a few words."""
        if self.origin != "search":
            return f"{self.n} i.i.d. {'sample' if self.n == 1 else 'samples'} of the target"
        return "a single example" if self.n == 1 else f"{self.n} examples"


def found(result: xr.Dataset, verified: xr.Dataset | None = None) -> list[Found]:
    """All finished trials in their order, with verified figures wherever there are some."""
    fresh = verified_g(verified, str(result.attrs.get("learner", ""))) if verified is not None else {}
    if "generalization" not in result:
        return []
    rows = []
    for trial in range(result.sizes["trial"]):
        one = result.isel(trial=trial)
        sentence = str(one["sentence"].item())
        values = fresh.get(sentence)
        again = values is not None
        if values is None:
            values = one["generalization"].values
        rows.append(of(one, sentence, values[~np.isnan(values)], again))
    return rows


def of(one: xr.Dataset, sentence: str, values: np.ndarray[Any, Any], fresh: bool) -> Found:
    """One trial with the g of its trainings."""
    ends = analysis.logit_interval(values) if values.size else (math.nan,) * 3
    return Found(
        sentence,
        str(one["origin"].item()),
        int(one["n"].item()),
        float(one["bits"].item()),
        *(float(end) for end in ends),
        trainings=int(values.size),
        fresh=fresh,
    )


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


def best(rows: Sequence[Found]) -> Found | None:
    """The teaching set with the largest g, verified ones first; the smaller one of equals."""
    searched = [row for row in rows if row.origin == "search" and not math.isnan(row.g)]
    trusted = [row for row in searched if row.fresh] or searched
    return max(trusted, key=lambda row: (row.g, -row.n, -row.bits), default=None)


def best_baseline(rows: Sequence[Found]) -> Found | None:
    """The baseline with the largest g, verified ones first."""
    plain = [row for row in rows if row.origin != "search" and not math.isnan(row.g)]
    trusted = [row for row in plain if row.fresh] or plain
    return max(trusted, key=lambda row: (row.g, -row.n), default=None)


def smallest_as_good(rows: Sequence[Found], standard: Found) -> Found | None:
    """The smallest teaching set whose g is not below the standard's: its interval reaches that high."""
    reaching = [
        row
        for row in rows
        if row.origin == "search"
        and row.fresh == standard.fresh
        and not math.isnan(row.g)
        and (row.g >= standard.g or (not math.isnan(row.high) and row.high >= standard.g))
    ]
    return min(reaching, key=lambda row: (row.n, row.bits), default=None)


def headline(rows: Sequence[Found], learner: str) -> str:
    """The finding in one sentence."""
    winner = best(rows)
    if winner is None:
        return f"Nothing was taught to {learner} yet"
    verdict = "teaches" if winner.g >= LEARNED else "teaches best, but not all of it:"
    subject = winner.name[0].upper() + winner.name[1:]
    if winner.n > 1:
        verdict = verdict.replace("teaches", "teach")
    return f"{subject} {verdict} {learner} the target, g = {winner.interval}"


def meaning(rows: Sequence[Found], learner: str) -> str:
    """What the figures say, and what they do not, in a few sentences."""
    winner, plain = best(rows), best_baseline(rows)
    if winner is None:
        return "No evaluation has finished: there is nothing to say yet."
    said = [f"Taught {winner.name}, {learner} reaches g = {winner.interval}"]
    said[0] += (
        f" over {winner.trainings} fresh trainings." if winner.fresh else ", not verified on fresh seeds."
    )
    if plain is not None:
        said.append(
            f"{plain.name[0].upper()}{plain.name[1:]} reach{'es' if plain.n == 1 else ''} {plain.interval}."
        )
        as_good = smallest_as_good(rows, plain)
        if as_good is not None and as_good.n < plain.n:
            said.append(f"{as_good.name[0].upper()}{as_good.name[1:]} can stand in for these {plain.n}.")
        elif as_good is None:
            said.append("No teaching set found is as good as these samples.")
    if winner.g >= LEARNED:
        said.append(f"g is at least {LEARNED}: the target is learned.")
    else:
        said.append(f"g is below {LEARNED}: the target is not fully learned.")
    said.append(
        f"n = {winner.n} is an upper bound of the teaching dimension, for this learner and this budget."
    )
    return " ".join(said)
