"""Tags move between versions; a version is deleted with what only it has."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import ConflictError, UnknownRecordError, ValidationError

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def db(url, tmp_path, monkeypatch):
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    monkeypatch.chdir(tmp_path)
    with DatabaseManager(url) as manager:
        yield manager


@pytest.fixture
def images(images_of):
    return images_of(20)


@pytest.fixture
def versions(db, images, technician):
    """`v1` of 19 images, `v2` of these and one more, a label of which changed."""
    db.store_features(images, "cnn", np.zeros((20, 2)), "1")
    db.store_labels(image_id=images[:19], label=[0.5] * 19, technician_id=technician)
    db.versions.create("v1")
    db.store_labels(image_id=[images[0], images[19]], label=[0.1, 0.2], technician_id=technician)
    db.store_features(images[:1], "cnn", np.ones((1, 2)), "1")
    db.versions.create("v2")
    return db.versions


def test_a_tag_moves_and_is_found_like_a_name(versions):
    versions.tag("v1", "production")
    assert versions.get("production").version == "v1"
    versions.tag("v2", "production")
    assert versions.get("production").version == "v2"
    assert versions.tags() == {"production": "v2"}
    versions.untag("production")
    assert versions.tags() == {}


def test_a_move_is_told_and_the_same_again_is_not(versions, audit, nothing_written):
    versions.tag("v1", "production")
    versions.tag("v2", "production")
    last = audit()[-1]
    assert (last.old_values["version_id"], last.new_values["version_id"]) == (1, 2)
    with nothing_written():
        versions.tag("v2", "production")


def test_tags_and_versions_never_share_a_name(db, versions, refuses):
    versions.tag("v1", "production")
    refuses(ConflictError, "name of a version", versions.tag, "v1", "v2")
    refuses(ConflictError, "is a tag", versions.create, "production")
    refuses(ConflictError, "name of a version", versions.create, "v3", tags=["v1"])
    refuses(ValidationError, "is a tag of version 'v1'", versions.tag, "production", "other")
    refuses(ValidationError, "letters, digits", versions.tag, "v1", "no spaces")
    refuses(UnknownRecordError, "Known: v2, v1", versions.tag, "v9", "other")
    refuses(UnknownRecordError, "no tag", versions.untag, "other")


def test_all_that_is_known_of_a_version_is_shown(db, versions):
    db.register_model_version("m1", "net", "/m", training_data_version="v2")
    versions.tag("v2", "production")
    found = versions.show("production")
    assert (found.tags, found.models) == (("production",), ("m1",))
    assert [f.n_vectors for f in found.features] == [20]
    assert 0 < found.shared_bytes < sum(layer.n_bytes for layer in found.layers)
    assert sum(found.splits.values()) == 20


def test_deleting_frees_what_only_it_had(db, versions, sql):
    assert sql("SELECT count(*) FROM feature_revisions") == [(1,)]
    planned = versions.delete("v2", dry_run=True)
    gone = versions.delete("v2")
    assert (planned.images_released, planned.deleted) == (1, False)
    assert (gone.images_released, gone.deleted) == (1, True)
    assert gone.bytes_freed == planned.bytes_freed > 0
    assert [v.version for v in db.get_data_versions()] == ["v1"]
    assert sql("SELECT count(*) FROM frozen_images") == [(19,)]
    assert sql("SELECT count(*) FROM feature_revisions") == [(1,)]  # v1 holds the old vector
    layers = {layer["sha256"] for layer in versions.get("v1").layers}
    assert db._database.versions.present() == layers
    assert db._database.versions.manifests() == {manifest(versions.get("v1"))}
    assert versions.delete("v1").vectors_freed == 1
    assert sql("SELECT count(*) FROM frozen_images") == [(0,)]


def test_the_trail_keeps_the_root_of_what_was_deleted(versions, audit):
    root = versions.get("v1").root
    versions.delete("v1")
    event = audit()[-1]
    assert (event.operation, event.table_name) == ("DELETE", "data_versions")
    assert (event.digest, event.n_rows) == (root, 19)


def test_a_version_in_use_is_deleted_by_force_only(db, versions, refuses):
    db.register_model_version("m1", "net", "/m", training_data_version="v1")
    versions.tag("v1", "production")
    refuses(
        ConflictError,
        "tagged production and training data of model m1",
        versions.delete,
        "v1",
    )
    assert versions.delete("v1", force=True).tags == ("production",)
    assert versions.tags() == {}


def test_a_version_recorded_by_raw_sql_is_listed_shown_and_deleted(db, sql):
    sql("INSERT INTO data_versions (version, name) VALUES ('old', 'old')")
    assert db.versions.show("old").layers == ()
    with pytest.raises(ConflictError, match="recorded without its images"):
        db.versions.create("old")
    assert db.versions.delete("old").deleted


def manifest(record):
    return f"{record.id}-{record.root[:16]}.json"


def test_what_an_interrupted_run_left_is_tidied_by_the_next_and_nothing_else(db, versions):
    folder, stranger = db._database.versions, "0" * 64
    folder.place(stranger).write_bytes(b"of another copy of the database")
    left = {"root": "b" * 64}

    def killed():
        with folder.locked():
            folder.place("1" * 64).write_bytes(b"left")
            folder._note(folder.place("1" * 64))
            folder.write_manifest(99, left)
            (folder.root / "rows" / ".x.partial").write_bytes(b"left")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed()
    assert folder.manifest_path(99, left["root"]).exists()
    db.versions.create("v3")
    every = db.get_data_versions()
    assert folder.present() == {x["sha256"] for v in every for x in v.layers} | {stranger}
    assert folder.manifests() == {manifest(v) for v in every}
    assert not list((folder.root / "rows").glob("*.partial"))
    assert not list((folder.root / "drafts").iterdir())
