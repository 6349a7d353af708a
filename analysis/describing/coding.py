"""Two-part code length of a sample under a sentence, with noise for what lies outside (Rissanen 1978).

    bits of the sentence
  + sum over the samples inside of log2 K + log2 |T_s|     (their stratum, and which of its members)
  + d for each sample outside
  + log2 C(N, outside) + log2(N + 1)                       (which are outside, and how many)

K strata of equal weight; a declared weight w costs -log2 w in place of log2 K. Where a stratum is not counted
its size is estimated (`analysis.describing.sizes`), which is flagged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.describing.sample import Sample
from analysis.describing.sizes import lower_bits, member_bits
from analysis.describing.tables import allows_more
from grammars import ExampleSet, Sentence

MOST_WORK = 2.0**22
"""Work of testing the whole sample beyond which a candidate is not looked at; see `work_of`."""

SIMPLE_WORK = 8.0
"""Work of a set that is made of no others."""

ESTIMATED = 24
"""Evaluations that one more counts as whose size is estimated by drawing from its parts."""

WORK = 256.0
"""Work of testing one picture that counts as one evaluation more."""

LONG, MOST_LISTED = 2**14, 2**20
"""Images of a set from which on, and up to which, an orbit that is listed counts as much."""

SIZED, EASY_WORK = 48, 40.0
"""Partial descriptions whose size is asked for: so many, if they are no dearer to test than that."""


CARE = 0.15
"""Share of the probes that may be outside by chance more than of the sample."""


@dataclass(frozen=True)
class Fit:
    """A sentence and what the sample costs with it; `inside` is over the different pictures."""

    sentence: Sentence
    sentence_bits: float
    data_bits: float
    inside: NDArray[np.bool_]
    outside: int
    estimated: bool
    error: float

    @property
    def total_bits(self) -> float:
        return self.sentence_bits + self.data_bits


def noise_bits(n: int, outside: int, pixels: int) -> float:
    """What is outside written out, which samples these are, and how many."""
    return outside * pixels + log2_choose(n, outside) + math.log2(n + 1)


def log2_choose(n: int, k: int) -> float:
    return (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)) / math.log(2)


def listing_bits(sample: Sample) -> float:
    """The sample without a sentence: each picture written out, or the different ones once and then named.

    N d, or log2 C(2^d, m) + N log2 m for m different ones among N samples that are all crisp.
    """
    n, d, m = sample.n, sample.pixels, len(sample.pictures)
    named = m * d - math.lgamma(m + 1) / math.log(2) + n * math.log2(max(m, 1)) + math.log2(n + 1)
    return min(float(n * d), named) if sample.counts.sum() == n else float(n * d)


def fit(sentence: Sentence, sample: Sample) -> Fit:
    """The code length of a sample under a Set sentence, whatever it takes to work it out."""
    denoted = sentence.denote()
    return fitted(sentence, sample, denoted, denoted.contains(sample.pictures))


def fitted(sentence: Sentence, sample: Sample, denoted: ExampleSet, inside: NDArray[np.bool_]) -> Fit:
    """The same where it is known which different pictures are inside."""
    bits, estimated, error = member_bits(sentence, denoted, sample.strata[inside])
    drawn = np.isfinite(bits)  # A stratum that is never drawn from has no code.
    inside = inside.copy()
    inside[inside] = drawn
    counts = sample.counts[inside]
    outside = sample.n - int(counts.sum())
    data = float((counts * bits[drawn]).sum()) + noise_bits(sample.n, outside, sample.pixels)
    return Fit(sentence, sentence.bits, data, inside, outside, estimated, error)


def work_of(sentence: Sentence) -> float:
    """`ExampleSet.work`, but for simple sets, where to say it may be dearer than the test."""
    parts = [arg for arg in sentence.args if isinstance(arg, Sentence) and arg.type == "Set"]
    if sentence.rule == "product":
        return float(sentence.denote().work)
    if sentence.rule == "orbit":
        motions = next(arg for arg in sentence.args if isinstance(arg, Sentence) and arg.type == "Motion")
        return float(motions.denote().count(sentence.grammar.space.shape)) * work_of(parts[0])
    return math.fsum(map(work_of, parts)) if parts else SIMPLE_WORK


class Budget:
    """Evaluations that are left; a share of it is a budget of its own, which is paid back by its `spent`."""

    def __init__(self, evaluations: int) -> None:
        self.given = self.left = evaluations

    @property
    def spent(self) -> int:
        return self.given - self.left

    def share(self, part: float) -> Budget:
        return Budget(int(part * self.left))

    def within(self, most: int) -> Budget:
        """So many, or what is left."""
        return Budget(min(most, self.left))


class Coder:
    """Fits of candidates to one sample: each once, the cheap tests first, and no more than a budget allows.

    One evaluation is one sentence that was looked at; one that is dear to test counts for more, and one whose
    size takes a long list or draws from its parts as 25.
    Sizes, which can be dear, are asked for only where the total may be among the best `kept`. While
    `gathering`, partial descriptions are kept for `partial`.
    """

    def __init__(self, sample: Sample, budget: Budget, kept: int = 12) -> None:
        self.sample, self.budget, self.kept = sample, budget, kept
        self.seen: dict[Sentence, Fit | None] = {}
        self.masks: dict[Sentence, NDArray[np.bool_]] = {}
        self.gathering = True
        self._ranked: list[Fit] = []

    def try_(self, sentence: Sentence) -> Fit | None:
        """The fit of a sentence; None where it is rejected, or the budget is spent."""
        if sentence in self.seen:
            return self.seen[sentence]
        if self.budget.left <= 0:
            return None
        self.budget.left -= 1
        found = self.seen[sentence] = self._tested(sentence)
        if found is not None and found.total_bits < self._cutoff:
            # Of sentences that say the same of the sample the shortest stands for all.
            same = [one for one in self._ranked if _alike(one, found)]
            others = [one for one in self._ranked if not _alike(one, found)]
            self._ranked = sorted([*others, min([*same, found], key=_rank)], key=_rank)[: self.kept]
        return found

    def _tested(self, sentence: Sentence) -> Fit | None:
        sample = self.sample
        if sentence.bits >= self._cutoff:
            return None
        denoted = sentence.denote()
        work = work_of(sentence)
        if work * len(sample.pictures) > MOST_WORK:
            return None
        self.budget.left = max(0, self.budget.left - int(work / WORK))
        probed = denoted.contains(sample.pictures[sample.probes])
        hits = int(probed.sum())
        if not hits or (not self.gathering and self._hopeless(sentence, hits)):
            return None
        if self._idle(sentence, "orbit", sample.probes, probed):
            return None
        inside = denoted.contains(sample.pictures)
        if self._idle(sentence, "union", np.arange(len(inside)), inside):
            return None
        outside = sample.n - int(sample.counts[inside].sum())
        if outside and self.gathering:
            self.masks[sentence] = inside
        if sentence.bits + self._least(sentence, inside, outside) >= self._cutoff:
            return None
        if any((one.inside == inside).all() and allows_more(sentence, one.sentence) for one in self._ranked):
            return None
        if set(denoted.sizes().values()) == {None}:  # One stratum for all, with no less than any part.
            held = sample.n - outside
            least = held * lower_bits(sentence) + noise_bits(sample.n, outside, sample.pixels)
            if sentence.bits + least >= self._cutoff:
                return None
        if _is_listed_long(sentence):
            self.budget.left = max(0, self.budget.left - ESTIMATED)
        found = fitted(sentence, sample, denoted, inside)
        if found.estimated and any(isinstance(arg, Sentence) and arg.type == "Set" for arg in sentence.args):
            self.budget.left = max(0, self.budget.left - ESTIMATED)
        return found

    def _hopeless(self, sentence: Sentence, hits: int) -> bool:
        """Whether so few of the probes are inside that what is outside costs too much, in all likelihood."""
        missed = 1.0 - hits / len(self.sample.probes) - CARE
        outside = missed * float(self.sample.counts.sum())
        return outside > 0 and sentence.bits + outside * self.sample.pixels >= self._cutoff

    def _idle(
        self, sentence: Sentence, rule: str, places: NDArray[np.int64], inside: NDArray[np.bool_]
    ) -> bool:
        """Whether a rule in the sentence only adds pictures that are not in the sample."""
        for path, part in sentence.walk():
            if part.rule == rule and not _is_taken_away(sentence, path):
                for arg in part.args:
                    if arg.type == "Set":
                        shorter = sentence.replace(path, arg).denote()
                        if (shorter.contains(self.sample.pictures[places]) >= inside).all():
                            return True
        return False

    def _least(self, sentence: Sentence, inside: NDArray[np.bool_], outside: int) -> float:
        """Data bits at least: a stratum has the different samples that are inside, if not more.

        That of an orbit has all of the base's: so an orbit that is too large need not be listed.
        """
        strata, where = np.unique(self.sample.strata[inside], return_inverse=True)
        different = np.maximum(np.bincount(where, minlength=len(strata)), 1).tolist()
        strata_of_all = 0.0
        if sentence.rule == "orbit":
            sizes = next(arg for arg in sentence.args if arg.type == "Set").denote().sizes()
            different = [max(d, sizes.get(s) or 0) for s, d in zip(strata.tolist(), different, strict=True)]
            strata_of_all = 0.0 if None in sizes.values() else math.log2(max(1, len(sizes)))
        each = np.array([math.log2(d) for d in different]) + strata_of_all
        inner = float((self.sample.counts[inside] * each[where]).sum())
        return inner + noise_bits(self.sample.n, outside, self.sample.pixels)

    @property
    def _cutoff(self) -> float:
        return self._ranked[-1].total_bits if len(self._ranked) >= self.kept else math.inf

    def ranked(self) -> list[Fit]:
        """The best fits, the least total first; ties by bits, then by text."""
        return list(self._ranked)

    def partial(self, most: int) -> list[tuple[Sentence, NDArray[np.bool_]]]:
        """Sentences that hold some of the sample, and which; those first that save most on what they hold."""
        counts, n, d = self.sample.counts, self.sample.n, self.sample.pixels
        shortest: dict[bytes, Sentence] = {}
        for sentence in sorted(self.masks, key=lambda s: (s.bits, str(s))):
            if 0.1 * n <= counts[self.masks[sentence]].sum() <= 0.9 * n:
                shortest.setdefault(self.masks[sentence].tobytes(), sentence)
        saved = []
        for sentence in list(shortest.values())[:SIZED]:
            denoted, mask = sentence.denote(), self.masks[sentence]
            made_of_sets = any(isinstance(arg, Sentence) and arg.type == "Set" for arg in sentence.args)
            if not made_of_sets or denoted.work <= EASY_WORK:
                size, _ = denoted.log2_size(np.random.Generator(np.random.PCG64(0)))
                bits = float(counts[mask].sum()) * (d - max(0.0, size)) - sentence.bits
                saved.append((-bits, str(sentence), sentence, mask))
        return [(sentence, mask) for *_, sentence, mask in sorted(saved, key=lambda item: item[:2])[:most]]


def _is_taken_away(sentence: Sentence, path: tuple[int, ...]) -> bool:
    """Whether a part lies in what a difference takes away."""
    return any(sentence.at(path[:i]).rule == "difference" and path[i] == 1 for i in range(len(path)))


def _is_listed_long(sentence: Sentence) -> bool:
    """Whether the size takes a long list of all images of a set."""
    if sentence.rule != "orbit":
        return False
    base, motion = (arg.denote() for arg in sentence.args)
    size = base.size()
    return size is not None and LONG < size * motion.count(base.space.shape) <= MOST_LISTED


def _alike(one: Fit, other: Fit) -> bool:
    return abs(one.data_bits - other.data_bits) < 1e-6 and bool((one.inside == other.inside).all())


def _rank(found: Fit) -> tuple[float, float, str]:
    return found.total_bits, found.sentence_bits, str(found.sentence)
