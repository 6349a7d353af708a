"""Run a declared experiment: `python -m study.run experiment=single_dots size=quick`."""

from study.entry import enter

if __name__ == "__main__":
    raise SystemExit(enter("run"))
