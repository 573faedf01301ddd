"""`mlmcsc privacy export-user-data`: a person's copy on the command line."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from mlmcsc import DatabaseManager


@pytest.fixture
def john(mlmcsc):
    mlmcsc("technician", "register", "tech_001", "--name", "John Doe")
    mlmcsc("technician", "register", "tech_002", "--name", "Jane Roe")
    return mlmcsc


def test_it_writes_the_file_and_tells_where(john, tmp_path):
    ran = john("privacy", "export-user-data", "tech_001", "--output", "f.json", "--csv", "tables")
    assert ran.code == 0, ran.err
    copy = json.loads((tmp_path / "f.json").read_text("utf-8"))
    assert copy["parts"]["technicians"]["rows"][0]["name"] == "John Doe"
    assert "Jane" not in json.dumps(copy)
    assert (tmp_path / "tables" / "technicians.csv").is_file()
    assert "f.json" in ran.out
    assert "John" not in ran.out + ran.err


def test_in_json_it_tells_the_digest_and_counts(john):
    ran = john("--json", "privacy", "export-user-data", "tech_001", "--output", "f.json")
    assert len(ran.json["sha256"]) == 64
    assert ran.json["rows"]["technicians"] == 1


def test_an_unknown_person_is_exit_1_without_a_file(john, tmp_path):
    ran = john("privacy", "export-user-data", "nobody", "--output", "f.json", "--csv", "tables")
    assert ran.code == 1
    assert "nobody" in ran.err
    assert not (tmp_path / "f.json").exists()
    assert not (tmp_path / "tables").exists()


def test_a_file_that_is_there_is_not_replaced_unasked(john, tmp_path):
    (tmp_path / "f.json").write_text("mine")
    ran = john("privacy", "export-user-data", "tech_001", "--output", "f.json")
    assert ran.code == 2
    assert "--overwrite" in ran.err
    assert (tmp_path / "f.json").read_text() == "mine"
    command = ("privacy", "export-user-data", "tech_001", "--output", "f.json", "--overwrite")
    assert john(*command).code == 0


def test_a_missing_archive_is_exit_3_and_all_else_is_in_the_file(labelled, sqlite_url, tmp_path):
    with DatabaseManager(sqlite_url) as db:
        with db._database.store._writer.begin() as conn:
            conn.exec_driver_sql("UPDATE labels SET timestamp = '2020-01-01' WHERE id < 5")
        archive = db.archives.create("labels", timedelta(days=365)).archive
        place = db.archives.folder.place(archive.path)
    place.rename(tmp_path / "elsewhere")
    ran = labelled("privacy", "export-user-data", "tech_001", "--output", "f.json")
    assert ran.code == 3
    assert place.name in ran.err
    copy = json.loads((tmp_path / "f.json").read_text("utf-8"))
    assert len(copy["parts"]["labels"]["rows"]) == 8
    (told,) = copy["incomplete"]
    assert str(place) in told
    with DatabaseManager(sqlite_url) as db:
        assert db.export_user_data("tech_001")["incomplete"] == [told]
