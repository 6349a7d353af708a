"""Laws of growth fitted to what is known between two ends only: n* against d, times against n.

    fit = analysis.fit_laws(d, low, high)     # law: constant, logarithmic, power, exponential
    fit.attrs["verdict"]                      # "power", or "undecided", and fit.attrs["plausible"]

log y = log f(x) + noise, the noise normal with one unknown width; a datum says that y lies in (low, high],
and its likelihood is the chance of that. low = high is known exactly; an infinite high is right-censored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from analysis.errors import AnalysisError
from analysis.intervals import LEVEL

Array = NDArray[np.float64]

LARGEST = 700.0  # whose exponential is a number
NARROWEST = 0.02  # of the noise of log y: what repeats itself within 2 % is not known better
EVIDENCE = float(np.log(20.0))  # a law is left only for one that makes the data 20 times as likely
FLAT = 0.5  # a power that is surely nearer to 0 than this is called constant
LEAST = 4  # data for three unknowns


@dataclass(frozen=True)
class Law:
    """log f(x) = height + shape(x, growth): what it is called, its formula, and where growth may lie."""

    name: str
    formula: str
    shape: Callable[[Array, float], Array]
    first: Callable[[Array, Array], float]


def _logarithmic(u: Array, growth: float) -> Array:
    return np.log1p(np.exp(min(growth, 50.0)) * u)


LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        Law("constant", "a", lambda u, b: np.zeros(len(u)), lambda u, y: 0.0),
        Law("logarithmic", "a (1 + b log(x/x0))", _logarithmic, lambda u, y: 0.0),
        Law("power", "a (x/x0)^b", lambda u, b: b * u, lambda u, y: _slope(u, y)),
        Law("exponential", "a exp(b (x - x0))", lambda u, b: b * u, lambda u, y: _slope(u, y)),
    )
}


def fit_laws(
    x: ArrayLike,
    low: ArrayLike,
    high: ArrayLike | None = None,
    *,
    laws: Sequence[str] = tuple(LAWS),
    level: float = LEVEL,
) -> xr.Dataset:
    """Every law fitted by the likelihood of ends, with an interval for its growth, and what can be said.

    x: positive, in any order; low and high: ends of y, 0 <= low <= high; without `high`, y is low exactly.
    Data of NaN are left out. Over `law`: `a` (y at x0, the least x), `b` with its ends (profile likelihood,
    cut so that it is Student's interval where nothing is censored), `noise` of log y, `log_likelihood`,
    `margin` (of the best law over this one) and `factor` with its ends: growth from least to largest x.

    The attribute `verdict`: "constant" where the interval of a power's exponent contains 0 and lies within
    (-1/2, 1/2); where it lies above 0, the growing law that makes the data 20 times as likely as every other
    one does; else "undecided", and `plausible` names the laws that are left. AnalysisError with fewer than 4
    data or ends that are not in order.
    """
    x, low, high = _checked(x, low, low if high is None else high)
    start = float(x.min())
    variables: dict[str, list[float]] = {name: [] for name in FITTED}
    for law in (_law(name) for name in laws):
        u = x - start if law.name == "exponential" else np.log(x / start)
        for name, value in _fitted(law, u, low, high, level).items():
            variables[name].append(value)
    best = max(variables["log_likelihood"])
    variables["margin"] = [best - value for value in variables["log_likelihood"]]
    dataset = xr.Dataset(
        {name: ("law", np.array(values), dict(zip(("long_name", "units"), FITTED[name], strict=True)))
         for name, values in variables.items()},
        {"law": ("law", list(laws), {"long_name": "law of growth", "units": "1"}),
         "formula": ("law", [LAWS[name].formula for name in laws], {"long_name": "formula", "units": "1"})},
        {"x0": start, "x_largest": float(x.max()), "data": len(x), "level": level,
         "censored": int(np.isinf(high).sum())},
    )  # fmt: skip
    verdict, plausible = _verdict(dataset)
    return dataset.assign_attrs(verdict=verdict, plausible=", ".join(plausible))


FITTED = {
    "a": ("y at the least x", "1"),
    "b": ("growth", "1"),
    "b_low": ("low end of the interval of b", "1"),
    "b_high": ("high end of the interval of b", "1"),
    "factor": ("growth from the least to the largest x", "1"),
    "factor_low": ("low end of its interval", "1"),
    "factor_high": ("high end of its interval", "1"),
    "noise": ("standard deviation of log y around the law", "1"),
    "log_likelihood": ("log likelihood of the data", "1"),
    "margin": ("log likelihood of the best law less that of this one", "1"),
}


def curve(fit: xr.Dataset, law: str, x: ArrayLike) -> Array:
    """The fitted law at x."""
    one = fit.sel(law=law)
    x, start = np.asarray(x, float), float(fit.attrs["x0"])
    u = x - start if law == "exponential" else np.log(x / start)
    b = float(one["b"])
    growth = np.log(b) if law == "logarithmic" and b > 0 else -np.inf if law == "logarithmic" else b
    with np.errstate(over="ignore"):  # a law that no datum bounds leaves every figure
        return np.asarray(float(one["a"]) * np.exp(_law(law).shape(u, growth)))


def log_likelihood(residual_low: Array, residual_high: Array, noise: float) -> float:
    """log of the chance that log y lies between both ends, less log f(x); the density where they meet."""
    exact = residual_low == residual_high
    between = special.log_ndtr(residual_high / noise)
    with np.errstate(divide="ignore", invalid="ignore"):
        # log(P(high) - P(low)), from the side where both are small.
        upper = special.log_ndtr(-residual_low / noise)
        turned = residual_low > 0
        larger = np.where(turned, upper, between)
        smaller = np.where(
            turned, special.log_ndtr(-residual_high / noise), special.log_ndtr(residual_low / noise)
        )
        inside = larger + np.log(-np.expm1(np.minimum(smaller - larger, -1e-300)))
    density = -0.5 * (residual_low / noise) ** 2 - np.log(noise) - 0.5 * np.log(2 * np.pi)
    return float(np.maximum(np.where(exact, density, inside), -1e6).sum())


def _fitted(law: Law, u: Array, low: Array, high: Array, level: float) -> dict[str, float]:
    with np.errstate(divide="ignore"):
        ends = np.log(low), np.log(high)
    middle = _middles(*ends)
    first = law.first(u, middle)
    fitted = _best(law, u, ends, first)
    height, growth, noise, value = fitted
    bounds = (0.0, 0.0) if law.name == "constant" else _profile(law, u, ends, fitted, level)
    shown = [float(g) for g in (growth, *bounds)]
    if law.name == "logarithmic":
        shown = [float(np.exp(g)) if g < LARGEST else np.inf for g in shown]
    if law.name == "constant":
        shown = [0.0, 0.0, 0.0]
    factors = [_factor(law, u, g) for g in (growth, *bounds)]
    return {
        "a": float(np.exp(height)), "b": shown[0], "b_low": shown[1], "b_high": shown[2],
        "factor": factors[0], "factor_low": factors[1], "factor_high": factors[2],
        "noise": noise, "log_likelihood": value,
    }  # fmt: skip


def _factor(law: Law, u: Array, growth: float) -> float:
    """f at the largest x over f at the least."""
    if np.isinf(growth):
        return np.inf if growth > 0 else 1.0 if law.name == "logarithmic" else 0.0
    return float(np.exp(min(float(law.shape(np.array([u.max()]), growth)[0]), LARGEST)))


def _best(
    law: Law,
    u: Array,
    ends: tuple[Array, Array],
    first: float,
    held: float | None = None,
    known: tuple[float, float, float] | None = None,
) -> tuple[float, float, float, float]:
    """Height, growth, noise and log likelihood of the best fit; growth is `held` where given.

    `known`: height, growth and noise of another fit, to begin at its curve as well.
    """
    scale = max(float(np.ptp(u)), 1e-9)
    free = held is None and law.name != "constant"

    def unpacked(theta: Array) -> tuple[float, float, float]:
        noise = NARROWEST + float(np.exp(min(theta[1], 5.0)))
        if not free:
            return float(theta[0]), first if held is None else held, noise
        growth = float(theta[2]) if law.name == "logarithmic" else float(theta[2]) / scale
        return float(theta[0]), growth, noise

    def loss(theta: Array) -> float:
        height, growth, noise = unpacked(theta)
        center = height + law.shape(u, growth)
        return -log_likelihood(ends[0] - center, ends[1] - center, noise)

    middle = _middles(*ends)
    starts = [first] if not free or law.name != "logarithmic" else [-2.0, 1.0, 4.0]
    found: tuple[float, Array] | None = None
    thetas = []
    for growth in starts:
        rest = middle - law.shape(u, growth if held is None else held)
        theta = np.array([rest.mean(), np.log(max(float(rest.std()), 0.1))])
        if free:
            theta = np.append(theta, growth if law.name == "logarithmic" else growth * scale)
        thetas.append(theta)
    if known is not None and held is not None:
        moved = float((law.shape(u, known[1]) - law.shape(u, held)).mean())
        thetas.append(np.array([known[0] + moved, np.log(max(known[2] - NARROWEST, 1e-12))]))
    for theta in thetas:
        result = optimize.minimize(
            loss, theta, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-4, "maxiter": 600}
        )
        if found is None or result.fun < found[0]:
            found = float(result.fun), result.x
    assert found is not None  # there is at least one start
    return *unpacked(found[1]), -found[0]


def _profile(
    law: Law, u: Array, ends: tuple[Array, Array], fitted: tuple[float, float, float, float], level: float
) -> tuple[float, float]:
    """Where the profile likelihood of the growth has fallen as far as Student's t allows."""
    freedom = max(len(u) - 2, 1)
    t = float(special.stdtrit(freedom, (1 + level) / 2))
    drop = 0.5 * len(u) * np.log1p(t**2 / freedom)
    height, growth, noise, best = fitted
    logarithmic = law.name == "logarithmic"
    scale = 1.0 if logarithmic else 1.0 / max(float(np.ptp(u)), 1e-9)

    def lost(value: float) -> float:
        # Of many censored data a fit from the middles may end beside the best: so from the known one, too.
        return best - _best(law, u, ends, value, value, (height, growth, noise))[3] - drop

    found = []
    for sign in (-1, 1):
        limit = (-12.0 if sign < 0 else 12.0) if logarithmic else growth + sign * 40 * scale
        near, step = growth, max(0.25, 2 * noise) * scale
        far = growth + sign * step
        while sign * (limit - far) > 0 and lost(far) < 0:
            near, step = far, 2 * step
            far = growth + sign * step
        far = min(far, limit) if sign > 0 else max(far, limit)
        if lost(far) < 0:  # nothing in the data bounds it on this side
            found.append(-np.inf if sign < 0 else np.inf)
            continue
        found.append(float(optimize.brentq(lost, near, far, xtol=1e-3 * scale, rtol=1e-6)))
    return found[0], found[1]


def _verdict(fit: xr.Dataset) -> tuple[str, list[str]]:
    """One law, or "undecided" with all that are left."""
    names = [str(name) for name in fit["law"].values]
    growing = [name for name in names if name != "constant"]
    near = [name for name in growing if float(fit["margin"].sel(law=name)) < EVIDENCE]
    if "power" in names:
        # What a power of no clear sign describes may not grow at all.
        low, high = (float(fit[f"b_{end}"].sel(law="power")) for end in ("low", "high"))
        if low <= 0.0 <= high:
            if low > -FLAT and high < FLAT and "constant" in names:
                return "constant", ["constant"]
            return "undecided", [*(["constant"] if "constant" in names else []), *near]
        if high < 0.0:
            near = [name for name in near if name != "logarithmic"]
    return (near[0], near) if len(near) == 1 else ("undecided", near)


def _middles(low: Array, high: Array) -> Array:
    """Log values to begin with: half way between the ends, half a bit beyond one that has no other."""
    below = np.where(np.isfinite(low), low, high - np.log(2.0))
    above = np.where(np.isfinite(high), high, low + np.log(2.0))
    return np.asarray((below + above) / 2)


def _slope(u: Array, y: Array) -> float:
    return float(np.polyfit(u, y, 1)[0]) if np.ptp(u) > 0 else 0.0


def _law(name: str) -> Law:
    if name not in LAWS:
        raise AnalysisError(f"there is no law {name!r}, only {', '.join(LAWS)}")
    return LAWS[name]


def _checked(x: Any, low: Any, high: Any) -> tuple[Array, Array, Array]:
    arrays = [np.asarray(values, float).ravel() for values in (x, low, high)]
    if len({len(values) for values in arrays}) != 1:
        raise AnalysisError(f"x and both ends must be as many, got {[len(values) for values in arrays]}")
    known = ~np.isnan(arrays).any(axis=0) & ((arrays[1] > 0) | np.isfinite(arrays[2]))
    x, low, high = (values[known] for values in arrays)
    if np.any(low > high) or np.any(low < 0) or np.any(x <= 0) or np.any((low == high) & (low == 0)):
        raise AnalysisError("`x > 0` and `0 <= low <= high` must hold for a law, with y above 0")
    if len(x) < LEAST or len(np.unique(x)) < 3:
        raise AnalysisError(f"a law needs {LEAST} data at three values of x, got {len(x)}")
    if not np.isfinite(high).any():
        raise AnalysisError("every datum is censored: no law can be fitted")
    return x, low, high
