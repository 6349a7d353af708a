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
# # Your own learner
#
# A learner takes training sets and gives samplers. Two are made here: a machine that is a formula, and a
# network. Either is one class and one line of registration; every measure, comparison and search takes it.

# %%
import math
from dataclasses import dataclass

import numpy as np
import torch

import analysis
import grammars
import models
from models.diffusion import DiffusionSettings, FittedDiffusion
from models.machine import Machine
from models.network import Network, NoiseEmbedding, normal
from models.setting import setting
from models.training import NetworkLearner, TrainingSettings

grammar = grammars.load("dots")
target = grammar.target.denote()
lesson = grammar.parse("take(32, dots(k=2), seed=0)", "Lesson")

# %% [markdown]
# ## A machine
#
# The optimal denoiser of independent pixels: each pixel has the share of white that it has in the training
# set, and knows nothing of the others. A denoiser is all that is asked for; sampling comes with it.


# %%
class FittedPixels(FittedDiffusion):
    """D(x, sigma) for independent pixels that are white with the probabilities seen in training."""

    def __init__(self, examples, device):
        share = np.clip(examples.mean(axis=0), 1e-3, 1 - 1e-3)
        self.odds = torch.from_numpy(np.log(share / (1 - share))).float().to(device)

    def denoiser(self, x, sigma):
        return torch.sigmoid(self.odds + (x - 0.5) / sigma**2)

    def batch_size(self):
        return 1024


class Pixels(Machine):
    """Closed form: every pixel by itself."""

    settings_class = DiffusionSettings

    def denoiser_of(self, examples, device):
        return FittedPixels(examples, device)


models.register("pixels", f"{__name__}:Pixels", "closed form: independent pixels")

# %% [markdown]
# ## A network
#
# One perceptron that is given, for every pixel, its row and column of the noisy picture. A network is a
# function of explicit weights; noise levels, training, checkpoints and averages come with `NetworkLearner`.


# %%
@dataclass(kw_only=True)
class CrossSettings(TrainingSettings):
    """Settings of `cross`."""

    width: int = setting(64, "hidden units", "units", (1, 4096))


@dataclass(frozen=True)
class CrossNetwork(Network):
    """Each pixel's answer is a perceptron of the row and the column that it lies in."""

    width: int
    height: int
    length: int

    @property
    def embedding(self):
        return NoiseEmbedding(self.width)

    def shapes(self):
        seen = self.height + self.length + 1
        return self.embedding.shapes() | {
            "in": (self.width, seen),
            "bias": (self.width,),
            "middle": (self.width, self.width),
            "out": (1, self.width),
        }

    def initial(self, generator):
        return normal(self.shapes(), generator)

    def __call__(self, weights, x, condition):
        height, length = x.shape[1:]
        # Rows and columns turned so that the pixel itself comes first: the same weights everywhere.
        rows = torch.stack([x.roll(-shift, 2) for shift in range(length)], -1)
        columns = torch.stack([x.roll(-shift, 1) for shift in range(height)], -1)
        seen = torch.cat([rows, columns, x.unsqueeze(-1)], -1)
        change = self.embedding(weights, condition).view(-1, 1, 1, self.width)
        hidden = torch.nn.functional.silu(seen @ weights["in"].t() + weights["bias"] + change)
        hidden = torch.nn.functional.silu(hidden @ weights["middle"].t()) + hidden
        return (hidden @ weights["out"].t()).squeeze(-1)

    def widest(self):
        return self.height * self.length * max(self.width, self.height + self.length + 1)


class Cross(NetworkLearner):
    """Sees the row and the column of each pixel, as a circular picture."""

    settings_class = CrossSettings

    @property
    def properties(self):
        return {"receptive_field": None, "equivariant": True, "trained": True}

    def network(self, shape):
        return CrossNetwork(self.settings.width, *shape)


models.register("cross", f"{__name__}:Cross", "a perceptron of row and column, EDM diffusion")

# %% [markdown]
# ## Both beside a convolution

# %%
rows = []
for name in ("pixels", "cross", "conv"):
    learner = models.load(name)
    [member] = learner.fit([lesson.denote()], seeds=[0])
    samples = member.sample(512, seed=1)
    measured = analysis.measure(samples, target, lesson.denote())
    rows.append((name, samples[:8]))
    print(
        f"{name:8} {member.parameters:6} weights, validity {float(measured.validity):.2f}, "
        f"copies {float(measured.copy_rate):.2f}, g {float(measured.generalization):.2f}"
    )
    assert math.isfinite(float(measured.generalization))

# %%
analysis.shelf(rows, title=f"taught {lesson}")

# %% [markdown]
# In a file of its own, `my_learner.py`, with `models.register("cross", "my_learner:Cross", "…")` at its
# end: `python -m study.search learner=cross plugins=[my_learner]`.
