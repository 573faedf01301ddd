"""The new database: built beside the original, checked before anyone sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as driver

from mlmcsc.config.urls import sqlite_url
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import AdoptionError
from mlmcsc.store import schema
from mlmcsc.store.adoption import files
from mlmcsc.store.adoption.content import contents, digest_of
from mlmcsc.store.adoption.copying import copy_all
from mlmcsc.store.adoption.holding import Held
from mlmcsc.store.adoption.ledger import Ledger
from mlmcsc.store.adoption.local_time import TimeRule
from mlmcsc.store.adoption.original import counts
from mlmcsc.store.engine import EngineOptions, open_engine
from mlmcsc.store.old_events import commit_old_events
from mlmcsc.store.sealing import seal_records
from mlmcsc.store.uow import Snapshot, Store
from mlmcsc.store.vault import Vault


def build(
    held: Held,
    rule: TimeRule,
    label_range: tuple[float, float],
    ledger: Ledger,
    actor: Actor,
    vault: Vault,
    facts: Mapping[str, Any],
) -> Path:
    """Make the new database with every row that it can hold, in one transaction.

    Args:
        held: The original.
        rule: For local times.
        label_range: Of the new database.
        ledger: Gains every row.
        actor: In whose name the audit event is written.
        vault: Of the new database.
        facts: For the audit event.

    Returns:
        The finished file, durable, with nothing beside it.

    Raises:
        AdoptionError: The result is not what was copied.
    """
    path = held.path.with_name(f"{held.path.name}.adopting")
    files.remove(path)  # of an adoption that was interrupted
    files.create_like(path, held.state)
    engine, dialect = open_engine(sqlite_url(str(path)), EngineOptions())
    store = Store(engine, dialect, vault)
    try:
        schema.prepare(store, actor, label_range, tell=False)  # ADOPT tells of it
        with store.write(actor) as tx:
            cursor = tx.conn.connection.cursor()
            copy_all(held.source, cursor, rule, label_range, ledger)
            seal_records(tx)
            commit_old_events(tx)
            accounts = ledger.accounts()
            stored = contents(tx)
            ledger.added["audit_logs"] += 1
            tx.record(
                AuditEvent(
                    Operation.ADOPT,
                    "database",
                    new_values={
                        **facts,
                        "tables": [asdict(account) for account in accounts],
                        "stored": stored,
                    },
                    n_rows=sum(account.adopted for account in accounts),
                    digest=digest_of(stored),
                )
            )
        with store.read() as view:
            _verify(view, ledger)
    finally:
        store.close()
    if found := files.leftovers(path):
        raise AdoptionError(f"the new database was not closed completely ({', '.join(found)})")
    files.flush(path)
    return path


def _verify(view: Snapshot, ledger: Ledger) -> None:
    """Storage, foreign keys and row counts of the new database."""
    if damage := view.dialect.check_storage(view.conn):
        raise AdoptionError(f"the new database is damaged ({'; '.join(damage)}). Check the disk")
    view.dialect.check_foreign_keys(view.conn)
    cursor: driver.Cursor = view.conn.connection.cursor()
    try:
        for table, found in counts(cursor).items():
            expected = ledger.adopted[table] + ledger.added[table]
            if found != expected:
                raise AdoptionError(f"the new database has {found} {table} instead of {expected}")
    finally:
        cursor.close()
