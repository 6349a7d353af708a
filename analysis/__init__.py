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
    from analysis.figures import front, progress, strata
    from analysis.files import open_runs, provenance, save
    from analysis.labelled import measure
    from analysis.pictures import sheet
    from analysis.shelves import clouds, shelf
    from analysis.style import png, write
    from analysis.teaching import Taught, taught, teaching_sets

_LATER = {
    "Taught": "analysis.teaching",
    "clouds": "analysis.shelves",
    "front": "analysis.figures",
    "measure": "analysis.labelled",
    "open_runs": "analysis.files",
    "png": "analysis.style",
    "progress": "analysis.figures",
    "provenance": "analysis.files",
    "save": "analysis.files",
    "sheet": "analysis.pictures",
    "shelf": "analysis.shelves",
    "strata": "analysis.figures",
    "taught": "analysis.teaching",
    "teaching_sets": "analysis.teaching",
    "write": "analysis.style",
}

__all__ = [
    "MEASURES",
    "AnalysisError",
    "Interval",
    "Measure",
    "Target",
    "Taught",
    "Yardstick",
    "clouds",
    "front",
    "logit_interval",
    "measure",
    "measures",
    "open_runs",
    "paired_difference",
    "png",
    "progress",
    "provenance",
    "register",
    "save",
    "sheet",
    "shelf",
    "strata",
    "taught",
    "teaching_sets",
    "wilson",
    "write",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'analysis' has no attribute {name!r}")
