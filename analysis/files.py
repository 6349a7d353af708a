"""netCDF files: written in one step, so that who reads the old one loses nothing, and self-explaining."""

import json
import math
import os
import platform
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from analysis.errors import AnalysisError

PACKAGES = ("learned-sets", "numpy", "scipy", "xarray", "netCDF4", "torch", "optuna", "deap")
RESULTS = ("result.nc", "verified.nc", "learned.nc")
PACKED = {"zlib": True, "complevel": 4, "shuffle": True}


def save(
    data: xr.Dataset | xr.DataTree, path: str | Path, configuration: Mapping[str, Any] | None = None
) -> Path:
    """Writes a dataset or a tree beside `path`, flushes it to disk and moves it there in one step.

    What netCDF cannot hold is made to fit: attributes that are None, bool, dict or nested become JSON text,
    integers beyond 64 bits and missing strings become text. Absent attributes `created` and `versions` are
    added, `configuration` as one JSON string where given. AnalysisError where the file cannot be written; the
    old one is then still there.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    attributes = provenance(configuration) | data.attrs
    if configuration is not None:
        attributes["configuration"] = _json(configuration)
    if not path.parent.is_dir():
        raise AnalysisError(f"cannot write {path}: {path.parent} is no folder")
    if path.is_dir():
        raise AnalysisError(f"cannot write {path}: it is a folder")
    try:
        _prepared(data, attributes).to_netcdf(beside, engine="netcdf4", format="NETCDF4")
        _flush(beside)
        os.replace(beside, path)
        _flush(path.parent)
    except OSError as error:
        raise AnalysisError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return path


def provenance(configuration: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Where data come from, as attributes: creation time (UTC), versions and configuration as JSON text."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    attributes = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": json.dumps(versions),
    }
    return attributes | ({"configuration": _json(configuration)} if configuration is not None else {})


def open_runs(*paths: str | Path) -> xr.DataTree:
    """Opens runs as one tree, `tree["<run>/result"]` and `tree["<run>/verified"]`, lazily.

    A path is the folder of a run or a netCDF file, `learned.nc` among them; a run is called as its folder,
    the second of one name `<name>-2`. AnalysisError where a folder holds no result, or a file is no netCDF.
    """
    if not paths:
        raise AnalysisError("open_runs takes at least one folder of a run, got none")
    nodes: dict[str, xr.Dataset | xr.DataTree] = {}
    seen: Counter[str] = Counter()
    for path in map(Path, paths):
        name = (path if path.is_dir() else path.parent).resolve().name or "run"
        seen[name] += 1
        name = name if seen[name] == 1 else f"{name}-{seen[name]}"
        for file in _files(path):
            try:
                nodes[f"/{name}/{file.stem}"] = xr.open_dataset(file, engine="netcdf4")
            except (OSError, ValueError) as error:
                raise AnalysisError(f"cannot open {file}: {error}") from error
    return xr.DataTree.from_dict(nodes)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [path / name for name in RESULTS if (path / name).is_file()]
        if not found:
            raise AnalysisError(
                f"{path} holds no {RESULTS[0]}: nothing has finished there yet, or it is no run"
            )
        return found
    if not path.is_file():
        raise AnalysisError(f"there is no run and no file at {path}")
    return [path]


def _prepared(data: xr.Dataset | xr.DataTree, attributes: Mapping[Any, Any]) -> xr.Dataset | xr.DataTree:
    if isinstance(data, xr.DataTree):
        tree = data.map_over_datasets(_fitting)
        tree.attrs = {str(name): _attribute(value) for name, value in attributes.items()}
        return tree
    return _fitting(data).assign_attrs({str(name): _attribute(value) for name, value in attributes.items()})


def _fitting(dataset: xr.Dataset) -> xr.Dataset:
    """The same data, in types and attributes that netCDF holds; whole blocks of numbers are compressed."""
    fitted = dataset.drop_encoding()
    for name, variable in dataset.variables.items():
        attributes = {str(key): _attribute(value) for key, value in variable.attrs.items()}
        if variable.dtype.kind == "O":
            values = np.array([_text(value) for value in variable.values.ravel()], dtype=str)
            fitted[name] = (variable.dims, values.reshape(variable.shape))
        fitted[name].attrs = attributes
        if fitted[name].ndim > 1 and fitted[name].dtype.kind in "biuf":
            fitted[name].encoding = dict(PACKED)
    fitted.attrs = {str(name): _attribute(value) for name, value in dataset.attrs.items()}
    return fitted


def _attribute(value: Any) -> Any:
    """A number, a string or a flat list of one kind of them; anything else as JSON text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str | float):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, Path | datetime):
        return str(value)
    if isinstance(value, list | tuple) and value and len({type(item) for item in value}) == 1:
        items = [_attribute(item) for item in value]
        if all(isinstance(item, str) for item in items) and isinstance(value[0], str):
            return items
        if all(isinstance(item, int | float) for item in items):
            return items
    return _json(value)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
