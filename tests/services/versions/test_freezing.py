"""Many images are frozen in short steps, so that technicians go on; nothing stays of a failure."""

from __future__ import annotations

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import ConflictError
from mlmcsc.services.versions import freezing

FROZEN = "SELECT count(*) FROM frozen_images"
NOTED = "SELECT count(*) FROM settings WHERE key = 'versions_freezing'"


@pytest.fixture
def db(url, tmp_path, monkeypatch):
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    monkeypatch.setattr(freezing, "STEP", 4)
    with DatabaseManager(url) as manager:
        yield manager


@pytest.fixture
def campaign(db, images_of, technician):
    """Ten labelled images."""
    images = images_of(10, "S1")
    db.store_labels(image_id=images, label=[0.5] * 10, technician_id=technician)
    return images


class _KilledError(BaseException):
    """Nothing catches it, as nothing catches a process that ends."""


@pytest.mark.usefixtures("campaign")
def test_every_step_is_told_and_the_last_is_the_versions_own(db, sql, audit):
    db.versions.create("v1")
    told = [(e.operation, e.table_name) for e in audit()][-3:]
    assert told == [("CREATE", "frozen_images")] * 2 + [("CREATE", "data_versions")]
    assert (sql(FROZEN), sql(NOTED)) == ([(10,)], [(0,)])


@pytest.mark.usefixtures("campaign")
def test_what_was_frozen_is_released_when_no_version_comes(db, sql, monkeypatch):
    def refused(*_):
        raise ConflictError("no")

    monkeypatch.setattr("mlmcsc.services.versions.holding.mark", refused)
    with pytest.raises(ConflictError):
        db.versions.create("v1")
    assert (sql(FROZEN), sql(NOTED)) == ([(0,)], [(0,)])


def test_what_a_killed_run_froze_is_released_by_the_next(db, campaign, sql, monkeypatch):
    def killed(*_):
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr("mlmcsc.services.versions.committing.freeze", killed)
        with pytest.raises(_KilledError):
            db.versions.create("v1")
    assert (sql(FROZEN), sql(NOTED)) == ([(8,)], [(1,)])
    for label in db.get_labels(campaign[0]):
        sql("DELETE FROM labels WHERE id = :i", i=label.id)
    db.versions.create("v1")
    assert (sql(FROZEN), sql(NOTED)) == ([(9,)], [(0,)])
