"""Layers of pictures float32[n, h, w, channels], as functions of explicit weights."""

from __future__ import annotations

import torch
from torch.nn.functional import conv2d


def convolve(
    h: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None, circular: bool, stride: int = 1
) -> torch.Tensor:
    """A 3x3 convolution with a kernel [out, 3, 3, in]: a side of s pixels becomes ceil(s / stride)."""
    padding = 1
    if circular:
        # By concatenation: torch.nn.functional.pad takes as long as the convolution.
        h = torch.cat([h[:, :, -1:], h, h[:, :, :1]], 2)
        h = torch.cat([h[:, -1:], h, h[:, :1]], 1)
        padding = 0
    out = conv2d(h.permute(0, 3, 1, 2), kernel.permute(0, 3, 1, 2), bias, stride=stride, padding=padding)
    return out.permute(0, 2, 3, 1)


def doubled(h: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Every pixel four times, cut to height and width: the inverse in size of a stride of 2."""
    n, rows, columns, channels = h.shape
    twice = h[:, :, None, :, None].expand(n, rows, 2, columns, 2, channels)
    return twice.reshape(n, 2 * rows, 2 * columns, channels)[:, :height, :width]
