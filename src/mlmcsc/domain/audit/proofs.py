"""Proofs that fit in a message: at most 3 KB of JSON for a tree of 2**30 events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlmcsc.domain.audit.checkpoint import Checkpoint
from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class InclusionProof(Record):
    """That an event is in the tree of a checkpoint (RFC 6962 §2.1.1).

    Attributes:
        event_id: The event.
        seq: Its place, 0 to `tree_size` - 1.
        leaf: Its leaf, hex.
        path: The siblings from the leaf to the root, hex.
        checkpoint: Whose tree.
    """

    event_id: int
    seq: int
    leaf: str
    path: tuple[str, ...]
    checkpoint: Checkpoint

    def to_dict(self) -> dict[str, Any]:
        """The proof as plain values."""
        return {
            "event_id": self.event_id,
            "seq": self.seq,
            "leaf": self.leaf,
            "path": list(self.path),
            "checkpoint": self.checkpoint.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class ConsistencyProof(Record):
    """That the tree of a checkpoint begins with an older one (RFC 6962 §2.1.2).

    Attributes:
        old_size: Size of the older tree.
        old_root: Its root, hex.
        path: The proof, hex.
        checkpoint: Of the newer tree.
    """

    old_size: int
    old_root: str
    path: tuple[str, ...]
    checkpoint: Checkpoint

    def to_dict(self) -> dict[str, Any]:
        """The proof as plain values."""
        return {
            "old_size": self.old_size,
            "old_root": self.old_root,
            "path": list(self.path),
            "checkpoint": self.checkpoint.to_dict(),
        }
