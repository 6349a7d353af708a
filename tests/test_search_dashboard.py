"""What optuna-dashboard shows of a search: curves, notes and columns, asked of the dashboard itself."""

import json
import sqlite3
import threading
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import optuna
import pytest
from optuna.artifacts import FileSystemArtifactStore

import grammars
import search
from search import notes
from search.cache import Cache
from search.evaluation import POINTS, Outcome, Task, evaluate
from search.ledger import Entry, open_ledger
from search.pictures import learning_curve
from study.learn_settings import again, resolve

GRAMMAR = grammars.load("dots", space=grammars.Grid(5, 5))
OBJECTIVE = search.Objective(
    "dots",
    GRAMMAR.space,
    "dots(k=between(1, 2))",
    "conv",
    (("steps", 120), ("width", 4)),
    samples=32,
    seeds=2,
)
LESSON = "take(8, dots(k=2), seed=0)"


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'optuna.db'}"


def searched(folder: Path, evaluations: int = 3, cache: Cache | None = None) -> None:
    with (
        search.start(0) as pool,
        open_ledger(
            url(folder), folder / "artifacts", "search", OBJECTIVE.content(), cache=cache, again=again
        ) as book,
    ):
        search.minimise(OBJECTIVE, GRAMMAR, search.load("random"), evaluations, book, pool)


def rows(folder: Path) -> dict[str, int]:
    """How many rows each of the tables has."""
    with sqlite3.connect(folder / "optuna.db") as database:
        names = ("trials", "trial_intermediate_values", "study_system_attributes", "trial_system_attributes")
        count = {name: database.execute(f"select count(*) from {name}").fetchone()[0] for name in names}
    database.close()
    return count


class Quiet(WSGIRequestHandler):
    """A server that logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("search")
    searched(where)
    return where


@pytest.fixture(scope="module")
def shown(folder: Path) -> Iterator[dict[str, Any]]:
    """What the dashboard's own server says of the study."""
    dashboard = pytest.importorskip("optuna_dashboard")
    storage = optuna.storages.RDBStorage(url(folder))
    app = dashboard.wsgi(storage, artifact_store=FileSystemArtifactStore(folder / "artifacts"))
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            base = f"http://127.0.0.1:{server.server_port}"
            with urllib.request.urlopen(f"{base}/api/studies") as answer:
                (study,) = json.load(answer)["study_summaries"]
            with urllib.request.urlopen(f"{base}/api/studies/{study['study_id']}?after=0") as answer:
                said = json.load(answer)
            for file in said["trials"][0]["artifacts"]:
                where = f"{base}/artifacts/{study['study_id']}/{said['trials'][0]['trial_id']}"
                with urllib.request.urlopen(f"{where}/{file['artifact_id']}") as answer:
                    file["content"] = answer.read()
            yield said
        finally:
            server.shutdown()
            thread.join()
            storage.remove_session()
            storage.engine.dispose()


def test_every_training_has_its_curve(shown: dict[str, Any]) -> None:
    assert len(shown["trials"]) == 3
    assert shown["has_intermediate_values"]
    for trial in shown["trials"]:
        assert [value["step"] for value in trial["intermediate_values"]] == [50, 100, 120]
        assert "curve.svg" in [file["filename"] for file in trial["artifacts"]]
    first = shown["trials"][0]
    task = Task(OBJECTIVE, {one["key"]: one["value"] for one in first["user_attrs"]}["sentence"])
    assert {one["step"]: one["value"] for one in first["intermediate_values"]} == evaluate(task).curve
    (curve,) = [file for file in first["artifacts"] if file["filename"] == "curve.svg"]
    assert curve["mimetype"] == "image/svg+xml"
    assert ET.fromstring(curve["content"]).tag.endswith("svg")


def test_every_trial_and_the_study_have_a_note(shown: dict[str, Any], folder: Path) -> None:
    assert OBJECTIVE.target in shown["note"]["body"]
    assert "conv" in shown["note"]["body"]
    for trial in shown["trials"]:
        said = {one["key"]: one["value"] for one in trial["user_attrs"]}
        note = trial["note"]["body"]
        assert note.startswith(f"`{said['sentence']}`")
        assert f"**g = {float(said['g']):.3f}**, the mean of " in note
        assert again(OBJECTIVE, said["sentence"]) in note
        for file in trial["artifacts"]:
            assert str(folder / "artifacts" / file["artifact_id"]) in note


def test_the_columns_are_there_and_numbers_can_be_sorted_by(shown: dict[str, Any]) -> None:
    columns = {column["key"]: column["sortable"] for column in shown["union_user_attrs"]}
    assert all(columns[name] for name in ("n", "bits", "g", "generation", "rung", "seconds", "index"))
    assert {"sentence", "parents", "origin", "worker"} <= set(columns)
    for trial in shown["trials"]:  # longer lines make a page of many screens
        assert max(len(one["value"]) for one in trial["user_attrs"] if one["key"] != "sentence") < 100


