"""Samplers and preconditioning against formulas derived elsewhere, on data whose answers are known."""

import math

import numpy as np
import pytest
import torch

from models.edm import EDM, condition, training_sigmas
from models.frame import Frame
from models.preconditioning import Preconditioning
from models.processes import VE, VP, EDMProcess, Process, schedule
from models.samplers import ddim, ddpm, euler_maruyama, heun, langevin, predictor_corrector, sde

MEAN = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
STD = torch.tensor([0.1, 1.0, 3.0], dtype=torch.float64)


def gaussian(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The ideal denoiser of N(MEAN, STD**2): the mean of the posterior, by Bayes."""
    return (x / sigma**2 + MEAN / STD**2) / (1 / sigma**2 + 1 / STD**2)


# Two normal heaps in the plane, as (weight, mean, standard deviation).
HEAPS = [(0.3, torch.tensor([-1.0, 0.0]).double(), 0.2), (0.7, torch.tensor([1.5, 0.5]).double(), 0.4)]


def mixture(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The ideal denoiser of HEAPS: Bayes for each, weighted by how likely x is from it."""
    likely, cleans = [], []
    for weight, mean, std in HEAPS:
        variance = std**2 + sigma**2
        square = (x - mean).square().sum(-1, keepdim=True)
        likely.append(math.log(weight) - square / (2 * variance) - math.log(variance))
        cleans.append(mean + std**2 / variance * (x - mean))
    shares = torch.stack(likely).softmax(0)
    return (shares * torch.stack(cleans)).sum(0)


def check_moments(samples: torch.Tensor, bias: float) -> None:
    """Share, mean and variance of each heap within five standard errors and a relative bias."""
    n = len(samples)
    left = samples[:, 0] < 0.0  # five standard deviations from the left heap, nearly four from the right
    assert float(left.double().mean()) == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / n) + bias)
    for (weight, mean, std), own in zip(HEAPS, (samples[left], samples[~left]), strict=True):
        error = 5 * std / math.sqrt(weight * n)
        assert ((own.mean(0) - mean).abs() < error + bias * std).all()
        assert ((own.std(0) / std - 1).abs() < 5 / math.sqrt(2 * weight * n) + bias).all()


def no_draw() -> torch.Tensor:
    raise AssertionError("a deterministic sampler draws nothing")


def last(states) -> torch.Tensor:
    *_, x = states
    return x


def test_the_schedule_is_that_of_the_paper() -> None:
    levels = schedule(18, 0.002, 80.0)
    assert len(levels) == 19
    for i in range(18):  # Karras et al. 2022, eq. 5, rho = 7
        expected = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
        assert levels[i] == pytest.approx(expected, rel=1e-12)
    assert levels[-1] == 0.0
    assert schedule(1, 0.1, 5.0) == pytest.approx([5.0, 0.0])


