"""Many random sentences of every language over a grid: text, bits, bounds, and what they denote everywhere.

The slow tests take 100,000 sentences of each language and denote 2,000; the quick ones far fewer.
"""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import grammars

NAMES = [
    name for name in sorted(grammars.available()) if isinstance(grammars.load(name).space, grammars.Grid)
]
SENTENCES, DENOTED = 100_000, 2_000
QUICK, FEWER = 200, 400
SEED = 20260303
SHOWN = 16  # examples drawn of a set


def read_again(name: str, count: int) -> int:
    """Hold random sentences to their bound and to their text; the number of different ones."""
    grammar = grammars.load(name)
    rng = np.random.default_rng(SEED)
    different = set()
    for i in range(count):
        type_name = ("Lesson", "Set")[i % 2]
        bound = float(rng.uniform(grammar.category(type_name).cheapest + 1.0, 240.0))
        sentence = grammar.random(type_name, rng, max_bits=bound)
        text = str(sentence)
        assert 0.0 < sentence.bits <= bound, text
        assert math.isfinite(sentence.bits)
        again = grammar.parse(text, type_name)
        assert again == sentence, text
        assert str(again) == text
        assert again.bits == sentence.bits, text
        different.add(text)
    return len(different)


def denoted(name: str, count: int) -> str:
    """Hold what random sentences denote to their own sets; a digest of all of it, for other processes."""
    grammar = grammars.load(name)
    rng = np.random.default_rng(SEED)
    digest = hashlib.sha256()
    for i in range(count):
        sentence = grammar.random("Set", rng)
        target = sentence.denote()
        size = target.size()
        drawn = target.sample(SHOWN, rng, distinct=True)
        assert target.contains(drawn).all(), sentence
        assert len(np.unique(grammars.keys(drawn))) == len(drawn), sentence
        members = target.members()
        if members is not None:
            assert len(members) == size, sentence
            assert len(drawn) == min(SHOWN, len(members)), sentence
        elif size is not None:
            assert len(drawn) <= min(SHOWN, size), sentence
        lesson = grammar.parse(f"take({1 + i % SHOWN}, {sentence}, seed={i})", "Lesson") if i % 2 else None
        lesson = lesson or grammar.random("Lesson", rng)
        examples = lesson.denote()
        assert len(examples) <= 1024
        assert len(np.unique(grammars.keys(examples))) == len(examples), lesson
        if i % 2:
            assert target.contains(examples).all(), lesson
            if members is not None:
                assert len(examples) == min(1 + i % SHOWN, len(members)), lesson
        digest.update(f"{lesson} {size} {sorted(target.sizes().items())}".encode())
        digest.update(examples.tobytes())
        digest.update(drawn.tobytes())
    return digest.hexdigest()


_ELSEWHERE = "import runpy, sys; print(runpy.run_path(sys.argv[1])['denoted'](sys.argv[2], int(sys.argv[3])))"


def denoted_elsewhere(name: str, count: int) -> str:
    """The digest of another process, with other hashes of strings."""
    return subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(Path(__file__).resolve()), name, str(count)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
    ).stdout.strip()


@pytest.mark.parametrize("name", NAMES)
def test_sentences_survive_their_text(name: str) -> None:
    assert read_again(name, SENTENCES // QUICK) > SENTENCES // QUICK // 2


@pytest.mark.parametrize("name", NAMES)
def test_what_sentences_denote_is_the_same_elsewhere(name: str) -> None:
    assert denoted(name, DENOTED // FEWER) == denoted_elsewhere(name, DENOTED // FEWER)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_100_000_sentences_survive_their_text(name: str) -> None:
    assert read_again(name, SENTENCES) > SENTENCES // 2


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_2_000_sentences_denote_is_the_same_elsewhere(name: str) -> None:
    assert denoted(name, DENOTED) == denoted_elsewhere(name, DENOTED)