def test_a_search_asked_for_again_writes_nothing_twice(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    searched(tmp_path, cache=cache)
    before = rows(tmp_path)
    assert before["trial_intermediate_values"] == 9
    searched(tmp_path)
    assert rows(tmp_path) == before
    (tmp_path / "other").mkdir()
    searched(tmp_path / "other", cache=cache)  # from the cache, with its curves
    assert rows(tmp_path / "other") == before


def test_the_curve_comes_back_from_the_cache_bit_for_bit(tmp_path: Path) -> None:
    key, cache = f"{1:064x}", Cache(tmp_path)
    for failure in (None, "training diverged"):
        curve = {50: 1 / 3, 100: 1e-300, 120: -2.5}
        cache.put(OBJECTIVE, key, Outcome(key, 1, failure=failure, curve=curve))
        known = cache.get(OBJECTIVE, key)
        assert known is not None
        assert known.curve == curve


def test_a_curve_of_many_points_keeps_its_ends_and_a_machine_has_none() -> None:
    settings = {"steps": 40 * 50 + 7, "width": 1, "depth": 1, "batch": 1}
    long = evaluate(Task(OBJECTIVE.taught_to("conv", settings), LESSON)).curve
    assert len(long) == POINTS
    assert (min(long), max(long)) == (50, settings["steps"])
    closed = evaluate(Task(OBJECTIVE.taught_to("ideal", {}), LESSON))
    assert (closed.failure, closed.curve) == (None, {})


def test_a_curve_is_drawn_on_the_scale_that_it_allows() -> None:
    assert learning_curve({}) is learning_curve({600: 0.1}) is None
    for losses, words in (
        ({50: 1.0, 100: 0.1}, "logarithmic"),
        ({50: 1.0, 100: -0.1}, "loss<"),
        ({50: 1, 9: 1}, "50"),
    ):
        drawn = learning_curve(losses)
        assert drawn is not None
        ET.fromstring(drawn)
        assert words in drawn.decode()


def test_notes_lie_where_the_dashboard_keeps_its_own(tmp_path: Path) -> None:
    dashboard = pytest.importorskip("optuna_dashboard")
    study = optuna.create_study(storage=url(tmp_path))
    trial = study.ask()
    body = "long " * 1000
    dashboard.save_note(study, body)
    dashboard.save_note(trial, body)
    theirs = study._storage.get_study_system_attrs(study._study_id)
    assert theirs == notes.attributes(body) | notes.attributes(body, trial._trial_id)


def noted(folder: Path, found: list[Outcome], sentence: str = LESSON) -> list[str]:
    """The notes of trials that found this."""
    with open_ledger(url(folder), folder / "artifacts", "search", {}) as book:
        for number, outcome in enumerate(found):
            entry = Entry(outcome.key, number, sentence, outcome.n, 31.7, "search")
            trial = book.start(entry)
            assert trial is not None
            book.finish(trial, entry, outcome)
        study = optuna.load_study(study_name="search", storage=url(folder))
        said = study._storage.get_study_system_attrs(study._study_id)
        ids = [trial._trial_id for trial in study.trials]
    pieces = [[said.get(f"dashboard:{one}:note_str:{place}", "") for place in range(9)] for one in ids]
    return ["".join(parts) for parts in pieces]


def of(number: int, g: float) -> Outcome:
    return Outcome(f"{number:064x}", 8, {"generalization": (g,)})


def test_of_very_many_trials_only_the_better_ones_have_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "NOTED", 2)
    found = [of(0, 0.5), of(1, 0.1), of(2, 0.4), of(3, 0.6), of(4, 0.6)]
    assert [bool(note) for note in noted(tmp_path, found)] == [True, True, False, True, False]


def test_the_note_of_a_failure_says_why_and_one_of_a_long_sentence_is_short(tmp_path: Path) -> None:
    diverged = Outcome(f"{0:064x}", 8, failure="training diverged after 60 steps", curve={50: 2.0})
    (note,) = noted(tmp_path, [diverged], "x" * 10**5)
    assert "Nothing was measured: training diverged after 60 steps." in note
    assert len(note) < 3000
    study = optuna.load_study(study_name="search", storage=url(tmp_path))
    assert study.trials[0].intermediate_values == {50: 2.0}


def test_what_a_person_wrote_stays(tmp_path: Path) -> None:
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", {}) as book:
        entry = Entry(f"{0:064x}", 0, LESSON, 8, 31.7, "search")
        trial = book.start(entry)
        assert trial is not None
        study = optuna.load_study(study_name="search", storage=url(tmp_path))
        mine = notes.attributes("mine") | notes.attributes("mine too", trial)
        for name, value in mine.items():
            study._storage.set_study_system_attr(study._study_id, name, value)
        book.finish(trial, entry, of(0, 0.5))
    with open_ledger(url(tmp_path), tmp_path / "artifacts", "search", {}):
        said = study._storage.get_study_system_attrs(study._study_id)
    assert said["dashboard:note_str:0"] == "mine"
    assert said[f"dashboard:{trial}:note_str:0"] == "mine too"


def test_the_command_asks_for_the_same_learner_target_and_space() -> None:
    import shlex

    words = shlex.split(again(OBJECTIVE, LESSON))
    assert words[:3] == ["python", "-m", "study.learn"]
    asked = resolve(words[3:]).settings
    assert (asked.sentence, asked.target) == (LESSON, OBJECTIVE.target)
    assert (asked.space.height, asked.space.width, asked.measure.samples) == (5, 5, 32)
    assert (asked.learner.name, asked.learner.steps, asked.learner.width) == ("conv", 120, 4)
