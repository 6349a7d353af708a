"""The measures, against brute force on listable sets and against the numbers that the formulas promise."""

import itertools
import math
import pickle
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

import analysis
from analysis import AnalysisError, Yardstick, measures
from analysis.packing import keys, translate_of_any, translates
from analysis.registry import MEASURES

KINGS = {1: 64, 2: 1806, 3: 29708, 4: 317471}  # non-attacking kings on 8x8, OEIS A193580


def mean_row(p):
    return (p.sum(axis=2) * np.arange(p.shape[1])).sum(axis=1) / np.maximum(p.sum(axis=(1, 2)), 1)


def mean_column(p):
    return mean_row(p.transpose(0, 2, 1))


def spread(p):
    y, x = np.mgrid[: p.shape[1], : p.shape[2]]
    square = (y - mean_row(p)[:, None, None]) ** 2 + (x - mean_column(p)[:, None, None]) ** 2
    return np.sqrt((p * square).sum(axis=(1, 2)) / np.maximum(p.sum(axis=(1, 2)), 1))


def dots_of(p):
    """Number of white pixels where no two of them touch, even at a corner, else -1."""
    padded = np.pad(p, ((0, 0), (1, 1), (1, 1)))
    shifts = [
        padded[:, 1 + a : 1 + a + p.shape[1], 1 + b : 1 + b + p.shape[2]]
        for a, b in itertools.product((-1, 0, 1), repeat=2)
        if (a, b) != (0, 0)
    ]
    return np.where((np.logical_or.reduce(shifts) & p).any(axis=(1, 2)), -1, p.sum(axis=(1, 2)))


@dataclass
class Dots:
    """k separated dots, every k as likely: a stand-in for the real target that shares no code with it."""

    height: int = 8
    width: int = 8
    numbers: tuple = (1, 2, 3, 4)
    known: dict = field(default_factory=lambda: KINGS)
    properties = {"row": mean_row, "column": mean_column, "spread": spread}  # noqa: RUF012

    @property
    def weights(self):
        return dict.fromkeys(self.numbers, 1 / len(self.numbers))

    def sizes(self):
        return {k: self.known.get(k) for k in self.numbers}

    def strata(self, p):
        return np.where(np.isin(dots_of(p), self.numbers), dots_of(p), -1)

    def contains(self, p):
        return self.strata(p) >= 0

    def sample(self, n, rng, distinct=False):
        wanted = rng.choice(self.numbers, n)
        pictures = np.zeros((n, self.height, self.width), bool)
        left = np.arange(n)
        while len(left):
            order = rng.random((len(left), self.height * self.width)).argsort(axis=1).argsort(axis=1)
            tried = (order < wanted[left, None]).reshape(-1, self.height, self.width)
            fits = dots_of(tried) >= 0
            pictures[left[fits]] = tried[fits]
            left = left[~fits]
        return pictures


def listed(target):
    """Every member of a small `Dots`, by going through all subsets of its pixels."""
    area = target.height * target.width
    chosen = [c for k in target.numbers for c in itertools.combinations(range(area), k)]
    pictures = np.zeros((len(chosen), area), bool)
    for row, pixels in enumerate(chosen):
        pictures[row, list(pixels)] = True
    pictures = pictures.reshape(-1, target.height, target.width)
    return pictures[target.contains(pictures)]


def small(known=True):
    """1 to 3 dots on 4x4, sizes by listing; or all of them unknown."""
    target = Dots(4, 4, (1, 2, 3), {})
    pictures = listed(target)
    if known:
        target.known = {k: int((pictures.sum(axis=(1, 2)) == k).sum()) for k in target.numbers}
    return target, pictures


TARGET = Dots()
YARDSTICK = Yardstick.of(TARGET)
NOTHING = np.zeros((0, 8, 8), bool)


def g_of(pictures, training_set=NOTHING):
    return measures(pictures.astype(np.float32), TARGET, training_set, YARDSTICK)["generalization"]


# The promised numbers ---------------------------------------------------------------------------------


def test_a_perfect_sampler_is_above_097():
    rng = np.random.default_rng(0)
    g = [g_of(TARGET.sample(512, rng)) for _ in range(40)]
    assert np.mean(g) > 0.98
    assert np.quantile(g, 0.1) > 0.97


