# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own grammar
#
# A language is rules: typed Python functions whose annotations say what may stand where. Here is one of
# rectangles' outlines, "frames", on an 8×8 grid, made, looked at and taught within one page. In a file of its
# own it joins every command by `plugins=[my_module]`, and a conformance suite can be run over it.

# %%
from typing import Annotated

import numpy as np

import analysis
import grammars
import models
from grammars import algebra
from grammars.example_set import ExampleSet, Traits
from grammars.language import Language
from grammars.literals import Between
from grammars.pictures import DOTS
from grammars.rules import Set, rule
from grammars.spaces import Grid, ordered

# %% [markdown]
# ## The set
#
# A set of pictures knows exactly what belongs to it, and how many there are. Frames are few enough to be
# listed, and with the list everything is exact: membership by lookup, strata by counting white pixels.


# %%
def frame(space, top, left, bottom, right):
    """One outline of a rectangle, bool[height, width]."""
    picture = np.zeros(space.shape, dtype=bool)
    picture[top : bottom + 1, left : right + 1] = True
    picture[top + 1 : bottom, left + 1 : right] = False
    return picture


class Frames(ExampleSet):
    """Every outline of a rectangle whose sides are at least so long."""

    _sampling = "uniform"

    def __init__(self, space, side, traits):
        super().__init__(space, traits)
        height, width = space.shape
        drawn = [
            frame(space, top, left, bottom, right)
            for top in range(height)
            for bottom in range(top + side - 1, height)
            for left in range(width)
            for right in range(left + side - 1, width)
        ]
        self.all = ordered(np.stack(drawn)) if drawn else np.zeros((0, height, width), dtype=bool)
        self.white = self.all.sum(axis=(1, 2))
        self.known = {picture.tobytes() for picture in self.all}

    def _contains(self, examples):
        return np.array([picture.tobytes() in self.known for picture in examples], dtype=bool)

    def _strata(self):
        return sorted({int(white) for white in self.white})

    def _sizes(self):
        return {stratum: int((self.white == stratum).sum()) for stratum in self._strata()}

    def _draw(self, stratum, n, rng):
        return rng.choice(self.all[self.white == stratum], size=n)

    def _members(self, limit):
        return self.all if len(self.all) <= limit else None


# %% [markdown]
# ## The rule, and the language
#
# With `algebra.RULES` come unions, intersections, orbits, regions and lessons.

# %%
Side = Annotated[int, Between(3, lambda grid: max(3, min(grid.shape)))]


@rule(weight=8)
def frames(space: Grid, traits: Traits, *, side: Side = 3) -> Set:
    """Outlines of rectangles with sides of at least so many pixels."""
    return Frames(space, side, traits)


grammars.register(
    Language(
        name="frames",
        summary="outlines of rectangles",
        rules=(frames, *algebra.RULES),
        space=Grid(8, 8),
        target="frames()",
        traits=DOTS,
    )
)
grammar = grammars.load("frames")
target = grammar.target.denote()
print(f"{grammar.target}: {grammar.target.bits:.1f} bits, {target.size()} pictures")
analysis.sheet(target.sample(24, np.random.default_rng(0)), title=str(grammar.target))

# %% [markdown]
# ## Random sentences, and the right to trust them

# %%
rng = np.random.default_rng(1)
for _ in range(6):
    sentence = grammar.random("Lesson", rng)
    assert grammar.parse(str(sentence), "Lesson") == sentence
    print(f"{sentence.bits:6.1f} bits  {sentence}")

# %% [markdown]
# ## Teach it
#
# Thirty-two frames taught to a small convolution. Most of what it makes of them is not frames: a patch of
# five pixels cannot know whether a line closes far away.

# %%
lesson = grammar.parse("take(32, frames(), seed=0)", "Lesson")
[member] = models.load("conv", padding="zeros").fit([lesson.denote()], seeds=[0])
samples = member.sample(256, seed=1)
measured = analysis.measure(samples, target, lesson.denote())
print(
    f"validity {float(measured.validity):.2f}, copies {float(measured.copy_rate):.2f}, "
    f"g {float(measured.generalization):.2f}"
)
analysis.sheet(samples[:32], valid=target.contains(samples[:32] > 0.5), title=f"conv, taught {lesson}")
