"""A witness inside the database: triggers note every row written, whoever writes it and how.

SQLAlchemy's events do not see statements that go straight to the driver; triggers do. Just before
a transaction commits, the witness reads what was noted and which audit events go with it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from mlmcsc.store.models import metadata
from mlmcsc.store.queries.archives.register import UNFINISHED
from mlmcsc.store.queries.automatic_versions import JUDGED
from mlmcsc.store.queries.erasure.versions import REPLACED
from mlmcsc.store.queries.retention.files import PREFIX as FILES_LEFT
from mlmcsc.store.queries.version_writes import FREEZING

TRAIL = {"audit_logs", "audit_checkpoints"}

SUMS = {"quality_marks", "quality_aggregates"}
"""Kept of other tables, whose rows have events; made anew at any time."""

DERIVED = {
    ("image_fingerprints", "INSERT"): ("images", None),
    ("image_fingerprints", "DELETE"): ("images", None),
    ("image_aliases", "DELETE"): ("images", None),
    ("near_duplicates", "INSERT"): ("images", None),
    ("feature_sets", "INSERT"): ("features", None),
    ("feature_sets", "UPDATE"): ("features", {"n_vectors", "tokens"}),
    ("label_revisions", "INSERT"): ("labels", None),
    ("label_revisions", "DELETE"): ("labels", None),
    ("technicians", "UPDATE"): ("labels", {"total_labels", "last_active"}),
    ("archives", "INSERT"): ("ARCHIVE", None),
    ("data_versions", "UPDATE"): ("backups", {"backup_path", "backup_size", "backup_checksum"}),
    ("archives", "UPDATE"): ("RESTORE", {"restored_at"}),
    ("split_anchors", "INSERT"): ("labels", None),
    ("frozen_images", "INSERT"): ("data_versions", None),
    ("frozen_images", "DELETE"): ("data_versions", None),
    ("version_features", "INSERT"): ("data_versions", None),
    ("version_features", "DELETE"): ("data_versions", None),
    ("feature_revisions", "INSERT"): ("features", None),
    ("feature_revisions", "DELETE"): ("data_versions", None),
    ("subjects", "INSERT"): ("*", None),
    ("subjects", "UPDATE"): ("*", {"technician_id"}),
}
"""Rows that follow from a record: whose event covers them, and which columns may change.

Whose: a table, or an operation on whatever table. `*` is any event: the first time that one names a
person, the person gets a random id.
"""

JOURNALS = tuple(f"settings.{key}" for key in (UNFINISHED, FILES_LEFT, REPLACED, FREEZING, JUDGED))
"""What a run that may be interrupted has begun; it says nothing of any record, and ends empty;
and what was looked through already, so that it is not again.

