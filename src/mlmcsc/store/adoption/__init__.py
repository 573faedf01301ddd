"""Databases written by the original MLMCSC system: recognised, backed up, rebuilt, swapped in."""

from mlmcsc.store.adoption.adopt import AdoptionOptions, adopt_if_original

__all__ = ["AdoptionOptions", "adopt_if_original"]
