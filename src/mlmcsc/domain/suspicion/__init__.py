"""Labels that are probably wrong."""

from mlmcsc.domain.suspicion.results import STANDS_OUT, Evidence, SuspicionReport, SuspiciousLabel

__all__ = ["STANDS_OUT", "Evidence", "SuspicionReport", "SuspiciousLabel"]
