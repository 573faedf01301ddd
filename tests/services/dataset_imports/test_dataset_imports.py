"""Datasets of other programs become images, labels and boxes, each once, or nothing at all."""

from __future__ import annotations

import json
import tarfile

import pytest

from mlmcsc.errors import ConflictError, UnknownRecordError, ValidationError

pytestmark = pytest.mark.sqlite_tells


def labels(db):
    return {
        db.get_image(label.image_id).filename: (label.label, label.annotation_data)
        for label in db.get_labels().items
    }


def box(x, y, width, height, kind):
    return {"x": x, "y": y, "width": width, "height": height, "class": kind}


def test_a_coco_dataset_becomes_images_labels_and_boxes(db, coco, technician):
    told = db.dataset_imports.import_dataset(
        coco(), technician="tech_001", label_column="SFA", scale=0.01
    )
    assert (told.format, told.read, told.stored, told.images_stored) == ("coco", 3, 3, 3)
    assert (told.boxes, told.splits, told.rejected) == (1, {"train": 2, "val": 1}, ())
    assert labels(db) == {
        "0.png": (
            pytest.approx(0.1),
            {"boxes": [box(4.0, 5.0, 20.0, 30.0, "shear lip")], "source_split": "train"},
        ),
        "1.png": (0.5, {"source_split": "train"}),
        "2.png": (1.0, {"source_split": "val"}),
    }
    assert {image.specimen_id for image in db.get_images().items} == {"S0", "S1"}
    assert {label.technician_id for label in db.get_labels().items} == {technician}


def test_yolo_shares_become_pixels_and_an_empty_text_says_that_nothing_is_there(
    db, yolo, technician
):
    told = db.dataset_imports.import_dataset(yolo, technician=technician)
    assert (told.format, told.stored, told.boxes) == ("yolo", 2, 1)
    found = labels(db)
    assert found["0.png"][0] == 0.25
    assert found["0.png"][1]["boxes"] == [box(24.0, 12.0, 16.0, 24.0, "shear lip")]
    assert found["1.png"] == (0.75, {"boxes": [], "source_split": "train"})


def test_an_image_folder_of_hugging_face_is_read(db, huggingface, technician):
    told = db.dataset_imports.import_dataset(huggingface, technician=technician)
    assert (told.format, told.stored, told.boxes) == ("huggingface", 2, 2)
    assert labels(db)["1.png"] == (
        0.75,
        {"boxes": [box(1.0, 2.0, 3.0, 4.0, "dimple")], "source_split": "train"},
    )


def test_images_in_tars_become_managed_copies_and_leave_no_stale_paths(db, webdataset, technician):
    told = db.dataset_imports.import_dataset(webdataset, technician=technician)
    assert (told.format, told.stored, told.images_stored, told.boxes) == ("webdataset", 2, 2, 1)
    assert labels(db)["001.png"][1]["boxes"] == [box(1.0, 2.0, 3.0, 4.0, "dimple")]
    assert {image.storage for image in db.get_images().items} == {"managed"}
    assert db.maintenance.validate(hash_files=True) == ()


@pytest.mark.parametrize("kind", ["coco", "webdataset"])
def test_importing_again_stores_nothing_twice(db, kind, technician, request):
    given = request.getfixturevalue(kind)
    options = {"label_column": "SFA", "scale": 0.01} if kind == "coco" else {}
    folder = given() if kind == "coco" else given
    first = db.dataset_imports.import_dataset(folder, technician=technician, **options)
    again = db.dataset_imports.import_dataset(folder, technician=technician, **options)
    assert (again.stored, again.unchanged, again.images_stored) == (0, first.stored, 0)
    assert len(db.get_labels().items) == first.stored


def test_a_label_of_another_value_is_a_new_label(db, coco, technician):
    for sfa in ((10, 50, 100), (20, 50, 100)):
        told = db.dataset_imports.import_dataset(
            coco(sfa=sfa), technician=technician, label_column="SFA", scale=0.01
        )
    assert (told.stored, told.unchanged) == (1, 2)


