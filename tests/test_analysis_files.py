"""Result files: what comes back is what was saved, and nobody who reads is disturbed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

import analysis
from analysis import AnalysisError


def dataset(trials=3):
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "sentence": ("trial", [f"take({i}, dots(k=2), seed=0)" for i in range(trials)]),
            "note": ("trial", np.array(["é", None, 10**30][:trials], dtype=object)),
            "on_front": ("trial", [True, False, True][:trials], {"long_name": "on the front", "units": "1"}),
            "n": ("trial", np.arange(trials)),
            "g": (("trial", "seed"), rng.random((trials, 2)), {"units": "1", "exact": False}),
            "samples": (("trial", "y", "x"), rng.random((trials, 8, 8)).astype(np.float32)),
            "pictures": (("trial", "y", "x"), rng.random((trials, 8, 8)) < 0.5),
        },
        coords={"trial": np.arange(trials), "label": ("seed", ["a", "b"])},
        attrs={
            "nothing": None,
            "flag": True,
            "nested": {"a": [1, None]},
            "huge": 2**80,
            "numbers": [1, 2],
            "names": ["a", "b"],
            "mixed": [1, "a"],
            "empty": [],
            "where": Path("a/b"),
            "value": np.float32(0.5),
            "array": np.arange(3),
        },
    )


@pytest.mark.parametrize("trials", [3, 0])
def test_what_is_saved_comes_back_in_plain_xarray(tmp_path, trials):
    data = dataset(trials)
    path = analysis.save(data, tmp_path / "result.nc", configuration={"grammar": "dots", "seeds": [1, 2]})
    with xr.open_dataset(path) as back:
        for name in ("sentence", "on_front", "n", "g", "samples", "pictures", "trial", "label"):
            np.testing.assert_array_equal(back[name].values, data[name].values)
            assert back[name].dtype.kind == data[name].dtype.kind or data[name].dtype.kind == "U"
        assert back["note"].values.tolist() == ["é", "", str(10**30)][:trials]
        assert json.loads(back.attrs["configuration"]) == {"grammar": "dots", "seeds": [1, 2]}
        assert json.loads(back.attrs["nested"]) == {"a": [1, None]}
        assert (back.attrs["nothing"], back.attrs["flag"], back.attrs["huge"]) == ("null", "true", str(2**80))
        assert back.attrs["names"] == ["a", "b"]
        assert back.attrs["numbers"].tolist() == [1, 2]
        assert json.loads(back.attrs["mixed"]) == [1, "a"]
        assert back.attrs["where"] == os.path.join("a", "b")
        assert json.loads(back.attrs["versions"])["numpy"] == np.__version__
        assert back.attrs["created"].endswith("+00:00")
        assert back["g"].attrs["exact"] == "false"
    assert data.attrs["nothing"] is None, "the dataset handed in is not changed"
    assert [p.name for p in tmp_path.iterdir()] == ["result.nc"]


def test_pictures_are_compressed(tmp_path):
    blank = xr.Dataset({"samples": (("sample", "y", "x"), np.zeros((500, 16, 16), np.float32))})
    path = analysis.save(blank, tmp_path / "a.nc")
    assert path.stat().st_size < 50_000 < blank.nbytes


def test_a_file_that_was_read_is_saved_again(tmp_path):
    path = analysis.save(dataset(), tmp_path / "result.nc")
    with xr.open_dataset(path) as first:
        analysis.save(first.assign_attrs(more=1), path)
        created = first.attrs["created"]
    with xr.open_dataset(path) as second:
        assert second.attrs["more"] == 1
        assert second.attrs["created"] == created
        np.testing.assert_array_equal(second["samples"], dataset()["samples"])


def test_measures_round_trip(tmp_path):
    grammars = pytest.importorskip("grammars")
    target = grammars.load("dots", space=grammars.Grid(4, 4)).target.denote()
    samples = target.sample(64, np.random.default_rng(0)).astype(np.float32)
    measured = analysis.measure(samples, target, samples[:4] > 0.5)
    path = analysis.save(measured, tmp_path / "measured.nc")
    with xr.open_dataset(path) as back:
        xr.testing.assert_equal(back.load(), measured)
        for name in measured.variables:
            assert back[name].attrs == measured[name].attrs
    with netCDF4.Dataset(path) as plain:
        assert all(v.long_name and v.units for v in plain.variables.values())


def test_a_tree_is_saved_and_opened(tmp_path):
    root = xr.Dataset(attrs={"a": None})
    tree = xr.DataTree.from_dict({"/": root, "/dots": dataset(), "/deep/dots": dataset(1)})
    path = analysis.save(tree, tmp_path / "tree.nc")
    with xr.open_datatree(path) as back:
        np.testing.assert_array_equal(back["deep/dots/g"].values, tree["deep/dots/g"].values)
        assert back.attrs["a"] == "null"
        assert back["dots"].attrs["nothing"] == "null"


READER = """
import sys, netCDF4, numpy as np
with netCDF4.Dataset(sys.argv[1]) as file:
    print("open", flush=True)
    sys.stdin.readline()
    print(float(np.sum(file["big"][:])), flush=True)
