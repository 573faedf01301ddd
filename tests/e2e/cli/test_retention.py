"""`mlmcsc retention`: look first, then delete, in one's own words."""

from __future__ import annotations

import pytest

from mlmcsc import DatabaseManager


@pytest.fixture
def old(labelled, sqlite_url):
    """Labels of 2020 among young ones, of images that are young."""
    with DatabaseManager(sqlite_url) as db, db._database.store._writer.begin() as conn:
        conn.exec_driver_sql("UPDATE labels SET timestamp = '2020-01-02 03:04:05' WHERE id <= 5")
    return labelled


def rows(mlmcsc, table):
    return mlmcsc("database", "status", "--json").json["tables"][table]


def test_the_plan_is_a_table_of_what_is_due(old, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    ran = old("retention", "plan")
    assert ran.code == 0
    (line,) = (line for line in ran.out.splitlines() if line.startswith("labels"))
    assert line.split()[:2] == ["labels", "1095"]
    assert "2020-01-02" in line
    assert "deleted with their revisions" in line
    assert rows(old, "labels") == 12


@pytest.mark.parametrize(("columns", "shown"), [(60, "to do"), (80, "older than"), (120, "what")])
def test_the_plan_stays_a_table_on_a_narrow_terminal(old, monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", str(columns))
    ran = old("retention", "plan")
    head, *lines = ran.out.splitlines()
    assert shown in head
    assert max(map(len, [head, *lines])) <= columns
    assert any(line.split()[:3] == ["labels", "1095", "5"] for line in lines)


def test_the_plan_as_json_has_every_number(old):
    found = old("retention", "plan", "--json", "--only", "labels").json
    (line,) = found["types"]
    assert found["to_do"] == 5
    assert (line["type"], line["due"], line["held"], line["to_do"]) == ("labels", 5, 0, 5)
    assert (line["setting"], line["days"]) == ("retention.label_retention_days", 1095)
    assert (line["held_by"], line["action"]) == ({}, "delete")
    assert line["oldest"].startswith("2020-01-02T03:04:05")


def test_check_exits_1_when_something_is_to_do(old):
    assert old("retention", "plan", "--check").code == 1
    assert old("retention", "plan", "--check", "--only", "metrics").code == 0
    assert old("retention", "plan").code == 0


def test_the_periods_are_settings(old, monkeypatch):
    monkeypatch.setenv("MLMCSC_RETENTION__LABEL_RETENTION_DAYS", "36500")
    assert old("retention", "plan", "--check", "--only", "labels").code == 0


def test_nothing_is_deleted_unasked(old):
    ran = old("retention", "apply")
    assert (ran.code, rows(old, "labels")) == (2, 12)
    assert "add --confirm" in ran.err


def test_a_dry_run_shows_the_plan_alone(old):
    ran = old("retention", "apply", "--dry-run", "--json")
    assert (ran.code, ran.json["to_do"]) == (0, 5)
    assert rows(old, "labels") == 12


def test_confirmed_it_deletes_and_says_what(old):
    ran = old("retention", "apply", "--confirm", "--only", "labels")
    assert ran.code == 0
    assert ran.out.splitlines()[-1].split()[:4] == ["labels", "delete", "5", "1"]
    assert rows(old, "labels") == 7
    assert old("retention", "apply", "--confirm").out.endswith("nothing was to do\n")


def test_the_report_as_json_is_one_document(old):
    done = old("retention", "apply", "--confirm", "--json").json
    assert (done["rows"], done["files_removed"], done["files_left"]) == (5, 0, 0)


def test_the_laboratory_s_own_files_stay_and_are_named(old, sqlite_url, tmp_path):
    with DatabaseManager(sqlite_url) as db, db._database.store._writer.begin() as conn:
        for table in ("labels", "predictions", "images"):
            column = "created_at" if table == "images" else "timestamp"
            conn.exec_driver_sql(f"UPDATE {table} SET {column} = '2020-01-01 00:00:00'")
    ran = old("retention", "apply", "--confirm")
    assert "12 image files of the laboratory left alone" in ran.err
    assert f"{tmp_path}/SPEC_000_00.png" in ran.err
    assert len(list(tmp_path.glob("*.png"))) == 12
    assert rows(old, "images") == 0


def test_inactive_technicians_are_sent_to_privacy(old, sqlite_url):
    with DatabaseManager(sqlite_url) as db, db._database.store._writer.begin() as conn:
        conn.exec_driver_sql("UPDATE technicians SET last_active = '2020-01-01 00:00:00'")
    ran = old("retention", "plan", "--only", "technicians", "--check")
    assert (ran.code, "privacy anonymize" in ran.err) == (1, True)


def test_an_unknown_data_type_is_a_usage_error(mlmcsc):
    assert mlmcsc("retention", "plan", "--only", "nonsense").code == 2
