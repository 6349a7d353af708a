"""Validity on separated dots under each recipe, by every sampler: the table in models/DIFFUSION.md.

PYTHONPATH=. python tests/tables/recipes.py
"""

import sys

import numpy as np

import grammars
import models

TARGET, N, SAMPLES = "dots(k=between(0, 6))", 256, 128

# Sampler and steps; heun twice, since it is also used with more than its usual steps.
ROWS = [
    ("heun", 12),
    ("heun", 40),
    ("sde", 24),
    ("ddim", 50),
    ("ddpm", 100),
    ("ddpm", 1000),
    ("euler_maruyama", 200),
    ("predictor_corrector", 100),
    ("langevin", 10),
]
RECIPES = ("edm", "ncsn", "ddpm")


def main(seeds: int) -> None:
    """Mean over training seeds of crisp and of valid shares; what a recipe's own sampler gives is bold."""
    target = grammars.load("dots").parse(TARGET, type="Set").denote()
    examples = target.sample(N, np.random.default_rng(0))
    print(
        "| sampler | steps | " + " | ".join(f"`{recipe}`" for recipe in RECIPES) + " |\n|---|---|---|---|---|"
    )
    learners = {recipe: models.load("conv", recipe=recipe) for recipe in RECIPES}
    fitted = {name: one.fit([examples] * seeds, list(range(seeds))) for name, one in learners.items()}
    for sampler, steps in ROWS:
        cells = []
        for recipe, members in fitted.items():
            crisp, valid = zip(*(shares(one, target, sampler, steps) for one in members), strict=True)
            text = f"{np.mean(crisp):.2f}, {np.mean(valid):.2f}"
            cells.append(f"**{text}**" if learners[recipe].settings.sampler == sampler else text)
        print(f"| `{sampler}` | {steps} | " + " | ".join(cells) + " |", flush=True)


def shares(
    fitted: models.Fitted, target: grammars.ExampleSet, sampler: str, steps: int
) -> tuple[float, float]:
    """Which shares of samples are crisp, and crisp and in the target."""
    samples = fitted.sample(SAMPLES, seed=1, sampler=sampler, steps=steps)
    crisp = (np.minimum(np.abs(samples), np.abs(samples - 1)) <= 0.25).all((1, 2))
    return float(crisp.mean()), float((crisp & target.contains(samples > 0.5)).mean())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
