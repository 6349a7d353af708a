"""The yardstick: everything about a target that its measures need and that no sample changes.

Made once per target and seed, deterministic, and only numbers, so that it pickles and a search hands it to
its workers. It holds the size of each stratum, its cells and, where the size is not known, how often draws of
the target repeat themselves.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from analysis.cells import Cells
from analysis.draws import LEAST, of_each_stratum
from analysis.errors import AnalysisError
from analysis.packing import keys
from analysis.target import Examples, Target

DRAWS = 2048  # of each stratum: 256 in a cell


@dataclass(frozen=True, eq=False)
class Stratum:
    """One stratum: its number, what it is called, its share, its size and its cells.

    `repeats[f]` counts the examples that occur exactly f times among the draws. `cells` has one entry per
    three declared properties.
    """

    key: int
    label: str
    weight: float
    size: int | None
    repeats: NDArray[np.int64]
    cells: tuple[Cells, ...]

    def expected_distinct(self, draws: float) -> float:
        """E_s: the distinct examples expected in `draws` draws of this stratum, a number with a fraction too.

        Draws are uniform where the size is known. Where it is not, this is the mean over all subsets of the
        stored draws (Hurlbert 1971, eq. 3), which has no bias; more than were stored is an AnalysisError.
        """
        if draws <= 0:
            return 0.0
        if self.size is not None:
            return _distinct_of_uniform(self.size, draws)
        times = np.flatnonzero(self.repeats)
        total = int(times @ self.repeats[times])
        if draws > total:
            raise AnalysisError(
                f"the yardstick holds {total} draws of stratum {self.key}, whose size is unknown, "
                f"but {math.ceil(draws)} are needed: build it with draws={math.ceil(draws)} or more"
            )
        left = total - times + 1 - draws
        seen = np.ones(len(times))
        # 1 - C(D - f, m) / C(D, m): the chance that an example drawn f times of D is among m of them.
        can_miss = left > 0
        f = times[can_miss]
        log_missed = (
            gammaln(total - f + 1) - gammaln(left[can_miss]) - gammaln(total + 1) + gammaln(total - draws + 1)
        )
        seen[can_miss] = -np.expm1(np.minimum(log_missed, 0.0))
        return float(seen @ self.repeats[times])


@dataclass(frozen=True, eq=False)
class Yardstick:
    """A target's strata with a positive share and at least one member, and the names of its properties.

    On the plane (`plane`) the whole target is one stratum, and its properties are the coordinates.
    """

    strata: tuple[Stratum, ...]
    properties: tuple[str, ...]
    seed: int
    draws: int
    plane: bool = False

    @classmethod
    def of(cls, target: Target, seed: int = 0, draws: int = DRAWS) -> "Yardstick":
        """Draws `draws` examples of each stratum with a generator made from `seed` alone.

        AnalysisError for an empty target, and where a stratum gives fewer than 256.
        """
        rng = np.random.Generator(np.random.PCG64([seed, 0x5E7]))
        sizes, weights = target.sizes(), target.weights
        names = getattr(target, "stratum_names", {})
        wanted = [key for key in sorted(weights) if weights[key] > 0 and sizes.get(key) != 0]
        if not wanted:
            raise AnalysisError("nothing can be measured against an empty target")
        if np.ndim(target.sample(1, np.random.Generator(np.random.PCG64(seed)))) == 2:
            return cls._of_plane(target, seed, draws, rng)
        drawn = of_each_stratum(target, wanted, draws, rng)
        total = math.fsum(weights[key] for key in drawn)
        strata = tuple(
            Stratum(
                key=key,
                label=str(names.get(key, key)),
                weight=float(weights[key]) / total,
                size=sizes.get(key),
                repeats=_repeats(drawn[key]) if sizes.get(key) is None else np.zeros(1, np.int64),
                cells=_cells(property_values(target, drawn[key])),
            )
            for key in drawn
        )
        return cls(strata, tuple(target.properties), seed, draws)

    @classmethod
    def _of_plane(cls, target: Target, seed: int, draws: int, rng: np.random.Generator) -> "Yardstick":
        """One stratum with 64 cells of equal mass, split at medians of the two coordinates in turn."""
        points = np.asarray(target.sample(draws, rng), np.float64)
        if len(points) < min(draws, LEAST):
            raise AnalysisError(
                f"only {len(points)} points of the target could be drawn, but {min(draws, LEAST)} are needed "
                "to measure it"
            )
        cells = Cells.split(points, range(2), levels=6)
        whole = Stratum(0, "plane", 1.0, None, np.zeros(1, np.int64), (cells,))
        return cls((whole,), ("x", "y"), seed, draws, plane=True)


def property_values(target: Target, examples: Examples) -> NDArray[np.float64]:
    """The declared properties of examples: float64[n, properties]."""
    columns = [np.asarray(measure(examples), np.float64) for measure in target.properties.values()]
    return np.stack(columns, axis=1) if columns else np.zeros((len(examples), 0))


def _repeats(examples: Examples) -> NDArray[np.int64]:
    _, times = np.unique(keys(np.asarray(examples, bool)), return_counts=True)
    return np.bincount(times)


def _cells(values: NDArray[np.float64]) -> tuple[Cells, ...]:
    """Three properties make one set of eight cells; of more than three, each is in at least one set."""
    count = values.shape[1]
    if count <= 3:
        return (Cells.split(values, range(count)),)
    triples = ([(i + j) % count for j in range(3)] for i in range(0, count, 3))
    return tuple(Cells.split(values, triple) for triple in triples)


def _distinct_of_uniform(size: int, draws: float) -> float:
    """-|T| expm1(m log1p(-1/|T|)), for sizes of any number of digits."""
    if size == 1:
        return 1.0
    if size.bit_length() > 900:  # beyond what a float holds; the repeats expected are fewer than 1e-200
        return float(draws)
    return float(-size * math.expm1(draws * math.log1p(-1 / size)))
