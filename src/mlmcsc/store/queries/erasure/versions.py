"""Frozen datasets of which rows were redacted: where they lie now, and what is to be removed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.domain.versions.redaction import Recipient
from mlmcsc.store.models import data_versions, dataset_exports, settings
from mlmcsc.store.queries import rows, versions
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

REPLACED: Final = "versions_replaced"
"""Key of the note of what is still to be done in the folder; see `replaced`."""


def frozen(view: View) -> list[DataVersionRecord]:
    """Versions that have rows, oldest first."""
    return [record for record in versions.every(view) if record.frozen]


def change(tx: Transaction, version_id: int, **values: Any) -> None:
    """Change what is known of a version."""
    rows.update(tx, data_versions, version_id, values)


def plain(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Layers as the column holds them."""
    return [asdict(layer) for layer in layers]


def replaced(view: View) -> set[str]:
    """Layers (SHA-256) whose place others took, and that are to be removed.

    They are noted in the transaction that makes them so: nothing can be removed before it is
    committed, and a process may end before it is done.
    """
    value = view.conn.scalar(sa.select(settings.c.value).where(settings.c.key == REPLACED))
    return set(value or ())


def set_replaced(tx: Transaction, layers: Collection[str]) -> None:
    """Note them; none removes the note."""
    c = settings.c
    tx.conn.execute(settings.delete().where(c.key == REPLACED))
    if layers:
        tx.conn.execute(settings.insert().values(key=REPLACED, value=sorted(layers)))


def recipients(view: View, names: Collection[str]) -> tuple[Recipient, ...]:
    """Exports of these versions, oldest first."""
    c = dataset_exports.c
    query = (
        sa.select(c.version, c.format, c.path, c.recipient, c.exported_at, c.with_people)
        .where(view.dialect.ids_in(c.version, list(names)))
        .order_by(c.id)
    )
    return tuple(
        Recipient(
            row.version,
            row.format,
            row.path,
            row.recipient,
            timestamp_text(row.exported_at),
            row.with_people,
        )
        for row in view.conn.execute(query)
    )
