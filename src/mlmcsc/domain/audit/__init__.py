"""The proof of the audit trail: commitments, the Merkle tree over them, signed checkpoints."""
