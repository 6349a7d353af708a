"""What the results page claims is in the files beside it: its tables, its numbers, how they were made."""

import json
import re
import sys
from pathlib import Path

import pytest
import xarray as xr

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "tables"))

import answers  # noqa: E402

PAGE = answers.PAGE.read_text(encoding="utf-8")
FILES = sorted(answers.RESULTS.glob("*/result.nc"))
SECTIONS = {head.partition("\n")[0]: head for head in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
MOST = 20 * 2**20  # bytes of all files of results


def test_the_tables_are_those_of_the_files() -> None:
    assert answers.remade(PAGE) == PAGE


@pytest.mark.parametrize("head", SECTIONS)
def test_every_share_in_the_text_stands_in_a_table_of_its_section(head: str) -> None:
    """Numbers with two digits after the point: a table has them, and the tables are made from the files."""
    tables = "".join(line for line in SECTIONS[head].splitlines(True) if line.startswith("|"))
    text = "".join(line for line in SECTIONS[head].splitlines(True) if not line.startswith("|"))
    text = re.sub(r"<!--.*?-->|`[^`]*`", "", text, flags=re.DOTALL)
    said = re.findall(r"(?<![\d.])\d+\.\d\d(?!\d)", text)
    shown = set(re.findall(r"(?<![\d.])\d+\.\d\d(?!\d)", tables))
    assert [number for number in said if number not in shown] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_file_says_how_it_was_made_and_is_whole(file: Path) -> None:
    with xr.open_datatree(file) as tree:
        declared = json.loads(tree.attrs["configuration"])
        assert tree.attrs["command"] == f"python -m study.run experiment={file.parent.name} size=full"
        assert declared["seeds"] >= 3
        assert json.loads(tree.attrs["versions"])["torch"]
        assert tree.attrs["finished"] == tree.attrs["cells"] == tree["cells"].sizes.get("cell", 0)
    assert f"experiment={file.parent.name} size=full" in PAGE


def test_all_files_together_are_small() -> None:
    assert sum(file.stat().st_size for file in answers.RESULTS.rglob("*.nc")) < MOST


def test_every_picture_of_the_page_is_there() -> None:
    named = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE)
    assert named
    assert [name for name in named if not (answers.RESULTS / name).is_file()] == []


def test_a_value_that_no_cell_has_is_refused() -> None:
    with pytest.raises(KeyError, match="learner='con'"):
        answers.chosen(answers.cells("single_dots"), {"learner": "con"})


def test_every_share_of_the_front_page_stands_in_a_table_of_results() -> None:
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    section = front.partition("## What the experiments answer")[2].partition("\n## ")[0]
    said = re.findall(r"(?<![\d.])\d+\.\d\d(?!\d)", section)
    tables = "".join(line for line in PAGE.splitlines(True) if line.startswith("|"))
    assert said
    assert [number for number in said if not re.search(rf"(?<![\d.]){number}(?!\d)", tables)] == []


def test_what_is_said_of_two_dots_is_counted_in_the_samples() -> None:
    for learner in ("vertices", "conv"):
        pairs, open_ones = answers.apart("crafted_polygons", learner, "two dots")
        assert f"{open_ones} of {pairs}" in PAGE
