"""The figures of a report as PNG, with the words that stand below them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A figure, what it shows for those who cannot see it, and its caption."""

    png: bytes
    alt: str
    caption: str


def drawn(run, rows):
    return {}
