"""Settings: laid over each other in the stated order, held to their rules, sentences untouched."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from study.config import VARIANTS, Config
from study.errors import StudyError
from study.folder import check, differences, place, settings_of, write_settings
from study.help import page
from study.resolve import command, decisive, resolve
from study.settings import declarations, items, values


def settings(*words: str):
    return resolve(words).settings


def test_order_is_defaults_file_variant_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VARIANTS, "dots", {"space.height": 9, "search.seed": 3})
    monkeypatch.setitem(VARIANTS, ("dots", "conv"), {"width": 7})
    file = tmp_path / "mine.yaml"
    file.write_text("search: {seed: 4, evaluations: 11}\nlearner: {width: 5}\n", encoding="utf-8")
    # a file alone lies over what the default names bring along
    assert settings(f"config={file}").search.seed == 4
    assert settings(f"config={file}").space.height == 9
    # a name chosen on the line brings its variant over the file
    chosen = settings(f"config={file}", "grammar=dots")
    assert (chosen.search.seed, chosen.learner.width, chosen.search.evaluations) == (3, 7, 11)
    # and a value on the line lies over everything
    assert settings(f"config={file}", "grammar=dots", "search.seed=5").search.seed == 5


def test_the_settings_of_a_run_give_that_run_again(tmp_path: Path) -> None:
    wanted = settings("target=dots(k=2)", "learner.padding=zeros", "search.seed=7", "verify.learners=[conv]")
    write_settings(tmp_path, wanted)
    again = settings(f"config={tmp_path / 'config.yaml'}")
    assert values(again) == values(wanted)
    assert place(again) == place(wanted)


@pytest.mark.parametrize(
    "word", ["target=dots(k=2)", "target=dots(k=between(1, 2))", "target='${x}'", "ledger=${oc.env:HOME}"]
)
def test_text_is_a_value_and_never_a_reference(word: str) -> None:
    key, _, text = word.partition("=")
    if "$" in text and key == "target":
        with pytest.raises(StudyError, match="target"):
            settings(word)
    else:
        assert OmegaConf.select(settings(word), key) == text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("ledger", "sqlite:///there/${oc.env:SECRET}.db"),
        ("ledger", r"a\${oc.env:SECRET}"),
        ("cache", r"\\${oc.env:SECRET}\\"),
        ("run", "${grammar}"),
    ],
)
def test_text_stays_text_in_a_file_and_on_the_way_through_one(
    key: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "told")
    asked = settings(f"{key}={text}")
    assert OmegaConf.select(asked, key) == values(asked)[key] == text
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({key: text}), encoding="utf-8")
    assert values(settings(f"config={file}"))[key] == text
    write_settings(tmp_path, asked)
    assert values(settings(f"config={tmp_path / 'config.yaml'}"))[key] == text
    assert check(tmp_path, asked)


def test_text_in_a_list_stays_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "told")
    (tmp_path / "mine.yaml").write_text("verify: {learners: ['${oc.env:SECRET}']}\n", encoding="utf-8")
    for word in ("verify.learners=[${oc.env:SECRET}]", f"config={tmp_path / 'mine.yaml'}"):
        assert values(settings(word))["verify.learners"] == ["${oc.env:SECRET}"]


def test_a_folder_with_a_reference_is_compared_by_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "told")
    (tmp_path / "config.yaml").write_text("target: '${oc.env:SECRET}'\n", encoding="utf-8")
    assert settings_of(tmp_path) == {"target": "${oc.env:SECRET}"} | settings_of_an_empty_one(tmp_path)


def settings_of_an_empty_one(folder: Path) -> dict[str, object]:
    (folder / "empty").mkdir()
    (folder / "empty" / "config.yaml").write_text("{}", encoding="utf-8")
    return settings_of(folder / "empty")


@pytest.mark.parametrize(
    "word",
    [
        "search.evaluations=${oc.decode:5}",
        "search.baselines=[${oc.decode:5}]",
        "learner.width=${search.seed}",
        "ledger=???",
    ],
)
def test_what_would_be_a_reference_is_no_number_and_nothing_is_left_open(word: str) -> None:
    with pytest.raises(StudyError, match=word.partition("=")[0]) as caught:
        settings(word)
    assert "\n" not in str(caught.value)


def test_no_file_that_comes_with_the_project_refers_to_anything() -> None:
    files = [*Path(__file__).resolve().parents[1].glob("study/**/*.yaml")]
    assert files
    assert not [file.name for file in files if "${" in file.read_text(encoding="utf-8")]


def test_a_command_line_is_made_from_the_settings_and_gives_them_again() -> None:
    wanted = settings("search.searcher=random", "target=dots(k=2)", "workers=2", "search.baselines=[1,2]")
    import shlex

    words = shlex.split(command(wanted))
    assert words[:3] == ["python", "-m", "study.search"]
    assert values(settings(*words[3:])) == values(wanted)
    assert command(settings("grammar=dots")) == "python -m study.search grammar=dots"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[a, b]", ["a", "b"]),
        ("a,b", ["a", "b"]),
        ("[]", []),
        ("conv(padding='zeros', width=3),ideal", ["conv(padding='zeros', width=3)", "ideal"]),
    ],
)
def test_commas_within_brackets_belong_to_an_element(text: str, parts: list[str]) -> None:
    assert items(text) == parts


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["grammar=dotz"], "grammar=dotz: there is no such grammar; did you mean dots?"),
        (["learner=convv"], "learner=convv: there is no such learner; did you mean conv?"),
        (["search.searcher=genetics"], "there is no such searcher; did you mean genetic?"),
        (["search.evaluation=10"], "search.evaluation is not a setting; did you mean search.evaluations?"),
        (["evaluations=10"], "evaluations is not a setting; did you mean search.evaluations?"),
        (["learner.widht=10"], "learner.widht is not a setting; did you mean learner.width?"),
        (["search.evaluations=-3"], "must hold, but got search.evaluations=-3"),
        (["search.evaluations=many"], "search.evaluations takes a whole number, but got 'many'"),
        (["search.evaluations=1.5"], "search.evaluations takes a whole number, but got '1.5'"),
        (["search.baselines=[1,x]"], "search.baselines takes a list such as [1, 4]"),
        (["search.baselines=[0]"], "must hold, but got search.baselines=[0]"),
        (["learner.width=0"], "must hold, but got learner.width=0"),
        (["learner.learning_rate=nan"], "must hold, but got learner.learning_rate=nan"),
        (["learner.padding=zero"], "learner.padding=zero: not one of its choices; did you mean zeros?"),
        (["device=cudaa"], "device=cudaa: not one of its choices; did you mean cuda?"),
        (["search=3"], "search is a group of settings: search.searcher, search.evaluations"),
        (["dots"], "did you mean grammar=dots?"),
        (["=3"], "settings are key=value"),
        (["--cgf"], "--cgf is not a flag; did you mean --cfg?"),
        (["config=nowhere.yaml"], "config=nowhere.yaml: there is no such file"),
        (["plugins=[no_such_module]"], "there is no module 'no_such_module'"),
        (["target=dots(k=two)"], "target: "),
        (["space.height=1000"], "must hold, but got space.height=1000"),
    ],
)
def test_a_wrong_word_gets_the_rule_or_the_nearest_right_one(words: list[str], message: str) -> None:
    with pytest.raises(StudyError) as caught:
        settings(*words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_target_that_does_not_parse_says_where() -> None:
    with pytest.raises(StudyError, match="column 8"):
        settings("target=dots(k=two)")


@pytest.mark.parametrize("text", ["- a list\n", "search: [unclosed\n", "search:\n  evaluation: 3\n"])
def test_a_bad_file_gets_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        settings(f"config={file}")
    assert str(caught.value)


def test_a_file_may_name_a_learner_that_the_line_replaces(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("learner: {name: conv, padding: zeros}\nmeasure: {samples: 64}\n", encoding="utf-8")
    replaced = settings(f"config={file}", "learner=ideal")
    assert replaced.learner.name == "ideal"
    assert "padding" not in replaced.learner
    assert replaced.measure.samples == 64


def test_help_shows_every_setting_with_its_meaning() -> None:
    chosen = settings()
    text = page(chosen)
    for key, declared in declarations(chosen).items():
        assert f"\n{'learner' if key == 'learner.name' else key}=" in text
        assert declared["help"], f"{key} has no meaning"
    assert set(values(chosen)) == set(declarations(chosen))


def test_every_default_obeys_its_own_rule() -> None:
    for name in ("dots", "polygons"):
        assert settings(f"grammar={name}").grammar == name


def test_default_settings_give_a_plain_folder_and_others_eight_digits() -> None:
    assert place(settings("grammar=dots")) == Path("runs/dots-conv")
    assert place(settings("grammar=dots", "workers=7", "verify.seeds=9")) == Path("runs/dots-conv")
    assert place(settings("learner=ideal")) == Path("runs/dots-ideal")
    # more evaluations continue a run
    assert place(settings("search.evaluations=500")) == Path("runs/dots-conv")
    names = {
        place(settings(*words)).name for words in (["search.seed=1"], ["search.seed=2"], ["learner.width=9"])
    }
    assert len(names) == 3
    assert all(name.startswith("dots-conv-") and len(name) == len("dots-conv-") + 8 for name in names)
    assert place(settings("search.searcher=random")).name != "dots-conv"
    assert place(settings("run=a/b")) == Path("a/b")


def test_a_folder_of_other_settings_is_refused_with_the_difference(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write_settings(folder, settings("search.seed=1"))
    before = (folder / "config.yaml").read_bytes()
    with pytest.raises(StudyError) as caught:
        check(folder, settings("search.seed=2"))
    assert "search.seed is 1 there, 2 here" in str(caught.value)
    assert "run=" in str(caught.value)
    assert (folder / "config.yaml").read_bytes() == before
    assert check(folder, settings("search.seed=1"))


@pytest.mark.parametrize(
    "word",
    [
        "workers=3",
        "scheduler=tcp://a:1",
        "device=cpu",
        "ledger=sqlite:///x.db",
        "verify.seeds=9",
        "report.sentences=2",
        "search.evaluations=1000",
    ],
)
def test_what_may_change_when_a_run_is_resumed(tmp_path: Path, word: str) -> None:
    write_settings(tmp_path, settings())
    assert check(tmp_path, settings(word))


def test_fewer_evaluations_are_refused(tmp_path: Path) -> None:
    write_settings(tmp_path, settings("search.evaluations=20"))
    with pytest.raises(StudyError, match="search.evaluations is 20 there, 10 here"):
        check(tmp_path, settings("search.evaluations=10"))


def test_a_path_below_a_file_and_a_folder_of_other_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    with pytest.raises(StudyError, match=r"README.md is a file, and a run needs a folder"):
        check(tmp_path / "README.md" / "x", settings())
    with pytest.raises(StudyError, match=r"no config.yaml"):
        check(tmp_path, settings())
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_damaged_config_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("search: [", encoding="utf-8")
    with pytest.raises(StudyError, match="cannot be read"):
        check(tmp_path, settings())
    assert (tmp_path / "config.yaml").read_text(encoding="utf-8") == "search: ["


def test_differences_name_settings_that_only_one_side_has(tmp_path: Path) -> None:
    write_settings(tmp_path, settings("learner=ideal"))
    found = differences(settings_of(tmp_path), decisive(settings("learner=conv")))
    assert "learner.name is ideal there, conv here" in found
    assert any(line.startswith("learner.padding is nothing there") for line in found)


def test_only_the_declared_settings_are_in_the_configuration() -> None:
    assert set(settings()) == set(Config.__dataclass_fields__)
