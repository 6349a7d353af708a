"""The sections of a search's report on how it trained less: smaller lessons, cheap looks, a learner tuned."""

from pathlib import Path

import xarray as xr

from study.report.html import Cell, number, paragraph, sentence, table, text
from study.thrift import TRIED, fewer, foretold, tuning


def parts(folder: Path, result: xr.Dataset) -> dict[str, list[str]]:
    """Sections by their titles, as far as there is something to say."""
    found = {
        "How few are enough": [smaller(opened(folder / "minimal.nc"))],
        "Which settings of the learner": [settings_tried(opened(folder / "tuning.nc"))],
        "What cheap looks were worth": [paragraph(foretold(result))] if foretold(result) else [],
    }
    return {title: inner for title, inner in found.items() if any(inner)}


def opened(path: Path) -> xr.Dataset | None:
    """A file of the run, where it is there."""
    if not path.is_file():
        return None
    with xr.open_dataset(path) as data:
        return data.load()


def smaller(data: xr.Dataset | None) -> str:
    """What was tried to make the smallest good teaching set smaller still."""
    said = fewer(data)
    if data is None or not said:
        return ""
    body = []
    for place in range(data.sizes["attempt"]):
        one = data.isel(attempt=place)
        teaches = bool(one["teaches"])
        cells = [
            Cell(str(int(one["n"]))),
            number(float(one["generalization"].mean())),
            number(float(one["difference"])),
            text("teaches" if teaches else "fails"),
            text(str(one["stage"].values)),
            sentence(str(one["sentence"].values)),
        ]
        body.append(("front" if place == int(data.attrs["attempt"]) else "", cells))
    heads = ["n", "g", "difference", "verdict", "made by", "sentence"]
    return paragraph(said) + table(heads, body, sortable=True, tall=True)


def settings_tried(tuned: xr.Dataset | None) -> str:
    """Every configuration of the learner that was tried, the best one bold."""
    said = tuning(tuned)
    if tuned is None or not said:
        return ""
    names = [str(name) for name in tuned.data_vars if name not in TRIED]
    body = []
    for place in range(tuned.sizes["configuration"]):
        one = tuned.isel(configuration=place)
        ended = str(one["failure"].values) or ("given up early" if int(one["pruned"]) else "taught")
        cells = [
            *(Cell(f"{float(one[name]):.4g}", repr(float(one[name]))) for name in names),
            number(float(one["short"])),
            number(float(one["generalization"].mean())),
            text(ended),
            sentence(str(one["sentence"].values)),
        ]
        body.append(("front" if place == int(tuned.attrs["best"]) else "", cells))
    heads = [*names, "g, short training", "g", "verdict", "sentence"]
    return paragraph(said) + table(heads, body, sortable=True, tall=True)
