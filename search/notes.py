"""What a person reads beside a study and its trials in optuna-dashboard: notes, in Markdown.

Where the dashboard looks for them: system attributes of the study, `dashboard:note_ver` and
`dashboard:note_str:0`, `:1`, ... for its own note, with the id of the trial after `dashboard:` for a trial's;
the text is cut into pieces, the version counts how often it was edited. Written here, so that nothing needs
the dashboard but who looks; a test reads them with the dashboard's own functions.
"""

from collections.abc import Mapping
from typing import Any

from search.evaluation import Outcome, Task

PIECE = 2045  # characters in one attribute, the dashboard's own measure
LONGEST = 2000  # characters of a sentence that is written out
# The dashboard looks through all notes for each trial it lists: their number times that of the trials is its
# cost, 0.2 s each time for 500 notes of 500 trials, 3 s for 2,000 of 2,000.
NOTED = 500

STUDIES = {
    "search": "One trial is one lesson, taught and measured.",
    "verify": "The best lessons of the search and samples of the target, taught again with fresh seeds.",
    "shrink": "On the way to the smallest lesson that still teaches: examples are left out.",
    "tune": "Settings of the learner, tried on the best lessons.",
    "rung": "A cheap look at lessons, before the best of them are trained in full.",
}
COLUMNS = {
    "g": "generalization, 0 to 1: how much of the target is learned, and nothing else; 0.9 is learned",
    "n": "examples in the lesson",
    "bits": "length of its sentence under the grammar",
    "sentence": "the lesson",
    "validity": "share of samples in the target",
    "coverage": "share of the target among the samples",
    "copy_rate": "share of samples that are examples of the lesson",
    "origin": "`search`, or `iid`: samples of the target, to compare with",
    "generation": "of the search; -1 beside it",
    "parents": "`index` of the lessons it was made from",
    "rung": "steps of the ladder below full training; 0 is full training",
    "pruned": "of a tuning: 1 where the configuration was given up on the way",
    "worth": "of a tuning: what the configuration was chosen by, mean g less a price of its steps",
    "seconds": "training, sampling and measuring",
    "worker": "the process that did it; `cache`: another run had done it",
}


def attributes(body: str, trial: int | None = None) -> dict[str, Any]:
    """System attributes of a study that are its note, or that of one of its trials."""
    whose = "dashboard:" if trial is None else f"dashboard:{trial}:"
    pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
    return {f"{whose}note_ver": 1} | {f"{whose}note_str:{place}": text for place, text in enumerate(pieces)}


def of_study(role: str, settings: Mapping[str, Any]) -> str:
    """Which lessons of which target, taught to whom, and what the columns say."""
    said = [
        f"### {role}",
        STUDIES.get(role.partition("-")[0], "One trial is one lesson, taught and measured."),
    ]
    known = {"target": settings.get("target"), "learner": settings.get("learner")}
    known |= {"grammar": settings.get("grammar"), "space": settings.get("space")}
    said += ["\n".join(f"- {name}: `{value}`" for name, value in known.items() if isinstance(value, str))]
    said += ["Wanted are g up, n down and bits down. Columns of the trials, those with numbers to sort by:"]
    said += ["\n".join(f"- **{name}**: {meaning}" for name, meaning in COLUMNS.items())]
    said += [
        "Intermediate values of a trial are its training loss by step, `curve.svg` shows them; a machine in "
        f"closed form has none. Beyond {NOTED} trials only those of a greater g than all before have a note."
    ]
    return "\n\n".join(said)


def of_trial(
    sentence: str, bits: float, outcome: Outcome, files: Mapping[str, str], task: Task | None, command: str
) -> str:
    """What was taught, what came of it, where its pictures are (`files`, by name) and how to do it again."""
    short = len(sentence) <= LONGEST
    # Code in the line, since the lines of a block are not broken.
    said = [f"`{sentence}`" if short else f"`{sentence[:LONGEST]}` ..."]
    taught = f"{outcome.n} example{'s' if outcome.n != 1 else ''} in {bits:.1f} bits"
    if task is not None:
        taught += f", taught to `{task.objective.learner}`; the target is `{task.objective.target}`"
    said.append(f"{taught}.")
    said.append(_found(outcome))
    if files:
        said.append("\n".join(f"- `{name}`: {where}" for name, where in files.items()))
    if command and short:
        said.append(f"Taught again, from another seed: `{command}`")
    return "\n\n".join(said)


def _found(outcome: Outcome) -> str:
    """g with its trainings, and what it is made of; or why there is none."""
    if outcome.failure is not None:
        return f"Nothing was measured: {outcome.failure}."
    each = outcome.measures.get("generalization", ())
    found = f"**g = {outcome.g:.3f}**"
    if len(each) > 1:
        found += f", the mean of {', '.join(f'{value:.3f}' for value in each)}"
    parts = {"validity": "validity", "coverage": "coverage", "copy_rate": "copies"}
    found += "".join(
        f"; {word} {outcome.mean(name):.3f}" for name, word in parts.items() if name in outcome.measures
    )
    return f"{found}; {outcome.seconds:.1f} s."
