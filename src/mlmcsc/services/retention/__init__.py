"""Retention periods: what is due, and what is done about it."""

from mlmcsc.services.retention.periods import periods
from mlmcsc.services.retention.places import FilePlaces
from mlmcsc.services.retention.retention import Retention

__all__ = ["FilePlaces", "Retention", "periods"]