It is written together with an event of what was begun or ended.
"""

BY_ROOT = {"data_versions"}
"""One row, whose event tells how many rows its files hold, and their root as the digest."""

UNTOLD_OF_NEW = {"id", "label_distribution"}
"""The trail keeps a histogram for good, and it would tell of labels that are erased."""
UNTOLD = {"updated_at", "revision"}
"""Columns that say that a row was changed, and nothing else."""

BATCHED = {"CREATE", "INGEST", "UPDATE", "REPAIR", "DELETE"}
"""Operations on rows; their batches tell ids and digest. (An import's rows have events too.)"""


@dataclass(frozen=True)
class Written:
    """One row that a transaction wrote; `columns` are those that an UPDATE changed."""

    table: str
    operation: str
    row_id: int | None
    columns: frozenset[str]


@dataclass
class Commit:
    """What one committed transaction wrote, its audit events, and the single rows they made."""

    written: list[Written] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    def gaps(self):
        """What no event tells, in words; empty when all is told."""
        return [*self._unaudited(), *(gap for event in self.events for gap in _shape(event, self))]

    def _unaudited(self):
        told = defaultdict(set)
        for event in self.events:
            told[event["table_name"]] |= ids_told(event)
        for row in self.written:
            if row.table not in TRAIL | SUMS and not self._covers(row, told):
                yield f"{row.operation} {row.table} {row.row_id} {sorted(row.columns)}: no event"

    def _covers(self, row, told):
        if row.row_id in told[row.table]:
            return True
        if row.table.startswith(JOURNALS):
            return bool(self.events)
        parent, columns = DERIVED.get((row.table, row.operation), (None, None))
        if parent is None or (columns is not None and not row.columns <= columns):
            return False
        operations = {event["operation"] for event in self.events}
        return bool(told[parent]) or parent in operations or (parent == "*" and bool(operations))

    def updated(self, table, row_id):
        """The columns of a row that were changed."""
        found = [
            w.columns
            for w in self.written
            if (w.table, w.operation, w.row_id) == (table, "UPDATE", row_id)
        ]
        return set().union(*found)


def ids_told(event):
    """The ids of the rows that an event speaks of."""
    found = {event["record_id"]} - {None}
    old, new = event["old_values"] or {}, event["new_values"] or {}
    for span in (new, old, *old.get("replaced", [])):
        found |= {int(name) for name in span if name.isdigit()} | set(span.get("ids", []))
        both = [[span["first_id"], span["last_id"]]] if "first_id" in span else []
        for first, last in span.get("id_ranges", both):
            found |= set(range(first, last + 1))
    return found


def _shape(event, commit):
    """What is missing in an event itself."""
    what = f"{event['operation']} {event['table_name']} {event['record_id']}"
    if event["operation"] not in BATCHED or event["table_name"] not in metadata.tables:
        return
    if event["n_rows"] > 1 and event["table_name"] not in BY_ROOT:
        replaced = (event["old_values"] or {}).get("replaced", [])
        old = sum(each["n_rows"] for each in replaced)
        if len(ids_told(event)) != event["n_rows"] + old:
            yield f"{what}: {event['n_rows']} rows, but ids of {len(ids_told(event))}"
        if event["digest"] is None:
            yield f"{what}: a batch without digest"
    old, new = event["old_values"], event["new_values"]
    made = commit.rows.get((event["table_name"], event["record_id"]), {})
    if event["operation"] in {"CREATE", "INGEST"} and "first_id" not in new:
        columns = metadata.tables[event["table_name"]].c
        filled = {column.name for column in columns if column.server_default is not None}
        untold = {name for name, value in made.items() if value is not None} - new.keys()
        if untold - filled - UNTOLD_OF_NEW:  # what the schema itself fills in may be left out
            yield f"{what}: made {sorted(untold)}, not told"
    if event["n_rows"] == 1 and event["record_id"] is not None:
        changed = commit.updated(event["table_name"], event["record_id"]) - UNTOLD
        if not changed <= (new or {}).keys():
            yield f"{what}: changed {sorted(changed)}, told {sorted(new or {})}"
        if changed and not changed <= (old or {}).keys():
            yield f"{what}: changed {sorted(changed)}, told before {sorted(old or {})}"


class Witness:
    """Notes what every transaction writes, from `watch` on."""

    def __init__(self):
        self.commits = []

    def watch(self, store):
        """Put triggers on every table of a database."""
        with store._writer.begin() as conn:
            tables = [*sorted(metadata.tables), "alembic_version"]
            install = _on_sqlite if conn.dialect.name == "sqlite" else _on_postgresql
            cursor = conn.connection.cursor()
            for statement in install(cursor, tables):
                cursor.execute(statement)
            cursor.close()

    def before_commit(self, conn):
        """Read what was noted, inside the transaction."""
        cursor = conn.connection.cursor()
        cursor.execute(_IS_THERE[conn.dialect.name])
        if cursor.fetchone()[0]:
            cursor.execute("SELECT name, operation, row_id, columns FROM witness")
            noted = cursor.fetchall()
            if noted:
                cursor.execute("DELETE FROM witness")
                self.commits.append(_commit(conn, noted))
        cursor.close()

    @property
    def written(self):
        """Every row written outside the trail."""
        return [w for commit in self.commits for w in commit.written if w.table not in TRAIL]

    @property
    def events(self):
        """Every audit event."""
        return [event for commit in self.commits for event in commit.events]

    def gaps(self):
        """What no event tells."""
        return [gap for commit in self.commits for gap in commit.gaps()]


def _commit(conn, noted):
    rows = [
        Written(table, op, row_id, frozenset(filter(None, (columns or "").split(","))))
        for table, op, row_id, columns in noted
    ]
    new = [w.row_id for w in rows if (w.table, w.operation) == ("audit_logs", "INSERT")]
    trail = metadata.tables["audit_logs"]
    query = trail.select().where(trail.c.id.in_(new)).order_by(trail.c.id)
    events = [dict(row) for row in conn.execute(query).mappings()]
    for event in events:
        for name in ("old_values", "new_values"):
            if isinstance(event[name], str):
                event[name] = json.loads(event[name])
    return Commit(rows, events, dict(_single_rows(conn, events)))


def _single_rows(conn, events):
    for event in events:
        table = metadata.tables.get(event["table_name"])
        if table is not None and event["record_id"] is not None:
            query = table.select().where(table.c.id == event["record_id"])
            row = conn.execute(query).mappings().first()
            yield (table.name, event["record_id"]), dict(row or {})


_IS_THERE = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE name = 'witness'",
    "postgresql": "SELECT count(to_regclass('witness'))",
}


