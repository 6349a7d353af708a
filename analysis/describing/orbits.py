"""Witnesses of orbits: which regions have one image of each picture.

Under a motion a picture is in the orbit of a set in a region if any of its images lies in that region. So the
regions that the data ask for are found as those are that hold all white pixels: of the short regions that
hold an image of each picture, the Pareto front of bits and size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analysis.describing.sample import Sample
from analysis.describing.tables import SIDES, front, table, tile_code
from grammars import Grammar, Sentence
from grammars.spaces import flat

SHARES = (1.0, 0.9)
"""Shares of the probes that must have an image in a region, where they do not lie in it themselves."""

MOST = 8
"""Regions for each motion and share."""


def regions_under(sample: Sample) -> Iterator[tuple[Sentence, list[Sentence]]]:
    """For each motion the regions that have an image of each of the probes, the smallest first."""
    known = table(sample.grammar, "Region") if "Region" in sample.grammar.categories else None
    if known is None or known.covers is None or "orbit" not in sample.grammar.productions:
        return
    probes = sample.pictures[sample.probes]
    black = (~known.covers).T.astype(np.float32)
    still = (flat(probes).astype(np.float32) @ black == 0).mean(axis=0)
    for motion in table(sample.grammar, "Motion").sentences:
        held = np.zeros((len(probes), len(known.sentences)), dtype=bool)
        for image, there in motion.denote().images(probes):
            beyond = flat(image).astype(np.float32) @ black
            held |= there[:, None] & (beyond == 0)
        found: dict[Sentence, None] = {}
        for share in SHARES:
            chosen = np.flatnonzero((held.mean(axis=0) >= share) & (still < share))
            pairs = [(known.sentences[i], known.covers[i]) for i in chosen]
            found |= dict.fromkeys(front(pairs)[:MOST])
        yield motion, list(found)


def widest(grammar: Grammar, type_name: str) -> list[Sentence]:
    """Of the lists of tiles that are tabled the one of each side with the most tiles, the shortest first."""
    known = table(grammar, type_name)
    if known.kind != "tiles" or known.covers is None:
        return []
    found = []
    for side in SIDES:
        start = tile_code(np.zeros((side, side), dtype=bool))
        covers = known.covers[:, start : start + 2 ** (side * side)].sum(axis=1)
        if covers.max(initial=0) > 0:
            found.append(known.sentences[int(covers.argmax())])
    return found


def put_back(sample: Sample, orbit: Sentence) -> Sample:
    """The pictures of an orbit in one of the positions in which the base has them."""
    base, motion = (arg.denote() for arg in orbit.args)
    found = sample.pictures.copy()
    left = np.ones(len(found), dtype=bool)
    for image, there in motion.images(sample.pictures):
        here = np.flatnonzero(left & there)
        good = here[base.contains(np.ascontiguousarray(image[here]))]
        found[good], left[good] = image[good], False
    return Sample.counted(sample.grammar, np.repeat(found[~left], sample.counts[~left], axis=0))