@pytest.mark.parametrize(("n", "promised"), [(1024, 0.43), (4096, 0.53)])
def test_a_memoriser_gets_what_chance_gives_it(n, promised):
    rng = np.random.default_rng(n)
    g = []
    for _ in range(5):
        training_set = TARGET.sample(n, rng)
        g.append(g_of(training_set[rng.integers(n, size=512)], training_set))
    assert np.mean(g) == pytest.approx(promised, abs=0.03)
    assert max(g) < 0.6


@pytest.mark.parametrize("name", list(Dots.properties))
@pytest.mark.parametrize("upper", [True, False])
def test_a_learner_of_the_half_that_a_property_names_is_below_08(name, upper):
    rng = np.random.default_rng(7)
    drawn = TARGET.sample(40_000, rng)
    value = Dots.properties[name](drawn)
    half = drawn[value > np.median(value)] if upper else drawn[value < np.median(value)]
    g = [g_of(half[rng.choice(len(half), 512, replace=False)]) for _ in range(10)]
    assert np.mean(g) < 0.8
    assert np.mean(g) > 0.5


def test_one_stratum_alone_gets_no_more_than_its_share():
    rng = np.random.default_rng(9)
    result = measures(Dots(numbers=(3,)).sample(512, rng).astype(np.float32), TARGET, NOTHING, YARDSTICK)
    assert result["validity"] == 1
    assert result["coverage"] == pytest.approx(0.25, abs=0.001)
    assert result["g_support"] == pytest.approx(0.4, abs=0.01)


def test_wrong_frequencies_lower_g_but_not_g_support():
    rng = np.random.default_rng(10)
    tilted = np.concatenate(
        [Dots(numbers=(k,)).sample(n, rng) for k, n in ((1, 50), (2, 50), (3, 206), (4, 206))]
    )
    result = measures(tilted.astype(np.float32), TARGET, NOTHING, YARDSTICK)
    assert result["g_support"] > 0.95
    assert result["generalization"] < 0.9


# Brute force ------------------------------------------------------------------------------------------


def reference(samples, target, training_set, yardstick, own_shares=False):
    """Section by section what the measures mean, with Python sets, one picture at a time."""
    train = {tuple(p.ravel().tolist()) for p in training_set}
    orbit = set()
    for p in training_set:
        for a, b in itertools.product(range(p.shape[0]), range(p.shape[1])):
            orbit.add(tuple(np.roll(p, (a, b), axis=(0, 1)).ravel().tolist()))
    n, valid, copied, near, novel, novel_orbit, crisp = len(samples), [], 0, 0, 0, 0, 0
    for x in samples:
        is_crisp = all(min(abs(v), abs(v - 1)) <= 0.25 for v in x.ravel().tolist())
        rounded = x > 0.5 if is_crisp else x
        key = tuple((x > 0.5).ravel().tolist())
        inside = is_crisp and bool(target.contains((x > 0.5)[None])[0])
        crisp += is_crisp
        copied += is_crisp and key in train
        novel += inside and key not in train
        novel_orbit += inside and key not in orbit
        distances = sorted(
            math.sqrt(sum((float(u) - float(v)) ** 2 for u, v in zip(rounded.ravel(), t, strict=True)))
            for t in train
        )
        if distances and (distances[0] == 0 or (len(distances) > 1 and distances[0] / distances[1] < 1 / 3)):
            near += 1
        if inside:
            valid.append(x > 0.5)
    v, c = len(valid) / n, 0.0
    for stratum in yardstick.strata:
        own = [p for p in valid if int(target.strata(p[None])[0]) == stratum.key]
        m = len(own) if own_shares else len(valid) * stratum.weight
        if m == 0 or (own_shares and m < 32):
            continue
        distinct = {tuple(p.ravel().tolist()) for p in own}
        t = stratum.size
        expected = t * (1 - (1 - 1 / t) ** m)
        trained = sum(
            int(target.strata(np.array(s).reshape(1, *samples.shape[1:]))[0]) == stratum.key for s in train
        )
        d = min(1, (len(distinct - train) + min(len(distinct & train), expected * trained / t)) / expected)
        (cells,) = stratum.cells
        values = np.array([[f(p[None])[0] for f in target.properties.values()] for p in own]).reshape(-1, 3)
        inside = Counter(cells(values).tolist())
        e = sum(p * min(1, inside[j] / (m * p / 2)) for j, p in enumerate(cells.mass) if p > 0)
        c += stratum.weight * min(d, e)
    names = ("crisp", "validity", "copy_rate", "near_copy_rate", "novelty", "novelty_orbit", "coverage")
    shares = (crisp / n, v, copied / n, near / n, novel / n, novel_orbit / n, c)
    return dict(zip(names, shares, strict=True)) | {"g": 2 * v * c / (v + c) if v + c else 0.0}


