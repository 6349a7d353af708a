"""Black and white pictures as keys of one bit per pixel: exact counting without collisions.

A picture of at most 64 pixels becomes one `uint64`; a larger one a fixed-length byte string, which numpy
sorts and compares whole. Equal pictures have equal keys and different ones different keys, so that counting
distinct pictures is sorting numbers, and memory is linear in the number of pictures.
"""

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError

Pictures = NDArray[np.bool_]  # bool[n, height, width]
Keys = NDArray[np.generic]  # uint64[n], or S<bytes>[n] beyond 64 pixels


def keys(pictures: Pictures) -> Keys:
    """One key per picture: bool[n, h, w] -> uint64[n], or byte strings of equal length beyond 64 pixels."""
    if pictures.dtype != np.bool_ or pictures.ndim != 3:
        raise AnalysisError(f"pictures to be packed are bool[n, h, w], got {pictures.dtype}{pictures.shape}")
    count, height, width = pictures.shape
    words = max(1, -(-height * width // 64))
    packed = np.zeros((count, 8 * words), np.uint8)
    bits = np.packbits(pictures.reshape(count, height * width), axis=1)
    packed[:, : bits.shape[1]] = bits
    # Numpy's byte strings take trailing zeros for padding; among keys of one length nothing is lost.
    return packed.view(np.uint64 if words == 1 else f"S{8 * words}").reshape(count)


def contained(wanted: Keys, among: Keys) -> NDArray[np.bool_]:
    """Which of `wanted` occur in `among`; `among` is sorted, as `numpy.unique` returns it."""
    if not len(among):
        return np.zeros(len(wanted), bool)
    place = np.minimum(np.searchsorted(among, wanted), len(among) - 1)
    return np.asarray(among[place] == wanted)


def translates(pictures: Pictures) -> Pictures:
    """All cyclic translates of each picture: bool[n, h, w] -> bool[n, h·w, h, w], itself first."""
    count, height, width = pictures.shape
    rows = (np.arange(height)[:, None] + np.arange(height)) % height  # [shift, row]
    columns = (np.arange(width)[:, None] + np.arange(width)) % width
    moved = pictures[:, rows][:, :, :, columns]  # [n, shift, row, shift, column]
    return moved.transpose(0, 1, 3, 2, 4).reshape(count, height * width, height, width)


def translate_of_any(pictures: Pictures, originals: Pictures) -> NDArray[np.bool_]:
    """Which pictures are a cyclic translate of one of `originals`: bool[n].

    The side with fewer members is moved, after both have lost what cannot match by what no translation
    changes: the number of white pixels and the sorted sums of rows and of columns.
    """
    answer = np.zeros(len(pictures), bool)
    if not len(pictures) or not len(originals):
        return answer
    signs, signs_original = _translation_invariant(pictures), _translation_invariant(originals)
    possible = np.flatnonzero(contained(signs, np.unique(signs_original)))
    candidates = originals[contained(signs_original, np.unique(signs))]
    if not len(possible):
        return answer
    area = pictures.shape[1] * pictures.shape[2]
    step = max(1, (1 << 23) // area**2)  # at most 8 million pixels at a time
    if len(candidates) <= len(possible):
        wanted = keys(pictures[possible])
        for start in range(0, len(candidates), step):
            orbit = _orbit_keys(candidates[start : start + step])
            answer[possible] |= contained(wanted, np.unique(orbit))
    else:
        table = np.unique(keys(candidates))
        for start in range(0, len(possible), step):
            chosen = possible[start : start + step]
            found = contained(_orbit_keys(pictures[chosen]), table)
            answer[chosen] = found.reshape(len(chosen), area).any(axis=1)
    return answer


def _orbit_keys(pictures: Pictures) -> Keys:
    return keys(translates(pictures).reshape(-1, *pictures.shape[1:]))


def _translation_invariant(pictures: Pictures) -> Keys:
    sums = [np.sort(pictures.sum(axis=axis, dtype=np.uint16), axis=1) for axis in (1, 2)]
    joined = np.ascontiguousarray(np.concatenate(sums, axis=1))
    return joined.view(f"S{2 * joined.shape[1]}").reshape(len(pictures))
