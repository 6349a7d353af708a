"""Where examples lie and how large they are: what noise levels are in units of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

Place = float | torch.Tensor  # a number, or one for each coordinate


@dataclass(frozen=True)
class Frame:
    """`scale` is the length that noise levels are in units of, `origin` what the noise starts around.

    Pictures have white - black = 1 and start around black. Points of the plane may lie anywhere at any scale:
    they start around their mean, and their scale is twice their standard deviation, as it is for pictures
    that are half black and half white (sigma_data = 0.5, Karras et al. 2022).
    """

    origin: Place = 0.0
    middle: Place = 0.5
    scale: float = 1.0

    @property
    def unit(self) -> float:
        """Half the scale: pictures in it lie between -1 and 1 around the middle, points have deviation 1."""
        return self.scale / 2

    @classmethod
    def of(cls, examples: NDArray[np.float32], device: str = "cpu") -> Frame:
        """The frame of examples float32[n, height, width] or float32[n, 2]."""
        if examples.ndim != 2:
            return PICTURES
        mean = examples.mean(0, dtype=np.float64)
        deviation = float(np.sqrt(((examples - mean) ** 2).mean()))
        place = torch.from_numpy(mean.astype(np.float32)).to(device)
        # Points that are all the same have no scale; the unit of length is as good as any.
        return cls(place, place, 2 * deviation or 1.0)


PICTURES = Frame()
