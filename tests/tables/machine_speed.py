"""What a picture costs the closed-form machines, in CPU time of one thread: a table of `models/THEORY.md`.

OMP_NUM_THREADS=1 PYTHONPATH=. python tests/tables/machine_speed.py
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

import grammars
import models
from models import patches

N = 128

MACHINES: list[tuple[str, dict[str, Any]]] = [
    ("ideal", {}),
    ("equivariant_ideal", {}),
    ("wiener", {}),
    ("local", {"patch": 5}),
    ("equivariant_local", {"patch": 3}),
    ("equivariant_local", {"patch": 5}),
    ("equivariant_local", {"patch": 7}),
    ("boundary_broken", {"patch": 5}),
    ("boundary_broken", {"patch": 7}),
]


def training_sets() -> dict[str, np.ndarray]:
    dots = grammars.load("dots", grammars.Grid(8, 8)).target.denote()
    polygons = grammars.load("polygons", grammars.Grid(16, 16)).target.denote()
    rng = np.random.default_rng(0)
    return {
        "64 dots, 8x8": dots.sample(64, rng, distinct=True),
        "64 polygons, 16x16": polygons.sample(64, rng, distinct=True),
    }


def every_row(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In place of `patches.distinct_rows`: each as if no other were like it."""
    return rows, np.ones(len(rows), dtype=np.int64)


def measured(name: str, settings: dict[str, Any], examples: np.ndarray, n: int) -> tuple[float, int]:
    """CPU milliseconds a sample (23 denoisings), the least of three runs, and patches kept."""
    fitted = models.load(name, **settings).fit([examples], [0])[0]
    kept = 0
    for denoiser in getattr(fitted, "denoisers", {}).values():
        kept += sum(len(group.patches.centres) for group in denoiser.groups)
    times = []
    for seed in range(3):
        begun = time.process_time()
        fitted.sample(n, seed, sampler="heun", steps=12)
        times.append(time.process_time() - begun)
    return 1000 * min(times) / n, kept


def main() -> None:
    torch.set_num_threads(1)
    print("| machine | taught | patches | distinct | ms a picture | with every patch kept |")
    print("|---|---|---|---|---|---|")
    distinct = patches.distinct_rows
    for taught, examples in training_sets().items():
        for name, settings in MACHINES:
            spent, kept = measured(name, settings, examples, N)
            columns = ["", "", f"{spent:.2f}", ""]
            if kept:
                patches.distinct_rows = every_row  # type: ignore[assignment]
                slow, every = measured(name, settings, examples, N // 8)
                patches.distinct_rows = distinct
                columns = [str(every), str(kept), f"{spent:.2f}", f"{slow:.2f}"]
            label = " ".join([name, *(f"{key} {value}" for key, value in settings.items())])
            print("| " + " | ".join([label, taught, *columns]) + " |", flush=True)


if __name__ == "__main__":
    main()
