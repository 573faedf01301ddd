"""Only files that hold the person's data go with the person; which ones is said before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mlmcsc import Actor
from mlmcsc.domain.permissions import ALL_PERMISSIONS


@pytest.fixture
def staff(db, images_of):
    """Jo and Eva, each with a label on an image of another specimen."""
    for row, (name, specimen) in enumerate((("jo", "S1"), ("eva", "S2")), 1):
        db.register_technician(name, f"{name.title()} Lund")
        at_work = db.acting_as(Actor(name, ALL_PERMISSIONS))
        at_work.store_label(images_of(1, specimen)[0], row, 0.5, notes="n")
    db.audit_proof.checkpoint()
    return db


def trail(db, path, **wanted):
    db.audit.export(path, **wanted)
    return path


def evidence(db, path, specimen, *, who):
    db.audit_proof.evidence("specimen", specimen, path, who=who)
    return path


@pytest.mark.sqlite_tells
def test_the_trail_of_others_stays(staff, tmp_path):
    theirs = [
        trail(staff, tmp_path / "models.csv", table="model_versions"),
        trail(staff, tmp_path / "eva.csv", actor="eva"),
        trail(staff, tmp_path / "specimens.csv", table="specimen"),
    ]
    own = [trail(staff, tmp_path / "all.csv"), trail(staff, tmp_path / "jo.csv", actor="jo")]
    done = staff.delete_user_data("jo")
    assert all(path.exists() for path in theirs)
    assert not any(path.exists() for path in own)
    assert set(done.files) == set(map(str, own))


@pytest.mark.sqlite_tells
def test_evidence_goes_only_where_it_discloses_the_person(staff, tmp_path):
    stays = [
        evidence(staff, tmp_path / "bare.zip", "S1", who=False),
        evidence(staff, tmp_path / "eva.zip", "S2", who=True),
    ]
    goes = evidence(staff, tmp_path / "jo.zip", "S1", who=True)
    staff.delete_user_data("jo")
    assert all(path.exists() for path in stays)
    assert not goes.exists()


@pytest.mark.sqlite_tells
def test_evidence_with_their_name_in_clear_goes(staff, tmp_path):
    staff.register_specimen("S1", notes="prepared by Jo Lund")
    staff.audit_proof.checkpoint()
    path = evidence(staff, tmp_path / "bare.zip", "S1", who=False)
    staff.delete_user_data("jo")
    assert not path.exists()


@pytest.mark.sqlite_tells
def test_the_dry_run_lists_what_goes_outside_and_the_result_what_went(staff, tmp_path, sql, draw):
    sql("UPDATE labels SET timestamp = '2020-01-01 00:00:00'")
    archive = staff.archives.create("labels", timedelta(days=365)).archive.name
    own = tmp_path / "jo.csv"
    staff.audit.export(own, actor="jo")
    staff.exchange.export_file("technicians", tmp_path / "moved.csv")
    (tmp_path / "moved.csv").unlink()
    staff.images.thumbnail(staff.store_image(draw("new.png")))
    plan = staff.delete_user_data("jo", dry_run=True)
    assert (plan.files, plan.archives) == ((str(own),), (archive,))
    (cache,) = plan.caches
    assert Path(cache).parent == tmp_path / "caches"
    assert own.exists()
    done = staff.delete_user_data("jo")
    assert (done.files, done.archives, done.caches) == (plan.files, plan.archives, plan.caches)
    assert not own.exists()
    assert not Path(cache).exists()


@pytest.mark.sqlite_tells
def test_the_dry_run_names_an_archive_that_cannot_be_read(staff, sql):
    sql("UPDATE labels SET timestamp = '2020-01-01 00:00:00'")
    archive = staff.archives.create("labels", timedelta(days=365)).archive
    place = staff.archives.folder.place(archive.path)
    place.rename(place.with_name("elsewhere"))
    (told,) = staff.delete_user_data("jo", dry_run=True).archives
    assert told.startswith(f"{archive.name}: cannot be read now")


@pytest.mark.sqlite_tells
def test_a_file_that_was_exported_again_is_known_by_either_content(staff, tmp_path):
    path = tmp_path / "technicians.csv"
    staff.exchange.export_file("technicians", path)
    staff.register_technician("ida", "Ida Berg")
    staff.exchange.export_file("technicians", path, overwrite=True)
    done = staff.delete_user_data("jo")
    assert (done.files, dict(done.exports_left)) == ((str(path),), {})
