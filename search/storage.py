"""The database behind a ledger: opened by its URL, made where it is missing, its errors as one line."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import optuna
import sqlalchemy
from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from search.errors import SearchError, one_line

METRICS = {
    "g": StudyDirection.MAXIMIZE,
    "n": StudyDirection.MINIMIZE,
    "bits": StudyDirection.MINIMIZE,
}
BUSY_SECONDS = 60  # how long a write waits while a dashboard reads

SUCH_AS = "ledgers are such as sqlite:///here.db or postgresql+psycopg://me@host/name"

Made = TypeVar("Made")


def open_storage(url: str) -> RDBStorage:
    """Optuna's storage for a URL; SQLite waits for readers and lets them read while it writes."""
    optuna.logging.disable_default_handler()  # only the entry room speaks to the terminal
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    _known(url)
    if not url.startswith("sqlite"):
        return patiently(lambda: RDBStorage(url))
    waiting = {"connect_args": {"timeout": BUSY_SECONDS}}
    opened = patiently(lambda: RDBStorage(url, engine_kwargs=waiting))
    _write_ahead(opened)
    return opened


def _known(url: str) -> None:
    """A SearchError where no database or no driver answers to the URL, which is shown without its secrets."""
    kind, _, secret = url.partition("://")
    kind += "://…" * bool(secret)
    try:
        sqlalchemy.make_url(url).get_dialect().import_dbapi()
    except ArgumentError:  # what cannot be parsed, and dialects that are not there
        raise SearchError(f"ledger={kind} is no URL of a database that is known here; {SUCH_AS}") from None
    except ImportError as error:
        driver = f"ledger={kind} needs a driver ({one_line(error)})"
        raise SearchError(f"{driver}; {SUCH_AS}, with the extra `cluster`") from None


def _write_ahead(storage: RDBStorage) -> None:
    """Write-ahead logging: readers and the writer do not wait for each other, and a commit costs little.

    A kill loses nothing; a power cut may lose the last evaluations, never the file (SQLite documentation,
    PRAGMA synchronous).
    """

    def prepare(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    storage.remove_session()
    storage.engine.dispose()
    sqlalchemy.event.listen(storage.engine, "connect", prepare)


def study_id(storage: RDBStorage, name: str) -> int:
    """The study of that name, made where it is missing; SearchError where it has other objectives."""
    directions = list(METRICS.values())
    study = optuna.create_study(storage=storage, study_name=name, directions=directions, load_if_exists=True)
    if study.directions != directions:
        found = ", ".join(direction.name.lower() for direction in study.directions)
        raise SearchError(
            f"the ledger holds a study {name!r} with the objectives ({found}), not "
            f"({', '.join(f'{d.name.lower()} {n}' for n, d in METRICS.items())}): name another ledger="
        )
    if study.metric_names is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(list(METRICS))
    return storage.get_study_id_from_name(name)


def without_password(url: str) -> str:
    """A URL that may be shown."""
    try:
        return sqlalchemy.make_url(url).render_as_string()
    except SQLAlchemyError:
        return url


def patiently(do: Callable[[], Made], attempts: int = 20) -> Made:
    """Make tables or a study that another driver may be making in the same moment."""
    for _ in range(attempts - 1):
        try:
            return do()
        except (SQLAlchemyError, OptunaError) as error:
            if isinstance(error, SearchError) or not _is_race(error):
                raise
            time.sleep(0.2)
    return do()


def _is_race(error: BaseException) -> bool:
    """Whether another driver was faster, or is at it: what was to be made is there, or will be."""
    cause = error.__cause__ if isinstance(error, OptunaError) and error.__cause__ else error
    if isinstance(cause, OperationalError):  # SQLite has one kind for all
        return any(words in str(cause) for words in ("already exists", "database is locked"))
    return isinstance(cause, IntegrityError | ProgrammingError)


@contextmanager
def in_one_line(what: str) -> Iterator[None]:
    """What databases and disks raise, as one line that says what to do."""
    try:
        yield
    except (OptunaError, SQLAlchemyError, OSError, ImportError, RuntimeError) as error:
        if isinstance(error, SearchError):
            raise
        cause = error.__cause__ if isinstance(error, OptunaError) and error.__cause__ else error
        raise SearchError(
            f"{what} cannot be used: {one_line(cause)}. What is finished is safe; "
            "once this is mended, the same command goes on"
        ) from error
