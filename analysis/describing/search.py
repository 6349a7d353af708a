"""The search for the shortest description: short sentences, guesses from the data, then variation.

In this order, each step within the same budget of evaluations, one for every different sentence tested:

    guessed      each rule that takes no other set, its places filled with what the data ask for
    listed       the pictures one by one, each in the shortest way found; sets made of the same parts
    witnessed    codes that the parities of the pictures show
    short        sentences of the language, shortest first
    orbited      orbits of sets in the regions that have an image of each picture
    divided      a part that is in each picture, and what is left without it: their product
    descended    the best so far, made better place by place
    framed       sets in two regions at once
    covered      unions of small sets all of whose members are in the sample
    undone       smaller questions (`abduction`), each answered in the same way, put together again
    mixed        a partial description, and one of what it leaves over: their union
    narrowed     the best without what a short sentence says, where that has none of the samples, or all
    bred         the grammar's own mutation and crossover of the best, by tournament
    mended       lists without what they need not have, and products whose rest was asked about too briefly;
                 for this a part of the budget is kept, so that it is never left out
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, zip_longest

import numpy as np
from numpy.typing import NDArray

from analysis.describing import abduction, covers, moves, orbits, parities, products
from analysis.describing.coding import Budget, Coder, Fit, noise_bits
from analysis.describing.one_picture import drawn, shortest_picture
from analysis.describing.sample import Sample
from analysis.describing.tables import candidates, pairs, seen
from grammars import Grammar, Sentence
from grammars.bound import Production

SHORT, SHORT_SHARE = 2000, 0.4
"""Most sentences of the language that are tried, shortest first, and the share of what is left for them."""

ORBITS, ORBIT_STARTS = 0.35, 2
"""Share of the budget for orbits of sets in regions, and how many of these are made better place by place."""

PLACED = 2
"""Orbits of which the pictures are put where the set has them, and described there."""

FILLED, ORBITED = 64, 2048
"""Ways to fill the places of one rule; and of one around which a motion is put, times the pixels."""

LISTED, CLASSED = 64, 256
"""Pictures of a list, and pictures of which one of each class under a motion may be listed."""

MOST_LIFTED = 0.6
"""Different pictures, as a share of the sample, beyond which they are not looked at one by one."""

HARD = 4
"""Pictures of a list at most, for each of which a short sentence is looked for at length."""

STARTS, CHANGED = 3, 1
"""Fits from which a descent begins, two of a rule at most; and such in which the rules may change, too."""

FRAMED = 8
"""Ways to fill the places of a rule for each pair of regions."""

FACTORS, REST, FIRST = 2, 0.1, 0.05
"""Products within each other, at most; shares of the budget for what a part leaves over, and for the part."""

DESCENT = 0.25
"""Share of the budget for one descent."""

NARROWING, DRAWN, NARROWED = 48, 64, 0.95
"""Short sets by which the best ones are narrowed, if of so many members no more than that share remains."""

PLACES, MOST_PLACED = 2, 0.5
"""Regions that are looked for at length, and their share of the grid at most."""

PARTS = 3
"""Partial fits for which what they leave over is described."""

ANSWERS = 6
"""Descriptions of a smaller question that are put together again."""

BRED = 0.1
"""Share of the budget kept for mutation and crossover."""

MENDING, MENDED, RESTS = 21, 2, 40
"""One evaluation of so many is for the last step; fits that it mends; evaluations for a product's rest."""

POPULATION = 24
SLACK, COLLISIONS = 4.0, 12
"""Bits to be won below which smaller questions are not asked, and collisions by which they are estimated."""

LEAST_LEFT, NOISE = 8, 0.1
"""Samples left over, and coins as a share of the sample, up to which they are noise."""


def search(sample: Sample, evaluations: int, seed: int) -> list[Fit]:
    """Fits of Set sentences to a sample, the least total first; none where no picture is crisp."""
    if not len(sample.pictures):
        return []
    kept = evaluations // MENDING
    budget = Budget(evaluations - kept)
    search = _Search(sample, budget, depth=1, factors=FACTORS)
    search.answer()
    search.bred(np.random.Generator(np.random.PCG64(seed)))
    budget.left += kept
    search.mended()
    return search.coder.ranked()


