"""report.html as a person meets it: what it says of a run and of a lesson, and how it stands in a browser."""

import io
import json
import re
import shlex
import shutil
import subprocess
from contextlib import nullcontext, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import analysis
import grammars
import search
from study.commands import describe, learn
from study.commands import run as experiments
from study.commands import search as command
from study.derived import Whole
from study.described import Learned, descriptions, joined
from study.report import page, refresh, tables
from study.resolve import resolve
from study.searches import compared

LANGUAGE = grammars.load("dots", space=grammars.Grid(5, 5))
TARGET = "dots(k=between(1, 2))"
LINE = ["grammar=dots", "learner=ideal", "space.height=5", "space.width=5", f"target={TARGET}"]
LEARNERS = ["ideal", "conv"]
ATTACK = """<script>alert("x")</script><img src=x onerror='y'>"""


def drawn(text: str, n: int, seed: int = 0) -> np.ndarray:
    return LANGUAGE.parse(text, "Set").denote().sample(n, np.random.default_rng(seed)).astype(np.float32)


LESSONS = ["these(at(0, 1))", "these(at(0, 1), at(2, 2))", f"take(4, {TARGET}, seed=0)", "these(at(3, 3))"]
G = [[0.97], [0.55], [0.5], [np.nan]]  # the search's own; the first is flattered by luck
FRESH = [0.62, 0.60, 0.64]


def result() -> xr.Dataset:
    """A search that has finished: three teaching sets, the last of which failed, and a baseline."""
    count = len(LESSONS)
    examples = np.full((count, 8, 5, 5), np.nan, np.float32)
    for place, text in enumerate(LESSONS):
        taught = LANGUAGE.parse(text, "Lesson").denote()
        examples[place, : len(taught)] = taught
    samples = np.stack([drawn(TARGET, 32, place)[None] for place in range(count)])
    column = {
        "sentence": LESSONS,
        "origin": ["search", "search", "iid", "search"],
        "n": [1, 2, 4, 1],
        "bits": [9.0, 17.5, 21.0, 9.5],
        "seconds": [0.5, 10.25, 9.5, 0.1],
        "generation": [0, 1, -1, 1],
        "uses_target": [0, 0, 1, 0],
        "failure": ["", "", "", "training diverged"],
        "on_front": [1, 1, 0, 0],
        "on_front_n": [1, 0, 0, 0],
    }
    return xr.Dataset(
        {
            **{name: ("trial", values) for name, values in column.items()},
            **{name: (("trial", "seed"), np.array(G)) for name in ("generalization", "validity", "coverage")},
            "count": (("trial", "seed", "stratum"), np.full((count, 1, 2), 16.0)),
            "samples": (("trial", "seed", "sample", "y", "x"), samples),
            "examples": (("trial", "example", "y", "x"), examples),
        },
        {"trial": range(count), "stratum": [1, 2], "stratum_label": ("stratum", ["1 dot", "2 dots"])},
        {"learner": "ideal", "grammar": "dots", "space": "5x5", "target": TARGET, "samples": 64,
         "stopped": "", "created": "2026-01-02T03:04:05+00:00", "versions": json.dumps({"numpy": "9.9.9"})},
    )  # fmt: skip


def verified() -> xr.Dataset:
    """The first teaching set and the baseline, by two learners; one of them samples single dots alone."""
    sampled = [[TARGET, "dots(k=1)"], [TARGET, "dots(k=2)"]]
    samples = np.array([[[drawn(text, 32, s) for s in range(3)] for text in row] for row in sampled])
    g = np.array([[FRESH, [0.3, 0.31, 0.32]], [[0.5, 0.52, 0.51], [0.2, np.nan, 0.21]]])
    known = [[of[np.isfinite(of)] for of in row] for row in g]
    ends = np.moveaxis([[analysis.logit_interval(of) for of in row] for row in known], -1, 0)
    pairs = [[(row[k], g[1, k]) for k in range(2)] for row in g]
    both = [[[of[np.isfinite(a) & np.isfinite(b)] for of in (a, b)] for a, b in row] for row in pairs]
    differences = np.moveaxis([[analysis.paired_difference(a, b) for a, b in row] for row in both], -1, 0)
    spread = {
        f"{name}{end}": (dims, values[place].reshape([2] * 2 if name == "g" else [2, 1, 2]))
        for name, dims, values in (
            ("g", ("sentence", "learner"), ends),
            ("difference", ("sentence", "baseline", "learner"), differences),
        )
        for place, end in enumerate(("", "_low", "_high"))
    }
    return xr.Dataset(
        {
            **spread,
            "generalization": (("sentence", "learner", "seed"), g),
            "validity": (("sentence", "learner", "seed"), g),
            "count": (("sentence", "learner", "seed", "stratum"), np.full((2, 2, 3, 2), 16.0)),
            "samples": (("sentence", "learner", "seed", "sample", "y", "x"), samples),
        },
        {"sentence": [LESSONS[0], LESSONS[2]], "learner": LEARNERS, "n": ("sentence", [1, 4]),
         "origin": ("sentence", ["search", "iid"]), "baseline": [4], "stratum": [1, 2],
         "stratum_label": ("stratum", ["1 dot", "2 dots"])},
        result().attrs,
    )  # fmt: skip


