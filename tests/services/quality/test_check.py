"""The check of quality: what it says of a small laboratory, and what it asks to look at."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.domain.splits import Split
from mlmcsc.services.quality import files

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def laboratory(db, images_of, technician, sql):
    """Ten images without files, of which five are labelled blind and one assisted."""
    ids = images_of(10, quality_score=0.9)
    other = db.register_technician("tech_002", "Al Berg")
    for image_id in ids[:8]:
        db.store_prediction(image_id, 1, 0.5, 0.8)
    for image_id in ids[:5]:
        db.store_label(image_id, technician, 0.52)
    db.store_label(
        ids[5], technician, 0.5, label_type="confirmed", original_prediction=0.5,
        original_confidence=0.8,
    )  # fmt: skip
    db.store_label(ids[0], other, 0.9)
    db.images.update_quality(ids[6], 0.1)
    db.images.update_quality(ids[7], 0.2, is_valid=False)
    sql("UPDATE images SET quality_score = NULL WHERE id = :i", i=ids[8])
    return ids


def found(report):
    return {finding.kind: finding for finding in report.findings}


def test_the_report_has_the_documented_figures(db, laboratory):
    told = db.check_data_quality().to_dict()
    json.dumps(told, allow_nan=False)
    assert (told["total_images"], told["valid_images"]) == (10, 9)
    assert (told["total_labels"], told["total_predictions"]) == (7, 8)
    assert told["average_quality_score"] == pytest.approx((7 * 0.9 + 0.1 + 0.2) / 9)
    assert told["quality_score_distribution"]["below"] == 2
    assert told["data_completeness"] == pytest.approx(
        {
            "specimen_id": 0,
            "magnification": 0,
            "pixel_size_um": 0,
            "quality_score": 0.9,
            "label": 0.6,
            "prediction": 0.8,
        }
    )
    assert told["labels_per_image"] == {"0": 4, "1": 5, "2": 1, "3+": 0}
    assert told["label_verification_rate"] == 0.0
    (model,) = told["prediction_accuracy"]
    assert model["version"] == "unversioned"
    assert (model["overall"]["n"], model["independent"]["n"]) == (6, 5)
    assert model["assisted"]["mae"] == 0.0
    assert model["independent"]["mae"] == pytest.approx((0.4 + 4 * 0.02) / 5)


def test_findings_say_which_how_many_and_what_to_run(db, laboratory):
    report = db.quality.check()
    kinds = found(report)
    assert not report.ok
    assert kinds["not_labelled"].command == "mlmcsc images list --unlabelled"
    assert kinds["low_quality"].ids == (laboratory[6],)  # the other one is not to be used anyway
    assert kinds["not_scored"].ids == (laboratory[8],)
    assert kinds["not_labelled"].ids == tuple(laboratory[6:])
    assert kinds["disagreeing_labels"].ids == (laboratory[0],)
    assert kinds["missing_files"].count == 10
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


def test_an_empty_database_has_no_findings_and_no_invented_numbers(db):
    report = db.quality.check()
    assert report.ok
    assert report.findings == ()
    assert report.scores.mean is None
    assert report.verification.rate is None
    assert report.models == ()


def test_files_that_are_there_are_not_missed(db, draw):
    db.images.ingest(draw("a.png").parent)
    assert "missing_files" not in found(db.quality.check())


def test_of_many_images_a_random_sample_is_looked_for_and_the_bound_says_so(
    db, images_of, monkeypatch
):
    monkeypatch.setattr(files, "SAMPLE", 20)
    images_of(60)
    looked = db.quality.check(seed=4).files
    assert (looked.looked_at, looked.missing, looked.upper) == (20, 20, 1.0)
    again = db.quality.check(seed=4).files
    other = db.quality.check(seed=5).files
    assert looked.ids == again.ids != other.ids
    assert "random sample" in found(db.quality.check())["missing_files"].message
    everything = db.quality.check(all_files=True).files
    assert (everything.looked_at, everything.seed) == (60, None)


def test_look_alikes_count_while_both_are_in_use(db, images_of, sql):
    first, second = images_of(2)
    sql("INSERT INTO near_duplicates VALUES (:b, :a, 3)", a=first, b=second)
    assert db.quality.check().duplicate_pairs == 1
    db.images.update_quality(first, 0.5, is_valid=False)
    assert db.quality.check().duplicate_pairs == 0


@pytest.fixture
def on_disk(sqlite_url):
    """A database with a file, beside which versions are kept."""
    with DatabaseManager(sqlite_url) as opened:
        yield opened


def test_a_model_is_judged_by_images_that_it_was_not_trained_on(on_disk, draw):
    """Exact where it was trained, 0.2 off elsewhere: 0.2 is what is told of it."""
    db, folder = on_disk, draw("0.png", seed=0).parent
    technician = db.register_technician("tech_001", "Jo Lund")
    for seed in range(1, 12):
        draw(f"{seed}.png", seed=seed)
    db.images.ingest(folder)
    ids = [image.id for image in db.images.list().items]
    for image_id in ids:
        db.store_label(image_id, technician, 0.5)
    db.versions.create("v1")
    _, _, frozen = db.datasets.rows("v1")
    trained = set(frozen.image_ids[frozen.splits == Split.TRAIN].tolist())
    assert 0 < len(trained) < len(ids)
    model = db.models.register("net-1", "net", "/m", training_data_version="v1")
    for image_id in ids:
        db.store_prediction(image_id, model, 0.5 if image_id in trained else 0.7, 0.9)
        db.store_prediction(image_id, 1, 0.6, 0.9)
    unversioned, net = db.quality.check().models
    assert (unversioned.told_of, list(unversioned.splits)) == ("not_known", ["not_known"])
    assert net.told_of == "held_out"
    assert net.told.overall.mae == pytest.approx(0.2)
    assert net.splits["trained_on"].overall.n == len(trained)
    assert net.splits["trained_on"].overall.mae == 0.0


def test_sums_made_under_other_training_data_are_made_anew(db, laboratory, sql):
    assert db.quality.check().models[0].told_of == "not_known"
    assert db.quality.check().summed_chunks == 0
    quality = db.quality
    known = replace(quality, trained_on=lambda _: np.array(laboratory[:2]))
    sql(
        "INSERT INTO data_versions (version, name, root, created_at, n_redacted)"
        " VALUES ('d1', 'd', :root, '2020-01-01 00:00:00', 0)",
        root="ab" * 32,
    )
    sql("UPDATE model_versions SET training_data_version = 'd1' WHERE id = 1")
    (model,) = known.check().models
    assert {name: each.overall.n for name, each in model.splits.items()} == {
        "held_out": 4,
        "trained_on": 2,
    }


def test_training_data_that_cannot_be_read_are_not_known_and_asked_for_again(db, laboratory, sql):
    sql(
        "INSERT INTO data_versions (version, name, root, created_at, n_redacted)"
        " VALUES ('d1', 'd', :root, '2020-01-01 00:00:00', 0)",
        root="ab" * 32,
    )
    sql("UPDATE model_versions SET training_data_version = 'd1' WHERE id = 1")
    damaged = replace(db.quality, trained_on=lambda _: None)
    assert damaged.check().models[0].told_of == "not_known"
    mended = replace(db.quality, trained_on=lambda _: np.array(laboratory))
    assert mended.check().models[0].told_of == "trained_on"


def test_a_count_that_no_row_bears_out_is_no_finding_and_no_crash(db, laboratory, sql):
    db.quality.check()
    (kept,) = sql("SELECT sums FROM quality_aggregates WHERE chunk = 0")
    sums = json.loads(kept[0]) if isinstance(kept[0], str) else kept[0]
    sums["sums"]["counts"]["unlabelled"] = 19
    sql("UPDATE quality_aggregates SET sums = :s WHERE chunk = 0", s=json.dumps(sums))
    sql("UPDATE images SET pixel_size_um = 1")
    sql("DELETE FROM quality_marks")
    kinds = found(db.quality.check())
    assert "no_pixel_size" not in kinds
    assert kinds["not_labelled"].count == 4


def test_what_a_restricted_person_labelled_is_labelled(db, laboratory, technician):
    db.holds.restrict("tech_001", ground="accuracy contested")
    report = db.quality.check()
    assert found(report)["not_labelled"].count == 4
    assert report.completeness["label"] == 0.6


def test_a_confidence_between_the_thousandths_is_below_no_lower_threshold(db, laboratory):
    db.store_prediction(laboratory[0], 1, 0.5, 0.7004)
    limits = replace(db.quality.limits, flag_threshold=0.7002)
    assert "low_confidence" not in found(replace(db.quality, limits=limits).check())
    limits = replace(limits, flag_threshold=0.7006)
    assert found(replace(db.quality, limits=limits).check())["low_confidence"].count == 1


def test_a_consensus_is_nobodys_label(db, laboratory):
    before = db.quality.check()
    db.consensus.create()
    after = db.quality.check()
    assert after.counts["labels"] == before.counts["labels"] + 1
    assert after.labels_per_image == before.labels_per_image
    assert after.verification == before.verification
    assert found(after)["not_verified"] == found(before)["not_verified"]


def test_a_consensus_of_people_who_saw_a_prediction_is_not_independent(db, laboratory, technician):
    """On the sixth image, whose only label was made in sight of the prediction."""
    note = {"consensus": {"assisted": True}}
    db.store_label(laboratory[5], technician, 0.5, label_type="consensus", annotation_data=note)
    (model,) = db.quality.check().models
    assert model.told.independent.n == 5
    assert model.told.by_basis["assisted"].n == 1


def test_labels_made_in_sight_of_a_prediction_do_not_disagree(db, laboratory, technician):
    """Only who measured unaided says something about how far people lie apart."""
    other = db.technicians.get("tech_002").id
    seen = {"original_prediction": 0.9, "original_confidence": 0.8}
    db.store_label(laboratory[1], other, 0.9, label_type="corrected", **seen)
    assert found(db.quality.check())["disagreeing_labels"].count == 1


def test_something_in_a_files_place_that_is_no_file_is_told(db, draw, tmp_path):
    for name in ("empty", "folder"):
        db.images.add(draw(f"{name}.png", seed=len(name)))
    (draw("empty.png", seed=5)).write_bytes(b"")
    folder = draw("folder.png", seed=6)
    folder.unlink()
    folder.mkdir()
    told = found(db.quality.check())
    assert "missing_files" not in told
    assert told["unusable_files"].count == 2


def test_what_cannot_be_measured_is_not_sent_to_be_measured_again(db, draw, laboratory):
    assert found(db.quality.check())["not_scored"].repair == "mlmcsc quality update-scores"
    db.images.add(draw("a.png"))  # one is there, so the disk is not away
    db.image_quality.update_scores(0.5)
    told = found(db.quality.check())
    assert told["unreadable"].command == "mlmcsc quality scores --unreadable"
    assert told["not_scored"].repair is None


def test_intervals_made_from_what_was_labelled_first_are_tried_on_what_was_labelled_later(
    db, images_of, technician
):
    """Good on the images labelled first, which were predicted every second: half of each half."""
    ids = images_of(48)
    first, later = ids[::2], ids[1::2]
    for image_id in ids:
        db.store_prediction(image_id, 1, 0.5, 0.9)
    for image_id in first:
        db.store_label(image_id, technician, 0.51)
    for image_id in later:
        db.store_label(image_id, technician, 0.9)
    report = db.quality.check()
    (model,) = report.models
    assert model.told.coverage.half_width == pytest.approx(0.01)
    assert model.told.coverage.coverage == 0.0
    assert "drifted" not in found(report)["poor_coverage"].message
