"""A laboratory with rows of long ago and of today in every table that can be archived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.store.models import metadata

OLD = datetime(2020, 5, 4, 3, 2, 1, 123_456, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture
def db(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLMCSC_RETENTION__ARCHIVE_DIRECTORY", str(tmp_path / "archive"))
    with DatabaseManager(url) as manager:
        yield manager


@pytest.fixture
def folders(db):
    """Names of the folders among the archives, drafts included."""

    def read():
        root = db.archives.folder.root
        return sorted(p.name for p in root.iterdir() if p.is_dir()) if root.is_dir() else []

    return read


@pytest.fixture
def place(db):
    """The folder of an archive."""

    def find(archive):
        return db.archives.folder.place(archive.path)

    return find


@pytest.fixture
def laboratory(db, sql, images_of):
    """12 images of 4 specimens; per image an old and a new row of each kind, by two people."""
    images = [i for s in "ABCD" for i in images_of(3, f"SPEC_{s}")]
    who = [db.register_technician(f"tech_00{k}", f"Person {k}", is_active=True) for k in (1, 2)]
    now = datetime.now(UTC)
    for at in (OLD, now):
        columns = {
            "image_id": images,
            "technician_id": [who[k % 2] for k in range(12)],
            "label": [k / 20 + (at is now) * 0.1 for k in range(12)],
            "notes": [f"note {k} {at:%Y}" for k in range(12)],
            "annotation_data": [{"b": [1, 2.5], "a": None}, 0.5, "x", None] * 3,
        }
        db.store_labels(columns, timestamp=at)
        db.store_predictions(
            image_id=images,
            model_version_id=1,
            prediction=[k / 12 for k in range(12)],
            confidence=0.9,
            raw_output={"logits": [1e-3, 2]},
            timestamp=at,
        )
        db.store_features(
            images,
            "cnn",
            np.arange(48, dtype=np.float32).reshape(12, 4) / 7,
            f"v{at:%Y}",
            extraction_timestamp=at,
        )
        zone = "" if db.url.startswith("sqlite") else "+00"
        for k in range(3):
            sql(
                "INSERT INTO system_metrics (metric_name, metric_value, timestamp, "
                "metric_metadata) VALUES ('m', :value, :at, :facts)",
                value=k + 0.5,
                at=f"{at:%Y-%m-%d %H:%M:%S.%f}{zone}",
                facts=f'{{"k":{k}}}',
            )
    first = db.get_labels(limit=1).items[0].id
    db.update_label(first, label=0.01, reason="the scale was wrong", notes="corrected note")
    db.verify_label(first + 1, "tech_001")
    return db


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else value


@pytest.fixture
def contents(sql):
    """Every row of the tables that archives are made of, and of what counts them."""
    names = "predictions features system_metrics labels label_revisions split_anchors"

    def read(*only):
        return {
            name: [
                tuple(_plain(v) for v in row)
                for row in sql(
                    f"SELECT * FROM {name} ORDER BY {next(iter(metadata.tables[name].c)).name}"
                )
            ]
            for name in only or (*names.split(), "technicians")
        }

    return read
