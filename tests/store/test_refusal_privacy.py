"""What the database refuses is told without whom it was about."""

from __future__ import annotations

import traceback
from datetime import datetime

import pytest
import sqlalchemy as sa

from mlmcsc.errors import StoreError
from mlmcsc.store.models import technicians

PERSON = {"technician_id": "t1", "name": "Ada Lovelace", "email": "ada@example.org"}
SECRETS = ("Ada", "Lovelace", "ada@", "example.org")


def told(error):
    return str(error) + "".join(traceback.format_exception(error))


def refused(db, statement, values):
    store = db._database.store
    with pytest.raises(StoreError) as error, store.write(db.actor) as tx:
        tx.conn.execute(statement, values)
    return told(error.value)


def test_a_row_that_breaks_a_rule_is_not_quoted(db):
    text = refused(db, technicians.insert(), PERSON | {"total_labels": -1})
    assert "ck_technicians_total_labels_range" in text
    assert not any(secret in text for secret in SECRETS)


def test_a_row_that_is_there_already_is_not_quoted(db):
    db.register_technician(**PERSON)
    text = refused(db, technicians.insert(), PERSON)
    assert "technician" in text
    assert not any(secret in text for secret in SECRETS)


def test_a_row_written_straight_on_the_driver_is_not_quoted(db):
    store = db._database.store
    names = [*PERSON, "total_labels"]
    with pytest.raises(StoreError) as error, store.write(db.actor) as tx:
        tx.dialect.insert_rows(tx.conn, technicians, names, [[*PERSON.values(), -1]])
    assert "ck_technicians_total_labels_range" in told(error.value)
    assert not any(secret in told(error.value) for secret in SECRETS)


def test_a_value_of_the_wrong_kind_is_not_quoted(postgres_url, open_store):
    store = open_store(postgres_url)
    with pytest.raises(StoreError, match="invalid input syntax") as error, store.read() as view:
        view.conn.execute(sa.text("SELECT CAST(:who AS integer)"), {"who": 'Ada "L" Lovelace'})
    assert not any(secret in told(error.value) for secret in SECRETS)


def test_a_value_that_cannot_be_bound_is_not_quoted(db):
    naive = datetime(1815, 12, 10)  # noqa: DTZ001  # that is the mistake
    text = refused(db, technicians.insert(), PERSON | {"last_active": naive})
    assert "ValueError" in text
    assert "1815" not in text
    assert not any(secret in text for secret in SECRETS)
