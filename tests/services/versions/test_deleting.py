"""What keeps a version from being deleted, what goes with it, and rows that were damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import ConflictError, HeldError, IntegrityError, ValidationError
from mlmcsc.services.versions import deleting


@pytest.fixture
def db(sqlite_url):
    with DatabaseManager(sqlite_url) as manager:
        yield manager


@pytest.fixture
def versions(db, images_of, technician):
    """`v1` of 19 images, `v2` of these and one more, a label of which changed."""
    images = images_of(20)
    db.store_labels(image_id=images[:19], label=[0.5] * 19, technician_id=technician)
    db.versions.create("v1")
    db.store_labels(image_id=[images[0], images[19]], label=[0.1, 0.2], technician_id=technician)
    db.versions.create("v2")
    return db.versions


def test_what_needs_a_version_is_judged_again_where_it_is_deleted(db, versions, monkeypatch):
    """A tag comes between the look and the deletion; another one moves away."""
    versions.tag("v1", "moving")
    judged = deleting.released

    def meanwhile(*given):
        versions.tag("v2", "moving")
        versions.tag("v1", "late")
        return judged(*given)

    monkeypatch.setattr(deleting, "released", meanwhile)
    with pytest.raises(ConflictError, match="tagged late; nothing was deleted"):
        versions.delete("v1")
    monkeypatch.setattr(deleting, "released", judged)
    assert versions.delete("v1", force=True).tags == ("late",)
    assert versions.tags() == {"moving": "v2"}


def test_an_exported_version_is_deleted_by_force_only(db, versions, tmp_path):
    db.dataset_exports.export("v1", tmp_path / "out", format="csv")
    with pytest.raises(ConflictError, match="exported once; nothing was deleted"):
        versions.delete("v1")
    assert versions.delete("v1", force=True).exports == 1


@pytest.mark.parametrize("whom", ["person", "specimen"])
def test_no_force_deletes_what_a_legal_hold_keeps(db, versions, technician, images_of, whom):
    (other,) = images_of(1, "S1")
    held = {"person": technician} if whom == "person" else {"specimen": "S1"}
    db.store_label(other, technician, 0.4)
    db.versions.create("v3")
    hold = db.holds.hold(**held, ground="court 12 O 345/26")
    for options in ({}, {"force": True}, {"dry_run": True}):
        with pytest.raises(HeldError, match=f"Legal hold {hold.id} .*court 12 O 345/26.*'v3'"):
            versions.delete("v3", **options)
    if whom == "specimen":
        versions.delete("v2")  # it has no image of S1
    db._database.versions.remove(db._database.versions.present())
    with pytest.raises(HeldError, match="are damaged, so that nobody can tell"):
        versions.delete("v3", force=True)
    db.holds.release(**held, reason="the case is closed")
    assert versions.delete("v3", force=True).deleted


def test_a_hold_placed_while_a_version_is_deleted_wins(db, versions, technician, monkeypatch):
    judged = deleting._commit

    def meanwhile(*given, **options):
        db.holds.hold(technician, ground="court")
        return judged(*given, **options)

    monkeypatch.setattr(deleting, "_commit", meanwhile)
    with pytest.raises(HeldError, match="Nothing was deleted"):
        versions.delete("v1", force=True)
    assert [each.version for each in versions.list()] == ["v1", "v2"]


def test_its_opened_copies_go_with_it(db, versions):
    db.datasets.open("v1").where([1]).to_numpy()
    db.datasets.open("v2")
    opened = db._database.images.thumbnails.parent / "versions"
    assert {each.name[:2] for each in opened.iterdir()} == {"1-", "2-"}
    versions.delete("v1")
    assert {each.name[:2] for each in opened.iterdir()} == {"2-"}


def test_a_version_whose_files_are_lost_is_deleted_by_force(db, versions, sql):
    own = {x["sha256"] for x in versions.get("v2").layers} - {
        versions.get("v1").layers[0]["sha256"]
    }
    db._database.versions.remove(own)
    with pytest.raises(ConflictError, match="damaged"):
        versions.delete("v2")
    assert own.pop() in versions.delete("v2", dry_run=True).damage
    assert versions.delete("v2", force=True).images_released == 1
    assert sql("SELECT count(*) FROM frozen_images") == [(19,)]  # v1 has them


def test_where_another_versions_files_are_lost_it_keeps_its_images(db, versions, sql):
    db._database.versions.remove(db._database.versions.present())
    for name in ("v1", "v2"):
        assert sql("SELECT count(*) FROM frozen_images") == [(20,)]
        versions.delete(name, force=True)
    assert sql("SELECT count(*) FROM frozen_images") == [(0,)]


def test_a_row_of_nonsense_is_listed_and_shown_as_damaged(db, versions, sql, refuses):
    sql("UPDATE data_versions SET layers = 'notjson', manifest = '[1' WHERE version = 'v1'")
    assert [each.version for each in versions.list()] == ["v1", "v2"]
    found = versions.show("v1")
    assert "Restore" in found.damage
    assert (found.layers, found.report) == ((), {})
    assert versions.show("v2").damage is None
    assert versions.show("v2").shared_bytes == 0
    refuses(IntegrityError, "Restore", db.get_training_data, data_version="v1")


def test_the_manifest_is_shown_where_it_lies_now(db, versions, sql):
    sql("UPDATE data_versions SET backup_path = '/moved/away.json'")
    shown = versions.show("v1").manifest_path
    assert Path(shown).is_file()


@pytest.mark.parametrize("wrong", [None, 5, "", "\ud800", "a\0"])
def test_a_name_that_none_can_have_is_refused_by_every_call(db, versions, wrong):
    calls = (
        versions.get,
        versions.show,
        versions.delete,
        lambda name: versions.tag(name, "production"),
        lambda name: versions.tag("v1", name),
        versions.untag,
    )
    for call in calls:
        with pytest.raises(ValidationError, match="=" if wrong is not None else "missing"):
            call(wrong)


def test_switches_that_are_none_are_refused(versions):
    with pytest.raises(ValidationError, match="force="):
        versions.delete("v1", force="yes")
    with pytest.raises(ValidationError, match="dry_run="):
        versions.delete("v1", dry_run=float("nan"))
