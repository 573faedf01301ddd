"""Lineage: which model came of which version, labels and people, and the other way round."""

from mlmcsc.services.lineage.lineage import Lineage

__all__ = ["Lineage"]