@pytest.mark.parametrize("trained", [0, 1, 2, 30])
@pytest.mark.parametrize("noise", [0.0, 0.08, 0.3])
def test_measures_equal_brute_force(trained, noise):
    target, pictures = small()
    yardstick = Yardstick.of(target)
    rng = np.random.default_rng([trained, int(100 * noise)])
    training_set = pictures[rng.choice(len(pictures), trained, replace=False)]
    pool = [pictures[rng.integers(len(pictures), size=150)], rng.random((30, 4, 4)) < 0.3]
    if trained:
        pool += [
            training_set[rng.integers(trained, size=60)],
            np.roll(training_set[:20], (1, 2), axis=(1, 2)),
        ]
    samples = np.concatenate(pool).astype(np.float32)
    samples += rng.normal(0, noise, samples.shape).astype(np.float32) if noise else 0
    result = measures(samples, target, training_set, yardstick)
    expected = reference(samples, target, training_set, yardstick)
    for name in ("crisp", "validity", "copy_rate", "near_copy_rate", "novelty", "novelty_orbit", "coverage"):
        assert result[name] == pytest.approx(expected[name], abs=1e-12), name
    assert result["generalization"] == pytest.approx(expected["g"], abs=1e-12)
    support = reference(samples, target, training_set, yardstick, own_shares=True)
    assert result["g_support"] == pytest.approx(support["g"], abs=1e-12)


def test_copies_count_no_more_than_chance_would_have_them():
    target, pictures = small()
    yardstick = Yardstick.of(target)
    half = pictures[::2]
    repeated = np.concatenate([half] * 20).astype(np.float32)
    result = measures(repeated, target, half, yardstick)
    size = np.array([s.size for s in yardstick.strata])
    np.testing.assert_allclose(result["distinctness"], result["trained"] / size, rtol=1e-9)
    assert result["copy_rate"] == 1
    assert result["novelty"] == 0


def test_a_training_set_counts_as_a_set():
    target, pictures = small()
    yardstick = Yardstick.of(target)
    samples = pictures[::3].astype(np.float32)
    once = measures(samples, target, pictures[:40], yardstick)
    twice = measures(samples, target, np.concatenate([pictures[:40]] * 2), yardstick)
    assert all(np.array_equal(once[name], twice[name]) for name in once)


def test_a_picture_between_two_examples_is_no_copy_and_one_near_a_single_example_neither():
    target, _ = small()
    training_set = np.zeros((2, 4, 4), bool)
    training_set[0, 0, 0] = training_set[1, 3, 3] = True
    middle = training_set.mean(axis=0, dtype=np.float32)[None]
    near = np.where(training_set[:1], 0.7, 0.0).astype(
        np.float32
    )  # not crisp, nine times nearer to the first
    yardstick = Yardstick.of(target)
    assert measures(middle, target, training_set, yardstick)["near_copy_rate"] == 0
    assert measures(near, target, training_set, yardstick)["near_copy_rate"] == 1
    assert measures(near, target, training_set[:1], yardstick)["near_copy_rate"] == 0
    assert measures(training_set[:1], target, training_set[:1], yardstick)["near_copy_rate"] == 1


def test_crispness_ends_at_a_quarter_and_nothing_that_diverged_counts():
    target, _ = small()
    yardstick = Yardstick.of(target)
    base = np.zeros((6, 4, 4), np.float32)
    base[:, 1, 1] = 1
    base[0, 1, 1], base[1, 1, 1], base[2, 0, 3] = 0.75, 0.74, -0.25
    base[3, 0, 0], base[4, 0, 0], base[5, 0, 0] = np.nan, np.inf, 1e30
    result = measures(base, target, base[:1] > 0.5, yardstick)
    assert result["crisp"] == result["validity"] == result["copy_rate"] == pytest.approx(2 / 6)


@pytest.mark.parametrize("shape", [(3, 5), (8, 8), (9, 9), (16, 16)])
def test_keys_are_equal_exactly_where_pictures_are(shape):
    rng = np.random.default_rng(3)
    pictures = rng.random((200, *shape)) < 0.05
    pictures[100:150] = pictures[:50]
    tuples = [tuple(p.ravel().tolist()) for p in pictures]
    assert len(np.unique(keys(pictures))) == len(set(tuples))
    same = keys(pictures)[:, None] == keys(pictures)[None]
    assert np.array_equal(same, [[a == b for b in tuples] for a in tuples])


