"""The generative families that are no diffusion, each against what can be counted or integrated."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import models
from models.autoregressive import Autoregressive
from models.dae import DAE
from models.families import FittedFamily
from models.gan import GAN
from models.noise import Noise
from models.optimise import CHUNK, Chance
from models.realnvp import RealNVP
from models.vae import VAE

FAMILIES = ["autoregressive", "dae", "gan", "realnvp", "vae"]
DOTS = np.eye(9, dtype=bool).reshape(9, 3, 3)
# all pictures of 3 x 3 pixels
ALL = (np.arange(512)[:, None] >> np.arange(9) & 1).astype(bool).reshape(512, 3, 3)

every_family = pytest.mark.parametrize("name", FAMILIES)


def taught(name: str, examples: np.ndarray, seed: int = 0, **settings: Any) -> FittedFamily:
    [fitted] = models.load(name, **settings).fit([examples], [seed])
    assert isinstance(fitted, FittedFamily)
    return fitted


def ring(n: int) -> np.ndarray:
    """Points around a circle of radius 2 about (5, -3)."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, n)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.array([5.0, -3.0]) + 2 * circle + rng.normal(0, 0.15, (n, 2))


def double(fitted: FittedFamily) -> dict[str, torch.Tensor]:
    return {name: weight.double() for name, weight in fitted.weights.items()}


def frequencies(samples: np.ndarray) -> np.ndarray:
    """How often each of the 512 pictures occurs, in the order of ALL."""
    places = samples.reshape(len(samples), 9).astype(int) @ (1 << np.arange(9))
    return np.bincount(places, minlength=512) / len(samples)


# Training ------------------------------------------------------------------------------------------------


@every_family
def test_one_picture_is_learned_by_heart_and_training_lowers_the_loss(name: str) -> None:
    picture = DOTS[3:4] | DOTS[8:9]
    small = {"width": 32, "batch": 8} | (
        {"depth": 1, "positions": "learned"} if name == "autoregressive" else {}
    )
    untrained, fitted = (taught(name, picture, steps=steps, **small) for steps in (1, 250))
    samples = fitted.sample(200, seed=0)
    assert (np.abs(samples - picture) < 0.25).all((1, 2)).mean() > 0.9
    if name != "gan":  # whose loss is a balance
        assert fitted.loss < untrained.loss


