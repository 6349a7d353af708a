"""Where a run stands, also while it runs: `python -m study.status runs/dots-conv`."""

from study.entry import enter

if __name__ == "__main__":
    raise SystemExit(enter("status"))
