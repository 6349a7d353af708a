"""The cache on real files: what one run trained serves the next, and nothing else is believed."""

import json
import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import grammars
import search
from search import bench
from search.cache import Cache, open_cache
from search.evaluation import Outcome, Task, evaluate
from search.pictures import Pictures
from study.folder import differences
from study.resolve import decisive, resolve

GRID = grammars.Grid(4, 4)
GRAMMAR = grammars.load("dots", GRID)
OBJECTIVE = search.Objective("dots", GRID, "dots(k=between(1, 2))", "equivariant_local", samples=64)
KEY = f"{1:064x}"


def outcome(number: int = 1) -> Outcome:
    rng = np.random.default_rng(number)
    return Outcome(
        f"{number:064x}",
        3,
        {"generalization": (0.1, 1 / 3), "coverage": (float("nan"), 0.0)},
        {"valid": ((1.0, 2.0), (0.5, 1e-300))},
        {1: "1 dot", 2: "2 dots"},
        seconds=1.23456,
        uses_target=True,
        pictures=Pictures(rng.random((3, 4, 4)) < 0.5, rng.random((2, 5, 4, 4)).astype(np.float32)),
    )


def only_file(folder: Path) -> Path:
    [path] = folder.glob("??/*.outcome")
    return path


def test_what_is_kept_comes_back_bit_for_bit(tmp_path: Path) -> None:
    Cache(tmp_path).put(OBJECTIVE, KEY, outcome())
    found, wanted = Cache(tmp_path).get(OBJECTIVE, KEY), outcome()
    assert found is not None
    assert found.pictures is not None
    assert wanted.pictures is not None
    assert repr(replace(found, pictures=None)) == repr(replace(wanted, pictures=None))
    np.testing.assert_array_equal(found.pictures.examples, wanted.pictures.examples, strict=True)
    np.testing.assert_array_equal(found.pictures.samples, wanted.pictures.samples, strict=True)
    assert [path.name for path in only_file(tmp_path).parent.iterdir()] == [only_file(tmp_path).name]


def test_a_training_that_diverged_is_kept_and_one_that_was_lost_is_not(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(OBJECTIVE, KEY, Outcome(KEY, 3, failure="training diverged", seconds=2.0))
    cache.put(OBJECTIVE, f"{2:064x}", Outcome(f"{2:064x}", 3, failure="the worker died", lost=True))
    assert repr(cache.get(OBJECTIVE, KEY)) == repr(Outcome(KEY, 3, failure="training diverged", seconds=2.0))
    assert cache.get(OBJECTIVE, f"{2:064x}") is None


def test_another_device_another_plugin_another_version_is_another_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search import cache as module

    (tmp_path / "my_module.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    mine = replace(OBJECTIVE, plugins=("my_module",))
    cache = Cache(tmp_path / "cache")
    cache.put(mine, KEY, outcome())
    assert cache.get(mine, KEY) is not None
    assert cache.get(replace(mine, device="cuda"), KEY) is None
    assert cache.get(OBJECTIVE, KEY) is None
    module._origin.cache_clear()
    (tmp_path / "my_module.py").write_text("x = 2\n")
    assert cache.get(mine, KEY) is None
    cache.put(mine, KEY, outcome())
    module._origin.cache_clear()
    monkeypatch.setattr(module, "version", lambda package: "0.0")
    assert cache.get(mine, KEY) is None
    module._origin.cache_clear()


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("unpickled",)


@pytest.mark.parametrize("spoil", ["short", "flipped", "empty", "foreign", "pickle", "other"])
def test_spoiled_and_foreign_files_are_passed_over_with_a_line(
    spoil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    cache = Cache(tmp_path / "cache")
    cache.put(OBJECTIVE, KEY, outcome())
    path = only_file(cache.folder)
    content = path.read_bytes()
    if spoil == "other":  # whole, but about something else: a file that was given another's name
        other = Cache(tmp_path / "second")
        other.put(OBJECTIVE, f"{2:064x}", outcome(2))
        path.write_bytes(only_file(other.folder).read_bytes())
    else:
        path.write_bytes(
            {
                "short": content[:-10],
                "flipped": content[:200] + bytes([content[200] ^ 1]) + content[201:],
                "empty": b"",
                "foreign": json.dumps({"form": "mine"}).encode() + b"\n",
                "pickle": pickle.dumps(Attack()),
            }[spoil]
        )
    assert cache.get(OBJECTIVE, KEY) is None
    assert f"passing over {path.name}" in caplog.text
    assert not Path("unpickled").exists()
    cache.put(OBJECTIVE, KEY, outcome())
    assert cache.get(OBJECTIVE, KEY) is not None


def test_the_oldest_are_dropped_where_there_is_no_room(tmp_path: Path) -> None:
    Cache(tmp_path).put(OBJECTIVE, KEY, outcome())
    size = only_file(tmp_path).stat().st_size
    cache = Cache(tmp_path, most_bytes=5 * size + size // 2)
    for number in range(1, 6):
        cache.put(OBJECTIVE, f"{number:064x}", outcome(number))
        path = cache._path(OBJECTIVE, f"{number:064x}")
        os.utime(path, (1000 + number, 1000 + number))
    assert cache.get(OBJECTIVE, f"{1:064x}") is not None  # asked for, so no longer the oldest
    cache.put(OBJECTIVE, f"{6:064x}", outcome(6))
    left = [number for number in range(1, 7) if cache.get(OBJECTIVE, f"{number:064x}") is not None]
    assert left == [1, 4, 5, 6]
    assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= 5.5 * size


def test_a_cache_that_cannot_be_written_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    for number in range(1, 4):
        assert cache.get(OBJECTIVE, f"{number:064x}") is None
        cache.put(OBJECTIVE, f"{number:064x}", outcome(number))
    assert caplog.text.count("going on without the cache") == 1


def test_the_next_run_trains_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[str] = []

    def counted(tasks: Sequence[Task]) -> bench.At:
        taught.extend(task.sentence for task in tasks)
        return [evaluate(task) for task in tasks], "here"

    monkeypatch.setattr(bench, "at_work", counted)
    results = []
    for name in ("first", "second"):
        folder = tmp_path / name
        with (
            search.start(0) as pool,
            search.open_ledger(
                f"sqlite:///{tmp_path / name}.db",
                folder,
                "search",
                OBJECTIVE.content(),
                cache=Cache(tmp_path / "cache"),
            ) as book,
        ):
            searcher = search.load("random")
            results.append(
                search.minimise(OBJECTIVE, GRAMMAR, searcher, 4, book, pool).drop_attrs(deep=False)
            )
    assert len(taught) == 4
    assert results[0].drop_vars("seconds").identical(results[1].drop_vars("seconds"))


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LEARNED_SETS_CACHE")
    usual = open_cache("")
    assert usual is not None
    assert usual.folder == tmp_path / ".cache" / "learned-sets"
    assert open_cache("off") is None
    chosen = open_cache("~/mine")
    assert chosen is not None
    assert chosen.folder == tmp_path / "mine"
    monkeypatch.setenv("LEARNED_SETS_CACHE", "off")
    assert open_cache("") is None


def test_another_cache_is_no_other_run() -> None:
    one, other = (decisive(resolve([f"cache={name}"]).settings) for name in ("off", "here"))
    assert differences(one, other) == []
