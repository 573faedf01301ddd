"""Dataset versions compared, proven, looked at and given back."""

from mlmcsc.services.version_checks.version_checks import VersionChecks

__all__ = ["VersionChecks"]
