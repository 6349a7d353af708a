"""`python -m study.show` as a person meets it: its words, its sheets, its one line for what is wrong."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from skimage.io import imread

import grammars
from study import entry
from study.commands import show as command
from study.errors import StudyError
from study.show_settings import resolve

ROOT = Path(__file__).resolve().parents[1]


def shown(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert command.main(words) == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_set_is_counted_stratum_by_stratum_and_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(["sentence=dots(k=between(1, 4))", "out=sheets/set.png"], capsys)
    sentence = grammars.load("dots").parse("dots(k=between(1, 4))")
    assert f"bits        {sentence.bits:.2f}" in out
    assert "size        349,049 (2^18.41)" in out
    for stratum, size in sentence.denote().sizes().items():
        assert re.search(rf"{stratum} dots?\s+0\.250\s+{size:,}", out)
    for name in sentence.denote().properties:
        assert re.search(rf"{name}\s+[\d.]+\s+[\d.]+\s+[\d.]+", out)
    assert out.endswith("pictures    sheets/set.png\n")
    picture = imread("sheets/set.png")
    assert picture.shape[1] > 1000
    assert {0, 255} <= set(picture[..., 0].ravel().tolist())


def test_sizes_beyond_machine_integers_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(["sentence=dots(k=between(0, 64), gap=0)", "pictures=8"], capsys)
    assert f"size        {2**64:,} (2^64.00)" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sentence=take(8, dots(k=2), seed=0)"], "n           8 examples"),
        (["sentence=overlay(at(0, 0), at(1, 1))"], "white       2 pixels"),
        (["sentence=half('left')"], "white       32 pixels"),
        (["sentence=intersect(dots(k=1), dots(k=2))"], "none: the set is empty"),
        (
            [
                "grammar=polygons",
                "sentence=convex(vertices=3)",
                "pictures=4",
                "space.height=7",
                "space.width=7",
            ],
            "3 vert",
        ),
    ],
)
def test_every_kind_of_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(words, capsys)
    assert said in out
    drawn = re.findall(r"^pictures    (shows/\S+-[0-9a-f]{8}\.png)$", out, re.MULTILINE)
    assert all(imread(path).ndim == 3 for path in drawn)
    assert len(drawn) == int("the set is empty" not in out)


def test_what_is_no_picture_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(["sentence=between(2, 4)"], capsys)
    assert "says        2, 3, 4" in out
    assert not Path("shows").exists()


@pytest.mark.parametrize("name", sorted(grammars.available()))
def test_every_language_shows_its_rules_and_random_sentences(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shown([f"grammar={name}", "pictures=2", "points=50", "out=language.png"], capsys)
    grammar = command.load_grammar(resolve([f"grammar={name}"]).settings)
    for production in grammar.productions.values():
        assert production.rule.summary in out
    for text in re.findall(r"e\.g\. (.+)", out):
        rule = re.match(r"(\w+)\(", text)
        if rule:
            assert str(grammar.parse(text)) == text
    assert out.count(" e.g. ") > len(grammar.productions) // 2
    for bits, text in re.findall(r"^ +([\d.]+) bits  (.+)$", out, re.MULTILINE):
        assert grammar.parse(text).bits == pytest.approx(float(bits), abs=0.006)
    assert imread("language.png").ndim == 3


PLANES = [name for name in grammars.available() if isinstance(grammars.load(name).space, grammars.Plane)]


def test_a_set_of_the_plane_is_a_cloud(capsys: pytest.CaptureFixture[str]) -> None:
    for name in PLANES:
        sentence = grammars.load(name).target
        out = shown([f"grammar={name}", f"sentence={sentence}", "points=100", "out=plane.png"], capsys)
        assert "a continuum" in out
        assert imread("plane.png").ndim == 3


def test_equal_settings_draw_equal_sheets(capsys: pytest.CaptureFixture[str]) -> None:
    for out in ("one.png", "two.png"):
        shown(["sentence=dots(k=3)", "seed=5", "pictures=8", f"out={out}"], capsys)
    shown(["sentence=dots(k=3)", "seed=6", "pictures=8", "out=three.png"], capsys)
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    assert Path("one.png").read_bytes() != Path("three.png").read_bytes()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("grammer=dots", "grammer is not a setting; did you mean grammar?"),
        ("grammar=dot", "did you mean dots?"),
        ("sentence=dots(k=two)", "sentence: column 8: "),
        ("sentence=dotz(k=2)", "sentence: column 1: unknown rule 'dotz'; did you mean 'dots'?"),
        ("pictures=0", "`1 <= pictures <= 1024` must hold, but got pictures=0"),
        ("out=sheet.gif", "a sheet is written as .png or .pdf or .svg"),
        ("out=taken/sheet.png", "out=taken/sheet.png: "),
        ("--dry-run", "--dry-run is not a flag"),
        ("dots", "did you mean grammar=dots?"),
    ],
)
def test_what_is_wrong_gets_one_line_and_status_2(
    word: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken").write_text("a file\n", encoding="utf-8")
    words = [word] if word.startswith("sentence") else [word, "sentence=dots(k=1)", "pictures=1"]
    if word.startswith("pictures"):
        words = words[:2]
    monkeypatch.setattr(sys, "argv", ["study.show", *words])
    assert entry.enter("show") == 2
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert said in captured.err
    assert not Path("shows").exists()


def test_the_plane_has_no_sides() -> None:
    for name in PLANES:
        with pytest.raises(StudyError, match="has no space.height"):
            command.main([f"grammar={name}", "space.height=3"])


def test_settings_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(["--help"], capsys)
    for name in ("grammar=", "sentence=", "space.height=", "pictures=", "points=", "seed=", "out="):
        assert f"\n{name}" in page
    assert "pictures: 5" in shown(["--cfg", "pictures=5"], capsys)
    Path("mine.yaml").write_text("grammar: polygons\npictures: 3\n", encoding="utf-8")
    assert "grammar: polygons" in shown(["--cfg", "config=mine.yaml"], capsys)


def test_it_starts_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "study.show", "sentence=dots(k=1)", "pictures=4"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "shows").glob("dots-*.png"))) == 1
