"""The fidelity ladder: cheap looks at many lessons, full training of the few that deserve it.

    ladder = ladder_of(objective)            # the matching machine, short training; full training on top
    minimise(objective, grammar, searcher, 200, ledger, workers, ladder=ladder)

Lessons climb as in asynchronous successive halving (Li et al. 2020): of each batch those go on that are among
the best of everything seen on their rung. Best means here what the front means: first by dominance in (g, n),
then by g; a lesson below `FLOOR` of the best g comes last. A share `promote` of all lessons comes to full
training in the end, and no more but for the scouts, one half of it on the way and one half when the search is
over and the best of all are known; each rung passes on the same share of what the one below it passed on.

g of different rungs is never compared: what counts is the g of full training, and of a lesson that was not
trained in full the one that is expected of it (`Climb.expected`), by lines through those that were. The
searcher is told the same. Told nothing of nine lessons in ten it searched blindly: on 8x8 dots and conv, with
seed 1, the hypervolume was 7.28, and 8.76 with what is expected (8.71 without a ladder).

**Whether a rung is worth anything is measured.** Of the lessons on a rung a share `scouts` goes on to the
next whatever its g, chosen by a hash of its content; the first `least` of them at once, so that a rung that
is worth nothing is found out early. On these alone it is computed how well the rung predicts the next:
Kendall's tau-b, and the share of the true best quarter that is in the rung's own. Where the 95 % interval of
tau (percentile bootstrap over scouts) includes 0, the rung says no more than chance would: it is dropped, and
from then on everybody passes it. The highest rung is judged first; the next one of a rung is the next that
was kept, so that none is dropped for what another does not know (8x8 dots, conv: tau of machine and full
training 0.77, of machine and an eighth of the steps 0.16); its scouts are then taught there. All of it is a
function of contents and seeds: it resumes, and the number of workers changes nothing.
"""

import hashlib
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import SearchError
from search.evaluation import Objective
from search.front import non_dominated

logger = logging.getLogger(__name__)

FLOOR = 0.8  # below this share of the best g only g decides
RESOLUTION = 0.01  # differences of g that count
DRAWS = 1000  # of the bootstrap
LEVEL = 0.95
FULL = "full training"
SAMPLES = (
    256  # of a cheap look; with 128 its noise hid the order of 8x8 dots (tau 0.48 and dropped, not 0.77)
)
MOST = 128  # examples for a machine, whose seconds grow with them while its g hardly does: 3 s for 1,024
PROVEN = ("equivariant_local", "boundary_broken")  # others are the optimum that their learner never reaches
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rung:
    """One way to look at a lesson: its name, the objective that is used, and how many examples at most.

    Of a lesson with more than `most` examples, where that is not 0, the first so many are looked at.
    """

    name: str
    objective: Objective
    most: int = 0


@dataclass(frozen=True)
class Ladder:
    """Rungs below full training, the cheapest first, and who goes on. Empty rungs are a plain search."""

    rungs: tuple[Rung, ...]
    promote: float = 0.05
    scouts: float = 0.15
    least: int = 10

    def __post_init__(self) -> None:
        for name in ("promote", "scouts"):
            if not 0 < getattr(self, name) <= 1:
                raise SearchError(f"`0 < {name} <= 1` must hold, but got {name}={getattr(self, name)}")
        if self.least < 4:
            raise SearchError(f"`least >= 4` must hold, but got least={self.least}")

    @property
    def names(self) -> list[str]:
        """All rungs from the lowest to full training."""
        return [*(rung.name for rung in self.rungs), FULL]


def ladder_of(objective: Objective, share: float = 0.25, **settings: Any) -> Ladder:
    """The rungs that a learner has: the closed form that matches it, and `share` of its training steps.

    A learner without a matching machine or without steps lacks that rung. `settings` are those of `Ladder`.
    With an eighth of its steps the conv of 8x8 dots foretells nothing, with a quarter as much as with half.
    """
    if not 0 < share < 1:
        raise SearchError(f"`0 < share < 1` must hold, but got share={share}")
    rungs = []
    machine = matching_machine(objective)
    if machine is not None:
        rungs.append(Rung(f"machine ({machine.learner})", machine, MOST))
    steps = dict(objective.settings).get("steps", _default(objective, "steps"))
    if isinstance(steps, int) and steps > 1:
        short = max(round(share * steps), 1)
        shorter = objective.taught_to(objective.learner, dict(objective.settings) | {"steps": short})
        rungs.append(Rung(f"short training ({short} steps)", shorter))
    few = min(objective.samples, SAMPLES)
    looks = tuple(replace(rung, objective=replace(rung.objective, seeds=1, samples=few)) for rung in rungs)
    return Ladder(looks, **settings)


