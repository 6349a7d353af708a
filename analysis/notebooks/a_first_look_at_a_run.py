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
# # A first look at a run
#
# A run of `python -m study.search` leaves a folder with `result.nc` (every teaching set that was tried) and
# `verified.nc` (the best of them taught again with fresh seeds). Both are plain netCDF. Here they are opened
# from the results that come with the project; put the folder of your own run in their place.

# %%
from pathlib import Path

import numpy as np

import analysis
import grammars
import study

first = Path(study.__file__).parent / "results" / "first"
runs = analysis.open_runs(first / "polygons-result.nc", first / "polygons-verified.nc")
result = runs["first/polygons-result"].to_dataset()
verified = runs["first-2/polygons-verified"].to_dataset()
result

# %% [markdown]
# ## What was asked
#
# The target is a sentence; the language says what it denotes.

# %%
space = grammars.Grid(*map(int, result.attrs["space"].split("x")))
grammar = grammars.load(result.attrs["grammar"], space)
target = grammar.parse(result.attrs["target"], "Set")
print(target)
analysis.sheet(target.denote().sample(24, np.random.default_rng(0)), title=str(target))

# %% [markdown]
# ## What was tried
#
# `g`, the generalization, is the harmonic mean of validity (samples that lie in the target) and coverage (how
# much of the target they are). Few examples and few bits are better; the front is what nothing else beats.

# %%
analysis.front(result, verified)

# %%
tried = result[["sentence", "origin", "n", "bits", "generalization", "on_front"]].mean("seed")
table = tried.to_dataframe().sort_values("generalization", ascending=False)
table.head(8)

# %%
analysis.progress(result)

# %% [markdown]
# ## Which of it holds
#
# What a search reports of its own winner is too good: the winner was chosen for it. `verified.nc` has the
# same sentences taught again with seeds the search never saw, beside samples of the target. The difference is
# paired: equal seeds have equal first weights and equal noise.

# %%
verified[["g", "g_low", "g_high"]].sel(learner="conv").to_dataframe()[["n", "bits", "g", "g_low", "g_high"]]

# %%
names = ["difference", "difference_low", "difference_high"]
verified[names].sel(learner="conv", sentence=verified.role != "iid").to_dataframe()[names]

# %% [markdown]
# ## What it looks like

# %%
best = int(result.generalization.mean("seed").where(result.origin == "search").argmax("trial"))
analysis.teaching_sets([analysis.taught(result, best, target=target.denote())])
