"""After an erasure nothing of the person is left: the raw bytes of everything are searched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.privacy.erasure import erasure_plan
from mlmcsc.store.models import metadata

OWN_FILES = {"exports/bare.csv"}
"""An export without names: ids and numbers."""


def hits(root, needle):
    """Files below a folder whose raw bytes hold the needle, in any case."""
    found = []
    for parent, _, names in os.walk(root):
        for name in names:
            path = Path(parent, name)
            if needle.encode() in path.read_bytes().lower():
                found.append(str(path.relative_to(root)))
    return found


def columns_with(db, needle):
    """Columns of any table, ours or not, whose text holds the needle."""
    found = []
    with db._database.store.read() as view:
        inspector = sa.inspect(view.conn)
        for table in inspector.get_table_names():
            for column in inspector.get_columns(table):
                text = sa.cast(sa.column(column["name"]), sa.Text)
                if isinstance(column["type"], sa.LargeBinary):
                    continue  # searched with the files
                query = sa.select(sa.func.count()).select_from(sa.table(table))
                if view.conn.scalar(query.where(sa.func.lower(text).contains(needle))):
                    found.append(f"{table}.{column['name']}")
    return found


def test_the_laboratory_has_a_trace_in_every_place_that_the_tags_name(db, row, lab):
    """A new personal column without a trace fails here: add one to `laboratory.fill`."""
    bare = [place for place in lab.traced_places() if not lab.has_trace(lab.texts(db, place))]
    # Sealed identifiers of the trail and salts are no text that a trace could be in.
    assert set(bare) <= {"audit_logs.who_salt", "subjects.wrapped_key", "subjects.key_id"}


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_no_trace_is_left_anywhere(db, row, lab, labels, tmp_path, capfd, request):
    assert columns_with(db, lab.NEEDLE)
    assert hits(tmp_path / "exports", lab.NEEDLE)
    report = db.delete_user_data(
        lab.STAFF,
        labels=labels,
        ground=f"asked for by {lab.NAME}",
        certificate=tmp_path / "certificate.json",
    )
    left = [place for place in lab.traced_places() if lab.has_trace(lab.texts(db, place))]
    assert left == [], [t for p in left for t in lab.texts(db, p) if lab.has_trace([t])]
    assert columns_with(db, lab.NEEDLE) == []
    assert set(hits(tmp_path, lab.NEEDLE)) <= OWN_FILES
    assert lab.NEEDLE not in str(report.to_dict()).lower()
    version = db.versions.get("v1")
    assert version.n_redacted == 6  # the annotation of each row names the person
    assert [each["version"] for each in report.recipients] == ["v1"]
    assert (tmp_path / "given").is_dir()  # it names nobody; its recipient is told
    assert not (tmp_path / "caches").exists() or not any((tmp_path / "caches").rglob("*"))
    printed = capfd.readouterr()
    assert lab.NEEDLE not in (printed.out + printed.err).lower()
    if db.url.startswith("postgresql"):
        server = request.getfixturevalue("postgres_server")
        server.psql("CHECKPOINT;")
        assert hits(_relations(db, server), lab.NEEDLE) == []


def _relations(db, server):
    with db._database.store.read() as view:
        conn = view.conn
        oid = conn.exec_driver_sql(
            "SELECT oid FROM pg_database WHERE datname = current_database()"
        ).scalar()
        folder = conn.exec_driver_sql("SHOW data_directory").scalar()
    return Path(folder) / "base" / str(oid)


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_the_trail_proves_to_be_whole_afterwards(db, row, lab, labels):
    db.audit_proof.checkpoint()
    db.delete_user_data(lab.STAFF, labels=labels)
    # The event that raw SQL wrote has no commitment; it is the only thing found.
    assert {finding.event_id for finding in db.audit_proof.verify().findings} <= foreign(db)
    ((user,),) = erase_events(db)
    assert user != lab.STAFF


def foreign(db):
    logs = metadata.tables["audit_logs"]
    with db._database.store.read() as view:
        return set(view.conn.scalars(sa.select(logs.c.id).where(logs.c.leaf.is_(None))))


def erase_events(db):
    logs = metadata.tables["audit_logs"]
    query = sa.select(logs.c.user_id).where(logs.c.operation == Operation.ERASE.value).distinct()
    with db._database.store.read() as view:
        return [tuple(found) for found in view.conn.execute(query)]


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_the_certificate_has_a_line_and_a_count_for_each_column_of_the_plan(db, row, lab, labels):
    report = db.delete_user_data(lab.STAFF, labels=labels)
    told = [(f["table"], f["column"], f["action"]) for f in report.certificate["fields"]]
    assert told == [(p.table, p.column, p.action.value) for p in erasure_plan(labels)]
    counts = {f"{f.table}.{f.column}": f.count for f in report.fields}
    never = {"audit_logs.who_salt"} | {
        place for place in counts if place.startswith(("privacy_requests.", "erasures."))
    }
    untouched = [place for place in lab.traced_places() if not counts[place] and place not in never]
    assert untouched == []


@pytest.mark.sqlite_tells
def test_a_dry_run_counts_what_the_deed_does(db, row, lab):
    planned = db.delete_user_data(lab.STAFF, dry_run=True)
    done = db.delete_user_data(lab.STAFF)
    before = {f"{f.table}.{f.column}": f.count or 0 for f in planned.fields}
    after = {f"{f.table}.{f.column}": f.count or 0 for f in done.fields}
    ours = {place for place in after if not place.startswith(("audit_logs.", "erasures."))}
    assert {p: before[p] for p in ours} == {p: after[p] for p in ours}
