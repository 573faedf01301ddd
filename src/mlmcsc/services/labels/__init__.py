"""Technicians' labels: made, corrected, verified, and never silently overwritten."""

from __future__ import annotations

from mlmcsc.services.labels.labels import Labels

__all__ = ["Labels"]
