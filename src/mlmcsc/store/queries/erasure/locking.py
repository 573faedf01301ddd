"""Keeping out whoever could write a name while people are erased."""

from __future__ import annotations

from mlmcsc.store.models import audit_logs, metadata, subjects
from mlmcsc.store.queries.bearers import name_columns
from mlmcsc.store.uow import Transaction

LAST = (subjects.name, audit_logs.name)
"""Locked after the others, in this order: every write ends with them."""


def lock_all(tx: Transaction) -> None:
    """Wait for open writers of tables with names in them and of the trail, and keep others out.

    Raises:
        sqlalchemy.exc.DBAPIError: On PostgreSQL, another writer waits for this one; the erasure is
            repeated.
    """
    named = {column.table.name for column in name_columns()} - set(LAST)
    for table in (*sorted(named), *LAST):
        tx.dialect.lock_table(tx.conn, metadata.tables[table])
