"""Who may export what to where, what is left out, and what stays on record."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlmcsc.domain.permissions import Permission
from mlmcsc.errors import (
    ConflictError,
    ImageFileError,
    OvertakenError,
    PermissionDeniedError,
    UnknownRecordError,
    ValidationError,
)


def records(folder):
    lines = [line for p in folder.glob("*.jsonl") for line in p.read_text("utf-8").splitlines()]
    return {row["image_id"]: row for row in map(json.loads, lines)}


def event_of(lab):
    return lab.db.audit.list(limit=1).items[0]


def raw(folder):
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def of_actor(lab, *permissions):
    return lab.db.acting_as(replace(lab.db.actor, permissions=frozenset(permissions)))


def image_path(lab, at):
    return Path(lab.db.get_image(lab.images[at]).path)


def test_an_export_is_on_record_and_told_by_an_event(lab):
    report = lab.export(format="jsonl", recipient="Uni X")
    (listed,) = lab.db.dataset_exports.list("v1")
    assert listed == report.export
    assert (listed.format, listed.recipient, listed.n_rows) == ("jsonl", "Uni X", 12)
    assert (listed.path, listed.with_people) == (str(lab.folder / "out"), False)
    assert listed.exported_by == event_of(lab).subject_id
    event = event_of(lab)
    assert (event.operation, event.table_name, event.record_id) == ("EXPORT", "dataset_exports", 1)
    assert (event.n_rows, event.digest) == (12, listed.sha256)
    assert event.new_values["recipient"] == "Uni X"


def test_exports_are_listed_by_tag_too_and_outlive_their_version(lab):
    lab.export(format="csv")
    lab.db.versions.tag("v1", "production")
    assert len(lab.db.dataset_exports.list("production")) == 1
    lab.db.versions.untag("production")
    lab.db.versions.delete("v1", force=True)
    assert len(lab.db.dataset_exports.list("v1")) == 1
    with pytest.raises(UnknownRecordError, match="'v9' does not exist"):
        lab.db.dataset_exports.list("v9")


def test_people_are_codes_that_differ_from_export_to_export(lab):
    lab.export("one", format="jsonl", people=True)
    lab.export("two", format="jsonl", people=True)
    one, two = records(lab.folder / "one"), records(lab.folder / "two")
    codes = [{row["annotators"][0] for row in each.values()} for each in (one, two)]
    assert [len(each) for each in codes] == [2, 2]
    assert not codes[0] & codes[1]
    by_person = {row["technician_ids"][0]: set() for row in lab.rows().values()}
    for image_id, row in lab.rows().items():
        by_person[row["technician_ids"][0]].add(one[image_id]["annotators"][0])
    assert [len(each) for each in by_person.values()] == [1, 1]


@pytest.mark.parametrize("kind", ["jsonl", "coco", "yolo"])
def test_nobody_is_named_in_an_export(lab, kind):
    lab.export(format=kind)
    written = raw(lab.folder / "out").lower()
    assert b"staff" not in written
    assert b"byron" not in written
    assert b"ada/" not in written  # nor the folder that bears somebody's name


def test_training_is_right_enough_but_for_people(lab):
    trainer = of_actor(lab, Permission.TRAIN)
    trainer.dataset_exports.export("v1", lab.folder / "out", format="csv")
    with pytest.raises(PermissionDeniedError, match="read_personal"):
        trainer.dataset_exports.export("v1", lab.folder / "more", format="csv", people=True)
    reader = of_actor(lab, Permission.READ)
    with pytest.raises(PermissionDeniedError, match="'train'"):
        reader.dataset_exports.export("v1", lab.folder / "more", format="csv")
    assert len(reader.dataset_exports.list()) == 1


def test_rows_of_restricted_people_are_left_out(lab):
    lab.db.holds.restrict("staff_1", "accuracy contested")
    report = lab.export(format="jsonl")
    assert set(records(lab.folder / "out")) == set(lab.images[::2])
    assert report.left_out == {"labelled by people whose data are restricted": 6}


def test_redacted_rows_are_left_out(lab):
    lab.db.delete_user_data("staff_1", labels="delete", ground="withdrawn consent")
    report = lab.export(format="jsonl")
    assert set(records(lab.folder / "out")) == set(lab.images[::2])
    assert report.left_out == {"redacted": 6}


def test_an_erasure_names_the_recipients_and_leaves_their_files(lab):
    lab.export(format="jsonl", people=True, recipient="Uni X")
    report = lab.db.delete_user_data("staff_1", labels="delete", ground="withdrawn consent")
    assert [each["recipient"] for each in report.recipients] == ["Uni X"]
    assert str(lab.folder / "out") not in report.exports_left
    assert (lab.folder / "out" / "SHA256SUMS").is_file()


def restrict(lab):
    lab.db.holds.restrict("staff_1", "accuracy contested")


def erase(lab):
    lab.db.delete_user_data("staff_1", labels="delete", ground="withdrawn consent")


@pytest.mark.parametrize("take_away", [restrict, erase])
def test_what_is_taken_away_while_it_is_exported_is_left_out_of_what_is_read_again(lab, take_away):
    done = []

    def once(*_):
        if not done:
            done.append(take_away(lab))

    report = lab.export(format="jsonl", progress=once)
    assert set(records(lab.folder / "out")) == set(lab.images[::2])
    assert (report.export.n_rows, len(lab.db.dataset_exports.list())) == (6, 1)


def test_an_export_that_is_overtaken_again_and_again_is_given_up(lab, monkeypatch):
    def overtaken(*_):
        raise OvertakenError("again")

    monkeypatch.setattr("mlmcsc.store.queries.dataset_exports.refuse_overtaken", overtaken)
    with pytest.raises(OvertakenError):
        lab.export(format="jsonl")
    assert not (lab.folder / "out").exists()


def test_only_those_whose_rows_went_out_are_on_record(lab):
    whose = {image: row["technician_ids"] for image, row in lab.rows().items()}
    report = lab.export(format="jsonl", splits=["val"])
    gone = records(lab.folder / "out")
    assert list(report.export.technicians) == sorted({who for n in gone for who in whose[n]})
    lab.db.holds.restrict("staff_1", "accuracy contested")
    assert lab.export("more", format="csv").export.technicians == [lab.technicians[0]]


def test_another_version_of_the_same_name_has_not_the_exports_of_the_deleted_one(lab, sql):
    lab.export(format="csv", recipient="ACME")
    sql("UPDATE dataset_exports SET root = :root", root="ab" * 32)  # of a v1 that was deleted
    assert lab.db.dataset_exports.list("v1") == ()
    assert len(lab.db.dataset_exports.list()) == 1
    report = lab.db.delete_user_data("staff_1", labels="delete", ground="withdrawn consent")
    assert [each["recipient"] for each in report.recipients] == ["ACME"]


def test_splits_can_be_chosen(lab):
    report = lab.export(format="jsonl", splits=["val", "train"])
    assert {row["split"] for row in records(lab.folder / "out").values()} == {"train", "val"}
    assert set(report.splits) == {"train", "val"}
    assert list(report.left_out) == ["in splits that were not asked for"]


def test_a_changed_or_missing_file_fails_the_export_and_is_named(lab):
    image_path(lab, 0).write_bytes(b"other")
    image_path(lab, 1).unlink()
    with pytest.raises(ImageFileError, match="2 image files are not what was frozen") as told:
        lab.export(format="coco")
    assert f"image {lab.images[0]}: {image_path(lab, 0)} was changed" in str(told.value)
    assert f"image {lab.images[1]}: {image_path(lab, 1)} is not there" in str(told.value)
    assert lab.db.dataset_exports.list() == ()
    assert [p.name for p in lab.folder.iterdir() if "mlmcsc-" in p.name or p.name == "out"] == []


@pytest.mark.parametrize("kind", ["jsonl", "webdataset"])
def test_they_can_be_left_out(lab, kind):
    image_path(lab, 0).write_bytes(b"other")
    report = lab.export(format=kind, images="copy", missing="skip")
    assert [each.image_id for each in report.missing] == [lab.images[0]]
    assert report.left_out == {"file missing or changed": 1}
    assert report.export.n_rows == 11


def test_a_file_that_moved_is_taken_from_where_it_was_seen_last(lab):
    elsewhere = lab.folder / "elsewhere.png"
    shutil.copy(image_path(lab, 0), elsewhere)
    lab.db.images.add(elsewhere)
    image_path(lab, 0).unlink()
    assert lab.export(format="coco").export.n_rows == 12


def test_hard_links_share_the_original(lab):
    lab.export(format="huggingface", images="hardlink")
    (linked,) = (lab.folder / "out").rglob(f"{lab.images[0]:012d}.png")
    assert linked.samefile(image_path(lab, 0))


def test_what_is_there_stays(lab):
    lab.export(format="csv")
    with pytest.raises(ConflictError, match="overwrite=True"):
        lab.export(format="csv")
    before = (lab.folder / "out" / "train.csv").read_bytes()
    assert lab.export(format="jsonl", overwrite=True).export.id == 2
    assert not (lab.folder / "out" / "train.csv").exists()
    assert b"image_id" in before


SPOILT = [
    (lambda out: (out / "mine.txt").write_text("mine"), "files in it that no export wrote"),
    (lambda out: (out / "mine").symlink_to("/tmp"), "files in it that no export wrote"),  # noqa: S108  # a folder that is there
    (lambda out: (out / "train.csv").write_text("mine"), "train.csv was changed"),
    (lambda out: (out / "SHA256SUMS").unlink(), "so it is no export"),
    (lambda out: (out / "SHA256SUMS").write_text("x\n"), "not of an export in this database"),
]


def test_only_an_untouched_export_is_replaced(lab):
    for number, (spoil, why) in enumerate(SPOILT):
        lab.export(f"out{number}", format="csv")
        spoil(lab.folder / f"out{number}")
        with pytest.raises(ConflictError, match=why):
            lab.export(f"out{number}", format="csv", overwrite=True)


def test_no_file_and_no_folder_of_a_database_is_a_target(lab):
    with pytest.raises(ConflictError, match="no folder"):
        lab.export("mlmcsc.db", format="csv", overwrite=True)
    for name in ("mlmcsc.db.images/out", "mlmcsc.db.versions/out", "mlmcsc.db.versions"):
        (lab.folder / "mlmcsc.db.images").mkdir(exist_ok=True)
        with pytest.raises((ValidationError, ConflictError), match=r"manages|exists"):
            lab.export(name, format="csv")


WITHOUT_SENSE = [
    ({"format": "xml"}, "must be one of parquet, csv"),
    ({"format": "yolo", "images": "none"}, "the format yolo allows copy, hardlink"),
    ({"format": "yolo", "people": True}, "no place for who labelled"),
    ({"format": "csv", "splits": "train"}, "give a list"),
    ({"format": "csv", "splits": ["dev"]}, "must be one of train, val, test"),
    ({"format": "csv", "missing": "ignore"}, "must be one of error, skip"),
    ({"format": "csv", "boxes": "all"}, "must be one of people, model, either"),
    ({"format": "webdataset", "shard_bytes": 5}, "at least 1e"),
    ({"format": "csv", "recipient": "x" * 501}, "at most 500 characters"),
]


def test_what_makes_no_sense_is_refused(lab):
    for options, why in WITHOUT_SENSE:
        with pytest.raises(ValidationError, match=why):
            lab.export(**options)
    assert not (lab.folder / "out").exists()


def test_shards_are_cut_where_they_grow_too_large(lab):
    for n in range(3):  # each about 1.4 MB
        image = lab.db.store_image(big(lab.folder / f"big{n}.png", n), specimen_id=f"B{n}")
        lab.db.store_label(image, lab.technicians[0], 0.5)
    lab.db.versions.create("v2", train_split=1.0, val_split=0.0, test_split=0.0)
    lab.db.dataset_exports.export(
        "v2", lab.folder / "out", format="webdataset", shard_bytes=2_000_000
    )
    names = sorted(p.name for p in (lab.folder / "out").glob("*.tar"))
    assert names == ["train-000000.tar", "train-000001.tar", "train-000002.tar"]
    assert all(p.stat().st_size <= 2_100_000 for p in (lab.folder / "out").glob("*.tar"))


def big(path, seed):
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(seed).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path