@every_family
def test_a_diverged_member_is_reported_and_the_others_live(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = models.load(name, steps=60, width=16)
    kind = type(learner.family((3, 3)))  # type: ignore[attr-defined]
    sound = kind.loss

    white: list[int] = []

    def broken(self: Any, weights: Any, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """The loss, which explodes on a set of white pictures after 30 steps."""
        white.extend([1] * bool(x.min() == 1))
        return sound(self, weights, x, chance) * (1e30 if x.min() == 1 and len(white) > 30 else 1.0)

    monkeypatch.setattr(kind, "loss", broken)
    good, bad, other = learner.fit([DOTS, DOTS | True, DOTS], [0, 1, 2])
    assert [member.diverged for member in (good, bad, other)] == [False, True, False]
    assert bad.steps == CHUNK
    monkeypatch.undo()
    [alone] = learner.fit([DOTS], [2])
    np.testing.assert_array_equal(other.sample(2, 0), alone.sample(2, 0))


# RealNVP -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 7), (2,), (1, 4)], ids=str)
def test_realnvp_inverts_to_1e_5(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    examples = ring(64) if shape == (2,) else rng.random((64, *shape)) < 0.3
    fitted = taught("realnvp", examples, steps=120, width=16)
    flow, weights = fitted.family, double(fitted)
    assert isinstance(flow, RealNVP)
    noise = torch.from_numpy(rng.normal(size=(200, flow.size)))
    *_, x = flow.decode(weights, noise)
    assert (flow.encode(weights, x)[0] - noise).abs().max() < 1e-5
    data = torch.from_numpy(rng.normal(0.5, 0.5, (200, flow.size)))
    *_, back = flow.decode(weights, flow.encode(weights, data)[0])
    assert (back - data).abs().max() < 1e-5
    assert (flow.encode(weights, data)[0] - data).abs().max() > 0.1


def test_the_volume_of_realnvp_is_that_of_its_jacobian() -> None:
    fitted = taught("realnvp", DOTS, steps=60, width=16)
    flow, weights = fitted.family, double(fitted)
    assert isinstance(flow, RealNVP)
    for x in torch.from_numpy(np.random.default_rng(0).normal(size=(5, 9))):
        jacobian = torch.autograd.functional.jacobian(lambda x: flow.encode(weights, x[None])[0][0], x)
        stated = flow.encode(weights, x[None])[1].item()
        assert stated == pytest.approx(torch.linalg.slogdet(jacobian).logabsdet.item(), abs=1e-9)


@pytest.mark.parametrize("shape", [(3, 3), (5, 7), (2,), (1, 4), (3, 1)], ids=str)
def test_couplings_move_every_coordinate(shape: tuple[int, ...]) -> None:
    flow = RealNVP(shape, models.load("realnvp").settings)
    masks = torch.stack([flow.mask(layer, torch.zeros(1)) for layer in range(flow.settings.couplings)])
    for kept, after in zip(masks[::2], masks[1::2], strict=True):
        assert torch.equal(kept + after, torch.ones(flow.size))  # what one keeps the next moves
    assert 0 < masks[0].sum() < flow.size
    # the masks of a grid of squares are not all the same pair
    assert len(masks.unique(dim=0)) == (6 if min(shape) > 1 and len(shape) == 2 else 2)


def test_the_density_of_realnvp_on_the_plane_integrates_to_one() -> None:
    fitted = taught("realnvp", ring(256), steps=200, width=16)
    across, down = np.linspace(-1, 11, 240), np.linspace(-9, 3, 240)
    lattice = np.stack(np.meshgrid(across, down, indexing="ij"), -1).reshape(-1, 2)
    density = np.exp(fitted.log_prob(lattice))
    cell = (across[1] - across[0]) * (down[1] - down[0])
    assert density.sum() * cell == pytest.approx(1.0, abs=0.01)
    # and it is the density of its samples: shares of four quarters
    samples = fitted.sample(4000, seed=0)
    east = lattice[:, 0] > 5.0
    north = lattice[:, 1] > -3.0
    for one, other in ((east, samples[:, 0] > 5.0), (north, samples[:, 1] > -3.0)):
        assert density[one].sum() * cell == pytest.approx(other.mean(), abs=0.03)


def test_rounded_pictures_of_realnvp_are_those_of_the_flow_rounded() -> None:
    raw, rounded = (taught("realnvp", DOTS, steps=20, emit=emit) for emit in ("raw", "rounded"))
    np.testing.assert_array_equal(rounded.sample(30, seed=0), raw.sample(30, seed=0) > 0.5)


# Autoregressive ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("positions", ["learned", "relative", "both"])
def test_probabilities_of_all_pictures_sum_to_one_and_are_those_of_the_samples(positions: str) -> None:
    fitted = taught("autoregressive", DOTS, steps=40, width=16, positions=positions)
    probability = np.exp(fitted.log_prob(ALL))
    assert probability.sum() == pytest.approx(1.0, abs=1e-6)
    assert probability.max() < 0.5
    found = frequencies(fitted.sample(20000, seed=0))
    # total variation of 20,000 draws from the truth: at most sum of sqrt(p / n) / 2, on average
    assert np.abs(found - probability).sum() / 2 < np.sqrt(probability / 20000).sum() / 2


def test_a_pixel_is_drawn_from_its_probability_given_those_before() -> None:
    fitted = taught("autoregressive", DOTS, steps=40, width=16, heads=2)
    family, n = fitted.family, 40
    assert isinstance(family, Autoregressive)
    samples = fitted.sample(n, seed=5)
    white = family.logits(fitted.weights, torch.from_numpy(samples.reshape(n, 9))).sigmoid()
    drawn = torch.special.ndtr(Noise((9,), 0, n, 5).draw()) < white
    np.testing.assert_array_equal(drawn.numpy().reshape(n, 3, 3), samples == 1)


@pytest.mark.parametrize("positions", ["learned", "relative", "both"])
def test_no_pixel_knows_of_itself_or_of_those_after(positions: str) -> None:
    learner = models.load("autoregressive", width=16, positions=positions)
    family = learner.family((4, 3))  # type: ignore[attr-defined]
    generator = torch.Generator().manual_seed(0)
    weights = {name: torch.randn(shape, generator=generator) for name, shape in family.shapes().items()}
    x = (torch.rand(1, 12, generator=generator) < 0.5).float()
    usual = family.logits(weights, x)[0]
    for place in range(12):
        changed = x.clone()
        changed[0, place] = 1 - changed[0, place]
        differs = (family.logits(weights, changed)[0] - usual).abs() > 1e-5
        assert not differs[: place + 1].any()
        assert differs[place + 1 :].all()


def test_distances_alone_make_all_places_alike() -> None:
    learner = models.load("autoregressive", width=16, positions="relative", depth=1)
    family = learner.family((6, 5))  # type: ignore[attr-defined]
    generator = torch.Generator().manual_seed(0)
    weights = {name: torch.randn(shape, generator=generator) for name, shape in family.shapes().items()}
    # the entries for pixels further than a row and a column away are switched off
    bias = weights["0.distance"].view(4, -1)
    near = torch.zeros(bias.shape[1], dtype=torch.bool)
    for down in (0, 1):
        for across in (-1, 0, 1):
            near[down * 9 + across + 4] = True
    bias[:, ~near] = -100.0
    x = torch.zeros(2, 6, 5)
    x[0, 1, 1] = x[1, 3, 2] = 1.0
    logits = family.logits(weights, x.view(2, -1)).view(2, 6, 5)
    torch.testing.assert_close(logits[0, 1:4, 1:3], logits[1, 3:6, 2:4], rtol=1e-4, atol=1e-4)


def test_grey_pictures_are_refused() -> None:
    with pytest.raises(models.ModelError, match="learns pictures of 0 and 1, but got a pixel of 0.5"):
        models.load("autoregressive").fit([np.full((1, 3, 3), 0.5)], [0])
    fitted = taught("autoregressive", DOTS, steps=1)
    with pytest.raises(models.ModelError, match="pictures of 0 and 1 only"):
        fitted.log_prob(np.full((1, 3, 3), 0.5))


# VAE -----------------------------------------------------------------------------------------------------


def marginal(fitted: FittedFamily, pictures: np.ndarray) -> np.ndarray:
    """p(x) of a VAE with one number as its code, by Gauss-Hermite quadrature."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(120)
    weights = double(fitted)
    family: Any = fitted.family
    white = torch.sigmoid(family.decoder(weights, torch.from_numpy(nodes)[:, None])).numpy()
    flat = pictures.reshape(len(pictures), -1)
    likelihood = np.where(flat[:, None], white, 1 - white).prod(2)
    return likelihood @ (shares / shares.sum())


def test_the_bound_of_the_vae_is_below_the_likelihood_and_close_with_many_codes() -> None:
    # at a small weight of the divergence, so that codes are used
    fitted = taught("vae", DOTS, steps=300, latent=1, width=32, importance=2000, beta=0.1)
    exact = marginal(fitted, ALL)
    assert exact.sum() == pytest.approx(1.0, abs=1e-6)
    likely = exact > 1e-4
    assert likely.sum() > 20
    np.testing.assert_allclose(fitted.log_prob(ALL[likely]), np.log(exact[likely]), atol=0.1)
    # what training lowers is minus a bound that is further below
    usual = VAE((3, 3), models.load("vae", latent=1, width=32).settings)
    many = torch.from_numpy(DOTS.reshape(9, 9).astype(np.float32)).repeat(500, 1)
    bound = -float(usual.loss(fitted.weights, many, Chance(0, "cpu")))
    assert bound < np.log(marginal(fitted, DOTS)).mean() - 0.02


def test_samples_of_the_vae_are_drawn_from_its_likelihood() -> None:
    fitted = taught("vae", DOTS, steps=400, latent=1, width=32)
    exact, found = marginal(fitted, ALL), frequencies(fitted.sample(20000, seed=0))
    assert np.abs(found - exact).sum() / 2 < np.sqrt(exact / 20000).sum() / 2


def test_the_mean_of_the_vae_is_grey_and_its_samples_are_not() -> None:
    drawn, mean = (
        taught("vae", DOTS, steps=100, emit=emit).sample(500, seed=0) for emit in ("sample", "mean")
    )
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert ((mean > 0.05) & (mean < 0.95)).mean() > 0.5
    assert drawn.mean() == pytest.approx(mean.mean(), abs=0.02)


# DAE -----------------------------------------------------------------------------------------------------


def test_corruption_replaces_the_stated_share_by_fair_coins() -> None:
    chain = DAE((3, 3), models.load("dae", corruption=0.3).settings)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((20000, 9), dtype=np.float32))
    for value in (0.0, 1.0):
        changed = chain.corrupt(torch.full((20000, 9), value), noise) != value
        assert changed.float().mean().item() == pytest.approx(0.15, abs=0.005)


def test_the_chain_has_the_law_of_what_it_was_taught_where_its_conditional_is_right() -> None:
    """Of normal data the restored is normal too, so the stationary law is the data's (theorem 1)."""
    rng = np.random.default_rng(0)
    points = rng.normal([2.0, -1.0], [1.0, 0.5], (512, 2))
    fitted = taught("dae", points, steps=600, corruption=0.5, walkback=2, width=32, sampler_steps=60)
    samples = fitted.sample(4000, seed=0)
    np.testing.assert_allclose(samples.mean(0), points.mean(0), atol=0.12)
    np.testing.assert_allclose(samples.std(0), points.std(0), rtol=0.12)


def test_the_chain_starts_from_fair_coins_and_goes_as_many_steps_as_asked() -> None:
    fitted = taught("dae", DOTS, steps=20)
    states = fitted.sample(200, seed=0, steps=7, trajectory=True)
    assert states.shape == (8, 200, 3, 3)
    assert states[0].mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(states[-1], fitted.sample(200, seed=0, steps=7))


# GAN -----------------------------------------------------------------------------------------------------


def test_hard_pixels_are_black_or_white_and_let_the_slope_through() -> None:
    grey, hard = (GAN((3, 3), models.load("gan", pixels=pixels).settings) for pixels in ("grey", "hard"))
    weights = grey.initial(torch.Generator().manual_seed(0), torch.zeros(1, 9))
    last = weights["generator.2"].requires_grad_()
    z = torch.randn(20, 16, generator=torch.Generator().manual_seed(1))
    slopes = []
    for family in (grey, hard):
        made = family.generate(weights, z)
        [slope] = torch.autograd.grad(made.sum(), last)
        slopes.append(slope)
    assert set(made.unique().tolist()) <= {0.0, 1.0}
    torch.testing.assert_close(slopes[0], slopes[1])
    assert slopes[1].abs().max() > 0


def test_each_network_learns_from_its_own_loss_alone() -> None:
    """Slopes of both losses together against those of each alone, with finite differences of neither."""
    gan = GAN((2,), models.load("gan", penalty=0.0, width=8, latent=2).settings)
    weights = gan.initial(torch.Generator().manual_seed(0), torch.zeros(1, 2))
    for weight in weights.values():
        weight.requires_grad_()
    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(1))
    together = torch.autograd.grad(gan.loss(weights, x, Chance(0, "cpu")), list(weights.values()))
    fake = gan.generate(weights, Chance(0, "cpu").normal(6, 2))
    ahead = gan.critic(weights, fake) - gan.critic(weights, x)
    generator = torch.nn.functional.softplus(-ahead).mean()
    critic = torch.nn.functional.softplus(ahead).mean()
    for name, slope in zip(weights, together, strict=True):
        own = generator if name.startswith("generator") else critic
        [expected] = torch.autograd.grad(own, weights[name], retain_graph=True)
        torch.testing.assert_close(slope, expected)


def test_the_gan_finds_every_mode() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    points = np.repeat(centres, 32, 0) + rng.normal(0, 0.2, (128, 2))
    samples = taught("gan", points, steps=400, width=64).sample(1000, seed=0)
    away = np.linalg.norm(samples[:, None] - centres, axis=2)
    shares = np.bincount(away.argmin(1)[away.min(1) < 1.0], minlength=4) / 1000
    assert (shares > 0.1).all()


ASKED: list[tuple[Callable[[], Any], str]] = [
    (lambda: taught("gan", DOTS, steps=1).sample(1, 0, sampler="heun"), "gan samples in one way only"),
    (lambda: taught("vae", DOTS, steps=1).sample(1, 0, steps=3), "vae samples in one go"),
    (lambda: taught("gan", DOTS, steps=1).log_prob(DOTS), "gan has no log-likelihood"),
    (lambda: taught("dae", DOTS, steps=1).sample(1, 0, steps=0), "`steps >= 1` must hold"),
    (lambda: taught("dae", DOTS, steps=1).sample(-1, 0), "`n >= 0` and `seed >= 0` must hold"),
    (lambda: taught("vae", DOTS, steps=1).at(5), "no checkpoint at step 5; there are: 1"),
    (lambda: taught("vae", DOTS, steps=1).log_prob(np.ones((1, 4, 4))), "must have shape (n, *(3, 3))"),
    (lambda: models.load("autoregressive", width=30), "`heads` must divide `width`"),
    (lambda: models.load("autoregressive").fit([np.ones((4, 2))], [0]), "learns pictures of shape"),
    (lambda: models.load("vae").fit([DOTS], [0], [9999]), "`0 <= checkpoint <= steps` must hold"),
]


@pytest.mark.parametrize(("ask", "says"), ASKED)
def test_mistakes_are_one_clear_line(ask: Callable[[], Any], says: str) -> None:
    with pytest.raises(models.ModelError) as error:
        ask()
    assert says in str(error.value)
    assert "\n" not in str(error.value)
