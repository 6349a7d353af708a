"""How much measuring costs: `python tests/bench/measures.py [names]`, each case in a process of its own.

dots      1,000,000 samples of 8x8 dots, float32 as a learner gives them: nine tenths of the target, one noise
polygons  100,000 samples of 16x16 polygons likewise

The seconds are CPU time of `analysis.measure`, once the samples and the target's yardstick are there; making
the yardstick is timed beside it. The memory is the process' largest resident set, the samples included.
"""

import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

CASES = {"dots": (1_000_000, 8, 64), "polygons": (100_000, 16, 256)}  # samples, side of the grid, examples
SECONDS, MEMORY = 20.0, 1e9  # aims of each case
POOL = 100_000  # members drawn for the samples of the target; where more are needed they come again


def samples_of(grammar, count, rng):  # type: ignore[no-untyped-def]
    """Members of the default target with a little noise, a tenth of them random pictures: float32."""
    import numpy as np

    members = grammar.target.denote().sample(min(count, POOL), rng)
    samples = np.empty((count, *members.shape[1:]), np.float32)
    for start in range(0, count, POOL):
        part = samples[start : start + POOL]
        part[:] = members[rng.permutation(len(members))[: len(part)]]
        part[::10] = rng.random(part[::10].shape) < 0.1
        part += rng.normal(0, 0.03, part.shape).astype(np.float32)
    return samples


def measured(name: str) -> None:
    """One line: CPU seconds of the yardstick and of measuring, peak memory, validity and g."""
    import numpy as np

    import analysis
    import grammars

    count, side, examples = CASES[name]
    rng = np.random.default_rng(0)
    grammar = grammars.load(name, space=grammars.Grid(side, side))
    target = grammar.target.denote()
    samples = samples_of(grammar, count, rng)
    lesson = target.sample(examples, rng, distinct=True)
    began = time.process_time()
    known = all(size is not None for size in target.sizes().values())
    yardstick = analysis.Yardstick.of(target, draws=2048 if known else count // 2)
    ready = time.process_time()
    dataset = analysis.measure(samples, target, lesson, yardstick)
    done = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    g = float(dataset["generalization"])
    print(f"{name:<10}{count:>10,}{ready - began:>12.1f}{done - ready:>10.1f}{peak / 1e9:>8.2f}{g:>8.3f}")
    if done - ready > SECONDS or peak > MEMORY:
        raise SystemExit(f"{name}: more than {SECONDS:.0f} s or {MEMORY / 1e9:.0f} GB")


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        measured(sys.argv[2])
        return
    print(f"{'':<10}{'samples':>10}{'yardstick s':>12}{'measure s':>10}{'GB':>8}{'g':>8}", flush=True)
    failed = 0
    for name in sys.argv[1:] or CASES:
        failed |= subprocess.run([sys.executable, __file__, "--one", name], check=False).returncode
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
