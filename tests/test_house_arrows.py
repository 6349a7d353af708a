"""The rooms import downwards only, and only `study` prints and reads command lines."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ARROWS = {
    "grammars": set(),
    "models": set(),
    "analysis": {"grammars"},
    "search": {"analysis", "grammars", "models"},
    "study": {"analysis", "grammars", "models", "search"},
}
# Other people's packages that a room may lean on; a room that is not named here may use any.
OTHERS = {
    "grammars": {"numpy", "scipy"},
    "models": {"numpy", "scipy", "torch"},
}
FORBIDDEN = {
    "analysis": {"torch", "optuna", "deap"},
}


def imported_packages(tree: ast.AST) -> set[str]:
    """Top-level names of everything a module imports, `import_module("...")` with a literal included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            literal = node.args[0] if node.args else None
            if (
                name in {"import_module", "__import__"}
                and isinstance(literal, ast.Constant)
                and isinstance(literal.value, str)
            ):
                found.add(literal.value.split(".")[0])
    return found


def speaks_to_the_terminal(tree: ast.AST) -> list[str]:
    """Uses of print, input, argparse, click or sys.argv: what the entry room alone may do."""
    found = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"print", "input"}
        ):
            found.append(f"line {node.lineno}: {node.func.id}()")
        if isinstance(node, ast.Attribute) and node.attr in {"argv", "stdout", "stderr"}:
            found.append(f"line {node.lineno}: {node.attr}")
    return found + sorted(imported_packages(tree) & {"argparse", "click", "optparse", "getopt"})


def offences(room: str, source: str) -> list[str]:
    """Every way in which one module of a room breaks the rules of the house."""
    tree = ast.parse(source)
    packages = imported_packages(tree) - set(sys.stdlib_module_names)
    found = [f"imports {name}" for name in sorted(packages & set(ARROWS) - ARROWS[room] - {room})]
    others = packages - set(ARROWS)
    if room in OTHERS:
        found += [f"imports {name}" for name in sorted(others - OTHERS[room])]
    found += [f"imports {name}" for name in sorted(others & FORBIDDEN.get(room, set()))]
    if room != "study":
        found += speaks_to_the_terminal(tree)
    return found


def modules() -> list[Path]:
    """Modules of the rooms; notebooks are what a person writes, who uses all of them and prints."""
    files = (path for room in ARROWS for path in (ROOT / room).rglob("*.py"))
    return sorted(path for path in files if "notebooks" not in path.parts)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_run_downwards_only(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert offences(room, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("room", "source", "offence"),
    [
        ("grammars", "import torch.nn as nn", "imports torch"),
        ("grammars", "from models import load", "imports models"),
        ("models", "def f():\n    from grammars.space import Grid", "imports grammars"),
        ("models", "import xarray", "imports xarray"),
        (
            "analysis",
            "import typing\nif typing.TYPE_CHECKING:\n    import search",
            "imports search",
        ),
        ("analysis", "import importlib\nimportlib.import_module('models.conv')", "imports models"),
        ("analysis", "import torch", "imports torch"),
        ("search", "from study.config import Config", "imports study"),
        ("search", "print('done')", "line 1: print()"),
        ("models", "import sys\nsys.argv", "line 2: argv"),
        ("search", "import argparse", "argparse"),
    ],
)
def test_an_arrow_upwards_is_seen(room: str, source: str, offence: str) -> None:
    assert offences(room, source) == [offence]


@pytest.mark.parametrize(
    ("room", "source"),
    [
        (
            "grammars",
            "import ast\nimport numpy as np\nfrom .space import Grid\nimport grammars.errors",
        ),
        ("analysis", "import xarray\nimport grammars"),
        ("study", "import search, models, sys\nprint(sys.argv)"),
    ],
)
def test_an_arrow_downwards_is_allowed(room: str, source: str) -> None:
    assert offences(room, source) == []
