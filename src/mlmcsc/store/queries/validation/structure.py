"""The schema as it is, compared with the schema as it should be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.results import Finding
from mlmcsc.store.base import metadata
from mlmcsc.store.models import settings
from mlmcsc.store.queries.rows import View

REQUIRED_SETTINGS = ("database_id", "label_range")
CHECK_NOISE = "CHECK constraint failed"
"""SQLite's integrity check repeats what `broken_range` tells with ids."""
DAMAGE = "malformed"


def storage(view: View) -> list[Finding]:
    """What the database product itself finds; the last question that `view` can be asked."""
    try:
        told = view.dialect.check_storage(view.conn)
    except sa.exc.DatabaseError as error:
        if DAMAGE not in str(error.orig):
            raise
        view.conn.rollback()  # SQLite would refuse to end it otherwise
        told = [str(error.orig)]  # too damaged to be checked to the end: that is the finding
    told = [line for line in told if CHECK_NOISE not in line]
    if not told:
        return []
    message = (
        f"{'; '.join(told[:5])}. Do not write to this database: copy its files away, then restore "
        "the last good backup."
    )
    return [Finding("storage", "database", (), len(told), message)]


def drift(view: View) -> tuple[list[Finding], frozenset[str]]:
    """What the schema lacks, and the tables that are there with all their columns."""
    inspector = sa.inspect(view.conn)
    present = set(inspector.get_table_names())
    found, whole = [], set()
    for table in metadata.sorted_tables:
        if table.name not in present:
            found.append(_missing(table.name, ["the table itself"]))
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        absent = [f"column {c.name}" for c in table.c if c.name not in columns]
        if not absent:
            whole.add(table.name)
        absent += [f"{kind} {name}" for kind, name in _unprotected(inspector, table)]
        if absent:
            found.append(_missing(table.name, absent))
    return found, frozenset(whole)


def _missing(table: str, absent: list[str]) -> Finding:
    message = (
        f"Missing: {', '.join(absent)}. Somebody changed the schema by hand. Restore a backup, or "
        "move the rows into a new database with the export and import commands. Checks that need "
        "a missing column were left out."
    )
    return Finding("schema", table, (), len(absent), message)


def _unprotected(inspector: sa.Inspector, table: sa.Table) -> Iterator[tuple[str, str]]:
    """Indexes and constraints of the metadata that the database does not have."""
    name = table.name
    checks = {str(check["name"]) for check in inspector.get_check_constraints(name)}
    uniques = {_key(unique["column_names"]) for unique in inspector.get_unique_constraints(name)}
    foreign = {
        (_key(key["constrained_columns"]), key["referred_table"])
        for key in inspector.get_foreign_keys(name)
    }
    indexes = {str(index["name"]) for index in inspector.get_indexes(name)}
    for part in sorted(table.constraints, key=lambda part: str(part.name)):
        columns = _key(getattr(part, "columns", ()))
        if isinstance(part, sa.CheckConstraint):
            there = str(part.name) in checks
        elif isinstance(part, sa.UniqueConstraint):
            there = columns in uniques
        elif isinstance(part, sa.ForeignKeyConstraint):
            there = (columns, part.referred_table.name) in foreign
        else:
            there = True  # a primary key goes only with its table
        if not there:
            yield "constraint", str(part.name)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        if str(index.name) not in indexes:
            yield "index", str(index.name)


def _key(columns: Collection[Any]) -> frozenset[str]:
    return frozenset(getattr(column, "name", column) for column in columns)


def missing_settings(view: View) -> list[Finding]:
    """Facts that every database must hold of itself."""
    known = set(view.conn.scalars(sa.select(settings.c.key)))
    absent = [key for key in REQUIRED_SETTINGS if key not in known]
    if not absent:
        return []
    message = f"Missing: {', '.join(absent)}. Restore the settings table from a backup."
    return [Finding("settings", settings.name, (), len(absent), message)]
