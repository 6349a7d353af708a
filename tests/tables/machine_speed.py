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

N = 64

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


def every_row(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In place of `patches.distinct_rows`: each as if no other were like it."""
    return rows, np.ones(len(rows), dtype=np.int64)


def kept(fitted: Any) -> int:
    """Patches that the machine compares with."""
    return sum(
        len(group.patches.centres) for denoiser in fitted.denoisers.values() for group in denoiser.groups
    )


def milliseconds(fitted: models.Fitted, n: int) -> float:
    """CPU time of a sample by 12 Heun steps (23 denoisings), the least of three runs."""
    times = []
    for seed in range(3):
        begun = time.process_time()
        fitted.sample(n, seed, sampler="heun", steps=12)
        times.append(time.process_time() - begun)
    return 1000 * min(times) / n


def columns(name: str, settings: dict[str, Any], examples: np.ndarray) -> list[str]:
    learner = models.load(name, **settings)
    fitted = learner.fit([examples], [0])[0]
    spent = f"{milliseconds(fitted, N):.2f}"
    if not settings:
        return ["", "", spent, ""]
    distinct, patches.distinct_rows = patches.distinct_rows, every_row  # type: ignore[assignment]
    slow = learner.fit([examples], [0])[0]
    patches.distinct_rows = distinct
    return [str(kept(slow)), str(kept(fitted)), spent, f"{milliseconds(slow, N // 4):.2f}"]


def main() -> None:
    torch.set_num_threads(1)
    examples = grammars.load("dots").target.denote().sample(64, np.random.default_rng(0), distinct=True)
    print("| machine | patches | distinct | ms a picture | with every patch kept |")
    print("|---|---|---|---|---|")
    for name, settings in MACHINES:
        label = " ".join([name, *(f"{key} {value}" for key, value in settings.items())])
        print("| " + " | ".join([label, *columns(name, settings, examples)]) + " |", flush=True)


if __name__ == "__main__":
    main()
