"""An outcome as the words and numbers of a trial, and back: JSON, nothing evaluated or unpickled."""

import json
import math
from collections.abc import Mapping
from typing import Any

from search.evaluation import Outcome

COLUMNS = {  # measures that a person sorts by in the dashboard, each an attribute of its own
    "g": "generalization",
    "validity": "validity",
    "coverage": "coverage",
    "copy_rate": "copy_rate",
}


def columns_of(outcome: Outcome) -> dict[str, Any]:
    """The attributes of a trial, finished or failed: columns to sort by."""
    columns: dict[str, Any] = {name: outcome.mean(measure) for name, measure in COLUMNS.items()}
    columns = {name: value for name, value in columns.items() if not math.isnan(value)}
    if outcome.uses_target is not None:
        columns["uses_target"] = int(outcome.uses_target)
    return columns | {"seconds": round(outcome.seconds, 3)}


def numbers_of(outcome: Outcome) -> str:
    """All measures and strata as JSON."""
    numbers = {
        "measures": dict(outcome.measures),
        "strata": dict(outcome.strata),
        "stratum_names": {str(stratum): name for stratum, name in outcome.stratum_names.items()},
    }
    return json.dumps(numbers)


def outcome_of(said: Mapping[str, Any], finished: bool) -> Outcome:
    """An outcome from attributes; KeyError, TypeError, ValueError, AttributeError where they are not ours."""
    key, n = str(said["key"]), int(said["n"])
    uses_target = bool(said["uses_target"]) if "uses_target" in said else None
    if not finished:
        seconds = float(said.get("seconds", 0.0))  # ledgers of before do not say it of failures
        return Outcome(key, n, failure=str(said["failure"]), seconds=seconds, uses_target=uses_target)
    numbers = json.loads(said["numbers"])
    return Outcome(
        key,
        n,
        {name: tuple(map(float, values)) for name, values in numbers["measures"].items()},
        {name: tuple(tuple(map(float, row)) for row in rows) for name, rows in numbers["strata"].items()},
        {int(stratum): str(name) for stratum, name in numbers["stratum_names"].items()},
        seconds=float(said["seconds"]),
        uses_target=uses_target,
    )
