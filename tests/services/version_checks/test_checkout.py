"""A checkout is the version's data to the letter, or says what is missing."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlmcsc.errors import ConflictError, IntegrityError, ValidationError


def rows_of(folder):
    return pq.read_table(folder / "labels.parquet").to_pylist()


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_it_holds_labels_manifest_and_images_by_split(lab, out):
    made = lab.db.version_checks.checkout("v1", out)
    assert (made.rows, made.images, made.missing) == (11, 11, ())
    rows = rows_of(out)
    assert [row["image_id"] for row in rows] == lab.images[:11]
    assert rows[0]["label"] == 0.0  # as it was, not as it was corrected to
    for row in rows:
        file = out / row["file"]
        assert file.parent == out / "images" / row["split"]
        assert file.name == f"{row['image_id']:012d}.png"
        assert sha256(file) == row["content_hash"]
    assert sum(len(files) for *_, files in os.walk(out / "images")) == 11
    with (out / "labels.csv").open(newline="") as file:
        assert [int(row["image_id"]) for row in csv.DictReader(file)] == lab.images[:11]
    assert json.loads((out / "manifest.json").read_bytes()) == lab.db.versions.get("v1").manifest
    assert not (out / "missing.csv").exists()


def test_the_trail_names_the_folder_with_counts(lab, out):
    lab.db.version_checks.checkout("v1", out)
    event = next(iter(lab.db.audit.list(operations=["EXPORT"])))
    assert (event.table_name, event.record_id, event.n_rows) == ("dataset_exports", 1, 11)
    assert event.new_values["path"] == str(out)
    assert event.new_values["n_images"] == 11
    names = ("labels.csv", "labels.parquet")
    sums = "".join(f"{sha256(out / name)}  {name}\n" for name in names)
    assert event.digest == hashlib.sha256(sums.encode()).hexdigest()


def test_only_some_splits_are_given(lab, out):
    made = lab.db.version_checks.checkout("v1", out, splits=["train"])
    assert {row["split"] for row in rows_of(out)} == {"train"}
    assert made.images == len(rows_of(out)) < 11
    assert os.listdir(out / "images") == ["train"]


def test_without_images_it_has_labels_alone(lab, out):
    lab.path(lab.images[0]).unlink()
    made = lab.db.version_checks.checkout("v1", out, images="none")
    assert (made.images, made.missing) == (0, ())
    assert {row["file"] for row in rows_of(out)} == {None}


@pytest.mark.parametrize("how", ["hardlink", "symlink"])
def test_images_may_be_links(lab, out, how):
    lab.db.version_checks.checkout("v1", out, images=how)
    file, original = out / rows_of(out)[0]["file"], lab.path(lab.images[0])
    assert file.samefile(original)
    assert file.is_symlink() == (how == "symlink")


@pytest.mark.parametrize("how", ["copy", "hardlink", "symlink"])
def test_nothing_is_put_in_the_place_of_an_image_that_changed_or_vanished(lab, out, flip, how):
    flip(lab.path(lab.images[0]))
    lab.path(lab.images[1]).unlink()
    made = lab.db.version_checks.checkout("v1", out, images=how)
    assert [each.image_id for each in made.missing] == lab.images[:2]
    assert made.images == 9
    assert [row["file"] for row in rows_of(out)][:2] == [None, None]
    assert rows_of(out)[1]["label"] == pytest.approx(1 / 12)
    with (out / "missing.csv").open(newline="") as file:
        told = list(csv.DictReader(file))
    assert [int(row["image_id"]) for row in told] == lab.images[:2]
    assert "was changed" in made.missing[0].why
    assert sum(len(files) for *_, files in os.walk(out / "images")) == 9


def test_another_path_with_the_right_content_serves(lab, out, flip):
    elsewhere = shutil.copy2(lab.path(lab.images[0]), lab.folder / "elsewhere.png")
    lab.db.images.add(elsewhere)
    flip(lab.path(lab.images[0]))
    made = lab.db.version_checks.checkout("v1", out)
    assert made.missing == ()
    assert sha256(out / rows_of(out)[0]["file"]) == rows_of(out)[0]["content_hash"]


def test_nobody_is_named_unless_it_is_asked_for(lab, out):
    named = {"by": "Jo Lund"}
    lab.db.labels.correct(lab.labels[1], annotation_data=named, reason="noted")
    lab.sql("UPDATE images SET path = '/data/jo_lund/7.jolund' WHERE id = 7")
    lab.db.versions.create("v3")
    lab.db.version_checks.checkout("v3", out)
    written = b"".join(path.read_bytes() for path in out.glob("*.*"))
    assert b"lund" not in written.lower()
    assert b"annotation" not in written
    assert (out / "missing.csv").read_text().splitlines()[0] == "image_id,content_hash"
    asked = out.with_name("asked")
    lab.db.version_checks.checkout("v3", asked, names=True)
    row = rows_of(asked)[1]
    assert (json.loads(row["annotation"]), Path(row["path"])) == (named, lab.path(lab.images[1]))
    told = lab.db.delete_user_data("tech_001")
    assert {str(asked / "labels.csv"), str(asked / "labels.parquet")} <= set(told.files)
    assert (out / "labels.csv").is_file()


def test_a_checkout_is_listed_and_an_erasure_names_it(lab, out):
    lab.db.register_technician("tech_002", "Al")
    lab.db.version_checks.checkout("v1", out, recipient="Uni X")
    (listed,) = lab.db.dataset_exports.list("v1")
    assert (listed.format, listed.path, listed.recipient) == ("checkout", str(out), "Uni X")
    assert (listed.n_rows, list(listed.technicians)) == (11, [lab.technician])
    assert lab.db.delete_user_data("tech_002").recipients == ()
    planned = lab.db.delete_user_data("tech_001", labels="delete", dry_run=True)
    lab.db.versions.delete("v1", force=True)
    report = lab.db.delete_user_data("tech_001", labels="delete")
    for each in (planned, report):
        assert [who["recipient"] for who in each.recipients] == ["Uni X"]
        assert "a checkout of version v1" in each.exports_left[str(out)]
    assert any(str(out) in line for line in report.certificate["not_reached"])


def test_what_is_redacted_while_it_is_checked_out_is_read_again(lab, out):
    erased = []

    def erase(stage, *_):
        if not erased:
            erased.append(stage)
            lab.db.delete_user_data("tech_001", labels="delete")

    made = lab.db.version_checks.checkout("v1", out, progress=erase)
    assert (made.rows, made.redacted) == (11, 11)
    assert {row["label"] for row in rows_of(out)} == {None}
    assert lab.db.dataset_exports.list()[0].technicians == []


def test_a_hostile_path_in_the_database_reads_nothing_else(lab, out):
    lab.sql("UPDATE images SET path = '../../../../etc/passwd' WHERE id = 1")
    made = lab.db.version_checks.checkout("v1", out)
    assert [each.image_id for each in made.missing] == [1]
    assert {path.parent.name for path in (out / "images").rglob("*") if path.is_file()} <= {
        "train",
        "val",
        "test",
    }


def test_rows_that_are_not_those_that_were_promised_are_not_given(lab, out):
    one, two = (lab.db.versions.get(version) for version in ("v1", "v2"))
    lab.set("v1", layers=two.layers)
    with pytest.raises(IntegrityError, match="version verify"):
        lab.db.version_checks.checkout("v1", out)
    assert not out.exists()
    lab.set("v1", layers=one.layers, manifest=two.manifest)
    with pytest.raises(IntegrityError):
        lab.db.version_checks.checkout("v1", out)
    assert [path.name for path in out.parent.glob(".mlmcsc*")] == []


def test_a_folder_with_something_in_it_is_left_alone(lab, out):
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(ConflictError, match="is no checkout"):
            lab.db.version_checks.checkout("v1", out, overwrite=overwrite)
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("place", ["lab.db", "lab.db/x", "lab.db.versions/x", "lab.db.versions"])
def test_a_database_and_its_folders_are_never_written_over(lab, place):
    before = sorted(lab.folder.rglob("*"))
    with pytest.raises((ConflictError, ValidationError)):
        lab.db.version_checks.checkout("v1", lab.folder / place, overwrite=True)
    assert sorted(lab.folder.rglob("*")) == before


def test_an_empty_folder_is_filled(lab, out):
    out.mkdir()
    assert lab.db.version_checks.checkout("v1", out).images == 11


def test_a_checkout_is_renewed_when_asked_and_unchanged_copies_stay(lab, out, flip):
    lab.db.version_checks.checkout("v1", out)
    with pytest.raises(ConflictError, match="overwrite=True"):
        lab.db.version_checks.checkout("v2", out)
    first = rows_of(out)
    kept = (out / first[5]["file"]).stat().st_ino
    flip(out / first[0]["file"])
    made = lab.db.version_checks.checkout("v2", out, overwrite=True)
    assert (made.images, made.kept) == (12, 10)
    rows = rows_of(out)
    assert rows[0]["label"] == 0.4
    assert all(sha256(out / row["file"]) == row["content_hash"] for row in rows)
    assert (out / rows[5]["file"]).stat().st_ino == kept
    assert [path.name for path in out.parent.glob(".mlmcsc*")] == []


def test_a_file_of_somebody_in_an_earlier_checkout_is_not_lost(lab, out):
    lab.db.version_checks.checkout("v1", out)
    (out / "images" / "train" / "notes.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"notes\.txt"):
        lab.db.version_checks.checkout("v2", out, overwrite=True)
    assert (out / "images" / "train" / "notes.txt").read_text() == "mine"


def test_links_of_an_earlier_checkout_never_pass_for_copies(lab, out):
    lab.db.version_checks.checkout("v1", out, images="hardlink")
    made = lab.db.version_checks.checkout("v1", out, overwrite=True)
    assert made.kept == 0
    assert not (out / rows_of(out)[0]["file"]).samefile(lab.path(lab.images[0]))


def test_rows_of_a_restricted_person_are_set_aside(lab, out):
    other = lab.db.register_technician("tech_002", "Al")
    lab.db.store_label(lab.images[0], other, 0.5)
    lab.db.versions.create("v3")
    lab.db.holds.restrict("tech_002", ground="accuracy contested")
    made = lab.db.version_checks.checkout("v3", out)
    assert (made.rows, made.restricted, made.images) == (11, 1, 11)
    assert lab.images[0] not in [row["image_id"] for row in rows_of(out)]


def test_redacted_rows_keep_their_image_and_have_no_label(lab, out):
    lab.db.erasure.delete_user_data("tech_001", labels="delete")
    made = lab.db.version_checks.checkout("v1", out)
    assert (made.redacted, made.images) == (11, 11)
    assert {row["label"] for row in rows_of(out)} == {None}
    assert all(row["redacted"] for row in rows_of(out))


@pytest.mark.parametrize(
    "how", [{"images": "move"}, {"splits": []}, {"splits": ["all"]}, {"workers": 0}]
)
def test_wrong_arguments_are_refused(lab, out, how):
    with pytest.raises(ValidationError):
        lab.db.version_checks.checkout("v1", out, **how)
    assert not out.exists()


def test_links_that_the_file_system_cannot_make_end_the_checkout(lab):
    elsewhere = Path("/dev/shm")  # noqa: S108  # another file system
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == lab.folder.stat().st_dev:
        pytest.skip("no second file system")
    target = elsewhere / f"mlmcsc-test-{os.getpid()}"
    with pytest.raises(ValidationError, match="copy the images instead"):
        lab.db.version_checks.checkout("v1", target, images="hardlink")
    assert not target.exists()
