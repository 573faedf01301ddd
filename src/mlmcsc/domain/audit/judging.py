"""Comparing the trail with checkpoints: those in the database, and one kept outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlmcsc.domain.audit.checkpoint import Checkpoint, Verify, key_id_of

NO_CHECKPOINT = (
    "no checkpoint covers these events: whoever owns the database could have rewritten them. Make "
    "one with `audit checkpoint --output FILE` and keep the file elsewhere"
)


@dataclass(frozen=True, slots=True)
class Trail:
    """What a pass over the trail found.

    Attributes:
        origin: How this database calls itself in checkpoints.
        own_key: The public key that it stores, hex.
        size: Number of placed events.
        roots: Root at each size that a checkpoint speaks of.
    """

    origin: str
    own_key: str
    size: int
    roots: Mapping[int, bytes]

    def disagrees(self, checkpoint: Checkpoint) -> str | None:
        """How the trail differs from what was signed, if it does."""
        told = f"the checkpoint of {checkpoint.timestamp} covers {checkpoint.tree_size} events"
        if checkpoint.tree_size > self.size:
            return f"{told}, but only {self.size} are left: the trail was cut off or rolled back"
        root = self.roots.get(checkpoint.tree_size)
        if root is None or root.hex() != checkpoint.root_hash:
            return f"{told} with another root: events before it were changed"
        return None


@dataclass(slots=True)
class Judgement:
    """What checkpoints say of the trail.

    Attributes:
        trail: What was found.
        verify: Checks an Ed25519 signature.
        given_key: The public key that the user holds, hex, if any.
        findings: What proves a change.
        doubts: What keeps one from telling.
        covered: Events that a genuine checkpoint covers.
        newest: Time of the largest genuine checkpoint.
        key: The public key that was trusted, hex; `key_from` says why.
    """

    trail: Trail
    verify: Verify
    given_key: str | None = None
    findings: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    covered: int = 0
    newest: str | None = None
    key: str = ""
    key_from: str = "database"

    def judge(self, stored: Sequence[Checkpoint], external: Checkpoint | None) -> None:
        """Compare all checkpoints with the trail."""
        self.key = self.given_key or self.trail.own_key
        self.key_from = "argument" if self.given_key else "database"
        if external is not None and self._usable(external):
            if not self.given_key:
                self.key, self.key_from = external.public_key, "checkpoint"
            self._outside(external, stored)
        self._inside(stored)
        if not stored and external is None:
            self.doubts.append(NO_CHECKPOINT)

    def _usable(self, external: Checkpoint) -> bool:
        """Whether the checkpoint from outside can say anything of this database."""
        if not external.is_genuine(self.verify):
            self.doubts.append("the signature of the checkpoint given does not fit its text")
        elif self.given_key not in {None, external.public_key}:
            self.doubts.append(
                f"the checkpoint given is signed with key {external.key_id}, not the key given"
            )
        elif external.origin != self.trail.origin and external.public_key != self.trail.own_key:
            self.doubts.append(
                f"the checkpoint given is of {external.origin}, this database is "
                f"{self.trail.origin}: another database, or its id and key were replaced"
            )
        else:
            return True
        return False

    def _outside(self, external: Checkpoint, stored: Sequence[Checkpoint]) -> None:
        if external.origin != self.trail.origin:
            self.findings.append(
                f"the database calls itself {self.trail.origin}, but its key signed for "
                f"{external.origin}: its id was changed"
            )
        if external.public_key != self.trail.own_key:
            self.findings.append(
                "the database holds another signing key than the checkpoint given: it was replaced"
            )
        if self._agrees(external) and external not in stored:
            self.findings.append(
                f"the checkpoint of {external.timestamp} is missing in audit_checkpoints: it was "
                "changed or deleted"
            )

    def _agrees(self, checkpoint: Checkpoint) -> bool:
        difference = self.trail.disagrees(checkpoint)
        if difference is not None:
            self.findings.append(difference)
            return False
        if checkpoint.tree_size >= self.covered:
            self.covered, self.newest = checkpoint.tree_size, checkpoint.timestamp
        return True

    def _inside(self, stored: Sequence[Checkpoint]) -> None:
        genuine = [c for c in stored if c.is_genuine(self.verify, self.key)]
        if stored and not genuine and self._all_by_own_key(stored):
            self.doubts.append(
                "the stored checkpoints are signed with the database's own key, which is not the "
                "key given: it is the wrong key, or the database's was replaced"
            )
            return
        for checkpoint in stored:
            if checkpoint not in genuine or not self._named_rightly(checkpoint):
                self.findings.append(
                    f"the signature of the stored checkpoint of {checkpoint.tree_size} events "
                    "does not hold: it was changed or forged"
                )
            else:
                self._agrees(checkpoint)

    def _all_by_own_key(self, stored: Sequence[Checkpoint]) -> bool:
        own = self.trail.own_key
        return self.key_from == "argument" and all(c.is_genuine(self.verify, own) for c in stored)

    def _named_rightly(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.key_id == key_id_of(bytes.fromhex(self.key))
