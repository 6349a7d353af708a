"""The room's front door: names, settings, and one clear line for what a person gets wrong."""

import ast
import dataclasses
import sys
from pathlib import Path

import numpy as np
import omegaconf
import pytest

import models
from models import ModelError
from models.registry import REGISTRY

NAMES = sorted(models.available())


def test_every_learner_has_a_summary_and_loads_with_its_defaults() -> None:
    assert {"conv", "transformer", "ideal", "equivariant_local", "boundary_broken"} <= set(NAMES)
    for name, summary in models.available().items():
        assert 10 < len(summary) < 100
        assert models.load(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_says_its_meaning_and_its_range_or_choices(name: str) -> None:
    for declared in dataclasses.fields(models.settings(name)):
        assert declared.metadata["help"]
        assert "unit" in declared.metadata
        if "range" in declared.metadata or "choices" in declared.metadata:
            continue
        # Yes or no says so by its type; what is written freely is read, and refused where it says nothing.
        if not isinstance(declared.default, bool):
            with pytest.raises(ModelError, match=declared.name):
                models.load(name, **{declared.name: "what is this"})


@pytest.mark.parametrize("name", NAMES)
def test_settings_serve_as_a_configuration(name: str) -> None:
    tree = omegaconf.OmegaConf.structured(models.settings(name))
    steps = "sampler_steps" if "sampler_steps" in tree else "steps"
    tree[steps] = 7
    values = omegaconf.OmegaConf.to_container(tree)
    assert isinstance(values, dict)
    learner = models.load(name, **{str(key): value for key, value in values.items()})
    assert getattr(learner.settings, steps) == 7


@pytest.mark.parametrize("name", NAMES)
def test_values_beyond_the_declared_range_are_refused(name: str) -> None:
    for declared in dataclasses.fields(models.settings(name)):
        if "choices" in declared.metadata:
            with pytest.raises(ModelError, match=declared.name):
                models.load(name, **{declared.name: "no such choice"})
        elif "range" in declared.metadata:
            low, high = declared.metadata["range"]
            kind = int if isinstance(low, int) else float
            for wrong in (low - 1, high + 1):
                with pytest.raises(ModelError, match=declared.name):
                    models.load(name, **{declared.name: kind(wrong)})


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: models.load("convv"), "no learner 'convv'; did you mean 'conv'?"),
        (lambda: models.load("conv", widht=3), "no setting 'widht'; did you mean 'width'?"),
        (lambda: models.load("conv", steps=-1), "`0 <= steps <= 10000000` must hold, but got steps=-1"),
        (lambda: models.load("conv", steps=2.5), "steps must be of type int, but got 2.5"),
        (lambda: models.load("conv", steps=True), "steps must be of type int, but got True"),
        (lambda: models.load("conv", steps=None), "steps must have a value, but got None"),
        (lambda: models.load("conv", ema=float("nan")), "ema must be finite, but got nan"),
        (
            lambda: models.load("conv", padding="zeroes"),
            "padding must be one of circular, zeros, but got 'zeroes'; did you mean 'zeros'?",
        ),
        (lambda: models.load("conv", sigma_min=0.5, sigma_max=0.2), "`sigma_min < sigma_max` must hold"),
        (lambda: models.load("transformer", width=30, heads=4), "`heads` must divide `width`"),
        (lambda: models.load("ideal").fit([np.ones((1, 3, 3))], []), "as many seeds as training sets"),
        (lambda: models.load("ideal").fit([np.ones((0, 3, 3))], [0]), "with n >= 1"),
        (lambda: models.load("conv").fit([np.ones((4, 2))], [0]), "conv learns pictures of shape"),
        (lambda: models.load("ideal").fit([np.ones((4, 3))], [0]), "and points of shape (2,), not (3,)"),
        (lambda: models.load("ideal").fit([np.full((1, 3, 3), np.nan)], [0]), "must be finite"),
        (lambda: models.load("ideal").fit([np.ones((1, 3, 3))], [-1]), "`seed >= 0` must hold"),
        (lambda: models.load("ideal").fit([np.ones((1, 3, 3))], [0], device="tpu"), "device must be cpu"),
        (lambda: models.load("conv").fit([np.ones((1, 3, 3))], [0], [601]), "checkpoint <= steps"),
        (lambda: fitted().sample(-1, 0), "`n >= 0` and `seed >= 0` must hold"),
        (lambda: fitted().sample(1, 0, sampler="hein"), "no sampler 'hein'; did you mean 'heun'?"),
        (lambda: fitted().sample(1, 0, steps=0), "`steps >= 1` must hold"),
        (lambda: fitted().at(5), "no checkpoint at step 5"),
        (lambda: fitted().denoise(np.ones((2, 4, 4)), 1.0), "examples must have shape"),
        (lambda: fitted().denoise(np.ones((2, 3, 3)), 0.0), "sigma must be"),
        (lambda: fitted().denoise(np.ones((2, 3, 3)), [1, 1, 1]), "sigma must be"),
        (lambda: fitted().log_prob(np.ones((2, 4, 4))), "examples must have shape"),
        (lambda: fitted().likelihood(np.ones((2, 3, 3)), probes=1), "`probes >= 2` must hold"),
        (
            lambda: models.register("conv", "models.ideal:Ideal", "another"),
            "there is a learner 'conv' already",
        ),
    ],
)
def test_mistakes_are_one_clear_line(ask, says: str) -> None:
    with pytest.raises(ModelError) as error:
        ask()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def fitted() -> models.Fitted:
    return models.load("ideal").fit([np.ones((1, 3, 3))], [0])[0]


def test_a_learner_from_elsewhere_joins_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_learners.py").write_text("from models.ideal import Ideal\nclass Mine(Ideal):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    models.register("mine", "my_learners:Mine", "the same, by another name")
    try:
        assert type(models.load("mine")).__name__ == "Mine"
        assert "mine" in models.available()
    finally:
        del REGISTRY["mine"]
        sys.modules.pop("my_learners", None)


def test_the_room_knows_torch_and_numpy_and_nothing_of_ours() -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "torch", "models"}
    for path in Path(models.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, path.name
