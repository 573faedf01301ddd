"""What an evidence bundle says: events, proofs, and what they do and do not prove."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from mlmcsc.adapters.evidence import write_bundle
from mlmcsc.adapters.exported_files import exporting
from mlmcsc.domain.audit.checkpoint import Checkpoint
from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.audit.merkle import ProvingTree
from mlmcsc.domain.audit.recomputing import StoredEvent
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Tally
from mlmcsc.domain.records import Record
from mlmcsc.errors import IntegrityError
from mlmcsc.services.audit_proof.evidence_texts import (
    DOES_NOT_PROVE,
    PROVES,
    readme,
)
from mlmcsc.services.audit_proof.keeping import checkpoint_json
from mlmcsc.services.audit_proof.trees import (
    CHANGED,
    newest_checkpoint,
    proving_tree,
    sound_leaves,
)
from mlmcsc.store.queries import audit_rows, audit_subjects, audit_tree
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

EvidenceKind = Literal["specimen", "dataset", "model"]

FORMAT = "mlmcsc-evidence-1"
EVENTS_PER_FETCH = 2_000


@dataclass(frozen=True, slots=True)
class Evidence(Record):
    """A bundle that was written.

    Attributes:
        path: The ZIP file.
        kind: What it is about.
        name: Which.
        events: Number of events proven.
        checkpoint: The signed tree that they are in.
        bytes: Size of the file.
        sha256: Of the file, hex; the audit trail keeps it too.
    """

    path: str
    kind: str
    name: str
    events: int
    checkpoint: Checkpoint
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One bundle as it was asked for; see `AuditProof.evidence`."""

    kind: EvidenceKind
    name: str
    path: Path
    who: bool
    overwrite: bool
    progress: Tally | None

    def make(self, db: Store, actor: Actor) -> Evidence:
        """Write the event that says so, then the file."""
        with exporting(self.path, overwrite=self.overwrite) as made:
            with db.read() as view:
                newest = newest_checkpoint(view)
                count = self._write(view, made.path, newest, timestamp_text(db.clock()))
            sha256, size = made.measured()
            told = {
                "path": str(self.path),
                "evidence": self.kind,
                "name": self.name,
                "who": self.who,
                "sha256": sha256,
                "tree_size": newest.tree_size,
            }
            with db.write(actor) as tx:
                tx.record(
                    AuditEvent(
                        Operation.EXPORT, "audit_logs", new_values=told, n_rows=count, digest=sha256
                    )
                )
        return Evidence(str(self.path), self.kind, self.name, count, newest, size, sha256)

    def _write(self, view: View, path: Path, newest: Checkpoint, made_at: str) -> int:
        about = audit_subjects.events_about(view, self.kind, self.name)
        tree = proving_tree(view, newest)
        later = audit_subjects.not_covered(view, list(about), newest.tree_size)
        proven = {i: rows for i, rows in about.items() if i not in later}
        subject = {
            "format": FORMAT,
            "kind": self.kind,
            "name": self.name,
            "origin": newest.origin,
            "made_at": made_at,
            "who_disclosed": self.who,
            "events": [{"id": i, "about": rows} for i, rows in sorted(proven.items())],
            "events_after_the_checkpoint": sorted(later),
            "proves": PROVES,
            "does_not_prove": DOES_NOT_PROVE,
        }
        digests: dict[str, str] = {}
        told = {
            "README.txt": [readme(subject, newest)],
            "events.jsonl": self._events(view, sorted(proven), tree),
            "consistency.jsonl": _history(view, tree, newest),
        }
        members: dict[str, Iterable[str]] = {
            "checkpoint.json": [checkpoint_json(newest)],
            **{name: _measured(pieces, name, digests) for name, pieces in told.items()},
            "subject.json": _signed(view, subject, digests),  # after those that it signs for
        }
        write_bundle(path, members)
        return len(proven)

    def _events(self, view: View, ids: list[int], tree: ProvingTree) -> Iterator[str]:
        for start in range(0, len(ids), EVENTS_PER_FETCH):
            if self.progress is not None:
                self.progress(start, len(ids))
            events = list(audit_rows.by_ids(view, ids[start : start + EVENTS_PER_FETCH]))
            sound_leaves(events)
            for event in events:
                yield _line(event_document(event, tree, who=self.who))


def event_document(event: StoredEvent, tree: ProvingTree, *, who: bool) -> dict[str, Any]:
    """An event as it was committed to, with its proof.

    Args:
        event: As it is stored: personal values in its payload stay sealed.
        tree: That it is in.
        who: Whether login and reason are disclosed; else their commitment alone.

    Raises:
        IntegrityError: A value is of a kind that mlmcsc never writes.
    """
    open_who = {
        "state": "disclosed",
        "salt": event.who_salt,
        "user_id": event.user_id,
        "reason": event.reason,
        "ip_address": event.ip_address,
        "user_agent": event.user_agent,
    }
    open_payload = {
        "state": "disclosed",
        "salt": event.payload_salt,
        "old": event.old_values,
        "new": event.new_values,
    }
    return {
        "id": event.id,
        "operation": event.operation,
        "table_name": event.table_name,
        "record_id": event.record_id,
        "subject_id": event.subject_id,
        "timestamp": event.timestamp,
        "n_rows": event.n_rows,
        "digest": event.digest,
        "who": _redacted(event.who_salt) or (open_who if who else {"state": "withheld"}),
        "who_commit": event.who_commit,
        "payload": _redacted(event.payload_salt) or open_payload,
        "payload_commit": event.payload_commit,
        "seq": event.seq,
        "path": tree.inclusion(event.seq),
    }


def _measured(pieces: Iterable[str], name: str, digests: dict[str, str]) -> Iterator[str]:
    """The pieces; at their end the SHA-256 of all is known."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece.encode())
        yield piece
    digests[name] = found.hexdigest()


def _signed(view: View, subject: dict[str, Any], digests: dict[str, str]) -> Iterator[str]:
    content = {**subject, "files": digests}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    _, _, signature = view.vault.sign(view, f"{FORMAT}\n".encode() + text)
    document = {**content, "signature": signature.hex()}
    yield orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _redacted(salt: Any) -> dict[str, str] | None:
    return {"state": "redacted"} if salt is None else None


def _history(view: View, tree: ProvingTree, newest: Checkpoint) -> Iterator[str]:
    """A proof from each earlier checkpoint, so that any kept elsewhere can be compared."""
    for older in audit_tree.checkpoints(view):
        if older.tree_size < newest.tree_size:
            yield _line(
                {
                    "tree_size": older.tree_size,
                    "root_hash": older.root_hash,
                    "timestamp": older.timestamp,
                    "path": tree.consistency(older.tree_size),
                }
            )


def _line(document: dict[str, Any]) -> str:
    try:
        return orjson.dumps(document, default=_hex).decode() + "\n"
    except TypeError:
        raise IntegrityError(f"Event {document.get('id')} is malformed. {CHANGED}") from None


def _hex(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError
