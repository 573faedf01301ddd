"""The report counts, and says what to do."""

from __future__ import annotations

from datetime import date

import pytest

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import PermissionDeniedError

pytestmark = pytest.mark.sqlite_tells


def test_an_orderly_database_needs_nothing(db, staffed):
    report = db.generate_privacy_report()
    assert report.is_fine
    assert report.people.technicians == 2
    assert report.people.known == 4  # and the verifier, and whoever runs this
    assert report.in_clear == {}
    assert report.untagged == ()
    assert report.keys.older == 0
    assert report.audit.events > 0


def test_an_overdue_request_is_told_with_its_number(db, staffed):
    request = db.requests.add("tech_001", "access", date(2026, 1, 5))
    report = db.generate_privacy_report()
    assert report.requests.overdue_ids == (request.id,)
    assert not report.is_fine
    assert f"request(s) {request.id} are overdue" in report.to_do[0]
    db.requests.close(request.id, "late")
    assert db.generate_privacy_report().requests.answered_late == 1


def test_text_in_clear_is_told_with_the_repair(db, staffed, sql):
    sql("UPDATE labels SET notes = 'raw' WHERE id = 1")
    assert "privacy seal" in db.generate_privacy_report().to_do[0]
    db.sealing.seal()
    assert db.generate_privacy_report().is_fine


def test_an_interrupted_erasure_is_told(db, staffed, sql):
    sql(
        "INSERT INTO erasures (subject_id, labels, ground, steps, started_at) "
        "VALUES ('p0', 'keep', 'x', '[]', '2026-01-01 00:00:00')"
    )
    report = db.generate_privacy_report()
    assert report.erasures_unfinished == 1
    assert "delete-user-data" in report.to_do[0]


def test_holds_exports_and_retention_are_counted_but_need_no_action(db, staffed, sql, tmp_path):
    db.holds.hold("tech_001", ground="claim")
    db.holds.restrict("tech_002", "contested")
    db.exchange.export_file("labels", tmp_path / "labels.csv")
    sql("UPDATE labels SET timestamp = '2015-01-01 00:00:00'")
    report = db.generate_privacy_report()
    assert (report.people.held, report.people.restricted, report.exports) == (1, 1, 1)
    assert report.retention_held["labels"] >= 1
    assert report.is_fine


def test_a_lost_key_is_told_without_an_error(db, staffed, url, monkeypatch):
    from mlmcsc import DatabaseManager

    monkeypatch.setenv("MLMCSC_KEY", "A" * 43 + "=")
    with DatabaseManager(url) as again:
        report = again.generate_privacy_report()
    assert report.keys.missing
    assert "put it back" in report.to_do[0]


def test_it_is_plain_data(db, staffed):
    from mlmcsc.cli.output import as_json

    assert '"is_fine":true' in as_json(db.generate_privacy_report())


def test_it_needs_the_right_privacy(db, staffed):
    others = frozenset(Permission) - {Permission.PRIVACY}
    other = db.acting_as(Actor("other", others))
    for call in (other.generate_privacy_report, other.sealing.clear, other.sealing.seal):
        with pytest.raises(PermissionDeniedError, match="'privacy'"):
            call()


def test_that_right_is_enough_for_the_whole_report(db, staffed):
    officer = db.acting_as(Actor("officer", frozenset({Permission.PRIVACY})))
    report = officer.generate_privacy_report()
    assert report.keys == db.vault_keys.state()
    assert report.retention_due == {}


def test_the_record_of_processing_needs_no_right_about_people(db):
    reader = db.acting_as(Actor("reader", frozenset({Permission.READ})))
    assert reader.privacy_report.processing_record() == db.privacy_report.processing_record()
    nobody = db.acting_as(Actor("nobody", frozenset(Permission) - {Permission.READ}))
    with pytest.raises(PermissionDeniedError, match="'read'"):
        nobody.privacy_report.processing_record()