def run_in(folder: Path, mine: xr.Dataset, again: xr.Dataset | None) -> page.Run:
    folder.mkdir(exist_ok=True)
    target = LANGUAGE.parse(TARGET, "Set").denote()
    words = f"python -m study.search {shlex.join(LINE)}"
    return page.Run(folder, mine, again, target, words, "optuna-dashboard sqlite:///x", 3, "grammar: dots\n")


class Outline(HTMLParser):
    """The elements of a page with their attributes, and the text of each kind."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.said: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "source"):
            self.open.append(tag)
            self.said.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "every element is closed where it was opened"

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.said[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def read(path: Path) -> Outline:
    outline = Outline(path.read_text(encoding="utf-8"))
    assert outline.open == []
    return outline


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search, described."""
    folder = tmp_path_factory.mktemp("report") / "mine"
    folder.mkdir()
    analysis.save(result(), folder / "result.nc")
    analysis.save(verified(), folder / "verified.nc")
    settings = resolve(LINE).settings
    command.write_settings(folder, settings)
    assert describe.main([str(folder), "evaluations=30", "shown=0"]) == 0
    return folder


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lesson."""
    folder = tmp_path_factory.mktemp("lesson") / "mine"
    assert learn.main([*LINE, f"sentence={LESSONS[2]}", "learner=conv", "learner.steps=8", "learner.width=4",
                       "measure.samples=64", "learn.seeds=2", f"run={folder}"]) == 0  # fmt: skip
    return folder


EXPERIMENT = """
title: Two machines
question: Which lesson teaches which machine? <i>No one</i> knows.
refuted: {one answer: another}
targets: {dots: {grammar: dots, target: "dots(k=between(1, 2))", sides: [3, 4]}}
lessons: {samples: {n: [2, 4, 8], draws: 2}, one dot: {sentence: "take(1, dots(k=1), seed=0)"}}
learners: {ideal: {}, equivariant_local: {patch: 3}}
samples: 64
extras: {describe: {evaluations: 30}}
derive: [summary, n_star, described, atlas]
"""


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a declared experiment."""
    folder = tmp_path_factory.mktemp("experiment")
    (folder / "machines.yaml").write_text(EXPERIMENT, encoding="utf-8")
    asked = [f"experiment={folder / 'machines.yaml'}", f"run={folder / 'mine'}", "cache=off", "device=cpu"]
    with pytest.MonkeyPatch.context() as patched:
        # No worker processes, whose start costs more than these machines do.
        patched.setattr(experiments, "pool", lambda settings: nullcontext(search.start(0)))
        assert experiments.main(asked) == 0
    return folder / "mine"


def test_the_answer_comes_first_and_is_what_fresh_trainings_gave(searched: Path) -> None:
    (head,) = read(searched / "report.html").said["h1"]
    assert "0.62" in head
    assert "0.97" not in head
    assert "A single example" in head
    alone = page.headline(page.found(result(), None), "ideal")
    assert alone == "Not verified yet: a single example seems to teach ideal the target"


def test_what_is_not_verified_is_marked_where_it_stands() -> None:
    mine = result().isel(seed=[0, 0, 0])
    found = page.found(mine, None)
    rows = [*page.front(mine, found), *page.baselines(found)]
    assert [len(row.trainings) for row in rows] == [3, 3]
    assert tables.teaching_sets(mine, rows).count("(not verified)") == 2
    assert tables.teaching_set(mine, rows[0], []).count("(not verified)") == 1
    again = page.found(result(), verified())
    assert "not verified" not in tables.teaching_sets(result(), [again[0], again[2]])
    assert "(one training, not verified)" in tables.teaching_sets(result(), [again[1]])