@lru_cache(maxsize=16)
def short_sets(grammar: Grammar) -> tuple[Sentence, ...]:
    """The first sets of the language, shortest first."""
    return tuple(islice(grammar.enumerate("Set", 40.0), SHORT))


class _Search:
    """The steps for one sample; smaller questions have a search of their own from the same budget."""

    def __init__(self, sample: Sample, budget: Budget, depth: int, factors: int = 0) -> None:
        self.depth = depth
        self.factors = factors  # Most products within each other.
        self.shortest = 0.0  # Bits up to which all sentences were tried.
        self.sample, self.grammar = sample, sample.grammar
        self.coder = Coder(sample, budget)
        self.budget = budget
        self._choices: dict[str, list[Sentence]] = {}

    def answer(self) -> None:
        for step in (self.guessed, self.listed, self.witnessed, self.short):
            self.tried(step())
        self.coder.gathering = False
        if self.slack() < SLACK:
            return
        kept = int(BRED * self.budget.left) if self.depth > 0 else 0
        self.budget.left -= kept
        self.orbited()
        if self.factors > 0 and self.slack() > SLACK:
            self.divided()
        self.descended()
        if self.depth > 0 and self.slack() > SLACK:
            self.placed()
            self.tried(self.framed())
            self.tried(covers.covers(self.sample))
            self.tried(parities.hidden(self.sample))
            self.undone()
            self.mixed()
            self.tried(self.narrowed())
            self.descended()
        self.budget.left += kept

    def slack(self) -> float:
        """Bits of the best fit that another could do without, where that can be told.

        Those of a sentence longer than all that were tried, and those of the data beyond what the samples
        would cost if their set were known, a standard error allowed: by collisions among the samples of a
        stratum (m draws of a set T have m(m - 1) / 2|T| on average). Infinite where too few collide, and
        where more is left out than may be noise.
        """
        best = self.coder.ranked()[:1]
        if not best or best[0].outside > NOISE * self.sample.n:
            return math.inf
        sample, inside = self.sample, best[0].inside
        strata, known, sure = sample.strata[inside], 0.0, 0.0
        different = np.unique(strata)
        for stratum in different:
            counts = sample.counts[inside][strata == stratum]
            m, pairs = int(counts.sum()), float((counts * (counts - 1) // 2).sum())
            size = max(1.0, m * (m - 1) / 2 / max(pairs, 1.0))
            known += m * math.log2(min(size, 2.0**sample.pixels) * len(different))
            sure += m / math.sqrt(pairs) if pairs else 0.0
            if m > COLLISIONS > pairs:
                return math.inf
        data = best[0].data_bits - noise_bits(sample.n, best[0].outside, sample.pixels)
        return best[0].sentence_bits - self.shortest + max(0.0, data - known - sure)

    def tried(self, sentences: Iterator[Sentence]) -> None:
        for sentence in sentences:
            if self.budget.left <= 0:
                return
            self.coder.try_(sentence)

    def loss(self, sentence: Sentence) -> float:
        found = self.coder.try_(sentence)
        return math.inf if found is None else found.total_bits

    def choices(self, type_name: str) -> list[Sentence]:
        """What may stand at a place: of sets the best ones, of anything else what the data ask for."""
        if type_name == "Set":
            return [fit.sentence for fit in self.coder.ranked()[:ANSWERS]]
        if type_name not in self._choices:
            self._choices[type_name] = candidates(self.sample, type_name)
        return self._choices[type_name]

    # The steps.

    def short(self) -> Iterator[Sentence]:
        some = short_sets(self.grammar)[: int(SHORT_SHARE * self.budget.left)]
        yield from some
        self.shortest = some[-1].bits if some else 0.0

    def guessed(self) -> Iterator[Sentence]:
        for production in self.simple():
            yield from moves.filled(production, [], self.choices, FILLED)

    def listed(self) -> Iterator[Sentence]:
        for core in self.sample.cores():
            if len(core.pictures) <= LISTED:
                yield from self.each(core)
            if len(core.pictures) <= CLASSED:
                for motion, few in abduction.representatives(core):
                    orbit = self.grammar.productions["orbit"]
                    yield from (orbit.sentence((one, motion)) for one in self.each(few))
            if self.depth > 0 and len(core.pictures) <= MOST_LIFTED * core.counts.sum():
                for i in core.frequent[: 1 if len(core.pictures) > HARD else HARD]:
                    yield from self.lifted(core.pictures[i])

    def each(self, core: Sample) -> Iterator[Sentence]:
        """The pictures, each in the shortest way found."""
        if "explicit" in self.grammar.productions and len(core.pictures) <= LISTED:
            hard = self.depth > 0 and len(core.pictures) <= HARD
            found = [shortest_picture(self.grammar, picture, hard) for picture in core.pictures]
            yield self.grammar.productions["explicit"].sentence(tuple(p for p in found if p is not None))

    def lifted(self, picture: np.ndarray) -> Iterator[Sentence]:
        """Sets made of the parts of a sentence for a picture, and of these parts with rules around them."""
        types = _lifting(self.grammar)
        if not types:
            return
        found = shortest_picture(self.grammar, picture, True)
        for _, part in () if found is None else found.walk():
            for production in types.get(part.type, ()):
                start = production.sentence((part,))
                yield start
                around = [start]
                for _ in range(2):
                    some = [w for s in around for w in self.around(s)]
                    yield from some
                    around = [f.sentence for f in self.coder.ranked() if f.sentence in set(some)][:ANSWERS]

    def around(self, start: Sentence) -> list[Sentence]:
        """Rules around the one part of a set, their literals in all values of short lists."""
        part = start.args[0]
        return [start.replace((0,), wrapped) for wrapped in moves.wrapped(part, self.choices)]

    def witnessed(self) -> Iterator[Sentence]:
        yield from parities.witnessed(self.sample)

    def orbited(self) -> None:
        """Orbits of sets in the regions that have an image of each picture, ranked and made better alone."""
        coder = Coder(self.sample, self.budget.share(ORBITS))
        coder.gathering = False
        for sentence in self.moved():
            coder.try_(sentence)

        def loss(sentence: Sentence) -> float:
            found = coder.try_(sentence)
            return math.inf if found is None else found.total_bits

        for fit in coder.ranked()[:ORBIT_STARTS]:
            moves.descended(fit.sentence, loss, self.choices, most=coder.budget.left)
        self.budget.left -= coder.budget.spent
        found = coder.ranked()[:ANSWERS]
        self.tried(fit.sentence for fit in found)
        # An orbit that holds the sample shows where each picture belongs.
        for fit in found[:PLACED] if self.depth > 0 else ():
            held = orbits.put_back(self.sample.only(fit.inside), fit.sentence)
            whole = self.grammar.productions["orbit"].sentence
            self.tried(whole((one, fit.sentence.args[1])) for one in self.inner(held, ORBITS, 0))

    def moved(self) -> Iterator[Sentence]:
        """Such orbits, of each motion the first before the second of any."""
        some = [self.moved_by(motion, regions) for motion, regions in orbits.regions_under(self.sample)]
        for together in zip_longest(*some):
            yield from (one for one in together if one is not None)

    def moved_by(self, motion: Sentence, regions: list[Sentence]) -> Iterator[Sentence]:
        slots = [slot for production in self.simple() for slot in production.slots]
        names = {slot.category.name for slot in slots if slot.category} - {"Region"}
        widest = {name: found for name in sorted(names) if (found := orbits.widest(self.grammar, name))}

        def choices(name: str) -> list[Sentence]:
            return regions if name == "Region" else widest.get(name) or self.choices(name)

        for production in self.simple():
            if {slot.category.name for slot in production.slots if slot.category} & {"Region", *widest}:
                for inner in moves.filled(production, [], choices, ORBITED // self.sample.pixels):
                    yield self.grammar.productions["orbit"].sentence((inner, motion))

    def descended(self) -> None:
        for kinds, starts in ((moves.NUDGES, STARTS), (moves.CHANGES, CHANGED)):
            for start in self.various(starts):
                # What comes after it wants some of the budget, too.
                kept = self.budget.left - int(DESCENT * self.budget.left)
                self.budget.left -= kept
                moves.descended(start, self.loss, self.choices, kinds, most=self.budget.left)
                self.budget.left += kept

    def various(self, most: int) -> list[Sentence]:
        """The best fits, two of a rule at most."""
        found: list[Sentence] = []
        for fit in self.coder.ranked():
            if sum(other.rule == fit.sentence.rule for other in found) < 2:
                found.append(fit.sentence)
            if len(found) == most:
                break
        return found

    def framed(self) -> Iterator[Sentence]:
        """Sets in two regions at once, where both together are smaller than any short one."""
        rules = self.grammar.productions
        for first, second in pairs(self.sample) if "within" in rules else ():

            def choices(name: str, first: Sentence = first) -> list[Sentence]:
                return [first] if name == "Region" else self.choices(name)

            for production in self.simple():
                if any(slot.category and slot.category.name == "Region" for slot in production.slots):
                    for inner in moves.filled(production, [], choices, FRAMED):
                        yield rules["within"].sentence((inner, second))

    def simple(self) -> list[Production]:
        """The rules for sets that take no other set and no picture."""
        found = []
        for production in self.grammar.category("Set").productions:
            names = {slot.category.name for slot in production.slots if slot.category}
            if not names & {"Set", "Picture"}:
                found.append(production)
        return found

    def placed(self) -> None:
        """Where no short region is just what was seen, a longer one, and the sets that are in it."""
        if "Region" not in self.grammar.categories:
            return
        known = self.choices("Region")
        covers = [one.denote() for one in known]
        for mask in seen(self.sample, "pixels")[:PLACES]:
            where = mask.reshape(self.sample.pictures.shape[1:])
            if where.mean() > MOST_PLACED or any((cover == where).all() for cover in covers):
                continue
            found = drawn(self.grammar, "Region", where)
            if found is not None:
                self._choices["Region"] = [found, *known]
                self.tried(self.guessed())

    def undone(self) -> None:
        for question in abduction.questions(self.sample):
            if self.budget.left <= 0:
                return
            self.tried(question.whole(one) for one in self.inner(question.sample, 0.3, 0))

    def divided(self) -> None:
        """Products of a part that shows in the pictures and of what the rest of them is."""
        for part in products.divided(self.sample):
            rest = self.inner(part.rest, REST, self.factors - 1)
            first = part.first if isinstance(part.first, list) else self.inner(part.first, FIRST, 0)
            if not self.multiplied(first, rest):
                return

    def inner(self, sample: Sample, share: float, factors: int) -> list[Sentence]:
        """The best answers to a smaller question, for a share of the budget; none about nothing."""
        if not len(sample.pictures):  # an orbit that holds no picture of the sample may still be the best
            return []
        search = _Search(sample, self.budget.share(share), self.depth - 1, factors)
        search.answer()
        self.budget.left = max(0, self.budget.left - search.budget.spent)
        return [fit.sentence for fit in search.coder.ranked()[:ANSWERS]]

    def multiplied(self, first: list[Sentence], rest: list[Sentence]) -> bool:
        """Products of the best of each, and whether there is anything left to spend."""
        production = self.grammar.productions["product"]
        order = [(i + j, i, j) for i in range(len(first)) for j in range(len(rest))]
        for _, i, j in sorted(order)[: 2 * ANSWERS]:
            self.coder.try_(production.sentence((first[i], rest[j])))
        return self.budget.left > 0

    def narrowed(self) -> Iterator[Sentence]:
        """The best sets met with a short one that has all the samples, or without one that has none."""
        rules = self.grammar.productions
        for fit in self.coder.ranked()[:2]:
            held = self.sample.pictures[fit.inside]
            members = fit.sentence.denote().sample(DRAWN, np.random.Generator(np.random.PCG64(0)))
            for other in short_sets(self.grammar)[:NARROWING]:
                inside = other.denote().contains(held)
                taken = other.denote().contains(members).sum() if inside.all() or not inside.any() else 0
                if inside.all() and taken < NARROWED * len(members) and "intersect" in rules:
                    yield rules["intersect"].sentence((fit.sentence, other))
                elif not inside.any() and taken > (1 - NARROWED) * len(members) and "difference" in rules:
                    yield rules["difference"].sentence((fit.sentence, other))

    def mixed(self) -> None:
        if "union" not in self.grammar.productions:
            return
        parts = self.coder.partial(PARTS)
        for sentence, _ in parts:
            self.tried(self.turned(sentence))
        for sentence, mask in parts:
            self.tried(self.joined(sentence, mask))
        # What two parts leave over may be a third.
        partial = [fit for fit in self.coder.ranked() if self.rest(fit.inside).n >= LEAST_LEFT]
        for fit in partial[:PARTS]:
            self.tried(self.joined(fit.sentence, fit.inside))

    def turned(self, sentence: Sentence) -> Iterator[Sentence]:
        """The orbits of a partial description, which may have the others in another position."""
        if "orbit" in self.grammar.productions:
            for motion in self.choices("Motion"):
                yield self.grammar.productions["orbit"].sentence((sentence, motion))

    def rest(self, mask: NDArray[np.bool_]) -> Sample:
        """What a partial description leaves over, without the coins where they are so few as to be noise."""
        rest = self.sample.only(~mask)
        return rest.only(~rest.coins) if rest.n <= NOISE * self.sample.n else rest

    def joined(self, sentence: Sentence, mask: NDArray[np.bool_]) -> Iterator[Sentence]:
        """A partial description with descriptions of what it leaves over, unless that is noise."""
        rest = self.rest(mask)
        if rest.n < LEAST_LEFT or self.budget.left <= 0:
            return
        inner = _Search(rest, self.budget.share(0.2), self.depth - 1, min(1, self.factors))
        inner.answer()
        self.budget.left = max(0, self.budget.left - inner.budget.spent)
        for fit in inner.coder.ranked()[:ANSWERS]:
            if fit.total_bits < rest.n * rest.pixels:
                yield self.grammar.productions["union"].sentence((sentence, fit.sentence))

    def bred(self, rng: np.random.Generator) -> None:
        if self.slack() < SLACK:
            return
        population = self.coder.ranked()[:POPULATION]
        while self.budget.left > 0 and population:
            first, second = (self.chosen(population, rng) for _ in range(2))
            if rng.random() < 0.8:
                children: tuple[Sentence, ...] = (self.grammar.mutate(first, rng),)
            else:
                children = self.grammar.crossover(first, second, rng)
            for child in children:
                self.budget.left -= 1 if child in self.coder.seen else 0  # So that this ends.
                if self.coder.try_(child) is not None:
                    population = self.coder.ranked()[:POPULATION]

    def mended(self) -> None:
        """The best with shorter lists; products of a part that shows and the rest, by each rule in turn."""
        if self.slack() < SLACK:
            return
        for fit in self.coder.ranked()[:MENDED]:
            moves.descended(fit.sentence, self.loss, self.choices, moves.DROPS, most=self.budget.left)
        for part in products.divided(self.sample) if self.factors > 0 else ():
            if not isinstance(part.first, list):  # to be described itself, which takes more than this
                continue
            inner = _Search(part.rest, self.budget.within(RESTS), self.depth - 1)
            inner.tried(inner.by_turns())
            self.budget.left = max(0, self.budget.left - inner.budget.spent)
            rest = [fit.sentence for fit in inner.coder.ranked()[:1]]
            if not self.multiplied(part.first[:1], rest):
                return

    def by_turns(self) -> Iterator[Sentence]:
        """What `guessed` guesses, the first of each rule before the second of any."""
        some = [moves.filled(production, [], self.choices, FILLED) for production in self.simple()]
        for together in zip_longest(*some):
            yield from (one for one in together if one is not None)

    def chosen(self, population: list[Fit], rng: np.random.Generator) -> Sentence:
        """The better of two, by tournament."""
        return population[int(rng.integers(len(population), size=2).min())].sentence


def _lifting(grammar: Grammar) -> dict[str, list]:
    """Rules that make a set of one part of another type than a picture, by that type."""
    found: dict[str, list] = {}
    for production in grammar.category("Set").productions:
        slots = production.slots
        category = slots[0].category if len(slots) == 1 and not slots[0].several else None
        if category is not None and category.name not in ("Set", "Picture"):
            found.setdefault(category.name, []).append(production)
    return found
