"""What an auditor gets to see: events, pages of them, and a record's history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class AuditRecord(Record):
    """One event of the audit trail, its sealed texts opened as far as the reader may see them.

    Attributes:
        id: The event's id; ascending, never used twice.
        timestamp: When, in UTC; None where the stored text is no time.
        user_id: Who did it; after a redaction, the random subject id.
        operation: What was done, a word of `mlmcsc.domain.enums.Operation`.
        table_name: The table it was done to.
        record_id: The row, for a single change; None for a batch.
        n_rows: Rows touched.
        old_values: Before.
        new_values: After; of a batch, the ids it wrote.
        reason: Why.
        ip_address: Where from.
        user_agent: The client program.
        digest: SHA-256 (hex) of a batch's rows or of an exchanged file.
        subject_id: Who did it, by random id.
        seq: The place in the Merkle tree; None until the next checkpoint gives it one.
        who_commit: Commitment to the personal part, hex.
        payload_commit: Commitment to the values, hex.
        leaf: The event's leaf in the tree, hex; None before the trail had commitments.
        redacted: Parts that were erased: `who`, `payload`.
        damaged: Fields whose stored form cannot be read: somebody wrote past mlmcsc.
    """

    id: int
    timestamp: datetime | None
    user_id: str
    operation: str
    table_name: str
    record_id: int | None
    n_rows: int
    old_values: Any
    new_values: Any
    reason: str | None
    ip_address: str | None
    user_agent: str | None
    digest: str | None
    subject_id: str | None
    seq: int | None
    who_commit: str | None
    payload_commit: str | None
    leaf: str | None
    redacted: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventDetail(Record):
    """One event with what opens its commitments.

    Attributes:
        event: The event.
        who_salt: Salt of `who_commit`, hex; None when erased, or kept from this reader.
        payload_salt: Salt of `payload_commit`, hex; likewise.
        changed: How the event differs from what was committed to; empty while it holds.
    """

    event: AuditRecord
    who_salt: str | None
    payload_salt: str | None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventPage(Record):
    """Some events of a listing or search.

    Attributes:
        items: Newest first unless asked otherwise.
        next_cursor: The last id looked at when there may be more, else None: go on with
            `before_id=next_cursor` (newest first) or `after_id=next_cursor` (oldest first).
    """

    items: tuple[AuditRecord, ...]
    next_cursor: int | None = None

    def __iter__(self) -> Iterator[AuditRecord]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class HistoryEntry(Record):
    """One event as part of a record's history.

    Attributes:
        event: The event.
        ids: Which rows of the event's table it touched that belong to this history; empty for
            an event that names them otherwise.
        now: What those rows hold now, by id, where the event tells only that they were written.
    """

    event: AuditRecord
    ids: tuple[int, ...]
    now: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History(Record):
    """A record's whole history, oldest first.

    Attributes:
        table: The record's table.
        record_id: Its id; None when only its name is known.
        name: Its name or path, if it has one.
        exists: Whether it is in the database now.
        entries: What happened to it and to what belongs to it.
        notes: What an auditor must know to read it rightly.
    """

    table: str
    record_id: int | None
    name: str | None
    exists: bool
    entries: tuple[HistoryEntry, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditExport(Record):
    """What `audit export` wrote.

    Attributes:
        events: Number of events.
        path: The file.
        bytes: Its size.
        sha256: Its content, in hex; the audit trail keeps it too.
    """

    events: int
    path: str
    bytes: int
    sha256: str
