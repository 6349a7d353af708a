# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Compare architectures
#
# The same sixteen pictures, taught to a network with circular padding, one with zero padding, and the two
# closed-form machines that theory puts beside them. What does each make of it, and how far apart are they?

# %%
import numpy as np
import xarray as xr

import analysis
import grammars
import models

grammar = grammars.load("dots")
lesson = grammar.parse("take(16, dots(k=2), seed=0)", "Lesson")
target = grammar.parse("dots(k=between(1, 4))", "Set").denote()
examples = lesson.denote()
analysis.sheet(examples, title=str(lesson))

# %% [markdown]
# Three trainings of each network (short ones: this page is to be quick), one fit of each machine. Equal seeds
# of sampling are equal noise for every diffusion learner, so samples can be laid side by side.

# %%
learners = {
    "conv": models.load("conv", width=16, steps=400),
    "conv, zeros": models.load("conv", width=16, steps=400, padding="zeros"),
    "equivariant_local": models.load("equivariant_local", patch=5),
    "ideal": models.load("ideal"),
}
SEEDS, SAMPLES = 3, 256


def taught(learner):
    """Samples over (seed, sample, y, x)."""
    seeds = range(SEEDS) if learner.properties["trained"] else [0]
    fitted = learner.fit([examples] * len(seeds), list(seeds))
    drawn = np.stack([member.sample(SAMPLES, seed=100 + member.seed) for member in fitted])
    return xr.DataArray(drawn, dims=("seed", "sample", "y", "x"))


samples = {name: taught(learner) for name, learner in learners.items()}

# %% [markdown]
# ## Each by itself

# %%
for name, drawn in samples.items():
    measured = analysis.measure(drawn, target, examples)
    means = measured[["validity", "copy_rate", "generalization"]].mean("seed")
    line = ", ".join(f"{measure} {float(value):.2f}" for measure, value in means.items())
    if drawn.sizes["seed"] > 1:
        g = analysis.logit_interval(measured.generalization.values)
        line += f" [{g.low:.2f}, {g.high:.2f}]"
    print(f"{name:18} {line}")

# %%
rows = [(name, drawn.values[0, :8]) for name, drawn in samples.items()]
analysis.shelf(rows, title="equal noise")

# %% [markdown]
# ## In pairs
#
# Divergences between strata (numbers of dots), how often the same noise becomes the same picture, and what
# two samples of one law would give: without that last column no divergence can be read.

# %%
table = analysis.compare(samples, target=target, shuffles=200)
table[["js_strata", "js_strata_by_chance", "js_strata_p"]].to_dataframe().dropna().round(3)

# %%
analysis.divergences(table)
