"""A version freezes what is there, for good, and costs what changed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.versions import root_of
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.domain.versions.manifest import trusted
from mlmcsc.errors import ConflictError, UnknownRecordError, UnsupportedError, ValidationError
from mlmcsc.services.versions import creating
from mlmcsc.store.queries import version_writes

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def db(url, tmp_path, monkeypatch):
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    monkeypatch.chdir(tmp_path)
    with DatabaseManager(url) as manager:
        yield manager


@pytest.fixture
def campaign(db, images_of, technician):
    """Ten specimens of three images, a label each."""
    images = [image for n in range(10) for image in images_of(3, f"S{n}", width=64, height=48)]
    labels = [round(i / 30, 3) for i in range(30)]
    db.store_labels(image_id=images, label=labels, technician_id=technician)
    return images


def rows(db, version):
    """The version's rows by image id."""
    layers = read_layers(db.versions.get(version).layers)
    return {row["image_id"]: row for row in db._database.versions.read(layers).to_pylist()}


def labels(db, version):
    return {image: row["label"] for image, row in rows(db, version).items()}


def test_it_holds_the_splits_and_values_that_training_gives(db, campaign):
    made = db.versions.create("v1.0")
    training = db.get_training_data()
    found = rows(db, "v1.0")
    for number, (name, pairs) in enumerate(training.items()):
        assert [(i, r["label"]) for i, r in found.items() if r["split"] == number] == pairs
        assert made.splits[name] == len(pairs)
    assert made.report == training.report


def test_it_says_of_each_image_whose_labels_box_and_annotation_it_is(db, campaign, technician):
    second = db.register_technician("tech_002", "Al")
    image = campaign[4]
    first = db.get_labels(image)[0].id
    added = db.store_label(image, second, 0.9, annotation_data={"region": [1, 2]})
    for box, confidence in (([1, 2, 3, 4], 0.5), ([5, 6, 7, 8], 0.75)):
        db.store_prediction(
            image,
            1,
            0.5,
            0.9,
            detection_bbox=box,
            detection_class="surface",
            detection_confidence=confidence,
        )
    db.store_prediction(image, 1, 0.5, 0.9)
    db.versions.create("mean", label_policy="mean")
    row = rows(db, "mean")[image]
    assert (row["label_ids"], row["technician_ids"]) == ([first, added], [technician, second])
    assert (row["width"], row["height"], row["specimen_id"]) == (64, 48, "S1")
    assert row["annotation"].replace(" ", "") == '{"region":[1,2]}'
    said = row["detection"].replace(" ", "")
    assert said == '{"bbox":[5,6,7,8],"class":"surface","confidence":0.75,"prediction_id":2}'
    db.versions.create("latest")
    assert rows(db, "latest")[image]["label_ids"] == [added]


def test_later_changes_change_nothing_in_it(db, campaign, technician, sql):
    db.versions.create("v1")
    before, root = rows(db, "v1"), db.versions.get("v1").root
    db.store_label(campaign[0], technician, 0.99)
    db.labels.correct(db.get_labels(campaign[1])[0].id, label=0.98, reason="misread")
    sql("DELETE FROM labels WHERE image_id = :i", i=campaign[2])
    assert rows(db, "v1") == before
    layers = read_layers(db.versions.get("v1").layers)
    assert root_of(db._database.versions.rows(layers)) == (root, 30, 0)


def test_the_row_tells_the_documented_statistics(db, campaign, sql):
    sql("UPDATE images SET quality_score = 0.5")
    record = db.create_data_version("v1.0", "First", "Initial dataset", seed=3)
    assert (record.version, record.name, record.description) == ("v1.0", "First", "Initial dataset")
    assert (record.total_images, record.total_labels) == (30, 30)
    assert (record.train_split, record.val_split, record.test_split) == (0.7, 0.15, 0.15)
    assert record.avg_quality_score == 0.5
    histogram = record.label_distribution
    assert sum(sum(histogram[split]) for split in ("train", "val", "test")) == 30
    assert len(histogram["edges"]) == 11
    assert record.created_by == db.actor.subject
    assert db.get_data_versions()[0] == record


def test_its_manifest_is_signed_and_lies_beside_the_rows(db, campaign):
    record = db.create_data_version("v1.0", seed=3, min_quality=None, material=None)
    store = db._database.store
    with store.read() as view:
        manifest = trusted(record.manifest, store.vault.public_key(view), store.vault.crypto.verify)
    assert (manifest.root, manifest.n_rows, manifest.seed) == (record.root, 30, 3)
    document, folder = record.manifest, db._database.versions
    assert orjson.loads(folder.manifest_path(record.id, record.root).read_bytes()) == document
    # Only a backup fills these.
    assert (record.backup_path, record.backup_size, record.backup_checksum) == (None, None, None)


