"""Where searches begin: random lessons, small and large ones alike."""

from collections.abc import Iterator

import numpy as np

import grammars
from search.searcher import Candidate, Problem

BANDS = (4, 16, 64, 1024)  # upper ends of n; lessons of at most four examples are what is hoped for
DRAWS = 3  # per lesson wanted: a large lesson can take a second to denote
MOST_DRAWS = 12  # where the grammar has hardly any new lesson


def varied_lessons(
    problem: Problem, rng: np.random.Generator, count: int, max_bits: float
) -> Iterator[Candidate]:
    """Up to `count` new lessons, as evenly spread over the bands of n as the grammar allows.

    A grammar draws large n more often than small ones, or the other way round; here up to `DRAWS` per
    lesson are made to fill the bands evenly. Lengths are drawn too, so that short sentences are among them.
    Fewer than `count` are returned only where `MOST_DRAWS` per lesson found no more.
    """
    quota = [count // len(BANDS) + (band < count % len(BANDS)) for band in range(len(BANDS))]
    left = count
    others: list[Candidate] = []
    for draw in range(MOST_DRAWS * count):
        if left == 0 or (draw >= DRAWS * count and len(others) >= left):
            break
        sentence = _draw(problem.grammar, rng, max_bits)
        candidate = problem.admission.admit(sentence)
        if candidate is None:
            continue
        band = next((band for band, most in enumerate(BANDS) if candidate.n <= most), len(BANDS) - 1)
        if quota[band] > 0:
            quota[band] -= 1
            left -= 1
            yield candidate
        else:
            others.append(candidate)
    yield from others[:left]


def _draw(grammar: grammars.Grammar, rng: np.random.Generator, max_bits: float) -> grammars.Sentence:
    """A random lesson whose allowed length is itself random, down to a third of the longest."""
    return grammar.random("Lesson", rng, max_bits=max_bits * rng.uniform(1 / 3, 1))
