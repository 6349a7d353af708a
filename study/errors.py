"""What goes wrong in front of a person."""


class StudyError(ValueError):
    """A wrong input on the command line, in a file of settings, or in a run's folder: one clear line."""
