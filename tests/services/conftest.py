"""A laboratory to test in: raw SQL, images without files, and a guard that nothing is written."""

from __future__ import annotations

import contextlib
import itertools
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from mlmcsc.store.models import metadata


@pytest.fixture
def sql(db):
    """Run raw SQL, as users do beside the API; returns the rows of a query."""

    def run(statement, **values):
        with db._database.store._writer.begin() as conn:
            result = conn.execute(sa.text(statement), values)
            return result.all() if result.returns_rows else []

    return run


@pytest.fixture
def counts(db):
    """Rows of every table, audit trail included."""

    def count():
        with db._database.store.engine.connect() as conn:
            return {
                name: conn.scalar(sa.select(sa.func.count()).select_from(table))
                for name, table in metadata.tables.items()
            }

    return count


@pytest.fixture
def nothing_written(counts):
    """A block that must leave every table as long as it was."""

    @contextlib.contextmanager
    def guard():
        before = counts()
        yield
        assert counts() == before

    return guard


@pytest.fixture
def refuses(nothing_written):
    """Check that a call raises `error`, says `match`, and writes nothing."""

    def check(error, match, call, *args, **keywords):
        print("refuses", args, keywords)  # noqa: T201  # shown when the check fails
        with nothing_written(), pytest.raises(error, match=match):
            call(*args, **keywords)

    return check


@pytest.fixture
def images_of(db):
    """Insert `n` images without files, of one specimen or of none; returns their ids."""
    numbers = itertools.count()

    def make(n, specimen=None, **facts):
        table = metadata.tables["images"]
        with db._database.store._writer.begin() as conn:
            if specimen is not None:
                known = sa.text(
                    "INSERT INTO specimens (specimen_id) VALUES (:s) ON CONFLICT DO NOTHING"
                )
                conn.execute(known, {"s": specimen})
            rows = [
                {
                    "path": f"/lab/{(k := next(numbers))}.png",
                    "filename": f"{k}.png",
                    "timestamp": db._database.store.clock(),
                    "specimen_id": specimen,
                    **facts,
                }
                for _ in range(n)
            ]
            before = conn.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)))
            if rows:
                conn.execute(table.insert(), rows)
            found = conn.scalars(sa.select(table.c.id).where(table.c.id > before))
            return sorted(found)

    return make


@pytest.fixture
def technician(db):
    return db.register_technician("tech_001", "Jo Lund", experience_level="expert")


@pytest.fixture
def image(images_of):
    return images_of(1)[0]


@pytest.fixture
def audit(db):
    """The audit trail, oldest first, with personal values opened."""
    import sqlalchemy as sa

    from mlmcsc.store.models import audit_logs

    def read():
        with db._database.store.read() as view:
            found = view.conn.execute(sa.select(audit_logs).order_by(audit_logs.c.id)).all()
            opened = [
                view.vault.reveal_json(view, db.actor, list(row._mapping.values())) for row in found
            ]
        return [
            SimpleNamespace(**dict(zip(audit_logs.c.keys(), row, strict=True))) for row in opened
        ]

    return read
