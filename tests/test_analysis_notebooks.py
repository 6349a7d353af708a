"""The notebooks run from top to bottom in a kernel of their own, and use what is public."""

import ast
from pathlib import Path

import pytest

import analysis
import grammars
import models
import search

NOTEBOOKS = sorted((Path(analysis.__file__).parent / "notebooks").glob("*.py"))
INSTALL = "pip install -c constraints.txt -e '.[notebooks]'"

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_the_five() -> None:
    assert len(NOTEBOOKS) == 5


@every
def test_only_public_names_are_used(path: Path) -> None:
    """No private name is imported, and what is asked of a room is public and there."""
    rooms = {"analysis": analysis, "grammars": grammars, "models": models, "search": search}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    asked = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert not any(alias.name.startswith("_") for alias in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in rooms:
            assert node.attr in rooms[node.value.id].__all__, f"{node.value.id}.{node.attr}"
            asked += 1
    assert asked


@pytest.mark.slow
@every
def test_it_runs(path: Path, tmp_path: Path) -> None:
    jupytext = pytest.importorskip("jupytext", reason=INSTALL)
    nbclient = pytest.importorskip("nbclient", reason=INSTALL)
    pytest.importorskip("ipykernel", reason=INSTALL)
    notebook = jupytext.read(path)
    client = nbclient.NotebookClient(
        notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    pictures = [out for cell in cells for out in cell.outputs if "image/png" in out.get("data", {})]
    assert pictures, "a notebook shows something"