def flow_error(steps: int) -> float:
    """Distance from the exact end of the flow, MEAN + STD * (x - MEAN) / sqrt(STD**2 + sigma**2)."""
    levels = schedule(steps, 1e-3, 20.0)
    x = 20.0 * torch.randn(100, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = MEAN + STD * (x - MEAN) / (STD**2 + 20.0**2).sqrt()
    return float((last(heun(gaussian, x, levels, no_draw)) - exact).abs().max())


def test_heun_follows_the_probability_flow_of_a_gaussian_with_second_order() -> None:
    assert flow_error(160) < 3e-3
    for steps in (20, 40, 80):
        assert 3.0 < flow_error(steps) / flow_error(2 * steps) < 5.5  # 4 for a second-order method


def test_one_heun_step_is_the_trapezoidal_rule_of_the_flow() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    levels = [2.0, 1.0]

    def slope(y: torch.Tensor, sigma: float) -> torch.Tensor:  # -sigma * score of N(MEAN, STD**2 + sigma**2)
        return sigma * (y - MEAN) / (STD**2 + sigma**2)

    guess = x - slope(x, 2.0)
    expected = x - (slope(x, 2.0) + slope(guess, 1.0)) / 2
    torch.testing.assert_close(last(heun(gaussian, x, levels, no_draw)), expected)


def test_the_reverse_sde_reaches_the_moments_of_a_gaussian() -> None:
    generator = torch.Generator().manual_seed(0)
    n = 40_000

    def draw() -> torch.Tensor:
        return torch.randn(n, 3, generator=generator, dtype=torch.float64)

    samples = last(sde(gaussian, MEAN + (STD**2 + 20.0**2).sqrt() * draw(), schedule(200, 1e-3, 20.0), draw))
    error = STD / math.sqrt(n)
    assert ((samples.mean(0) - MEAN).abs() < 5 * error + 0.002 * STD).all()
    # first order in the step: 2 % of variance is left at 200 steps
    assert ((samples.std(0) / STD - 1).abs() < 0.02 + 5 / math.sqrt(2 * n)).all()


def test_a_step_of_the_reverse_sde_is_the_published_discretisation() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    z = torch.tensor([[0.3, -0.7, 1.1]], dtype=torch.float64)
    high, low = 2.0, 1.5
    score = -(x - MEAN) / (STD**2 + high**2)
    gap = high**2 - low**2  # Song et al. 2021, eq. 47
    expected = x + gap * score + math.sqrt(low**2 * gap / high**2) * z
    torch.testing.assert_close(last(sde(gaussian, x, [high, low], lambda: z)), expected)


def test_the_reverse_sde_of_one_point_has_exact_noise_at_every_level() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw() -> torch.Tensor:
        return torch.randn(20_000, 1, generator=generator)

    levels = schedule(5, 0.02, 20.0)
    states = list(sde(lambda x, sigma: torch.full_like(x, 0.25), 0.25 + 20.0 * draw(), levels, draw))
    for x, sigma in zip(states[:-1], levels[:-1], strict=True):
        assert float(x.std()) == pytest.approx(sigma, rel=0.03)
    torch.testing.assert_close(states[-1], torch.full((20_000, 1), 0.25))


UNIT = Frame(0.0, 0.0, 2.0)  # so that the variance-preserving state is x / sqrt(1 + sigma**2)
EXPLODING, PRESERVING = VE(UNIT, 0.01, 20.0, 0), VP(UNIT, 1e-3, 1e3)


@pytest.mark.parametrize(
    ("sampler", "process", "steps"),
    [
        (euler_maruyama, EXPLODING, 400),
        (euler_maruyama, PRESERVING, 400),
        (predictor_corrector, EXPLODING, 250),
        (predictor_corrector, PRESERVING, 250),
        (langevin, EXPLODING, 20),
        (ddpm, PRESERVING, 250),
        (ddim, PRESERVING, 250),
    ],
)
def test_samplers_reach_the_moments_of_two_heaps(sampler, process: Process, steps: int) -> None:
    generator = torch.Generator().manual_seed(0)

    def draw() -> torch.Tensor:
        return torch.randn(3000, 2, generator=generator, dtype=torch.float64)

    levels = process.levels(steps)
    given = {"process": process} if sampler in (euler_maruyama, predictor_corrector, ddpm) else {}
    samples = last(sampler(mixture, process.start(levels[0], draw()), levels, draw, **given))
    check_moments(samples, bias=0.03)


def test_the_variance_preserving_samplers_are_the_published_updates() -> None:
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    z = torch.tensor([[0.3, -0.7]], dtype=torch.float64)
    high, low = PRESERVING.levels(1000)[300:302]
    a_high, a_low = 1 / (1 + high**2), 1 / (1 + low**2)
    beta = 1 - a_high / a_low
    w = x * math.sqrt(a_high)

    def score(state: torch.Tensor, a: float) -> torch.Tensor:  # of the state's own density
        return (math.sqrt(a) * mixture(state / math.sqrt(a), math.sqrt(1 / a - 1)) - state) / (1 - a)

    # Song et al. 2021, Algorithm 3 with a step of e = 2 alpha r**2 (1 - a)
    expected = (2 - math.sqrt(1 - beta)) * w + beta * score(w, a_high) + math.sqrt(beta) * z
    size = 2 * (1 - beta) * 0.16**2 * (1 - a_low)
    expected = expected + size * score(expected, a_low) + math.sqrt(2 * size) * z
    found = last(predictor_corrector(mixture, x, [high, low], lambda: z, process=PRESERVING))
    torch.testing.assert_close(found * math.sqrt(a_low), expected)
    # Euler-Maruyama of dw = -beta w / 2 dt + sqrt(beta) dW backwards, beta integrated to -ln(1 - beta)
    time = -math.log(1 - beta)
    expected = w + time * (w / 2 + score(w, a_high)) + math.sqrt(time) * z
    found = last(euler_maruyama(mixture, x, [high, low], lambda: z, process=PRESERVING))
    torch.testing.assert_close(found * math.sqrt(a_low), expected)


def test_a_step_of_annealed_langevin_dynamics_is_that_of_the_paper() -> None:
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    z = torch.tensor([[0.3, -0.7]], dtype=torch.float64)
    alpha = 2e-5 * 0.5**2 / 0.01**2  # Song & Ermon 2019, Algorithm 1, line 3
    expected = x + alpha / 2 * (mixture(x, 0.5) - x) / 0.5**2 + math.sqrt(alpha) * z
    start, first, final = langevin(
        mixture, x, [0.5, 0.4, 0.0], lambda: z, langevin_steps=1, langevin_rate=0.2
    )
    torch.testing.assert_close(start, x)
    torch.testing.assert_close(first, expected)
    alpha = 0.2 * 0.4**2
    expected = expected + alpha / 2 * (mixture(expected, 0.4) - expected) / 0.4**2 + math.sqrt(alpha) * z
    torch.testing.assert_close(final, mixture(expected, 0.4))


def test_levels_are_those_of_the_papers() -> None:
    ncsn = VE(Frame(), 0.01, 1.0, 10)
    assert ncsn.levels(10) == pytest.approx([0.01 ** (i / 9) for i in range(10)] + [0.0])
    assert {f"{level:.4f}" for level in ncsn.training(np.random.default_rng(0), (40, 8)).ravel()} == {
        f"{0.01 ** (i / 9):.4f}" for i in range(10)
    }
    between = np.log(VE(Frame(), 0.01, 1.0, 0).training(np.random.default_rng(0), (400, 8)))
    assert between.min() > np.log(0.01)
    assert between.mean() == pytest.approx(np.log(0.1), abs=0.03)
    product, expected = 1.0, []
    for time in range(1000):  # Ho et al. 2020, section 4
        product *= 1 - (1e-4 + time / 999 * (0.02 - 1e-4))
        expected.append(math.sqrt(1 / product - 1) / 2)
    levels = VP(Frame(), 0.005, 80.0).levels(1000)
    assert levels == pytest.approx([*expected[::-1], 0.0])
    drawn = VP(Frame(), 0.005, 80.0).training(np.random.default_rng(0), (500, 4)).ravel()
    assert np.isin(drawn, np.float32(expected)).all()
    assert len(np.unique(drawn)) > 800
    assert EDMProcess(Frame(), 0.002, 80.0, 0.0, 1.0).levels(18) == schedule(18, 0.002, 80.0)
    inside = VP(Frame(), 0.02, 20.0).levels(12)
    assert 0.02 <= inside[-2] < inside[0] <= 20.0


def test_preconditioning_is_table_1_of_the_paper_around_the_mean() -> None:
    edm = EDM(mean=0.2, sigma_data=0.3)
    x = torch.randn(5, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sigma = torch.tensor([0.02, 0.1, 0.5, 2.0, 20.0], dtype=torch.float64).view(5, 1, 1)
    seen = []

    def network(y: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        seen.append((y, noise))
        return y.sin()

    clean = Preconditioning(edm, edm).denoise(network, x, sigma)
    for i, s in enumerate(sigma.flatten().tolist()):
        c_skip = 0.3**2 / (s**2 + 0.3**2)
        c_out = s * 0.3 / math.sqrt(0.3**2 + s**2)
        c_in = 1 / math.sqrt(s**2 + 0.3**2)
        centred = x[i] - 0.2
        expected = 0.2 + c_skip * centred + c_out * (c_in * centred).sin()
        torch.testing.assert_close(clean[i], expected)
        assert float(seen[0][1][i, 0]) == pytest.approx(math.log(s) / 4)


def test_the_loss_is_the_weighted_error_of_the_denoiser() -> None:
    edm = EDM(mean=0.2, sigma_data=0.3)
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(6, 4, 4, generator=generator, dtype=torch.float64)
    noise = torch.randn(6, 4, 4, generator=generator, dtype=torch.float64)
    sigma = torch.tensor([0.02, 0.1, 0.3, 0.5, 2.0, 20.0], dtype=torch.float64).view(6, 1, 1)

    def network(y: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return y.cos()

    both = Preconditioning(edm, edm)
    error = both.denoise(network, clean + sigma * noise, sigma) - clean
    weight = (sigma**2 + 0.3**2) / (sigma * 0.3) ** 2  # lambda of table 1
    x, answer = both.regression(clean, sigma, noise)
    loss = (network(x, condition(sigma)) - answer).square()
    torch.testing.assert_close(loss, weight * error**2)


def test_the_scale_is_measured_and_a_flat_set_has_one_too() -> None:
    examples = (np.random.default_rng(0).random((50, 8, 8)) < 0.25).astype(np.float32)
    edm = EDM.of(examples)
    assert edm.mean == pytest.approx(examples.mean())
    assert edm.sigma_data == pytest.approx(examples.std())
    assert EDM.of(examples, sigma_data=0.7).sigma_data == 0.7
    assert EDM.of(np.zeros((3, 8, 8), np.float32)).sigma_data > 0


def test_training_levels_are_log_normal_with_one_from_each_slice_of_a_batch() -> None:
    levels = np.log(training_sigmas(np.random.default_rng(0), (4000, 8), -1.5, 0.8))
    assert levels.mean() == pytest.approx(-1.5, abs=0.02)
    assert levels.std() == pytest.approx(0.8, abs=0.02)
    middle = (levels < -1.5).sum(1)
    assert (middle == 4).all()
    # each place in a batch sees all levels
    assert np.abs(levels.mean(0) + 1.5).max() < 0.1
