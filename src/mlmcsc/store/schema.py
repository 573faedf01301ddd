"""Creating and upgrading the schema; what state a database is in."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    SchemaError,
    StoreError,
    ValidationError,
)
from mlmcsc.store.migrations import HEAD
from mlmcsc.store.models import LABEL_RANGE, UNVERSIONED_MODEL, model_versions, settings
from mlmcsc.store.old_events import commit_old_events
from mlmcsc.store.sealing import seal_records
from mlmcsc.store.uow import Store

SCRIPTS = Path(__file__).with_name("migrations")
_UPGRADE_LOCK = 0x6D6C6D63  # 'mlmc': PostgreSQL's advisory lock for schema work

BEFORE_COMMITMENTS = "0001"
"""The revision whose events have none, and whose personal texts lie in clear."""

Prepared = Literal["created", "upgraded", "current"]


def prepare(
    store: Store,
    actor: Actor,
    label_range: tuple[float, float] | None = None,
    default_range: tuple[float, float] = LABEL_RANGE,
    *,
    tell: bool = True,
) -> Prepared:
    """Create or upgrade the schema; on a current database, check the label range and return.

    Args:
        store: The open database.
        actor: In whose name it is created or upgraded.
        label_range: Lowest and highest label of a new database. Given for an existing one, it
            must be the range that it has.
        default_range: The range of a new database when none is asked for.
        tell: Whether an audit event tells of it; not where another event covers it.

    Returns:
        What had to be done.

    Raises:
        SchemaError: If a newer release or another program made the database.
        ConflictError: If the existing database has another label range.
    """
    prepared: Prepared = "current"
    if not _is_current(store):
        prepared = _upgrade(store, actor, label_range or default_range, tell=tell)
    if label_range is not None and prepared != "created":
        _same_range(store, label_range)
    return prepared


def migrate(
    store: Store, actor: Actor, target: str, label_range: tuple[float, float] = LABEL_RANGE
) -> None:
    """Move the schema to `target` (a revision, `head` or `base`), all or nothing."""
    with store.write_schema(actor) as tx:
        _lock(tx.conn)
        _run(tx.conn, target, label_range)


def revision(conn: sa.Connection) -> str | None:
    """The database's revision, or None where no migration ever ran."""
    if not sa.inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _is_current(store: Store) -> bool:
    """Whether there is nothing to do; raises for a database that is not ours to change."""
    with store.read() as view:
        found = revision(view.conn)
        tables = sa.inspect(view.conn).get_table_names() if found is None else []
        if tables:
            raise SchemaError(
                f"This database belongs to another program: it holds {', '.join(tables[:5])} but "
                "no mlmcsc schema. Name another database; this one was not touched."
            )
    if found in {None, HEAD}:
        return found == HEAD
    if found not in known_revisions():
        raise SchemaError(
            f"This database has schema {found}, made by a newer mlmcsc; this release knows up to "
            f"{HEAD}. Upgrade mlmcsc; the database was not touched."
        )
    return False


def _upgrade(
    store: Store, actor: Actor, label_range: tuple[float, float], *, tell: bool
) -> Prepared:
    low, high = label_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValidationError(f"label_range={label_range}: give two finite numbers, lower first.")
    with store.write_schema(actor) as tx:
        _lock(tx.conn)  # another process may have done it while we waited
        before = revision(tx.conn)
        if before == HEAD:
            return "current"
        _run(tx.conn, "head", label_range)
        if before is None:
            _seed(tx.conn, label_range)
        tx.vault.prepare(tx)
        if before == BEFORE_COMMITMENTS:
            seal_records(tx)
            commit_old_events(tx)
        if tell:
            after = {"revision": HEAD} | ({} if before else {"label_range": list(label_range)})
            tx.record(
                AuditEvent(Operation.MIGRATE, "alembic_version", None, {"revision": before}, after)
            )
        return "created" if before is None else "upgraded"


def _lock(conn: sa.Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))


def _seed(conn: sa.Connection, label_range: tuple[float, float]) -> None:
    conn.execute(
        settings.insert(),
        [
            {"key": "database_id", "value": uuid.uuid4().hex},
            {"key": "label_range", "value": list(label_range)},
        ],
    )
    conn.execute(
        model_versions.insert().values(
            version="unversioned",
            name="Unversioned model",
            model_path="",
            description="Predictions stored before any model version was registered",
        )
    )
    seeded = conn.scalar(sa.select(model_versions.c.id))
    if seeded != UNVERSIONED_MODEL:
        raise SchemaError(f"The first model version got id {seeded}, not {UNVERSIONED_MODEL}.")


def _same_range(store: Store, wanted: tuple[float, float]) -> None:
    with store.read() as view:
        found = tuple(read_setting(view.conn, "label_range"))
    if found != tuple(wanted):
        raise ConflictError(
            f"label_range={wanted[0]:g}..{wanted[1]:g}: this database was created with "
            f"{found[0]:g}..{found[1]:g}, and its labels mean that. Leave label_range out, or "
            "create a new database with the range you want."
        )


def read_setting(conn: sa.Connection, key: str) -> Any:
    """A fact that belongs to this database.

    Raises:
        SchemaError: If somebody deleted it.
        IntegrityError: If it is damaged.
    """
    try:
        row = conn.execute(sa.select(settings.c.value).where(settings.c.key == key)).first()
    except ValueError as error:
        raise IntegrityError(
            f"The row {key!r} of the table `settings` is damaged: this database was tampered with, "
            "or its disk is failing. Nothing was done; restore a backup."
        ) from error
    if row is None:
        raise SchemaError(
            f"The table `settings` has no row {key!r}, so this database cannot be understood. "
            "Restore a backup, or put the row back."
        )
    return row.value


def known_revisions() -> list[str]:
    """Every revision that this release has a script for."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # Alembic loads only to migrate

    with _scripts():
        return [script.revision for script in ScriptDirectory(str(SCRIPTS)).walk_revisions()]


def _run(conn: sa.Connection, target: str, label_range: tuple[float, float]) -> None:
    from alembic import command  # noqa: PLC0415  # Alembic loads only when there is work for it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = conn
    config.attributes["label_range"] = label_range
    up = target == "head" or revision(conn) is None or target > str(revision(conn))
    with _scripts():
        if up and target != "base":
            command.upgrade(config, target)
        else:
            command.downgrade(config, target)


@contextmanager
def _scripts() -> Iterator[None]:
    """Alembic reads them anew each time; a migration itself touches no file."""
    from alembic.util import CommandError  # noqa: PLC0415  # Alembic loads only to migrate

    try:
        yield
    except (OSError, CommandError) as error:  # a folder that cannot be listed has no revisions
        raise StoreError(
            f"The migrations of this release cannot be read ({error}); nothing was changed. Check "
            "the disk, or install mlmcsc again."
        ) from error
