"""A person can be erased in the archives too: again and again, and whatever is interrupted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import IntegrityError, ValidationError

pytestmark = pytest.mark.sqlite_tells

YEAR = timedelta(days=365)
PSEUDONYM = "erased-0a1b2c3d"


@pytest.fixture
def erase(laboratory, sql):
    """Erase tech_001."""
    ((row, subject),) = sql(
        "SELECT technician_id, subject_id FROM subjects WHERE identifier = 'tech_001'"
    )

    def run(labels="keep"):
        return laboratory.archives.erase_person(
            row, subject, ["tech_001"], PSEUDONYM, labels=labels
        )

    run.subject = subject
    return run


def everything_in(folder):
    return b"".join(p.read_bytes() for p in Path(folder).rglob("*") if p.is_file())


def stored(db, place):
    """What the files of all archives hold, row by row."""
    from mlmcsc.adapters.archives import read_rows

    found = {}
    for entry in db.archives.list():
        for file in entry.archive.manifest["files"]:
            columns = dict(file["columns"])
            path = place(entry.archive) / f"{file['table']}.parquet"
            found[file["table"]] = [
                dict(zip(columns, row, strict=True)) for rows in read_rows(path, columns)
                for row in rows
            ]  # fmt: skip
    return found


def test_notes_go_and_measurements_stay(laboratory, erase, place):
    archive = laboratory.archives.create("labels", YEAR).archive
    before = stored(laboratory, place)
    report = erase()
    assert (report.searched, report.rewritten) == (1, (archive.name,))
    after = stored(laboratory, place)
    for old, new in zip(before["labels"], after["labels"], strict=True):
        own = old["technician_id"] == before["labels"][0]["technician_id"]
        assert new["notes"] == (None if own else old["notes"])
        assert new["verified_by"] == (PSEUDONYM if old["verified_by"] else None)
        same = old.keys() - {"notes", "verified_by"}
        assert {k: new[k] for k in same} == {k: old[k] for k in same}
    assert [row["notes"] for row in after["label_revisions"]] == [None]
    (entry,) = laboratory.archives.list(verify=True)
    assert (entry.state, entry.archive.n_rows) == ("archived", 12)


def test_nothing_of_the_person_is_left_in_any_file(laboratory, erase):
    laboratory.archives.create("labels", YEAR)
    erase()
    left = everything_in(laboratory.archives.folder.root)
    assert b"tech_001" not in left
    for rows in stored(laboratory, lambda a: laboratory.archives.folder.place(a.path)).values():
        assert erase.subject not in repr(rows)


def test_labels_are_removed_when_asked(laboratory, erase, place):
    archive = laboratory.archives.create("labels", YEAR).archive
    report = erase("delete")
    assert report.n_removed == 7  # six labels and an earlier state
    after = stored(laboratory, place)
    assert (len(after["labels"]), after["label_revisions"]) == (6, [])
    assert laboratory.archives.restore(archive.name).n_rows == 6


def test_labels_of_a_held_specimen_stay_without_notes(laboratory, erase, sql, place):
    laboratory.archives.create("labels", YEAR)
    sql(
        "INSERT INTO privacy_holds (kind, specimen_id, ground, placed_at, placed_by) "
        "VALUES ('hold', 'SPEC_A', 'lawsuit', '2026-01-01 00:00:00', 'p1')"
    )
    report = erase("delete")
    assert (report.n_held, len(stored(laboratory, place)["labels"])) == (2, 8)
    assert erase("delete").rewritten == ()


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_a_second_time_changes_nothing(laboratory, erase, nothing_written, labels):
    laboratory.archives.create("labels", YEAR)
    erase(labels)
    before = everything_in(laboratory.archives.folder.root)
    with nothing_written():
        again = erase(labels)
    assert (again.searched, again.rewritten, again.n_changed, again.n_removed) == (1, (), 0, 0)
    assert everything_in(laboratory.archives.folder.root) == before


def test_archives_without_the_person_are_left_as_they_are(laboratory, erase, audit):
    for table in ("predictions", "features", "system_metrics"):
        laboratory.archives.create(table, YEAR)
    before = everything_in(laboratory.archives.folder.root)
    assert erase().searched == 0
    assert everything_in(laboratory.archives.folder.root) == before
    assert [row for row in audit() if row.operation == "ERASE"] == []


def test_the_trail_tells_that_it_was_done_but_not_who(laboratory, erase, audit):
    laboratory.archives.create("labels", YEAR)
    erase()
    (event,) = [row for row in audit() if row.operation == "ERASE"]
    assert event.table_name == "archives"
    assert event.digest == laboratory.archives.list()[0].archive.manifest["files"][0]["rows_sha256"]
    assert "tech_001" not in str(event.new_values)


def test_a_database_without_archives_has_nothing_to_do(laboratory, erase, nothing_written):
    with nothing_written():
        assert erase().searched == 0
    assert not laboratory.archives.folder.root.exists()


def test_a_person_who_never_labelled_is_erased_where_they_verified(laboratory, place):
    laboratory.archives.create("labels", YEAR)
    report = laboratory.archives.erase_person(
        None, "p" + "0" * 24, ["tech_001"], PSEUDONYM, labels="keep"
    )
    assert report.n_changed == 1
    assert sum(r["verified_by"] == PSEUDONYM for r in stored(laboratory, place)["labels"]) == 1


def test_an_archive_that_cannot_be_trusted_stops_the_erasure(laboratory, erase, place):
    archive = laboratory.archives.create("labels", YEAR).archive
    path = place(archive) / "labels.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=r"labels\.parquet was changed or cut short"):
        erase()


def test_other_words_for_labels_are_refused(laboratory, refuses):
    call = laboratory.archives.erase_person
    refuses(ValidationError, "'keep' or 'delete'", call, 1, "p", [], "e", labels="drop")


def test_a_name_in_others_words_goes_and_their_words_stay(laboratory, erase, place, sql):
    ((label,),) = sql("SELECT min(id) FROM labels WHERE technician_id = 2 AND revision = 1")
    laboratory.labels.correct(label, label=0.5, reason="as Tech_001 showed me")
    laboratory.archives.create("labels", YEAR)
    erase()
    reasons = [row["reason"] for row in stored(laboratory, place)["label_revisions"]]
    assert "as [erased] showed me" in reasons


def test_their_own_words_and_their_pace_go(laboratory, erase, place, sql):
    ((label,),) = sql("SELECT min(id) FROM labels WHERE technician_id = 1")
    laboratory.acting_as(Actor("tech_001")).labels.correct(label, label=0.5, reason="my own eyes")
    sql("UPDATE labels SET time_spent = 7.5")
    laboratory.archives.create("labels", YEAR)
    erase()
    after = stored(laboratory, place)
    assert "[erased]" in [row["reason"] for row in after["label_revisions"]]
    assert "my own eyes" not in repr(after)
    assert {(row["technician_id"], row["time_spent"]) for row in after["labels"]} == {
        (1, None),
        (2, 7.5),
    }


def test_a_name_in_a_colleague_s_note_goes_and_the_note_stays_sealed(laboratory, erase, place, sql):
    ((label,),) = sql("SELECT min(id) FROM labels WHERE technician_id = 2")
    laboratory.update_label(label, notes="checked by TECH_001, then polished", reason="r")
    ((colleague,),) = sql("SELECT subject_id FROM subjects WHERE identifier = 'tech_002'")
    laboratory.archives.create("labels", YEAR)
    assert erase().rewritten
    (found,) = laboratory.archives.find("labels", label)
    assert found.values["notes"] == "checked by [erased], then polished"
    (row,) = (row for row in stored(laboratory, place)["labels"] if row["id"] == label)
    assert row["notes"].startswith(f"mlmcsc:v1:{colleague}:")
    assert erase().rewritten == ()


def test_a_dry_run_names_the_archives_and_changes_nothing(laboratory, erase, nothing_written, sql):
    archive = laboratory.archives.create("labels", YEAR).archive
    before = everything_in(laboratory.archives.folder.root)
    with nothing_written():
        told = laboratory.archives.erase_person(
            1, erase.subject, ["tech_001"], PSEUDONYM, labels="keep", dry_run=True
        )
    assert told.rewritten == (archive.name,)
    assert everything_in(laboratory.archives.folder.root) == before
