"""The ledger on a real SQLite file: what is written is read back exactly, and nothing else is believed."""

import io
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

from search.errors import SearchError
from search.evaluation import Outcome
from search.ledger import Entry, Ledger, open_ledger
from search.lock import sole_driver
from search.pictures import Pictures, contact_sheet, from_npz, to_npz

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {"grammar": "dots", "learner": {"width": 16}}


def entry(number: int) -> Entry:
    return Entry(
        f"{number:064x}", number, f"take(8, dots(k=2), seed={number})", 8, 31.7 + number, "search", 1, (0, 3)
    )


def outcome(number: int) -> Outcome:
    rng = np.random.default_rng(number)
    return Outcome(
        f"{number:064x}",
        8,
        {"generalization": (float(rng.random()), 1 / 3), "validity": (0.1, 0.2), "coverage": (0.5, math.nan)},
        {"count": ((1.0, 2.5), (math.nan, 1e-300))},
        {1: "1 dot", 2: "2 dots"},
        seconds=1.25,
        pictures=Pictures(rng.random((8, 5, 6)) < 0.3, rng.random((2, 4, 5, 6)).astype(np.float32)),
    )


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'optuna.db'}"


def fill(folder: Path, numbers: range) -> None:
    with open_ledger(url(folder), folder / "artifacts", "search", SETTINGS) as book:
        for number in numbers:
            book.finish(book.start(entry(number)), entry(number), outcome(number))


def optuna_study(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name="search", storage=url(folder))


def test_an_outcome_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        assert len(book.outcomes) == 3
        for number in range(3):
            wrote, read = outcome(number), book.outcomes[f"{number:064x}"]
            for field in ("key", "n", "stratum_names", "seconds", "failure", "lost"):
                assert getattr(read, field) == getattr(wrote, field), field
            # repr, because a NaN is not equal to itself
            assert repr(read.measures) == repr(wrote.measures)
            assert repr(read.strata) == repr(wrote.strata)
            pictures = book.pictures(read.key)
            assert pictures is not None
            assert wrote.pictures is not None
            np.testing.assert_array_equal(pictures.examples, wrote.pictures.examples, strict=True)
            np.testing.assert_array_equal(pictures.samples, wrote.pictures.samples, strict=True)


def test_optuna_sees_values_columns_and_pictures(tmp_path: Path) -> None:
    fill(tmp_path, range(2))
    study = optuna_study(tmp_path)
    assert study.metric_names == ["g", "n", "bits"]
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE", "MINIMIZE"]
    trial = study.trials[1]
    assert trial.values == [outcome(1).g, 8.0, 32.7]
    assert trial.user_attrs["sentence"] == "take(8, dots(k=2), seed=1)"
    assert trial.user_attrs["parents"] == "0 3"
    assert trial.user_attrs["g"] == outcome(1).g
    assert "coverage" not in trial.user_attrs  # a NaN is no number to sort by
    frozen = optuna.artifacts.get_all_artifact_meta(trial, storage=study._storage)
    assert sorted(meta.filename for meta in frozen) == ["arrays.npz", "samples.png", "training.png"]
    assert {meta.mimetype for meta in frozen} >= {"image/png"}
    for meta in frozen:
        assert (tmp_path / "artifacts" / meta.artifact_id).stat().st_size > 50


def test_a_running_trial_becomes_failed_and_is_not_an_outcome(tmp_path: Path) -> None:
    fill(tmp_path, range(1))
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        book.start(entry(7))
    assert optuna_study(tmp_path).trials[1].state.name == "RUNNING"
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        assert list(book.outcomes) == [f"{0:064x}"]
    trial = optuna_study(tmp_path).trials[1]
    assert trial.state.name == "FAIL"
    assert trial.user_attrs["failure"].startswith("cut off")


