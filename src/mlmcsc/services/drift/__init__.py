"""Whether data, models or people have drifted, and why."""

from mlmcsc.services.drift.asking import Asking
from mlmcsc.services.drift.drift import Drift

__all__ = ["Asking", "Drift"]
