"""The shortest sentence for what was learned: `python -m study.describe runs/dots-conv`."""

from study.entry import enter

if __name__ == "__main__":
    raise SystemExit(enter("describe"))
