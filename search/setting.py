"""How a searcher declares a setting: default, meaning, unit, and its range or choices."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, log2
from typing import Any

from search.searcher import Evaluated


def setting(
    default: Any,
    help: str,
    low: float | None = None,
    high: float | None = None,
    unit: str = "1",
    choices: Sequence[str] | None = None,
) -> Any:
    """A field of a searcher; its name and value can then stand on a command line, `search.<name>=...`."""
    limits = {"range": (low, high)} if choices is None else {"choices": tuple(choices)}
    return field(default=default, metadata={"help": help, "unit": unit, **limits})


@dataclass(frozen=True)
class Priced:
    """Settings of a searcher that climbs one number, the worth g - n_price log2 n - bit_price bits.

    At the defaults half the examples are worth 0.02 of g, and so are 40 bits; one picture instead of
    1,024 is worth 0.2.
    """

    n_price: float = setting(0.02, "g that half the examples are worth", 0.0, 1.0)
    bit_price: float = setting(0.0005, "g that a bit less is worth", 0.0, 1.0, "1/bit")
    max_bits: float = setting(120.0, "longest sentence proposed", 1.0, 10_000.0, "bit")

    def worth(self, one: Evaluated) -> float:
        """The number climbed; a failed evaluation has none, -inf."""
        if one.failed:
            return -inf
        return one.g - self.n_price * log2(max(one.n, 1)) - self.bit_price * one.bits

    def best(self, history: Sequence[Evaluated]) -> Evaluated | None:
        """The evaluation of greatest worth, the first of equals; None where all failed."""
        found = max(history, key=self.worth, default=None)
        return None if found is None or found.failed else found


def next_generation(history: Sequence[Evaluated]) -> int:
    """The number of the batch to propose, from 0; a history is in the order of proposal."""
    return history[-1].generation + 1 if history else 0
