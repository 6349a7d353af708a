"""Teach one learner one sentence: `python -m study.learn sentence="take(8, dots(k=2), seed=0)"`."""

from study.entry import enter

if __name__ == "__main__":
    raise SystemExit(enter("learn"))
