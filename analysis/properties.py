"""Properties of examples by name: what a sample is like, one number per picture or point.

    table = analysis.properties(samples)          # a variable per property, over the dimensions of samples
    analysis.register_property("corner", lambda pictures: pictures[:, 0, 0], "upper left pixel is white")

A property is a function bool[n, h, w] -> float64[n], or float64[n, 2] -> float64[n] on the plane; NaN where
it has no meaning. Outlines and parts are in files of their own.
"""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis import outline, parts
from analysis.errors import AnalysisError

Compute = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Property:
    """A property and how it is labelled; `plane` says that it is one of points, not of pictures.

    `whole` says that its values are whole numbers, which are then compared and counted one by one.
    """

    name: str
    compute: Compute
    long_name: str
    units: str = "1"
    plane: bool = False
    whole: bool = False


PROPERTIES: dict[str, Property] = {}


def register_property(
    name: str,
    compute: Compute,
    long_name: str,
    units: str = "1",
    *,
    plane: bool = False,
    whole: bool = False,
) -> Property:
    """Adds a property, one's own too; AnalysisError if another one has its name."""
    if not name.isidentifier():
        raise AnalysisError(f"a property's name is one word of letters, digits and _, got {name!r}")
    entry = Property(name, compute, long_name, units, plane, whole)
    if PROPERTIES.setdefault(name, entry) != entry:
        raise AnalysisError(f"a property named {name!r} exists already")
    return entry


def available_properties(plane: bool = False) -> list[str]:
    """The names of the properties of pictures, or of points of the plane."""
    return [name for name, entry in PROPERTIES.items() if entry.plane == plane]


def property_of(examples: NDArray[Any], name: str) -> NDArray[np.float64]:
    """One property of examples: bool[n, h, w] or float[n, 2] -> float64[n].

    AnalysisError for an unknown name and for a function that does not give one number for each.
    """
    entry = entry_of(name)
    found = np.asarray(entry.compute(examples), np.float64)
    if found.shape != (len(examples),):
        raise AnalysisError(
            f"property {name!r} must give one number for each of {len(examples)} examples, "
            f"but gave shape {found.shape}"
        )
    return found


def entry_of(name: str) -> Property:
    """The property of this name; AnalysisError with the nearest one where there is none."""
    if name not in PROPERTIES:
        near = difflib.get_close_matches(name, PROPERTIES, n=1)
        hint = f"; nearest is {near[0]!r}" if near else f"; there are {', '.join(PROPERTIES)}"
        raise AnalysisError(f"there is no property {name!r}{hint}")
    return PROPERTIES[name]


def chosen(names: Iterable[str] | None, plane: bool) -> list[str]:
    """The names asked for, by default all of the kind; AnalysisError for one of the other kind."""
    wanted = available_properties(plane) if names is None else list(names)
    for name in wanted:
        if entry_of(name).plane != plane:
            kinds = ("points", "pictures") if plane else ("pictures", "points")
            raise AnalysisError(f"{name!r} is a property of {kinds[1]}, but the samples are {kinds[0]}")
    return wanted


for _name, _compute, _meaning, _units, _whole in (
    ("area", outline.area, "white pixels", "pixels", True),
    ("components", parts.components, "8-connected white components", "components", True),
    ("components_4", parts.components_4, "4-connected white components", "components", True),
    ("dots", parts.dots, "white pixels without a white neighbour", "dots", True),
    ("holes", parts.holes, "black regions inside white", "holes", True),
    ("euler_number", parts.euler_number, "components less holes", "1", True),
    ("gap", parts.gap, "least distance between two components", "pixels", False),
    ("mean_row", outline.mean_row, "mean row of the white pixels, from the top", "pixels", False),
    ("mean_column", outline.mean_column, "mean column of the white pixels, from the left", "pixels", False),
    ("spread", outline.spread, "root mean square distance of the white pixels from their mean", "pixels",
     False),
    ("height", outline.height, "rows from the first to the last with white", "pixels", True),
    ("width", outline.width, "columns from the first to the last with white", "pixels", True),
    ("edges", outline.edges, "pixel sides between white and black", "sides", True),
    ("perimeter", outline.perimeter, "length of the border through its pixels' centres", "pixels", False),
    ("elongation", outline.elongation, "difference of the principal variances over their sum", "1", False),
    ("orientation", outline.orientation, "angle of the long axis from upright", "degree", False),
    ("vertices", outline.vertices, "least vertices of a convex polygon; not a number where not convex",
     "vertices", True),
    ("solidity", outline.solidity, "white pixels over the centres in their convex hull", "1", False),
    ("left_right", outline.left_right, "share of white with a white mirror image left and right", "1", False),
    ("up_down", outline.up_down, "share of white with a white mirror image up and down", "1", False),
    ("half_turn", outline.half_turn, "share of white that half a turn takes to white", "1", False),
    ("diagonal", outline.diagonal, "share of white with a white mirror image in the diagonal", "1", False),
):  # fmt: skip
    register_property(_name, _compute, _meaning, _units, whole=_whole)

for _name, _compute, _meaning, _units in (
    ("x", lambda points: points[:, 0], "first coordinate", "1"),
    ("y", lambda points: points[:, 1], "second coordinate", "1"),
    ("radius", lambda points: np.hypot(points[:, 0], points[:, 1]), "distance from the origin", "1"),
    ("angle", lambda points: np.degrees(np.arctan2(points[:, 1], points[:, 0])),
     "direction seen from the origin, anticlockwise from the first axis", "degree"),
):  # fmt: skip
    register_property(_name, _compute, _meaning, _units, plane=True)
