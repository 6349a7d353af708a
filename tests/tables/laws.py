"""How often a law of growth is named, and how often wrongly.

PYTHONPATH=. python tests/tables/laws.py [times]

Each experiment has 8 sizes d over a factor of 8, a known law, a relative noise of n*, and n tried in steps of
the square root of 2; what it says is the verdict of `analysis.fit_laws`.
"""

import sys
from collections import Counter

import numpy as np

from analysis.laws import fit_laws

D = np.array([16, 25, 36, 49, 64, 81, 100, 128.0])
TRIED = np.unique(np.ceil(2 ** (np.arange(25) / 2)))
TRUTHS = {
    "constant": lambda d: 20 + 0 * d,
    "logarithmic": lambda d: 6 * (1 + 8 * np.log(d / 16)),
    "power": lambda d: 4 * (d / 16) ** 2,
    "exponential": lambda d: 3 * np.exp(0.055 * (d - 16)),
}


def verdicts(truth: str, noise: float, times: int, rng: np.random.Generator) -> Counter[str]:
    """What is said of `times` experiments."""
    said: Counter[str] = Counter()
    for _ in range(times):
        values = TRUTHS[truth](D) * np.exp(rng.normal(0, noise, len(D)))
        high = np.array([min(TRIED[v <= TRIED], default=np.inf) for v in values])
        low = np.array([max(TRIED[v > TRIED], default=0.0) for v in values])
        said[fit_laws(D, low, high).attrs["verdict"]] += 1
    return said


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    rng = np.random.default_rng(5)
    print("| law | noise | named | undecided | another |\n|---|---|---|---|---|")
    for truth in TRUTHS:
        for noise in (0.1, 0.3):
            said = verdicts(truth, noise, times, rng)
            right, open_ = said[truth] / times, said["undecided"] / times
            print(
                f"| {truth} | {noise:.0%} | {right:.0%} | {open_:.0%} | {1 - right - open_:.0%} |", flush=True
            )


if __name__ == "__main__":
    main()
