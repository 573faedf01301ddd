"""Labels that are probably wrong."""

from mlmcsc.services.suspicious_labels.suspicious_labels import SuspiciousLabels

__all__ = ["SuspiciousLabels"]
