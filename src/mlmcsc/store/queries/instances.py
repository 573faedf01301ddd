"""Which of several copies a database is: they share its id, its keys and all its rows."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.views import View


def instance(view: View) -> str:
    """The SQLite file, or the server's database with its object id, which no copy there has."""
    if view.dialect.path is not None:
        return f"the SQLite file {view.dialect.path.absolute()}"
    query = "SELECT datname, oid FROM pg_database WHERE datname = current_database()"
    name, oid = view.conn.execute(sa.text(query)).one()
    return f"the PostgreSQL database {name} (oid {oid})"
