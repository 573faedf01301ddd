"""Backups brought back: verified first, restored beside, erased again, swapped in."""

from mlmcsc.services.restores.restores import Restores

__all__ = ["Restores"]
