"""Training data without leaks: one row per image, split by specimen, the same every time."""

from mlmcsc.services.training.selecting import select
from mlmcsc.services.training.training import Training

__all__ = ["Training", "select"]