@pytest.mark.parametrize("shape", [(3, 5), (9, 9)])
@pytest.mark.parametrize(("few", "many"), [(4, 60), (60, 4)])
def test_translates_are_found_whichever_side_is_smaller(shape, few, many):
    rng = np.random.default_rng(4)
    originals = rng.random((few, *shape)) < 0.2
    pictures = rng.random((many, *shape)) < 0.2
    pictures[::2] = np.roll(originals[rng.integers(few, size=len(pictures[::2]))], (2, 4), axis=(1, 2))
    orbit = {t.tobytes() for t in translates(originals).reshape(-1, *shape)}
    assert len(translates(originals)[0]) == shape[0] * shape[1]
    rolled = {
        np.roll(o, (a, b), axis=(0, 1)).tobytes()
        for o in originals
        for a, b in itertools.product(range(shape[0]), range(shape[1]))
    }
    assert orbit == rolled
    found = translate_of_any(pictures, originals)
    assert found.tolist() == [p.tobytes() in rolled for p in pictures]
    assert found[::2].all()


# The yardstick ----------------------------------------------------------------------------------------


def test_expected_distinct_is_that_of_uniform_draws():
    target, _ = small()
    rng = np.random.default_rng(5)
    for stratum in Yardstick.of(target).strata:
        for m in (1, 7, 40):
            seen = [len(set(rng.integers(stratum.size, size=m).tolist())) for _ in range(4000)]
            error = np.std(seen) / math.sqrt(len(seen))
            assert abs(stratum.expected_distinct(m) - np.mean(seen)) < 5 * error + 1e-12


def test_expected_distinct_of_unknown_sizes_is_unbiased():
    known, _ = small()
    unknown, _ = small(known=False)
    yardsticks = [Yardstick.of(unknown, seed) for seed in range(12)]
    for i, exact in enumerate(Yardstick.of(known).strata):
        for m in (0, 0.5, 3, 17.25, 128, 512):
            estimates = [yardstick.strata[i].expected_distinct(m) for yardstick in yardsticks]
            error = np.std(estimates) / math.sqrt(len(estimates))
            tolerance = 5 * error + (0.02 if m != int(m) else 1e-9)  # between whole numbers both interpolate
            assert abs(np.mean(estimates) - exact.expected_distinct(m)) < tolerance


def test_expected_distinct_of_unknown_sizes_is_the_mean_over_subsets_of_the_draws():
    yardstick = Yardstick.of(Dots(2, 3, (1,), {}), draws=6)
    (stratum,) = yardstick.strata
    labels = []
    for times, examples in enumerate(stratum.repeats):
        for example in range(examples):
            labels += [(times, example)] * times
    assert len(labels) == 6
    for m in range(7):
        subsets = [len({labels[i] for i in c}) for c in itertools.combinations(range(6), m)]
        assert stratum.expected_distinct(m) == pytest.approx(np.mean(subsets), abs=1e-9)


@pytest.mark.parametrize("size", [1, 2, 10**18, 2**63, 10**40, 10**400])
def test_sizes_of_any_number_of_digits(size):
    target = Dots(1, 1, (1,), {1: size})
    (stratum,) = Yardstick.of(target).strata
    assert stratum.expected_distinct(0) == 0
    assert stratum.expected_distinct(1) == pytest.approx(1)
    assert stratum.expected_distinct(100.5) == pytest.approx(min(100.5, {1: 1, 2: 2}.get(size, 100.5)))
    result = measures(np.ones((64, 1, 1), np.float32), target, np.ones((1, 1, 1), bool))
    assert result["distinctness"] == pytest.approx(min(1 / size, 1))


def test_more_draws_than_stored_are_refused_with_the_number_needed():
    target, pictures = small(known=False)
    yardstick = Yardstick.of(target, draws=64)
    with pytest.raises(AnalysisError, match="draws=100 or more"):
        measures(pictures[np.arange(300) % len(pictures)].astype(np.float32), target, pictures[:1], yardstick)


def test_copies_of_a_target_of_unknown_size_count_nothing():
    target, pictures = small(known=False)
    assert measures(pictures.astype(np.float32), target, pictures, seed=1)["generalization"] == 0


