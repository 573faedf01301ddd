"""An id that was returned is in the database, whatever happens to the process afterwards."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from mlmcsc import DatabaseManager

WRITE = """
import os, sys
from mlmcsc import DatabaseManager
journal = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
with DatabaseManager(sys.argv[1]) as db:
    n = 0
    while True:
        n += 1
        if n % 4:
            keys = [db.store_label(1, 1, 0.5)]
        else:
            bulk = db.store_labels(image_id=[1] * 50, label=[0.5] * 50, technician_id=1)
            keys = bulk.ids.tolist()
        os.write(journal, "".join(f"{key}\\n" for key in keys).encode())
"""


@pytest.fixture
def ready(db, sql):
    sql("INSERT INTO images (path, filename, timestamp) VALUES ('/a', 'a', '2026-01-01 00:00:00')")
    db.register_technician("t1", "Jo")


@pytest.mark.parametrize(
    "kills",
    [pytest.param(3, id="3 kills"), pytest.param(20, id="20 kills", marks=pytest.mark.slow)],
)
def test_a_killed_writer_loses_nothing_that_it_was_told_is_stored(
    ready, url, tmp_path, spawn, kills
):
    journal = tmp_path / "journal"
    journal.touch()
    pauses = random.Random(1)  # noqa: S311  # moments to kill at, not secrets
    for _ in range(kills):
        size = journal.stat().st_size
        process = spawn(WRITE, url, journal)
        deadline = time.monotonic() + 60
        while journal.stat().st_size == size and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(pauses.uniform(0, 0.25))
        assert process.poll() is None, process.communicate()[1]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    acknowledged = {int(line) for line in journal.read_text().splitlines() if line}
    assert len(acknowledged) > kills
    with DatabaseManager(url) as db, db._database.store.read() as view:
        there = set(view.conn.exec_driver_sql("SELECT id FROM labels").scalars())
        total = view.conn.exec_driver_sql("SELECT total_labels FROM technicians").scalar()
        told = view.conn.exec_driver_sql(
            "SELECT sum(n_rows) FROM audit_logs WHERE table_name = 'labels'"
        ).scalar()
        assert view.dialect.check_storage(view.conn) == []
    assert acknowledged <= there
    assert total == told == len(there)
