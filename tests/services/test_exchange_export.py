"""Exporting tables: whole files, at one moment, that come back as they were."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import (
    ConflictError,
    PermissionDeniedError,
    UnknownKeywordError,
    UnsupportedError,
    ValidationError,
)
from mlmcsc.store.models import metadata

pytestmark = pytest.mark.sqlite_tells

TIME = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
FORMATS = ["csv", "csv.gz", "jsonl", "jsonl.zst", "parquet"]
TABLES = [
    "specimens",
    "technicians",
    "model_versions",
    "images",
    "predictions",
    "labels",
    "features",
]
"""In the order in which one refers to the other."""


@pytest.fixture
def full(db, draw):
    """A little of everything, with text that spreadsheets would stumble over."""
    fill(db, draw)
    return db


def fill(db, draw):
    db.register_specimen("S-1", temperature_c=-40.0, notes='=HYPERLINK("x")\n"quoted", ü')
    image = db.store_image(draw("a.png", 1), specimen_id="S-1", acquisition_settings={"b": [1.5]})
    other = db.store_image(draw("b.png", 2), is_valid=False, quality_score=0.25)
    person = db.register_technician("-T'07", "Łucja @home", email="l@example.org")
    model = db.register_model_version("v2", "Net", "/m", hyperparameters={"lr": 1e-3})
    db.store_prediction(
        image, model, 0.5, 0.75, detection_bbox=[0, 0, 5, 5], timestamp=TIME, raw_output=[1, None]
    )
    db.store_label(image, person, 0.1 + 0.2, notes="@risk", timestamp=TIME, is_verified=True)
    db.store_label(other, person, 1e-17, timestamp=TIME, difficulty_rating=5)
    db.store_features([image, other], "cnn", np.float32([[0.1, 2], [3, 4]]), "1")


def facts(db, table):
    """What a table says, without ids and times that every database gives anew."""
    page = {
        "specimens": db.specimens.list,
        "technicians": db.technicians.list,
        "model_versions": db.models.list,
        "images": db.get_images,
        "predictions": db.get_predictions,
        "labels": db.get_labels,
        "features": db.get_features,
    }[table]
    own = {"id", "created_at", "updated_at", "last_active"}
    return [{k: v for k, v in r.to_dict().items() if k not in own} for r in page(limit=1000)]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_table_comes_back_in_an_empty_database_as_it_was(full, tmp_path, suffix):
    for table in TABLES:
        report = full.exchange.export_file(table, tmp_path / f"{table}.{suffix}", natural_keys=True)
        assert report.rows == len(facts(full, table))
        written = (tmp_path / f"{table}.{suffix}").read_bytes()
        assert report.bytes == len(written)
        assert report.sha256 == hashlib.sha256(written).hexdigest()
    with DatabaseManager(f"sqlite:///{tmp_path}/copy.db") as copy:
        for table in TABLES:
            report = copy.exchange.import_file(table, tmp_path / f"{table}.{suffix}")
            assert report.rejected == ()
        for table in TABLES:
            assert facts(copy, table) == facts(full, table)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_what_this_database_exported_is_not_stored_again_by_mistake(full, tmp_path, suffix):
    full.exchange.export_file("labels", tmp_path / f"l.{suffix}")
    with pytest.raises(ConflictError, match="was exported from labels on"):
        full.exchange.import_file("labels", tmp_path / f"l.{suffix}")
    report = full.exchange.import_file("labels", tmp_path / f"l.{suffix}", again=True)
    assert report.stored == 2
    assert any("id" in note and "revision" in note for note in report.notes)


def test_registers_and_images_of_the_same_database_are_unchanged(full, tmp_path):
    for table in ("specimens", "technicians", "model_versions", "images"):
        full.exchange.export_file(table, tmp_path / f"{table}.csv")
        report = full.exchange.import_file(table, tmp_path / f"{table}.csv", again=True)
        assert (report.stored, report.unchanged, report.rejected) == (0, report.read, ())


def test_csv_cells_cannot_run_as_formulas(full, tmp_path):
    full.exchange.export_file("labels", tmp_path / "l.csv", columns=["notes", "label"])
    with (tmp_path / "l.csv").open(newline="", encoding="utf-8") as handle:
        assert list(csv.reader(handle)) == [
            ["notes", "label"],
            ["'@risk", "0.30000000000000004"],
            ["", "1e-17"],
        ]


def test_parquet_has_real_types(full, tmp_path):
    full.exchange.export_file("features", tmp_path / "f.parquet")
    schema = pq.read_schema(tmp_path / "f.parquet")
    assert str(schema.field("feature_vector").type) == "list<element: float>"
    assert str(schema.field("extraction_timestamp").type) == "timestamp[us, tz=UTC]"
    assert str(schema.field("image_id").type) == "int64"


def test_every_table_is_either_exported_or_kept_back_for_a_reason(db, tmp_path):
    told = {info.name: info for info in db.exchange.tables()}
    assert told.keys() == metadata.tables.keys()
    for name, info in told.items():
        assert info.importable or info.reason
        if info.exportable:
            db.exchange.export_file(name, tmp_path / f"{name}.jsonl")
        else:
            with pytest.raises(UnsupportedError, match=f"{name} cannot be exported: "):
                db.exchange.export_file(name, tmp_path / f"{name}.jsonl")
            assert not (tmp_path / f"{name}.jsonl").exists()


@pytest.mark.parametrize("name", ["accounts", "sessions", "api_tokens", "subjects"])
def test_secrets_never_leave(db, name):
    assert not {info.name: info.exportable for info in db.exchange.tables()}[name]


def test_an_empty_table_gives_a_file_with_its_header(db, tmp_path):
    db.exchange.export_file("labels", tmp_path / "l.csv")
    header = (tmp_path / "l.csv").read_text().splitlines()
    assert len(header) == 1
    assert header[0].startswith("id,image_id,technician_id,label,")


def test_an_existing_file_is_kept_unless_it_may_be_overwritten(full, tmp_path):
    target = tmp_path / "l.csv"
    target.write_text("precious")
    with pytest.raises(ConflictError, match="exists"):
        full.exchange.export_file("labels", target)
    assert target.read_text() == "precious"
    full.exchange.export_file("labels", target, overwrite=True)
    assert target.read_text().startswith("id,")
    assert not list(tmp_path.glob(".*.part"))


def test_rows_can_be_narrowed_by_id_and_time(full, tmp_path):
    first, _ = full.get_labels()
    assert full.exchange.export_file("labels", tmp_path / "a.csv", after_id=first.id).rows == 1
    later = TIME.replace(year=2027)
    assert full.exchange.export_file("labels", tmp_path / "b.csv", since=later).rows == 0
    with pytest.raises(ValidationError, match="give it a time zone"):
        full.exchange.export_file("labels", tmp_path / "c.csv", since=later.replace(tzinfo=None))
    with pytest.raises(UnknownKeywordError, match="no column 'lable'"):
        full.exchange.export_file("labels", tmp_path / "c.csv", columns=["lable"])
    with pytest.raises(ValidationError, match="Did you mean 'labels'"):
        full.exchange.export_file("lables", tmp_path / "c.csv")


@pytest.mark.parametrize("after_id", [-1, True, "3", 1.5, 2**63])
def test_an_id_to_begin_after_that_is_none_is_refused(full, tmp_path, after_id):
    with pytest.raises(ValidationError, match="after_id"):
        full.exchange.export_file("labels", tmp_path / "l.csv", after_id=after_id)
    assert not (tmp_path / "l.csv").exists()


def test_a_folder_that_is_not_there_is_told_with_the_users_file(full, tmp_path):
    target = tmp_path / "none" / "l.csv"
    with pytest.raises(ValidationError, match=f"{target}: .* Create the folder {target.parent}"):
        full.exchange.export_file("labels", target)


def test_personal_data_and_the_audit_trail_need_more_than_reading(full, tmp_path):
    reader = full.acting_as(Actor("eve", frozenset({Permission.READ})))
    reader.exchange.export_file("labels", tmp_path / "l.csv")
    for table in ("technicians", "audit_logs"):
        with pytest.raises(PermissionDeniedError, match=f"export {table}"):
            reader.exchange.export_file(table, tmp_path / f"{table}.csv")


def test_an_export_leaves_an_audit_event(full, tmp_path):
    report = full.exchange.export_file("labels", tmp_path / "l.csv")
    full.exchange.export_file("audit_logs", tmp_path / "audit.jsonl")
    events = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    event = events[-1]
    assert (event["operation"], event["table_name"], event["n_rows"]) == ("EXPORT", "labels", 2)
    assert event["digest"] == report.sha256
    assert event["new_values"]["path"] == str(tmp_path / "l.csv")