class Bounded(Dots):
    """Gives at most `most` draws of a stratum in one call and `total` altogether."""

    most = total = 10**9

    def draw(self, stratum, n, rng):
        given = min(n, self.most, self.total)
        self.total -= given
        return Dots(self.height, self.width, (stratum,)).sample(given, rng)


def test_a_target_that_draws_from_one_stratum_is_asked_again_until_there_are_enough():
    target = Bounded(numbers=(2,), known={})
    target.most = 100
    (stratum,) = Yardstick.of(target, draws=1000).strata
    assert stratum.repeats @ np.arange(len(stratum.repeats)) == 500


def test_a_stratum_with_some_draws_is_measured_and_one_with_too_few_refused():
    target = Bounded(numbers=(2,), known={})
    target.total = 300
    (stratum,) = Yardstick.of(target, draws=1000).strata
    assert stratum.repeats @ np.arange(len(stratum.repeats)) == 300
    target.total = 255
    with pytest.raises(
        AnalysisError, match="only 255 draws of stratum 2 of the target could be had, but 256"
    ):
        Yardstick.of(target, draws=1000)


def test_a_stratum_that_never_comes_is_left_out_only_where_it_may_be_empty(caplog):
    target = Dots(4, 4, (1, 2), {1: 16})
    target.sample = Dots(4, 4, (1,)).sample
    assert [(s.key, s.weight) for s in Yardstick.of(target, draws=64).strata] == [(1, 1.0)]
    assert "stratum 2 of the target is left out" in caplog.text
    target.known = {1: 16, 2: 78}
    with pytest.raises(AnalysisError, match="only 0 draws of stratum 2"):
        Yardstick.of(target, draws=64)
    target.numbers, target.known = (2,), {}
    with pytest.raises(AnalysisError, match="no member was found"):
        Yardstick.of(target, draws=64)


def naive_cells(rows, order, level=0):
    """Leaves of three median splits as lists of row indices, by recursion over lists of tuples."""
    if level == 3:
        return [rows]
    names = order[level % len(order) :] + order[: level % len(order)]
    for c in names:
        values = sorted({r[1][c] for r in rows})
        if len(values) > 1:
            cut = min(values[:-1], key=lambda v: abs(sum(r[1][c] <= v for r in rows) / len(rows) - 0.5))
            left = [r for r in rows if r[1][c] <= cut]
            right = [r for r in rows if r[1][c] > cut]
            return naive_cells(left, order, level + 1) + naive_cells(right, order, level + 1)
    return (
        naive_cells(rows, order, level + 1) + naive_cells([], order, level + 1)
        if rows
        else [[]] * 2 ** (3 - level)
    )


@pytest.mark.parametrize("count", [1, 2, 3])
def test_cells_are_median_splits(count):
    from analysis.cells import Cells

    rng = np.random.default_rng(count)
    values = rng.integers(0, 9, (500, count)).astype(float) / 4
    values[:, -1] = np.where(rng.random(500) < 0.3, 0, values[:, -1])
    cells = Cells.split(values, range(count))
    leaves = naive_cells([(i, v) for i, v in enumerate(values.tolist())], list(range(count)))
    assert [len(leaf) / 500 for leaf in leaves] == pytest.approx(cells.mass.tolist())
    expected = np.zeros(500, int)
    for j, leaf in enumerate(leaves):
        expected[[i for i, _ in leaf]] = j
    assert np.array_equal(cells(values), expected)


def test_cells_split_evenly_without_ties_and_pass_over_constants():
    from analysis.cells import Cells

    rng = np.random.default_rng(0)
    assert Cells.split(rng.random((4096, 3)), range(3)).mass.tolist() == [1 / 8] * 8
    with_constant = np.column_stack([np.zeros(4096), rng.random(4096)])
    assert Cells.split(with_constant, range(2)).mass.tolist() == [1 / 8] * 8
    nothing_declared = Cells.split(np.zeros((10, 0)), range(0))
    assert nothing_declared.mass.tolist() == [1] + [0] * 7
    assert nothing_declared(np.zeros((4, 0))).tolist() == [0] * 4


def test_a_half_named_by_the_fifth_property_is_seen_too():
    target = Dots()
    target.properties = {f"pixel {i}": lambda p, i=i: p[:, i].sum(axis=1).astype(float) for i in range(4)} | {
        "row": mean_row
    }
    rng = np.random.default_rng(11)
    drawn = target.sample(4000, rng)
    half = drawn[mean_row(drawn) > 3.5][:512].astype(np.float32)
    assert measures(half, target, NOTHING)["generalization"] < 0.8


