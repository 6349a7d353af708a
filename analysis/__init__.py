"""What was learned: measures of samples against a target, their intervals, files and figures.

    dataset = analysis.measure(samples, target, training_set)

measures a sample; `analysis.measures` gives the same as plain numbers, from which nothing but numpy and scipy
is imported. What needs xarray or matplotlib is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from analysis.errors import AnalysisError
from analysis.intervals import Interval, logit_interval, paired_difference, wilson
from analysis.measures import measures
from analysis.registry import MEASURES, Measure, register
from analysis.target import Target
from analysis.yardstick import Yardstick

if TYPE_CHECKING:
    from analysis.backward import trajectories
    from analysis.comparison import compare
    from analysis.crossings import at_best, crossing, n_star
    from analysis.curves import learning_curves, n_star_by_target, scaling
    from analysis.description import describe
    from analysis.figures import front, progress, strata
    from analysis.files import open_runs, provenance, save
    from analysis.grid_of_sets import LearnedSet, learned_sets
    from analysis.halves import agreement
    from analysis.labelled import measure
    from analysis.laws import fit_laws
    from analysis.many import over_seeds
    from analysis.maps import divergences, mixture, phase_diagram
    from analysis.moved import transfer
    from analysis.overlays import superposition
    from analysis.phases import regimes, window
    from analysis.pictures import sheet
    from analysis.properties import PROPERTIES, Property, register_property
    from analysis.property_table import properties_of
    from analysis.shelves import clouds, shelf
    from analysis.style import png, write
    from analysis.teaching import Taught, taught, teaching_sets
    from analysis.unseen import learned_size

_LATER = {
    "LearnedSet": "analysis.grid_of_sets",
    "PROPERTIES": "analysis.properties",
    "Property": "analysis.properties",
    "Taught": "analysis.teaching",
    "agreement": "analysis.halves",
    "at_best": "analysis.crossings",
    "clouds": "analysis.shelves",
    "compare": "analysis.comparison",
    "crossing": "analysis.crossings",
    "describe": "analysis.description",
    "divergences": "analysis.maps",
    "fit_laws": "analysis.laws",
    "front": "analysis.figures",
    "learned_sets": "analysis.grid_of_sets",
    "learned_size": "analysis.unseen",
    "learning_curves": "analysis.curves",
    "measure": "analysis.labelled",
    "mixture": "analysis.maps",
    "n_star": "analysis.crossings",
    "n_star_by_target": "analysis.curves",
    "open_runs": "analysis.files",
    "over_seeds": "analysis.many",
    "phase_diagram": "analysis.maps",
    "png": "analysis.style",
    "progress": "analysis.figures",
    "properties_of": "analysis.property_table",
    "provenance": "analysis.files",
    "regimes": "analysis.phases",
    "register_property": "analysis.properties",
    "save": "analysis.files",
    "scaling": "analysis.curves",
    "sheet": "analysis.pictures",
    "shelf": "analysis.shelves",
    "strata": "analysis.figures",
    "superposition": "analysis.overlays",
    "taught": "analysis.teaching",
    "teaching_sets": "analysis.teaching",
    "trajectories": "analysis.backward",
    "transfer": "analysis.moved",
    "window": "analysis.phases",
    "write": "analysis.style",
}

__all__ = [
    "MEASURES",
    "PROPERTIES",
    "AnalysisError",
    "Interval",
    "LearnedSet",
    "Measure",
    "Property",
    "Target",
    "Taught",
    "Yardstick",
    "agreement",
    "at_best",
    "clouds",
    "compare",
    "crossing",
    "describe",
    "divergences",
    "fit_laws",
    "front",
    "learned_sets",
    "learned_size",
    "learning_curves",
    "logit_interval",
    "measure",
    "measures",
    "mixture",
    "n_star",
    "n_star_by_target",
    "open_runs",
    "over_seeds",
    "paired_difference",
    "phase_diagram",
    "png",
    "progress",
    "properties_of",
    "provenance",
    "regimes",
    "register",
    "register_property",
    "save",
    "scaling",
    "sheet",
    "shelf",
    "strata",
    "superposition",
    "taught",
    "teaching_sets",
    "trajectories",
    "transfer",
    "wilson",
    "window",
    "write",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'analysis' has no attribute {name!r}")
