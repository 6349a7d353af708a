"""Names of learners: one line each. A module is imported only when its learner is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .errors import ModelError, nearest
from .learner import Learner
from .setting import Settings


@dataclass(frozen=True)
class Entry:
    """Where a learner lives (`module:class`) and what it is in one line."""

    where: str
    summary: str


REGISTRY: dict[str, Entry] = {
    "conv": Entry("models.conv:Conv", "convolutions, circular or zero padding, EDM diffusion"),
    "transformer": Entry(
        "models.transformer:Transformer", "attention between patches, all or near ones, EDM diffusion"
    ),
    "unet": Entry("models.unet:Unet", "residual blocks at falling resolution, attention, EDM diffusion"),
    "mlp": Entry("models.mlp:Mlp", "perceptrons, Fourier features on the plane, EDM diffusion"),
    "polygon": Entry(
        "models.polygon:Polygon", "crafted for polygons: a denoiser of pixels that draws vertices"
    ),
    "vertices": Entry(
        "models.vertices:VerticesLearner", "crafted for polygons: Langevin dynamics of vertices, drawn hard"
    ),
    "ideal": Entry("models.ideal:Ideal", "closed form: the optimal denoiser of the training set"),
    "equivariant_ideal": Entry(
        "models.equivariant_ideal:EquivariantIdeal",
        "closed form: the optimal denoiser of the training set and all its translates",
    ),
    "wiener": Entry("models.wiener:Wiener", "closed form: the best denoiser for Gaussian data"),
    "local": Entry("models.local:Local", "closed form: patches compared with those at the same place"),
    "equivariant_local": Entry(
        "models.local:EquivariantLocal", "closed form: patches compared with all patches, circular padding"
    ),
    "boundary_broken": Entry(
        "models.local:BoundaryBroken",
        "closed form: patches compared with those as near the border, zero padding",
    ),
    "dae": Entry(
        "models.dae:DAELearner", "denoising autoencoder, sampled by the chain of corrupting and restoring"
    ),
    "vae": Entry("models.vae:VAELearner", "variational autoencoder, pixels drawn from its likelihood"),
    "realnvp": Entry(
        "models.realnvp:RealNVPLearner", "affine couplings: an invertible network, an exact density"
    ),
    "gan": Entry("models.gan:GANLearner", "adversarial: relativistic loss, slope penalties, hard pixels"),
    "autoregressive": Entry(
        "models.autoregressive:AutoregressiveLearner", "causal transformer, pixel by pixel, exact likelihood"
    ),
}


def register(name: str, where: str, summary: str) -> None:
    """Add a learner from another module: `where` is `module:class`, the class a `Learner`."""
    if name in REGISTRY and REGISTRY[name].where != where:
        raise ModelError(f"there is a learner {name!r} already: {REGISTRY[name].where}")
    REGISTRY[name] = Entry(where, summary)


def available() -> dict[str, str]:
    """Name and one-line summary of every learner."""
    return {name: entry.summary for name, entry in REGISTRY.items()}


def learner_class(name: str) -> type[Learner]:
    """The class behind a name; an unknown name is a `ModelError` with the nearest right one."""
    if name not in REGISTRY:
        raise ModelError(f"no learner {name!r}; {nearest(name, REGISTRY)}")
    module, _, attribute = REGISTRY[name].where.partition(":")
    found: type[Learner] = getattr(import_module(module), attribute)
    return found


def settings(name: str) -> type[Settings]:
    """The settings dataclass of a learner, fields with `help`, `unit`, `range` or `choices`."""
    return learner_class(name).settings_class


def load(name: str, **values: Any) -> Learner:
    """A learner by name with its settings; wrong names and values are a `ModelError`."""
    found = learner_class(name)
    return found(name, found.settings_class.of(values))
