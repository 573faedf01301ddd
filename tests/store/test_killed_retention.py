"""Killed at any moment, retention has deleted whole batches, each with its event, and goes on."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from mlmcsc import DatabaseManager

APPLY = """
import os, sys
from mlmcsc import DatabaseManager
from mlmcsc.services.retention import applying
applying.BATCH_ROWS = 7
applying.IMAGE_BATCH_ROWS = 3
journal = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
with DatabaseManager(sys.argv[1]) as db:
    db.retention.apply(progress=lambda *told: os.write(journal, b"."))
"""
LABELS, IMAGES = 1400, 300


@pytest.fixture
def old(db, sql):
    db.register_technician("t1", "Jo")
    images = db._database.store
    with images._writer.begin() as conn:
        for number in range(IMAGES):
            conn.exec_driver_sql(
                "INSERT INTO images (path, filename, timestamp, created_at) VALUES "
                f"('/{number}', 'a', '2020-01-01 00:00:00', '2020-01-01 00:00:00')"
            )
    db.store_labels(
        image_id=[1 + n % IMAGES for n in range(LABELS)], label=[0.5] * LABELS, technician_id=1
    )
    sql("UPDATE labels SET timestamp = '2020-01-01 00:00:00'")


def accounts(db, sql):
    """Rows left, and rows that events say were deleted, by table."""
    left = {t: sql(f"SELECT count(*) FROM {t}")[0][0] for t in ("labels", "images")}
    events = sql("SELECT table_name, n_rows FROM audit_logs WHERE operation = 'RETAIN'")
    gone = {t: [n for name, n in events if name == t] for t in left}
    return left, gone


@pytest.mark.parametrize(
    "kills",
    [pytest.param(2, id="2 kills"), pytest.param(15, id="15 kills", marks=pytest.mark.slow)],
)
def test_a_killed_application_leaves_whole_batches_and_goes_on(
    old, db, url, sql, tmp_path, spawn, kills
):
    journal = tmp_path / "journal"
    journal.touch()
    pauses = random.Random(1)  # noqa: S311  # moments to kill at, not secrets
    for _ in range(kills):
        size = journal.stat().st_size
        process = spawn(APPLY, url, journal)
        deadline = time.monotonic() + 60
        while journal.stat().st_size == size and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(pauses.uniform(0, 0.2))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        left, gone = accounts(db, sql)
        assert left["labels"] + sum(gone["labels"]) == LABELS
        assert left["images"] + sum(gone["images"]) == IMAGES
        assert set(gone["labels"]) <= {7}
        assert sql("SELECT total_labels FROM technicians")[0][0] == left["labels"]
    assert left["labels"] < LABELS
    with DatabaseManager(url) as again:
        again.retention.apply()
        assert again.retention.plan(["labels", "images"]).to_do == 0
    left, gone = accounts(db, sql)
    assert left == {"labels": 0, "images": 0}
    assert (sum(gone["labels"]), sum(gone["images"])) == (LABELS, IMAGES)
    assert sql("SELECT key FROM settings WHERE key LIKE 'retention%'") == []
