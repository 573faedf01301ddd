"""The proof that the audit trail is whole: checkpoints, verification, proofs, evidence."""

from mlmcsc.services.audit_proof.audit_proof import AuditProof

__all__ = ["AuditProof"]
