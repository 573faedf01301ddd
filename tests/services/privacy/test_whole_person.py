"""A person is one, whether called by staff number, login, written name, address or subject id."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.retention import Cause
from mlmcsc.errors import (
    AmbiguousError,
    HeldError,
    PermissionDeniedError,
    UnknownRecordError,
)
from mlmcsc.store.models import accounts, audit_logs, privacy_requests
from mlmcsc.store.queries import persons
from mlmcsc.store.queries.retention.sources import source

GROUND = "court order 12 O 345/26"
NAMES = ("tech_001", "Jane Doe", "JANE DOE", "jane@lab.example", "jdoe")


@pytest.fixture
def jane(db, draw):
    """A technician who verifies by her name, and works under a login of her own."""
    row = db.register_technician("tech_001", "Jane Doe", email="jane@lab.example")
    other = db.register_technician("tech_002", "Al Roe")
    image = db.store_image(draw("one.png"))
    db.store_label(image, row, 0.5, notes="JANE-NOTE")
    theirs = db.store_label(image, other, 0.6, notes="AL-NOTE")
    db.verify_label(theirs, "Jane Doe")
    with db._database.store.write(db.actor) as tx:
        values = {"username": "jdoe", "role": "labeller", "technician_id": row}
        tx.conn.execute(accounts.insert().values(created_at=tx.now, **values))
    db.acting_as(Actor("jdoe")).register_specimen("S9")
    return row


def resolved(db, wanted):
    with db._database.store.read() as view:
        return persons.resolve(view, wanted)


def reader(db, login, *further):
    return db.acting_as(Actor(login, frozenset({Permission.READ, *further})))


def subject_id_of(db, identifier):
    query = "SELECT subject_id FROM subjects WHERE identifier = :name"
    with db._database.store.read() as view:
        return view.conn.scalar(sa.text(query), {"name": identifier})


# Who is meant


def test_every_name_and_number_means_the_same_person(db, jane):
    person = resolved(db, "tech_001")
    assert person.technician_row == jane
    assert {"tech_001", "Jane Doe", "jane@lab.example", "jdoe"} <= set(person.identifiers)
    own = {subject_id_of(db, name) for name in ("tech_001", "Jane Doe", "jdoe")}
    assert set(person.subject_ids) == own
    for wanted in (*NAMES, jane, *own):
        found = resolved(db, wanted)
        assert set(found.subject_ids) == own
        assert (found.called, found.subject_id) == ("tech_001", person.subject_id)


def test_a_name_that_two_technicians_bear_is_refused_with_their_numbers(db, jane):
    db.register_technician("tech_003", "Jane Doe")
    for act in (
        lambda: db.holds.hold("Jane Doe", ground=GROUND),
        lambda: db.holds.restrict("Jane Doe", GROUND),
        lambda: db.requests.add("Jane Doe", "access"),
        lambda: db.export_user_data("Jane Doe"),
        lambda: db.delete_user_data("Jane Doe"),
    ):
        with pytest.raises(AmbiguousError, match="tech_001, tech_003"):
            act()
    assert resolved(db, "tech_003").called == "tech_003"


def test_a_number_that_is_nobodys_is_unknown(db, jane):
    for wanted in (
        0,
        -1,
        2**63,
        10**30,
        str(10**30),
        str(jane),
        "\N{FULLWIDTH DIGIT ONE}",
        "0001",
        "nobody",
    ):
        assert resolved(db, wanted) is None


# Holds and restrictions reach the whole person


@pytest.fixture
def long_ago(sql, jane):
    """Every label is beyond its period."""
    sql("UPDATE labels SET timestamp = '2001-01-01 00:00:00'")


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("name", NAMES)
def test_a_hold_by_any_name_keeps_the_technicians_labels(db, jane, long_ago, name):
    held = db.holds.hold(name, ground=GROUND)
    assert held.person == "tech_001"
    (planned,) = db.retention.plan(["labels"]).types
    assert planned.held == 2  # what else is of the image stays with the person's label
    db.retention.apply(["labels"])
    assert len(db.get_labels()) == 2


def test_a_hold_on_a_written_name_reaches_the_technician_who_bears_it_later(db, draw, sql):
    image = db.store_image(draw("one.png"))
    al = db.register_technician("tech_002", "Al Roe")
    db.verify_label(db.store_label(image, al, 0.5), "Jane Doe")
    placed = db.holds.hold("Jane Doe", ground=GROUND)
    assert placed.person == "Jane Doe"
    row = db.register_technician("tech_001", "Jane Doe")
    db.store_label(image, row, 0.5)
    sql("UPDATE labels SET timestamp = '2001-01-01 00:00:00'")
    db.retention.apply(["labels"])
    assert [label.technician_id for label in db.get_labels()] == [al, row]
    assert db.holds.list("tech_001") == (placed,)
    for name in ("tech_001", "Jane Doe"):
        with pytest.raises(HeldError):
            db.delete_user_data(name)
    db.holds.release("tech_001", reason="settled")
    assert db.holds.list("Jane Doe") == ()


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("name", NAMES)
def test_a_hold_on_the_technician_is_seen_under_every_name(db, jane, name):
    placed = db.holds.hold("tech_001", ground=GROUND)
    assert db.holds.list(name) == (placed,)
    assert db.holds.hold(name, ground=GROUND) == placed
    for wanted in (name, subject_id_of(db, "Jane Doe"), subject_id_of(db, "jdoe")):
        with pytest.raises(HeldError, match=GROUND):
            db.delete_user_data(wanted)
    assert db.holds.release(name, reason="settled").id == placed.id


def test_a_colleague_held_under_a_written_name_keeps_the_labels_of_the_same_image(db, draw):
    image = db.store_image(draw("one.png"))
    al = db.register_technician("tech_002", "Al Roe")
    db.verify_label(db.store_label(image, al, 0.5), "Jane Doe")
    db.holds.hold("Jane Doe", ground=GROUND)
    db.store_label(image, db.register_technician("tech_001", "Jane Doe"), 0.5)
    with pytest.raises(HeldError, match=GROUND):
        db.delete_user_data("tech_002", labels="delete", dry_run=True)
    assert db.delete_user_data("tech_002", dry_run=True).dry_run


def test_events_under_a_login_of_a_held_person_stay(db, jane):
    db.holds.hold("tech_001", ground=GROUND)
    with db._database.store.read() as view:
        held = source(view, "audit", {}).holds[Cause.PERSON]
        found = set(view.conn.scalars(sa.select(audit_logs.c.user_id).where(held)))
    assert "jdoe" in found


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("name", NAMES)
def test_a_restriction_by_any_name_keeps_the_labels_out_of_use(db, jane, name):
    db.holds.restrict(name, GROUND)
    with pytest.raises(HeldError, match="restricted"):
        db.store_label(1, jane, 0.7)
    assert db.get_training_data().report.restricted_labels == 1


# Own data


def test_a_restricted_person_sees_their_own_notes_whatever_else_they_may_read(db, jane):
    db.holds.restrict("tech_001", GROUND)
    for login in ("tech_001", "jdoe"):
        for more in ((), (Permission.READ_PERSONAL,)):
            assert reader(db, login, *more).labels.get(1).notes == "JANE-NOTE"
    assert reader(db, "tech_002", Permission.READ_PERSONAL).labels.get(1).notes == "[withheld]"


def test_a_restriction_on_a_written_name_hides_the_technician_who_bears_it_later(db, draw):
    image = db.store_image(draw("one.png"))
    al = db.register_technician("tech_002", "Al Roe")
    db.verify_label(db.store_label(image, al, 0.5), "Jane Doe")
    db.holds.restrict("Jane Doe", GROUND)
    assert db.register_technician("tech_001", "Jane Doe") != al
    names = {
        t.technician_id: t.name
        for t in reader(db, "x", Permission.READ_PERSONAL).technicians.list()
    }
    assert names == {"tech_001": "[withheld]", "tech_002": "Al Roe"}


def test_a_login_that_merely_equals_a_technicians_name_is_not_the_technician(db, jane):
    stranger = reader(db, "Jane Doe")
    assert stranger.labels.get(1).notes == "[withheld]"
    with pytest.raises(PermissionDeniedError):
        stranger.export_user_data("tech_001")


# Copies and requests


def test_a_copy_holds_what_was_done_under_every_name(db, jane):
    copy = db.export_user_data("tech_001")
    assert copy["counts"]["verifications"] == 1
    planned = db.delete_user_data("tech_001", dry_run=True)
    (place,) = [f for f in planned.fields if (f.table, f.column) == ("labels", "verified_by")]
    assert place.count == 1
    for name in NAMES[1:]:
        assert db.export_user_data(name)["parts"]["labels"] == copy["parts"]["labels"]


def test_one_may_take_ones_own_copy_by_a_linked_login(db, jane):
    own = db.acting_as(Actor("jdoe", db.actor.permissions - {Permission.PRIVACY}))
    assert own.export_user_data("tech_001")["counts"]["labels"] == 1
    with pytest.raises(PermissionDeniedError):
        own.export_user_data("tech_002")


def test_a_copy_in_memory_leaves_an_event_without_a_name(db, jane, audit):
    before = len(audit())
    db.export_user_data("jdoe")
    (event,) = audit()[before:]
    assert (event.operation, event.table_name) == ("EXPORT", "subjects")
    assert event.new_values["subject_id"] == subject_id_of(db, "tech_001")
    assert not [name for name in NAMES if name in str(event.new_values)]


def test_a_request_under_another_login_is_answered_by_the_erasure(db, own_keys, jane):
    with db._database.store.write(db.actor) as tx:
        alias = tx.vault.person(tx, "jdoe")
    filed = [db.requests.add("tech_001", "erasure"), db.requests.add("jdoe", "erasure")]
    with db._database.store.write(db.actor) as tx:  # as one filed before the login was linked
        second = privacy_requests.c.id == filed[1].id
        tx.conn.execute(privacy_requests.update().where(second).values(subject_id=alias))
    assert len(db.requests.list("Jane Doe")) == 2
    db.delete_user_data("tech_001")
    assert db.requests.list() == ()


def test_who_was_erased_may_still_ask(db, own_keys, jane):
    subject_id = db.delete_user_data("Jane Doe").subject_id
    assert resolved(db, subject_id).is_erased
    assert db.requests.add(subject_id, "access").subject_id == subject_id
    assert db.requests.list(subject_id) != ()
    with pytest.raises(UnknownRecordError):
        db.requests.list("jdoe")


# The trail


def test_events_are_found_by_any_name_that_the_auditor_may_see(db, jane):
    (event,) = db.audit.list(actor="jdoe").items
    for name in ("tech_001", "Jane Doe", "jane@lab.example"):
        assert [e.id for e in db.audit.list(actor=name).items] == [event.id]
    few = db.actor.permissions - {Permission.READ_PERSONAL, Permission.PRIVACY}
    blind = db.acting_as(replace(db.actor, permissions=few))
    assert [e.id for e in blind.audit.list(actor="tech_001").items] == [event.id]
    assert blind.audit.list(actor="jane@lab.example").items == ()
    assert db.audit.history("technician", "Jane Doe").record_id == jane