def test_every_part_is_there(searched: Path) -> None:
    outline = read(searched / "report.html")
    assert outline.said["h2"] == [
        "How well, from how few",
        "The best teaching sets",
        "Taught again with fresh seeds",
        "Is every kind of example learned?",
        "What each learner learned",
        "How the learners differ",
        "How the search went",
        "Where this comes from",
    ]
    links = [one["href"] for one in outline.all("a")]
    assert links == [f"#{one['id']}" for one in outline.all("section")]
    words = " ".join(outline.said["article"])
    assert "uses target yes" in words
    assert "uses target no" in words
    page_text = outline.said["main"][0]
    for said in ("numpy 9.9.9", "2026-01-02", "python -m study.search", "target: dots(k=between(1, 2))"):
        assert said in page_text


def test_every_picture_says_what_it_shows_and_what_makes_it(searched: Path, taught: Path) -> None:
    for folder, number in ((searched, 11), (taught, 3)):
        source = (folder / "report.html").read_text(encoding="utf-8")
        outline = Outline(source)
        assert len(outline.all("img")) == len(outline.all("figure")) == number
        assert all(len(image["alt"] or "") > 15 for image in outline.all("img"))
        assert all(image["src"].startswith("data:image/png;base64,") for image in outline.all("img"))
        made = re.findall(r'<details class="made"><summary>Made by <code>(.*?)</code>', source)
        assert len(made) >= len(re.findall('<figure class="chart">', source))
        # a chart says it below itself, pictures of one kind below their cards
        for chart in re.findall(r'<figure class="chart">.*?</figure>', source, re.S):
            assert "Made by <code>python -m study." in chart
        for several in re.findall(r'<div class="cards">.*?</article></div>(.{60})', source, re.S):
            assert several.startswith('<details class="made"><summary>Made by <code>python')


