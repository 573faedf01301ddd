"""An exported file is there only once its event is: erasure finds files by their events."""

from __future__ import annotations

import pytest

from mlmcsc.errors import StoreError, ValidationError

EXPORTS = {
    "table": lambda db, path: db.exchange.export_file("labels", path.with_suffix(".csv")),
    "trail": lambda db, path: db.audit.export(path.with_suffix(".csv")),
    "evidence": lambda db, path: db.audit_proof.evidence("specimen", "S", path.with_suffix(".zip")),
    "copy": lambda db, path: db.access.write("t1", path, csv=path.with_name("tables")),
}


@pytest.fixture
def lab(db, images_of):
    technician = db.register_technician("t1", "Ada Berg")
    db.store_label(images_of(1, "S")[0], technician, 0.5, notes="hers")
    db.audit_proof.checkpoint()
    return db


@pytest.fixture
def refusing(lab, sql):
    """A database that takes no event of an export any more."""
    if lab.url.startswith("sqlite"):
        sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit_logs WHEN NEW.operation = 'EXPORT' "
            "BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    else:
        sql("ALTER TABLE audit_logs ADD CONSTRAINT no_room CHECK (operation <> 'EXPORT')")
    return lab


@pytest.mark.parametrize("export", EXPORTS)
def test_without_its_event_no_file_is_left(refusing, tmp_path, export):
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(StoreError):
        EXPORTS[export](refusing, folder / "file.json")
    assert list(folder.iterdir()) == []


def test_a_file_that_cannot_be_put_in_place_is_told_with_its_event(lab, sql, tmp_path):
    path = tmp_path / "labels.csv"

    def in_the_way(_done, _total):
        path.mkdir(exist_ok=True)

    with pytest.raises(ValidationError, match=r"cannot be put in place.*an export that is not"):
        lab.exchange.export_file("labels", path, progress=in_the_way)
    assert sql("SELECT count(*) FROM audit_logs WHERE operation = 'EXPORT'") == [(1,)]