def test_a_dry_run_checks_all_and_writes_nothing(db, coco, technician, nothing_written):
    with nothing_written():
        told = db.dataset_imports.import_dataset(
            coco(sfa=(10, 50, 900)),
            technician=technician,
            label_column="SFA",
            scale=0.01,
            dry_run=True,
        )
    assert (told.dry_run, told.stored, told.rejected_count) == (True, 2, 1)


def test_rows_that_cannot_be_stored_are_told_in_a_file_and_the_others_stored(
    db, coco, technician, tmp_path
):
    folder = coco(sfa=(10, "much", 900))
    (folder / "images/train/0.png").write_bytes(b"no image")
    told = db.dataset_imports.import_dataset(
        folder, technician=technician, label_column="SFA", scale=0.01
    )
    assert (told.stored, told.rejected_count) == (0, 3)
    assert told.rejected_file == f"{tmp_path}/coco.rejected.csv"
    text = (tmp_path / "coco.rejected.csv").read_text()
    assert "'much': is no number" in text
    assert "label=9.0" in text
    assert "instances_train2017.json: image 0" in text
    assert db.get_labels().items == ()


def test_boxes_alone_measure_nothing(db, coco, technician, refuses):
    refuses(
        ValidationError,
        "no image of the dataset.*There is: SFA, specimen_id.*--label-column".replace(
            "no", "No", 1
        ),
        db.dataset_imports.import_dataset,
        coco(),
        technician=technician,
    )


def test_who_may_not_label_imports_nothing(db, coco, technician, refuses):
    refuses(
        UnknownRecordError,
        "'nobody' does not exist",
        db.dataset_imports.import_dataset,
        coco(),
        technician="nobody",
    )
    db.technicians.update(technician, is_active=False)
    refuses(
        ConflictError,
        "not active",
        db.dataset_imports.import_dataset,
        coco(),
        technician=technician,
    )


def link(name, kind, target="/etc/passwd"):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (link("0.png", tarfile.SYMTYPE), "link, device or sparse"),
        (link("0.png", tarfile.LNKTYPE), "link, device or sparse"),
        (link("0.png", tarfile.CHRTYPE), "link, device or sparse"),
        (link("0.png", tarfile.FIFOTYPE), "link, device or sparse"),
        (("../../0.png", b""), "leads out of the dataset's folder"),
        (("/etc/0.png", b""), "leads out of the dataset's folder"),
        (("C:\\0.png", b""), "leads out of the dataset's folder"),
        (("a\n0.png", b""), "is no file name"),
        (("0.json", b"[" * 17_000_000), "at most 16,000,000"),
    ],
    ids=["symlink", "hard link", "device", "fifo", "upwards", "absolute", "drive", "line", "large"],
)
def test_a_hostile_tar_is_refused_whole(db, tar, technician, refuses, member, reason):
    folder = tar(("9.json", b'{"label": 1}'), ("9.png", b"x"), member)
    refuses(
        ValidationError, reason, db.dataset_imports.import_dataset, folder, technician=technician
    )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "cut off"),
        (lambda path: path.write_bytes(b"no tar at all" * 99), "no plain tar"),
        (lambda path: path.rename(path.with_name("train.tar.gz")), "Unpack train.tar.gz"),
    ],
)
def test_what_is_no_plain_tar_is_refused(db, webdataset, technician, refuses, damage, reason):
    damage(webdataset / "train-000000.tar")
    refuses(
        ValidationError,
        reason,
        db.dataset_imports.import_dataset,
        webdataset,
        "webdataset",
        technician=technician,
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"file_name": "../../secret.png"}, "leads out of the dataset's folder"),
        ({"file_name": "/etc/passwd"}, "leads out of the dataset's folder"),
        ({"file_name": "gone.png"}, "there is no such image"),
        ({"file_name": None}, "is no file name"),
        ({"file_name": "out.png"}, "is a link out of the dataset's folder"),
        ({"width": 10}, "says that the image has 10 x 48 px; it has 64 x 48 px"),
        ({"attributes": {"SFA": float("1e400")}}, "is no JSON"),
    ],
    ids=lambda value: None if isinstance(value, str) else next(iter(value.items())),
)
def test_a_coco_image_that_is_not_what_it_says_is_rejected(
    db, coco, technician, draw, tmp_path, change, reason
):
    folder = coco()
    (folder / "images/train/out.png").symlink_to(draw("secret.png", seed=9))
    path = folder / "annotations/instances_train2017.json"
    document = json.loads(path.read_text())
    document["images"][0] |= change
    path.write_text(json.dumps(document))
    call = {"technician": technician, "label_column": "SFA", "scale": 0.01}
    if reason == "is no JSON":
        with pytest.raises(ValidationError, match=reason):
            db.dataset_imports.import_dataset(folder, **call)
        return
    told = db.dataset_imports.import_dataset(folder, **call)
    assert [reason in each.reason for each in told.rejected] == [True]
    assert told.stored == 2


