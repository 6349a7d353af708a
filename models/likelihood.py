"""Log-likelihood by the probability flow: what density the deterministic sampler gives a point.

Along the flow dx / ds = x - D(x, sigma), s = ln(sigma), a density changes by d ln p / ds = -(d - div D) (Chen
et al. 2018, eq. 8; Song et al. 2021, appendix D.2). So ln p at the lowest noise level is that of the start
where the flow ends at the highest, plus the integral of d - div D on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from .errors import ModelError
from .noise import BLOCK
from .processes import Process

# Dimensions up to which the divergence is exact, and directions that estimate it beyond.
EXACT = 16
PROBES = 16

# Error of one step of the solver, of x in units of sigma and of ln p in nats; and its shortest step in s.
TOLERANCE = 1e-4
SHORTEST = 1e-3

# Dormand & Prince 1980: the fifth order, and its difference from the embedded fourth.
NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)

Field = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Denoiser = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Likelihood(NamedTuple):
    """Log-densities float64[n] in nats, and their standard errors: 0 where the divergence is exact."""

    value: NDArray[np.float64]
    standard_error: NDArray[np.float64]


def likelihood(
    denoise: Denoiser, process: Process, x: torch.Tensor, directions: torch.Tensor | None
) -> Likelihood:
    """Log-densities of x float[n, ...]; `directions` float32[n, k, d] estimate the divergence, else exact."""
    n, shape = len(x), x.shape[1:]
    d = x[0].numel()
    low, high = math.log(process.sigma_min), math.log(process.sigma_max)

    def field(state: torch.Tensor, s: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Rates of x and of ln p (one for each direction), float64[rows, d + k]."""
        here = state[:, :d].float().requires_grad_()
        sigma = s.exp().float().view(-1, *(1 for _ in shape))
        with torch.enable_grad():
            clean = denoise(here.view(-1, *shape), sigma).flatten(1)
            if not clean.requires_grad:
                raise ModelError("there is no log-likelihood: the denoiser cannot be differentiated")
            divergence = divergence_of(clean, here, None if directions is None else directions[rows])
        return torch.cat([state[:, :d] - clean.detach(), d - divergence], 1)

    columns = 1 if directions is None else directions.shape[1]
    state = torch.cat([x.flatten(1).double(), x.new_zeros(n, columns, dtype=torch.float64)], 1)
    state = solve(field, state, low, high, d)
    std = process.start_std(process.sigma_max)
    away = ((state[:, :d].view(x.shape) - process.start_mean()) / std).flatten(1)
    start = -away.square().sum(1) / 2 - d * math.log(std * math.sqrt(2 * math.pi))
    change = state[:, d:]
    spread = change.std(1) / math.sqrt(columns) if columns > 1 else torch.zeros_like(start)
    return Likelihood((start + change.mean(1)).cpu().numpy(), spread.cpu().numpy())


def divergence_of(clean: torch.Tensor, x: torch.Tensor, directions: torch.Tensor | None) -> torch.Tensor:
    """Trace of d clean / d x, float64[n, 1]; with directions v the estimates v J v of it, float64[n, k].

    Skilling 1989, Hutchinson 1990: their mean is the trace where the entries of v are 1 or -1 by chance.
    """

    def gradient(of: torch.Tensor, last: bool) -> torch.Tensor:
        [found] = torch.autograd.grad(of, x, retain_graph=not last)
        return found

    if directions is None:
        d = x.shape[1]
        parts = [gradient(clean[:, i].sum(), i == d - 1)[:, i].double() for i in range(d)]
        return torch.stack(parts, 1).sum(1, keepdim=True)
    k = directions.shape[1]
    rows = [
        (gradient((clean * directions[:, i]).sum(), i == k - 1) * directions[:, i]).double().sum(1)
        for i in range(k)
    ]
    return torch.stack(rows, 1)


def solve(field: Field, state: torch.Tensor, low: float, high: float, d: int) -> torch.Tensor:
    """The state at `high` from that at `low`: Dormand-Prince, each row with steps of its own length.

    So a row does not depend on its companions. A step shorter than SHORTEST is never asked for: there the
    error is what it is.
    """
    state = state.clone()
    s = torch.full((len(state),), low, dtype=torch.float64, device=state.device)
    step = torch.full_like(s, 0.05)
    left = torch.arange(len(state), device=state.device)
    first = field(state, s, left)
    while len(left):
        here, h = state[left], torch.minimum(step[left], high - s[left])[:, None]
        rates = [first[left]]
        for node, weights in zip(NODES[1:], STAGES[1:], strict=True):
            moved = here + h * combined(weights, rates)
            rates.append(field(moved, s[left] + node * h[:, 0], left))
        scale = torch.full_like(here, TOLERANCE)
        scale[:, :d] *= s[left].exp()[:, None]
        error = (h * combined(ERROR, rates) / scale).abs().amax(1)
        taken = (error <= 1) | (h[:, 0] <= SHORTEST) | ~error.isfinite()
        done = left[taken]
        # The last stage is taken at the new state: it is the first rate of the next step.
        state[done], first[done] = moved[taken], rates[-1][taken]
        s[done] += h[taken, 0]
        factor = (0.9 * error.clamp(min=1e-10) ** -0.2).nan_to_num(1.0).clamp(0.2, 5.0)
        step[left] = (h[:, 0] * factor).clamp(min=SHORTEST)
        left = left[s[left] < high - 1e-12]
    return state


def combined(weights: tuple[float, ...], rates: list[torch.Tensor]) -> torch.Tensor:
    return sum((w * rate for w, rate in zip(weights, rates, strict=True) if w), torch.zeros_like(rates[0]))


def signs(n: int, k: int, d: int, seed: int, device: str) -> torch.Tensor:
    """Directions float32[n, k, d] of 1 and -1 that depend on the row, k, d and the seed alone."""
    blocks: list[NDArray[Any]] = [
        np.random.Generator(np.random.PCG64([seed, block, 2])).integers(0, 2, (BLOCK, k, d), dtype=np.int8)
        for block in range(-(-n // BLOCK))
    ]
    flips = np.concatenate(blocks)[:n] if blocks else np.empty((0, k, d), dtype=np.int8)
    return torch.from_numpy(2 * flips.astype(np.float32) - 1).to(device)
