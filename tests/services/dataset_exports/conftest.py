"""A laboratory with a frozen version: boxes, two technicians, all three splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SIZE = (64, 48)
SPECIMENS = ["007", "=1+1", *(f"S{n}" for n in range(10))]


@dataclass
class Laboratory:
    """What was frozen."""

    db: Any
    folder: Path
    images: list[int]
    technicians: list[int]

    def rows(self):
        """What version v1 says, by image id, read by the store itself."""
        record = self.db.versions.get("v1")
        from mlmcsc.domain.versions.layers import read_layers

        table = self.db._database.versions.read(read_layers(record.layers))
        return {row["image_id"]: row for row in table.to_pylist()}

    def export(self, name="out", **options):
        return self.db.dataset_exports.export("v1", self.folder / name, **options)


def annotation_of(n):
    """Boxes in various shapes; images without; and one that cannot be read for certain."""
    return (
        {"regions": [{"x": 4, "y": 6, "width": 20, "height": 10, "label": "cleavage"}]},
        {"regions": [{"bbox": [4, 6, 20, 10], "format": "xywh"}, {"bbox": [0, 0, 9, 9]}],
         "format": "xyxy"},
        {"A_mm": 5.5, "B_mm": 7.0},
        {"regions": []},
        {"boxes": [{"points": [[1, 2], [30, 2], [30, 40]], "class": "fibrous zone: #1"}]},
        {"bbox": [4, 6, 20, 30]},
    )[n % 6]  # fmt: skip


@pytest.fixture
def lab(db, draw, tmp_path, monkeypatch):
    people = [db.register_technician(f"staff_{n}", f"Ada Byron {n}") for n in range(2)]
    images = []
    for n, specimen in enumerate(SPECIMENS):
        name = f"ada/{n}.tif" if n % 2 else f"ada/{n}.png"
        images.append(db.store_image(draw(name, seed=n, size=SIZE), specimen_id=specimen))
        value = round(0.05 + 0.9 * n / len(SPECIMENS), 3)
        db.store_label(images[-1], people[n % 2], value, annotation_data=annotation_of(n))
        db.store_prediction(
            images[-1], 1, 0.5, 0.9, detection_bbox=[1, 2, 31, 42], detection_class="surface"
        )
    db.versions.create("v1", "Charpy: steels", train_split=0.5, val_split=0.25, test_split=0.25)
    return Laboratory(db, tmp_path, images, people)


@pytest.fixture
def url(sqlite_url):
    """What a format is does not depend on the database; the audited tests export from both."""
    return sqlite_url
