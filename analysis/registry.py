"""The registry of measures: a measure is one function of the evidence, with its name, unit and meaning."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analysis.errors import AnalysisError
from analysis.evidence import Evidence
from analysis.plane import PlaneEvidence


@dataclass(frozen=True)
class Measure:
    """One measure and how its result is labelled.

    `units` is "1" for shares and ratios. `per_stratum` says that it returns one number per stratum of the
    yardstick instead of a single one, `share` that it is a share of the N samples, each counted or not, so
    that Wilson's interval is its own. `plane` measures the same on the plane, where it is defined there.
    """

    name: str
    compute: Callable[[Evidence], Any]
    long_name: str
    units: str = "1"
    per_stratum: bool = False
    share: bool = False
    plane: Callable[[PlaneEvidence], Any] | None = None


MEASURES: dict[str, Measure] = {}


def register(measure: Measure) -> Measure:
    """Adds a measure, one's own too; AnalysisError if another one has its name."""
    if MEASURES.setdefault(measure.name, measure) != measure:
        raise AnalysisError(f"a measure named {measure.name!r} exists already")
    return measure