def matching_machine(objective: Objective) -> Objective | None:
    """The closed form that predicts the objective's learner, with what settings they share; else None.

    The ideal machine repeats what it was taught, and so matches no learner that generalizes.
    """
    import models

    learner = models.load(objective.learner, **dict(objective.settings))
    matching = learner.matching_machine(tuple(objective.space.shape))
    if matching is None or matching[0] not in PROVEN:
        return None
    name, theirs = matching
    own = {known.name: getattr(learner.settings, known.name) for known in fields(learner.settings)}
    shared = {known.name: own[known.name] for known in fields(models.settings(name)) if known.name in own}
    return objective.taught_to(name, shared | theirs)


def _default(objective: Objective, name: str) -> Any:
    import models

    settings = models.load(objective.learner, **dict(objective.settings)).settings
    return getattr(settings, name, None)


@dataclass(frozen=True)
class Judgement:
    """How well a rung predicts the one that its scouts went to, from scouts alone.

    `quarter` is the share of the truly best quarter that is in the rung's own; by chance it is
    `quarter_chance`. The intervals are percentile bootstraps over scouts.
    """

    rung: str
    predicts: str
    scouts: int
    tau: float
    tau_low: float
    tau_high: float
    quarter: float
    quarter_low: float
    quarter_high: float
    quarter_chance: float

    @property
    def dropped(self) -> bool:
        """No better than chance, as far as the scouts can tell."""
        return not self.tau_low > 0


def judge(rung: str, predicts: str, lower: Sequence[float], upper: Sequence[float]) -> Judgement:
    """Compare g of the same lessons on two rungs; a failed evaluation (NaN) counts as the worst."""
    below = np.nan_to_num(np.asarray(lower, float), nan=-1.0)
    above = np.nan_to_num(np.asarray(upper, float), nan=-1.0)
    rng = np.random.Generator(np.random.PCG64([len(below), 0x7A]))
    draws = rng.integers(len(below), size=(DRAWS, len(below)))
    times = np.stack([np.bincount(draw, minlength=len(below)) for draw in draws]).astype(float)
    taus = tau_b(below, above, times)
    quarters = best_quarter(below[draws], above[draws])
    ends = [50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)]
    # A draw in which all are tied orders nothing and is left out. Counted as 0, with 10 scouts of which 7
    # teach nothing, 27 % of good rungs would be kept instead of 92 %, and of useless ones 0 % instead of 7 %.
    ordered = taus[np.isfinite(taus)] if np.isfinite(taus).mean() > 0.5 else np.zeros(1)
    tau_low, tau_high = np.percentile(ordered, ends)
    quarter_low, quarter_high = np.percentile(quarters, ends)
    return Judgement(
        rung=rung,
        predicts=predicts,
        scouts=len(below),
        tau=float(tau_b(below, above)),
        tau_low=float(tau_low),
        tau_high=float(tau_high),
        quarter=float(best_quarter(below, above)),
        quarter_low=float(quarter_low),
        quarter_high=float(quarter_high),
        quarter_chance=math.ceil(len(below) / 4) / len(below),
    )


def tau_b(one: Floats, other: Floats, times: Floats | None = None) -> Floats:
    """Kendall's tau-b (Kendall 1945): concordant less discordant pairs, ties corrected; NaN where all tie.

    `times` float[draws, n] says how often each pair of figures counts, for each draw; without, once.
    """
    weight = np.ones((1, len(one))) if times is None else times
    first = np.sign(one[:, None] - one[None, :])
    second = np.sign(other[:, None] - other[None, :])

    def total(signs: Floats) -> Floats:
        return np.asarray(((weight @ signs) * weight).sum(axis=1))

    untied = np.sqrt(total(first**2) * total(second**2))
    with np.errstate(invalid="ignore"):
        tau = total(first * second) / untied
    return tau if times is not None else tau[0]


def best_quarter(lower: Floats, upper: Floats) -> Floats:
    """The share of the best quarter by `upper` that is in the best quarter by `lower`; ties are shared.

    Both are float[..., n]; the share has the shape of what stands before n.
    """
    most = math.ceil(lower.shape[-1] / 4)
    return np.asarray((_membership(lower, most) * _membership(upper, most)).sum(axis=-1) / most)