def _on_sqlite(cursor, tables):
    yield "CREATE TABLE witness (name TEXT, operation TEXT, row_id INTEGER, columns TEXT)"
    for table in tables:
        names = [row[1] for row in cursor.execute(f"PRAGMA table_info({table})").fetchall()]
        key = "id" if "id" in names else "rowid"
        label = f"'{table}.' || {{row}}.key" if table == "settings" else f"'{table}'"
        for operation, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
            what = f"{label.format(row=row)}, '{operation}', {row}.{key}, ''"
            yield (
                f"CREATE TRIGGER witness_{table}_{operation} AFTER {operation} ON {table} BEGIN "
                f"INSERT INTO witness VALUES ({what}); END"
            )
        columns = " || ".join(f"iif(NEW.{n} IS NOT OLD.{n}, '{n},', '')" for n in names)
        yield (
            f"CREATE TRIGGER witness_{table}_update AFTER UPDATE ON {table} WHEN {columns} <> '' "
            f"BEGIN INSERT INTO witness VALUES ({label.format(row='NEW')}, 'UPDATE', NEW.{key}, "
            f"{columns}); END"
        )


def _on_postgresql(_cursor, tables):
    yield "CREATE TABLE witness (name TEXT, operation TEXT, row_id BIGINT, columns TEXT)"
    yield """CREATE FUNCTION witness_it() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
                new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
                changed text;
        BEGIN
          SELECT string_agg(n.key, ',') INTO changed FROM jsonb_each(new_row) AS n
            WHERE n.value IS DISTINCT FROM old_row -> n.key;
          IF TG_OP <> 'UPDATE' THEN changed := ''; END IF;
          IF changed IS NOT NULL THEN
            INSERT INTO witness VALUES (TG_TABLE_NAME || CASE WHEN TG_TABLE_NAME = 'settings'
              THEN '.' || coalesce(new_row ->> 'key', old_row ->> 'key') ELSE '' END, TG_OP,
              CAST(coalesce(new_row ->> 'id', old_row ->> 'id') AS bigint), changed);
          END IF;
          RETURN NULL;
        END $$"""
    for table in tables:
        yield (
            f"CREATE TRIGGER zz_witness AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION witness_it()"
        )


@pytest.fixture(autouse=True)
def archive_folder(tmp_path, monkeypatch, postgres_programs):
    """A server's database has no file to keep archives and versions beside."""
    monkeypatch.setenv("MLMCSC_RETENTION__ARCHIVE_DIRECTORY", str(tmp_path / "archives"))
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    monkeypatch.setenv("MLMCSC_BACKUP__DIRECTORY", str(tmp_path / "backups"))
    monkeypatch.setenv("MLMCSC_BACKUP__POSTGRESQL_TOOLS", str(postgres_programs))


@pytest.fixture
def witness():
    """Sees every transaction of every engine of this process."""
    seen = Witness()
    sa.event.listen(sa.Engine, "commit", seen.before_commit)
    yield seen
    sa.event.remove(sa.Engine, "commit", seen.before_commit)


@dataclass
class Laboratory:
    """Something of everything, and the means to make more."""

    db: Any
    draw: Any
    folder: Any
    images: list[int]
    technician: int
    labels: list[int]

    def file(self, name, text):
        """A file to import."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path


@pytest.fixture
def lab(db, draw, tmp_path):
    """A small laboratory."""
    images = [db.store_image(draw(f"{n}.png", seed=n), specimen_id=f"S{n}") for n in range(3)]
    technician = db.register_technician("t1", "Ada", email="ada@example.org")
    labels = [db.store_label(image, technician, 0.5) for image in images]
    db.register_model_version("v1", "net", "/models/v1")
    db.register_model_version("v2", "net", "/models/v2")
    db.set_active_model("v1")
    db.store_prediction(images[0], 1, 0.4, 0.9)
    vectors = np.arange(24, dtype=np.float32).reshape(3, 8)
    db.store_features(images, "cnn", vectors, extractor_version="v1")
    return Laboratory(db, draw, tmp_path, images, technician, labels)
