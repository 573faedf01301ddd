"""A ledger that is missing, cut or changed is never taken for one in which all is done."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mlmcsc.errors import IntegrityError

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def erased(db):
    """The ledger's path, after two erasures."""
    for name in ("jo", "eva"):
        db.register_technician(name, f"{name} Lund")
        db.delete_user_data(name)
    return db._database.ledger.path


HARMS = {
    "missing": lambda path: path.rename(path.with_name("elsewhere")),
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes().splitlines(keepends=True)[0]),
    "changed": lambda path: path.write_text(path.read_text().replace("keep", "delete")),
}


@pytest.mark.parametrize("harm", HARMS)
def test_replay_refuses_and_the_report_tells(db, erased, harm):
    assert db.generate_privacy_report().is_fine
    HARMS[harm](erased)
    with pytest.raises(IntegrityError, match="erasure ledger"):
        db.erasure.replay()
    report = db.generate_privacy_report()
    assert not report.is_fine
    assert report.unreplayed is None
    assert str(erased) in report.ledger_problem
    assert report.to_do == (report.ledger_problem,)


def test_a_ledger_that_knows_more_than_a_restored_database_is_whole(db, erased, sql):
    sql("DELETE FROM erasures")
    assert db.erasure.unreplayed() == []


def test_reading_it_asks_as_little_of_the_database_for_two_as_for_one(db, erased):
    asked = []
    sa.event.listen(sa.Engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    counts = []
    for name in (None, "ida", "ole"):
        if name is not None:
            db.register_technician(name, f"{name} Berg")
            db.delete_user_data(name)
        asked.clear()
        assert db.erasure.unreplayed() == []
        counts.append(len(asked))
    assert len(set(counts)) == 1