def test_a_failed_training_is_a_result_and_a_lost_one_is_not(tmp_path: Path) -> None:
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        for number, lost in ((0, False), (1, True)):
            failed = Outcome(f"{number:064x}", 8, failure="training diverged", lost=lost)
            book.finish(book.start(entry(number)), entry(number), failed)
        assert len(book.outcomes) == 2  # both count while this driver lives
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        assert [read.failure for read in book.outcomes.values()] == ["training diverged"]
        assert math.isnan(book.outcomes[f"{0:064x}"].g)
    assert [trial.state.name for trial in optuna_study(tmp_path).trials] == ["FAIL", "FAIL"]


def test_a_training_that_diverged_is_read_back_with_what_it_cost(tmp_path: Path) -> None:
    diverged = Outcome(f"{0:064x}", 8, failure="training diverged", seconds=7.5, uses_target=True)
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        stored = book.finish(book.start(entry(0)), entry(0), diverged)
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        (read,) = book.outcomes.values()
    for name in ("failure", "lost", "seconds", "uses_target"):
        assert getattr(read, name) == getattr(stored, name) == getattr(diverged, name), name


def test_other_settings_are_refused_and_shown(tmp_path: Path) -> None:
    fill(tmp_path, range(1))
    other = {"grammar": "dots", "learner": {"width": 32}, "samples": 64}
    with (
        pytest.raises(SearchError, match=r"learner.width was 16, now 32; samples was None, now 64"),
        open_ledger(url(tmp_path), tmp_path / "artifacts", "search", other),
    ):
        pass
    fill(tmp_path, range(1, 2))  # nothing is damaged


def test_a_study_with_other_objectives_is_refused(tmp_path: Path) -> None:
    optuna.create_study(study_name="search", storage=url(tmp_path), directions=["minimize"] * 3)
    with (
        pytest.raises(SearchError, match=r"objectives \(minimize, minimize, minimize\)"),
        open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS),
    ):
        pass


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("sqlite:///{0}/missing/optuna.db", "unable to open database file"),
        ("sqlite:///{0}/text.db", "file is not a database"),
        ("nonsense", "ledger=nonsense is no URL of a database"),
        ("postgresql+nodriver://here/there", "is no URL of a database that is known here"),
    ],
)
def test_a_storage_that_cannot_be_used_is_one_line(tmp_path: Path, storage: str, said: str) -> None:
    (tmp_path / "text.db").write_text(
        "this is no database, but long enough to look for a header in it\n" * 20
    )
    with (
        pytest.raises(SearchError, match=said) as caught,
        open_ledger(storage.format(tmp_path), tmp_path / "artifacts", "search", SETTINGS),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_a_folder_below_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SearchError, match="Not a directory"),
        open_ledger(url(tmp_path), tmp_path / "file" / "artifacts", "search", SETTINGS),
    ):
        pass


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("numbers", json.dumps("__import__('os').system('touch evaluated')")),
        ("numbers", json.dumps(json.dumps({"measures": "not numbers", "strata": {}, "stratum_names": {}}))),
        ("n", json.dumps("eight")),
    ],
)
def test_what_is_read_is_never_run(tmp_path: Path, attribute: str, value: str) -> None:
    fill(tmp_path, range(1))
    with sqlite3.connect(tmp_path / "optuna.db") as database:
        table = "system" if attribute == "numbers" else "user"
        change = f"update trial_{table}_attributes set value_json = ? where key = ?"
        assert database.execute(change, (value, attribute)).rowcount == 1
    database.close()
    with (
        pytest.raises(SearchError, match="trial 0 of the ledger cannot be read"),
        open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS),
    ):
        pass
    assert not Path("evaluated").exists()


def test_arrays_that_would_be_unpickled_are_refused() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, examples=np.array([object()]), shape=np.array([1]), samples=np.zeros(1))
    with pytest.raises(SearchError, match="allow_pickle"):
        from_npz(buffer.getvalue())


def test_lost_picture_files_are_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, range(1))
    for artifact in (tmp_path / "artifacts").iterdir():
        artifact.write_bytes(b"cut short")
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        assert book.pictures(f"{0:064x}") is None
        assert "cannot be read" in caplog.text
        assert book.outcomes[f"{0:064x}"].measures["validity"] == (0.1, 0.2)


