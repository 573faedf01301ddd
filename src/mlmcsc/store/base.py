"""Table definitions' common ground: naming, keys and checks.

Tables are SQLAlchemy Core tables, not mapped classes: rows become frozen records at once, so
there is no session, no identity map and nothing that can be detached.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mlmcsc.store.types import BigId, UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "idx_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LARGEST = "1e308"
"""Any finite double is below it in magnitude; infinity and (in PostgreSQL) NaN are not."""


def table(name: str, *parts: Any) -> sa.Table:
    """A table whose ids are never reused, not even after the newest row is deleted."""
    return sa.Table(name, metadata, primary_key(), *parts, sqlite_autoincrement=True)


def primary_key() -> sa.Column[int]:
    """The `id` column."""
    return sa.Column("id", BigId, primary_key=True, autoincrement=True)


def created_at() -> sa.Column[Any]:
    """When the row was written; filled by the database for raw SQL."""
    return sa.Column(
        "created_at", UtcDateTime, nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")
    )


def reference(
    name: str, target: str, *, nullable: bool = False, unique: bool = False, **options: Any
) -> sa.Column[int]:
    """A foreign key to another table's id."""
    key = sa.ForeignKey(f"{target}.id", **options)
    return sa.Column(name, BigId, key, nullable=nullable, unique=unique or None)


def flag(name: str, *, default: bool) -> sa.Column[bool]:
    """A boolean that raw SQL may leave out."""
    return sa.Column(
        name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false()
    )


def between(column: str, low: float | str, high: float | str) -> sa.CheckConstraint:
    """`low <= column <= high`; refuses NaN, infinity and text. Nulls pass."""
    return sa.CheckConstraint(f"{column} >= {low} AND {column} <= {high}", name=f"{column}_range")


def fraction(column: str) -> sa.CheckConstraint:
    """A value from 0 to 1."""
    return between(column, 0, 1)


def finite(column: str) -> sa.CheckConstraint:
    """Any finite number."""
    return between(column, f"-{LARGEST}", LARGEST)


def not_negative(column: str) -> sa.CheckConstraint:
    """Zero or more, finite."""
    return between(column, 0, LARGEST)
