"""Closed is closed; only who opened a database closes it."""

from __future__ import annotations

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import StoreError
from mlmcsc.store import uow
from mlmcsc.store.joined import JoinedStore


def test_a_call_after_close_is_refused_and_says_what_to_do(url):
    db = DatabaseManager(url)
    store = db._database.store
    db.close()
    for call in (
        db.get_labels,
        lambda: db.register_technician("t1", "Jo"),
        lambda: store.write_schema(Actor("test")).__enter__(),
    ):
        with pytest.raises(StoreError, match=r"is closed\. Open it again"):
            call()
    db.close()
    with DatabaseManager(url) as again:
        assert len(again.technicians.list()) == 0


def test_an_actors_copy_does_not_close_the_database_of_its_owner(db):
    with db.acting_as(Actor(subject="somebody")) as bound:
        bound.register_technician("t1", "Jo")
    assert bound.technicians.list()[0].name == "Jo"
    assert db.technicians.list()[0].name == "Jo"


def test_what_is_closed_or_joined_is_not_looked_after_at_a_fork(url):
    db = DatabaseManager(url)
    store = db._database.store
    with store.write(db.actor) as tx:
        assert store in uow._OPEN
        assert JoinedStore(tx) not in uow._OPEN
    db.close()
    assert store not in uow._OPEN
