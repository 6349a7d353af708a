"""A run's folder: its name, the settings it belongs to, and what may change when it is resumed."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from study.config import Config, Search
from study.errors import StudyError
from study.resolve import deciding, decisive, resolve
from study.settings import flatten, read

GROWS = "search.evaluations"
OF_THE_LADDER = ("search.short", "search.promote")  # without it they decide nothing
LATER = {f"search.{name}": getattr(Search, name) for name in ("seeds", "ladder", "short", "promote")}
LATER["sentence"] = Config.sentence


def place(settings: DictConfig) -> Path:
    """`run`, or the folder under runs/ that these settings have by themselves."""
    return Path(settings.run) if settings.run else Path("runs") / name_of(settings)


def name_of(settings: DictConfig) -> str:
    """<grammar>-<learner>, with eight hex digits where settings are not the defaults."""
    names = [settings.grammar, settings.learner.name]
    usual = decisive(resolve([f"grammar={names[0]}", f"learner={names[1]}"]).settings)
    mine = decisive(settings)
    # More evaluations continue a run, so their number does not name it.
    changed = {
        key: value
        for key, value in mine.items()
        if key != GROWS and (key not in usual or value != usual[key])
    }
    if changed:
        canonical = json.dumps(changed, sort_keys=True)
        names.append(hashlib.sha256(canonical.encode()).hexdigest()[:8])
    return re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join(names)).lstrip(".")


def check(path: Path, settings: DictConfig) -> bool:
    """Whether the folder holds this run already; a `StudyError` where it cannot hold it. Writes nothing."""
    for part in [path, *path.parents]:
        if part.exists() and not part.is_dir():
            raise StudyError(f"run={path}: {part} is a file, and a run needs a folder")
    if not path.is_dir() or all(file.name == ".lock" for file in path.iterdir()):
        return False
    if not (path / "config.yaml").is_file():
        raise StudyError(
            f"{path} holds files that are not a run (no config.yaml); name another folder with run="
        )
    changes = differences(settings_of(path), decisive(settings))
    if changes:
        raise StudyError(
            f"{path} belongs to other settings: {'; '.join(changes)}. "
            "Ask for the same, or name another folder with run="
        )
    return True


def settings_of(path: Path) -> dict[str, Any]:
    """The settings that decide, as the folder's config.yaml holds them."""
    try:
        loaded = read(path / "config.yaml")
        if not isinstance(loaded, dict):
            raise YAMLError("a list")
        # What an older folder says nothing of could not be set then: it has its default.
        return (LATER if "search" in loaded else {}) | deciding(flatten(loaded))
    except (YAMLError, OmegaConfBaseException, UnicodeDecodeError, OSError) as error:
        raise StudyError(f"{path / 'config.yaml'} cannot be read: {' '.join(str(error).split())}") from None


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """What differs, setting by setting; a larger number of evaluations does not count."""
    found = []
    for key in sorted(there.keys() | here.keys()):
        old, new = there.get(key, "nothing"), here.get(key, "nothing")
        if key == GROWS and isinstance(old, int) and isinstance(new, int) and new > old:
            continue
        if key in OF_THE_LADDER and not (there.get("search.ladder") or here.get("search.ladder")):
            continue
        if old != new:
            found.append(f"{key} is {old} there, {new} here")
    return found


def write_settings(path: Path, settings: DictConfig) -> None:
    """Make the folder and its config.yaml; the old file stays whole until the new one is."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        beside = path / ".config.yaml.new"
        beside.write_text(OmegaConf.to_yaml(settings, resolve=True), encoding="utf-8")
        os.replace(beside, path / "config.yaml")
    except OSError as error:
        raise StudyError(f"run={path}: {error.strerror}: {error.filename}") from None
