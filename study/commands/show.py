"""`python -m study.show`: draw what a sentence denotes, and say its bits, its size and its strata.

python -m study.show grammar=dots                                      # the language: rules and examples
python -m study.show grammar=dots sentence="dots(k=between(1, 4))"     # a set, stratum by stratum
python -m study.show grammar=polygons sentence="take(8, convex(vertices=4), seed=0)" out=eight.png
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from omegaconf import DictConfig, OmegaConf

import analysis
import grammars
from study.errors import StudyError
from study.help import page
from study.resolve import load_grammar
from study.settings import values
from study.show_settings import resolve
from study.shown import of_grammar, of_sentence

HEAD = """\
python -m study.show [key=value ...] [--help | --cfg]

Draws what a sentence denotes as a picture sheet and prints its type, bits, size, strata and properties.
Without a sentence: the rules of the language with examples, random sentences and their pictures.

  --help     this page
  --cfg      the resolved settings as YAML
"""


def main(arguments: Sequence[str]) -> int:
    """The command; its exit status."""
    request = resolve(arguments)
    settings = request.settings
    if "--help" in request.flags:
        print(page(settings, HEAD, ("grammars",)))
        return 0
    if "--cfg" in request.flags:
        print(OmegaConf.to_yaml(settings, resolve=True), end="")
        return 0
    grammar = load_grammar(settings)
    if settings.sentence:
        try:
            sentence = grammar.parse(settings.sentence)
        except grammars.GrammarError as error:
            raise StudyError(f"sentence: {error}") from None
        lines, figure = of_sentence(sentence, settings.pictures, settings.points, settings.seed)
    else:
        lines, figure = of_grammar(grammar, settings.pictures, settings.points, settings.seed)
    print("\n".join(lines), flush=True)
    if figure is not None:
        print(f"\npictures    {written(figure, place(settings))}")
    return 0


def place(settings: DictConfig) -> Path:
    """`out`, or a file under shows/ that is another one for other pictures."""
    if settings.out:
        return Path(settings.out)
    drawn = {key: value for key, value in values(settings).items() if key not in ("out", "plugins")}
    digest = hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()[:8]
    return Path("shows") / f"{settings.grammar}-{digest}.png"


def written(figure: Figure, path: Path) -> Path:
    """Write the sheet, with the folder it lies in."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"out={path}: {error.strerror}: {error.filename}") from None
    return analysis.write(figure, path)
