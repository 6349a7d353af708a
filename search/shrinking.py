"""How few are enough: a lesson made smaller, as long as it still teaches.

    least = minimal("take(64, dots(k=2), seed=0)", grammar, objective, 24, ledger, workers)
    least.attrs["minimal"], least.attrs["n"], least.attrs["complete"]

First the number is bisected: `take(n, S, seed)` keeps its words, any other lesson loses examples in an order
that its content fixes. Then examples are left out one by one, until no lesson of one example less teaches
or the budget is used up. Every lesson that is tried is a sentence with its bits, `these(...)` where nothing
shorter says it, and all are taught with the same seeds, so that their differences are paired. The search
for what is still good enough flatters what it finds, as any search does: teach the result again with fresh
seeds before anything is claimed of it.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

import grammars
from search.bench import Bench, Job, Row, interruptible
from search.errors import SearchError
from search.evaluation import Objective, Task, canonical, content_key
from search.ledger import Entry, Ledger
from search.result import front_of, labelled, origin_attributes
from search.subsets import Subsets

STUDY = "shrink"
MARGIN = 0.05  # how much of g a smaller lesson may lose
CHUNK = 4  # lessons tried side by side, whatever the number of workers: it decides what is tried
START, BISECTION, LEFT_OUT = "start", "bisection", "left out"


@dataclass(frozen=True)
class Attempt:
    """A lesson that was tried: what it was made from (its place in the list), and what it taught."""

    sentence: grammars.Sentence
    stage: str
    parent: int
    row: Row
    teaches: bool

    @property
    def trainings(self) -> tuple[float, ...]:
        """g of each training; nothing where the evaluation failed."""
        return self.row.outcome.measures.get("generalization", ())


def minimal(
    sentence: str | grammars.Sentence,
    grammar: grammars.Grammar,
    objective: Objective,
    budget: int,
    ledger: Ledger,
    workers: Executor,
    *,
    seeds: int = 2,
    margin: float = MARGIN,
    threshold: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """The smallest lesson found that still teaches what `sentence` teaches, and everything that was tried.

    budget: trainings, `seeds` for each lesson tried, the given one included. A lesson teaches where its g is
    at least that of the given one less `margin` (means over equal seeds), or at least `threshold` where
    there is one. `progress` is told the trainings done and the budget. Ctrl-C begins nothing new.

    Dimensions `attempt` (in the order of trying, the given lesson first) and `seed`; variables `sentence`,
    `n`, `bits`, `stage`, `parent` (the attempt it was made from), `teaches`, `generalization`,
    `difference` (paired, to the given lesson), `failure`. Attributes: `minimal`, `n`, `bits` and `attempt`
    of the smallest that teaches; `failed_below` counts the lessons of n - 1 examples, made from it by leaving
    one out, that were tried and failed, and `complete` is 1 where that is all of them.
    """
    if seeds < 1 or budget < seeds:
        raise SearchError(f"`budget >= seeds >= 1` must hold, but got budget={budget}, seeds={seeds}")
    if not 0 <= margin < 1:
        raise SearchError(f"`0 <= margin < 1` must hold, but got margin={margin}")
    start = grammar.parse(str(sentence), type="Lesson")
    paired = replace(objective, seed=shrink_seed(objective.seed), seeds=seeds, paired=True)
    book = ledger.sibling(STUDY, {"grammar": grammar.name, "space": str(grammar.space)})

    def note(_: Row) -> None:
        if progress is not None:
            progress(len(bench.rows) * seeds, budget)

    with interruptible() as asked, Bench(book, workers, asked, note) as bench:
        shrink = _Shrink(paired, bench, budget // seeds, margin, threshold)
        shrink.run(start)
    return _dataset(shrink, objective, stopped="interrupted" if asked else "")


def shrink_seed(search_seed: int) -> int:
    """The seed of all trainings here, one that neither the search nor the verification has."""
    return int.from_bytes(hashlib.sha256(f"shrink {search_seed}".encode()).digest()[:4], "big")


class _Shrink:
    """One call of `minimal`."""

    def __init__(
        self, objective: Objective, bench: Bench, most: int, margin: float, threshold: float | None
    ) -> None:
        self.attempts: list[Attempt] = []
        self.best = 0
        self.tried_below: set[int] = set()  # examples of the best that cannot be left out
        self.complete = False
        self.threshold = math.nan
        self._given = threshold
        self.objective = objective
        self._bench = bench
        self._most = most
        self._margin = margin

    def run(self, start: grammars.Sentence) -> None:
        """The given lesson, bisection, then leaving out."""
        if not self._teach([start], START):
            return
        reached = _mean(self.attempts[0].trainings)
        self.threshold = reached - self._margin if self._given is None else self._given
        teaches = reached >= self.threshold > 0
        self.attempts[0] = replace(self.attempts[0], teaches=teaches)
        if teaches and self._bisect(Subsets(start)):
            self._leave_out(Subsets(self.attempts[self.best].sentence))

    def _bisect(self, lesson: Subsets) -> bool:
        """The smallest n that teaches, if all larger ones do too; False where the budget ended before."""
        low, high = 0, lesson.n
        while high - low > 1:
            middle = (low + high) // 2
            if not self._teach([lesson.first(middle)], BISECTION):
                return False
            if self.attempts[-1].teaches:
                self.best = len(self.attempts) - 1
                high = self.attempts[-1].row.entry.n
            else:
                low = middle
        return True

    def _leave_out(self, lesson: Subsets) -> None:
        """Leave out one example after another, those first that were not tried yet."""
        kept = list(range(lesson.n))
        untried = list(kept)
        while untried and len(kept) > 1:
            chunk = untried[:CHUNK]
            smaller = [lesson.only([one for one in kept if one != out]) for out in chunk]
            done = self._teach(smaller, LEFT_OUT)
            passed = [place for place in range(done) if self.attempts[place - done].teaches]
            self.tried_below |= {chunk[place] for place in range(done) if place not in passed}
            if passed:
                place = max(passed, key=lambda place: _mean(self.attempts[place - done].trainings))
                self.best = len(self.attempts) - done + place
                kept.remove(chunk[place])
                untried = [one for one in kept if one not in self.tried_below] + sorted(self.tried_below)
                self.tried_below = set()
            else:
                untried = untried[done:]
            if done < len(chunk):
                return
        self.complete = True

    def _teach(self, sentences: Sequence[grammars.Sentence], stage: str) -> int:
        """Teach as many of these as the budget allows, side by side; how many that were."""
        parent = self.best if self.attempts else -1
        first = len(self.attempts)
        sentences = sentences[: self._most - first]
        jobs = [self._job(one, first + place, stage) for place, one in enumerate(sentences)]
        if not jobs or not self._bench.run(jobs):
            return 0
        for sentence, job in zip(sentences, jobs, strict=True):
            row = self._bench.rows[job.entry.index]
            teaches = _mean(row.outcome.measures.get("generalization", ())) >= self.threshold
            self.attempts.append(Attempt(sentence, stage, parent, row, teaches))
        return len(jobs)

    def _job(self, sentence: grammars.Sentence, index: int, stage: str) -> Job:
        examples = canonical(sentence.denote())
        entry = Entry(
            key=content_key(self.objective, examples),
            index=index,
            sentence=str(sentence),
            n=len(examples),
            bits=sentence.bits,
            origin="search",
            parents=() if not self.attempts else (self.best,),
            extra={"stage": stage},
        )
        return Job(entry, Task(self.objective, entry.sentence))


def _mean(values: Sequence[float]) -> float:
    """The mean; NaN, which is never enough, where there is none."""
    return math.fsum(values) / len(values) if values else math.nan


def _dataset(shrink: _Shrink, objective: Objective, stopped: str) -> xr.Dataset:
    attempts = shrink.attempts
    seeds = shrink.objective.seeds

    def over(values: list[Any], meaning: str, units: str = "1", kind: Any = None) -> Any:
        return labelled("attempt", np.array(values, dtype=kind), meaning, units)

    nothing = (math.nan,) * seeds
    g = np.array([one.trainings or nothing for one in attempts], dtype=float).reshape(len(attempts), seeds)
    difference = (g - g[:1]).mean(axis=1) if attempts else np.empty(0)
    variables = {
        "sentence": over([str(one.sentence) for one in attempts], "the lesson as a sentence", kind=str),
        "n": over([one.row.entry.n for one in attempts], "number of distinct examples", "examples", int),
        "bits": over([one.sentence.bits for one in attempts], "length of the sentence", "bit", float),
        "stage": over([one.stage for one in attempts], "how it was made", kind=str),
        "parent": over([one.parent for one in attempts], "the attempt it was made from", kind=int),
        "teaches": over([int(one.teaches) for one in attempts], "1 where g is large enough", kind="i1"),
        "difference": over(
            list(difference), "g less that of the given lesson, paired, mean over seeds", kind=float
        ),
        "failure": over([one.row.outcome.failure or "" for one in attempts], "why there is no g", kind=str),
        "seconds": over([one.row.outcome.seconds for one in attempts], "duration", "s", float),
        "generalization": labelled(("attempt", "seed"), g, "generalization of each training"),
    }
    found: dict[str, Any] = {}
    if attempts:
        best = attempts[shrink.best]
        found = {
            "minimal": str(best.sentence),
            "n": best.row.entry.n,
            "bits": best.sentence.bits,
            "attempt": shrink.best,
            "failed_below": len(shrink.tried_below),
            "complete": int(shrink.complete and best.teaches),
        }
    return xr.Dataset(variables).assign_attrs(
        origin_attributes(objective, "The smallest lesson that still teaches, and what was tried")
        | found
        | {"threshold": shrink.threshold, "stopped": stopped}
    )


def with_minimal(result: xr.Dataset, least: xr.Dataset | None, grammar: grammars.Grammar) -> xr.Dataset:
    """The result of a search with, as its last trial, the lesson that `minimal` made of one of its own.

    Its `generalization` is that of the trainings on the way there, as many as the search's evaluations have;
    its other measures are NaN. Nothing is added where no smaller lesson was found, or one of the result's.
    """
    if least is None or not least.attrs.get("attempt", 0):
        return result
    text = str(least.attrs["minimal"])
    known = result["sentence"].values.tolist()
    if text in known:
        return result
    lesson = grammar.parse(text, type="Lesson")
    row = result.isel(trial=[-1]).map(_nothing, keep_attrs=True)
    row = row.assign_coords(trial=result["trial"][-1:].copy(data=[int(result["trial"][-1]) + 1]))
    said = {
        "sentence": text,
        "origin": "search",
        "generation": int(result["generation"].max()) + 1,
        "parents": str(known.index(str(least["sentence"].values[0]))),
        "n": int(least.attrs["n"]),
        "bits": float(least.attrs["bits"]),
        "seconds": float(least["seconds"][int(least.attrs["attempt"])]),
        "uses_target": int(lesson.uses_target(grammar.parse(str(result.attrs["target"]), type="Set"))),
    }
    for name, value in said.items():
        row[name] = row[name].copy(data=np.array([value]))
    g = least["generalization"].isel(attempt=int(least.attrs["attempt"])).values
    seeds = min(result.sizes["seed"], len(g))
    row["generalization"].values[0, :seeds] = g[:seeds]
    examples = canonical(lesson.denote())[: result.sizes["example"]]
    row["examples"].values[0, : len(examples)] = examples
    whole = xr.concat(
        [result, row], "trial", data_vars="minimal", coords="minimal", compat="override", join="override"
    )
    for name, costs in (("on_front", ("n", "bits")), ("on_front_n", ("n",))):
        whole[name] = whole[name].copy(data=front_of(whole, costs))
    return whole


def _nothing(values: xr.DataArray) -> xr.DataArray:
    """The same without its content: NaN, 0 or no text."""
    if "trial" not in values.dims:
        return values
    empty = {"f": np.nan, "U": ""}.get(values.dtype.kind, 0)
    return values.copy(data=np.full(values.shape, empty, dtype=values.dtype))
