"""Comparison of learned sets: how far apart two learners' samples are, in what, and whether that is chance.

    table = analysis.compare(analysis.open_runs("runs/dots-conv", "runs/dots-mlp"))
    table = analysis.compare({"conv": samples, "mlp": others}, target=target)

Every divergence stands beside what two samples of these sizes from one law give (`_by_chance`, the mean over
random splits of the pool) and the share of such splits that are as far apart (`_p`). On the diagonal, where a
learner has several seeds, one half of its seeds is compared with the other: what trainings alone make differ.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

import grammars
from analysis.contrasts import Contrasts
from analysis.divergence import SHUFFLES
from analysis.errors import AnalysisError
from analysis.gathering import Learned, gathered, verifications
from analysis.halves import agreement
from analysis.moved import transfer
from analysis.properties import chosen
from analysis.sides import BLURRED, OUTSIDE, Side
from analysis.target import Target

BEYOND = 2.0  # times what chance gives: samples that are equal so often had the same noise


def compare(
    data: xr.DataTree | xr.Dataset | Mapping[str, Any],
    target: Target | None = None,
    *,
    sentence: str | None = None,
    properties: Iterable[str] | None = None,
    same_noise: bool | None = None,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> xr.Dataset:
    """All pairs of learners: divergences, tests, agreement and transfer, over (learner, learner_other).

    data: runs opened by `open_runs`, a dataset with `samples`, or samples by name (`gathering.gathered`,
    which says what is taken of each file). target: its strata are compared, "outside" and "not crisp" among
    them; by default the target that the data name. properties: names, by default all of the kind.

    same_noise: sample i of seed j had the same noise with every learner; by default found out from the data.
    Such samples are not independent: agreement is measured on them, and all else between the even samples of
    the one and the odd ones of the other. The tests speak of these trainings: samples of one seed are
    independent, but trainings differ too, which the diagonal shows.

    Over `stratum`: shares of both, their difference, Fisher's exact p; over `property`: means, their
    difference in standard deviations of the pool, Kolmogorov and Smirnov's p; `_p_holm` is corrected for all
    of these tests of all pairs together. From verified runs: what `moved.transfer` says. AnalysisError for
    fewer than two samples of a learner.
    """
    learned = gathered(data, sentence)
    target = target if target is not None else _named_target(learned.values())
    plane = next(iter(learned.values())).plane
    names, wanted = list(learned), chosen(properties, plane)
    sides = {name: Side.of(one.samples, target, wanted, plane) for name, one in learned.items()}
    strata = sorted({int(s) for side in sides.values() for s in side.strata} | _all_strata(target))
    table = Contrasts(names, strata if target is not None else [], wanted, plane)
    for i, first in enumerate(names):
        for j, second in enumerate(names[i:], start=i):
            rng = np.random.Generator(np.random.PCG64([seed, i, j]))
            if i == j:
                seeds = _places([len(one) for one in learned[first].seeds], by_seed=True)
                if len(learned[first].seeds) > 1:
                    table.fill(i, j, sides[first].only(~seeds), sides[first].only(seeds), rng, shuffles)
                continue
            together = [
                agreement(a, b)
                for a, b in zip(learned[first].seeds, learned[second].seeds, strict=False)
                if a.shape == b.shape
            ]
            shared = bool(together) and (_paired(together) if same_noise is None else same_noise)
            if not shared:
                table.fill(i, j, sides[first], sides[second], rng, shuffles)
                continue
            odd = [_places([len(one) for one in learned[name].seeds]) for name in (first, second)]
            table.fill(i, j, sides[first].only(~odd[0]), sides[second].only(odd[1]), rng, shuffles)
            table.agree(i, j, together)
    dataset = table.dataset(target, learned)
    labels = {(one.run, one.learner): name for name, one in learned.items()}
    moved = transfer(verifications(data), names, labels)
    return dataset.merge(moved) if moved is not None else dataset


def _places(counts: list[int], *, by_seed: bool = False) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Every second sample of each seed, or all samples of every second seed."""
    parts = [
        np.full(count, i % 2 == 1) if by_seed else np.arange(count) % 2 == 1 for i, count in enumerate(counts)
    ]
    return np.concatenate(parts)


def _paired(together: list[xr.Dataset]) -> bool:
    """Whether samples at the same places are alike beyond chance, in at least half of the seeds."""
    if "distance" in together[0]:
        signs = [float(one["distance_high"]) < float(one["distance_by_chance"]) / BEYOND for one in together]
    else:
        signs = [float(one["equal_low"]) > BEYOND * float(one["equal_by_chance"]) + 1e-9 for one in together]
        signs = [
            sign or float(one["correlation_low"]) > 0.1 + float(one["correlation_by_chance"])
            for sign, one in zip(signs, together, strict=True)
        ]
    return 2 * sum(signs) >= len(signs)


def _all_strata(target: Target | None) -> set[int]:
    return set() if target is None else {BLURRED, OUTSIDE, *(int(one) for one in target.weights)}


def _named_target(learned: Iterable[Learned]) -> Target | None:
    """The target that all data name alike, in a language of this house."""
    named = {
        tuple(str(one.attributes.get(name, "")) for name in ("grammar", "space", "target")) for one in learned
    }
    if len(named) != 1 or not all(names := next(iter(named))):
        return None
    grammar, space, target = names
    height, _, width = space.partition("x")
    if not (height.isdigit() and width.isdigit()):
        return None
    try:
        loaded = grammars.load(grammar, space=grammars.Grid(int(height), int(width)))
        found: Target = loaded.parse(target, type="Set").denote()
    except grammars.GrammarError as error:
        raise AnalysisError(f"the target {target!r} of these data is not known here: {error}") from error
    return found