def test_the_second_version_costs_what_changed(db, images_of, technician):
    images = images_of(3000)
    db.store_labels(image_id=images, label=np.linspace(0, 1, 3000), technician_id=technician)
    first = db.versions.create("v1")
    for image in images[::300]:
        db.store_label(image, technician, 0.5)
    (new,) = images_of(1)
    db.store_label(new, technician, 0.25)
    second = db.versions.create("v2")
    assert (second.new, second.changed, second.gone, second.same) == (1, 10, 0, 2990)
    assert second.bytes_written <= 0.07 * first.bytes_written
    assert second.parent == "v1"
    old, now = rows(db, "v1"), rows(db, "v2")
    same = old.keys() - set(images[::300])
    assert all(old[image] == now[image] for image in same)
    assert all(old[image]["salt"] != now[image]["salt"] for image in images[::300])


def test_an_image_that_loses_its_labels_is_gone_from_the_next_version(db, campaign, sql):
    db.versions.create("v1")
    sql("DELETE FROM labels WHERE image_id = :i", i=campaign[7])
    made = db.versions.create("v2")
    assert (made.gone, made.same) == (1, 29)
    assert labels(db, "v1").keys() - labels(db, "v2").keys() == {campaign[7]}


def test_many_changes_lay_a_new_base(db, campaign, technician):
    db.versions.create("v1")
    for image in campaign[:10]:
        db.store_label(image, technician, 0.5)
    made = db.versions.create("v2")
    assert len(made.record.layers) == 1
    assert db._database.versions.present() == {
        layer["sha256"] for v in db.get_data_versions() for layer in v.layers
    }


class TestTheSameAgain:
    @pytest.mark.usefixtures("campaign")
    def test_creating_it_again_finds_it(self, db, nothing_written):
        first = db.versions.create("v1", description="Initial")
        with nothing_written():
            again = db.versions.create("v1")
        assert (again.created, again.record) == (False, first.record)

    @pytest.mark.usefixtures("campaign")
    def test_also_when_others_were_made_since(self, db):
        first = db.versions.create("v1")
        db.versions.create("narrow", specimen_ids=["S1"])
        assert db.versions.create("v1").root == first.root

    @pytest.mark.usefixtures("campaign")
    def test_the_same_data_under_another_name_have_the_same_root(self, db):
        assert db.versions.create("v1").root == db.versions.create("v2").root

    @pytest.mark.parametrize(
        "other",
        [
            {"seed": 1},
            {"label_policy": "mean"},
            {"description": "something else"},
            {"specimen_ids": ["S1"]},
            {"features": ["cnn"]},
        ],
    )
    def test_other_data_or_settings_are_a_conflict(self, db, campaign, refuses, other):
        db.versions.create("v1", features=[])
        db.store_features(campaign[:3], "cnn", np.ones((3, 4)), "1")
        refuses(
            ConflictError, "never changes", db.versions.create, "v1", **{"features": []} | other
        )


class TestWhatIsAsked:
    @pytest.fixture
    def described(self, db, campaign, sql):
        db.specimens.update("S1", material="S355", heat="H7")
        sql("UPDATE images SET quality_score = 0.9 WHERE id = :i", i=campaign[0])
        old = datetime.now(UTC) - timedelta(days=9)
        db.images.update(campaign[5], timestamp=old)
        return campaign

    @pytest.mark.parametrize(
        ("asked", "chosen", "reason"),
        [
            ({"specimen_ids": ["S0", "S9"]}, [0, 1, 2, 27, 28, 29], "of other specimens"),
            ({"material": "S355"}, [3, 4, 5], "of other materials"),
            ({"heat": "H7"}, [3, 4, 5], "of other heats"),
            ({"min_quality": 0.8}, [0], "quality too low or unknown"),
        ],
    )
    def test_images_are_narrowed_and_counted(self, db, described, asked, chosen, reason):
        made = db.versions.create("v", **asked)
        assert list(rows(db, "v")) == [described[i] for i in chosen]
        assert made.report.left_out == {reason: 30 - len(chosen)}
        assert made.record.manifest["filters"] == asked

    def test_times_narrow_too(self, db, described):
        week_ago = datetime.now(UTC) - timedelta(days=7)
        assert db.versions.create("old", until=week_ago).splits
        assert list(rows(db, "old")) == [described[5]]
        assert db.versions.create("new", since=week_ago).report.used == 29

    @pytest.mark.usefixtures("campaign")
    def test_an_empty_choice_is_refused_and_says_why(self, db, refuses):
        refuses(
            ValidationError,
            "of 30 labelled images none is left .30 of other specimens",
            db.versions.create,
            "v",
            specimen_ids=["S77"],
        )

    def test_before_anybody_has_labelled_a_version_is_empty_and_proven(self, db):
        made = db.versions.create("v1.0", description="Initial dataset")
        assert made.report.labelled_images == made.record.total_images == 0
        assert db.version_checks.verify("v1.0").findings == ()
        assert db.get_training_data(data_version="v1.0") == {"train": [], "val": [], "test": []}

    @pytest.mark.usefixtures("campaign")
    def test_a_split_may_be_empty_and_is_told(self, db):
        made = db.versions.create("v", specimen_ids=["S0"])
        assert len(made.empty_splits) == 2

    def test_wrong_arguments_are_refused_before_anything_is_read(self, db, refuses):
        refuses(ValidationError, "letters, digits", db.versions.create, "../v1")

    @pytest.mark.usefixtures("campaign")
    def test_a_dry_run_writes_nothing(self, db, nothing_written):
        with nothing_written():
            planned = db.versions.create("v1", tags=["production"], dry_run=True)
        assert (planned.new, planned.record, planned.created) == (30, None, False)
        assert db._database.versions.present() == set()


