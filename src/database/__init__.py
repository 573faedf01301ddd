"""The documented entry points; everything lives in the package `mlmcsc`."""

from mlmcsc import DatabaseManager, load_config

__all__ = ["DatabaseManager", "load_config"]
