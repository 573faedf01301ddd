"""Models, versions, labels and people lead to one another, both ways."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from mlmcsc.domain.permissions import ALL_PERMISSIONS, Permission
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError, PermissionDeniedError, UnknownRecordError


def stranger(db):
    """The same database for somebody who may not know whose labels are whose."""
    few = ALL_PERMISSIONS - {Permission.READ_PERSONAL, Permission.PRIVACY}
    folder = db.lineage.versions
    return replace(db.lineage, actor=replace(db.actor, permissions=few), versions=folder)


def test_a_model_leads_to_its_version_its_splits_labels_and_people(lab):
    told = lab.lineage.of_model("net-1")
    data = told.data
    assert (told.training_data.version, data.version, data.root) == ("v1", "v1", "ab" * 32)
    assert (data.label_policy, data.seed, data.tags) == ("latest", 7, ("best",))
    assert (data.images, data.labels, data.specimens, data.redacted) == (4, 4, 2, 0)
    assert data.splits == {"train": 3, "val": 1, "test": 0}
    assert [(p.staff_number, p.labels, p.train_labels, p.share) for p in data.people] == [
        ("t1", 3, 3, 0.75),
        ("t2", 1, 0, 0.25),
    ]
    assert [model.version for model in data.models] == ["net-1"]


def test_the_loop_from_predictions_to_training_labels_is_told(lab):
    lab.store_predictions(
        {"image_id": lab.lab.images}, model_version_id=2, prediction=0.5, confidence=1
    )
    (loop,) = lab.lineage.of_model("net-1").feedback
    assert (loop.model, loop.seen, loop.confirmed) == ("net-0", 2, 2)
    assert loop.confirmed_share == pytest.approx(2 / 3)  # the val label trained nothing
    source = lab.lineage.of_model("net-0")
    assert (source.predictions, source.labels_seeing) == (4, 3)
    assert source.feedback == ()


def test_training_labels_that_are_no_longer_stored_are_counted_and_not_guessed(lab, sql):
    sql("DELETE FROM labels WHERE id = :id", id=lab.lab.labels[0])
    told = lab.lineage.of_model("net-1")
    assert told.labels_gone == 1
    assert [(loop.seen, loop.confirmed) for loop in told.feedback] == [(1, 1)]


@pytest.mark.parametrize(
    ("stated", "note"), [(None, "no training data version was stated"), ("d9", "is no version")]
)
def test_a_model_whose_data_is_unknown_says_so(lab, stated, note):
    lab.models.register("net-9", "net", "/m9", training_data_version=stated)
    told = lab.lineage.of_model("net-9")
    assert told.data is None
    assert note in told.training_data.note


def test_a_registered_tag_becomes_the_version_that_it_points_to(lab):
    assert lab.models.get("net-1").training_data_version == "v1"
    with capture_logs() as logs:
        lab.models.register("net-3", "net", "/m3", training_data_version="v2")
        lab.models.register("net-4", "net", "/m4", training_data_version="no such")
    assert [log["training_data_version"] for log in logs] == ["no such"]


def test_a_tag_that_was_stored_as_text_is_followed_and_said(lab, sql):
    sql("UPDATE model_versions SET training_data_version = 'best' WHERE version = 'net-1'")
    told = lab.lineage.training_data("net-1")
    assert (told.stated, told.version, told.tag) == ("best", "v1", "best")
    assert "points to v1 today" in told.note
    assert [model.version for model in lab.lineage.of_version("v1").models] == ["net-1"]


def test_a_version_leads_to_its_models_and_to_the_versions_it_shares_files_with(lab):
    told = lab.lineage.of_version("v2")
    assert (told.images, told.labels) == (3, 3)
    assert [(kin.version, kin.shared_rows) for kin in told.kin] == [("v1", 4)]
    assert [model.version for model in told.models] == ["net-2"]
    assert lab.lineage.of_version("best").kin == ()


def test_an_image_was_trained_on_in_train_and_evaluated_on_elsewhere(lab):
    trained, _, evaluated, left = lab.lab.images
    told = lab.lineage.of_image(trained)
    assert [(use.version, use.split, use.label) for use in told.uses] == [
        ("v1", "train", 0.5),
        ("v2", "train", 0.5),
    ]
    assert (told.trained_on, told.evaluated_on) == (("net-1", "net-2"), ())
    assert lab.lineage.of_image(evaluated).evaluated_on == ("net-1", "net-2")
    assert lab.lineage.of_image(left).trained_on == ("net-1",)


def test_a_label_leads_to_the_models_that_learnt_of_it(lab, sql):
    first, _, third, last = lab.lab.labels
    told = lab.lineage.of_label(first)
    assert (told.image_id, told.value) == (lab.lab.images[0], 0.5)
    assert [use.version for use in told.uses] == ["v1", "v2"]
    assert (told.trained_on, told.evaluated_on) == (("net-1", "net-2"), ())
    assert lab.lineage.of_label(third).evaluated_on == ("net-1", "net-2")
    sql("DELETE FROM labels WHERE id = :id", id=last)
    told = lab.lineage.of_label(last)
    assert (told.image_id, told.value) == (lab.lab.images[3], None)
    assert told.trained_on == ("net-1",)
    extra = lab.store_label(lab.lab.images[0], lab.lab.people[1], 0.1)
    assert lab.lineage.of_label(extra).uses == ()


def test_a_person_leads_to_the_models_trained_on_their_labels(lab):
    told = lab.lineage.of_person("t1")
    assert [(use.version, use.labels, use.share) for use in told.uses] == [
        ("v1", 3, 0.75),
        ("v2", 2, pytest.approx(2 / 3)),
    ]
    assert told.trained_on == ("net-1", "net-2")
    assert lab.lineage.of_person(lab.lab.people[1]).trained_on == ()  # only evaluated on


def test_a_redacted_row_is_told_without_label_or_person(lab, freeze):
    removed = {"label": None, "label_ids": None, "technician_ids": None, "state": State.REDACTED}
    freeze("v3", [removed | {"image_id": lab.lab.images[0], "split": 0}], root="ef" * 32)
    told = lab.lineage.of_version("v3")
    assert (told.images, told.redacted, told.labels, told.people) == (1, 1, 0, ())
    use = lab.lineage.of_image(lab.lab.images[0]).uses[-1]
    assert (use.version, use.redacted, use.label) == ("v3", True, None)


def test_a_version_recorded_without_its_images_is_told_as_such(lab, sql):
    sql(
        "INSERT INTO data_versions (version, name, created_at, total_images, n_redacted) "
        "VALUES ('old', 'old', '2020-01-01 00:00:00.000000', 9, 0)"
    )
    lab.models.register("net-5", "net", "/m5", training_data_version="old")
    told = lab.lineage.of_model("net-5").data
    assert (told.images, told.people) == (9, ())
    assert "without the list of its images" in told.note


def test_whose_labels_are_whose_is_for_those_who_may_see_it(lab):
    few = stranger(lab)
    assert {person.staff_number for person in few.of_model("net-1").data.people} == {None}
    assert few.of_person(lab.lab.people[0]).staff_number is None
    with pytest.raises(PermissionDeniedError, match="read_personal"):
        few.of_person("t1")


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("of_model", "no"),
        ("of_image", 999),
        ("of_label", 999),
        ("of_person", "no"),
        ("of_version", "no"),
    ],
)
def test_what_does_not_exist_is_refused(lab, method, wrong):
    with pytest.raises(UnknownRecordError, match="does not exist"):
        getattr(lab.lineage, method)(wrong)


def test_a_model_trained_on_a_deleted_version_is_not_given_another_of_that_name(
    lab, freeze, delete
):
    delete("v2")
    gone = lab.lineage.training_data("net-2")
    assert (gone.version, gone.root) == (None, "cd" * 32)
    assert "'v2' that it was trained on was deleted" in gone.note
    freeze("v2", [{"image_id": lab.lab.images[0], "split": 0}], root="ef" * 32)
    told = lab.lineage.of_model("net-2")
    assert (told.data, told.training_data.root) == (None, "cd" * 32)
    assert "the version of that name today is another" in told.training_data.note
    assert lab.lineage.of_version("v2").models == ()
    assert lab.lineage.of_image(lab.lab.images[0]).trained_on == ("net-1",)


def test_a_version_deleted_and_frozen_again_with_the_same_root_is_the_same(lab, freeze, delete):
    delete("v2")
    freeze("v2", [{"image_id": lab.lab.images[0], "split": 0}], root="cd" * 32)
    assert lab.lineage.training_data("net-2").version == "v2"
    assert [model.version for model in lab.lineage.of_version("v2").models] == ["net-2"]


def test_rows_that_are_damaged_are_not_read_a_second_time(lab, monkeypatch):
    for sha256 in lab.lineage.versions.present():
        lab.lineage.versions.place(sha256).write_bytes(b"no Parquet")
    asked = []
    rows = type(lab.lineage.versions).rows
    monkeypatch.setattr(
        type(lab.lineage.versions), "rows", lambda *given: asked.append(1) or rows(*given)
    )
    with pytest.raises(IntegrityError, match="cannot be read as Parquet"):
        lab.lineage.of_version("v1")
    assert len(asked) == 1


def test_rows_that_are_lost_are_said_to_be_lost(lab):
    for sha256 in lab.lineage.versions.present():
        lab.lineage.versions.place(sha256).unlink()
    with pytest.raises(IntegrityError, match="Restore the folder of versions"):
        lab.lineage.of_model("net-1")
