"""Importing files: every row is stored, known already, or rejected with its reason."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmcsc.errors import (
    RejectedRowsError,
    UnknownKeywordError,
    ValidationError,
)

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def lab(db, draw):
    """Three images (two of one name), two technicians (one with a number for a name), a model."""
    paths = [draw("a.png", 1), draw("b.png", 2), draw("x/same.png", 3), draw("y/same.png", 4)]
    db.image_ids = [db.store_image(path, specimen_id="S-1") for path in paths]
    db.people = {name: db.register_technician(name, f"Person {name}") for name in ("T-07", "4711")}
    db.model = db.register_model_version("v2", "Net", "/models/v2")
    return db


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def rejects(report):
    with open(report.rejected_file, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def labels(db):
    return [(r.image_id, r.technician_id, r.label) for r in db.get_labels(limit=1000)]


def test_a_laboratorys_sheet_comes_in_by_paths_staff_numbers_and_percent(lab, tmp_path):
    sheet = write(tmp_path / "sheet.csv", "Bild;Prüfer;SFA %\na.png;T-07;57\nb.png;4711;29,5\n")
    report = lab.exchange.import_file(
        "labels",
        sheet,
        mapping={"Bild": "image_path", "Prüfer": "technician", "SFA %": "label*0.01"},
    )
    assert (report.read, report.stored, report.rejected_count) == (2, 2, 0)
    assert report.rejected_file is None
    a, b, *_ = lab.image_ids
    assert labels(lab) == [(a, lab.people["T-07"], 0.57), (b, lab.people["4711"], 0.295)]
    assert lab.technicians.get("T-07").total_labels == 1


def test_wrong_rows_go_to_a_file_with_line_and_reason_and_the_others_are_stored(lab, tmp_path):
    sheet = write(
        tmp_path / "l.csv",
        "image_path,technician,label,notes\n"
        "a.png,T-07,0.5,fine\n"
        "gone.png,T-07,0.5,=1+1\n"
        "a.png,nobody,0.5,\n"
        "a.png,T-07,7.5,-0.5\n"
        "a.png,T-07\n"
        "a.png,T-07,nan,\n"
        ",T-07,0.5,\n"
        "b.png,T-07,0.25,also fine\n",
    )
    report = lab.exchange.import_file("labels", sheet)
    assert (report.read, report.stored, report.rejected_count) == (8, 2, 6)
    wrong = rejects(report)
    assert [int(r["_line"]) for r in wrong] == [3, 4, 5, 6, 7, 8]
    for row, reason in zip(
        wrong,
        ["no image is stored", "no technician", "from 0 to 1", "2 cells", "finite", "is missing"],
        strict=True,
    ):
        assert reason in row["_reason"]
    assert wrong[0]["notes"] == "'=1+1"
    assert wrong[2]["notes"] == "-0.5"
    assert report.rejected[0].where == "line 3"


def test_mended_rejects_can_be_imported(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "image_path,technician,label\na.png,T-07,1.5\n")
    report = lab.exchange.import_file("labels", sheet)
    text = (tmp_path / "l.csv.rejected.csv").read_text()
    mended = write(tmp_path / "mended.csv", text.replace(",1.5,", ",0.5,"))
    report = lab.exchange.import_file("labels", mended)
    assert report.stored == 1
    assert any("_line, _reason" in note for note in report.notes)


def test_all_or_nothing_stores_nothing_and_still_tells_every_wrong_row(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\na.png,T-07,0.5\nb.png,T-07,2\n")
    with pytest.raises(RejectedRowsError, match="nothing was stored") as caught:
        lab.exchange.import_file("labels", sheet, on_error="raise")
    assert [line for line, _ in caught.value.rejected] == [3]
    assert labels(lab) == []
    assert (tmp_path / "l.csv.rejected.csv").exists()
    assert lab.technicians.get("T-07").total_labels == 0


def test_a_file_name_that_two_images_have_is_rejected_with_both(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\nsame.png,T-07,0.5\n")
    report = lab.exchange.import_file("labels", sheet)
    (wrong,) = report.rejected
    assert "2 images have this name" in wrong.reason
    assert "x/same.png" in wrong.reason
    assert "y/same.png" in wrong.reason


def test_a_duplicate_is_named_by_its_own_file_name(lab, tmp_path):
    (tmp_path / "copy.png").write_bytes((tmp_path / "a.png").read_bytes())
    assert lab.store_image(tmp_path / "copy.png") == lab.image_ids[0]
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    assert lab.store_image(tmp_path / "z" / "b.png") == lab.image_ids[0]
    sheet = write(
        tmp_path / "l.csv",
        "filename,technician,label\ncopy.png,T-07,0.5\na.png,T-07,0.6\nb.png,T-07,0.7\n",
    )
    report = lab.exchange.import_file("labels", sheet)
    assert [(image, label) for image, _, label in labels(lab)] == [
        (lab.image_ids[0], 0.5),
        (lab.image_ids[0], 0.6),
    ]
    (wrong,) = report.rejected
    assert "2 images have this name" in wrong.reason
    assert f"{tmp_path}/z/b.png, {tmp_path}/b.png" in wrong.reason


def test_lines_without_anything_in_them_are_noted_and_not_refused(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\n,,\na.png,T-07,0.5\n,,,,\n\n")
    report = lab.exchange.import_file("labels", sheet)
    assert (report.read, report.stored, report.rejected_count) == (1, 1, 0)
    assert report.notes == ("passed over: 3 blank lines",)
    empty = write(tmp_path / "s.csv", "specimen_id,heat\n,\n")
    assert lab.exchange.import_file("specimens", empty).notes == ("passed over: 1 blank line",)


def test_specimens_of_which_every_row_is_wrong_are_all_refused(lab, tmp_path):
    sheet = write(tmp_path / "s.csv", "specimen_id,temperature_c\nS-8,hot\nS-9,cold\n")
    report = lab.exchange.import_file("specimens", sheet)
    assert (report.stored, report.rejected_count) == (0, 2)


def test_a_json_object_that_says_one_thing_twice_is_rejected(lab, tmp_path):
    line = '{"filename": "a.png", "technician": "T-07", "label": 0.1, "label": 0.9}'
    report = lab.exchange.import_file("labels", write(tmp_path / "l.jsonl", line))
    assert "'label' stands twice" in report.rejected[0].reason
    assert labels(lab) == []


def test_images_can_be_named_by_content_and_models_by_version(lab, tmp_path):
    content = lab.get_image(lab.image_ids[0]).content_hash
    lines = [
        {"content_hash": content, "model_version": "v2", "prediction": 0.5, "confidence": 0.9},
        {"content_hash": "0" * 64, "model_version": "v2", "prediction": 0.5, "confidence": 0.9},
        {"content_hash": content, "model_version": "v9", "prediction": 0.5, "confidence": 0.9},
    ]
    file = write(tmp_path / "p.jsonl", "\n".join(map(json.dumps, lines)))
    report = lab.exchange.import_file("predictions", file)
    assert (report.stored, report.rejected_count) == (1, 2)
    (stored,) = lab.get_predictions()
    assert (stored.image_id, stored.model_version_id) == (lab.image_ids[0], lab.model)


def test_a_technician_id_is_an_id_when_it_is_a_whole_number_and_else_a_staff_number(lab, tmp_path):
    known = lab.people["T-07"]
    sheet = write(
        tmp_path / "l.csv",
        f"image_id,technician_id,label\n1,{known},0.1\n1,T-07,0.2\n1,4711,0.3\n1,nobody,0.4\n",
    )
    report = lab.exchange.import_file("labels", sheet)
    assert [row[2] for row in labels(lab)] == [0.1, 0.2]
    assert [r.reason.split(":")[0] for r in report.rejected] == [
        "technician_id=4711",
        "technician='nobody'",
    ]


def test_unknown_columns_are_named_with_the_nearest_field_unless_ignored(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label,Note,Raum\na.png,T-07,0.5,x,7\n")
    with pytest.raises(UnknownKeywordError, match=r"'Note' \(did you mean 'notes'\?\); 'Raum'"):
        lab.exchange.import_file("labels", sheet)
    report = lab.exchange.import_file(
        "labels", sheet, mapping={"Note": "notes"}, ignore_unmapped=True
    )
    assert any("Raum" in note for note in report.notes)
    assert lab.get_labels()[0].notes == "x"


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"nope": "label"}, "has no column 'nope'"),
        ({"SFA": "labels"}, "did you mean 'label'"),
        ({"SFA": "label*"}, "a field times a number"),
        ({"SFA": "label*0"}, "not by zero"),
        ({"SFA": "label*__import__('os')"}, "a field times a number"),
        ({"SFA": "notes*2"}, "only a field of numbers"),
        ({"SFA": "-"}, "No column fills label"),
        ({"SFA": "technician_id"}, "technician_id is given twice"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(lab, tmp_path, mapping, told):
    sheet = write(tmp_path / "l.csv", "filename,technician,SFA\na.png,T-07,50\n")
    with pytest.raises(ValidationError) as caught:
        lab.exchange.import_file("labels", sheet, mapping=mapping)
    assert told in str(caught.value)
    assert labels(lab) == []


def test_one_value_can_be_given_for_all_rows(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,label\na.png,0.5\nb.png,0.6\n")
    lab.exchange.import_file(
        "labels", sheet, technician="T-07", is_verified=True, timestamp="2026-01-02T03:04:05Z"
    )
    assert [r.is_verified for r in lab.get_labels()] == [True, True]
    assert lab.get_labels()[0].timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with pytest.raises(ValidationError, match="For all rows: technician='nobody'"):
        lab.exchange.import_file("labels", sheet, technician="nobody", again=True)
    with pytest.raises(UnknownKeywordError, match="'tech'"):
        lab.exchange.import_file("labels", sheet, tech="T-07", again=True)


def test_times_without_zone_are_rejected_unless_the_zone_is_told(lab, tmp_path):
    sheet = write(
        tmp_path / "l.csv",
        "filename,technician,label,timestamp\n"
        "a.png,T-07,0.1,2026-07-01 12:00\na.png,T-07,0.2,2026-10-25 02:30\n",
    )
    report = lab.exchange.import_file("labels", sheet)
    assert report.stored == 0
    assert "pass timezone=" in report.rejected[0].reason
    report = lab.exchange.import_file("labels", sheet, timezone="Europe/Berlin")
    assert lab.get_labels()[0].timestamp == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert "clocks of Europe/Berlin changed" in report.rejected[0].reason
    with pytest.raises(ValidationError, match="no such zone"):
        lab.exchange.import_file("labels", sheet, timezone="Mars")


def test_specimens_and_people_that_are_known_are_unchanged_or_contradicted(lab, tmp_path):
    lab.register_specimen("S-2", temperature_c=-20.0)
    sheet = write(
        tmp_path / "s.csv",
        "specimen_id;temperature_c;heat\nS-1;-40,5;H1\nS-2;-20;\nS-2;20;\nS-3;;H3\nS-3;;H3\n",
    )
    report = lab.exchange.import_file("specimens", sheet)
    assert (report.stored, report.unchanged, report.rejected_count) == (2, 2, 1)
    assert lab.specimens.get("S-1").temperature_c == -40.5
    assert "temperature_c is -20.0, not 20.0" in report.rejected[0].reason
    people = write(tmp_path / "t.csv", "technician_id,name\nT-07,Person T-07\nT-08,Eve\nT-07,Bob\n")
    report = lab.exchange.import_file("technicians", people)
    assert (report.stored, report.unchanged, report.rejected_count) == (1, 1, 1)


def test_images_are_read_from_paths_beside_the_file(lab, tmp_path, draw):
    draw("new/c.png", 7)
    write(tmp_path / "new" / "text.png", "no image")
    sheet = write(
        tmp_path / "new" / "i.csv",
        "image_path,specimen_id,magnification\nc.png,S-9,400\n../a.png,S-1,\n"
        "gone.png,,\ntext.png,,\nc.png,S-8,\n",
    )
    report = lab.exchange.import_file("images", sheet)
    assert (report.stored, report.unchanged, report.rejected_count) == (1, 1, 3)
    assert lab.get_images(specimen_id="S-9")[0].magnification == 400
    assert [int(r["_line"]) for r in rejects(report)] == [4, 5, 6]


@pytest.mark.parametrize("how", [{"on_error": "raise"}, {"dry_run": True}])
def test_images_all_or_nothing_and_dry_runs_store_none(lab, tmp_path, draw, how):
    draw("c.png", 7)
    sheet = write(tmp_path / "i.csv", "image_path\nc.png\ngone.png\n")
    if "dry_run" in how:
        assert lab.exchange.import_file("images", sheet, **how).stored == 1
    else:
        with pytest.raises(RejectedRowsError):
            lab.exchange.import_file("images", sheet, **how)
    assert len(lab.get_images()) == 4


def test_vectors_come_from_parquet_in_their_own_number_format(lab, tmp_path):
    a, b, *_ = lab.image_ids
    table = pa.table(
        {
            "image_id": [a, b, a, 999],
            "feature_type": ["cnn"] * 4,
            "extractor_version": ["1"] * 4,
            "feature_vector": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, 0.8]],
            "dtype": ["float64"] * 4,
        }
    )
    pq.write_table(table, tmp_path / "f.parquet")
    report = lab.exchange.import_file("features", tmp_path / "f.parquet")
    assert report.stored == 2
    assert {r.where for r in report.rejected} == {"line 3", "line 4"}
    found = lab.get_features()
    assert [f.dtype for f in found] == ["float64", "float64"]
    np.testing.assert_array_equal(found[1].vector, [0.3, 0.4])


def test_json_lines_may_hold_anything_and_every_wrong_value_is_rejected_alone(lab, tmp_path):
    good = {"filename": "a.png", "technician": 4711, "label": 0.5, "annotation_data": {"A": 3}}
    bad = [
        good | {"label": "0.5"},
        good | {"label": True},
        good | {"notes": ["no text"]},
        good | {"technician": None},
        good | {"filename": {"x": 1}},
        {"notes": "nothing else"},
        good | {"timestamp": "yesterday"},
    ]
    file = write(tmp_path / "l.jsonl", "\n".join(map(json.dumps, [good, *bad])))
    report = lab.exchange.import_file("labels", file)
    assert (report.stored, report.rejected_count) == (1, len(bad))
    assert lab.get_labels()[0].annotation_data == {"A": 3}


def test_progress_is_told_with_the_total_where_the_format_knows_it(lab, tmp_path):
    seen = []
    table = pa.table({"filename": ["a.png"] * 3, "label": [0.1, 0.2, 0.3]})
    pq.write_table(table, tmp_path / "l.parquet")
    lab.exchange.import_file(
        "labels",
        tmp_path / "l.parquet",
        technician="T-07",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(3, 3)]
