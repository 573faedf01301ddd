"""Databases as the original system would have written them, from plain SQL."""

import pickle
import shutil
from contextlib import closing

import numpy as np
import pytest
import sqlcipher3.dbapi2 as sqlite

from mlmcsc import DatabaseManager
from mlmcsc.store.adoption.original import TABLES

NOT_NULL = {
    "images": {"path", "filename", "timestamp", "created_at"},
    "technicians": {"technician_id", "name", "created_at"},
    "model_versions": {"version", "name", "model_path", "created_at"},
    "features": {"image_id", "feature_type", "extractor_version", "extraction_timestamp"},
    "predictions": {"image_id", "model_version_id", "prediction", "confidence", "timestamp"},
    "labels": {"image_id", "technician_id", "label", "timestamp"},
    "data_versions": {"version", "name", "created_at"},
    "audit_logs": {"operation", "table_name", "user_id", "timestamp"},
    "system_metrics": {"metric_name", "metric_value", "timestamp"},
}
TYPES = {
    "FLOAT": "magnification quality_score prediction confidence detection_confidence "
    "processing_time label original_prediction original_confidence time_spent extraction_time "
    "training_accuracy validation_accuracy test_accuracy training_loss training_duration "
    "accuracy_score train_split val_split test_split avg_quality_score metric_value",
    "INTEGER": "image_id model_version_id technician_id width height channels file_size "
    "difficulty_rating feature_dimension total_labels total_images backup_size record_id",
    "BOOLEAN": "is_valid is_active is_verified",
    "DATETIME": "timestamp created_at updated_at last_active verification_timestamp "
    "extraction_timestamp",
    "JSON": "acquisition_settings detection_bbox raw_output preprocessing_params annotation_data "
    "hyperparameters label_distribution old_values new_values metric_metadata",
    "BLOB": "feature_vector",
}
KINDS = {name: kind for kind, names in TYPES.items() for name in names.split()}
DEFAULTS = {
    "images": {
        "path": "/{id}.jpg",
        "filename": "{id}.jpg",
        "timestamp": "2025-08-02 22:00:00.250000",
        "created_at": "2025-08-03 02:00:00",
    },
    "technicians": {
        "technician_id": "T{id}",
        "name": "N{id}",
        "created_at": "2025-08-03 02:00:00",
        "total_labels": 0,
    },
    "model_versions": {
        "version": "v{id}",
        "name": "M{id}",
        "model_path": "m",
        "created_at": "2025-08-03 02:00:00",
    },
    "features": {
        "image_id": 1,
        "feature_type": "cnn",
        "extractor_version": "r1",
        "extraction_timestamp": "2025-08-02 22:00:00.000000",
        "preprocessing_params": "null",
    },
    "predictions": {
        "image_id": 1,
        "model_version_id": 1,
        "prediction": 0.5,
        "confidence": 0.9,
        "timestamp": "2025-08-02 22:00:00.000000",
        "detection_bbox": "null",
    },
    "labels": {
        "image_id": 1,
        "technician_id": 1,
        "label": 0.5,
        "timestamp": "2025-08-02 22:00:00.000000",
    },
    "data_versions": {"version": "d{id}", "name": "D", "created_at": "2025-08-03 02:00:00"},
    "audit_logs": {
        "operation": "CREATE",
        "table_name": "labels",
        "user_id": "system",
        "timestamp": "2025-08-02 22:00:00.000000",
        "old_values": "null",
    },
    "system_metrics": {
        "metric_name": "m",
        "metric_value": 1.0,
        "timestamp": "2025-08-02 22:00:00.000000",
    },
}


def _create(connection, table):
    columns = ["id INTEGER NOT NULL PRIMARY KEY"]
    for name in TABLES[table][1:]:
        kind = "VARCHAR(50)" if (table, name) == ("technicians", "technician_id") else None
        kind = kind or KINDS.get(name, "VARCHAR(500)")
        required = " NOT NULL" if name in NOT_NULL[table] else ""
        columns.append(f"{name} {kind}{required}")
    connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")


@pytest.fixture
def write_original(tmp_path):
    """Write an original database: `write_original(labels=[{"label": 0.3}], …)`."""

    def write(name="lab.db", **rows):
        path = tmp_path / name
        with closing(sqlite.connect(str(path))) as connection:
            for table in TABLES:
                _create(connection, table)
            for table, given in rows.items():
                for number, row in enumerate(given, 1):
                    values = {"id": number} | DEFAULTS[table] | row
                    values = {
                        key: value.format(id=values["id"])
                        if isinstance(value, str)
                        and key in {"path", "filename", "version", "name", "technician_id"}
                        else value
                        for key, value in values.items()
                    }
                    connection.execute(
                        f"INSERT INTO {table} ({', '.join(values)}) "
                        f"VALUES ({', '.join('?' * len(values))})",
                        list(values.values()),
                    )
            connection.commit()
        return path

    return write


@pytest.fixture
def shared_copy(original_database, tmp_path):
    """A writable copy of the shared original database."""
    path = tmp_path / "mlmcsc.db"
    shutil.copyfile(original_database, path)
    return path


@pytest.fixture
def adopt():
    """Open a database, which adopts it, and close it again; returns its report."""

    def run(path, **options):
        with DatabaseManager(f"sqlite:///{path}", **options) as manager:
            return manager.adoption

    return run


@pytest.fixture
def rows_of():
    """What a database file holds, by plain SQL."""

    def read(path, query):
        with closing(sqlite.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    return read


@pytest.fixture(scope="session")
def pickled():
    """Pickle numbers as the original did."""

    def make(values, dtype="f8", protocol=4):
        return pickle.dumps(np.asarray(values, dtype=dtype), protocol=protocol)

    return make
