"""Trainings that any run on this machine has done, by their content: the same one is done once.

    cache = Cache(Path("~/.cache/learned-sets").expanduser())
    outcome = cache.get(objective, key)        # None where it is not there
    cache.put(objective, key, outcome)         # with its pictures

The name of a file is the sha256 of the evaluation's key (`search.evaluation.content_key`), the device, the
versions of what computes and the source of the rooms below, plugins included: a change of a line of code is
another name. A file is a line of JSON, which has the sha256 of all that follows, and the arrays as `npz`.
What cannot be read, or was not written here, is passed over with a line in the log and never unpickled. A
cache that cannot be written is a warning, once; a run does without.
"""

import hashlib
import importlib.util
import json
import logging
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from search.errors import SearchError, one_line
from search.evaluation import Objective, Outcome
from search.pictures import from_npz, to_npz
from search.told import numbers_of, outcome_of

logger = logging.getLogger(__name__)

MOST_BYTES = 2 * 10**9
KEPT_SHARE = 0.8  # of the most, after the oldest are dropped: not at every write
FORM = "learned-sets outcome 1"
ROOMS = ("grammars", "models", "analysis")
OFF = "off"


def default_folder() -> str:
    """What `LEARNED_SETS_CACHE` says (a folder, or `off`), else ~/.cache/learned-sets."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return os.environ.get("LEARNED_SETS_CACHE") or str(Path(home) / "learned-sets")


def open_cache(folder: str) -> "Cache | None":
    """The cache in a folder, the default one for an empty name; None for `off`."""
    chosen = folder or default_folder()
    return None if chosen == OFF else Cache(Path(chosen).expanduser())


class Cache:
    """Outcomes in files below one folder, which several processes may use at once."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self._most_bytes = most_bytes
        self._bytes: int | None = None  # counted at the first write
        self._off = False

    def get(self, objective: Objective, key: str) -> Outcome | None:
        """What was found before, pictures included; None where nothing is known."""
        path = self._path(objective, key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("the cache cannot be read: %s", one_line(error))
            return None
        try:
            outcome = _decoded(content, key)
        except (SearchError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            logger.warning("passing over %s in the cache: %s", path.name, one_line(error))
            return None
        try:
            os.utime(path)  # the oldest are those that were not asked for
        except OSError:
            logger.debug("cannot touch %s", path)
        return outcome

    def put(self, objective: Objective, key: str, outcome: Outcome) -> None:
        """Keep an outcome; not one that was lost, which may end otherwise another time."""
        if outcome.lost or self._off:
            return
        try:
            self._write(self._path(objective, key), _encoded(outcome))
        except OSError as error:
            self._off = True
            logger.warning("going on without the cache: %s", one_line(error))

    def fetch(self, objective: Objective, key: str, file: Path) -> bool:
        """Copy a file that was kept under this key to `file`, in one step; False where there is none."""
        path = self._path(objective, key, "file")
        beside = file.with_name(f".{uuid4().hex}")
        try:
            shutil.copyfile(path, beside)
            beside.replace(file)
            os.utime(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            if not isinstance(error, FileNotFoundError):
                logger.warning("the cache cannot be read: %s", one_line(error))
            return False
        return True

    def keep(self, objective: Objective, key: str, file: Path) -> None:
        """Keep a whole file under a key, which must say all that it depends on beside the rooms below."""
        try:
            self._write(self._path(objective, key, "file"), file.read_bytes())
        except OSError as error:
            self._off = True
            logger.warning("going on without the cache: %s", one_line(error))

    def _write(self, path: Path, content: bytes) -> None:
        if self._off:
            return
        beside = path.with_name(f".{uuid4().hex}")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            beside.write_bytes(content)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        self._make_room(len(content))

    def _path(self, objective: Objective, key: str, kind: str = "outcome") -> Path:
        stacked = "" if objective.population is None else f" {objective.population}"
        where = f"{key} {objective.device}{stacked} {_origin(objective.plugins)}"
        name = hashlib.sha256(where.encode()).hexdigest()
        return self.folder / name[:2] / f"{name[2:]}.{kind}"

    def _make_room(self, added: int) -> None:
        if self._bytes is None:
            self._bytes = sum(size for _, size, _ in self._files())
        else:
            self._bytes += added
        if self._bytes <= self._most_bytes:
            return
        files = sorted(self._files())
        self._bytes = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._bytes <= KEPT_SHARE * self._most_bytes:
                break
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When it was last used, bytes and path of each file; those that vanish meanwhile are left out."""
        for path in [*self.folder.glob("??/*.outcome"), *self.folder.glob("??/*.file")]:
            try:
                known = path.stat()
            except FileNotFoundError:
                continue
            yield known.st_mtime, known.st_size, path


def _encoded(outcome: Outcome) -> bytes:
    arrays = b"" if outcome.pictures is None else to_npz(outcome.pictures)
    said: dict[str, Any] = {"key": outcome.key, "n": outcome.n, "seconds": outcome.seconds}
    said["numbers"] = numbers_of(outcome)
    if outcome.uses_target is not None:
        said["uses_target"] = int(outcome.uses_target)
    if outcome.curve:
        said["curve"] = list(outcome.curve.items())
    if outcome.failure is not None:
        said["failure"] = outcome.failure
    body = json.dumps(said).encode() + b"\n" + arrays
    head = json.dumps({"form": FORM, "sha256": hashlib.sha256(body).hexdigest()})
    return head.encode() + b"\n" + body


def _decoded(content: bytes, key: str) -> Outcome:
    """The inverse of `_encoded`; SearchError and what JSON raises where the content is not of that form."""
    head, _, body = content.partition(b"\n")
    known: Any = json.loads(head)
    if known["form"] != FORM or known["sha256"] != hashlib.sha256(body).hexdigest():
        raise SearchError("not whole, or not written by this program")
    words, _, arrays = body.partition(b"\n")
    said = json.loads(words)
    if said["key"] != key:
        raise SearchError("it is about another evaluation")
    outcome = outcome_of(said, finished="failure" not in said)
    curve = {int(step): float(loss) for step, loss in said.get("curve", ())}
    return replace(outcome, pictures=from_npz(arrays) if arrays else None, curve=curve)


@lru_cache(maxsize=8)
def _origin(plugins: tuple[str, ...]) -> str:
    """sha256 of everything but the content that an outcome depends on: versions and source."""
    digest = hashlib.sha256()
    for package in ("torch", "numpy", "scipy"):
        digest.update(f"{package} {version(package)} ".encode())
    digest.update(f"{platform.machine()} {platform.python_version()}".encode())
    for path in sources(plugins):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def sources(plugins: Sequence[str]) -> Iterator[Path]:
    """The files that an outcome depends on."""
    home = Path(__file__).resolve().parents[1]
    for room in ROOMS:
        yield from sorted((home / room).rglob("*.py"))
    yield home / "search" / "evaluation.py"
    for name in plugins:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None and Path(spec.origin).is_file():
            own = Path(spec.origin)
            yield from sorted(own.parent.rglob("*.py")) if own.name == "__init__.py" else [own]
