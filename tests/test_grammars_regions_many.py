"""Many random sentences of every language of the plane: text, bits, bounds, and what they denote."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import grammars

NAMES = [
    name for name in sorted(grammars.available()) if isinstance(grammars.load(name).space, grammars.Plane)
]
SENTENCES, DENOTED = 100_000, 2_000
SEED = 20260304


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_sentences_survive(name: str) -> None:
    grammar = grammars.load(name)
    rng = np.random.default_rng(SEED)
    for i in range(SENTENCES):
        type_name = ("Lesson", "Set")[i % 2]
        bound = float(rng.uniform(grammar.category(type_name).cheapest + 1.0, 240.0))
        sentence = grammar.random(type_name, rng, max_bits=bound)
        assert 0.0 < sentence.bits <= bound
        again = grammar.parse(str(sentence), type_name)
        assert again == sentence
        assert again.bits == sentence.bits


def denoted(name: str, count: int) -> str:
    """Hold what random sentences denote to their own sets; a digest of all of it, for other processes."""
    grammar = grammars.load(name)
    rng = np.random.default_rng(SEED)
    digest = hashlib.sha256()
    for _ in range(count):
        sentence = grammar.random("Set", rng)
        region = sentence.denote()
        drawn = region.sample(16, rng, distinct=True)
        assert region.contains(drawn).all(), sentence
        assert len(np.unique(drawn, axis=0)) == len(drawn)
        assert region.size() in (None, 0)
        assert region.size() is None or not len(drawn), sentence
        assert region.area is None or region.area >= 0
        around = rng.normal(0, 1.5, (16, 2))
        distance = region.distance(around)
        assert ((distance == 0) == region.contains(around)).all(), sentence
        assert (region.at_least(around) <= distance + 1e-9).all(), sentence
        stated = (region.convex, region.locally_convex, region.bounded, region.area, region.area_in_window)
        lesson = grammar.random("Lesson", rng).denote()
        assert len(np.unique(lesson, axis=0)) == len(lesson) <= 1024
        for part in (str(stated).encode(), drawn.tobytes(), distance.tobytes(), lesson.tobytes()):
            digest.update(part)
    return digest.hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_denotations_are_the_same_in_another_process(name: str) -> None:
    here = denoted(name, DENOTED)
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('many', {str(Path(__file__))!r})\n"
        "many = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(many)\n"
        f"print(many.denoted({name!r}, {DENOTED}))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "5", "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.strip() == here
