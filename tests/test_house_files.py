"""The house as a whole: what is packaged, pinned, documented and kept out of the repository."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("analysis", "grammars", "models", "search", "study")
# Roots of one machine's file system, put together here so that this file does not hold them itself.
MACHINE_PATHS = re.compile(
    "(?<![A-Za-z0-9_.~-])/(?:" + "|".join(["work", "tmp", "home", "root", "Users"]) + ")/"
)


@cache
def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout: what is tracked is not known")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def normalised(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        if path.suffix in {".png", ".nc", ".db", ".pdf"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if MACHINE_PATHS.search(line) and not line.startswith("#!"):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_no_run_and_no_environment_is_tracked() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert not top & {"runs", ".venv", "build", "shared"}


def test_every_package_is_listed() -> None:
    packages = {
        str(path.parent.relative_to(ROOT)).replace("/", ".")
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(pyproject()["tool"]["setuptools"]["packages"]) == packages
    assert set(ROOMS) <= packages


def test_every_requirement_is_pinned_by_name_and_version_alone() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin)] == []
    project = pyproject()["project"]
    extras = project["optional-dependencies"].values()
    wanted = {*project["dependencies"], *(name for extra in extras for name in extra)}
    assert {normalised(name) for name in wanted} - {normalised(pin) for pin in pins} == set()


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_page(room: str) -> None:
    page = (ROOT / room / "README.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) >= 10