"""


def test_a_reader_of_the_old_file_loses_nothing(tmp_path):
    path = tmp_path / "result.nc"
    values = np.random.default_rng(0).random((400, 500))
    analysis.save(xr.Dataset({"big": (("a", "b"), values)}), path)
    command = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "open\n"
        analysis.save(xr.Dataset({"big": (("a", "b"), values[:1] * 0)}), path)
        seen, _ = reader.communicate("\n")
    assert float(seen) == pytest.approx(values.sum())
    with xr.open_dataset(path) as new:
        assert new.sizes["a"] == 1


def test_a_lazy_dataset_of_this_process_survives_too(tmp_path):
    path = analysis.save(dataset(), tmp_path / "result.nc")
    tree = analysis.open_runs(tmp_path)
    analysis.save(dataset().isel(trial=[0]), path)
    old = tree[f"{tmp_path.name}/result"]["samples"]
    np.testing.assert_array_equal(old.values, dataset()["samples"].values)
    tree.close()


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = analysis.save(dataset(), tmp_path / "result.nc")
    before = path.read_bytes()

    def full(*args, **kwargs):
        Path(args[1]).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(AnalysisError, match=r"cannot write .*result\.nc: No space left on device"):
        analysis.save(dataset(), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["result.nc"]


def test_places_that_cannot_be_written_are_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "result.nc", tmp_path / "absent" / "result.nc", tmp_path):
        with pytest.raises(AnalysisError, match="cannot write") as caught:
            analysis.save(dataset(), path)
        assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "x"


def test_runs_open_as_one_tree(tmp_path):
    for folder in ("one", "two", "deep/one"):
        (tmp_path / folder).mkdir(parents=True)
        analysis.save(dataset(), tmp_path / folder / "result.nc")
    analysis.save(dataset(1), tmp_path / "two" / "verified.nc")
    paths = (tmp_path / "one", str(tmp_path / "two"), tmp_path / "deep" / "one" / "result.nc")
    tree = analysis.open_runs(*paths)
    assert set(tree.children) == {"one", "two", "one-2"}
    assert set(tree["two"].children) == {"result", "verified"}
    assert tree["two/verified"].sizes["trial"] == 1
    assert tree["one-2/result/n"].values.tolist() == [0, 1, 2]
    tree.close()


def test_what_is_no_run_is_said(tmp_path):
    (tmp_path / "result.txt").write_text("no netCDF")
    with pytest.raises(AnalysisError, match="at least one"):
        analysis.open_runs()
    with pytest.raises(AnalysisError, match=r"holds no result\.nc"):
        analysis.open_runs(tmp_path)
    with pytest.raises(AnalysisError, match="no run and no file"):
        analysis.open_runs(tmp_path / "absent")
    with pytest.raises(AnalysisError, match="cannot open"):
        analysis.open_runs(tmp_path / "result.txt")
