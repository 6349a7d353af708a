"""What a search leaves behind: every evaluation as one labelled dataset, `result.nc`.

Dimensions: `trial` (in the order of proposal, baselines first), `seed` (trainings per evaluation),
`stratum` of the target, `sample` (kept samples) and `example` (kept examples of the lesson), and those of
one example: `y`, `x` on a grid, `coordinate` on the plane.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

import analysis
import grammars
from search.bench import Row
from search.evaluation import Objective
from search.front import non_dominated
from search.ladder import Climb
from search.ledger import Ledger
from search.pictures import KEPT

OWN_MEASURES = {  # what `evaluate` adds to the measures of `analysis`
    "steps": ("training steps taken", "steps"),
    "loss": ("training loss at the end", "1"),
}
COLUMNS: dict[str, tuple[Callable[[Row], Any], str, str]] = {
    "sentence": (lambda row: row.entry.sentence, "the lesson as a sentence", "1"),
    "origin": (
        lambda row: row.entry.origin,
        "who proposed it: search, or iid for samples of the target",
        "1",
    ),
    "generation": (lambda row: row.entry.generation, "generation of the search, -1 for baselines", "1"),
    "parents": (lambda row: " ".join(map(str, row.entry.parents)), "trials it was made from", "1"),
    "rung": (lambda row: 0, "rung of the fidelity ladder, 0 is full training", "1"),
    "n": (lambda row: row.entry.n, "number of distinct training examples", "examples"),
    "bits": (lambda row: row.entry.bits, "length of the sentence under the grammar", "bit"),
    "seconds": (lambda row: row.outcome.seconds, "duration of training, sampling and measuring", "s"),
    "failure": (lambda row: row.outcome.failure or "", "why there is no measure, or nothing", "1"),
    "key": (lambda row: row.entry.key, "sha256 of the evaluation's content", "1"),
}


@dataclass(frozen=True)
class Climbed:
    """A ladder after a search: and the rows of each rung by index, the lowest rung first."""

    climb: Climb
    rows: Sequence[Mapping[int, Row]]


def build(
    objective: Objective,
    grammar: grammars.Grammar,
    rows: Sequence[Row],
    ledger: Ledger,
    *,
    stopped: str,
    budget: int,
    climb: Climbed | None = None,
) -> xr.Dataset:
    """The dataset of a search; a failed evaluation is a row of NaN. Only `seconds` depends on the machine.

    After a search with a ladder a row is NaN too where the lesson was not promoted to full training: `rung`
    says how far below it stayed, `generalization_at` and `seconds_at` over (trial, fidelity) what was seen
    on each rung, and the attribute `ladder` (JSON, one judgement per rung) how well rungs predict.
    """
    target = grammar.parse(objective.target, type="Set")
    variables = columns(COLUMNS, rows)
    variables["uses_target"] = labelled(
        "trial",
        [int(_uses_target(row, grammar, target)) for row in rows],
        "1 where the sentence contains a set as large as the target",
    )
    outcomes = [row.outcome for row in rows]
    variables |= measured(outcomes, ("trial",), (len(rows),), objective.seeds)
    variables |= _pictures(objective, rows, ledger)
    dataset = xr.Dataset(
        variables,
        coords={
            "trial": labelled("trial", [row.entry.index for row in rows], "place in the order of proposal")
        }
        | stratum_coordinates(outcomes),
        attrs=origin_attributes(objective, "What each lesson taught")
        | {"stopped": stopped, "evaluations": budget, "metrics": "generalization up, n down, bits down"},
    )
    if climb is not None:
        dataset = with_ladder(dataset, rows, climb)
    dataset["on_front"] = labelled(
        "trial", front_of(dataset, ("n", "bits")), "1 where no proposed lesson is better in (g, n, bits)"
    )
    dataset["on_front_n"] = labelled(
        "trial", front_of(dataset, ("n",)), "1 where no proposed lesson is better in (g, n)"
    )
    return dataset


def with_ladder(dataset: xr.Dataset, rows: Sequence[Row], climbed: Climbed) -> xr.Dataset:
    """What was seen on each rung beside what full training gave."""
    climb, levels = climbed.climb, range(len(climbed.rows))
    found = [[climbed.rows[level].get(row.entry.index) for level in levels] for row in rows]
    # baselines and whatever came to the top are 0
    rung = [len(line) - 1 - max((p for p, one in enumerate(line) if one), default=0) for line in found]
    seen = [[np.nan if one is None else one.outcome.g for one in line] for line in found]
    took = [[np.nan if one is None else one.outcome.seconds for one in line] for line in found]
    dims = ("trial", "fidelity")
    shape = (len(rows), len(levels))
    dataset["rung"] = dataset["rung"].copy(data=np.array(rung, dtype=int))
    dataset["seconds"] = dataset["seconds"].copy(data=np.nansum(np.array(took).reshape(shape), axis=1))
    dataset["generalization_at"] = labelled(
        dims, np.array(seen, dtype=float).reshape(shape), "generalization as seen on each rung"
    )
    dataset["seconds_at"] = labelled(
        dims, np.array(took, dtype=float).reshape(shape), "duration of the evaluation on each rung", "s"
    )
    dataset = dataset.assign_coords(
        fidelity=labelled(
            "fidelity", np.array(climb.ladder.names), "rung, from the cheapest to full training"
        )
    )
    verdicts = [asdict(one) | {"dropped": one.dropped} for _, one in sorted(climb.judgements.items())]
    return dataset.assign_attrs(ladder=json.dumps(verdicts))


def _uses_target(row: Row, grammar: grammars.Grammar, target: grammars.Sentence) -> bool:
    """As the worker found; a failed evaluation may not have come so far."""
    found = row.outcome.uses_target
    return grammar.parse(row.entry.sentence).uses_target(target) if found is None else found


def front_of(dataset: xr.Dataset, costs: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Which proposed lessons are on the front of g (mean over seeds) up and `costs` down, as 0 or 1.

    Baselines are not on it: they are what it is compared with.
    """
    g = dataset["generalization"].mean("seed").values if "generalization" in dataset else np.nan
    values = np.stack(
        [np.broadcast_to(g, dataset.sizes["trial"]), *(dataset[c].values for c in costs)], axis=1
    )
    values = np.where((dataset["origin"].values == "search")[:, None], values, np.nan)
    return non_dominated(values, [1] + [-1] * len(costs)).astype(np.int8)


