"""`python -m study.describe`: the shortest sentence for what every learner of a run has learned.

python -m study.describe runs/dots-conv                          # every lesson and learner of a run
python -m study.describe runs/dots-conv/learned.nc shown=5       # one file
python -m study.describe samples.npy grammar=dots                # your own: [N, height, width] or [N, 2]
"""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

import analysis
from study.describe_settings import language, resolve
from study.described import joined, learned_in, words
from study.errors import StudyError
from study.help import page
from study.report.refresh import refresh
from study.settings import values

HEAD = """\
python -m study.describe FOLDER_OR_FILE [key=value ...] [--help | --cfg]

Says what every learner of a run has learned in the sentence that makes its samples shortest, with the
margin to the next and the alternatives, and writes described.nc beside them and into the run's page.

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
    path = Path(settings.path)
    learned = learned_in(path)
    if not learned:
        raise StudyError(f"{path} holds no samples: every training failed")
    found = []
    for one in learned:
        grammar = language(settings, one.grammar, one.samples.shape[1:])
        found.append(
            analysis.describe(one.samples, grammar, evaluations=settings.evaluations, seed=settings.seed)
        )
        print("\n".join(words(one, found[-1], settings.shown)), flush=True)
    written = analysis.save(joined(learned, found), place(settings, path), values(settings))
    print(f"\ndata      {written}", flush=True)
    if path.is_dir() and not settings.out:
        print(f"report    {refresh(path)}", flush=True)
    return 0


def place(settings: DictConfig, path: Path) -> Path:
    """`out`, or a file beside the samples."""
    if settings.out:
        return Path(settings.out)
    return path / "described.nc" if path.is_dir() else path.with_name(f"{path.stem}-described.nc")
