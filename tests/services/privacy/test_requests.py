"""What people ask for is entered, answered in time, and told truthfully."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import (
    ConflictError,
    PermissionDeniedError,
    UnknownRecordError,
    ValidationError,
)
from mlmcsc.store.queries.privacy_requests import close_for

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def today():
    return datetime.now(UTC).date()


@pytest.fixture
def john(db):
    return db.register_technician("tech_001", "John Doe")


def test_a_request_is_due_one_month_after_receipt(db, john):
    request = db.requests.add("tech_001", "erasure", date(2026, 1, 31))
    assert request.due_at == datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC)  # 28 Feb: a Saturday
    assert request.person == "tech_001"
    assert request.state == "open"


def test_without_a_day_of_receipt_it_is_today(db, john, today):
    assert db.requests.add("tech_001", "access").received_at.date() == today


@pytest.mark.parametrize("received", ["2026-01-31", 3, datetime(2026, 1, 31)])  # noqa: DTZ001
def test_a_day_of_receipt_is_a_date(db, john, refuses, received):
    refuses(ValidationError, "a date", db.requests.add, "tech_001", "access", received)


def test_no_request_comes_from_the_future(db, john, today, refuses):
    tomorrow = today + timedelta(1)
    refuses(ValidationError, "still to come", db.requests.add, "tech_001", "access", tomorrow)


def test_wrong_words_and_strangers_are_refused(db, john, refuses):
    refuses(ValidationError, "must be one of", db.requests.add, "tech_001", "delete me")
    refuses(UnknownRecordError, "not known", db.requests.add, "nobody", "access")
    refuses(UnknownRecordError, "does not exist", db.requests.close, 99, "done")
    refuses(ValidationError, "outcome", db.requests.close, 1, None)


def test_the_most_pressing_comes_first_and_answered_ones_are_left_out(db, john):
    days = [date(2026, 6, 3), date(2026, 6, 1), date(2026, 6, 2)]
    for day in days:
        db.requests.add("tech_001", "access", day)
    db.requests.close(3, "answered")
    assert [r.received_at.day for r in db.requests.list()] == [1, 3]
    assert len(db.requests.list(closed=True)) == 3
    assert len(db.requests.list("tech_001")) == 2


def test_an_answered_request_stays_answered(db, john, refuses):
    request = db.requests.add("tech_001", "access")
    closed = db.requests.close(request.id, "copy handed over")
    assert (closed.state, closed.outcome) == ("done", "copy handed over")
    assert closed.handled_by
    refuses(ConflictError, "answered", db.requests.close, request.id, "again")
    refuses(ConflictError, "answered", db.requests.extend, request.id, "late")


def test_a_refusal_is_told_as_one(db, john):
    request = db.requests.add("tech_001", "objection")
    assert db.requests.close(request.id, "no grounds", refused=True).state == "refused"


def test_a_time_limit_is_extended_once_by_two_months_with_a_reason(db, john, today, refuses):
    request = db.requests.add("tech_001", "access", today)
    extended = db.requests.extend(request.id, "many archives")
    assert extended.extended
    assert timedelta(85) < extended.due_at.date() - today < timedelta(96)
    refuses(ConflictError, "once", db.requests.extend, request.id, "more archives")
    closed = db.requests.close(request.id, "done at last")
    assert closed.outcome == "Time limit extended: many archives\ndone at last"


def test_after_the_first_month_it_is_too_late_to_extend(db, john, refuses):
    request = db.requests.add("tech_001", "access", date(2026, 1, 5))
    refuses(ConflictError, "was due", db.requests.extend, request.id, "busy")


def test_every_step_leaves_an_event(db, john, sql):
    request = db.requests.add("tech_001", "access")
    db.requests.extend(request.id, "many archives")
    db.requests.close(request.id, "done")
    events = sql(
        "SELECT operation FROM audit_logs WHERE table_name = 'privacy_requests' AND record_id = :i",
        i=request.id,
    )
    assert [name for (name,) in events] == ["REQUEST"] * 3


def test_an_erasure_closes_the_requests_for_it(db, john):
    first = db.requests.add("tech_001", "erasure")
    db.requests.add("tech_001", "access")
    with db._database.store.write(db.actor) as tx:
        closed = close_for(tx, [first.subject_id], ["erasure"], "erased")
    assert closed == (first.id,)
    assert [r.kind for r in db.requests.list()] == ["access"]


def test_a_technician_of_raw_sql_may_ask(db, sql):
    sql("INSERT INTO technicians (technician_id, name) VALUES ('raw', 'Raw Sql')")
    request = db.requests.add("raw", "access")
    assert request.person == "raw"
    assert sql("SELECT count(*) FROM subjects WHERE technician_id IS NOT NULL") == [(1,)]


def test_it_needs_the_right_privacy(db, john):
    reader = db.acting_as(Actor("reader", frozenset({Permission.READ})))
    for call in (
        reader.requests.list,
        lambda: reader.requests.add("tech_001", "access"),
        lambda: reader.requests.close(1, "x"),
        lambda: reader.requests.extend(1, "x"),
    ):
        with pytest.raises(PermissionDeniedError):
            call()


def test_to_erase_a_person_answers_their_request_for_it(db, john):
    request = db.requests.add("tech_001", "erasure")
    db.requests.add("tech_001", "access")
    db.delete_user_data("tech_001")
    (answered,) = [r for r in db.requests.list(closed=True) if r.id == request.id]
    assert (answered.state, answered.person) == ("done", None)
    assert [r.kind for r in db.requests.list(request.subject_id)] == ["access"]
