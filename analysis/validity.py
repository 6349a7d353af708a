"""Precision: which share of the samples is crisp, and which is in the target."""

from analysis.evidence import Evidence


def crisp(evidence: Evidence) -> float:
    """The share of samples whose pixels all lie within 0.25 of 0 or 1."""
    return float(evidence.crisp.mean())


def validity(evidence: Evidence) -> float:
    """v = V / N: the share of samples that are crisp and in the target."""
    return float(evidence.valid.mean())
