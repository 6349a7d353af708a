"""Learners: a training set in, a sampler out. Knows arrays and torch, and nothing of sentences."""

from .calibration import calibrated
from .errors import ModelError
from .learner import Fitted, Learner
from .registry import available, load, register, settings

__all__ = ["Fitted", "Learner", "ModelError", "available", "calibrated", "load", "register", "settings"]
