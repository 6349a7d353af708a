"""What a run did beside its search, in plain words: cheap looks, fewer examples, a learner tuned."""

import json
import math

import numpy as np
import xarray as xr

TRIED = ("lesson", "sentence", "short", "worth", "pruned", "failure", "seconds", "generalization")


def fewer(least: xr.Dataset | None) -> str:
    """How far the smallest good teaching set could be made smaller, and what was tried below that."""
    if least is None or "attempt" not in least.dims or not least.sizes["attempt"]:
        return ""
    n, start, tried = int(least.attrs["n"]), int(least["n"][0]), least.sizes["attempt"]
    failed, complete = int(least.attrs["failed_below"]), bool(least.attrs["complete"])
    if not bool(least["teaches"][0]):
        return ""
    said = (
        f"Of {start} examples {n} still teach" if n < start else f"None of {start} examples could be spared"
    )
    said += f" (g at least {float(least.attrs['threshold']):.2f} in paired trainings; {tried} lessons tried)"
    if n < start:
        said += f": {least.attrs['minimal']}"
    if n == 1:
        return f"{said}."
    if not failed and not complete:
        return f"{said}. The budget (search.shrink) ended before lessons of {n - 1} examples were tried."
    below = f"{failed} of the {n} lessons of {n - 1} examples made from it"
    if complete and failed == n:
        below = f"Each of the {n} lessons of {n - 1} example{'s' * (n > 2)} made from it"
    ended = "" if complete else "; the budget ended there (search.shrink)"
    return f"{said}. {below} {'was' if failed == 1 else 'were'} tried and failed{ended}."


def foretold(result: xr.Dataset) -> str:
    """How well each rung of the ladder said what the next would find, in a sentence each."""
    if "ladder" not in result.attrs:
        return ""
    said = []
    for one in json.loads(str(result.attrs["ladder"])):
        tau = f"Kendall's tau {one['tau']:.2f} [{one['tau_low']:.2f}, {one['tau_high']:.2f}]"
        best = f"{one['quarter']:.0%} of the best quarter found, {one['quarter_chance']:.0%} by chance"
        verdict = "no better than chance, so it was dropped" if one["dropped"] else "it was kept"
        said.append(
            f"{one['rung']} foretold {one['predicts']} with {tau} ({best}; {one['scouts']} lessons"
            f" promoted by lot): {verdict}."
        )
    own = (result["origin"] == "search").values
    seen = np.isfinite(result["generalization_at"].values[own])
    full, searched = int(seen[:, -1].sum()), int(seen.any(axis=1).sum())
    spent = float(np.nansum(result["seconds_at"].values[:, :-1]))
    said.append(f"{full} of {searched} lessons were trained in full; looking first cost {spent:.0f} s.")
    return " ".join(said)


def tuning(tuned: xr.Dataset | None) -> str:
    """Which settings of the learner taught best, and what that is worth so far."""
    if tuned is None or "best" not in tuned.attrs:
        return ""
    best, tried = int(tuned.attrs["best"]), tuned.sizes["configuration"]
    given_up, learner = int(tuned["pruned"].sum()), str(tuned.attrs["learner"])
    of = f"Of {tried} settings of {learner} ({given_up} given up early)"
    if not tuned.attrs["changed"]:
        return f"{of} none taught better than its own."
    values = {str(name): tuned[name].values for name in tuned.data_vars if name not in TRIED}
    changed = [
        f"{name}={some[best]:.4g} instead of {some[0]:.4g}"
        for name, some in values.items()
        if some[best] != some[0]
    ]
    g = tuned["generalization"].mean("seed").values
    own = g[int(tuned["lesson"][best])]  # the first configurations are its own settings with each lesson
    before = "" if math.isnan(own) else f", where its own gave {own:.2f}"
    return (
        f"{of} these taught best: {', '.join(changed)}. With them g = {g[best]:.2f} on "
        f"{tuned['sentence'].values[best]}{before}, in the trainings they were chosen by; "
        f"fresh ones stand under {learner} tuned."
    )
