"""What a sentence denotes, or what a language can say: `python -m study.show grammar=dots`."""

from study.entry import enter

if __name__ == "__main__":
    raise SystemExit(enter("show"))
