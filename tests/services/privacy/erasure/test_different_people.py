"""Whom an erasure does not mean: people who are merely called alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlmcsc import Actor
from mlmcsc.errors import AmbiguousError, ConflictError, UnknownRecordError
from mlmcsc.store.models import accounts
from mlmcsc.store.queries import persons

pytestmark = pytest.mark.sqlite_tells

EVERY = ("0002", "\N{FULLWIDTH DIGIT TWO}", "\N{ARABIC-INDIC DIGIT TWO}", " 2", "2")
"""Spellings of a row id, and of staff numbers that nobody has."""


@pytest.fixture
def login(db):
    """Gives an account, linked with a technician or not."""

    def add(name, technician=None):
        with db._database.store.write(db.actor) as tx:
            values = {"username": name, "role": "labeller", "technician_id": technician}
            tx.conn.execute(accounts.insert().values(created_at=tx.now, **values))

    return add


def living(sql):
    return {name for (name,) in sql("SELECT identifier FROM subjects WHERE erased_at IS NULL")}


def staff(sql):
    return [name for (name,) in sql("SELECT technician_id FROM technicians ORDER BY id")]


def asked_by_every_command(db, wanted):
    """Who each command takes for the person; nobody where it knows none."""
    acts = (
        lambda: db.export_user_data(wanted),
        lambda: db.holds.hold(wanted, ground="g"),
        lambda: db.holds.restrict(wanted, "g"),
        lambda: db.requests.add(wanted, "access"),
        lambda: db.delete_user_data(wanted, dry_run=True),
    )
    for act in acts:
        try:
            act()
        except UnknownRecordError:
            yield False
        else:
            yield True
        for each in db.holds.list():
            db.holds.release(reason="next", hold_id=each.id, person=each.subject_id)


def test_the_same_erasure_again_takes_nobody_else(db, sql):
    for number in ("100", "3", "777"):
        db.register_technician(number, f"Person {number}")
    db.delete_user_data("3")
    with pytest.raises(UnknownRecordError, match="nothing was done"):
        db.delete_user_data("3")
    assert [staff(sql)[0], staff(sql)[2]] == ["100", "777"]


@pytest.mark.parametrize("wanted", EVERY)
def test_text_is_never_a_row_id(db, wanted):
    db.register_technician("ann", "Ann A")
    db.register_technician("bob", "Bob B")
    assert set(asked_by_every_command(db, wanted)) == {False}
    with db._database.store.read() as view:
        assert persons.resolve(view, 2).called == "bob"


@pytest.mark.parametrize("wanted", ["ann", "ANN", "Ann A", "ann a", "Ann  A", " ann", "a@x", "al"])
def test_every_command_takes_the_same_names(db, login, wanted):
    row = db.register_technician("ann", "Ann A", email="a@x")
    login("al", row)
    assert set(asked_by_every_command(db, wanted)) == {True}


def test_a_login_that_never_acted_is_known_by_its_account(db, login):
    login("newcomer")
    assert set(asked_by_every_command(db, "newcomer")) == {True}


@pytest.mark.parametrize(("number", "name"), [("ROOT", "Ruth Oot"), ("m1", "root"), ("m1", "Root")])
def test_a_login_is_not_the_technician_who_is_called_alike(db, sql, number, name):
    root = db.acting_as(replace(db.actor, subject="root"))
    db.register_technician(number, name)
    root.register_specimen("S1", notes="root broke it")
    db.delete_user_data(number)
    assert "root" in living(sql)
    assert root.audit.list(actor="root").items
    assert db.specimens.get("S1").notes == "root broke it"


def test_staff_numbers_that_differ_in_case_are_two_people(db, sql, login, images_of):
    first, second = (db.register_technician(each, f"Dr {each}") for each in ("T1", "t1"))
    login("t1", second)
    label = db.store_label(images_of(1)[0], first, 0.5)
    db.verify_label(label, "t1")
    planned = db.delete_user_data("T1", dry_run=True)
    assert any('"T1"' in line and "T1 or t1" in line for line in planned.not_reached)
    done = db.delete_user_data("T1")
    assert any("could be somebody else's" in line for line in done.certificate["not_reached"])
    assert staff(sql)[1] == "t1"
    assert sql("SELECT verified_by FROM labels") == [("t1",)]
    assert sql("SELECT username FROM accounts") == [("t1",)]


def test_a_display_name_does_not_take_anothers_staff_number(db, sql, login, images_of):
    chief = db.register_technician("chief", "Chief Person")
    login("chief", chief)
    other = db.register_technician("d4", "chief")
    db.verify_label(db.store_label(images_of(1)[0], other, 0.5), "chief")
    db.delete_user_data("d4")
    assert staff(sql)[0] == "chief"
    assert sql("SELECT verified_by FROM labels") == [("chief",)]
    assert sql("SELECT username FROM accounts") == [("chief",)]


def test_what_namesakes_wrote_is_left_and_told(db, sql, images_of):
    for number in ("m1", "m2"):
        db.register_technician(number, "Maria Garcia")
    tom = db.register_technician("tom", "Tom Lund")
    note = "Maria Garcia (m2) repeated it"
    label = db.store_label(images_of(1)[0], tom, 0.5, notes=note)
    db.verify_label(label, "Maria Garcia")
    planned = db.delete_user_data("m1", dry_run=True)
    done = db.delete_user_data("m1")
    for report in (planned, done):
        (told,) = [line for line in report.not_reached if "Maria Garcia" in line]
        assert "labels.verified_by" in told
        assert "could be m1 or m2: left" in told
    assert "Maria Garcia" not in str(done.certificate)
    assert sql("SELECT verified_by FROM labels") == [("Maria Garcia",)]
    assert db.labels.get(label).notes == note
    with pytest.raises(UnknownRecordError):
        db.delete_user_data("m1")


def test_a_name_in_another_case_is_theirs_where_nobody_else_bears_it(db, sql, images_of):
    db.register_technician("anna", "Anna Berg")
    tom = db.register_technician("tom", "Tom Lund")
    for number, name in enumerate(("ANNA BERG", "Anna  Berg")):
        db.verify_label(db.store_label(images_of(2)[number], tom, 0.5), name)
    db.delete_user_data("anna")
    assert all(name.startswith("erased-") for (name,) in sql("SELECT verified_by FROM labels"))
    assert living(sql) & {"ANNA BERG", "Anna  Berg"} == set()


def test_a_name_of_a_technician_and_a_login_in_another_case_is_refused(db):
    db.register_technician("ROOT", "Ruth Oot")
    db.acting_as(Actor("root", db.actor.permissions)).register_specimen("S1")
    with pytest.raises(AmbiguousError, match="ROOT, root"):
        db.delete_user_data("Root")


@pytest.mark.parametrize("kind", ["access", "erasure"])
def test_an_erasure_answers_no_request_but_an_open_one_of_the_person(db, sql, kind):
    for number in ("anna", "tom"):
        db.register_technician(number, f"Dr {number}")
    other = db.requests.add("tom", "erasure").id
    own = db.requests.add("anna", kind).id
    refused = [other] if kind == "erasure" else [other, own]
    for number in refused:
        with pytest.raises(ConflictError, match="no open request of this person for erasure"):
            db.delete_user_data("anna", request_id=number)
    assert staff(sql) == ["anna", "tom"]
    if kind == "erasure":
        assert db.delete_user_data("anna", request_id=own).request_id == own
        assert [each.id for each in db.requests.list()] == [other]
