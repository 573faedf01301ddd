"""Column types that mean the same in SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64-bit ids; SQLite's AUTOINCREMENT wants the word INTEGER, which is 64 bits there."""

Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""JSON whose Python None is SQL NULL, never the JSON text `null`."""


class AuditJson(sa.JSON):
    """JSON kept to the letter on both databases; PostgreSQL's JSONB would rewrite the text.

    The audit trail's commitments are hashes of that text, so its writer hands in the text itself.
    """


def sealed_text(length: int) -> sa.String:
    """Text that is stored sealed, and so longer than the `length` that its plain text may have.

    SQLite keeps the documented type: it does not enforce lengths.
    """
    return sa.String(length).with_variant(sa.Text(), "postgresql")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An instant. Naive datetimes are refused, because nobody can tell what they mean.

    SQLite keeps `YYYY-MM-DD HH:MM:SS.ffffff` in UTC (documented DATETIME); PostgreSQL keeps
    `timestamptz`.
    """

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """`timestamptz` where there is one."""
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To UTC; without zone for SQLite, whose text has none."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"naive datetime {value!r}: give it a time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Always aware, always UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
