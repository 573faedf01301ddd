"""Id sequences that lag behind the ids in use: the next insert would fail or reuse an id."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from mlmcsc.domain.results import Finding
from mlmcsc.store.base import metadata
from mlmcsc.store.models import audit_logs
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction


@dataclass(frozen=True, slots=True)
class Lag:
    """A sequence that would hand out ids in use.

    Attributes:
        table: Whose.
        last: The last id that it handed out, 0 for none.
        highest: The highest id in use.
    """

    table: str
    last: int
    highest: int


def lagging(view: View, tables: Collection[str]) -> list[Lag]:
    """Every sequence behind its table."""
    found = []
    for table in _numbered(tables):
        highest = int(view.conn.scalar(sa.select(sa.func.max(table.c.id))) or 0)
        last = _last(view, table.name)
        if last < highest:
            found.append(Lag(table.name, last, highest))
    return found


def _numbered(tables: Collection[str]) -> Iterator[sa.Table]:
    return (t for t in metadata.sorted_tables if t.name in tables and "id" in t.c)


def findings(view: View, tables: Collection[str]) -> list[Finding]:
    """The lagging sequences, to be told."""
    return [
        Finding(
            "sequence",
            lag.table,
            (),
            1,
            f"The id sequence stands at {lag.last}, but id {lag.highest} is in use: new rows would "
            "be refused or take an old id.",
            "advance the sequence",
        )
        for lag in lagging(view, tables)
    ]


def _last(view: View, table: str) -> int:
    if view.dialect.name == "sqlite":
        query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(view.conn.scalar(query, {"name": table}) or 0)
    name = view.conn.scalar(sa.text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table})
    if name is None:
        return 0  # somebody dropped it: behind any row
    last, called = view.conn.execute(sa.text(f"SELECT last_value, is_called FROM {name}")).one()
    return int(last) if called else int(last) - 1


def given(view: View) -> dict[str, int]:
    """The last id that each sequence handed out; of any schema of ours, older ones too."""
    query = "SELECT name, seq FROM sqlite_sequence"
    if view.dialect.name != "sqlite":
        query = (
            "SELECT left(sequencename, -length('_id_seq')), last_value FROM pg_sequences "
            "WHERE schemaname = current_schema() AND sequencename LIKE '%\\_id\\_seq' "
            "AND last_value IS NOT NULL"
        )
    return {str(name): int(last) for name, last in view.conn.execute(sa.text(query))}


def raise_to(tx: Transaction, ids: Mapping[str, int]) -> None:
    """Never hand out ids again that another copy of the database has handed out.

    Not those of the audit trail: there, a gap at the end is how a removed event shows.
    """
    for table in _numbered(ids.keys() - {audit_logs.name}):
        last = _last(tx, table.name)
        if last < ids[table.name]:
            advance(tx, Lag(table.name, last, ids[table.name]))


def advance(tx: Transaction, lag: Lag) -> None:
    """Hand out the ids up to the highest in use, to nobody; a sequence never moves back."""
    if tx.dialect.name == "sqlite":
        values = {"name": lag.table, "seq": lag.highest}
        changed = tx.conn.execute(
            sa.text("UPDATE sqlite_sequence SET seq = :seq WHERE name = :name"), values
        )
        if not changed.rowcount:
            insert = "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"
            tx.conn.execute(sa.text(insert), values)
        return
    tx.conn.execute(
        # nextval, not setval: another writer's id, taken meanwhile, is never handed out twice.
        sa.text(
            "SELECT max(nextval(pg_get_serial_sequence(:name, 'id'))) FROM generate_series(1, :n)"
        ),
        {"name": lag.table, "n": lag.highest - lag.last},
    )