def test_a_driver_writes_while_a_dashboard_reads(tmp_path: Path) -> None:
    fill(tmp_path, range(1))
    reader = sqlite3.connect(tmp_path / "optuna.db")
    try:
        reader.execute("begin")
        assert reader.execute("select count(*) from trials").fetchone() == (1,)
        fill(tmp_path, range(1, 3))  # would wait for a minute and fail without write-ahead logging
        assert reader.execute("select count(*) from trials").fetchone() == (1,)
    finally:
        reader.close()


def test_a_second_study_in_the_same_storage(tmp_path: Path) -> None:
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
        other = book.sibling("verify", {"other": 1})
        other.finish(other.start(entry(4)), entry(4), outcome(4))
        assert book.outcomes == {}
        assert isinstance(other, Ledger)
    names = optuna.get_all_study_names(url(tmp_path))
    assert sorted(names) == ["search", "verify"]


def test_a_finished_trial_is_told_what_came_of_it_later_once(tmp_path: Path) -> None:
    fill(tmp_path, range(2))
    for worth in (0.5, 0.7):
        with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", SETTINGS) as book:
            book.say([entry(1).key], {"worth": worth})
    first, second = optuna_study(tmp_path).trials
    assert (first.user_attrs.get("worth"), second.user_attrs["worth"]) == (None, 0.5)
    assert second.state.name == "COMPLETE"


HOLDER = """
import sys, time
from pathlib import Path
from search.lock import sole_driver
with sole_driver(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_driver_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(SearchError, match=f"in use by process {process.pid} on .*run="), sole_driver(folder):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with sole_driver(folder), pytest.raises(SearchError, match=f"process {os.getpid()}"), sole_driver(folder):
        pass
    with sole_driver(folder):
        pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(SearchError, match="Not a directory"), sole_driver(tmp_path / "file" / "run"):
        pass
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("shape", [(0, 3, 4), (1, 3, 4), (70, 5, 5), (3, 2)])
def test_arrays_survive_the_file(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    examples = rng.random(shape)
    kept = Pictures(
        examples < 0.5 if len(shape) == 3 else examples, rng.random((1, 2, *shape[1:])).astype("f4")
    )
    read = from_npz(to_npz(kept))
    np.testing.assert_array_equal(read.examples, kept.examples, strict=True)
    np.testing.assert_array_equal(read.samples, kept.samples, strict=True)


def test_a_contact_sheet_shows_every_pixel_in_its_place() -> None:
    from PIL import Image

    pictures = np.zeros((3, 2, 3), dtype=np.float32)
    pictures[0, 0, 1], pictures[1, 1, 2], pictures[2] = 1.0, 0.5, 7.0
    content = contact_sheet(pictures, columns=2)
    assert content is not None
    with Image.open(io.BytesIO(content)) as sheet:
        seen = np.asarray(sheet)
    scale = 64 // 3
    height, width = 2 * scale + 4, 3 * scale + 4
    assert seen.shape == (2 * height, 2 * width)
    for place, picture in enumerate(pictures):
        top, left = place // 2 * height + 2, place % 2 * width + 2
        shown = seen[top : top + 2 * scale : scale, left : left + 3 * scale : scale]
        assert (shown == np.rint(np.clip(picture, 0, 1) * 255)).all()
    assert contact_sheet(np.zeros((4, 2))) is None
    assert contact_sheet(np.zeros((0, 2, 2))) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://me:secret@host/name", "ledger=postgres://… is no URL of a database"),
        (
            "runs/here.db",
            "ledger=runs/here.db is no URL of a database that is known here; ledgers are such as sqlite:///here.db",
        ),
        ("oracle://me:secret@host/name", "ledger=oracle://… needs a driver"),
    ],
)
def test_a_url_of_no_known_database_says_what_would_be_one(url: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SearchError) as error, open_ledger(url, tmp_path, "search", {}):
        pass
    assert said in str(error.value)
    assert "postgresql+psycopg://me@host/name" in str(error.value)
    assert "secret" not in str(error.value)
