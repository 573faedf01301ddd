"""Rows of frozen datasets, made by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest

from mlmcsc.adapters.versions import VersionFolder, row_schema
from mlmcsc.domain.versions.rows import FrozenRow, State


def stored(row, salt=bytes(16), state=State.PRESENT, leaf=None):
    """A row as it is stored."""
    return row.to_dict() | {"salt": salt, "state": state, "leaf": leaf}


def batch(*rows):
    """Stored rows as a batch."""
    return pa.RecordBatch.from_pylist(list(rows), schema=row_schema())


def frozen(image_id, label=0.5, **other):
    """One image of a version."""
    values = {
        "content_hash": bytes([image_id % 256]) * 32,
        "path": f"/data/{image_id}.png",
        "specimen_id": None,
        "width": 64,
        "height": 48,
        "label": label,
        "split": image_id % 3,
        "label_ids": [image_id],
        "technician_ids": [1],
        "annotation": None,
        "detection": None,
    }
    return FrozenRow(image_id=image_id, **(values | other))


@pytest.fixture(scope="session")
def make():
    """`frozen`, `stored` and `batch`, for making rows."""
    return SimpleNamespace(frozen=frozen, stored=stored, batch=batch)


@pytest.fixture
def folder(tmp_path):
    made = VersionFolder(tmp_path / "lab.db.versions")
    with made.locked():
        pass
    return made
