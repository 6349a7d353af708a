"""The table of `models/THEORY.md`: what closed-form machines predict of trained learners, on 8x8 dots.

    PYTHONPATH=. python tests/tables/theory.py [learner ...] [set ...]

prints it as Markdown: all rows, or those of the named learners (conv-circular, conv-zeros, unet, transformer,
mlp) and training sets (iid, picture, dots). Every figure is of 256 samples from the same initial noise by 40
Heun steps of the probability flow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

import grammars
import models

N, SEEDS, STEPS, NOISE = 256, (0, 1, 2), 40, 1

# As trained: the budget at which more steps changed r no more than other seeds do (see THEORY.md).
LEARNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "conv-circular": ("conv", {"steps": 2000, "noise_mean": -0.8}),
    "conv-zeros": ("conv", {"steps": 2000, "noise_mean": -0.8, "padding": "zeros"}),
    "unet": ("unet", {}),
    "transformer": ("transformer", {}),
    "mlp": ("mlp", {}),
}

# The machines of the second table: r over all pixels with each, as a mean over seeds.
MACHINES: dict[str, dict[str, Any]] = {
    "ideal": {},
    "equivariant_ideal": {},
    "local": {"patch": 5},
    "equivariant_local": {"patch": 5},
    "boundary_broken": {"patch": 5},
    "wiener": {},
}

# The local machine that is calibrated to a learner: what its network can know of places, or more.
CALIBRATED = {
    "conv-circular": "equivariant_local",
    "conv-zeros": "boundary_broken",
    "unet": "boundary_broken",
    "transformer": "local",
    "mlp": "local",
}


def training_sets() -> dict[str, np.ndarray]:
    target = grammars.load("dots").target.denote()
    iid = target.sample(64, np.random.default_rng(0), distinct=True)
    two = np.zeros((1, 8, 8), dtype=bool)
    two[0, 2, 1] = two[0, 4, 5] = True
    return {"iid": iid, "picture": two, "dots": np.eye(64, dtype=bool).reshape(64, 8, 8)}


def pooled(network: np.ndarray, machine: np.ndarray) -> float:
    """Pearson r over all pixels of all pictures together."""
    if machine.std() == 0 or network.std() == 0:
        return 0.0
    return float(np.corrcoef(network.ravel(), machine.ravel())[0, 1])


def explained(network: np.ndarray, machine: np.ndarray) -> float:
    """R**2: the share of the network's variance over all pixels that the machine's outputs explain."""
    return 1 - float(np.square(network - machine).sum() / np.square(network - network.mean()).sum())


def median(network: np.ndarray, machine: np.ndarray) -> float:
    """Median over pictures of Pearson's r within each; 0 where the machine's is flat.

    Without pictures that the network left black: what little varies in them is error. NaN where all are.
    """
    pairs = [(a.ravel(), b.ravel()) for a, b in zip(network, machine, strict=True) if a.max() > 0.5]
    found = [float(np.corrcoef(a, b)[0, 1]) if b.std() > 1e-6 else 0.0 for a, b in pairs]
    return float(np.median(found)) if found else float("nan")


def same(network: np.ndarray, machine: np.ndarray) -> float:
    """Share of pictures that are equal, pixel by pixel, when rounded to black and white."""
    return float(((network > 0.5) == (machine > 0.5)).all((1, 2)).mean())


def interval(values: list[float]) -> str:
    """Mean over training seeds and its 95 % t-interval, both on Fisher's scale artanh r."""
    scale = np.arctanh(np.clip(values, -0.9999, 0.9999))
    half = special.stdtrit(len(scale) - 1, 0.975) * scale.std(ddof=1) / len(scale) ** 0.5
    low, middle, high = np.tanh([scale.mean() - half, scale.mean(), scale.mean() + half])
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


def span(values: list[float]) -> str:
    """Least and greatest over training seeds."""
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}–{high}"


def draw(fitted: models.Fitted) -> np.ndarray:
    return fitted.sample(N, NOISE, sampler="heun", steps=STEPS).astype(np.float64)


def line(networks: list[np.ndarray], machines: list[np.ndarray], independent: bool = True) -> str:
    """The columns of one machine, whose outputs for each network are given; `independent`: of other seeds."""
    pairs = list(zip(networks, machines, strict=True))
    over_all = [pooled(*pair) for pair in pairs]
    columns = [
        interval(over_all) if independent else span(over_all),
        span([explained(*pair) for pair in pairs]),
        span([median(*pair) for pair in pairs]),
        span([same(*pair) for pair in pairs]),
    ]
    return " | ".join(columns)


def rows(row: str, sets: dict[str, np.ndarray]) -> Iterator[str]:
    """The lines of one learner, printed as they come; yields its lines of the second table."""
    name, settings = LEARNERS[row]
    learner = models.load(name, **settings)
    matching, given = learner.matching_machine((8, 8)) or ("ideal", {})
    for taught, examples in sets.items():
        fitted = learner.fit([examples] * len(SEEDS), list(SEEDS))
        networks = [draw(one) for one in fitted]
        start = f"| {row} | {taught} |"
        drawn = {
            machine: draw(models.load(machine, **own).fit([examples], [0])[0])
            for machine, own in (MACHINES | {matching: given}).items()
        }
        for machine in dict.fromkeys([matching, "ideal"]):
            print(start, machine, "|", line(networks, [drawn[machine]] * len(SEEDS)), "| |", flush=True)
        found = [models.calibrated(one, examples, CALIBRATED[row]) for one in fitted]
        outputs = [draw(one.fit([examples], [0])[0]) for one in found]
        sides = "; ".join(one.settings.schedule for one in found)
        print(start, CALIBRATED[row], "calibrated |", line(networks, outputs), "|", sides, "|", flush=True)
        others = networks[1:] + networks[:1]
        print(start, "another training |", line(networks, others, independent=False), "| |", flush=True)
        means = [np.mean([pooled(one, drawn[machine]) for one in networks]) for machine in MACHINES]
        yield start + " " + " | ".join(f"{mean:.2f}" for mean in means) + " |"


def main(wanted: list[str]) -> None:
    print("| learner | taught | machine | r over all pixels | R² | median r | same picture | sides |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    sets = training_sets()
    unknown = [name for name in wanted if name not in LEARNERS and name not in sets]
    if unknown:
        raise SystemExit(f"no {unknown[0]!r}; there are: {', '.join([*LEARNERS, *sets])}")
    taught = {name: sets[name] for name in sets if name in wanted} or sets
    learners = [row for row in LEARNERS if row in wanted] or list(LEARNERS)
    means = [line for row in learners for line in rows(row, taught)]
    print("\n| learner | taught |", " | ".join(MACHINES), "|")
    print("|---" * (2 + len(MACHINES)) + "|")
    print("\n".join(means))


if __name__ == "__main__":
    main(sys.argv[1:])
