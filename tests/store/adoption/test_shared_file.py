"""The database that the original system wrote, as it came."""

import hashlib
import json
from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
import sqlalchemy as sa
import sqlcipher3.dbapi2 as sqlite

from mlmcsc import DatabaseManager
from mlmcsc.domain.adoption import render
from mlmcsc.store.models import metadata

EXPECTED = {
    "images": (1, 1, 0, 0),
    "technicians": (1, 1, 0, 0),
    "model_versions": (1, 1, 0, 0),
    "data_versions": (3, 3, 0, 0),
    "predictions": (3, 3, 0, 0),
    "labels": (3, 3, 0, 0),
    "features": (3, 1, 2, 0),
    "audit_logs": (15, 15, 0, 0),
    "system_metrics": (31, 31, 0, 0),
}


@pytest.fixture
def manager(shared_copy):
    with DatabaseManager(f"sqlite:///{shared_copy}") as opened:
        yield opened


def test_every_row_is_accounted_for(manager):
    found = {
        a.table: (a.found, a.adopted, a.superseded, a.rejected) for a in manager.adoption.tables
    }
    assert found == EXPECTED
    assert manager.adoption.balanced
    assert manager.adoption.rejected == ()
    assert [(row.table, row.id) for row in manager.adoption.superseded] == [
        ("features", 1),
        ("features", 2),
    ]


def test_the_newest_vector_is_byte_for_byte_the_one_in_the_pickle(
    manager, original_database, rows_of
):
    (blob,) = rows_of(original_database, "SELECT feature_vector FROM features WHERE id = 3")[0]
    start = blob.index(b"\x89B\x00\x10\x00\x00") + 6  # BINBYTES, 4096 bytes of 512 float64
    expected = np.frombuffer(blob[start : start + 4096], dtype="<f8")
    (record,) = manager.get_features(1).items
    assert (record.id, record.dtype, record.feature_dimension) == (3, "float64", 512)
    assert record.vector.tobytes() == expected.tobytes()
    assert manager.get_features_for_training([1], "cnn")[0] == pytest.approx(expected, abs=1e-7)


def test_local_times_become_utc_by_the_offset_that_the_rows_show(manager):
    assert "UTC-04:00" in manager.adoption.time_rule
    image = manager.get_image(1)
    assert image.timestamp == datetime(2025, 8, 3, 2, 32, 3, 428120, tzinfo=UTC)
    assert image.created_at == datetime(2025, 8, 3, 2, 32, 3, tzinfo=UTC)
    assert [label.timestamp.hour for label in manager.get_labels(1).items] == [2, 2, 2]


def test_json_null_becomes_sql_null_and_windows_paths_stay(manager, shared_copy, rows_of):
    image = manager.get_image(1)
    assert image.path == r"C:\Users\IGLeg\PycharmProjects\MLMCSC\demo_images\sample_image.jpg"
    assert image.acquisition_settings == {"brightness": 0.5, "contrast": 0.7}
    assert image.content_hash is None
    assert rows_of(shared_copy, "SELECT DISTINCT raw_output FROM predictions") == [(None,)]


def test_the_backup_holds_what_the_original_held(manager, original_database):
    report = manager.adoption
    with open(report.backup_path, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == report.backup_sha256
    assert hashlib.sha256(original_database.read_bytes()).hexdigest() == report.source_sha256
    with (
        closing(sqlite.connect(report.backup_path)) as backup,
        closing(sqlite.connect(f"{original_database.as_uri()}?immutable=1", uri=True)) as source,
    ):
        for table in EXPECTED:
            query = f"SELECT * FROM {table} ORDER BY id"
            assert backup.execute(query).fetchall() == source.execute(query).fetchall()


def test_the_printed_table_lies_beside_the_backup(manager):
    with open(f"{manager.adoption.backup_path}.report.txt", encoding="utf-8") as file:
        text = file.read()
    assert text == render(manager.adoption)
    assert "features            3        1           2         0" in text


def test_the_audit_trail_goes_on_after_the_originals(manager, shared_copy, rows_of):
    query = (
        "SELECT id, operation, n_rows, new_values ->> 'source_sha256' FROM audit_logs WHERE id > 15"
    )
    adopted = sum(row[1] for row in EXPECTED.values())
    assert rows_of(shared_copy, query) == [(16, "ADOPT", adopted, manager.adoption.source_sha256)]


def test_the_audit_trail_commits_to_every_table_that_was_adopted(manager, shared_copy, rows_of):
    ((told, digest),) = rows_of(
        shared_copy, "SELECT new_values, digest FROM audit_logs WHERE operation = 'ADOPT'"
    )
    stored = json.loads(told)["stored"]
    assert stored.keys() == EXPECTED.keys() - {"audit_logs"} | {"specimens"}
    for name, content in stored.items():
        table = metadata.tables[name]
        assert content["rows"] == rows_of(shared_copy, f"SELECT count(*) FROM {name}")[0][0]
        if content["rows"]:
            assert content["digest"] == recomputed(manager, table, content["columns"])
    assert "technician_id" not in stored["technicians"]["columns"]  # a digest cannot be redacted
    told = [[name, content["digest"]] for name, content in stored.items() if content["rows"]]
    assert digest == hashlib.sha256(orjson.dumps(told)).hexdigest()


def recomputed(manager, table, columns):
    """SHA-256 over the rows as JSON, from the description in the documentation."""
    query = sa.select(*(table.c[name] for name in columns)).order_by(table.c.id)
    with manager._database.store.engine.connect() as conn:
        rows = [list(row) for row in conn.execute(query)]
    text = orjson.dumps(
        rows, default=lambda raw: hashlib.sha256(raw).hexdigest(), option=orjson.OPT_SORT_KEYS
    )
    return hashlib.sha256(text).hexdigest()


def test_the_documented_calls_work_on_it(manager):
    assert manager.specimens.get("SPEC_001").specimen_id == "SPEC_001"
    assert manager.store_prediction(1, 1, 0.85, 0.92) == 4
    assert manager.store_label(1, 1, 0.87, notes="again") == 4
    assert manager.get_training_data(1.0, 0.0, 0.0)["train"] == [(1, 0.87)]
    assert manager.store_features(1, "cnn", np.ones(512), "resnet50_v1", dtype="float64") == 4


def test_opening_it_again_does_nothing(manager, shared_copy):
    manager.close()
    before = sorted(file.name for file in shared_copy.parent.iterdir())
    content = shared_copy.read_bytes()
    with DatabaseManager(f"sqlite:///{shared_copy}") as again:
        assert again.adoption is None
        assert again.get_system_health()
    assert sorted(file.name for file in shared_copy.parent.iterdir()) == before
    assert shared_copy.read_bytes() == content
