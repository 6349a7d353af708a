"""From text to sentence: a small subset of Python expressions, read with `ast`, never evaluated.

Calls with keywords, integers, floats and quoted strings; `grammars.scan` has refused everything else before.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from grammars.errors import GrammarError, SentenceError, nearest, shorten, unknown
from grammars.scan import scan

if TYPE_CHECKING:
    from grammars.bound import Category, Production, Slot
    from grammars.language import Grammar
    from grammars.sentence import Sentence


def parse(grammar: Grammar, source: str, type_name: str | None) -> Sentence:
    """The sentence a text says; SentenceError with its column where it does not."""
    if not isinstance(source, str):
        raise GrammarError(f"a sentence is text, but got {type(source).__name__}")
    scan(source, grammar.most_arguments)
    node = _tree(source)
    if type_name is None:
        type_name = _type_of(grammar, node)
    return _read(grammar, node, grammar.categories[type_name], None)


def _tree(source: str) -> ast.expr:
    # Printable ASCII in one line without indentation: `col_offset` is the position in the text.
    flat = re.sub(r"[\t\r\n]", " ", source)
    lead = len(flat) - len(flat.lstrip(" "))
    try:
        tree = ast.parse(flat.lstrip(" "), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        raise SentenceError(f"this cannot be read: {error}", lead + 1) from None
    if lead:
        for node in ast.walk(tree):
            if isinstance(node, ast.expr | ast.keyword):
                node.col_offset += lead
    return tree


def _column(node: Any) -> int:
    return int(node.col_offset) + 1


def _type_of(grammar: Grammar, node: ast.expr) -> str:
    name = _rule_name(node)
    if name is None:
        raise SentenceError("a rule is expected, such as take(...)", _column(node))
    if name not in grammar.productions:
        raise SentenceError(unknown("rule", name, grammar.productions), _column(node))
    return grammar.productions[name].type


def _rule_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    return None


def _read(grammar: Grammar, node: ast.expr, category: Category, place: str | None) -> Sentence:
    """The sentence of the wanted type that stands at a node; `place` names the parameter it is for."""
    where = f"{place} wants" if place else "expected"
    name = _rule_name(node)
    if name is None:
        if isinstance(node, ast.Name):
            raise SentenceError(_bare_name(grammar, node.id, category, where), _column(node))
        return _read_bare(grammar, node, category, where)
    named = {production.name: production for production in category.productions if not production.rule.bare}
    if name not in named:
        raise SentenceError(_wrong_rule(grammar, name, category, where), _column(node))
    assert isinstance(node, ast.Call)
    return _read_call(grammar, node, named[name])


def _bare_name(grammar: Grammar, name: str, category: Category, where: str) -> str:
    production = grammar.productions.get(name)
    if production is not None and production.type == category.name:
        return f"{name} is a rule and takes brackets: {name}(...)"
    near = nearest(name, [p.name for p in category.productions if not p.rule.bare])
    hint = f"; did you mean {near}(...)?" if near else f"; {_choices(category)}"
    return f"{where} a {category.name}, but got the name {shorten(name)!r}{hint}"


def _wrong_rule(grammar: Grammar, name: str, category: Category, where: str) -> str:
    other = grammar.productions.get(name)
    if other is not None and not other.rule.bare:
        return f"{where} a {category.name}, but {name} is a {other.type}; {_choices(category)}"
    ours = [p.name for p in category.productions if not p.rule.bare]
    near = nearest(name, ours) or nearest(name, [one for one in grammar.productions if one != name])
    hint = f"did you mean {near!r}?" if near else _choices(category)
    return f"{where} a {category.name}, but {shorten(name)!r} is no rule; {hint}"


def _choices(category: Category) -> str:
    from grammars.language import signature

    shown = [signature(p) if p.rule.bare else f"{p.name}(...)" for p in category.productions]
    return f"a {category.name} is {' or '.join(shown)}"


def _read_bare(grammar: Grammar, node: ast.expr, category: Category, where: str) -> Sentence:
    value = _literal(node)
    bare = [production for production in category.productions if production.rule.bare]
    problems = []
    for production in bare:
        problem = production.slots[0].domain.problem(value)  # type: ignore[union-attr]
        if problem is None:
            return production.sentence((_canonical(production.slots[0], value),))
        problems.append(problem)
    if problems and isinstance(value, bare[0].slots[0].domain.kind):  # type: ignore[union-attr]
        raise SentenceError(f"{where} a {category.name}: this literal {problems[0]}", _column(node))
    raise SentenceError(
        f"{where} a {category.name}, but got {shorten(repr(value), 40)}; {_choices(category)}", _column(node)
    )


def _literal(node: ast.expr) -> int | float | str:
    sign = 1
    at = node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, str) and sign == 1:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return sign * value
    raise SentenceError("a literal is an integer, a number or a quoted string", _column(at))


def _canonical(slot: Slot, value: Any) -> Any:
    return float(value) + 0.0 if slot.domain.kind is float else value  # type: ignore[union-attr]


def _read_call(grammar: Grammar, node: ast.Call, production: Production) -> Sentence:
    name = production.name
    args = _read_positional(grammar, node, production)
    keywords = {slot.name: slot for slot in production.keywords}
    given: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg not in keywords:
            wrong = str(keyword.arg)
            if any(wrong == slot.name for slot in production.positional):
                hint = f"{wrong} of {name} is given by its position, without its name"
            elif not keywords:
                hint = f"{name} has no argument {shorten(wrong)!r}, only {_usage(production)}"
            else:
                hint = unknown(f"argument of {name}", wrong, keywords)
            raise SentenceError(hint, _column(keyword))
        if keyword.arg in given:
            raise SentenceError(f"{keyword.arg} of {name} is given twice", _column(keyword))
        given[keyword.arg] = _read_slot(grammar, keyword.value, keywords[keyword.arg], name)
    for slot in production.keywords:
        if slot.name not in given and not slot.has_default:
            raise SentenceError(f"{name} misses {slot.name}: {_usage(production)}", _column(node))
        args.append(given.get(slot.name, slot.default))
    try:
        return production.sentence(tuple(args))
    except SentenceError:
        raise
    except GrammarError as error:
        raise SentenceError(str(error), _column(node)) from None


def _read_positional(grammar: Grammar, node: ast.Call, production: Production) -> list[Any]:
    name, positional = production.name, production.positional
    extra = len(node.args) - len(positional)
    if extra < 0:
        missing = positional[len(node.args)].name
        raise SentenceError(f"{name} misses {missing}: {_usage(production)}", _column(node))
    args = [_read_slot(grammar, n, s, name) for n, s in zip(node.args, positional, strict=False)]
    rest = node.args[len(positional) :]
    slot = production.several
    if slot is None or slot.several is None:
        if rest:
            hint = f"{name} takes {len(positional)} positional arguments: {_usage(production)}"
            raise SentenceError(hint, _column(rest[0]))
        return args
    if not slot.several.low <= extra <= slot.several.high:
        limits = f"{slot.several.low} to {slot.several.high}"
        raise SentenceError(f"{name} takes {limits} {slot.name}, but got {extra}", _column(node))
    return args + [_read_slot(grammar, n, slot, name) for n in rest]


def _usage(production: Production) -> str:
    from grammars.language import signature

    return signature(production)


def _read_slot(grammar: Grammar, node: ast.expr, slot: Slot, rule_name: str) -> Any:
    place = f"{slot.name} of {rule_name}"
    if slot.category:
        return _read(grammar, node, slot.category, place)
    domain = slot.domain
    if isinstance(node, ast.Name | ast.Call):
        shown = node.id if isinstance(node, ast.Name) else f"{_rule_name(node)}(...)"
        raise SentenceError(f"{place} is {domain.describe()}, but got {shorten(shown)}", _column(node))  # type: ignore[union-attr]
    value = _literal(node)
    problem = domain.problem(value)  # type: ignore[union-attr]
    if problem:
        raise SentenceError(f"{place} {problem}", _column(node))
    return _canonical(slot, value)