def columns(
    wanted: Mapping[str, tuple[Callable[[Row], Any], str, str]], rows: Sequence[Row]
) -> dict[str, Any]:
    """One variable over `trial` for each column."""
    return {
        name: labelled("trial", np.array([value(row) for row in rows]), meaning, units)
        for name, (value, meaning, units) in wanted.items()
    }


def measured(
    outcomes: Sequence[Any], dims: tuple[str, ...], shape: tuple[int, ...], seeds: int | None
) -> dict[str, Any]:
    """All measures as variables over `dims` (of `shape`, row by row), `seed` and `stratum`; NaN where none.

    Without `seeds` the last of `dims` is the seed already, and each outcome has one training.
    """
    trained = [outcome for outcome in outcomes if outcome.failure is None]
    scalars = {name: None for outcome in trained for name in outcome.measures}
    per_stratum = {name: None for outcome in trained for name in outcome.strata}
    strata = len(_stratum_names(outcomes))
    own = () if seeds is None else ("seed",)
    count = seeds or 1
    variables: dict[str, Any] = {}
    for name in scalars:
        values = [outcome.measures.get(name, (np.nan,) * count) for outcome in outcomes]
        array = np.array(values, dtype=float).reshape(*shape, *((count,) if own else ()))
        variables[name] = ((*dims, *own), array, _meaning(name))
    for name in per_stratum:
        missing = ((np.nan,) * strata,) * count
        rows = [outcome.strata.get(name, missing) for outcome in outcomes]
        array = np.array(rows, dtype=float).reshape(*shape, *((count,) if own else ()), strata)
        variables[name] = ((*dims, *own, "stratum"), array, _meaning(name))
    return variables


