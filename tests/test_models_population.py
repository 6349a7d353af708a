"""Populations: a stack is the members one by one, but for rounding; nobody's bits depend on companions."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

import models
from models.population import lessons_of, train_stack, usual
from models.training import CHUNK, NetworkLearner, Training

DOTS = np.eye(16, dtype=bool).reshape(16, 4, 4)
POINTS = np.random.default_rng(0).normal(size=(16, 2))
NETWORKS = [name for name in models.available() if isinstance(models.load(name), NetworkLearner)]
SMALL = {"steps": 60, "batch": 4, "width": 8, "sampler_steps": 4}


def small(name: str = "conv", **more: Any) -> models.Learner:
    own = vars(models.settings(name)())
    return models.load(name, **{key: value for key, value in SMALL.items() if key in own} | more)


def taught(learner: models.Learner) -> np.ndarray:
    return DOTS if learner.supports((4, 4)) is None else POINTS


def bits(member: models.Fitted) -> list[bytes]:
    return [weight.numpy().tobytes() for weight in member.weights.values()]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_stack_is_its_members_one_by_one(name: str) -> None:
    learner = small(name)
    examples = taught(learner)
    sets, seeds = [examples, examples[:3], examples[5:]], [0, 1, 2]
    alone = learner.fit(sets, seeds, checkpoints=[0, 30])
    stack = learner.fit(sets, seeds, checkpoints=[0, 30], population=4)
    assert [member.index for member in stack] == [0, 1, 2]
    for one, other in zip(alone, stack, strict=True):
        assert (other.seed, other.shape, other.steps, other.diverged) == (
            one.seed, one.shape, one.steps, one.diverged,
        )  # fmt: skip
        assert other.loss == pytest.approx(one.loss, rel=1e-4)
        assert bits(other.at(0)) == bits(one.at(0))
        for step in (30, 60):
            assert other.at(step).steps == step
            np.testing.assert_allclose(other.at(step).sample(4, 0), one.at(step).sample(4, 0), atol=2e-3)
    assert bits(stack[0]) != bits(stack[0].at(30))


def test_a_member_does_not_depend_on_its_companions_bit_for_bit() -> None:
    learner = small()
    [alone] = learner.fit([DOTS[:5]], [7], population=4)
    first, *_ = learner.fit([DOTS[:5], DOTS, DOTS[:1]], [7, 8, 9], population=4)
    *_, fifth = learner.fit([DOTS] * 4 + [DOTS[:5]], [0, 1, 2, 3, 7], checkpoints=[20], population=4)
    assert bits(alone) == bits(first) == bits(fifth)
    assert alone.loss == first.loss == fifth.loss
    assert (alone.index, first.index, fifth.index) == (0, 0, 4)


def test_a_rule_ends_one_member_and_the_others_do_not_notice() -> None:
    asked = []

    def stop(member: models.Fitted) -> bool:
        asked.append((member.steps, member.index))
        return member.index == 1 and member.steps >= 20

    learner = small()
    members = learner.fit([DOTS] * 3, [0, 1, 2], checkpoints=[10, 20, 30], stop=stop, population=3)
    assert [member.steps for member in members] == [60, 20, 60]
    assert asked == [(10, 0), (10, 1), (10, 2), (20, 0), (20, 1), (20, 2), (30, 0), (30, 2)]
    plain = learner.fit([DOTS] * 3, [0, 1, 2], checkpoints=[20], population=3)
    assert [bits(member) for member in members] == [bits(plain[0]), bits(plain[1].at(20)), bits(plain[2])]


def test_a_diverged_member_is_reported_and_the_others_live() -> None:
    learner = small(steps=200, sigma_data=0.001)
    worst = np.full((2, 4, 4), 1e30) * DOTS[:2]
    good, bad, other = learner.fit([DOTS, worst, DOTS], [0, 1, 2], population=3)
    assert bad.diverged
    assert bad.steps <= CHUNK
    assert not good.diverged
    assert not other.diverged
    untroubled = learner.fit([DOTS] * 3, [0, 1, 2], population=3)
    assert [bits(good), bits(other)] == [bits(untroubled[0]), bits(untroubled[2])]


def test_members_of_several_shapes() -> None:
    wide = np.eye(15, dtype=bool).reshape(15, 3, 5)
    members = small().fit([DOTS, wide, DOTS, wide], [0, 1, 2, 3], population=2)
    assert [member.shape for member in members] == [(4, 4), (3, 5), (4, 4), (3, 5)]
    assert [member.seed for member in members] == [0, 1, 2, 3]
    assert bits(members[3]) == bits(small().fit([wide], [3], population=2)[0])


def test_nothing_to_fit_and_no_steps_to_take() -> None:
    assert small().fit([], [], population=4) == []
    [member] = small(steps=0).fit([DOTS], [0], population=4)
    assert (member.steps, member.loss, member.diverged) == (0, 0.0, False)
    assert bits(member) == bits(small(steps=0).fit([DOTS], [0])[0])


def trainings(**more: Any) -> list[Training]:
    learner = small(**more)
    return [
        Training(learner.network((4, 4)), DOTS.astype("f4"), seed, learner.settings, "cpu") for seed in (0, 1)
    ]


def test_lessons_made_ahead_are_the_same() -> None:
    now, ahead = (lessons_of(trainings(), 3, ahead=choice) for choice in (False, True))
    for one, other in islice(zip(now, ahead, strict=True), 0, 2 * CHUNK + 1, 25):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
        assert torch.equal(one[0][2], one[0][0])  # a spare lane repeats the first
        assert not torch.equal(one[0][1], one[0][0])
    now.close()
    ahead.close()


def test_products_in_bfloat16_learn_nearly_the_same() -> None:
    # device=cuda is where this is for; the same autocast exists on a CPU
    exact, rough = (train_stack(trainings(precision=one), 2, [], None)[0] for one in ("float32", "bf16"))
    assert rough.loss != exact.loss
    assert rough.loss == pytest.approx(exact.loss, rel=0.05)
    assert all(weight.dtype == torch.float32 for weight in rough.weights.values())


def test_who_is_stacked_where_nothing_is_asked() -> None:
    assert [usual(members, "cpu") for members in (0, 1, 300)] == [1, 1, 1]
    assert [usual(members, "cuda") for members in (0, 1, 300, 5000)] == [1, 1, 300, 1024]


@pytest.mark.parametrize(
    ("learner", "wrong", "said"),
    [
        ("conv", {"population": 0}, "`population >= 1` must hold, but got population=0"),
        ("conv", {"workers": 0}, "`workers >= 1` must hold, but got workers=0"),
        ("ideal", {"population": 2}, "ideal has members one by one only, but got population=2"),
        ("conv", {"population": 2, "workers": 2}, "workers are for members one by one on a CPU"),
        ("conv", {"workers": 2, "stop": lambda member: True}, "`stop` must be a function of a module"),
        ("conv", {"population": 2, "checkpoints": [61]}, "`0 <= checkpoint <= steps` must hold"),
    ],
)
def test_what_cannot_be_is_said(learner: str, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(models.ModelError, match=said):
        small(learner).fit([DOTS, DOTS], [0, 1], **wrong)


def test_bfloat16_is_for_a_gpu() -> None:
    with pytest.raises(models.ModelError, match="precision=bf16 is for device=cuda"):
        small(precision="bf16").fit([DOTS], [0])


def enough(member: models.Fitted) -> bool:
    return member.index == 1 and member.steps >= 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv", "ideal"])
def test_processes_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        given = {"checkpoints": [20, 40], "stop": enough} if name == "conv" else {}
        alone = small(name).fit([DOTS, DOTS[:9], DOTS], [0, 1, 2], **given)
        shared = small(name).fit([DOTS, DOTS[:9], DOTS], [0, 1, 2], workers=2, **given)
    finally:
        torch.set_num_threads(threads)
    for one, other in zip(alone, shared, strict=True):
        assert (one.index, one.seed, one.steps, one.loss) == (
            other.index,
            other.seed,
            other.steps,
            other.loss,
        )
        np.testing.assert_array_equal(one.sample(3, 0), other.sample(3, 0))
    if name == "conv":
        assert [member.steps for member in shared] == [60, 20, 60]
        assert [member.at(20).index for member in shared] == [0, 1, 2]
        assert bits(shared[2].at(20)) == bits(alone[2].at(20))
