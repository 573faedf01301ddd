"""Personal texts that lie in clear where they should be sealed: written by raw SQL."""

from __future__ import annotations

import sqlalchemy as sa

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
from mlmcsc.store.queries.rows import CHUNK, View
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import ERASED, PREFIX

UNCOMMITTED = "audit_logs.leaf"
"""Under this name events without commitments are counted: raw SQL, or an older release."""


def in_clear(view: View) -> dict[str, int]:
    """Rows with a personal text in clear, by `table.column`; only places where there are any."""
    found = {}
    for place in sorted(sealed_places()):
        table_name, _, name = place.partition(".")
        table = metadata.tables[table_name]
        query = sa.select(sa.func.count()).select_from(table).where(_clear(table.c[name]))
        if table is technicians:  # who was erased bears a pseudonym in clear
            query = query.where(technicians.c.id.not_in(_erased()))
        found[place] = int(view.conn.scalar(query) or 0)
    query = sa.select(sa.func.count()).select_from(audit_logs).where(audit_logs.c.leaf.is_(None))
    found[UNCOMMITTED] = int(view.conn.scalar(query) or 0)
    return {place: count for place, count in found.items() if count}


def seal_sign_in(tx: Transaction) -> dict[str, int]:
    """Seal addresses and client programs of sessions and sign-in attempts that lie in clear.

    Returns:
        How many rows of each table were changed.
    """
    s, a = sessions.c, login_attempts.c
    return {
        "sessions": _seal(
            tx,
            sessions,
            ("ip_address", "user_agent"),
            sa.select(s.id, accounts.c.username, s.ip_address, s.user_agent).join(
                accounts, accounts.c.id == s.account_id
            ),
        ),
        "login_attempts": _seal(
            tx, login_attempts, ("ip_address",), sa.select(a.id, a.username, a.ip_address)
        ),
    }


def _seal(
    tx: Transaction, table: sa.Table, names: tuple[str, ...], query: sa.Select[tuple[int, str, str]]
) -> int:
    changed = last = 0
    clear = sa.or_(*(_clear(table.c[name]) for name in names))
    while True:
        page = query.where(clear, table.c.id > last).order_by(table.c.id).limit(CHUNK)
        rows = tx.conn.execute(page).all()
        if not rows:
            return changed
        who = {name: tx.vault.person(tx, name) for name in {row.username for row in rows}}
        seal = tx.vault.sealer(tx, who.values())
        for row in rows:
            texts = {name: getattr(row, name) for name in names}
            sealed = {
                name: seal(who[row.username], text)
                for name, text in texts.items()
                if text is not None and not text.startswith(PREFIX)
            }
            tx.conn.execute(table.update().where(table.c.id == row.id).values(**sealed))
        changed += len(rows)
        last = rows[-1].id


def _clear(column: sa.Column[str]) -> sa.ColumnElement[bool]:
    return sa.and_(
        column.is_not(None), ~column.startswith(PREFIX, autoescape=True), column != ERASED
    )


def _erased() -> sa.Select[tuple[int]]:
    return sa.select(subjects.c.technician_id).where(
        subjects.c.technician_id.is_not(None), subjects.c.erased_at.is_not(None)
    )
