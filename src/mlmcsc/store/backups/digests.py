"""A SHA-256 over each table's rows: the same however the pages lie, another for any other cell.

How rows become bytes is told in `sqlite_digests` and `postgresql_digests`; neither depends on how
a release of the database prints real numbers, so that old backups stay comparable.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.backups.stored import TableDigest
from mlmcsc.errors import StoreError
from mlmcsc.store.engine import EngineOptions, open_engine
from mlmcsc.store.views import View

Digests = dict[str, TableDigest]


def table_digests(view: View) -> Digests:
    """What every table holds, as this transaction sees it.

    Raises:
        StoreError: A table cannot be read; by the driver's error, where `view` is `Store.read`'s.
    """
    return _of(view.conn)


def digests_of(source: sa.Engine | Path | str) -> Digests:
    """What every table of a database holds that nobody writes to.

    Args:
        source: An open engine, an SQLite file, which is only read, or a database URL.

    Raises:
        StoreError: It cannot be opened or read.
    """
    if isinstance(source, Path):
        return _of_file(source)
    if isinstance(source, sa.Engine):
        with source.connect() as conn, conn.begin():
            return _of(conn)
    url = sa.make_url(source)
    if url.get_backend_name() == "sqlite":
        return _of_file(Path(str(url.database)))
    engine, dialect = open_engine(source, EngineOptions(), create=False)
    try:
        return digests_of(engine)
    except (sa.exc.DBAPIError, dialect.driver_error) as error:
        raise StoreError(f"The tables cannot be read: {dialect.plain_reason(error)}") from None
    finally:
        engine.dispose()


def _of(conn: sa.Connection) -> Digests:
    driver: Any = conn.connection.driver_connection
    if conn.dialect.name == "sqlite":
        from mlmcsc.store.backups import sqlite_digests  # noqa: PLC0415  only its own driver

        names = sqlite_digests.table_names(driver)
        return {name: sqlite_digests.digest(driver, name) for name in names}
    from mlmcsc.store.backups import postgresql_digests  # noqa: PLC0415  an extra

    return postgresql_digests.digests(driver)


def _of_file(path: Path) -> Digests:
    import sqlcipher3.dbapi2 as driver  # noqa: PLC0415  only its own

    from mlmcsc.store.backups import sqlite_digests  # noqa: PLC0415

    try:
        with closing(driver.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            names = sqlite_digests.table_names(connection)
            return {name: sqlite_digests.digest(connection, name) for name in names}
    except driver.Error as error:
        raise StoreError(f"The tables of {path} cannot be read: {error}.") from None
