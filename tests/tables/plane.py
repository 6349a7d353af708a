"""What `mlp` learns of sets of the plane under each recipe: models/pictures/plane-*.png, and g beside them.

PYTHONPATH=. python tests/tables/plane.py moons ring spiral carpet
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import analysis
import grammars
import models
from analysis.style import BLUE, new_figure, styled

PICTURES = Path(models.__file__).parent / "pictures"
SETS = {
    "moons": "union(moon(-0.5, -0.25, radius=1.0, width=0.4), "
    "moon(0.5, 0.25, radius=1.0, width=0.4, angle=180.0))",
    "ring": "ring(0.0, 0.0, radius=1.0, width=0.4)",
    "spiral": "spiral(0.0, 0.0, radius=1.6, turns=2.0, share=0.4)",
    "carpet": "carpet(0.0, 0.0, side=2.0, depth=2)",
}
RECIPES = {
    "edm": {"sigma_min": 0.01},
    "ncsn": {"langevin_steps": 40},
    "ddpm": {"sampler_steps": 250},
}
N, SAMPLES, SIDE, WINDOW = 1024, 512, 45, 1.8


def main(names: list[str]) -> None:
    """A picture for each set: what was taught, then samples and density under each recipe."""
    grammar = grammars.load("regions")
    PICTURES.mkdir(exist_ok=True)
    print("| set | recipe | validity | g | copies |\n|---|---|---|---|---|")
    for name in names:
        target = grammar.parse(SETS[name], type="Set").denote()
        lesson = grammar.parse(f"take({N}, {SETS[name]}, seed=0)").denote()
        yardstick = analysis.Yardstick.of(target, seed=0)
        columns = []
        for recipe, settings in RECIPES.items():
            [fitted] = models.load("mlp", recipe=recipe, **settings).fit([lesson], [0])
            samples = fitted.sample(SAMPLES, seed=1).astype(np.float64)
            side = np.linspace(-WINDOW, WINDOW, SIDE)
            lattice = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
            density = np.exp(fitted.log_prob(lattice)).reshape(SIDE, SIDE)
            found = analysis.measures(samples, target, lesson, yardstick)
            g, copies = found["generalization"], found["copy_rate"]
            print(f"| {name} | `{recipe}` | {found['validity']:.2f} | {g:.2f} | {copies:.2f} |", flush=True)
            columns.append((f"{recipe}: g {g:.2f}, copies {copies:.2f}", samples, density))
        analysis.write(
            picture(name, lesson, 1 / 2 ** target.log2_size(np.random.default_rng(0))[0], columns),
            PICTURES / f"plane-{name}.png",
            dpi=110,
        )


@styled
def picture(
    name: str, lesson: np.ndarray, height: float, columns: list[tuple[str, np.ndarray, np.ndarray]]
) -> Figure:
    """Points above, densities below; white is 0, the darkest one and a half times the target's density."""
    figure = new_figure(height=3.7)
    axes = figure.subplots(2, 1 + len(columns))
    for place in axes.flat:
        place.set(xlim=(-WINDOW, WINDOW), ylim=(-WINDOW, WINDOW), xticks=[], yticks=[], aspect="equal")
        place.grid(False)
    axes[0, 0].set_title(f"{name}: {len(lesson)} points", fontsize=7.5)
    axes[0, 0].plot(*lesson.T, ".", ms=1.2, color=BLUE)
    axes[1, 0].axis("off")
    for column, (title, samples, density) in enumerate(columns, start=1):
        axes[0, column].set_title(title, fontsize=7.5)
        axes[0, column].plot(*samples.T, ".", ms=1.5, color=BLUE)
        extent = (-WINDOW, WINDOW, -WINDOW, WINDOW)
        axes[1, column].imshow(
            density, origin="lower", extent=extent, cmap="Blues", vmin=0, vmax=1.5 * height,
            interpolation="bilinear",
        )  # fmt: skip
    return figure


if __name__ == "__main__":
    main(sys.argv[1:] or list(SETS))
