"""A bound on the work of one act of sampling, however sets are nested: rejection may reject for ever.

The unit is one picture drawn and tested by simple means, about a microsecond. The bound is a count of work,
not of time, so that what is found is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_left: ContextVar[list[float] | None] = ContextVar("effort left", default=None)


@contextmanager
def bounded(amount: float) -> Iterator[None]:
    """Everything inside may spend so much together; an outer bound, if there is one, holds instead."""
    if _left.get() is not None:
        yield
        return
    with separately(amount):
        yield


@contextmanager
def separately(amount: float) -> Iterator[None]:
    """Everything inside may spend so much together, whatever is left outside.

    For what is worked out once and kept: it must not depend on who asks for it first.
    """
    token = _left.set([amount])
    try:
        yield
    finally:
        _left.reset(token)


def spend(amount: float) -> bool:
    """Whether there is something left; takes the amount from it."""
    left = _left.get()
    if left is None:
        return True
    allowed = left[0] > 0
    left[0] -= amount
    return allowed
