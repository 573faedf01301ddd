"""A batch of files: one refused row costs itself alone, and specimens are accounted for."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from mlmcsc.errors import StoreError
from mlmcsc.services.images import ingest as ingest_module
from mlmcsc.store.queries import images as image_queries

MODEL, MAKE = 0x0110, 0x010F
BY_TEMPERATURE = r"(?P<specimen>SPEC\d+)_(?P<temperature_c>-?\d+)C"


@pytest.fixture
def unlucky(db, draw, sql, tmp_path):
    """Five images, and a database whose own rule refuses the one named 13.png."""
    for i in (11, 12, 13, 14, 15):
        draw(f"lab/SPEC{i}_-{i}C_{i}.png", seed=i)
    if db._database.store.dialect.name == "sqlite":
        sql(
            "CREATE TRIGGER no_13 BEFORE INSERT ON images WHEN NEW.filename LIKE '%_13.png' "
            "BEGIN SELECT RAISE(ABORT, 'thirteen'); END"
        )
    else:
        sql("ALTER TABLE images ADD CONSTRAINT thirteen CHECK (filename NOT LIKE '%_13.png')")
    return tmp_path / "lab"


def test_a_file_that_the_database_refuses_costs_no_other(db, unlucky):
    report = db.ingest(unlucky, workers=1, specimen_from=BY_TEMPERATURE)
    assert report.stored == 4
    (error,) = report.errors
    assert error.where.endswith("_13.png")
    assert "thirteen" in error.reason
    assert len(db.get_images()) == 4
    again = db.ingest(unlucky, workers=1, specimen_from=BY_TEMPERATURE)
    assert (again.stored, again.unchanged, len(again.errors)) == (0, 4, 1)


def test_a_refused_file_leaves_no_specimen_behind(db, unlucky):
    db.ingest(unlucky, workers=1, specimen_from=BY_TEMPERATURE)
    known = {s.specimen_id for s in db.specimens.list().items}
    assert known == {"SPEC11", "SPEC12", "SPEC14", "SPEC15"}


def test_raising_names_the_refused_file(db, unlucky):
    with pytest.raises(StoreError, match=r"_13\.png.*thirteen"):
        db.ingest(unlucky, workers=1, on_error="raise")
    assert {i.filename[-6:] for i in db.get_images()} == {"11.png", "12.png"}


def test_an_instrument_name_longer_than_its_field_is_kept_whole_beside_it(db, draw, tmp_path):
    exif = Image.Exif()
    exif[MAKE], exif[MODEL] = "Zeiss", "Merlin " + "M" * 120
    (tmp_path / "lab").mkdir()
    Image.new("RGB", (40, 30), (9, 90, 9)).save(tmp_path / "lab/long.jpg", exif=exif)
    draw("lab/other.png")
    report = db.ingest(tmp_path / "lab", workers=1)
    assert (report.stored, report.errors) == (2, ())
    found = db.get_images(path="lab/long.jpg")[0]
    assert found.instrument is None
    assert found.acquisition_settings["instrument_as_written"].endswith("M" * 120)
    assert "at most 100" in str(found.acquisition_settings["metadata_problems"])


def test_an_impossible_temperature_in_a_path_costs_that_file_alone(db, draw, tmp_path):
    draw("lab/SPEC1_-40C.png", seed=1)
    draw("lab/SPEC2_-400C.png", seed=2)
    report = db.ingest(tmp_path / "lab", workers=1, specimen_from=BY_TEMPERATURE)
    assert report.stored == 1
    assert ["temperature_c" in e.reason for e in report.errors] == [True]


def test_unchanged_files_may_still_tell_of_their_specimens(db, draw, tmp_path, nothing_written):
    draw("lab/SPEC1_-40C.png")
    db.ingest(tmp_path / "lab", workers=1, specimen_from=r"(SPEC\d)")
    report = db.ingest(tmp_path / "lab", workers=1, specimen_from=BY_TEMPERATURE)
    assert (report.unchanged, report.bytes_read) == (1, 0)
    assert db.specimens.get("SPEC1").temperature_c == -40
    with nothing_written():
        db.ingest(tmp_path / "lab", workers=1, specimen_from=BY_TEMPERATURE)


def created_specimens(audit):
    return [
        (e.record_id, e.n_rows, json.loads(v) if isinstance(v := e.new_values, str) else v)
        for e in audit()
        if (e.operation, e.table_name) == ("CREATE", "specimens")
    ]


def test_a_specimen_that_an_image_names_first_is_in_the_audit_trail(db, draw, audit):
    key = db.store_image(draw("a.png"), specimen_id="S1")
    db.update_image(key, specimen_id="S2")
    db.store_image(draw("b.png", seed=1), specimen_id="S1")
    found = created_specimens(audit)
    assert [(key, size, told["specimen_id"]) for key, size, told in found] == [
        (db.specimens.get(name).id, 1, name) for name in ("S1", "S2")
    ]


@pytest.mark.parametrize("pattern", [r"(SPEC\d+)", BY_TEMPERATURE])
def test_specimens_of_a_batch_are_one_event_with_their_names(db, draw, tmp_path, audit, pattern):
    for i in (3, 1, 2):
        draw(f"lab/{9 - i}_SPEC{i}_-40C.png", seed=i)
    db.ingest(tmp_path / "lab", workers=1, specimen_from=pattern)
    names = ["SPEC1", "SPEC2", "SPEC3"]
    ((key, size, told),) = created_specimens(audit)
    assert (key, size, told["specimen_id"]) == (None, 3, names)
    assert [told["first_id"], told["last_id"]] == [
        db.specimens.get(name).id for name in ("SPEC1", "SPEC3")
    ]
    assert all(db.specimens.get(name).created_at is not None for name in names)


def test_known_files_are_looked_up_in_portions(db, draw, tmp_path, monkeypatch):
    for i in range(5):
        draw(f"lab/{i}.png", seed=i)
    first = db.ingest(tmp_path / "lab", workers=1)
    monkeypatch.setattr(ingest_module, "LOOKUP", 2)
    asked = []
    real = image_queries.known_files

    def counting(view, paths, stated=()):
        asked.append((len(paths), list(stated)))
        return real(view, paths, stated)

    monkeypatch.setattr(image_queries, "known_files", counting)
    second = db.ingest(tmp_path / "lab", workers=1)
    assert (second.unchanged, second.image_ids) == (5, first.image_ids)
    assert asked == [(2, []), (2, []), (1, [])]
    asked.clear()
    db.ingest(tmp_path / "lab", workers=1, magnification=10.0)
    assert asked[0] == (2, ["magnification"])
