"""Retention periods: what is due, and what is done about it."""

from mlmcsc.services.retention.periods import periods
from mlmcsc.services.retention.retention import FilePlaces, Retention

__all__ = ["FilePlaces", "Retention", "periods"]
