"""What a person writes and runs: configuration, commands, declared experiments, the report page."""

from study.errors import StudyError

__all__ = ["StudyError"]
