"""The generative families taught i.i.d. samples of the default target of `dots`: the table of FAMILIES.md.

PYTHONPATH=. python tests/tables/families.py --cache families.json
PYTHONPATH=. python tests/tables/families.py vae 'realnvp(emit=rounded)' --cache families.json

Prints markdown: least and greatest of 3 training seeds, each with a sample of its own to learn from.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from single_dots import GRAMMAR, SAMPLES, SEEDS, Cache, load, span

import analysis
import models

TARGET = GRAMMAR.target.denote()
YARDSTICK = analysis.Yardstick.of(TARGET, 0)
FAMILIES = ("dae", "vae", "realnvp", "gan", "autoregressive")
SIZES = (64, 256)


def taught(learner: models.Learner, n: int, seed: int) -> dict:
    """Measures of one training on n samples of the target, and its CPU seconds."""
    examples = TARGET.sample(n, np.random.default_rng([n, seed]))
    begun = time.process_time()
    [fitted] = learner.fit([examples], [seed])
    trained = time.process_time()
    samples = fitted.sample(SAMPLES, seed=1)
    drawn = time.process_time()
    found = analysis.measures(samples, TARGET, examples, YARDSTICK)
    wanted = ("validity", "copy_rate", "generalization")
    return {name: float(found[name]) for name in wanted} | {
        "crisp": float((np.minimum(np.abs(samples), np.abs(samples - 1)) <= 0.25).all((1, 2)).mean()),
        "fit": trained - begun,
        "sample": drawn - trained,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="learners, as `vae` or `realnvp(emit=rounded)`")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="examples in a training set")
    parser.add_argument("--cache", type=Path, help="JSON file of results, read and written")
    given = parser.parse_args()
    cache = Cache(given.cache)
    print("| learner | n | crisp | validity | copy rate | g | CPU s to train, to sample 512 |")
    print("|---|---|---|---|---|---|---|")
    for label in given.names or FAMILIES:
        learner = load(label)
        for place, n in enumerate(given.sizes):
            found = [
                cache.get(
                    f"{label} | {learner.settings} | {n} | {seed}",
                    lambda learner=learner, n=n, seed=seed: taught(learner, n, seed),
                )
                for seed in SEEDS
            ]
            names = ("crisp", "validity", "copy_rate", "generalization")
            cells = " | ".join(span([one[name] for one in found]) for name in names)
            fit, sample = (np.mean([one[name] for one in found]) for name in ("fit", "sample"))
            print(
                f"| {'' if place else f'`{label}`'} | {n} | {cells} | {fit:.1f}, {sample:.1f} |", flush=True
            )


if __name__ == "__main__":
    main()
