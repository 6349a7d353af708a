"""How fast the learners train, beside two well-known toy libraries: `python tests/bench/learners.py [cap]`.

All learn the 64 one-dot pictures of 8x8 on one core, until nine samples in ten are crisp and separated and
at most half of them are black. CPU seconds of training count, sampling and checking do not. A peer that is
not there after `cap` seconds (120; 0 leaves the peers out) is reported as beyond it. The peers live in a
folder of their own, .venv-bench, beside the torch that ours is measured with.

Then: the share of the machine's matrix-product peak, measured in the same run, that training reaches, and how
the cost of a step grows with n, with the number of pixels d, with width and with the population.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from peer import ENOUGH, judged, pictures
from torch.utils.flop_counter import FlopCounterMode

import models

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".venv-bench"
AIM = 50.0
SEEDS = range(5)
STEPS = (200, 250, 300, 400, 600)  # whole trainings: the learning rate of each falls to zero at its end
SAMPLES = 512

# Small configurations near ours, each with a learning rate that suits it; what is not said is the peer's own.
UNET = {"ch": 32, "ch_mult": [1, 1], "num_res_blocks": 1, "attn_resolutions": [4]}
PEERS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("smalldiffusion", UNET | {"dropout": 0.0},
     {"learning_rate": 2e-3, "batch": 16, "schedule": "loglinear"}),
    ("denoising-diffusion-pytorch", {"dim": 16, "dim_mults": [1, 2]}, {"learning_rate": 1e-3, "batch": 16}),
    ("smalldiffusion", UNET, {"learning_rate": 1e-3, "batch": 16}),
    ("denoising-diffusion-pytorch", {"dim": 8, "dim_mults": [1, 2], "attn_heads": 2, "attn_dim_head": 16},
     {"learning_rate": 3e-3, "batch": 16}),
)  # fmt: skip


@dataclass(frozen=True)
class Reached:
    """CPU seconds until nine in ten, or the last check before the cap."""

    who: str
    parameters: int
    steps: int
    seconds: float
    valid: float
    reached: bool


def ours(name: str = "conv", **settings: Any) -> tuple[Reached, list[str]]:
    """The least whole training after which every seed is there; a line for each that was tried."""
    examples = pictures().squeeze(1).bool().numpy()
    models.load(name, steps=20, **settings).fit([examples], [0])  # once without the clock
    lines = []
    for steps in STEPS:
        learner = models.load(name, steps=steps, **settings)
        seconds, shares = [], []
        for seed in SEEDS:
            began = time.process_time()
            [member] = learner.fit([examples], [seed])
            seconds.append(time.process_time() - began)
            shares.append(judged(torch.from_numpy(member.sample(SAMPLES, seed))))
        valid = [share["valid"] for share in shares]
        lines.append(
            f"| {steps} | {median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f}) "
            f"| {median(valid):.2f} ({min(valid):.2f}–{max(valid):.2f}) |"
        )
        done = min(valid) >= ENOUGH and max(share["black"] for share in shares) <= 0.5
        if done:
            break
    return Reached(name, member.parameters, steps, median(seconds), median(valid), done), lines


def installed() -> str | None:
    """The folder of the peers, made where it is missing; None where pip cannot."""
    wanted = HERE / "peers.txt"
    stamp = HOME / "peers.txt"
    if not stamp.is_file() or stamp.read_text() != wanted.read_text():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run([*pip, "--upgrade", "--target", str(HOME), "-r", str(wanted)], check=False)
        if done.returncode:
            return None
        stamp.write_text(wanted.read_text())
    return str(HOME)


def peer(name: str, network: dict[str, Any], training: dict[str, Any], cap: float, folder: str) -> Reached:
    """One peer in a process of its own; the last line that it says."""
    path = os.pathsep.join([str(HERE.parents[1]), folder])
    words = [name, json.dumps(network), json.dumps(training), str(cap)]
    done = subprocess.run(
        [sys.executable, str(HERE / "peer.py"), *words],
        env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name} failed: {done.stderr.strip().splitlines()[-1]}")
    *checks, end = [json.loads(line) for line in done.stdout.splitlines()]
    last = checks[-1]
    own = ", ".join(
        f"{key}={value}" for key, value in (network | training).items() if key != "attn_resolutions"
    )
    return Reached(
        f"{name} ({own})", last["parameters"], last["steps"], last["seconds"], last["valid"], end["reached"]
    )


def peak(size: int = 1024, rounds: int = 12) -> float:
    """Floating-point operations per second of a float32 matrix product on one thread, the best of several."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    rates = []
    for _ in range(rounds):
        began = time.process_time()
        a @ b
        rates.append(2 * size**3 / (time.process_time() - began))
    return max(rates)


