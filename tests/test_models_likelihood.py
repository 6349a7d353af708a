"""Log-likelihood by the probability flow against densities that are known."""

import math

import numpy as np
import pytest
import torch

import models
from models.diffusion import DiffusionSettings, FittedDiffusion
from models.frame import Frame

WEIGHTS = torch.tensor([0.3, 0.5, 0.2])


class Heaps(FittedDiffusion):
    """Three normal heaps in d dimensions, of different widths."""

    def __init__(self, d: int, **settings) -> None:
        generator = torch.Generator().manual_seed(d)
        self.means = 2 * torch.randn(3, d, generator=generator)
        self.stds = torch.tensor([0.3, 0.6, 1.0])
        self.settings, self.shape = DiffusionSettings(**settings), (d,)
        mean = WEIGHTS @ self.means
        spread = (self.means - mean).square().mean(1) + self.stds**2
        self.frame = Frame(mean, mean, 2 * float((WEIGHTS @ spread).sqrt()))

    def logs(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """ln(weight N(x; mean, std**2 + sigma**2)) of each heap, [n, 3]."""
        variances = self.stds**2 + sigma**2
        squares = (x[:, None] - self.means).square().sum(-1)
        return WEIGHTS.log() - squares / (2 * variances) - x.shape[1] / 2 * (2 * math.pi * variances).log()

    def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        shrunk = (self.stds**2 / (self.stds**2 + sigma**2))[..., None]
        cleans = self.means + shrunk * (x[:, None] - self.means)
        return (self.logs(x, sigma).softmax(1)[..., None] * cleans).sum(1)

    def batch_size(self) -> int:
        return 64

    def draw(self, n: int) -> np.ndarray:
        rng = np.random.default_rng(0)
        heap = rng.choice(3, n, p=WEIGHTS.double().numpy())
        normal = rng.standard_normal((n, *self.shape))
        return self.means.numpy()[heap] + self.stds.numpy()[heap, None] * normal

    def exact(self, x: np.ndarray) -> np.ndarray:
        """The density of the heaps blurred by noise of the lowest level."""
        low = torch.tensor([[self.process.sigma_min]])
        return self.logs(torch.as_tensor(x, dtype=torch.float32), low).logsumexp(1).double().numpy()


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("recipe", ["edm", "ddpm"])
def test_exact_divergence_gives_the_density_within_a_fiftieth_of_a_nat(d: int, recipe: str) -> None:
    # at 20 the variance-exploding start is not quite what noise has made of the heaps: 0.1 nats far from them
    heaps = Heaps(d, recipe=recipe, sigma_max=200.0)
    # where samples lie, and between and far beyond the heaps
    x = np.concatenate([heaps.draw(20), 4 * np.random.default_rng(1).standard_normal((10, d))])
    found = heaps.likelihood(x)
    assert found.value.dtype == np.float64
    np.testing.assert_allclose(found.value, heaps.exact(x), atol=0.02)
    assert (found.standard_error == 0).all()
    np.testing.assert_array_equal(heaps.log_prob(x), found.value)


def test_hutchinsons_estimator_is_within_its_standard_error() -> None:
    heaps = Heaps(17, sigma_max=200.0)
    x = heaps.draw(6)
    found = heaps.likelihood(x, probes=8)
    deviation = (found.value - heaps.exact(x)) / np.maximum(found.standard_error, 1e-3)
    assert np.median(np.abs(deviation)) < 1.5  # Student's t with seven degrees of freedom: 0.7
    assert np.abs(deviation).max() < 12
    assert 0 < found.standard_error.mean() < 1
    more = heaps.likelihood(x, probes=24)
    assert more.standard_error.mean() < 0.7 * found.standard_error.mean()
    # usual beyond sixteen dimensions, and reproducible under its seed
    usual = heaps.likelihood(x[:2])
    assert (usual.standard_error > 0).all()
    np.testing.assert_array_equal(usual.value, heaps.log_prob(x[:2]))
    assert not np.array_equal(usual.value, heaps.likelihood(x[:2], seed=1).value)


def test_a_point_does_not_depend_on_its_companions() -> None:
    heaps = Heaps(2)
    x = heaps.draw(70)  # more than a batch
    np.testing.assert_allclose(heaps.log_prob(x)[5:9], heaps.log_prob(x[5:9]), atol=1e-3)
    assert heaps.log_prob(x[:0]).shape == (0,)


def test_a_density_integrates_to_one_where_training_taught_it() -> None:
    rng = np.random.default_rng(0)
    examples = 30 + 5 * rng.standard_normal((200, 2))
    fitted = models.load("wiener").fit([examples], [0])[0]
    mean, covariance = examples.mean(0), np.cov(examples.T, bias=True)
    covariance = covariance + np.eye(2) * fitted.process.sigma_min**2  # type: ignore[attr-defined]
    side = np.linspace(5, 55, 41)
    lattice = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    density = np.exp(fitted.log_prob(lattice))
    assert density.sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=0.01)
    away = lattice - mean
    square = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
    expected = -square / 2 - math.log(2 * math.pi) - math.log(np.linalg.det(covariance)) / 2
    near = square < 16
    np.testing.assert_allclose(np.log(density[near]), expected[near], atol=0.02)


def test_a_picture_taught_is_more_likely_than_one_that_was_not() -> None:
    pictures = np.eye(9, dtype=bool).reshape(9, 3, 3)
    fitted = models.load("ideal").fit([pictures[:6]], [0])[0]
    value = fitted.log_prob(pictures.astype(np.float32))
    assert value[:6].min() > value[6:].max() + 10
    # six heaps of standard deviation sigma_min: each is as high as that
    low = fitted.process.sigma_min  # type: ignore[attr-defined]
    np.testing.assert_allclose(value[:6], -math.log(6) - 9 / 2 * math.log(2 * math.pi * low**2), atol=0.05)


def test_what_cannot_be_differentiated_says_so() -> None:
    class Hard(Heaps):
        def denoiser(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(x)

    with pytest.raises(models.ModelError, match="cannot be differentiated"):
        Hard(2).log_prob(np.zeros((1, 2)))
