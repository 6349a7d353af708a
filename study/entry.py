"""Every command enters here: are the rooms ours, and does what goes wrong end in one line?"""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("grammars", "models", "analysis", "search")
WRONG_INPUT = 2
INTERRUPTED = 130


def enter(command: str) -> int:
    """Run `study.commands.<command>`; the project's own exceptions become one line and exit status 2."""
    hidden = hidden_room(Path(__file__).resolve().parents[1])
    if hidden is not None:
        print(hidden, file=sys.stderr)
        return WRONG_INPUT
    errors = tuple(
        getattr(import_module(room), name)
        for room, name in {
            "study": "StudyError",
            "grammars": "GrammarError",
            "models": "ModelError",
            "analysis": "AnalysisError",
            "search": "SearchError",
        }.items()
    )
    try:
        status: int = import_module(f"study.commands.{command}").main(sys.argv[1:])
        sys.stdout.flush()
        return status
    except errors as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has gone (`| head`); what Python would still flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def hidden_room(home: Path) -> str | None:
    """One line about a module that lies on the path before a room of the same name, or None."""
    for room in ROOMS:
        spec = find_spec(room)
        if spec is None:
            return f"the room {room!r} is not installed: pip install -c constraints.txt -e . in the checkout"
        found = Path(spec.origin or next(iter(spec.submodule_search_locations or [""]))).resolve()
        if found.parent == home / "study":
            return (
                f"{found.name} hides the room {room!r} when started by its path: use python -m study.{room}"
            )
        if (home / room) not in (found, found.parent):
            return (
                f"{found} hides the room {room!r} of Learned Sets: "
                "start from another folder, or give that file another name"
            )
    return None
