"""The languages by name. A new one is one file and one line here; somebody else's calls `register`."""

from __future__ import annotations

import importlib
from functools import lru_cache

from grammars.errors import GrammarError, unknown
from grammars.language import Grammar, Language
from grammars.spaces import Space

# name: module with a `LANGUAGE`
_MODULES: dict[str, str] = {
    "codes": "grammars.codes",
    "dots": "grammars.dots",
    "fractals": "grammars.fractals",
    "polygons": "grammars.polygons",
    "regions": "grammars.regions",
}
_REGISTERED: dict[str, Language] = {}


def register(language: Language) -> None:
    """Make a language of your own known by its name. A second call with another language is an error."""
    if language.name in _MODULES or _REGISTERED.get(language.name, language) is not language:
        raise GrammarError(f"there is a language {language.name!r} already")
    _REGISTERED[language.name] = language


def available() -> dict[str, str]:
    """The known languages: name and one line on what each says."""
    return {name: _language(name).summary for name in sorted([*_MODULES, *_REGISTERED])}


def load(name: str, space: Space | None = None) -> Grammar:
    """The language of this name bound to a space (its own default one unless given)."""
    return _load(name, space if space is not None else _language(name).space)


@lru_cache(maxsize=64)
def _load(name: str, space: Space) -> Grammar:
    return Grammar(_language(name), space)


def _language(name: str) -> Language:
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name not in _MODULES:
        raise GrammarError(unknown("grammar", str(name), [*_MODULES, *_REGISTERED]))
    language: Language = importlib.import_module(_MODULES[name]).LANGUAGE
    return language
