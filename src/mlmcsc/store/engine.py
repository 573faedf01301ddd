"""Opening a database: the right driver, the right settings, both checked."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from mlmcsc.config import normalise_url, redact_url
from mlmcsc.errors import StoreError, UnsupportedError
from mlmcsc.store.dialects.base import Dialect


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Pool and waiting limits.

    Attributes:
        pool_size: Connections kept open.
        max_overflow: Further connections under load.
        pool_timeout_seconds: How long a caller waits for a connection.
        pool_recycle_seconds: Age at which a connection is replaced (PostgreSQL).
        busy_timeout_seconds: How long a writer waits for another writer.
        echo_sql: Log every statement.
    """

    pool_size: int = 5
    max_overflow: int = 10
    pool_timeout_seconds: float = 30.0
    pool_recycle_seconds: int = 3600
    busy_timeout_seconds: float = 30.0
    echo_sql: bool = False


def open_engine(
    url: str, options: EngineOptions, *, create: bool = True
) -> tuple[sa.Engine, Dialect]:
    """Make the engine for `url` and the dialect that knows its ways.

    Args:
        url: Any database URL.
        options: Pool and waiting limits.
        create: Whether an SQLite file that is missing or empty is made.

    Raises:
        UnsupportedError: For a database that mlmcsc cannot use as its store.
        StoreError: When the database cannot be reached, or is missing and must not be made.
    """
    parsed = sa.make_url(normalise_url(url))
    backend = parsed.get_backend_name()
    if backend not in _DIALECTS:
        raise UnsupportedError(
            f"{redact_url(url)}: {backend} cannot hold an mlmcsc database yet. "
            "Use sqlite:///file.db or postgresql://host/database."
        )
    if not create and backend == "sqlite" and _is_missing(parsed.database):
        raise no_database(url)
    dialect = _DIALECTS[backend](parsed, options.busy_timeout_seconds)
    engine = sa.create_engine(
        parsed,
        echo=options.echo_sql,
        hide_parameters=True,  # values may be personal data and must not reach logs
        json_serializer=lambda value: orjson.dumps(value).decode(),  # knows datetimes
        json_deserializer=_read_json,
        **dialect.engine_arguments(
            pool_size=options.pool_size,
            max_overflow=options.max_overflow,
            pool_timeout=options.pool_timeout_seconds,
            pool_recycle=options.pool_recycle_seconds,
        ),
    )
    dialect.listen(engine)
    try:
        with engine.connect() as conn:
            dialect.refuse_unfit(conn)
    except StoreError:
        engine.dispose()
        raise
    except (sa.exc.DBAPIError, sa.exc.ArgumentError) as error:
        engine.dispose()
        raise StoreError(f"Cannot open {redact_url(url)}: {dialect.plain_reason(error)}") from None
    return engine, dialect


def no_database(url: str) -> StoreError:
    """The error for a database that is not there and was not asked to be made."""
    shown = redact_url(url)
    return StoreError(
        f"There is no mlmcsc database at {shown}. Check the name, or create it: "
        f"mlmcsc --database {shlex.quote(shown)} database init"
    )


def is_in_memory(url: str) -> bool:
    """Whether the database ends with the process."""
    parsed = sa.make_url(normalise_url(url))
    return parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}


def _is_missing(name: str | None) -> bool:
    """Whether there is no such file, or one without a byte, as `touch` and `mktemp` leave it."""
    if not name or name == ":memory:":
        return False
    path = Path(name)
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def _read_json(stored: Any) -> Any:
    """SQLite keeps a lone JSON number as a number."""
    return stored if isinstance(stored, int | float) else orjson.loads(stored)


def _sqlite(url: sa.URL, busy_timeout_seconds: float) -> Dialect:
    from mlmcsc.store.dialects.sqlite import SqliteDialect  # noqa: PLC0415  # only its own driver

    return SqliteDialect(url, busy_timeout_seconds=busy_timeout_seconds)


def _postgresql(url: sa.URL, busy_timeout_seconds: float) -> Dialect:
    from mlmcsc.store.dialects.postgresql import PostgresDialect  # noqa: PLC0415  # an extra

    return PostgresDialect(url, busy_timeout_seconds=busy_timeout_seconds)


_DIALECTS = {"sqlite": _sqlite, "postgresql": _postgresql}
