"""Personal texts that lie in clear where they should be sealed: written by raw SQL."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.privacy.places import sealed_places
from mlmcsc.store.base import metadata
from mlmcsc.store.models import (
    accounts,
    audit_logs,
    login_attempts,
    sessions,
    subjects,
    technicians,
)
from mlmcsc.store.queries.rows import View, by_id, update_many
from mlmcsc.store.sealing import sealed_event
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import ERASED, PREFIX, is_clear


def in_clear(view: View) -> dict[str, int]:
    """Rows with a personal text in clear, by `table.column`; only places where there are any.

    Not of the audit trail: mlmcsc never writes such an event, and a forged one is told by
    `audit verify`, not sealed and made its own.
    """
    found = {}
    for place in sorted(sealed_places()):
        table_name, _, name = place.partition(".")
        if table_name == audit_logs.name:
            continue
        table = metadata.tables[table_name]
        query = sa.select(sa.func.count()).select_from(table).where(_clear(table.c[name]))
        if table is technicians:  # who was erased bears a pseudonym in clear
            query = query.where(technicians.c.id.not_in(_erased()))
        found[place] = int(view.conn.scalar(query) or 0)
    return {place: count for place, count in found.items() if count}


def seal_sign_in(tx: Transaction) -> list[AuditEvent]:
    """Seal addresses and client programs of sessions and sign-in attempts that lie in clear.

    Returns:
        Events that tell of it, one a batch, for the caller to record.
    """
    s, a = sessions.c, login_attempts.c
    signed_in = sa.select(s.id, accounts.c.username, s.ip_address, s.user_agent).join(
        accounts, accounts.c.id == s.account_id
    )
    tried = sa.select(a.id, a.username, a.ip_address)
    return [
        *_seal(tx, sessions, ("ip_address", "user_agent"), signed_in),
        *_seal(tx, login_attempts, ("ip_address",), tried),
    ]


def _seal(
    tx: Transaction, table: sa.Table, names: tuple[str, ...], query: sa.Select[tuple[int, str, str]]
) -> Iterable[AuditEvent]:
    clear = sa.or_(*(_clear(table.c[name]) for name in names))
    for chunk in by_id(tx, table, query.where(clear)):
        who = {name: tx.vault.person(tx, name) for name in {row.username for row in chunk}}
        seal = tx.vault.sealer(tx, who.values())
        changed = [
            {"row_id": row.id}
            | {
                name: seal(who[row.username], text) if is_clear(text) else text
                for name in names
                for text in [getattr(row, name)]
            }
            for row in chunk
        ]
        update_many(tx, table, changed)
        yield sealed_event(table, changed)


def _clear(column: sa.Column[str]) -> sa.ColumnElement[bool]:
    return sa.and_(
        column.is_not(None), ~column.startswith(PREFIX, autoescape=True), column != ERASED
    )


def _erased() -> sa.Select[tuple[int]]:
    return sa.select(subjects.c.technician_id).where(
        subjects.c.technician_id.is_not(None), subjects.c.erased_at.is_not(None)
    )
