"""Drift between periods and versions: found where it was planted, read from both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc.domain.drift.periods import Period
from mlmcsc.errors import ValidationError
from mlmcsc.services.drift import Asking
from mlmcsc.store.models import metadata

PERIODS = ("2026-01-01..2026-03-31", "2026-04-01..2026-06-30")
STARTS = (datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC))
SPECIMENS, IMAGES = 30, 4


@pytest.fixture(autouse=True)
def place_for_versions(tmp_path, monkeypatch):
    """Of a server too, which has no file to keep versions beside."""
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))


@pytest.fixture
def laboratory(db):
    """Two quarters of 30 specimens with 4 images each; three people label, as `change` says."""

    def fill(cold=0.5, instrument="SEM 1", blur=0.0, harsh=0.0):
        store, rng = db._database.store, np.random.default_rng(3)
        people = [db.register_technician(f"tech_{at}", f"Person {at}") for at in (1, 2, 3)]
        tables = metadata.tables
        with store._writer.begin() as conn:
            for quarter, start in enumerate(STARTS):
                _fill_quarter(
                    conn,
                    tables,
                    rng,
                    people,
                    quarter=quarter,
                    start=start,
                    cold=cold if quarter else 0.5,
                    instrument=instrument if quarter else "SEM 1",
                    blur=blur * quarter,
                    harsh=harsh * quarter,
                )
        return people

    return fill


def _fill_quarter(conn, tables, rng, people, *, quarter, start, cold, instrument, blur, harsh):
    for at in range(SPECIMENS):
        is_cold = at < cold * SPECIMENS
        name = f"Q{quarter}-{at}"
        facts = {"material": "S355", "heat": "H1", "temperature_c": -40.0 if is_cold else 20.0}
        row = {"specimen_id": name, "created_at": start, **facts}
        conn.execute(tables["specimens"].insert(), [row])
        level = 0.3 if is_cold else 0.7
        for image in range(IMAGES):
            taken = start + timedelta(hours=at)
            key = conn.execute(
                tables["images"].insert(),
                {
                    "path": f"/lab/{name}-{image}.png",
                    "filename": "a.png",
                    "timestamp": taken,
                    "created_at": taken,
                    "specimen_id": name,
                    "instrument": instrument,
                    "magnification": 50.0,
                    "quality_score": float(np.clip(rng.normal(0.8 - blur, 0.05), 0, 1)),
                },
            ).inserted_primary_key[0]
            predicted = float(np.clip(level + rng.normal(0, 0.03), 0, 1))
            conn.execute(
                tables["predictions"].insert(),
                {
                    "image_id": key,
                    "model_version_id": 1,
                    "prediction": predicted,
                    "confidence": float(rng.uniform(0.6, 0.9)),
                    "timestamp": taken,
                },
            )
            rater = (at + image) % 3
            value = predicted + rng.normal(0, 0.02) + harsh * (rater == 1)
            conn.execute(
                tables["labels"].insert(),
                {
                    "image_id": key,
                    "technician_id": people[rater],
                    "label": float(np.clip(value, 0, 1)),
                    "label_type": "manual",
                    "timestamp": taken,
                },
            )


def names(report):
    return {f"{each.group}: {each.channel}" for each in report.drifted}


def test_where_nothing_changed_nothing_drifts(db, laboratory, nothing_written):
    laboratory()
    with nothing_written():
        report = db.drift.compare(*PERIODS)
    assert names(report) == set()
    assert report.tested >= 8
    assert (report.reference.images, report.current.labels) == (120, 120)
    told = {each.channel: each.reason for each in report.channels if each.p is None}
    assert "0 values in the reference" in told["tenengrad"]
    assert told["features"] == "no vectors are stored"
    assert report.to_dict()["drift"] is False


@pytest.mark.sqlite_tells
def test_blurred_images_and_a_new_instrument_are_found(db, laboratory):
    laboratory(blur=0.1, instrument="SEM 2")
    report = db.drift.compare(*PERIODS)
    assert names(report) == {"inputs: quality_score", "instrument: instrument and detector"}


@pytest.mark.sqlite_tells
def test_a_colder_mix_is_the_cause_of_lower_labels(db, laboratory):
    laboratory(cold=0.9)
    report = db.drift.compare(*PERIODS)
    assert "labels: all labels" in names(report)
    assert not any(name.startswith("raters") for name in names(report))
    labels, predictions = report.attributions
    assert labels.factors[0].name == "specimen mix"
    assert labels.factors[0].part.value == pytest.approx(labels.total.value, abs=0.02)
    assert labels.factors[0].part.high < 0
    assert "colder: mean -10 to -34 °C" in labels.words
    assert predictions.factors[0].part.value == pytest.approx(predictions.total.value, abs=0.02)


@pytest.mark.sqlite_tells
def test_a_rater_who_became_harsher_is_named_by_staff_number_only(db, laboratory):
    laboratory(harsh=-0.1)
    report = db.drift.compare(*PERIODS)
    by_name = {each.channel: each for each in report.channels}
    assert by_name["level of tech_2"].drifted
    assert by_name["level of tech_2"].current_mean < by_name["level of tech_2"].reference_mean
    assert not any(by_name[f"level of tech_{at}"].drifted for at in (1, 3))
    assert "Person" not in str(report.to_dict())


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE labels SET technician_id = (SELECT min(id) FROM technicians)",
        "UPDATE predictions SET timestamp = '2027-01-01 00:00:00.000000'",
    ],
    ids=["one rater", "predicted after the label"],
)
def test_nobody_is_blamed_without_comparison(db, laboratory, sql, change):
    laboratory(harsh=-0.3)
    sql(change)
    report = db.drift.compare(PERIODS[0], "2026-04-01..2026-06-30")
    levels = [each for each in report.channels if each.channel.startswith("level of")]
    assert levels
    assert all(each.p is None and each.reason for each in levels)


@pytest.mark.sqlite_tells
def test_raters_are_measured_by_one_models_predictions_on_both_sides(db, laboratory, sql):
    laboratory()
    db.register_model_version("new", "net", "/m")
    sql(
        "INSERT INTO predictions (image_id, model_version_id, prediction, confidence, timestamp) "
        "SELECT image_id, (SELECT max(id) FROM model_versions), 0.9, 0.5, timestamp "
        "FROM predictions WHERE timestamp >= '2026-04-01'"
    )  # the last prediction of each later image is of the new model, which is elsewhere
    report = db.drift.compare(*PERIODS)
    levels = [each for each in report.channels if each.channel.startswith("level of")]
    assert all(abs(each.current_mean - each.reference_mean) < 0.02 for each in levels)


def test_labels_of_restricted_people_are_left_out_and_counted(db, laboratory):
    laboratory()
    db.holds.restrict("tech_2", ground="Art. 18(1)(a): accuracy contested")
    report = db.drift.compare(*PERIODS)
    assert (report.reference.labels, report.reference.restricted) == (80, 40)
    assert "tech_2" not in str(report.to_dict())


@pytest.mark.sqlite_tells
def test_feature_vectors_are_compared(db, laboratory, sql):
    laboratory()
    images = [row[0] for row in sql("SELECT id FROM images ORDER BY id")]
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(240, 6)).astype(np.float32)
    vectors[120:] += 1
    rows = {"image_id": images, "feature_vector": list(vectors)}
    db.features.add_many(rows, feature_type="cnn", extractor_version="1")
    report = db.drift.compare(*PERIODS, asking=Asking(features="cnn"))
    assert names(report) == {"inputs: features cnn"}
    again = db.drift.compare(*PERIODS, asking=Asking(features="cnn"))
    assert again.to_dict() == report.to_dict()


@pytest.mark.sqlite_tells
def test_two_versions_are_compared_as_they_were_frozen(db, laboratory, sql):
    laboratory(cold=0.9)
    db.versions.create("both")
    sql("UPDATE labels SET label = 0.5")
    db.versions.create("flat")
    report = db.drift.compare_versions("both", "flat")
    assert "labels: all labels" in names(report)
    assert "inputs: quality_score" not in names(report)
    assert report.current.labels == 240
    assert report.notes


def test_the_last_days_are_compared_with_all_before(db, laboratory):
    laboratory()
    since_april = db._database.store.clock() - datetime(2026, 4, 1, tzinfo=UTC)
    report = db.drift.last(since_april)
    assert (report.reference.images, report.current.images) == (120, 120)


@pytest.mark.sqlite_tells
def test_wrong_input_is_refused(db, refuses):
    compare = db.drift.compare
    refuses(ValidationError, "overlap", compare, "2026-01-01..2026-04-01", PERIODS[1])
    refuses(ValidationError, "is no period", compare, "spring", PERIODS[1])
    refuses(ValidationError, "ends before", compare, "2026-04-01..2026-01-01", PERIODS[1])
    refuses(ValidationError, "alpha=2", compare, *PERIODS, asking=Asking(alpha=2))


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    ("named", "options"),
    [
        ("alpha='x'", {"alpha": "x"}),
        ("alpha=None", {"alpha": None}),
        ("seed=1.5", {"seed": 1.5}),
        ("seed='x'", {"seed": "x"}),
        ("features=''", {"features": ""}),
        ("extractor_version=5", {"extractor_version": 5}),
    ],
)
def test_wrong_options_are_named(db, refuses, named, options):
    refuses(ValidationError, named, db.drift.compare, *PERIODS, asking=Asking(**options))


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    ("named", "period"),
    [
        ("all time", Period(None, None)),
        ("with its time zone", Period(datetime(2026, 1, 1), None)),  # noqa: DTZ001  # what is refused
        ("'a'", Period("a", "b")),
        ("ends before it begins", Period(STARTS[1], STARTS[0])),
        ("not within the years", "0001-01-01T00:00+05:00..2026-01-01"),
    ],
)
def test_wrong_periods_are_named(db, refuses, named, period):
    refuses(ValidationError, named, db.drift.compare, period, PERIODS[1])


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("age", ["30d", 5, None, timedelta(0), timedelta(days=999_999)])
def test_wrong_ages_are_named(db, refuses, age):
    refuses(ValidationError, "age=", db.drift.last, age)


@pytest.mark.sqlite_tells
def test_a_value_beyond_all_measure_is_told_of_and_json_stays_json(db, laboratory, sql):
    laboratory()
    sql("UPDATE images SET pixel_size_um = 1e308 WHERE id = 1")
    sql("UPDATE images SET pixel_size_um = 0.5 WHERE id <> 1")
    report = db.drift.compare(*PERIODS)
    told = {each.channel: each.reason for each in report.channels}
    assert "1 values are beyond 1e+30" in told["pixel_size_um"]
    json.dumps(report.to_dict(), allow_nan=False)