def rate(learner: models.Learner, examples: np.ndarray, steps: int = 100, **how: Any) -> float:
    """CPU seconds of one step of one member, the least of three trainings; setting up is taken off."""
    members = how.pop("members", 1)
    found = []
    for _ in range(3):
        spent = []
        for count in (1, steps + 1):
            again = models.load(learner.name, **(vars(learner.settings) | {"steps": count}))
            began = time.process_time()
            again.fit([examples] * members, list(range(members)), **how)
            spent.append(time.process_time() - began)
        found.append((spent[1] - spent[0]) / steps / members)
    return min(found)


def operations(learner: models.Learner, examples: np.ndarray) -> int:
    """Floating-point operations of a training step, forward and backward, counted by torch."""
    from models.training import Training

    training = Training(
        learner.network(examples.shape[1:]), examples.astype(np.float32), 0, learner.settings, "cpu"
    )
    lesson = next(training.lessons)
    with FlopCounterMode(display=False) as counter:
        training.one_step(*lesson)
    return int(counter.get_total_flops())


def grid(side: int, n: int) -> np.ndarray:
    return np.random.default_rng(0).random((n, side, side)) < 0.1


def growth() -> list[str]:
    """Milliseconds of a training step: one choice at a time beside the default (n = 64, 8x8, width 32)."""
    lines = ["| | | ms a step |", "|---|---|---|"]

    def add(what: str, value: object, seconds: float) -> None:
        lines.append(f"| {what} | {value} | {1000 * seconds:.2f} |")
        print(lines[-1], file=sys.stderr, flush=True)

    for n in (1, 64, 1024):
        add("n", n, rate(models.load("conv"), grid(8, n)))
    for side in (4, 8, 16, 32):
        add(
            "d",
            f"{side * side} ({side}x{side})",
            rate(models.load("conv"), grid(side, 64), 20 if side > 8 else 60),
        )
    for width in (8, 16, 32, 64):
        add("width", width, rate(models.load("conv", width=width), grid(8, 64), 60))
    for members in (2, 4, 16):
        for how, population in (("one by one", 1), ("stacked", members)):
            seconds = rate(models.load("conv"), grid(8, 64), 10, members=members, population=population)
            add(f"population, {how}, per member", members, seconds)
    return lines


def shares(best: float) -> list[str]:
    """Of the peak, learner by learner, at their own defaults on 8x8."""
    lines = ["| learner | MFLOP a step | ms a step | GFLOP/s | share of the peak |", "|---|---|---|---|---|"]
    for name, settings in (("conv", {}), ("conv", {"width": 64, "batch": 64}), ("transformer", {})):
        learner = models.load(name, **settings)
        work, seconds = operations(learner, grid(8, 64)), rate(learner, grid(8, 64), 60)
        said = name + "".join(f", {key} {value}" for key, value in settings.items())
        lines.append(
            f"| {said} | {work / 1e6:.0f} | {1000 * seconds:.2f} | {work / seconds / 1e9:.1f} "
            f"| {work / seconds / best:.0%} |"
        )
    return lines


def against(mine: Reached, cap: float) -> list[str]:
    """The peers, and how many times longer than ours they take."""
    lines = [
        "| | weights | steps | CPU s | crisp and separated | times ours |", "|---|---|---|---|---|---|",
        f"| ours: {mine.who} | {mine.parameters:,} | {mine.steps} | {mine.seconds:.2f} "
        f"| {mine.valid:.2f} | 1 |",
    ]  # fmt: skip
    folder = installed() if cap else None
    if folder is None:
        return [*lines, "", "no peers: " + ("pip could not install them" if cap else "not asked for (cap 0)")]
    ratios = []
    for name, network, training in PEERS:
        found = peer(name, network, training, cap, folder)
        beyond = "" if found.reached else "> "
        ratios.append(found.seconds / mine.seconds)
        lines.append(
            f"| {found.who} | {found.parameters:,} | {found.steps:,} | {beyond}{found.seconds:.0f} "
            f"| {found.valid:.2f} | {beyond}{ratios[-1]:.0f} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    met = "met" if min(ratios) >= AIM else "not met"
    return [
        *lines,
        "",
        f"The faster peer takes at least {min(ratios):.0f} times ours; the aim, {AIM:.0f}, is {met}.",
    ]


def main() -> None:
    cap = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    torch.set_num_threads(1)
    best = peak()
    mine, tried = ours()
    print("## Until nine samples in ten are crisp and separated\n")
    print(f"`conv`, whole trainings, median (least–greatest) of {len(SEEDS)} seeds:\n")
    print("\n".join(["| steps | CPU s | crisp and separated |", "|---|---|---|", *tried, ""]), flush=True)
    best = max(best, peak())
    print(f"## Share of the peak\n\nMatrix product of 1024x1024, one thread: {best / 1e9:.0f} GFLOP/s.\n")
    print("\n".join(shares(best)), flush=True)
    print("\n## How the cost grows\n")
    print("\n".join(growth()), flush=True)
    print("\n## Beside two toy libraries\n")
    print("\n".join(against(mine, cap)), flush=True)


if __name__ == "__main__":
    main()
