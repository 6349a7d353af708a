"""How fast the languages are, per second of one core: `python tests/bench/languages.py [seconds [names]]`.

membership  pictures tested for the default target per second, half of them its own draws, half of them noise
            with as many white pixels; points of the window on the plane
sampling    examples of the default target drawn per second, a thousand at a time, counts and lists at hand
generation  random Lesson sentences per second, at most 120 bits
parsing     texts of such sentences read per second
"""

import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import grammars

SPACES = {"polygons": grammars.Grid(16, 16)}
AIMS = {("dots", "membership"): 1e7, ("polygons", "membership"): 1e4}
GENERATION_AIM = 1e4
BATCH = 2**15


def per_second(work: Callable[[], int], seconds: float) -> float:
    """The best of three rates, each over a third of the time: what else the machine does only slows it."""
    work()
    rates = []
    for _ in range(3):
        done, began = 0, time.process_time()
        while (passed := time.process_time() - began) < seconds / 3:
            done += work()
        rates.append(done / passed)
    return max(rates)


def tested(grammar: grammars.Grammar, rng: np.random.Generator) -> np.ndarray:
    """A batch of examples, in and around the target."""
    drawn = grammar.target.denote().sample(BATCH // 2, rng)
    if isinstance(grammar.space, grammars.Plane):
        around = rng.uniform(-grammar.space.window, grammar.space.window, drawn.shape)
    else:
        around = rng.permuted(drawn.reshape(len(drawn), -1), axis=1).reshape(drawn.shape)
    both = np.concatenate([drawn, around])
    return both[rng.permutation(len(both))]


def figures(name: str, seconds: float) -> dict[str, float]:
    """The four rates of a language on its space."""
    grammar = grammars.load(name, space=SPACES.get(name))
    rng = np.random.default_rng(0)
    target = grammar.target.denote()
    batch = tested(grammar, rng)
    texts = [str(grammar.random("Lesson", rng)) for _ in range(500)]

    def generate() -> int:
        for _ in range(200):
            grammar.random("Lesson", rng)
        return 200

    def parse() -> int:
        for text in texts:
            grammar.parse(text)
        return len(texts)

    return {
        "membership": per_second(lambda: len(target.contains(batch)), seconds),
        "sampling": per_second(lambda: len(target.sample(1000, rng)), seconds),
        "generation": per_second(generate, seconds),
        "parsing": per_second(parse, seconds),
    }


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5
    columns = ("membership", "sampling", "generation", "parsing")
    print(f"{'per second':<12}{'space':<12}" + "".join(f"{column:>16}" for column in columns))
    short = []
    for name in sys.argv[2:] or sorted(grammars.available()):
        space = SPACES.get(name, grammars.load(name).space)
        found = figures(name, seconds)
        print(
            f"{name:<12}{space!s:<12}" + "".join(f"{found[column]:>16,.0f}" for column in columns), flush=True
        )
        for column in columns:
            aim = AIMS.get((name, column), GENERATION_AIM if column == "generation" else 0.0)
            if found[column] < aim:
                short.append(f"{name}: {column} {found[column]:,.0f}, aim {aim:,.0f}")
    print("\nevery aim is met" if not short else "\nbelow the aim:\n  " + "\n  ".join(short))


if __name__ == "__main__":
    main()
