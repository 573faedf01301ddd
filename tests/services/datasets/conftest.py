"""Versions made by hand, row by row: what is in them is known, whatever else the database holds."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import partial

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa

from mlmcsc.adapters.versions import root_of, row_schema
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.store.models import data_versions

SPLITS = (0, 0, 0, 1, 2)


def batch_of(ids, labels, *, paths=None, hashes=None, people=None, redacted=()):
    """Rows of a version; a redacted one keeps a leaf alone."""
    gone = np.isin(ids, list(redacted))
    n = len(ids)

    def unless_gone(values):
        return [None if out else value for out, value in zip(gone, values, strict=True)]

    splits = [SPLITS[i % len(SPLITS)] for i in range(n)]
    columns = {
        "image_id": list(ids),
        "content_hash": hashes or [hashlib.sha256(str(i).encode()).digest() for i in ids],
        "path": paths or [f"/lab/{i}.png" for i in ids],
        "specimen_id": [f"S{i // 5}" for i in range(n)],
        "width": [64] * n,
        "height": [48] * n,
        "label": unless_gone(list(labels)),
        "split": splits,
        "label_ids": unless_gone([[1000 + i] for i in range(n)]),
        "technician_ids": unless_gone(people or [[1 + i % 3] for i in range(n)]),
        "annotation": [None] * n,
        "detection": [None] * n,
        "state": gone.astype(int).tolist(),
        "salt": unless_gone([bytes([i % 256] * 16) for i in range(n)]),
        "leaf": [hashlib.sha256(bytes([i % 256])).digest() if out else None
                 for i, out in enumerate(gone)],
    }  # fmt: skip
    return pa.RecordBatch.from_pydict(columns, schema=row_schema())


def record_version(database, layers, root, n_rows, version="v1", **manifest):
    """The row of a version whose rows were written already; returns its signed manifest."""
    store = database.store
    with store.read() as view:
        promised = Manifest(
            **{
                "database_id": "test",
                "version": version,
                "created_at": "2026-11-23T12:00:00Z",
                "root": root,
                "n_rows": n_rows,
                "label_policy": "latest",
                "group_by": "specimen",
                "stratify": True,
                "seed": 7,
                "ratios": (0.6, 0.2, 0.2),
                "label_range": (0.0, 1.0),
                "filters": {},
                "report": {"labelled_images": n_rows, "left_out": {"marked invalid": 2}},
                "features": (),
                **manifest,
            }
        )
        document = promised.signed(partial(view.vault.sign, view))
    row = {
        "version": version,
        "name": version,
        "root": root,
        "manifest": document,
        "layers": [asdict(layer) for layer in layers],
        "created_at": store.clock(),
    }
    with store._writer.begin() as conn:
        conn.execute(sa.insert(data_versions).values(row))
    return promised


@pytest.fixture(autouse=True)
def version_folder(tmp_path, monkeypatch):
    """A server has no file to keep versions beside."""
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))


@pytest.fixture
def freeze(db):
    """Freeze ids and labels under a name."""

    def make(ids, labels, version="v1", manifest=None, **facts):
        database = db._database
        batch = batch_of(ids, labels, **facts)
        with database.versions.locked():
            layer = database.versions.write([batch])
        root, n_rows, _ = root_of([batch])
        return record_version(database, [layer], root, n_rows, version, **(manifest or {}))

    return make


@pytest.fixture
def dataset(db, freeze):
    """A version of 103 rows."""
    ids = np.arange(1, 104) * 2
    freeze(ids, np.linspace(0, 1, 103))
    return db.datasets.open("v1")