def test_learned_sets_stand_in_sentences_once_they_are_described(
    searched: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known = descriptions(searched / "described.nc")
    assert [(one.learner, one.taught) for one in known] == [
        (learner, lesson) for lesson in (LESSONS[0], LESSONS[2]) for learner in LEARNERS
    ]
    said = {(one.learner, one.taught): one.said for one in known}
    assert said["conv", LESSONS[0]] == "dots(k=1) at 100 %"
    outline = read(searched / "report.html")
    cards = outline.said["article"]
    assert any("Learned set: dots(k=1) at 100 %" in card and card.startswith("conv") for card in cards)
    assert sum("Learned set:" in card for card in cards) >= 3

    # without descriptions the page says what makes them; with older ones, that they are older
    def part(again: xr.Dataset) -> str:
        run = run_in(tmp_path, result(), again)
        chosen = page.shown(run, page.found(run.result, run.verified))
        return page.learned(run, chosen, page.learned_sets.found_in(tmp_path))

    assert f"<pre><code>python -m study.describe {tmp_path}</code></pre>" in part(verified())
    shutil.copy(searched / "described.nc", tmp_path)
    assert "The run has gone on since" not in part(verified())
    more = verified()
    more["samples"][0, 0, 2] = np.nan
    assert "The run has gone on since" in part(more)
    (tmp_path / "described.nc").write_text("torn", encoding="utf-8")
    assert "python -m study.describe" in part(verified())
    assert "study.describe writes it again" in caplog.text
    shutil.copy(searched / "described.nc", tmp_path)
    other = verified().assign_coords(sentence=["these(at(4, 4))", LESSONS[2]])
    assert "dots(k=1) at 100 %" not in part(other)


def test_learners_are_compared_by_the_line_that_stands_below(searched: Path) -> None:
    source = (searched / "report.html").read_text(encoding="utf-8")
    line = next(text for text in Outline(source).said["code"] if text.startswith("python -c"))
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(shlex.split(line)[2], {})
    assert "js_strata" in printed.getvalue()
    table = analysis.compare(verified(), LANGUAGE.parse(TARGET, "Set").denote())
    part = source.partition('<section id="how-the-learners-differ">')[2].partition("</section>")[0]
    rows = re.findall(r'data-value="([^"]*)"', part)
    assert rows[0] == repr(float(table["js_strata"][0, 1]))
    assert re.search(r"(1 dot: −|2 dots: \+)\d+ %", part)  # conv samples nothing else
    only = run_in(searched.parent / "one", result(), verified().isel(learner=[0]))
    assert page.across(only, page.shown(only, page.found(only.result, only.verified))) == ""


def test_where_a_learner_was_not_taught_the_table_says_why() -> None:
    silent = verified()
    silent["generalization"][0, 1] = np.nan
    silent["failure"] = xr.full_like(silent["generalization"], "", dtype=object)
    for reason, word in (("no examples on 3x3", "no such sentence"), ("training diverged", "failed")):
        silent["failure"][0, 1] = reason
        rows = Outline(tables.verification(silent)).said["tr"]
        assert word in rows[2]
        assert rows[2].endswith(reason)
    assert rows[0].endswith("failure")
    assert not Outline(tables.verification(verified())).said["tr"][0].endswith("failure")


def test_what_a_person_wrote_is_text(tmp_path: Path) -> None:
    mine, again = result(), verified()
    mine["sentence"] = ("trial", [f"{text}{ATTACK}" for text in LESSONS])
    mine["failure"] = ("trial", [ATTACK] * len(LESSONS))
    mine.attrs |= {"learner": ATTACK, "target": ATTACK, "stopped": ATTACK, "created": ATTACK}
    again = again.assign_coords(
        sentence=[f"{LESSONS[0]}{ATTACK}", f"{LESSONS[2]}{ATTACK}"], learner=[ATTACK, "b"]
    )
    one = xr.Dataset(
        {name: ("rank", [1.0]) for name in ("sentence_bits", "data_bits", "total_bits", "margin", "validity")}
        | {"outside": ("rank", [0]), "estimated": ("rank", [0]), "sentence": ("rank", [ATTACK])},
        {"rank": [1]},
        {"samples": 96, "not_crisp": 0, "listing_bits": 9.0, "verdict": ATTACK},
    )
    learned = Learned(ATTACK, f"{LESSONS[0]}{ATTACK}", 1, "dots", drawn(TARGET, 3))
    analysis.save(joined([learned], [one]), tmp_path / "described.nc")
    run = run_in(tmp_path, mine, again)
    run = page.Run(tmp_path, mine, again, run.target, ATTACK, ATTACK, 3, ATTACK)
    outline = read(page.write(run))
    assert len(outline.all("script")) == 2
    assert all((image["src"] or "").startswith("data:") for image in outline.all("img"))
    shown = " ".join(outline.said["main"])
    assert shown.count(ATTACK) > 20


def test_a_lesson_has_its_page(taught: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with xr.open_dataset(taught / "learned.nc") as data:
        found = data.load()
    outline = read(taught / "report.html")
    g = analysis.logit_interval(found["generalization"].isel(step=-1).values)
    assert outline.said["h1"] == [
        f"4 examples brought conv to g\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{g.value:.2f}"
        f"\N{NO-BREAK SPACE}[{g.low:.2f},\N{NO-BREAK SPACE}{g.high:.2f}] in 2 trainings"
    ]
    source = (taught / "report.html").read_text(encoding="utf-8")
    for name in ("validity", "coverage", "generalization"):
        value = float(analysis.logit_interval(found[name].isel(step=-1).values).value)
        assert f'data-value="{value!r}"' in source
    words = [text for text in outline.said["code"] if text.startswith("python -m study.learn")]
    asked = learn.resolve(shlex.split(words[0])[3:]).settings
    with_run = learn.resolve([f"config={taught / 'config.yaml'}"]).settings
    assert asked == with_run
    assert outline.said["pre"][0] == f"python -m study.describe {taught}"
    assert describe.main([str(taught), "evaluations=20", "shown=0"]) == 0
    assert f"report    {taught / 'report.html'}" in capsys.readouterr().out
    after = read(taught / "report.html")
    (known,) = descriptions(taught / "described.nc")
    assert f"Learned set: {known.said}" in after.said["section"][1]


def test_a_lesson_on_the_plane_has_its_page(tmp_path: Path) -> None:
    assert (
        learn.main(["grammar=regions", "learner=ideal", "measure.samples=32", f"run={tmp_path / 'r'}"]) == 0
    )
    outline = read(tmp_path / "r" / "report.html")
    assert len(outline.all("img")) == 2
    assert "about points" in outline.said["main"][0]


def test_a_page_that_cannot_be_written_again_says_why(searched: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(searched, folder)
    (folder / "report.html").unlink()
    with search.sole_driver(folder):
        assert "left to the driver" in refresh.refresh(folder)
    (folder / "config.yaml").write_text("grammar: dotz\n", encoding="utf-8")
    assert "left as it is: grammar=dotz: there is no such grammar" in refresh.refresh(folder)
    (folder / "config.yaml").unlink()
    assert "is not the folder of a run" in refresh.refresh(folder)
    assert not (folder / "report.html").exists()


def test_colours_can_be_read_in_the_light_and_in_the_dark() -> None:
    """WCAG 2.2: a contrast of 4.5 for text, on paper and on tinted boxes."""
    style = (Path(page.__file__).parent / "page.css").read_text(encoding="utf-8")
    themes = re.findall(r":root \{([^}]*--ink[^}]*)\}", style)
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--(\w+): (#\w{6})", theme))
        for text in ("ink", "soft", "accent"):
            for ground in ("paper", "tint"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground, theme)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


PROBE = """<script>
const complaints = [];
const out = (element) => element.getBoundingClientRect().right > innerWidth + 0.5;
for (const element of document.querySelectorAll("main *")) {
  if (out(element) && !element.closest(".scroll, pre, .made")) complaints.push(element.outerHTML);
}
for (const image of document.images) {
  if (!image.complete || !image.naturalWidth) complaints.push("not drawn: " + image.alt);
  if (image.getBoundingClientRect().width < 20) complaints.push("too small: " + image.alt);
}
for (const box of document.querySelectorAll(".scroll")) {
  const wider = box.scrollWidth > box.clientWidth;
  if (wider && getComputedStyle(box).overflowX !== "auto") complaints.push("cut off");
}
document.addEventListener("securitypolicyviolation", (event) => complaints.push(event.blockedURI));
const table = [...document.querySelectorAll("table.sortable")].pop();
const heads = [...table.tHead.rows[0].cells];
const column = heads.findIndex((head) => head.textContent === COLUMN);
const button = heads[column].querySelector("button");
const read = () => [...table.tBodies[0].rows].map((row) => row.cells[column].textContent);
const sorts = () => heads.map((head) => head.getAttribute("aria-sort")).filter((one) => one);
const before = read();
button.focus();
const focused = document.activeElement === button;
button.click();
const [down, downSort] = [read(), sorts()];
heads[column].click();
const [up, upSort] = [read(), sorts()];
heads[0].click();
parent.postMessage({
  name: NAME, inner: innerWidth, wide: document.scrollingElement.scrollWidth, complaints, focused,
  before, down, downSort, up, upSort, first: heads[0].getAttribute("aria-sort"), moved: sorts().length,
  hint: getComputedStyle(document.querySelector(".with-js")).display,
  scrolls: [...document.querySelectorAll(".scroll")].some((box) => box.scrollWidth > box.clientWidth),
}, "*");
</script>"""

FRAME = """<title></title><script>
const said = [];
onmessage = (event) => { said.push(event.data); document.title = JSON.stringify(said); };
</script>"""


@pytest.fixture(scope="module")
def seen(
    searched: Path, taught: Path, declared: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, int], dict[str, object]]:
    """Every page at the width of a desk and of a phone, as Chromium shows them."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    place = tmp_path_factory.mktemp("browser")
    frames = FRAME
    pages = (
        ("search", searched, "seconds"),
        ("lesson", taught, "distinct"),
        ("experiment", declared, "coverage"),
    )
    for name, folder, column in pages:
        probe = PROBE.replace("NAME", json.dumps(name)).replace("COLUMN", json.dumps(column))
        source = (folder / "report.html").read_text(encoding="utf-8")
        (place / f"{name}.html").write_text(source.replace("</body>", f"{probe}</body>"), encoding="utf-8")
        # a browser's window has a least width; a frame has none
        frames += "".join(
            f'<iframe src="{name}.html" width="{width}" height="900" style="border: 0"></iframe>'
            for width in (1280, 390)
        )
    (place / "frames.html").write_text(frames, encoding="utf-8")
    shown = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={place / 'profile'}", "--window-size=1400,1000", "--dump-dom",
            (place / "frames.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout  # fmt: skip
    reports = json.loads(shown.partition("<title>")[2].partition("</title>")[0])
    return {(one["name"], one["inner"]): one for one in reports}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["search", "lesson", "experiment"])
def test_it_fits_the_screen(seen: dict[tuple[str, int], dict], name: str, width: int) -> None:
    one = seen[name, width]
    assert one["wide"] <= width
    assert one["complaints"] == []
    assert one["hint"] == "block"
    if width == 390:
        assert one["scrolls"], "a wide table scrolls inside itself"


@pytest.mark.parametrize("name", ["search", "lesson", "experiment"])
def test_a_press_on_a_head_sorts_numbers_as_numbers(seen: dict[tuple[str, int], dict], name: str) -> None:
    one = seen[name, 390]
    assert one["focused"], "a key reaches it"
    numbers = [float(text) for text in one["before"] if text]
    if name == "search":
        assert numbers == [0.5, 10.2, 9.5, 0.1]
    assert [float(text) for text in one["down"] if text] == sorted(numbers, reverse=True)
    assert [float(text) for text in one["up"] if text] == sorted(numbers)
    assert sorted(one["down"]) == sorted(one["up"]) == sorted(one["before"])
    blank = len(one["before"]) - len(numbers)
    assert one["down"][len(numbers) :] == one["up"][len(numbers) :] == [""] * blank
    assert (one["downSort"], one["upSort"]) == (["descending"], ["ascending"])
    assert one["first"] is not None
    assert one["moved"] == 1


def test_an_experiment_has_its_page(declared: Path) -> None:
    outline = read(declared / "report.html")
    assert outline.said["h1"] == ["Two machines"]
    words = (declared / "report.html").read_text(encoding="utf-8")
    assert "&lt;i&gt;No one&lt;/i&gt; knows." in words
    assert "n* at d = 9" in words
    assert len(outline.all("img")) == 2
    drawn = sorted(file.stem for file in (declared / "figures").glob("*.png"))
    assert drawn == ["atlas", "n-star-dots"]


def test_searches_of_an_experiment_are_compared_by_fresh_trainings() -> None:
    searches = {"dots ideal": {"result": result(), "verified": verified()}}
    told = compared(Whole("Teaching", xr.Dataset(), (), searches))
    assert told.numbers is not None
    (row,) = told.numbers.drop_dims("again").to_dataframe().to_dict("records")
    assert (row["found_sentence"], row["found_n"], row["found_fresh"]) == (LESSONS[0], 1, 1)
    assert row["found_g"] == pytest.approx(np.mean(FRESH), abs=0.005)
    assert (row["baseline_sentence"], row["baseline_n"]) == (LESSONS[2], 4)
    assert row["found_uses_target"] == 0
    assert (row["shortest_sentence"], row["shortest_bits"]) == (LESSONS[0], 9.0)
    assert "0.62" in told.lines[0]
    assert "0.97" not in " ".join(told.lines)
    assert list(told.figures) == ["teaching-sets"]
    # By the run's own learner, and by another one.
    own, other = told.numbers.drop_dims("row").to_dataframe().to_dict("records")
    assert (own["again_learner"], own["again_g"]) == ("ideal", row["found_g"])
    assert own["again_difference_low"] > 0
    assert (other["again_learner"], other["again_trainings"], other["again_baseline_n"]) == ("conv", 3, 4)
    assert other["again_difference"] == pytest.approx(0.105)
    assert any(line.startswith("    to conv: g 0.31 [") for line in told.lines)


def test_a_table_reads_without_its_script(searched: Path) -> None:
    source = (searched / "report.html").read_text(encoding="utf-8")
    plain = re.sub(r"<script>.*?</script>", "", source, flags=re.S)
    outline = Outline(plain)
    assert "<button" not in plain
    assert len(outline.all("tr")) >= 4 + 4 + 4 + 3 + 4
    assert "html:not(.js) .with-js { display: none; }" in plain


def test_nothing_is_fetched(searched: Path, taught: Path, declared: Path) -> None:
    for folder in (searched, taught, declared):
        outline = read(folder / "report.html")
        assert not [one for one in outline.found if one[0] in ("link", "iframe", "object", "embed", "base")]
        for _, attributes in outline.found:
            for name in ("src", "href", "srcset"):
                assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,"))
        policy = next(one["content"] for one in outline.all("meta") if "http-equiv" in one)
        assert (policy or "").startswith("default-src 'none'")
        assert "url(" not in outline.said["style"][0]
