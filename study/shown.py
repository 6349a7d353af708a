"""A sentence or a language in words and pictures: lines to print, and a sheet to write."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import analysis
import grammars
from grammars.example_set import ExampleSet
from grammars.language import signature

COLUMNS = 8  # pictures side by side
MEASURED = 256  # members whose properties are averaged
SENTENCES = 6  # random sentences of each kind, in the words about a language
EXTRA_BITS = 10.0  # what an example of a rule may cost beyond the shortest one
FACTS = ("area", "area_in_window", "convex", "locally_convex", "bounded")  # what a region of the plane states

Shown = tuple[list[str], Figure | None]


def of_sentence(sentence: grammars.Sentence, pictures: int, points: int, seed: int) -> Shown:
    """What a sentence says, in words, and drawn where it can be."""
    rng = np.random.default_rng(seed)
    said = sentence.denote()
    lines = [
        line("sentence", str(sentence)),
        line("type", f"{sentence.type} of {sentence.grammar.name} on {sentence.grammar.space}"),
        line("bits", f"{sentence.bits:.2f}"),
    ]
    if isinstance(said, ExampleSet):
        return [*lines, *about_set(said, rng)], drawn_set(sentence, said, pictures, points, rng)
    if sentence.type == "Lesson":
        return [*lines, *about_lesson(said, sentence.grammar)], drawn_examples(sentence, said[:pictures])
    if isinstance(said, np.ndarray) and said.shape == sentence.grammar.space.shape and said.dtype == bool:
        return [*lines, line("white", f"{int(said.sum())} pixels")], drawn_examples(sentence, said[None])
    if isinstance(said, frozenset):
        return [*lines, line("says", ", ".join(str(one) for one in sorted(said)) or "nothing")], None
    return lines, None


def line(name: str, value: str) -> str:
    return f"{name:<11} {value}"


# Words about a set and about a lesson.


def about_set(target: ExampleSet, rng: np.random.Generator) -> list[str]:
    """Its size, its strata, how it is drawn from, and the properties of some of its members."""
    lines = [line("size", size_of(target, rng))]
    for fact in FACTS:
        if hasattr(target, fact):
            lines.append(line(fact.replace("_", " "), fact_of(getattr(target, fact))))
    weights, sizes, names = target.weights, target.sizes(), target.stratum_names
    drawn = "uniform" if target.sampling == "uniform" else "by a declared generator, not uniform,"
    lines += [
        line("sampling", f"strata by their weight; {drawn} within a stratum"),
        line("distance", "exact" if target.distance_is_exact else "an upper bound"),
        "",
        f"{'stratum':<24}{'weight':>8}{'size':>28}",
    ]
    lines += [f"{names[s]:<24}{weights[s]:>8.3f}{counted(sizes.get(s)):>28}" for s in weights]
    if not weights:
        lines.append("none: the set is empty")
    members = target.sample(MEASURED, rng)
    if len(members):
        lines += ["", f"{f'property of {len(members)} members':<24}{'mean':>12}{'least':>12}{'greatest':>12}"]
    for name, of in target.properties.items() if len(members) else ():
        found = of(members)
        lines.append(f"{name:<24}{found.mean():>12.3f}{found.min():>12.3f}{found.max():>12.3f}")
    return lines


def size_of(target: ExampleSet, rng: np.random.Generator) -> str:
    """The exact number, or what is known instead."""
    size = target.size()
    if size is not None:
        return counted(size)
    value, error = target.log2_size(rng)
    if isinstance(target.space, grammars.Plane):
        return f"a continuum, log2 of its area in the window {value:.2f}" + (
            f" ± {error:.2f}" if error else ""
        )
    return f"not counted; estimated 2^{value:.2f}" + (
        f" ± {error:.2f}" if error < math.inf else " at least: no two of the draws were equal"
    )


def counted(size: int | None) -> str:
    """A number in full, and as a power of two from a thousand on."""
    if size is None:
        return "not counted"
    return f"{size:,}" + (f" (2^{math.log2(size):.2f})" if size >= 1000 else "")


def fact_of(value: Any) -> str:
    if value is None:
        return "unknown"
    return ("yes" if value else "no") if isinstance(value, bool | np.bool_) else f"{value:.6g}"


def about_lesson(examples: Any, grammar: grammars.Grammar) -> list[str]:
    """How many examples it has, of which strata, and what it would cost to write them down."""
    n, lines = len(examples), [line("n", f"{len(examples)} examples")]
    if isinstance(grammar.space, grammars.Grid) and n:
        choices = 2**grammar.space.size
        raw = math.log2(math.comb(choices, n)) if n <= choices else 0.0
        lines.append(line("raw bits", f"{raw:.2f} for {n} of all 2^{grammar.space.size} pictures"))
    strata, counts = np.unique(grammar.traits.stratum(examples), return_counts=True)
    for stratum, count in zip(strata.tolist(), counts.tolist(), strict=True):
        lines.append(line("", f"{count} x {grammar.traits.stratum_name(stratum)}"))
    return lines


# Pictures.


def drawn_set(
    sentence: grammars.Sentence, target: ExampleSet, pictures: int, points: int, rng: np.random.Generator
) -> Figure | None:
    """Members by stratum, a line or more for each; points on the plane."""
    if isinstance(target.space, grammars.Plane):
        members = target.sample(points, rng)
        return analysis.clouds([(str(sentence), members)], target.space.window)
    weights, names, sizes = target.weights, target.stratum_names, target.sizes()
    strata = spread_over(list(weights), pictures)
    each = max(1, pictures // max(len(strata), 1))
    lines = [
        (f"{names[s]}: {counted(sizes.get(s))}", different(target.draw(s, 4 * each, rng), each))
        for s in strata
    ]
    lines = [(name, members) for name, members in lines if len(members)]
    return analysis.shelf(lines, columns=COLUMNS, title=clipped(str(sentence))) if lines else None


def drawn_examples(sentence: grammars.Sentence, examples: Any) -> Figure | None:
    """Examples in their order."""
    if not len(examples):
        return None
    space = sentence.grammar.space
    if isinstance(space, grammars.Plane):
        return analysis.clouds([(str(sentence), examples)], space.window)
    return analysis.shelf([(clipped(str(sentence), 110), examples)], columns=COLUMNS)


def different(examples: Any, at_most: int) -> Any:
    """Examples without repetition, in the order of their drawing."""
    return grammars.distinct(examples, at_most)


def spread_over(strata: Sequence[int], at_most: int) -> list[int]:
    """All strata, or so many of them from the first to the last."""
    if len(strata) <= at_most:
        return list(strata)
    return [strata[round(i)] for i in np.linspace(0, len(strata) - 1, at_most)]


def clipped(text: str, length: int = 96) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


# A language.


def of_grammar(grammar: grammars.Grammar, pictures: int, points: int, seed: int) -> Shown:
    """The rules with an example of each, and random sentences, drawn."""
    rng = np.random.default_rng(seed)
    lines = [
        f"{grammar.name}: {grammar.language.summary}",
        "",
        line("space", str(grammar.space)),
        line("target", f"{grammar.target} ({grammar.target.bits:.2f} bits)"),
        "",
        *ruled(grammar, rng),
    ]
    sentences: list[grammars.Sentence] = []
    for type_name in ("Set", "Lesson"):
        chosen = [grammar.random(type_name, rng, max_bits=60.0) for _ in range(SENTENCES)]
        lines += ["", f"random sentences of type {type_name}"]
        lines += [f"  {one.bits:6.2f} bits  {one}" for one in chosen]
        sentences += chosen
    return lines, drawn_sentences(grammar, sentences, min(pictures, COLUMNS), points, rng)


def ruled(grammar: grammars.Grammar, rng: np.random.Generator) -> list[str]:
    """Every rule: its signature, bits and summary, and below it a sentence that begins with it."""
    lines: list[str] = []
    for type_name in grammar.types:
        lines.append(type_name)
        for production in grammar.category(type_name).productions:
            lines.append(f"  {signature(production)}  [{production.bits:.1f} bits]")
            lines.append(f"      {production.rule.summary}")
            lines.append(f"      {example_of(grammar, production.name, production.floor, type_name, rng)}")
    return lines


def example_of(
    grammar: grammars.Grammar, rule: str, floor: float, type_name: str, rng: np.random.Generator
) -> str:
    """A short random sentence that begins with this rule."""

    def begins(sentence: grammars.Sentence) -> bool:
        return sentence.rule == rule

    try:
        return f"e.g. {grammar.random(type_name, rng, floor + EXTRA_BITS, begins)}"
    except grammars.GrammarError:  # a rule so rare that a thousand draws have not met it
        return "(rare)"


def drawn_sentences(
    grammar: grammars.Grammar,
    sentences: Sequence[grammars.Sentence],
    pictures: int,
    points: int,
    rng: np.random.Generator,
) -> Figure | None:
    """A line of pictures, or a window of points, for each sentence that denotes any."""
    shown = []
    for sentence in sentences:
        said = sentence.denote()
        wanted = points if isinstance(grammar.space, grammars.Plane) else pictures
        examples = said.sample(wanted, rng, distinct=True) if isinstance(said, ExampleSet) else said[:wanted]
        if len(examples):
            shown.append((clipped(str(sentence), 110), examples))
    if not shown:
        return None
    if isinstance(grammar.space, grammars.Plane):
        return analysis.clouds(shown, grammar.space.window)
    return analysis.shelf(shown, columns=COLUMNS, title=f"{grammar.name} on {grammar.space}")
