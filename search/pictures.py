"""What a trial looks like: PNG contact sheets and an SVG curve for people, exact arrays for programs."""

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log10

import numpy as np
from numpy.typing import NDArray

from search.errors import SearchError

KEPT = 32  # how many samples of each training, and how many examples of a lesson, a result keeps


@dataclass(frozen=True, eq=False)
class Pictures:
    """The lesson's examples, `bool[n, h, w]` or `float64[n, 2]`, and `float32[seeds, kept, ...]` samples."""

    examples: NDArray[np.generic]
    samples: NDArray[np.float32]


def to_npz(pictures: Pictures) -> bytes:
    """The exact arrays, compressed; pixels of examples as bits."""
    examples = pictures.examples
    packed = examples.dtype == bool
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        examples=np.packbits(examples.astype(bool)) if packed else examples,
        shape=np.array(examples.shape, dtype=np.int64),
        samples=pictures.samples,
    )
    return buffer.getvalue()


def from_npz(content: bytes) -> Pictures:
    """The inverse of `to_npz`; nothing is unpickled. SearchError where the content is not of that form."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            examples, shape, samples = arrays["examples"], arrays["shape"], arrays["samples"]
        if examples.dtype == np.uint8:
            count = int(np.prod(shape))
            examples = np.unpackbits(examples, count=count).astype(bool)
        return Pictures(examples.reshape(tuple(int(size) for size in shape)), samples)
    except (ValueError, KeyError, OSError, zlib.error) as error:
        raise SearchError(f"not the arrays of a trial: {error}") from error


def contact_sheet(pictures: NDArray[np.generic], columns: int = 8, most: int = 64) -> bytes | None:
    """A PNG of up to `most` grey pictures `[n, h, w]` in rows; None where examples are not pictures.

    Values are clipped to 0 (black) .. 1 (white). Pixels are magnified without smoothing, so that each
    one can be counted.
    """
    if pictures.ndim != 3 or len(pictures) == 0:
        return None
    shown = np.clip(np.nan_to_num(pictures[:most].astype(np.float32)), 0, 1)
    count, height, width = shown.shape
    columns = min(columns, count)
    rows = ceil(count / columns)
    scale = max(1, 64 // max(height, width))
    sheet = np.full((rows, height * scale + 4, columns, width * scale + 4), 96, dtype=np.uint8)
    for place, picture in enumerate(shown):
        row, column = divmod(place, columns)
        grey = np.rint(picture * 255).astype(np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)
        sheet[row, 2:-2, column, 2:-2] = grey
    return _png(sheet.reshape(rows * (height * scale + 4), columns * (width * scale + 4)))


def learning_curve(losses: Mapping[int, float]) -> bytes | None:
    """An SVG of the training loss by step, a logarithm where it is positive; None without a curve.

    The dashboard plots intermediate values of studies with one objective only, so it is shown this.
    """
    if len(losses) < 2:
        return None
    low, high, last = min(losses.values()), max(losses.values()), max(losses)
    scale, axis = (log10, "loss (logarithmic)") if low > 0 else (float, "loss")
    bottom, room = scale(low), (scale(high) - scale(low)) or 1.0
    places = [
        (55 + 235 * s / last, 160 - 125 * (scale(v) - bottom) / room) for s, v in sorted(losses.items())
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
    words = [
        (50, 40, "end", f"{high:.2g}"),
        (50, 165, "end", f"{low:.2g}"),
        (55, 187, "start", "0"),
        (172, 187, "middle", "training steps"),
        (292, 187, "end", f"{last:,}"),
        (55, 18, "start", axis),
    ]
    marks = "".join(f'<text x="{x}" y="{y}" text-anchor="{side}">{word}</text>' for x, y, side, word in words)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="195" viewBox="0 0 300 195" '
        'font-family="sans-serif" font-size="15"><rect width="300" height="195" fill="#ffffff"/>'
        f'<path d="M55 25V168H295" fill="none" stroke="#808080"/>{marks}'
        f'<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="2"/>'
        f'<g fill="#1f5fa8">{dots}</g></svg>\n'
    ).encode()


def _png(grey: NDArray[np.uint8]) -> bytes:
    """An 8-bit greyscale PNG (W3C PNG specification, sections 5 and 11; every row unfiltered)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    height, width = grey.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), dtype=np.uint8), grey], axis=1).tobytes()
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(rows, 6)),
            chunk(b"IEND", b""),
        ]
    )
