"""The check of quality: what it says of a small laboratory, and what it asks to look at."""

from __future__ import annotations

import json
import shlex

import click
import pytest

from mlmcsc.cli.app import mlmcsc
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
    assert kinds["low_quality"].ids == (laboratory[6],)  # the other one is not to be used anyway
    assert kinds["not_scored"].ids == (laboratory[8],)
    assert kinds["not_labelled"].ids == tuple(laboratory[6:])
    assert kinds["disagreeing_labels"].ids == (laboratory[0],)
    assert kinds["missing_files"].count == 10
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


def test_every_command_of_a_finding_is_one_that_the_program_knows(db, laboratory):
    for finding in db.quality.check().findings:
        words = shlex.split(finding.command)
        assert words.pop(0) == "mlmcsc"
        context = command = mlmcsc
        context = click.Context(mlmcsc)
        while isinstance(command, click.Group):
            name = words.pop(0)
            command = command.get_command(context, name)
            assert command is not None, finding.command
        command.make_context(name, words, parent=context)


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
