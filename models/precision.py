"""How exactly a network is trained: float32 as it is written, or products in bfloat16 on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from .errors import ModelError

PRECISIONS = ("float32", "bf16")


def check(precision: str, device: str) -> None:
    """A `ModelError` where the device is not for this precision."""
    if precision != "float32" and device == "cpu":
        raise ModelError(f"precision={precision} is for device=cuda; on a CPU it is float32")


def products(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """For the forward pass: matrix products and convolutions in bfloat16 where that is asked for.

    Weights, gradients and averages stay float32 (Micikevicius et al. 2018; bfloat16 needs no loss scaling).
    """
    return nullcontext() if precision == "float32" else torch.autocast(device.type, torch.bfloat16)


@contextmanager
def repeatable(device: str) -> Iterator[None]:
    """On a GPU: only kernels that give the same bits again, and no TensorFloat-32 behind float32's back."""
    if device == "cpu":
        yield
        return
    matmul, before = torch.backends.cuda.matmul, torch.backends.cuda.matmul.allow_tf32
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        matmul.allow_tf32 = False
        try:
            yield
        finally:
            matmul.allow_tf32 = before
