"""Languages: spaces, sentences, rules, and sets with exact membership and counts."""

from grammars.errors import GrammarError, SentenceError, nearest
from grammars.example_set import ExampleSet, Traits
from grammars.language import Grammar, Language
from grammars.registry import available, load, register
from grammars.sentence import Sentence
from grammars.shortest import shortest
from grammars.spaces import Examples, Grid, Plane, Space, distinct, keys

__all__ = [
    "ExampleSet",
    "Examples",
    "Grammar",
    "GrammarError",
    "Grid",
    "Language",
    "Plane",
    "Sentence",
    "SentenceError",
    "Space",
    "Traits",
    "available",
    "distinct",
    "keys",
    "load",
    "nearest",
    "register",
    "shortest",
]
