"""Frozen datasets of which rows were redacted: where they lie now, and what is to be removed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.store.models import data_versions, settings
from mlmcsc.store.queries import rows, versions
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

REPLACED: Final = "versions_replaced"
"""Key of the note of what is still to be done in the folder; see `replaced`."""
UNREACHED: Final = "versions_unreached"
"""Key of the note of erasures that did not reach every file; see `unreached`."""


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
    return set(_noted(view, REPLACED))


def set_replaced(tx: Transaction, layers: Collection[str]) -> None:
    """Note them; none removes the note."""
    _note(tx, REPLACED, sorted(layers))


def unreached(view: View) -> list[dict[str, Any]]:
    """Erasures that did not reach every version's files: row of `technicians`, `labels`, versions.

    No name is in it.
    """
    return _noted(view, UNREACHED)


def set_unreached(
    tx: Transaction, technician_row: int, labels: str, names: Collection[str]
) -> None:
    """Note which versions an erasure did not reach; none removes its note."""
    who = {"technician_row": technician_row, "labels": labels}
    kept = [each for each in unreached(tx) if {**each, **who} != each]
    _note(tx, UNREACHED, [*kept, *([{**who, "versions": sorted(names)}] if names else [])])


def _noted(view: View, key: str) -> list[Any]:
    found = view.conn.scalar(sa.select(settings.c.value).where(settings.c.key == key))
    return list(found or ())


def _note(tx: Transaction, key: str, value: Sequence[Any]) -> None:
    tx.conn.execute(settings.delete().where(settings.c.key == key))
    if value:
        tx.conn.execute(settings.insert().values(key=key, value=list(value)))
