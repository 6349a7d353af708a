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
# # From a learned set to a sentence
#
# What did it learn? Not "something like the data": a set, and with luck one that can be said in one sentence.
# `analysis.describe` looks for the sentence under which the samples are shortest to write down: bits of the
# sentence, and bits of the samples given the sentence.

# %%
import numpy as np

import analysis
import grammars
import models

grammar = grammars.load("dots")

# %% [markdown]
# ## A set we know
#
# First a sample of a set that is known, so that the answer can be judged; 5 % of it is replaced by noise.

# %%
rng = np.random.default_rng(0)
known = grammar.parse("dots(k=between(2, 3), region=half('left'))", "Set")
samples = known.denote().sample(500, rng)
samples[:25] = rng.random((25, 8, 8)) < 0.5
found = analysis.describe(samples, grammar, evaluations=400)
found[["sentence", "sentence_bits", "data_bits", "total_bits", "margin", "validity"]].to_dataframe().head()

# %%
print(known, "->", found.attrs["verdict"])

# %% [markdown]
# The margin is what the next description costs more, in bits: every bit halves how likely it is. Nothing in
# the language may be shorter than listing the samples; then the verdict says so.

# %%
noise = rng.random((60, 8, 8)) < 0.5
analysis.describe(noise, grammar, evaluations=200).attrs["verdict"]

# %% [markdown]
# ## A set we do not know
#
# A convolution with circular padding is taught a single picture: one white dot.

# %%
lesson = grammar.parse("these(at(3, 4))", "Lesson")
learner = models.load("conv")
[member] = learner.fit([lesson.denote()], seeds=[0])
drawn = member.sample(512, seed=1)
analysis.sheet(drawn[:32], title=f"taught {lesson}")

# %%
learned = analysis.describe(drawn, grammar, evaluations=400)
print(f"conv, taught {lesson}, learned {learned.attrs['verdict']} at {float(learned.validity[0]):.0%}")
learned[["sentence", "total_bits", "margin", "validity"]].to_dataframe().head()

# %% [markdown]
# And the machine that theory puts beside it, which has no training and looks at patches of five pixels:

# %%
[machine] = models.load("equivariant_local", patch=5).fit([lesson.denote()], seeds=[0])
theirs = analysis.describe(machine.sample(512, seed=1), grammar, evaluations=400)
print(f"equivariant_local, too: {theirs.attrs['verdict']} at {float(theirs.validity[0]):.0%}")