def stratum_coordinates(outcomes: Sequence[Any]) -> dict[str, Any]:
    """The strata that were measured, by number and by name."""
    names = _stratum_names(outcomes)
    return {
        "stratum": labelled("stratum", np.array(list(names), dtype=np.int64), "number of the stratum"),
        "stratum_label": labelled(
            "stratum", np.array(list(names.values()), dtype=str), "name of the stratum"
        ),
    }


def example_dimensions(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Names of the dimensions of one example."""
    return ("y", "x") if len(shape) == 2 else ("coordinate",)


def origin_attributes(objective: Objective, title: str) -> dict[str, Any]:
    """Where a dataset comes from: attributes that netCDF can hold."""
    return analysis.provenance() | {
        "title": title,
        "target": objective.target,
        "grammar": objective.grammar,
        "space": str(objective.space),
        "learner": objective.learner,
        "samples": objective.samples,
        "search_seed": objective.seed,
        "objective": json.dumps(objective.content(), default=str, sort_keys=True),
    }


def kept_samples(
    shape: tuple[int, ...],
    dims: tuple[str, ...],
    sizes: tuple[int, ...],
    keys: Sequence[str | None],
    ledger: Ledger,
) -> dict[str, Any]:
    """The first samples of each evaluation over `dims` (of `sizes`, row by row); NaN where there are none.

    The last of `dims` is `seed`; evaluations of several seeds fill it.
    """
    samples = np.full((len(keys), np.prod(sizes, dtype=int) // max(len(keys), 1), KEPT, *shape), np.nan, "f4")
    for place, key in enumerate(keys):
        found = ledger.pictures(key) if key is not None else None
        if found is not None:
            samples[place, :, : found.samples.shape[1]] = found.samples
    return {
        "samples": labelled(
            (*dims, "sample", *example_dimensions(shape)),
            samples.reshape(*sizes, KEPT, *shape),
            "first samples of the fitted learner, white is 1",
        )
    }


def _pictures(objective: Objective, rows: Sequence[Row], ledger: Ledger) -> dict[str, Any]:
    """The kept samples, and the first examples of each lesson; NaN where there are fewer than kept."""
    shape = tuple(objective.space.shape)
    keys = [row.entry.key if row.outcome.failure is None else None for row in rows]
    examples = np.full((len(rows), KEPT, *shape), np.nan, dtype=np.float32)
    for place, key in enumerate(keys):
        found = ledger.pictures(key) if key is not None else None
        if found is not None:
            examples[place, : len(found.examples[:KEPT])] = found.examples[:KEPT]
    dims = ("trial", "example", *example_dimensions(shape))
    return {
        **kept_samples(shape, ("trial", "seed"), (len(rows), objective.seeds), keys, ledger),
        "examples": labelled(dims, examples, "first examples of the lesson, white is 1"),
    }


def _stratum_names(outcomes: Sequence[Any]) -> dict[int, str]:
    names = {stratum: name for outcome in outcomes for stratum, name in outcome.stratum_names.items()}
    return dict(sorted(names.items()))


def _meaning(name: str) -> dict[str, str]:
    if name in OWN_MEASURES:
        meaning, units = OWN_MEASURES[name]
        return {"long_name": meaning, "units": units}
    measure = analysis.MEASURES.get(name)
    return {"long_name": measure.long_name if measure else name, "units": measure.units if measure else "1"}


def labelled(dims: str | tuple[str, ...], values: Any, long_name: str, units: str = "1") -> Any:
    """A variable as xarray takes it, with its meaning and unit."""
    return (dims, values, {"long_name": long_name, "units": units})
