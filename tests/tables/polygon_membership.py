"""The table of `grammars/POLYGONS.md`: how often membership in families of polygons errs.

    python tests/tables/polygon_membership.py [pictures per family]

prints it as Markdown; a minute or two for 200.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from scipy.ndimage import binary_fill_holes
from scipy.optimize import linprog
from skimage.measure import label

import grammars
from grammars.convex_set import ConvexSet
from grammars.random_polygons import round_polygons
from grammars.random_simple import random_pictures as random_not_convex
from grammars.rasterise import rasterise_convex
from grammars.simple_set import SimpleSet

Pictures = np.ndarray
SEED = 2026


def convex_by_linear_programme(picture: Pictures) -> bool:
    """Whether no black centre is a convex combination of white ones."""
    white, black = np.argwhere(picture), np.argwhere(~picture)
    hull = np.vstack([white.T, np.ones(len(white))])
    low, high = white.min(axis=0), white.max(axis=0)
    inside_box = black[((black >= low) & (black <= high)).all(axis=1)]
    return len(white) > 0 and not any(
        linprog(np.zeros(len(white)), A_eq=hull, b_eq=[*b, 1]).status == 0 for b in inside_box
    )


def runs(line: Pictures) -> int:
    return int(np.count_nonzero(np.diff(np.r_[0, line.astype(int), 0]) == 1))


def most_runs(picture: Pictures) -> int:
    """White runs at most along a line of centres: rows, columns, diagonals, knights' moves and beyond.

    An edge meets a line in one place, and each part that the line has in a polygon takes two edges: more than
    v/2 runs prove that no polygon with v vertices makes the picture.
    """
    height, width = picture.shape
    most = 0
    for down, right in [(0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1), (1, 3), (3, 1)]:
        for row in range(height):
            for column in range(width):
                if 0 <= row - down < height and 0 <= column - right < width:
                    continue
                n = np.arange(max(height, width))
                rows, columns = row + n * down, column + n * right
                on = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
                most = max(most, runs(picture[rows[on], columns[on]]))
    return most


def in_one_piece_without_hole(picture: Pictures) -> bool:
    return label(picture, connectivity=2).max() == 1 and bool((binary_fill_holes(picture) == picture).all())


def outline_of_its_filling(picture: Pictures) -> bool:
    filled = np.pad(binary_fill_holes(picture), 1)
    inner = filled[:-2, 1:-1] & filled[2:, 1:-1] & filled[1:-1, :-2] & filled[1:-1, 2:]
    return bool((picture == (filled[1:-1, 1:-1] & ~inner)).all())


def outside_of_polygons(target: SimpleSet) -> Callable[[Pictures], bool]:
    def outside(picture: Pictures) -> bool:
        white = picture.sum()
        return (
            not target.wanted.low <= white <= target.wanted.high
            or bool((picture & ~target.wanted.region).any())
            or not in_one_piece_without_hole(picture)
            or most_runs(picture) > target.vertices // 2
            or convex_by_linear_programme(picture)
        )

    return outside


def outside_of_convex(target: ConvexSet) -> Callable[[Pictures], bool]:
    def outside(picture: Pictures) -> bool:
        white = picture.sum()
        return (
            not target.wanted.low <= white <= target.wanted.high
            or bool((picture & ~target.wanted.region).any())
            or not convex_by_linear_programme(picture)
        )

    return outside


def witness_is_wrong(picture: Pictures, polygon: np.ndarray | None, most: int) -> bool:
    """Whether a witness fails to make the picture, by winding numbers in fractions, or is too long."""
    if polygon is None or not 3 <= len(polygon) <= most:
        return True
    corners = [[Fraction(float(x)) for x in corner] for corner in polygon]
    for row, column in np.ndindex(picture.shape):
        winding, on_edge = 0, False
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            side = (b[1] - a[1]) * (row - a[0]) - (b[0] - a[0]) * (column - a[1])
            on_edge |= (
                side == 0
                and min(a[0], b[0]) <= row <= max(a[0], b[0])
                and min(a[1], b[1]) <= column <= max(a[1], b[1])
            )
            winding += (a[0] <= row < b[0] and side > 0) - (b[0] <= row < a[0] and side < 0)
        if (winding != 0 or on_edge) != picture[row, column]:
            return True
    return False


def flipped(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    """One pixel of each inverted, on either side of the boundary or anywhere else inside the ring."""
    near = pictures.copy()
    height, width = pictures.shape[1:]
    near[
        np.arange(len(near)), rng.integers(1, height - 1, len(near)), rng.integers(1, width - 1, len(near))
    ] ^= True
    return near


def line(name: str, side: int, truths: Pictures, target: grammars.ExampleSet, outside: Callable) -> str:
    rng = np.random.default_rng(SEED)
    missed = int((~target.contains(truths)).sum())
    near = flipped(truths, rng)
    proven = np.array([outside(picture) for picture in near])
    inside = target.contains(near)
    wrong = "-"
    if isinstance(target, SimpleSet):
        polygons = target.witness(near[inside])
        bad = [witness_is_wrong(p, w, target.vertices) for p, w in zip(near[inside], polygons, strict=True)]
        wrong = f"{sum(bad)} of {len(bad)}"
    false = int((inside & proven).sum())
    return (
        f"| {name} | {side}x{side} | {missed} of {len(truths)} ({100 * missed / max(1, len(truths)):.1f} %) "
        f"| {false} of {int(proven.sum())} | {wrong} | {int((~inside & ~proven).sum())} of {len(near)} |"
    )


def main(count: int) -> None:
    print(
        "| family | grid | false negatives | false positives, of near-misses proven outside "
        "| wrong witnesses, of near-misses inside | near-misses neither |"
    )
    print("|---|---|---|---|---|---|")
    for side in (12, 16):
        grammar = grammars.load("polygons", grammars.Grid(side, side))
        for vertices in (3, 4, 5, 6):
            target = grammar.parse("convex(vertices=between(3, 6))").denote()
            rng = np.random.default_rng(SEED)
            pictures = rasterise_convex(
                round_polygons(vertices, target.wanted, 16 * count, rng), (side, side)
            )
            truths = pictures[target.wanted.holds(pictures)][:count]
            name = f"convex, {vertices} vertices"
            print(line(name, side, truths, target, outside_of_convex(target)), flush=True)
        base = grammar.parse("convex(vertices=between(3, 6))").denote()
        rings = grammar.parse("outlines(convex(vertices=between(3, 6)))").denote()
        truths = rings.sample(count, np.random.default_rng(SEED))
        inner = outside_of_convex(base)
        print(
            line(
                "outlines of convex",
                side,
                truths,
                rings,
                lambda p, inner=inner: not outline_of_its_filling(p) or inner(binary_fill_holes(p)),
            ),
            flush=True,
        )
        for star in (True, False):
            for vertices in (4, 5, 6, 8):
                rule = "star_shaped" if star else "simple"
                target = grammar.parse(f"{rule}(vertices={vertices})").denote()
                parts, found = [], 0
                rng = np.random.default_rng(SEED)
                while found < count:
                    parts.append(random_not_convex(star, vertices, target.wanted, 4096, rng))
                    found += len(parts[-1])
                truths = np.concatenate(parts)[:count]
                name = f"{rule}, at most {vertices}"
                print(line(name, side, truths, target, outside_of_polygons(target)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
