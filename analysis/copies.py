"""Memory: which share of the samples repeats the training set, exactly, nearly, or moved."""

import numpy as np
from numpy.typing import NDArray

from analysis.evidence import Evidence
from analysis.packing import translate_of_any

FAR = 1e6  # a sample with such a pixel has diverged: it is near nothing, and its square may overflow


def copy_rate(evidence: Evidence) -> float:
    """The share of samples that, rounded, equal an example of the training set bit for bit."""
    return float(evidence.copied.mean())


def near_copy_rate(evidence: Evidence) -> float:
    """The share with d1 / d2 < 1/3, the distances to the nearest two examples of the training set.

    Crisp samples are rounded first, as everywhere. A tie counts only at d1 = 0; so does a sample where the
    training set has a single example and there is no d2. Yoon et al. 2023; Bonnaire et al. 2025.
    """
    return float(near_copies(evidence).mean())


def near_copies(evidence: Evidence) -> NDArray[np.bool_]:
    """Which samples are copies by the rule of `near_copy_rate`: bool[N]."""
    answer = np.zeros(evidence.count, bool)
    examples = evidence.training_examples.reshape(-1, evidence.samples[0].size).astype(np.float32)
    if not len(examples):
        return answer
    step = max(1, (1 << 22) // max(len(examples), examples.shape[1]))  # at most 16 MB of distances at a time
    for start in range(0, evidence.count, step):
        part = slice(start, start + step)
        crisp = evidence.crisp[part, None, None]
        rounded = np.where(crisp, evidence.pictures[part], evidence.samples[part])
        flat = rounded.reshape(len(rounded), -1).astype(np.float32, copy=False)
        near = (np.abs(flat) < FAR).all(axis=1)
        answer[start : start + step][near] = _nearest_is_alone(flat[near], examples)
    return answer


def novelty(evidence: Evidence) -> float:
    """The share of samples that are valid and not in the training set."""
    return float((evidence.valid & ~evidence.copied).mean())


def novelty_orbit(evidence: Evidence) -> float:
    """The share that are valid and no cyclic translate of a training example.

    A translate is all that a memoriser can make which cannot tell places apart.
    """
    novel = np.flatnonzero(evidence.valid & ~evidence.copied)
    _, first, back = np.unique(evidence.keys[novel], return_index=True, return_inverse=True)
    moved = translate_of_any(evidence.pictures[novel[first]], evidence.training_set)
    return float(np.count_nonzero(~moved[back]) / evidence.count)


def _nearest_is_alone(flat: NDArray[np.float32], examples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """d1 = 0 or 3 d1 < d2, on squared distances; exact integers where the samples are black and white."""
    squares = (flat**2).sum(axis=1)[:, None] - 2 * (flat @ examples.T) + (examples**2).sum(axis=1)
    rows, nearest = np.arange(len(flat)), squares.argmin(axis=1)
    first = np.maximum(squares[rows, nearest], 0)
    if len(examples) == 1:
        return np.asarray(first == 0)
    squares[rows, nearest] = np.inf
    second = squares.min(axis=1)
    return np.asarray((first == 0) | (9 * first < second))
