"""The first command: `python -m study.search grammar=dots` (two cores, a few minutes)."""

from study.entry import enter

if __name__ == "__main__":
    raise SystemExit(enter("search"))
