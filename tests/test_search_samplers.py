"""What Optuna's samplers make of a history: which rule and which number, from anybody's rows."""

from functools import cache

import numpy as np
import pytest

import grammars
import search
from search.derivations import choices
from search.optuna_search import SAMPLERS, OptunaSearch
from search.searcher import Admission, Evaluated, Problem

GRAMMAR = grammars.load("dots", grammars.Grid(8, 8))
OBJECTIVE = search.Objective("dots", GRAMMAR.space, "dots(k=between(1, 2))", "equivariant_local")
BEST_N = 37  # of `take(n, ...)`; the other rules teach next to nothing
EACH = [pytest.param(name, marks=pytest.mark.slow if name == "gp" else ()) for name in SAMPLERS]


def octaves(sentence: grammars.Sentence) -> float | None:
    """How far the n of a `take` is from the best one; None for another rule."""
    said = {choice.name: choice.value for choice in choices(sentence)}
    return abs(float(np.log2(said["take.n"] / BEST_N))) if "take.n" in said else None


@cache
def history() -> tuple[Evaluated, ...]:
    """`take` of all sizes, and as many lessons of other rules: none of them an Optuna searcher's own."""
    rng, sentences = np.random.default_rng(0), []
    for n in sorted({round(2**octave) for octave in rng.uniform(0, 10, 30)}):
        sentences.append(GRAMMAR.parse(f"take({n}, dots(k=between(1, 4)), seed={n})", "Lesson"))
    while len(sentences) < 50:
        drawn = GRAMMAR.random("Lesson", rng, max_bits=60)
        if drawn.rule != "take" and len(drawn.denote()):
            sentences.append(drawn)
    rows = []
    for place, sentence in enumerate(sentences):
        away = octaves(sentence)
        g = 0.1 if away is None else 0.1 + 0.8 * float(np.exp(-away))
        rows.append(Evaluated(place, sentence, 0, (), 1, g))
    return tuple(rows)


@pytest.mark.parametrize("sampler", EACH)
def test_samplers_learn_which_rule_and_which_number(sampler: str) -> None:
    searcher = OptunaSearch(sampler=sampler, batch=12, dimensions=12, n_price=0.0, bit_price=0.0)
    proposals = searcher.propose(Problem(GRAMMAR, 0, Admission(OBJECTIVE, ())), history())
    proposed = [octaves(proposal.candidate.sentence) for proposal in proposals]
    taken = [away for away in proposed if away is not None]
    known = [away for one in history() if (away := octaves(one.sentence)) is not None]
    assert len(taken) >= 8 > 12 * len(known) / len(history())
    assert np.median(taken) < 0.6 * np.median(known)


@pytest.mark.parametrize("sampler", EACH)
def test_a_sampler_is_a_function_of_its_seed_and_the_history(sampler: str) -> None:
    searcher = OptunaSearch(sampler=sampler, batch=3, dimensions=6)

    def proposed(seed: int) -> list[str]:
        found = searcher.propose(Problem(GRAMMAR, seed, Admission(OBJECTIVE, ())), history()[20:40])
        return [str(proposal.candidate.sentence) for proposal in found]

    np.random.random(3)  # noqa: NPY002 - what others do to the global generator changes nothing
    assert proposed(0) == proposed(0)
    assert proposed(0) != proposed(1)
