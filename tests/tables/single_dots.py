"""What every learner makes of single dots: taught all one-dot pictures of 8x8, half of them, or one.

PYTHONPATH=. python tests/tables/single_dots.py --cache single_dots.json
PYTHONPATH=. python tests/tables/single_dots.py vae 'conv(padding=zeros)' --cache single_dots.json

Prints markdown. Without names: every learner of the registry that learns 8x8, at its defaults. What is in the
cache is not trained again; the settings are part of its keys, so other settings are another result.
"""

import argparse
import ast
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import grammars
import models

SEEDS = (0, 1, 2)
SAMPLES = 512
GRAMMAR = grammars.load("dots", space=grammars.Grid(8, 8))
SEPARATED = GRAMMAR.parse("dots(k=between(0, 16))").denote()  # more than 16 do not fit
SINGLE = np.eye(64, dtype=bool).reshape(64, 8, 8)
HALF = np.sort(np.random.default_rng(0).permutation(64)[:32])
TAUGHT = {"all 64": SINGLE, "half": SINGLE[HALF], "one": SINGLE[27:28]}


def load(label: str) -> models.Learner:
    """`vae`, or with other settings than usual: `conv(padding=zeros, width=24)`."""
    name, _, inner = label.partition("(")
    pairs = [pair.split("=") for pair in inner.rstrip(")").split(",") if pair]
    return models.load(name, **{key.strip(): value_of(value.strip()) for key, value in pairs})


def value_of(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except ValueError:
        return text


class Cache:
    """Results by key in a JSON file, written whole after each one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.known = json.loads(path.read_text()) if path and path.exists() else {}

    def get(self, key: str, make: Callable[[], dict]) -> dict:
        if key not in self.known:
            self.known[key] = make()
            if self.path:
                beside = self.path.with_suffix(".new")
                beside.write_text(json.dumps(self.known, indent=1))
                os.replace(beside, self.path)
        return self.known[key]


def learned(learner: models.Learner, examples: np.ndarray, seed: int) -> dict:
    """Shares of crisp, separated and copied samples; those of k among all samples; CPU seconds."""
    begun = time.process_time()
    [fitted] = learner.fit([examples], [seed])
    trained = time.process_time()
    samples = fitted.sample(SAMPLES, seed=1)
    crisp = (np.minimum(np.abs(samples), np.abs(samples - 1)) <= 0.25).all((1, 2))
    pictures = samples > 0.5
    valid = crisp & SEPARATED.contains(pictures)
    known = {example.tobytes() for example in examples}
    copies = crisp & np.array([picture.tobytes() in known for picture in pictures])
    k = np.bincount(np.minimum(pictures.sum((1, 2))[valid], 6), minlength=7)
    return {
        "crisp": float(crisp.mean()),
        "valid": float(valid.mean()),
        "copies": float(copies.mean()),
        "k": (k / SAMPLES).tolist(),
        "diverged": fitted.diverged,
        "fit": trained - begun,
        "sample": time.process_time() - trained,
    }


def span(values: list[float]) -> str:
    """Least and greatest, once where they look the same."""
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}–{high}"


def rows(labels: list[str], cache: Cache) -> Iterator[str]:
    """The table, line by line."""
    yield "| learner | taught | crisp | separated | copies | % of k = 0, 1, 2, 3, 4, 5, more | CPU s |"
    yield "|---|---|---|---|---|---|---|"
    for label in labels:
        learner = load(label)
        seeds = SEEDS if learner.properties["trained"] else SEEDS[:1]
        for place, (taught, examples) in enumerate(TAUGHT.items()):
            found = [
                cache.get(
                    f"{label} | {learner.settings} | {taught} | {seed}",
                    lambda learner=learner, examples=examples, seed=seed: learned(learner, examples, seed),
                )
                for seed in seeds
            ]
            cells = [span([one[name] for one in found]) for name in ("crisp", "valid", "copies")]
            k = " ".join(f"{100 * share:.0f}" for share in np.mean([one["k"] for one in found], axis=0))
            seconds = np.mean([one["fit"] + one["sample"] for one in found])
            first = "" if place else f"`{label}`"
            yield f"| {first} | {taught} | {' | '.join(cells)} | {k} | {seconds:.1f} |"


def everyone() -> list[str]:
    return [name for name in models.available() if models.load(name).supports((8, 8)) is None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="learners, as `vae` or `conv(padding=zeros)`; all of them")
    parser.add_argument("--cache", type=Path, help="JSON file of results, read and written")
    given = parser.parse_args()
    for line in rows(given.names or everyone(), Cache(given.cache)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
