"""What was exported comes back: the same images, values, boxes and specimens."""

from __future__ import annotations

import shutil

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.tabular import file_sha256

BOX = {"x": 4.0, "y": 6.0, "width": 16.0, "height": 12.0, "class": "shear lip"}
WITH_BOXES = {"coco", "yolo"}
"""The exports of other formats hold none."""
TABLES = ("parquet", "csv", "jsonl")
EVERY = ("coco", "yolo", "huggingface", "webdataset", *TABLES)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, sqlite_template):
    """A version of six images, exported in each format."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("exported")
    shutil.copy(sqlite_template, folder / "lab.db")
    with DatabaseManager(f"sqlite:///{folder}/lab.db") as db:
        who = db.register_technician("t1", "Jo Lund")
        for number in range(6):
            noise = np.random.default_rng(number).integers(0, 256, (48, 64), dtype=np.uint8)
            Image.fromarray(noise).save(folder / f"{number}.png")
            image = db.store_image(folder / f"{number}.png", specimen_id=f"S{number // 2}")
            db.store_label(image, who, number / 8, annotation_data={"boxes": [BOX]})
        db.versions.create("v1")
        for kind in EVERY:
            db.dataset_exports.export("v1", folder / kind, format=kind, images="copy")
        splits = db.lineage.of_version("v1").splits
    return folder, {name: size for name, size in splits.items() if size}


@pytest.mark.parametrize("kind", EVERY)
def test_an_export_imported_into_an_empty_database_says_the_same(
    exported, sqlite_url, kind, tmp_path
):
    source, splits = exported
    folder = tmp_path / kind
    shutil.copytree(source / kind, folder)
    if kind == "yolo":  # holds no values: they stand beside it
        names = sorted(path.relative_to(folder) for path in folder.rglob("*.png"))
        lines = [f"{name},{(int(name.stem) - 1) / 8}" for name in names]
        (folder / "metadata.csv").write_text("\n".join(["file_name,label", *lines]))
    with DatabaseManager(sqlite_url) as db:
        db.register_technician("t2", "Al Berg")
        told = db.dataset_imports.import_dataset(folder, technician="t2")
        assert (told.format, told.stored, told.images_stored) == (kind, 6, 6)
        assert (told.rejected, dict(told.splits)) == ((), splits)
        found = sorted(db.get_labels().items, key=lambda label: label.label)
        assert [label.label for label in found] == [number / 8 for number in range(6)]
        for number, label in enumerate(found):
            image = db.get_image(label.image_id)
            assert image.content_hash == file_sha256(source / f"{number}.png")
            assert (label.annotation_data.get("boxes") == [BOX]) == (kind in WITH_BOXES)
            if kind != "yolo":
                assert image.specimen_id == f"S{number // 2}"


def test_an_image_that_was_exchanged_since_the_export_is_refused(exported, sqlite_url, tmp_path):
    source, _ = exported
    folder = tmp_path / "csv"
    shutil.copytree(source / "csv", folder)
    one, other, *_ = sorted(folder.rglob("*.png"))
    one.write_bytes(other.read_bytes())
    with DatabaseManager(sqlite_url) as db:
        db.register_technician("t2", "Al Berg")
        told = db.dataset_imports.import_dataset(folder, "csv", technician="t2")
    assert (told.stored, told.rejected_count) == (5, 1)
    assert "is not the image that was exported" in told.rejected[0].reason
