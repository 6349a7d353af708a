"""Comparing sets by their size: does a lesson name a set as large as the target?"""

from __future__ import annotations

import math

import numpy as np

from grammars.errors import GrammarError
from grammars.example_set import ExampleSet
from grammars.sentence import Sentence


def contains_as_large(sentence: Sentence, target: Sentence | ExampleSet) -> bool:
    """Whether a Set in the tree of the sentence is at least as large as the target; see Sentence."""
    if isinstance(target, Sentence):
        if target.type != "Set":
            raise GrammarError(f"a target is a Set, but got a {target.type}")
        target_set: ExampleSet = target.denote()
    else:
        target_set = target
    limit, limit_error = _size(target_set)
    for _, subtree in sentence.walk():
        if subtree.type == "Set":
            value, error = _size(subtree.denote())
            if value + 2.0 * math.hypot(error, limit_error) >= limit:
                return True
    return False


def _size(s: ExampleSet) -> tuple[float, float]:
    return s.log2_size(np.random.Generator(np.random.PCG64(0)))
