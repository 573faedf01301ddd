"""Importing safely: once only, all or nothing, by whom it may, and on the record."""

from __future__ import annotations

import json

import pytest

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import (
    ConflictError,
    PermissionDeniedError,
    UnsupportedError,
    ValidationError,
)

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def lab(db, draw):
    """Two images and a technician."""
    db.image_ids = [db.store_image(draw("a.png", 1)), db.store_image(draw("b.png", 2))]
    db.register_technician("T-07", "Person")
    return db


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def labels(db):
    return [(r.image_id, r.technician_id, r.label) for r in db.get_labels(limit=1000)]


def test_the_same_content_is_refused_a_second_time_naming_the_first(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\na.png,T-07,0.5\n")
    lab.exchange.import_file("labels", sheet)
    copy = write(tmp_path / "copy.csv", sheet.read_text())
    with pytest.raises(ConflictError, match=r"was imported to labels on 2\d{3}-.* by "):
        lab.exchange.import_file("labels", copy)
    assert len(labels(lab)) == 1
    assert lab.exchange.import_file("labels", copy, again=True).stored == 1


def test_a_repetition_points_to_the_rows_that_were_refused_then(lab, tmp_path, draw):
    text = "filename,technician,label\na.png,T-07,0.5\nlate.png,T-07,0.5\n"
    sheet = write(tmp_path / "l.csv", text)
    refused = tmp_path / "wrong.csv"
    lab.exchange.import_file("labels", sheet, rejected_to=refused)
    lab.store_image(draw("late.png", 9))
    with pytest.raises(ConflictError) as caught:
        lab.exchange.import_file("labels", sheet)
    told = str(caught.value)
    assert f"Of its rows 1 were refused then: import {refused} in its place" in told
    assert told.index(str(refused)) < told.index("again=True")
    refused.rename(tmp_path / "mended.csv")
    with pytest.raises(ConflictError, match=r"wrong\.csv is gone"):
        lab.exchange.import_file("labels", sheet)
    assert lab.exchange.import_file("labels", tmp_path / "mended.csv").stored == 1


@pytest.mark.parametrize(
    "mapping",
    [
        {"SFA": "label*abc"},
        {"SFA": "lable"},
        {"SFB": "label"},
        {"SFA": "label", "gone": "lable"},
    ],
)
def test_a_wrong_mapping_is_told_before_the_repetition(lab, tmp_path, mapping):
    sheet = write(tmp_path / "l.csv", "filename,technician,SFA\na.png,T-07,0.5\n")
    lab.exchange.import_file("labels", sheet, mapping={"SFA": "label"})
    with pytest.raises(ValidationError, match=r"is mapped to|has no column 'SFB'"):
        lab.exchange.import_file("labels", sheet, mapping=mapping)


def test_a_file_of_which_nothing_was_stored_may_be_tried_again(lab, tmp_path, draw):
    sheet = write(tmp_path / "l.csv", "image_path,technician,label\nlate.png,T-07,0.5\n")
    assert lab.exchange.import_file("labels", sheet).stored == 0
    lab.store_image(draw("late.png", 9))
    assert lab.exchange.import_file("labels", sheet).stored == 1


def test_a_dry_run_tells_everything_and_keeps_nothing(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\na.png,T-07,0.5\nb.png,T-07,2\n")
    report = lab.exchange.import_file("labels", sheet, dry_run=True)
    assert (report.stored, report.rejected_count, report.dry_run) == (1, 1, True)
    assert labels(lab) == []
    assert lab.exchange.import_file("labels", sheet).stored == 1


def test_metrics_need_an_administrator(lab, tmp_path):
    file = write(tmp_path / "m.jsonl", '{"metric_name": "disk", "metric_value": 0.5}\n')
    modest = lab.acting_as(Actor("eve", frozenset({Permission.READ, Permission.LABEL})))
    with pytest.raises(PermissionDeniedError, match="import system_metrics"):
        modest.exchange.import_file("system_metrics", file)
    assert lab.exchange.import_file("system_metrics", file).stored == 1


def test_whoever_may_not_label_may_not_import_labels(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\na.png,T-07,0.5\n")
    reader = lab.acting_as(Actor("eve", frozenset({Permission.READ})))
    with pytest.raises(PermissionDeniedError):
        reader.exchange.import_file("labels", sheet)
    assert labels(lab) == []


@pytest.mark.parametrize("table", ["audit_logs", "data_versions", "accounts", "label_revisions"])
def test_tables_that_prove_or_protect_something_cannot_be_imported(lab, tmp_path, table):
    with pytest.raises(UnsupportedError, match=f"{table} cannot be imported: "):
        lab.exchange.import_file(table, tmp_path / "a.csv")


def test_the_audit_trail_names_the_file_and_its_content(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\na.png,T-07,0.5\nb.png,T-07,2\n")
    report = lab.exchange.import_file("labels", sheet)
    lab.exchange.export_file("audit_logs", tmp_path / "audit.jsonl")
    events = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    (event,) = [e for e in events if e["operation"] == "IMPORT"]
    assert (event["table_name"], event["digest"], event["n_rows"]) == ("labels", report.sha256, 1)
    assert event["new_values"]["rejected"] == 1
    created = [e for e in events if (e["operation"], e["table_name"]) == ("CREATE", "labels")]
    assert [e["n_rows"] for e in created] == [1]


def test_an_import_that_is_interrupted_leaves_nothing_behind(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\na.png,T-07,0.5\n")

    def interrupt(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.exchange.import_file("labels", sheet, progress=interrupt)
    assert labels(lab) == []
    assert lab.technicians.get("T-07").total_labels == 0
    assert lab.exchange.import_file("labels", sheet).stored == 1


def test_a_file_that_changes_while_it_is_read_is_refused(lab, tmp_path):
    sheet = write(tmp_path / "l.csv", "filename,technician,label\na.png,T-07,0.5\n")

    def append(_done, _total):
        with sheet.open("a") as handle:
            handle.write("b.png,T-07,0.5\n")

    with pytest.raises(ConflictError, match="changed while it was read"):
        lab.exchange.import_file("labels", sheet, progress=append)
    assert labels(lab) == []


def test_several_chunks_with_wrong_rows_in_each_are_accounted_for(lab, tmp_path):
    image = lab.image_ids[0]
    rows = [f"{image},T-07,{2 if i % 10_000 == 5 else 0.5}" for i in range(45_000)]
    sheet = write(tmp_path / "l.csv", "image_id,technician,label\n" + "\n".join(rows))
    report = lab.exchange.import_file("labels", sheet)
    assert (report.read, report.stored, report.rejected_count) == (45_000, 44_995, 5)
    assert [r.where for r in report.rejected] == [f"line {i * 10_000 + 7}" for i in range(5)]
