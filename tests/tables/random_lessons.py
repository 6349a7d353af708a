"""g of random lessons at a grammar's default job: is there something for a search to climb?

PYTHONPATH=. python tests/tables/random_lessons.py polygons 60
"""

import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from search.evaluation import Task, evaluate
from study.job import objective_of
from study.resolve import load_grammar, resolve


def main(name: str, count: int) -> None:
    """Teach `count` random lessons to the default learner, one training each; print the quartiles of g."""
    settings = resolve([f"grammar={name}"]).settings
    objective, grammar = objective_of(settings), load_grammar(settings)
    rng = np.random.default_rng(2026)
    lessons = [str(grammar.random("Lesson", rng, max_bits=120)) for _ in range(count)]
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(evaluate, [Task(objective, lesson) for lesson in lessons]))
    for lesson, outcome in zip(lessons, found, strict=True):
        print(f"{outcome.g:.3f}  n={outcome.n:<5d}{lesson[:100]}  {outcome.failure or ''}")
    low, median, high = np.nanpercentile([outcome.g for outcome in found], [25, 50, 75])
    print(f"quartiles of g: {low:.2f} {median:.2f} {high:.2f}; interquartile range {high - low:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
