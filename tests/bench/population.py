"""Populations on a GPU beside one by one: `python tests/bench/population.py [learner [device]]`.

For 1, 16, 256 and 1,024 members taught the 64 one-dot pictures of 8x8: seconds per member, stacked and one by
one (a few of them, in float32), and stacked in bfloat16. Then the measures of 16 members trained on the GPU
beside the same 16 trained on the CPU: means with 95 % intervals over trainings, which must overlap.

Without a GPU there is nothing to measure, and it says so. `device=cpu` measures small stacks on a CPU core.
"""

import math
import os
import sys
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import analysis
import grammars
import models

EXAMPLES = np.eye(64, dtype=bool).reshape(64, 8, 8)
SIZES = {"cuda": (1, 16, 256, 1024), "cpu": (2, 4, 16)}
ALONE = {"cuda": 4, "cpu": 2}  # so many are trained one by one, and the rest are taken to be like them
STEPS = {"cuda": 600, "cpu": 30}
ROUNDS = {"cuda": 1, "cpu": 4}  # in turns, the least of each counts: what else a machine does only slows it
AGREE = 16
MEASURES = ("validity", "copy_rate", "coverage", "generalization")


def seconds(learner: models.Learner, members: int, device: str, population: int) -> float:
    """Seconds per member: of the wall on a GPU, all that it was asked for done, and of the CPU on a CPU."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    began = clock()
    fitted = learner.fit([EXAMPLES] * members, list(range(members)), device=device, population=population)
    if device == "cuda":
        torch.cuda.synchronize()
    if any(member.diverged for member in fitted):
        raise SystemExit("a member diverged")
    return (clock() - began) / members


def speeds(name: str, device: str) -> list[str]:
    """A line for each size."""
    steps = STEPS[device]
    learner = models.load(name, steps=steps)
    models.load(name, steps=5).fit(
        [EXAMPLES] * 2, [0, 1], device=device, population=2
    )  # libraries are loaded
    rough = models.load(name, steps=steps, precision="bf16") if device == "cuda" else None
    lines = [
        f"{name}, {steps} steps, seconds per member:",
        "",
        "| members | one by one | stacked | times as fast | stacked, bf16 | times as fast |",
        "|---|---|---|---|---|---|",
    ]
    for members in SIZES[device]:
        alone = stacked = half = math.inf
        for _ in range(ROUNDS[device]):
            alone = min(alone, seconds(learner, ALONE[device], device, 1))
            stacked = min(stacked, seconds(learner, members, device, max(members, 2)))
            if rough is not None:
                half = min(half, seconds(rough, members, device, max(members, 2)))
        cells = [f"{alone:.4f}", f"{stacked:.4f}", f"{alone / stacked:.2f}"]
        cells += ["", ""] if rough is None else [f"{half:.4f}", f"{alone / half:.2f}"]
        lines.append(f"| {members} | {' | '.join(cells)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def learned(name: str, device: str, **settings: Any) -> dict[str, list[float]]:
    """Each measure, of AGREE trainings from the same seeds."""
    grammar = grammars.load("dots")
    target = grammar.parse("dots(k=between(1, 4))", "Set").denote()
    yardstick = analysis.Yardstick.of(target, 0)
    population = AGREE if device == "cuda" else 1
    fitted = models.load(name, **settings).fit(
        [EXAMPLES] * AGREE, list(range(AGREE)), device=device, population=population
    )
    found = [analysis.measures(member.sample(512, 1), target, EXAMPLES, yardstick) for member in fitted]
    return {measure: [float(one[measure]) for one in found] for measure in MEASURES}


def agreement(name: str) -> tuple[list[str], bool]:
    """The measures learned on CPU and GPU, with intervals, and whether all of them overlap."""
    ways = {
        "cpu": learned(name, "cpu"),
        "cuda": learned(name, "cuda"),
        "cuda, bf16": learned(name, "cuda", precision="bf16"),
    }
    lines = [f"| | {' | '.join(ways)} |", "|---|" + "---|" * len(ways)]
    overlapping = True
    for measure in MEASURES:
        intervals = [analysis.logit_interval(found[measure]) for found in ways.values()]
        cells = [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in intervals]
        lines.append(f"| {measure} | {' | '.join(cells)} |")
        first = intervals[0]
        overlapping &= all(first.low <= other.high and other.low <= first.high for other in intervals)
    return lines, overlapping


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else "conv"
    device = sys.argv[2].removeprefix("device=") if len(sys.argv) > 2 else "cuda"
    if device not in SIZES:
        print(f"device={device}: cuda or cpu", file=sys.stderr)
        return 2
    if device == "cuda" and not torch.cuda.is_available():
        print(
            "populations are measured on a GPU, and torch finds none here (device=cpu: small ones on a CPU)"
        )
        return 0
    torch.set_num_threads(1)
    print(torch.cuda.get_device_name() if device == "cuda" else "one CPU core", end="\n\n")
    print("\n".join(speeds(name, device)), flush=True)
    if device == "cpu":
        return 0
    lines, overlapping = agreement(name)
    print(
        "\n".join(["", *lines, "", "all intervals overlap" if overlapping else "NOT all intervals overlap"])
    )
    return 0 if overlapping else 1


if __name__ == "__main__":
    raise SystemExit(main())
