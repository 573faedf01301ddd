"""How much room a snapshot will take, to be asked before it is begun."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from mlmcsc.store.views import View

HEXADECIMAL: Final = 2
"""`pg_dump` writes a byte of a vector as two digits; other columns grow less."""


def estimated_bytes(view: View) -> int:
    """Bytes that `take` will write for the database as it is: never less for SQLite.

    For PostgreSQL the tables without their indexes, counted twice; only long texts that the server
    keeps compressed may make it more.

    Raises:
        StoreError: The database cannot be read; by the driver's error where `view` is not
            `Store.read`'s.
    """
    if view.dialect.name == "sqlite":
        pages = view.conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        page_bytes = view.conn.exec_driver_sql("PRAGMA page_size").scalar_one()
        return int(pages * page_bytes)
    query = sa.text(
        "SELECT coalesce(sum(pg_table_size(oid)), 0) FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    )
    return HEXADECIMAL * int(view.conn.scalar(query) or 0)