def _membership(values: Floats, most: int) -> Floats:
    """How far each value is among the `most` largest: 1, 0, or its share of the places left to a tie."""
    edge = np.sort(values, axis=-1)[..., [-most]]
    above, tied = values > edge, values == edge
    left = most - above.sum(axis=-1, keepdims=True)
    return np.asarray(above + tied * left / tied.sum(axis=-1, keepdims=True))


def ranking(g: Sequence[float], n: Sequence[int]) -> list[int]:
    """Places from the best to the worst by dominance in (g, n), then g, then n; see the module's text."""
    coarse = np.floor(np.nan_to_num(np.asarray(g, float), nan=-1.0) / RESOLUTION + 0.5) * RESOLUTION
    sizes = np.asarray(n, float)
    feasible = coarse >= FLOOR * coarse.max(initial=0.0)
    layer = np.full(len(coarse), len(coarse) + 1)
    left = np.flatnonzero(feasible)
    depth = 0
    while left.size:
        on = non_dominated(np.stack([coarse[left], sizes[left]], axis=1), [1, -1])
        layer[left[on]] = depth
        left, depth = left[~on], depth + 1
    return sorted(range(len(coarse)), key=lambda p: (layer[p], -coarse[p], sizes[p], p))


@dataclass
class Climb:
    """Who is where on a ladder. `teach(level, places)` returns g there by place, None where it was stopped.

    A place is a lesson's index in the search; `add` tells its content and its n. Levels count from the
    cheapest rung; the last, `top`, is full training.
    """

    ladder: Ladder
    teach: Callable[[int, Sequence[int]], Mapping[int, float] | None]
    g: list[dict[int, float]] = field(default_factory=list)
    judgements: dict[int, Judgement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.top = len(self.ladder.rungs)
        self.g = [{} for _ in range(self.top + 1)]
        self._content: dict[int, str] = {}
        self._n: dict[int, int] = {}
        self._drawn: list[set[int]] = [set() for _ in range(self.top)]
        self._scouts: list[set[int]] = [set() for _ in range(self.top)]
        self._passed: list[set[int]] = [set() for _ in range(self.top)]

    def add(self, place: int, content: str, n: int) -> None:
        """A lesson at the foot of the ladder."""
        self._content[place] = content
        self._n[place] = n

    def climb(self, places: Sequence[int]) -> bool:
        """Take a batch as far up as it deserves; False where it was stopped on the way.

        Those sent by lot go first, so that a rung that turns out to know nothing decides about nobody.
        """
        here = list(places)
        for level in self._kept():
            here = self._sent(level, here)
            if not self._look(level, here):
                return False
        if not (self._look(self.top, here) and self._judge()):
            return False
        here = list(places)
        for level in self._kept():
            if not self._look(level, here):
                return False
            self._sent(level, [place for place in here if place not in self._drawn[level]])
            going = self._best(level)
            here = sorted(going | (set(here) & self._scouts[level]))
        return self._look(self.top, here)

    def _kept(self) -> list[int]:
        """The rungs that are in use, the cheapest first."""
        return [level for level in range(self.top) if not self._dropped(level)]

    def _dropped(self, level: int) -> bool:
        return level in self.judgements and self.judgements[level].dropped

    def _look(self, level: int, places: Sequence[int]) -> bool:
        new = [place for place in places if place not in self.g[level]]
        found = self.teach(level, new) if new else {}
        if found is None:
            return False
        self.g[level].update(found)
        return True

    def _sent(self, level: int, places: Sequence[int]) -> list[int]:
        """Sent on by lot, those with the lowest of these: what is due of all that came here so far.

        That is their share; as many as there have to be go in the beginning, and count as their share later.
        """
        new = set(places) - self._drawn[level]
        self._drawn[level] |= new
        came = len(self._drawn[level])
        due = max(math.ceil(self.ladder.scouts * came), min(self.ladder.least, came))
        lots = {place: self._lot(level, place) for place in new}
        sent = sorted(new, key=lots.__getitem__)[: max(due - len(self._scouts[level]), 0)]
        self._scouts[level] |= set(sent)
        return sorted(sent)

    def _lot(self, level: int, place: int) -> float:
        """A number in [0, 1) that a lesson's content draws on a rung."""
        text = f"scout {level} {self._content[place]}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64

    def _judge(self) -> bool:
        """Every rung against the next one that is kept, from the highest to the cheapest.

        Where a rung between them was dropped, the scouts of the lower one have not been on the next yet, and
        go there now. False where it was stopped.
        """
        names, above = self.ladder.names, self.top
        for level in reversed(self._kept()):
            scouts = sorted(self._scouts[level] & set(self.g[level]))
            if len(scouts) < self.ladder.least:
                above = level
                continue
            if not self._look(above, scouts):
                return False
            lower, upper = ([self.g[rung][place] for place in scouts] for rung in (level, above))
            verdict = self.judgements[level] = judge(names[level], names[above], lower, upper)
            if not verdict.dropped:
                above = level
                continue
            logger.warning(
                "%s is dropped: its order says no more about %s than chance (tau %.2f, %d lessons)",
                verdict.rung, verdict.predicts, verdict.tau, verdict.scouts,
            )  # fmt: skip
        # Who waits on a rung that is dropped waits again on the one below it.
        for level, above in pairwise([*self._kept(), self.top]):
            self._passed[level] &= set(self.g[above])
        return True

    def expected(self) -> dict[int, float]:
        """g of full training by place: what it was, or what the rungs that saw a lesson let expect of it.

        For each kept rung a straight line is laid through the lessons that were trained in full as well, and
        the lines of several rungs count by the inverse of their residual variance. Absent is a lesson of
        which nothing can be said: as long as fewer than `least` were trained in full, all others.
        """
        lines = {level: line for level in self._kept() if (line := self._line(level)) is not None}
        found = {}
        for place in self._n:
            seen = [(self.g[level].get(place, math.nan), *lines[level]) for level in lines]
            said = [(slope * g + start, weight) for g, slope, start, weight in seen if math.isfinite(g)]
            if place in self.g[self.top]:
                found[place] = self.g[self.top][place]
            elif said:
                mean = sum(g * weight for g, weight in said) / sum(weight for _, weight in said)
                found[place] = min(max(mean, 0.0), 1.0)
        return found

    def _line(self, level: int) -> tuple[float, float, float] | None:
        """Slope, intercept and weight of full training on a rung; None where it cannot be said."""
        both = sorted(set(self.g[level]) & set(self.g[self.top]))
        pairs = np.array([(self.g[level][place], self.g[self.top][place]) for place in both]).reshape(-1, 2)
        lower, upper = pairs[np.isfinite(pairs).all(axis=1)].T
        if len(lower) < self.ladder.least or np.ptp(lower) == 0:
            return None
        slope, start = np.polyfit(lower, upper, 1)
        variance = float(((upper - slope * lower - start) ** 2).sum()) / (len(lower) - 2)
        return float(slope), float(start), 1 / max(variance, RESOLUTION**2)

    def finish(self) -> bool:
        """The second half of the share is trained in full: the best of all, as it is known in the end."""
        kept, expected = self._kept(), self.expected()
        if not kept or not expected:
            return True
        passed = self._passed[kept[-1]]
        room = math.ceil(self.ladder.promote * len(self._n)) - len(passed)
        seen = sorted(expected)
        order = ranking([expected[place] for place in seen], [self._n[place] for place in seen])
        waiting = [seen[one] for one in order if seen[one] not in self.g[self.top]]
        return self._look(self.top, sorted(waiting[: max(room, 0)]))

    def _best(self, level: int) -> set[int]:
        """Who goes on now: of the best share of everything seen on a rung those that did not yet.

        Best by what is expected of full training, and as long as that cannot be said by g on the rung. No
        more than the share went on in all, and the best that wait go first: in a search that gets better
        nearly every batch is among the best of what was seen, and without the limit half of all lessons came
        to the second of three rungs. It is a share of all lessons, so that who came by lot adds nothing to
        it; of the last share one half is left for the end (`finish`).
        """
        seen, expected = sorted(self.g[level]), self.expected()
        known = expected if expected.keys() >= set(seen) else self.g[level]
        order = ranking([known[place] for place in seen], [self._n[place] for place in seen])
        kept = self._kept()
        passed_on = self.ladder.promote ** ((kept.index(level) + 1) / len(kept))
        most = math.ceil((passed_on / 2 if level == kept[-1] else passed_on) * len(self._n))
        passed = self._passed[level]
        waiting = [seen[one] for one in order[:most] if seen[one] not in passed]
        going = set(waiting[: max(most - len(passed), 0)])
        passed |= going
        return going