class TestFeatures:
    @pytest.fixture
    def vectors(self, db, campaign):
        db.store_features(campaign, "cnn", np.eye(30), "1")
        db.store_features(campaign[:5], "lbp", np.ones((5, 4)), "1")
        return campaign

    @pytest.mark.usefixtures("vectors")
    def test_every_set_is_held_unless_others_are_named(self, db):
        held = {f.feature_type: f.n_vectors for f in db.versions.create("all").features}
        assert held == {"cnn": 30, "lbp": 5}
        assert [f.feature_type for f in db.versions.create("one", features=["lbp"]).features] == [
            "lbp"
        ]
        assert db.versions.create("none", features=[]).features == ()

    @pytest.mark.usefixtures("vectors")
    def test_an_unknown_set_is_refused(self, db, refuses):
        refuses(UnknownRecordError, "no 'sift'", db.versions.create, "v", features=["sift"])

    def test_vectors_written_meanwhile_are_read_again(self, db, vectors, monkeypatch):
        original, calls = creating.commit, []

        def slow(work, drafted):
            if not calls:
                db.store_features(vectors[:1], "cnn", np.ones((1, 30)), "1")
            calls.append(drafted.held[0].told.digest)
            return original(work, drafted)

        monkeypatch.setattr(creating, "commit", slow)
        made = db.versions.create("v")
        assert len(calls) == 2
        assert calls[0] != calls[1] == made.features[0].digest


class TestMeanwhile:
    def test_a_label_deleted_meanwhile_does_not_come_to_life(self, db, campaign, sql, monkeypatch):
        original, calls = creating.commit, []

        def overtaken(work, drafted):
            if not calls:
                sql("DELETE FROM labels WHERE image_id = :i", i=campaign[3])
            calls.append(None)
            return original(work, drafted)

        monkeypatch.setattr(creating, "commit", overtaken)
        db.versions.create("v")
        assert campaign[3] not in rows(db, "v")
        assert len(calls) == 2

    @pytest.mark.usefixtures("campaign")
    def test_it_gives_up_when_that_never_ends(self, db, monkeypatch, refuses):
        monkeypatch.setattr(version_writes, "all_there", lambda *_: False)
        refuses(ConflictError, "overtaken", db.versions.create, "v")
        assert db._database.versions.present() == set()

    def test_technicians_go_on_while_rows_are_read(self, db, campaign, technician):
        def label_on(doing, _done, _total):
            if doing == "reading images" and not stored:
                worker = threading.Thread(
                    target=lambda: stored.append(db.store_label(campaign[0], technician, 0.77))
                )
                worker.start()
                worker.join(20)

        stored = []
        db.versions.create("v", progress=label_on)
        assert stored
        assert labels(db, "v")[campaign[0]] == 0.0


def test_labels_of_restricted_people_are_set_aside_and_counted(db, campaign, technician):
    other = db.register_technician("tech_002", "Al")
    db.store_label(campaign[0], other, 0.9)
    db.holds.restrict("tech_002", "accuracy contested")
    made = db.versions.create("v")
    assert made.report.restricted_labels == 1
    assert rows(db, "v")[campaign[0]]["technician_ids"] == [technician]


def test_a_database_in_memory_has_no_place_for_versions():
    with DatabaseManager("sqlite:///:memory:") as db, pytest.raises(UnsupportedError):
        db.versions.create("v")