@pytest.mark.parametrize(
    "bbox",
    [(4, 5, 0, 30), (4, 5, -1, 3), (4, 5, 20), "box", (4, 5, 20, 3000), (True, 1, 2, 3)],
    ids=str,
)
def test_a_box_that_is_none_rejects_its_image(db, coco, technician, bbox):
    told = db.dataset_imports.import_dataset(
        coco(bbox=bbox), technician=technician, label_column="SFA", scale=0.01
    )
    assert (told.rejected_count, told.stored) == (1, 2)


def test_a_polygon_in_a_yolo_text_is_rejected_and_not_taken_for_a_box(db, yolo, technician):
    (yolo / "labels/train/0.txt").write_text("0 0.1 0.1 0.2 0.2 0.3 0.3\n")
    told = db.dataset_imports.import_dataset(yolo, technician=technician)
    assert told.stored == 1
    assert "Polygons" in told.rejected[0].reason


def test_two_coco_files_on_the_same_images_are_not_guessed_between(db, coco, technician, refuses):
    folder = coco()
    path = folder / "annotations/instances_train2017.json"
    (folder / "annotations/captions_train.json").write_text(path.read_text())
    refuses(
        ValidationError,
        "both speak of it",
        db.dataset_imports.import_dataset,
        folder,
        technician=technician,
        label_column="SFA",
    )
    told = db.dataset_imports.import_dataset(
        path, technician=technician, label_column="SFA", scale=0.01
    )
    assert told.stored == 2


def test_two_values_for_one_image_are_not_guessed_between(db, huggingface, technician):
    path = huggingface / "train/metadata.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[0], lines[0].replace("0.5", "0.6")]))
    told = db.dataset_imports.import_dataset(huggingface, technician=technician)
    assert (told.stored, told.unchanged, told.rejected_count) == (2, 1, 1)
    assert "speaks of the same image as train/metadata.jsonl line 1" in told.rejected[0].reason


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("specimen_id", b"x\xff", "is no name but a bytes"),
        ("label", "1_0e-1", "'1_0e-1': is no number"),
        ("label", "\u0660.\u0665", "is no number"),
    ],
    ids=["bytes", "underscore", "digits of another script"],
)
def test_what_only_python_takes_for_a_name_or_a_number_is_rejected(
    db, draw, tmp_path, technician, column, value, reason
):
    import pyarrow as pa
    from pyarrow import parquet

    draw("hf/a.png")
    row = {"file_name": ["a.png"], "label": [0.5], column: [value]}
    parquet.write_table(pa.table(row), tmp_path / "hf/metadata.parquet")
    told = db.dataset_imports.import_dataset(tmp_path / "hf", technician=technician)
    assert (told.stored, told.rejected_count) == (0, 1)
    assert reason in told.rejected[0].reason


def test_a_folder_that_is_none_or_not_there_is_told_as_such(db, tmp_path, technician, refuses):
    refuse = db.dataset_imports.import_dataset
    refuses(
        ValidationError, "there is no such folder", refuse, tmp_path / "gone", technician=technician
    )
    refuses(ValidationError, "folder=None: is no path", refuse, None, technician=technician)


def test_a_folder_of_no_known_format_points_to_what_serves(db, tmp_path, technician, refuses):
    (tmp_path / "labels.csv").write_text("image_id,label\n")
    (tmp_path / "empty").mkdir()
    refuse = db.dataset_imports.import_dataset
    refuses(ValidationError, "no format fits", refuse, tmp_path / "empty", technician=technician)
    refuses(
        ValidationError, "import labels", refuse, tmp_path / "labels.csv", technician=technician
    )
