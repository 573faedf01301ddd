"""The list of what was exported, to whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.exports import DatasetExportRecord
from mlmcsc.domain.versions.redaction import Recipient
from mlmcsc.errors import OvertakenError
from mlmcsc.store.models import dataset_exports
from mlmcsc.store.queries import holds, rows, versions
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

ROWS_TOLD: Final = frozenset({"technicians"})
"""Kept in the row alone: an event is for ever."""


def every(view: View, roots: Collection[str] | None = None) -> list[DatasetExportRecord]:
    """Exports, of versions with these roots or of all, oldest first; recipients as stored."""
    c = dataset_exports.c
    query = rows.select_record(dataset_exports, DatasetExportRecord).order_by(c.id)
    if roots is not None:
        query = query.where(view.dialect.ids_in(c.root, list(roots)))
    return [DatasetExportRecord(*row) for row in view.conn.execute(query)]


def roots_named(view: View, version: str) -> set[str]:
    """Roots of the versions of this name that were ever exported, also of those deleted."""
    c = dataset_exports.c
    return set(view.conn.scalars(sa.select(c.root).where(c.version == version).distinct()))


def digests(view: View) -> set[str]:
    """SHA-256 (hex) of the lists of files of all exports."""
    return set(view.conn.scalars(sa.select(dataset_exports.c.sha256)))


def recipients(view: View, technician_row: int | None) -> dict[str, list[Recipient]]:
    """Exports in which labels of this technician went out, oldest first, by root."""
    found: dict[str, list[Recipient]] = {}
    for each in every(view) if technician_row is not None else ():
        if technician_row in each.technicians:
            told = Recipient(
                each.version,
                each.format,
                each.path,
                each.recipient,
                timestamp_text(each.exported_at),
                each.with_people,
            )
            found.setdefault(each.root, []).append(told)
    return found


def refuse_overtaken(view: View, version: DataVersionRecord, restricted: Collection[int]) -> None:
    """Refuse to give away what was read, if it may not be given away any more.

    Raises:
        OvertakenError: Rows were redacted or packed anew, or more people were restricted.
    """
    now = versions.frozen(view, version.version)
    same = (now.id, now.root, now.layers) == (version.id, version.root, version.layers)
    if not same or not set(holds.restricted_technicians(view).tolist()) <= set(restricted):
        raise OvertakenError(
            f"Rows of {version.version!r} were redacted, or people restricted, again and again "
            "while it was exported; nothing was. Export again."
        )


def add(
    tx: Transaction,
    version: DataVersionRecord,
    values: Mapping[str, Any],
    told: Mapping[str, Any],
) -> DatasetExportRecord:
    """List an export, with its event.

    Args:
        tx: The open transaction.
        version: What was exported.
        values: The other columns, but for time and actor.
        told: What the event tells beside them.
    """
    row = {
        "version": version.version,
        "root": str(version.root),
        **values,
        "exported_at": tx.now,
        "exported_by": tx.vault.person(tx, tx.actor.subject),
    }
    export_id = rows.insert(tx, dataset_exports, row)
    shown = {name: value for name, value in row.items() if name not in ROWS_TOLD}
    event = AuditEvent(
        Operation.EXPORT,
        dataset_exports.name,
        export_id,
        new_values=shown | {"exported_at": tx.now.isoformat()} | dict(told),
        n_rows=row["n_rows"],
        digest=row["sha256"],
    )
    tx.record(event)
    return DatasetExportRecord(id=export_id, **row)
