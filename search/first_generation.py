"""Where searches begin: random lessons, small and large ones alike."""

from collections.abc import Iterator

import numpy as np

import grammars
from search.errors import SearchError
from search.searcher import Candidate, Problem

BANDS = (4, 16, 64, 1024)  # upper ends of n; lessons of at most four examples are what is hoped for
DRAWS = 3  # per lesson wanted: a large lesson can take a second to denote
MOST_DRAWS = 12  # where the grammar has hardly any new lesson
TRIES = 20  # per sample wanted: a small target has few of one size


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


def samples_of_target(
    problem: Problem, rng: np.random.Generator, count: int, least: int = 1, most: int = 1024
) -> Iterator[Candidate]:
    """Up to `count` samples of the target, n spread evenly over its octaves, each with a seed of its own.

    Fewer where such lessons are not allowed, or a small target has no other sample. SearchError where the
    target cannot be sampled by a sentence.
    """
    low, high = np.log2(least), np.log2(most + 1)
    for place in rng.permutation(count):
        for _ in range(TRIES):
            octave = low + (high - low) * (place + rng.random()) / count
            sentence = _sample(problem, min(int(2.0**octave), most), int(rng.integers(2**16)))
            candidate = problem.admission.admit(sentence)
            if candidate is not None:
                yield candidate
                break


def has_samples(problem: Problem) -> bool:
    """Whether the language says samples of the target; a part of a language may not."""
    try:
        _sample(problem, 1, 0)
    except SearchError:
        return False
    return True


def _sample(problem: Problem, n: int, seed: int) -> grammars.Sentence:
    text = f"take({n}, {problem.target}, seed={seed})"
    try:
        return problem.grammar.parse(text, "Lesson")
    except grammars.GrammarError as error:
        raise SearchError(f"the sample {text} is no sentence of {problem.grammar.name}: {error}") from error
