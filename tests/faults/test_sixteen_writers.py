"""Sixteen processes write at once: every acknowledged write is there, once, and in the trail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.domain.enums import Operation

PROGRAM = Path(__file__).with_name("sixteen_writers.py")
SHARED = 3
"""Labels that every process corrects, as in the program."""
MINUTES = float(os.environ.get("MLMCSC_WRITERS_SECONDS", "120"))


@pytest.fixture
def written(request, db, url, draw, tmp_path, monkeypatch):
    """A function that lets processes write for a while and returns all that was acknowledged."""
    monkeypatch.setenv("MLMCSC_BACKUP__DIRECTORY", str(tmp_path / "backups"))
    if not url.startswith("sqlite"):
        tools = request.getfixturevalue("postgres_programs")
        monkeypatch.setenv("MLMCSC_BACKUP__POSTGRESQL_TOOLS", str(tools))
    db.ingest([draw(f"first-{n}.png", seed=n) for n in range(5)], workers=1)
    first = db.register_technician("first", "First")
    for _ in range(SHARED):
        db.store_label(1, first, 0.999)
    db.register_model_version("v1", "net", "/m")

    def run(count, seconds):
        folder = tmp_path / "journals"
        command = [sys.executable, str(PROGRAM), url, str(folder), str(count), str(seconds)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds * 3 + 120, check=False
        )
        assert done.returncode == 0, done.stderr
        journals = sorted(folder.glob("*.jsonl"))
        assert len(journals) == count
        entries = [json.loads(line) for path in journals for line in path.read_text().splitlines()]
        assert sum("ended" in entry for entry in entries) == count
        return entries

    return run


def rows(db, query):
    with db._database.store.read() as view:
        return view.conn.execute(sa.text(query)).all()


def check(db, entries):
    """Compare what was acknowledged with what is there; returns the counts."""
    assert [entry["error"] for entry in entries if "error" in entry] == []
    labels = {int(k): v for e in entries for k, v in e.get("labels", {}).items()}
    corrected = [tuple(entry["corrected"]) for entry in entries if "corrected" in entry]
    predictions = [key for entry in entries for key in entry.get("predictions", ())]
    images = [key for entry in entries for key in entry.get("images", ())]
    assert {key for (key,) in rows(db, "SELECT id FROM labels WHERE id > 3")} == set(labels)
    assert sorted(key for (key,) in rows(db, "SELECT id FROM predictions")) == sorted(predictions)
    assert sorted(key for (key,) in rows(db, "SELECT id FROM images WHERE id > 5")) == sorted(
        images
    )
    # No correction overwrote another unseen: each value is in its label's history, once.
    told = Counter([*labels.items(), *corrected, *((key, 0.999) for key in (1, 2, 3))])
    history = "SELECT label_id, label FROM label_revisions UNION ALL SELECT id, label FROM labels"
    assert Counter(tuple(row) for row in rows(db, history)) == told
    ((counted,),) = rows(db, "SELECT sum(total_labels) FROM technicians")
    assert counted == len(labels) + 3
    check_trail(db, labels=len(labels) + 3, predictions=len(predictions), corrected=len(corrected))
    done = {"labels": len(labels), "corrections": len(corrected), "predictions": len(predictions)}
    return done | {"images": len(images), "backups": sum("backup" in entry for entry in entries)}


def check_trail(db, *, labels, predictions, corrected):
    """Every write is in the trail, and the trail is whole."""
    events = {
        (table, operation): count
        for table, operation, count in rows(
            db, "SELECT table_name, operation, sum(n_rows) FROM audit_logs GROUP BY 1, 2"
        )
    }
    assert events["labels", Operation.CREATE] == labels
    assert events["labels", Operation.UPDATE] == corrected
    assert events["predictions", Operation.CREATE] == predictions
    db.audit_proof.checkpoint()
    report = db.audit_proof.verify()
    assert report.verdict is Verdict.INTACT, (report.findings, report.doubts)
    assert db.maintenance.validate() == ()


@pytest.mark.sqlite_tells
def test_processes_that_write_at_once_for_seconds_lose_nothing(db, written):
    done = check(db, written(5, 2.0))
    assert all(done[kind] for kind in ("labels", "corrections", "predictions", "images"))


@pytest.mark.slow
def test_sixteen_processes_that_write_for_minutes_lose_nothing(db, written, kept):
    done = check(db, written(16, MINUTES))
    assert min(done[kind] for kind in ("labels", "corrections", "predictions", "images")) > 100
    kept("sixteen_writers", db.url.partition(":")[0], done | {"seconds": MINUTES})
