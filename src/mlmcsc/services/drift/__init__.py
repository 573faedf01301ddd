"""Whether data, models or people have drifted, and why."""

from mlmcsc.services.drift.drift import Asking, Drift

__all__ = ["Asking", "Drift"]
