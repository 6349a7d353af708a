"""Local score machines: a pixel's mean given the patch around it, over patches of the training pictures.

All answer with the mean of the posterior over training patches (Kamb & Ganguli 2025): for the pixel i of x

    D(x)[i] = sum_p p(centre) w(p) / sum_p w(p),    w(p) = exp(-|x around i - p|**2 / (2 sigma**2)),

and differ in which patches p are compared and in what a patch is at the border. The side of a patch may
change with the noise level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .diffusion import CACHE, DiffusionSettings, FittedDiffusion
from .errors import ModelError
from .machine import Machine
from .patch_schedule import PatchSchedule
from .patches import PatchDenoiser, Surroundings, apart, in_frame, on_ring
from .setting import setting


@dataclass(kw_only=True)
class LocalSettings(DiffusionSettings):
    """Settings of the local machines."""

    patch: int = setting(5, "side of a patch; odd, so that it has a centre", "pixels", (1, 1025))
    patch_min: int | None = setting(
        None,
        "side at sigma_min, growing with ln(sigma) to `patch` at sigma_max; `patch` everywhere if not given",
        "pixels",
        (1, 1025),
    )
    schedule: str | None = setting(
        None, "sides by noise level in place of both: '3 5@0.3' is 3 below sigma = 0.3 and 5 from there on"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.schedule is not None and self.patch_min is not None:
            raise ModelError(
                "`schedule` says every side; `patch_min` must not be given beside it, "
                f"but got patch_min={self.patch_min}"
            )
        self.sides()

    def sides(self) -> PatchSchedule:
        """The side of a patch at each noise level."""
        if self.schedule is not None:
            return PatchSchedule.parse(self.schedule)
        if self.patch_min is not None:
            return PatchSchedule.linear(self.patch_min, self.patch, *self.bounds)
        return PatchSchedule((self.patch,))


class FittedLocal(FittedDiffusion):
    """A local machine: a denoiser for each side of a patch."""

    def __init__(self, schedule: PatchSchedule, denoisers: dict[int, PatchDenoiser]) -> None:
        self.schedule, self.denoisers = schedule, denoisers
        self.widest = max(denoiser.widest for denoiser in denoisers.values())

    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        flat, own = x.flatten(1), sigma.flatten(1)
        sides = self.schedule.at(own[:, 0].cpu().numpy())
        if bool((sides == sides[0]).all()):
            return self.denoisers[int(sides[0])](flat, own).view(x.shape)
        clean = torch.empty_like(flat)
        for side in np.unique(sides):
            rows = torch.from_numpy(np.flatnonzero(sides == side)).to(flat.device)
            clean[rows] = self.denoisers[int(side)](flat[rows], own[rows])
        return clean.view(x.shape)

    def batch_size(self) -> int:
        return 2 * CACHE // self.widest


class LocalMachine(Machine):
    """A machine that looks at patches: subclasses say which are compared."""

    settings_class = LocalSettings
    circular = False  # whether a patch goes on at the opposite border
    equivariant = False

    @cached_property
    def schedule(self) -> PatchSchedule:
        sides: PatchSchedule = self.settings.sides()
        return sides

    def surroundings(self, height: int, width: int, patch: int) -> Surroundings:
        """The pixels of the patch around each pixel, in groups that share their training patches."""
        return (on_ring if self.circular else in_frame)(height, width, patch)

    def sides(self, shape: tuple[int, ...]) -> range:
        """All sides of a patch that differ on pictures of this shape."""
        return range(1, max(shape) + 2 if self.circular else 2 * max(shape), 2)

    @property
    def properties(self) -> dict[str, Any]:
        field = max(self.schedule.sides)
        return {"trained": False, "receptive_field": field, "equivariant": self.equivariant}

    def denoiser_of(self, examples: NDArray[np.float32], device: str) -> FittedLocal:
        height, width = examples.shape[1:]
        return FittedLocal(
            self.schedule,
            {
                side: PatchDenoiser(examples, self.surroundings(height, width, side), device)
                for side in sorted(set(self.schedule.sides))
            },
        )


@dataclass(kw_only=True)
class PlacedSettings(LocalSettings):
    """Settings of `local`."""

    padding: str = setting("zeros", "what lies beyond the border", choices=("zeros", "circular"))


class Local(LocalMachine):
    """The local score machine: a pixel looks at its surroundings, and knows its place.

    The patches p are those at the same place of every training picture; under zero padding, the part of them
    within the picture.
    """

    settings_class = PlacedSettings

    @property
    def circular(self) -> bool:  # type: ignore[override]
        return bool(self.settings.padding == "circular")

    def surroundings(self, height: int, width: int, patch: int) -> Surroundings:
        return apart(super().surroundings(height, width, patch))


class EquivariantLocal(LocalMachine):
    """The equivariant local score machine: all that circular convolutions of this receptive field can know.

    The patches p are those around every pixel of every training picture, cut with circular padding.
    """

    circular = equivariant = True


class BoundaryBroken(LocalMachine):
    """The local score machine of zero padding: all that zero-padded convolutions of this field can know.

    Padding is exactly 0 and has no noise, so a pixel sees which part of its patch lies beyond the border.
    The patches p are those around the pixels of the training pictures with the same part beyond it, and the
    distance is taken over the part within. Pixels further from the border than the patch reaches are one
    group; a patch that reaches across the picture knows its place.
    """
