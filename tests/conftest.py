"""What every test shares: one thread for the numerical libraries, no display, no time limits."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

# Before numpy and torch are imported: many small matrices are slower on several threads, and sums
# that are split over threads are not the same to the last bit on every machine.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["LEARNED_SETS_CACHE"] = "off"  # a test trains what it says it trains

settings.register_profile("learned-sets", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("learned-sets")


@pytest.fixture
def living() -> Callable[[int], list[int]]:
    """The processes of a session that are there and no zombies."""

    def there(session: int) -> list[int]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                said = stat.read_text().rpartition(")")[2].split()
                if said[0] not in "ZX" and int(said[3]) == session:
                    found.append(int(stat.parent.name))
        return found

    return there
