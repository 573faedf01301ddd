"""Whether data, models or people have drifted, and why."""

from mlmcsc.services.drift.drift import Drift

__all__ = ["Drift"]
