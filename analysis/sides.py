"""One sample made ready for comparisons: its strata, its properties and itself as numbers, computed once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.properties import property_of
from analysis.property_table import usable
from analysis.sampled import crisp_pictures
from analysis.target import Target

BLURRED, OUTSIDE = -2, -1  # strata of what is not crisp, and of what is not in the target

Array = NDArray[np.float64]


class Side:
    """`whole`: all samples, rounded where crisp; `examples`: the crisp ones; strata and properties of all."""

    def __init__(
        self, whole: Array, examples: NDArray[Any], strata: NDArray[np.int64], values: dict[str, Array]
    ) -> None:
        self.whole = whole
        self.examples = examples
        self.strata = strata
        self.values = values

    @classmethod
    def of(cls, samples: NDArray[Any], target: Target | None, names: Sequence[str], plane: bool) -> "Side":
        if len(samples) < 2:
            raise AnalysisError(f"a comparison needs two samples of each learner or more, got {len(samples)}")
        examples, counted = usable(samples, plane)
        strata = np.full(len(samples), BLURRED, np.int64)
        strata[counted] = OUTSIDE
        if target is not None and len(examples):
            strata[counted] = target.strata(examples)
        values = {name: np.full(len(samples), np.nan) for name in names}
        for name in names:
            values[name][counted] = property_of(examples, name)
        if plane:
            whole = np.where(np.isfinite(samples), samples, 0.0).astype(np.float64)
        else:
            pictures, crisp = crisp_pictures(samples)
            whole = np.where(crisp[:, None, None], pictures, np.nan_to_num(np.clip(samples, -1, 2)))
        return cls(whole.astype(np.float64), examples, strata, values)

    def only(self, places: NDArray[np.bool_]) -> "Side":
        """The samples at some places."""
        counted = self.strata != BLURRED
        return Side(
            self.whole[places],
            self.examples[places[counted]],
            self.strata[places],
            {name: values[places] for name, values in self.values.items()},
        )
