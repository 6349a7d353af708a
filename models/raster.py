"""Polygons to pictures: hard, and softly so that a gradient passes.

A place is (row, column) and pixel (r, c) has its centre at (r, c). Vertices are float[n, v, 2].
"""

from __future__ import annotations

import math

import torch


def centres(shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    """The centres of a grid's pixels, row by row: [h * w, 2]."""
    rows, columns = (torch.arange(side, dtype=like.dtype, device=like.device) for side in shape)
    return torch.cartesian_prod(rows, columns)


def drawn(vertices: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """White are the centres inside the convex hull of the vertices, in any order: bool[n, h, w].

    A centre is inside iff seen from it no half-plane is free of vertices: no gap between the directions to
    them is above 180°. Vertices may be repeated.
    """
    seen = vertices.double()[:, :, None] - centres(shape, vertices.double())
    angles = torch.atan2(seen[..., 0], seen[..., 1]).sort(dim=1).values
    around = angles[:, :1] + 2 * math.pi
    gaps = torch.cat([angles, around], 1).diff(dim=1)
    return (gaps.amax(1) <= math.pi).view(-1, *shape)


def beside(
    vertices: torch.Tensor, following: torch.Tensor, shape: tuple[int, ...]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each centre lies beside each side's line: depth inside, in pixels, and how far along.

    [n, v, h * w] both.

    Side i goes from vertex i (0 along) to the one that follows it (1 along). Inside is to the right of who
    walks there: positive within a polygon whose vertices go round clockwise, rows downwards.
    """
    side = following - vertices
    length = side.norm(dim=2, keepdim=True).clamp_min(1e-3)
    ahead = side / length
    inwards = torch.stack([ahead[..., 1], -ahead[..., 0]], -1)
    places = centres(shape, vertices).T
    depth = inwards @ places - (inwards * vertices).sum(2, keepdim=True)
    along = (ahead @ places - (ahead * vertices).sum(2, keepdim=True)) / length
    return depth, along
