"""Versions that are made without being asked for."""

from mlmcsc.services.automatic_versions.automatic_versions import AutomaticVersions, Made

__all__ = ["AutomaticVersions", "Made"]
