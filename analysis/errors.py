"""What this room raises."""


class AnalysisError(ValueError):
    """What cannot be measured, drawn, saved or opened; the message says why, in one line."""
