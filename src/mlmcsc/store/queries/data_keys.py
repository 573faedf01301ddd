"""The wrapped data keys of people: read to be kept apart, and put back after a restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.privacy.data_keys import DataKeys, WrappedKey
from mlmcsc.domain.records import Record
from mlmcsc.store.models import backups, subjects
from mlmcsc.store.queries.rows import View
from mlmcsc.store.schema import read_setting
from mlmcsc.store.uow import Transaction

_s = subjects.c


@dataclass(frozen=True, slots=True)
class PutBack(Record):
    """What became of the people of a restored database who had no key.

    Attributes:
        restored: Their keys are back.
        missing: Subject ids of living people without a key: their sealed texts stay unreadable.
            They were erased since, or nobody kept their key.
    """

    restored: int
    missing: tuple[str, ...]


def held(view: View) -> DataKeys:
    """Keys of living people, and the ids of the erased, in one query."""
    query = sa.select(_s.subject_id, _s.key_id, _s.wrapped_key, _s.erased_at)
    keys: dict[str, WrappedKey] = {}
    erased = set()
    for row in view.conn.execute(query):
        if row.erased_at is not None:
            erased.add(str(row.subject_id))
        elif row.wrapped_key is not None:
            keys[str(row.subject_id)] = (str(row.key_id), bytes(row.wrapped_key))
    return DataKeys(
        database_id=str(read_setting(view.conn, "database_id")),
        public_key=view.vault.public_key(view).hex(),
        keys=keys,
        forgotten=frozenset(erased),
    )


def was_backed_up(view: View) -> bool:
    """Whether this database, or the one it was restored from, ever made a backup."""
    return view.conn.execute(sa.select(backups.c.id).limit(1)).first() is not None


def put_back(tx: Transaction, keys: Mapping[str, WrappedKey]) -> PutBack:
    """Give living people without a key theirs, in a database that was restored; with its event.

    Args:
        tx: A transaction of the restored database.
        keys: Subject id to id of the master key and wrapped key, as `DataKeys.keys`.
    """
    query = (
        sa.select(_s.id, _s.subject_id)
        .where(_s.wrapped_key.is_(None), _s.erased_at.is_(None))
        .order_by(_s.id)
    )
    without = [(int(row.id), str(row.subject_id)) for row in tx.conn.execute(query)]
    found = [
        {"row_id": row_id, "master": keys[who][0], "wrapped": keys[who][1]}
        for row_id, who in without
        if who in keys
    ]
    missing = tuple(who for _, who in without if who not in keys)
    if found:
        statement = (
            subjects.update()
            .where(_s.id == sa.bindparam("row_id"))
            .values(key_id=sa.bindparam("master"), wrapped_key=sa.bindparam("wrapped"))
        )
        tx.conn.execute(statement, found)
    if without:
        told = {"data_keys": len(found), "without_key": list(missing)}
        tx.record(AuditEvent(Operation.RESTORE, "subjects", None, None, told, n_rows=len(without)))
    return PutBack(len(found), missing)
