"""Reading the audit trail."""

from mlmcsc.services.audit.audit import Audit

__all__ = ["Audit"]