def test_a_yardstick_is_a_function_of_target_and_seed_and_pickles():
    target, pictures = small()
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    one = Yardstick.of(target, seed=3)
    np.random.random(10)  # noqa: NPY002
    again = pickle.loads(pickle.dumps(Yardstick.of(target, seed=3)))
    samples = pictures[::2].astype(np.float32)
    for a, b in zip(one.strata, again.strata, strict=True):
        assert np.array_equal(a.cells[0].mass, b.cells[0].mass)
        assert np.array_equal(a.cells[0].threshold, b.cells[0].threshold)
    first, second = (measures(samples, target, pictures[:5], y) for y in (one, again))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_strata_without_members_or_weight_are_no_part_of_the_target():
    target = Dots(4, 4, (1, 2, 9), {1: 16, 2: 78, 9: 0})
    assert [s.key for s in Yardstick.of(Dots(4, 4, (1, 2), {1: 16, 2: 78})).strata] == [1, 2]
    target.sample = Dots(4, 4, (1, 2)).sample
    assert [(s.key, s.weight) for s in Yardstick.of(target).strata] == [(1, 0.5), (2, 0.5)]
    with pytest.raises(AnalysisError, match="empty target"):
        Yardstick.of(Dots(4, 4, (9,), {9: 0}))


# Every measure of the registry ------------------------------------------------------------------------


def odd_samples():
    _, pictures = small()
    rng = np.random.default_rng(6)
    return {
        "all": pictures,
        "one": pictures[:1],
        "none valid": np.ones((20, 4, 4)),
        "grey": np.full((20, 4, 4), 0.5),
        "not a number": np.full((3, 4, 4), np.nan),
        "noise": rng.normal(size=(100, 4, 4)),
        "noisy members": pictures + rng.normal(0, 0.08, pictures.shape),
    }


@pytest.fixture(scope="module")
def odd_results():
    """Every measure of every odd sample, as it is and in another order."""
    target, pictures = small()
    yardstick = Yardstick.of(target, draws=512)
    results = {}
    for (kind, samples), n in itertools.product(odd_samples().items(), (0, 1, 50)):
        samples = samples.astype(np.float32)
        order = np.random.default_rng(0).permutation(len(samples))
        results[kind, n] = [measures(s, target, pictures[:n], yardstick) for s in (samples, samples[order])]
    return results


@pytest.mark.parametrize("name", list(MEASURES))
def test_every_measure_is_in_range_and_blind_to_order(name, odd_results):
    for case, (value, again) in ((k, (a[name], b[name])) for k, (a, b) in odd_results.items()):
        assert np.shape(value) == ((3,) if MEASURES[name].per_stratum else ()), case
        assert np.array_equal(value, again), case
        assert np.all(np.asarray(value) >= 0), case
        assert MEASURES[name].units != "1" or np.all(np.asarray(value) <= 1), case


def test_shapes_that_do_not_fit_are_refused():
    target, pictures = small()
    with pytest.raises(AnalysisError, match="N >= 1"):
        measures(np.zeros((0, 4, 4), np.float32), target, pictures)
    with pytest.raises(AnalysisError, match=r"\(4, 4\) and \(8, 8\)"):
        measures(np.zeros((2, 4, 4), np.float32), target, NOTHING)


def test_two_measures_of_one_name_are_refused():
    with pytest.raises(AnalysisError, match="'validity' exists"):
        analysis.register(analysis.Measure("validity", lambda e: 0.0, "another"))


def test_the_dataset_says_what_everything_is():
    target, pictures = small()
    dataset = analysis.measure(pictures.astype(np.float32), target, pictures[:3], seed=2)
    assert dataset.attrs["samples"] == len(pictures)
    assert dataset.sizes == {"stratum": 3}
    for name, variable in dataset.variables.items():
        assert name == "stratum" or variable.dims in ((), ("stratum",))
        assert variable.attrs["units"]
        assert variable.attrs["long_name"]
    assert float(dataset.validity_low) < 1 == float(dataset.validity) == float(dataset.validity_high)
    assert dataset["size"].values.tolist() == [str(target.known[k]) for k in target.numbers]
    assert all(isinstance(v, int | float | str) and not isinstance(v, bool) for v in dataset.attrs.values())
