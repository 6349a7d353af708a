"""What `--help` prints: every setting with its default, meaning, unit, range and choices."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from study.resolve import written
from study.settings import choices, declarations, options, rule, values

HEAD = """\
python -m study.search [key=value ...] [--help | --cfg | --dry-run]

Searches for the smallest training set that teaches a learner the target. The same command resumes.

  --help     this page; with grammar=, learner= or search.searcher= the settings of that choice
  --cfg      the resolved settings as YAML
  --dry-run  what would be done, and what it is estimated to cost

config=path lays a YAML file of settings over the defaults. Order: defaults, file, what a chosen name
brings along, key=value.
"""
WIDTH = 100


def page(
    settings: DictConfig, head: str = HEAD, registries: Sequence[str] = ("grammars", "learners", "searchers")
) -> str:
    """The whole page for one choice of grammar, learner and searcher; below it, the names to choose from."""
    now = values(settings)
    lines = [head]
    group = None
    for key, declared in declarations(settings).items():
        if key.rpartition(".")[0] != group:
            group = key.rpartition(".")[0]
            lines.append("")
        shown = "learner" if key == "learner.name" else key
        lines.append(f"{shown}={written(now[key])}")
        lines += textwrap.wrap(meaning(declared), WIDTH, initial_indent="    ", subsequent_indent="    ")
    for name in registries:
        lines += ["", f"{name}:"]
        known = choices(name)
        lines += [f"    {one:<{max(map(len, known))}}  {summary}" for one, summary in sorted(known.items())]
    return "\n".join(lines)


def meaning(declared: Mapping[str, Any]) -> str:
    """One sentence about a setting: what it is, its unit, and what it may be."""
    parts = [str(declared.get("help", ""))]
    if declared.get("unit") not in (None, "", "1"):
        parts.append(f"[{declared['unit']}]")
    allowed = options(declared)
    if allowed is not None:
        parts.append(f"({' | '.join(allowed)})")
    low, high = declared.get("range", (None, None))
    if (low, high) != (None, None):
        parts.append(f"({rule('value', low, high)})")
    return " ".join(parts)
