"""Labels that are probably wrong."""

from mlmcsc.domain.suspicion.results import Evidence, SuspicionReport, SuspiciousLabel

__all__ = ["Evidence", "SuspicionReport", "SuspiciousLabel"]
