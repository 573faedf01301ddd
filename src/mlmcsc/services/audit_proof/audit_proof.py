"""Prove that the audit trail is whole, to oneself and to others."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.domain.audit.checkpoint import Checkpoint
from mlmcsc.domain.audit.findings import AuditReport
from mlmcsc.domain.audit.merkle import inclusion_holds
from mlmcsc.domain.audit.proofs import ConsistencyProof, InclusionProof
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Tally
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    PermissionDeniedError,
    UnknownRecordError,
    ValidationError,
)
from mlmcsc.services.audit_proof import verifying
from mlmcsc.services.audit_proof.keeping import (
    Given,
    check_place,
    keep_outside,
    read_checkpoint,
)
from mlmcsc.services.audit_proof.making_evidence import Evidence, EvidenceKind, Wanted
from mlmcsc.services.audit_proof.trees import (
    CHANGED,
    newest_checkpoint,
    proving_tree,
    root_to_sign,
    sound_leaves,
)
from mlmcsc.store.queries import audit_rows, audit_tree
from mlmcsc.store.uow import Store

Path_ = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class AuditProof:
    """Checkpoints, verification, proofs and evidence of the audit trail.

    Trees and proofs are those of RFC 6962 with SHA-256, signatures Ed25519 (RFC 8032).
    """

    db: Store
    actor: Actor

    @requires(Permission.AUDIT)
    def checkpoint(self, output: Path_ | None = None, *, overwrite: bool = False) -> Checkpoint:
        """Give every committed event its place in the tree, and sign the tree's root.

        Every event is recomputed from its values before it is signed for, which takes about
        as long as a verification. What a checkpoint covers can be changed by nobody unnoticed, not
        even by the owner of the database, as long as
        you hold the checkpoint where they cannot reach it.

        Args:
            output: JSON file to keep elsewhere, written whole or not at all.
            overwrite: Replace an earlier checkpoint of this database that is there; anything else
                is never replaced.

        Returns:
            The new checkpoint; the latest one when nothing happened since.

        Raises:
            MissingKeyError: The master key that guards the signing key is not here.
            IntegrityError: An event was changed, the trail does not agree with an earlier
                checkpoint, or the signing key is damaged; nothing is signed.
            ConflictError: There is no event yet, or `output` must not be overwritten; nothing is
                signed.
            ValidationError: `output` cannot be written; the checkpoint is in the database.
        """
        if output is not None:
            with self.db.read() as view:
                check_place(Path(output), audit_tree.origin(view), overwrite=overwrite)
        with self.db.write(self.actor) as tx:
            tx.vault.sign(tx, b"")  # a lost key is told before anything is changed
            stored = audit_tree.checkpoints(tx)
            size = audit_tree.size(tx)
            fresh = bool(stored) and stored[-1].tree_size == size and audit_tree.nothing_new(tx)
            if not fresh:
                size = audit_tree.give_places(tx)
        if size == 0:
            raise ConflictError("The audit trail holds no event yet: there is nothing to sign.")
        with self.db.read() as view:
            root = root_to_sign(view, size)
        with self.db.write(self.actor) as tx:
            signed = audit_tree.add_checkpoint(tx, size, root)
        if output is not None:
            keep_outside(signed, Path(output), overwrite=overwrite)
        return signed

    @requires(Permission.AUDIT)
    def verify(
        self,
        checkpoint: Given | None = None,
        public_key: str | None = None,
        progress: Tally | None = None,
    ) -> AuditReport:
        """Recompute every commitment, leaf and root, and compare them with all checkpoints.

        Args:
            checkpoint: One kept outside the database: the file that `checkpoint(output=…)` wrote,
                or its JSON text. Only with it are a rollback of the whole file and a trail
                rewritten by the owner of the key found.
            public_key: The signing key as the user knows it, 64 hex digits. Left out, that of
                `checkpoint` counts, or else the database's own.
            progress: Told how many events of how many are checked.

        Raises:
            ValidationError: `checkpoint` or `public_key` is malformed.
        """
        if public_key is not None and not re.fullmatch("[0-9a-f]{64}", public_key):
            raise ValidationError("public_key: give the 64 lower-case hex digits of the key.")
        outside = None if checkpoint is None else read_checkpoint(checkpoint)
        with self.db.read() as view:
            return verifying.verify(view, outside, public_key, progress)

    @requires(Permission.AUDIT)
    def checkpoints(self) -> list[Checkpoint]:
        """All stored checkpoints, smallest first."""
        with self.db.read() as view:
            return audit_tree.checkpoints(view)

    @requires(Permission.AUDIT)
    def inclusion_proof(self, event_id: int) -> InclusionProof:
        """That an event is in the tree of the newest checkpoint: at most 3 KB of JSON.

        Raises:
            UnknownRecordError: There is no such event.
            ConflictError: No checkpoint covers it yet.
            IntegrityError: The event was changed, or the trail does not agree with the checkpoint.
        """
        with self.db.read() as view:
            found = audit_tree.place_of(view, event_id)
            if found is None:
                raise UnknownRecordError(f"There is no audit event {event_id}.")
            newest = newest_checkpoint(view)
            seq, leaf = found
            if seq is None or leaf is None or seq >= newest.tree_size:
                raise ConflictError(
                    f"Audit event {event_id} is in no checkpoint yet. Make one with "
                    "`mlmcsc audit checkpoint`."
                )
            sound_leaves(list(audit_rows.by_ids(view, [event_id])))
            path = proving_tree(view, newest).inclusion(seq)
        if not inclusion_holds(leaf, seq, newest.tree_size, path, bytes.fromhex(newest.root_hash)):
            raise IntegrityError(f"Event {event_id} does not fit its tree. {CHANGED}")
        return InclusionProof(event_id, seq, leaf.hex(), tuple(h.hex() for h in path), newest)

    @requires(Permission.AUDIT)
    def consistency_proof(self, old_size: int) -> ConsistencyProof:
        """That the tree of the newest checkpoint begins with the one of an older checkpoint.

        Args:
            old_size: `tree_size` of the older checkpoint.

        Raises:
            UnknownRecordError: There is no checkpoint of this size.
            ConflictError: There is no checkpoint at all.
            IntegrityError: The trail does not agree with its checkpoints.
        """
        with self.db.read() as view:
            newest = newest_checkpoint(view)
            known = {c.tree_size: c for c in audit_tree.checkpoints(view)}
            if old_size not in known:
                sizes = ", ".join(map(str, sorted(known)[-10:]))
                raise UnknownRecordError(
                    f"There is no checkpoint of {old_size} events; the newest have {sizes}."
                )
            proof = proving_tree(view, newest).consistency(old_size)
        return ConsistencyProof(
            old_size, known[old_size].root_hash, tuple(h.hex() for h in proof), newest
        )

    @requires(Permission.AUDIT)
    def evidence(
        self,
        kind: EvidenceKind,
        name: str,
        output: Path_,
        *,
        who: bool = False,
        overwrite: bool = False,
        progress: Tally | None = None,
    ) -> Evidence:
        """Write a ZIP that proves a record's events to a third party, with its own verifier.

        A checkpoint is made first, so that all events are covered.

        Args:
            kind: `specimen`, `dataset` (a data version) or `model` (a model version).
            name: The specimen's id, or the version.
            output: The ZIP file.
            who: Whether the events' personal part (login, reason) is disclosed too. Left out, the
                events name people by random subject ids alone.
            overwrite: Replace a file that is there.
            progress: Told how many events of how many are written.

        Raises:
            UnknownRecordError: There is no such record.
            ConflictError: The file exists.
            MissingKeyError: The master key that guards the signing key is not here.
            PermissionDeniedError: `who` needs the permission to read personal data.
            IntegrityError: The trail does not agree with its checkpoints.
        """
        if who and Permission.READ_PERSONAL not in self.actor.permissions:
            raise PermissionDeniedError(
                f"{self.actor.subject!r} may not disclose who did it: that needs the permission "
                "'read_personal'. Leave who out."
            )
        self.checkpoint()
        wanted = Wanted(kind, name, Path(output), who, overwrite, progress)
        return wanted.make(self.db, self.actor)
