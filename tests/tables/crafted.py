"""The table and the picture of `models/CRAFTED.md`: learners crafted for polygons beside a convolution.

    PYTHONPATH=. OMP_NUM_THREADS=1 python tests/tables/crafted.py --seeds 5 --cache FOLDER --picture FILE

Every learner is taught the same 1024 draws of the default target, and 512 samples are measured;
"untrained" is the same network after no step. Printed as Markdown. What is in the cache is not trained again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import analysis
import grammars
import models

GRID = grammars.Grid(10, 10)
EXAMPLES, SAMPLES, SHOWN = 1024, 512, 32
CONV = {"padding": "zeros", "depth": 5, "width": 16, "sampler": "sde", "sampler_steps": 24}
LEARNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "vertices": ("vertices", {}),
    "polygon": ("polygon", {}),
    "conv": ("conv", CONV),
    "vertices, untrained": ("vertices", {"steps": 0}),
    "polygon, untrained": ("polygon", {"steps": 0}),
}


def taught(label: str, seed: int, training_set: np.ndarray, cache: Path) -> tuple[np.ndarray, float]:
    """Samples of a learner, and the processor seconds of its training."""
    file = cache / f"{label.replace(', ', '-')}-{seed}.npz"
    if not file.is_file():
        name, settings = LEARNERS[label]
        begun = time.process_time()
        fitted = models.load(name, **settings).fit([training_set], [seed])[0]
        seconds = time.process_time() - begun
        np.savez_compressed(file, samples=fitted.sample(SAMPLES, seed=1000 + seed), seconds=seconds)
    with np.load(file) as kept:
        return kept["samples"], float(kept["seconds"])


def row(label: str, found: list[dict[str, Any]], seconds: list[float] | None) -> str:
    """A line of the table: means over seeds, and of g an interval where there are several."""
    g = analysis.logit_interval([measures["generalization"] for measures in found])
    interval = f" ({g.low:.2f}–{g.high:.2f})" if len(found) > 1 else ""
    v, c, copies = (
        np.mean([measures[name] for measures in found]) for name in ("validity", "coverage", "copy_rate")
    )
    strata = np.mean([measures["count"] for measures in found], axis=0) / SAMPLES
    shares = " ".join(f"{share:.2f}" for share in strata)
    known = f"{len(found)} | {v:.2f} | {c:.2f} | {g.value:.2f}{interval} | {copies:.3f} | {shares}"
    return f"| {label} | {known} | {f'{np.mean(seconds):.0f}' if seconds else '-'} |"


def main(seeds: int, cache: Path, picture: str | None) -> None:
    """Teach, measure and print, one seed after another."""
    target = grammars.load("polygons", GRID).target.denote()
    yardstick = analysis.Yardstick.of(target, 0)
    training_set = target.sample(EXAMPLES, np.random.default_rng(0), distinct=True)
    fresh = [
        target.sample(SAMPLES, np.random.default_rng(1 + seed)).astype(np.float32) for seed in range(seeds)
    ]
    found: dict[str, list[tuple[np.ndarray, float]]] = {label: [] for label in LEARNERS}
    cache.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        for label, members in found.items():
            members.append(taught(label, seed, training_set, cache))
    print("| learner | seeds | v | c | g | copies | valid of 3, 4, 5, 6 vertices | seconds |")
    print("|---|---|---|---|---|---|---|---|")

    def measured(sets: list[np.ndarray]) -> list[dict[str, Any]]:
        return [analysis.measures(samples, target, training_set, yardstick) for samples in sets]

    print(row("fresh draws of the target", measured(fresh), None))
    for label, members in found.items():
        sets, seconds = [samples for samples, _ in members], [taken for _, taken in members]
        print(row(f"`{label}`", measured(sets), seconds))
    if picture is not None:
        first = [training_set.astype(np.float32), *(members[0][0] for members in found.values())]
        pictures = np.concatenate([samples[:SHOWN] for samples in first])
        crisp = (np.abs(pictures - (pictures > 0.5)) <= 0.25).all(axis=(1, 2))
        valid = target.contains(pictures > 0.5) & crisp
        analysis.write(analysis.sheet(pictures, columns=SHOWN, valid=valid), picture)


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--picture")
    given = parser.parse_args()
    main(given.seeds, given.cache, given.picture)
