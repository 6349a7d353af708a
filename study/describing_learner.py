"""A learner that first says its training set in a sentence, and then denoises with the set it has said.

The reference for a model that can learn whatever it can say: nothing is trained, and what it makes of a
training set is decided by the language and by `analysis.describe`. In a file of its own because it needs
both rooms; `plugins: [study.describing_learner]` brings it to an experiment, `plugins=` to a command.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import analysis
import grammars
import models
from models.diffusion import DiffusionSettings
from models.ideal import FittedIdeal
from models.machine import Machine
from models.setting import setting


@dataclass(kw_only=True)
class DescribingSettings(DiffusionSettings):
    """Settings of `described`."""

    grammar: str = setting("dots", "the language of the description")
    evaluations: int = setting(600, "sentences looked at", "sentences", (1, 10**6))
    draws: int = setting(4096, "draws of the described set that the denoiser knows", "examples", (1, 2**16))


class Described(Machine):
    """The optimal denoiser of the set that describes the training set best.

    Where nothing is better than listing, it is the optimal denoiser of the training set itself.
    """

    settings_class = DescribingSettings

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedIdeal:
        """Describes once; the draws are the same for equal examples."""
        grid = grammars.Grid(*examples.shape[1:])
        grammar = grammars.load(self.settings.grammar, space=grid)
        found = analysis.describe(examples > 0.5, grammar, evaluations=self.settings.evaluations)
        verdict = str(found.attrs["verdict"])
        if verdict == "nothing better than listing":
            return FittedIdeal(examples, device)
        said = grammar.parse(verdict, "Set").denote()
        draws = said.sample(self.settings.draws, np.random.default_rng(0))
        return FittedIdeal(draws.astype(np.float32), device)


models.register(
    "described", f"{__name__}:Described", "says its training set in a sentence, and denoises with that set"
)
