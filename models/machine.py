"""Closed-form machines: denoisers that need no training, with the interface of those that do."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .diffusion import FittedDiffusion
from .frame import Frame
from .learner import Fitted, Learner, Stop


class Machine(Learner):
    """A diffusion learner whose denoiser is a formula in the training set. Seeds change nothing in `fit`."""

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedDiffusion:
        """The denoiser that belongs to a training set."""
        raise NotImplementedError

    @property
    def properties(self) -> dict[str, Any]:
        return {"trained": False, "receptive_field": None, "equivariant": False}

    def fit_examples(
        self,
        examples: list[NDArray[np.float32]],
        seeds: list[int],
        checkpoints: list[int],
        stop: Stop | None,
        device: str,
    ) -> list[Fitted]:
        members: list[Fitted] = []
        for index, (own, seed) in enumerate(zip(examples, seeds, strict=True)):
            begun = time.perf_counter()
            member = self.denoiser_of(own, device)
            member.index, member.seed, member.shape = index, seed, own.shape[1:]
            member.settings, member.device = self.settings, device
            member.frame = Frame.of(own, device)
            member.seconds = time.perf_counter() - begun
            members.append(member)
        return members
