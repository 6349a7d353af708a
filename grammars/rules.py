"""Rules of a language: ordinary annotated functions, read once.

A rule takes denotations and returns a denotation. Its annotations say what may stand where: a nonterminal
(`Set`, `Lesson`, `Picture`, `Count`, `Region`, `Motion`, or one you declare), or a literal such as
`Annotated[int, Between(1, 6)]`. A parameter annotated with a space (`Grid`, `Plane`) or with `Traits` is
handed in and never written. Positional parameters print positionally, keyword-only ones as keywords, and an
argument equal to its default is not written at all.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints, overload

import numpy as np
from numpy.typing import NDArray

from grammars.errors import GrammarError
from grammars.example_set import ExampleSet, Traits
from grammars.spaces import Examples, Grid, Plane, Space


@dataclass(frozen=True)
class Nonterminal:
    """A type of sentences, by its name."""

    name: str


@dataclass(frozen=True)
class Several:
    """How many arguments a `*parameter` takes: `low` to `high`; after the first `low`, another follows with
    probability `more`."""

    low: int = 1
    high: int = 1024
    more: float = 0.5


@dataclass(frozen=True)
class Default:
    """The text of the sentence that stands where a parameter is not written."""

    text: str


def default(text: str) -> Any:
    """Default of a parameter whose type is a nonterminal: `region: Region = default("everywhere()")`."""
    return Default(text)


Set = Annotated[ExampleSet, Nonterminal("Set")]
Lesson = Annotated[Examples, Nonterminal("Lesson")]
Picture = Annotated[NDArray[np.bool_], Nonterminal("Picture")]
Region = Annotated[NDArray[np.bool_], Nonterminal("Region")]
Count = Annotated[frozenset[int], Nonterminal("Count")]
Motion = Annotated[Any, Nonterminal("Motion")]

SPACES: tuple[Any, ...] = (Grid, Plane, Space)
MISSING: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Parameter:
    """One written parameter of a rule. `domain` is a Nonterminal or an unbound literal such as Between."""

    name: str
    domain: Any
    keyword: bool
    default: Any
    several: Several | None


@dataclass(frozen=True)
class Argument:
    """One argument of the function's call: handed in ("space", "traits") or written ("given", "several")."""

    name: str
    source: str
    keyword: bool


@dataclass(frozen=True, eq=False)
class Rule:
    """A function that is a rule of a language; calling it calls the function."""

    function: Callable[..., Any]
    name: str
    type: Nonterminal
    parameters: tuple[Parameter, ...]
    call: tuple[Argument, ...]
    weight: float
    symmetric: bool
    bare: bool
    summary: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


@overload
def rule(function: Callable[..., Any], /) -> Rule: ...
@overload
def rule(
    *, weight: float = 1.0, symmetric: bool = False, bare: bool = False
) -> Callable[[Callable[..., Any]], Rule]: ...


def rule(
    function: Callable[..., Any] | None = None,
    /,
    *,
    weight: float = 1.0,
    symmetric: bool = False,
    bare: bool = False,
) -> Rule | Callable[[Callable[..., Any]], Rule]:
    """Declare a function as a rule.

    weight:    its probability among the rules of the same type is proportional to it.
    symmetric: the order of its positional arguments means nothing; they are written in ascending order, and
               a `*parameter` drops repetitions.
    bare:      one literal that stands for itself: `exactly(k)` of type Count is written `3`.
    """
    if function is None:
        return lambda f: _read(f, weight, symmetric, bare)
    return _read(function, weight, symmetric, bare)


def _read(function: Callable[..., Any], weight: float, symmetric: bool, bare: bool) -> Rule:
    name = function.__name__
    if weight <= 0:
        raise GrammarError(f"rule {name}: `weight > 0` must hold, but got (weight={weight})")
    hints = get_type_hints(function, include_extras=True)
    returned = _marks(hints.get("return"))
    if not returned or not isinstance(returned[0], Nonterminal):
        raise GrammarError(f"rule {name}: the return annotation must be a nonterminal such as Set")
    parameters: list[Parameter] = []
    call: list[Argument] = []
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name)
        keyword = parameter.kind is parameter.KEYWORD_ONLY
        if hint is Traits or hint in SPACES:
            call.append(Argument(parameter.name, "traits" if hint is Traits else "space", keyword))
        else:
            parameters.append(_parameter(name, parameter, hint))
            source = "several" if parameters[-1].several else "given"
            call.append(Argument(parameter.name, source, keyword))
    if bare and (len(parameters) != 1 or isinstance(parameters[0].domain, Nonterminal)):
        raise GrammarError(f"rule {name}: a bare rule has exactly one literal parameter")
    if symmetric and len({p.domain for p in parameters if not p.keyword}) > 1:
        raise GrammarError(f"rule {name}: the positional parameters of a symmetric rule are of one type")
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    return Rule(function, name, returned[0], tuple(parameters), tuple(call), weight, symmetric, bare, summary)


def _parameter(rule_name: str, parameter: inspect.Parameter, hint: Any) -> Parameter:
    marks = _marks(hint)
    if not marks:
        raise GrammarError(
            f"rule {rule_name}: parameter {parameter.name} must be annotated with a nonterminal, a literal "
            f"such as Annotated[int, Between(0, 7)], a space or Traits, but got {hint!r}"
        )
    several = next((mark for mark in marks if isinstance(mark, Several)), None)
    if parameter.kind is parameter.VAR_POSITIONAL:
        several = several or Several()
    elif several or parameter.kind is parameter.VAR_KEYWORD:
        raise GrammarError(f"rule {rule_name}: only a *parameter takes several arguments: {parameter.name}")
    keyword = parameter.kind is parameter.KEYWORD_ONLY
    if parameter.default is not MISSING and not keyword:
        raise GrammarError(f"rule {rule_name}: only keyword parameters have defaults: {parameter.name}")
    return Parameter(parameter.name, marks[0], keyword, parameter.default, several)


def _marks(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()
