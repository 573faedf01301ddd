"""The check of quality."""

from mlmcsc.services.quality.quality import Quality

__all__ = ["Quality"]
