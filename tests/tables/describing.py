"""The table of `analysis/DESCRIBING.md`: are descriptions as short as the sentences samples come from?

    PYTHONPATH=. python tests/tables/describing.py [sentences] [seed] [grammars] [processes] [failures] [from]

For each grid grammar so many random sentences (`grammar.random`, at most 120 bits), 500 samples of each,
clean and with 5 % of them replaced by random pictures (every pixel a fair coin). Passed over are those that
give no 500 samples: sets that are empty, or that bounded tries find too little of. What is found is compared
with the sentence the samples came from by total code length; where both sets can be listed, by their members.
Every failure is written to a file. `from`: the number of the first sentence, counted from 0, where the ones
before were looked at while the search was made. 100 sentences of all four take some hours of one core.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import analysis
import grammars
from analysis.describing.coding import fit
from analysis.describing.sample import Sample

GRAMMARS = ("dots", "polygons", "codes", "fractals")
SAMPLES, NOISE = 500, 0.05
LEAST = 1e-6
"""Rounding of sums in another order."""


@dataclass(frozen=True)
class Outcome:
    """One sentence, described from its samples. identical: None where a set cannot be listed."""

    sentence: str
    found: str
    true_bits: float
    found_bits: float
    identical: bool | None
    seconds: float

    @property
    def good(self) -> bool:
        return self.found_bits <= self.true_bits + LEAST


def sentences(name: str, count: int, seed: int) -> tuple[list[tuple[int, str]], int]:
    """The first so many random sentences that give 500 samples, with their numbers; and how many did not."""
    grammar = grammars.load(name)
    rng = np.random.default_rng(seed)
    found: list[tuple[int, str]] = []
    number = 0
    while len(found) < count:
        sentence = grammar.random("Set", rng)
        drawn = sentence.denote().sample(SAMPLES, np.random.default_rng([seed, number]))
        if len(drawn) == SAMPLES:
            found.append((number, str(sentence)))
        number += 1
    return found, number - count


def outcome(task: tuple[str, int, int, str, bool]) -> Outcome:
    name, seed, number, text, noisy = task
    grammar = grammars.load(name)
    sentence = grammar.parse(text, "Set")
    samples = sentence.denote().sample(SAMPLES, np.random.default_rng([seed, number]))
    if noisy:
        rng = np.random.default_rng([seed, number, 1])
        replaced = round(NOISE * SAMPLES)
        samples[:replaced] = rng.random((replaced, *samples.shape[1:])) < 0.5
    start = time.process_time()
    found = analysis.describe(samples, grammar)
    seconds = time.process_time() - start
    true = fit(sentence, Sample.of(samples, grammar)).total_bits
    best, bits = ("", np.inf)
    if found.sizes["rank"]:
        best, bits = str(found["sentence"].values[0]), float(found["total_bits"][0])
    return Outcome(text, best, true, bits, identical(grammar, text, best), seconds)


def identical(grammar: Any, text: str, found: str) -> bool | None:
    """Whether two sentences have the same members, where both are listed."""
    if not found:
        return None
    first, second = (grammar.parse(one, "Set").denote().members() for one in (text, found))
    if first is None or second is None:
        return None
    return first.shape == second.shape and bool((first == second).all())


def line(name: str, kind: str, outcomes: list[Outcome], skipped: int) -> str:
    good = np.mean([one.good for one in outcomes])
    listed = [one.identical for one in outcomes if one.identical is not None]
    same = f"{sum(listed)} of {len(listed)}"
    seconds = [one.seconds for one in outcomes]
    return (
        f"| {name} | {kind} | {sum(one.good for one in outcomes)} of {len(outcomes)} ({100 * good:.0f} %) "
        f"| {same} | {np.median(seconds):.1f} | {max(seconds):.0f} | {skipped} |"
    )


def main(count: int, seed: int, names: tuple[str, ...], processes: int, failures: Path, first: int) -> None:
    print(
        "| grammar | samples | found <= true | identical, where listed | CPU s, median | most | passed over |"
    )
    print("|---|---|---|---|---|---|---|")
    lost: list[str] = []
    with ProcessPoolExecutor(processes) as pool:
        for name in names:
            chosen, skipped = sentences(name, count, seed)
            for kind in ("clean", "noisy"):
                tasks = [(name, seed, number, text, kind == "noisy") for number, text in chosen[first:]]
                outcomes = list(pool.map(outcome, tasks))
                print(line(name, kind, outcomes, skipped), flush=True)
                lost += [
                    f"{name} {kind} {one.true_bits:.1f} {one.sentence}\n    {one.found_bits:.1f} {one.found}"
                    for one in outcomes
                    if not one.good
                ]
                failures.write_text("\n".join(lost) + "\n", encoding="utf-8")


if __name__ == "__main__":
    words = sys.argv[1:] + [""] * 6
    main(
        int(words[0] or 100),
        int(words[1] or 2026),
        tuple(words[2].split(",")) if words[2] else GRAMMARS,
        int(words[3] or 1),
        Path(words[4] or "describing-failures.txt"),
        int(words[5] or 0),
    )
