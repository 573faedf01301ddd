"""An erasure that was killed, or found no room, is finished by the same command."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.versions import root_of
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import StoreError, UnknownRecordError, ValidationError

MOMENTS = [
    "ledger",
    "ledger written",
    "database",
    "in the transaction",
    "archives",
    "caches",
    "exports",
    "vacuum",
    "certificate",
    "certified",
]
"""Before the step of this name, or in the middle of one."""
ONCE = ["data_keys", "versions", "version files written", "versions changed"]
MOMENTS_OF_LABELS = [
    *((moment, labels) for moment in MOMENTS for labels in ("keep", "delete")),
    *((moment, "delete") for moment in ONCE),
]
OF_THE_DATABASE = {
    (moment, "delete")
    for moment in ("in the transaction", "versions changed", "vacuum", "certified")
}
"""Where it matters which database it is; the other cases ask PostgreSQL in `make test-all`."""
CASES = [
    pytest.param(*case, marks=[] if case in OF_THE_DATABASE else pytest.mark.sqlite_tells)
    for case in MOMENTS_OF_LABELS
]
STEPS = [
    "started",
    "ledger",
    "database",
    "data_keys",
    "archives",
    "versions",
    "caches",
    "exports",
    "vacuum",
]
NEEDLE = b"lundqvist"


@pytest.fixture
def place(url, own_settings, tmp_path, monkeypatch):
    """Keys and ledger of this test alone, here and in the programs that it starts."""
    monkeypatch.setenv("MLMCSC_RETENTION__ARCHIVE_DIRECTORY", str(tmp_path / "archive"))
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    monkeypatch.chdir(tmp_path)
    with DatabaseManager(url) as db:
        jo = db.register_technician("jo", "Jo Lundqvist", email="jo@lundqvist.se")
        db.register_specimen("S1", notes="asked Jo Lundqvist")
        image = db.store_image(_picture(tmp_path))
        db.store_label(image, jo, 0.5, notes="Lundqvist's note")
        db.verify_label(1, "Jo Lundqvist")
        db.versions.create("v1")
        db.exchange.export_file("labels", tmp_path / "labels.csv")
    return tmp_path


def _picture(folder):
    from PIL import Image

    path = folder / "i.png"
    Image.new("RGB", (8, 8), (3, 2, 1)).save(path)
    return path


def erase_and_die(url, moment, labels):
    program = Path(__file__).with_name("erasing.py")
    done = subprocess.run(
        [sys.executable, program, url, moment, labels], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def state(db, folder):
    """What is left of the person, and of the erasure, wherever it is kept."""
    with db._database.store.read() as view:
        rows = view.conn.exec_driver_sql
        erased = rows("SELECT identifier, finished_at IS NULL, labels FROM erasures").all()
        labels = rows("SELECT label, notes, verified_by LIKE 'erased-%%' FROM labels").all()
        texts = str(rows("SELECT * FROM technicians").all()).lower().encode()
        certificate = db.delete_user_data(_subject(rows)).certificate
    steps = [step["step"] for step in certificate["steps"]]
    files = [p for p in folder.rglob("*") if p.is_file() and NEEDLE in p.read_bytes().lower()]
    return {
        "erased": [tuple(row) for row in erased],
        "labels": [tuple(row) for row in labels],
        "in rows": NEEDLE in texts,
        "files": files,
        "ledger": len(db._database.ledger.path.read_text().splitlines()),
        "steps": steps,
        "counts": {f"{f['table']}.{f['column']}": f["count"] for f in certificate["fields"]},
        "export": (folder / "labels.csv").exists(),
        "trail": db.audit_proof.verify().findings,
        "version": version(db),
    }


def version(db):
    """Whether the version's rows are those that were signed, how many are redacted, its files."""
    record, folder = db.versions.get("v1"), db._database.versions
    layers = read_layers(record.layers)
    for layer in layers:
        folder.check(layer)
    root, _, n_redacted = root_of(folder.rows(layers))
    only = folder.present() == {layer.sha256 for layer in layers}
    return root == record.root, (n_redacted, record.n_redacted), only


def _subject(rows):
    return rows("SELECT subject_id FROM erasures").scalar()


@pytest.mark.parametrize(("moment", "labels"), CASES)
def test_a_killed_erasure_is_finished_by_the_same_call(place, url, moment, labels):
    erase_and_die(url, moment, labels)
    with DatabaseManager(url) as db:
        db.delete_user_data("jo", labels=labels)
        found = state(db, place)
        with pytest.raises(UnknownRecordError):
            db.delete_user_data("jo", labels=labels)
    counts = found.pop("counts")
    assert counts["technicians.name"] == 1
    assert counts["specimens.notes"] == 1
    assert found == {
        "erased": [(None, False, labels)],
        "labels": [(0.5, None, True)] if labels == "keep" else [],
        "in rows": False,
        "files": [],
        "ledger": 2,  # the person, and the name that they verified under
        "steps": STEPS,
        "export": False,
        "trail": (),
        "version": (True, (1, 1) if labels == "delete" else (0, 0), True),
    }


def test_a_killed_ledger_line_is_written_anew(place, url):
    with DatabaseManager(url) as db:
        path = db._database.ledger.path
        path.write_bytes(b'{"format":"mlmcsc-eras')
        db.delete_user_data("jo")
        assert len(db._database.ledger.path.read_text().splitlines()) == 2
        assert db.erasure.unreplayed() == []


def test_a_ledger_that_cannot_be_written_stops_before_anything_is_erased(place, url):
    with DatabaseManager(url) as db:
        path = db._database.ledger.path
        path.mkdir()
        with pytest.raises(StoreError, match=r"ledger.*cannot be used.*run the same command again"):
            db.delete_user_data("jo")
        assert db.technicians.get("jo").name == "Jo Lundqvist"
        path.rmdir()
        db.delete_user_data("jo")


FULL = """
import resource, signal, sys
from mlmcsc import DatabaseManager
from mlmcsc.adapters import {module}
from mlmcsc.errors import MlmcscError

real = {module}.{function}
def on_a_full_disk(*arguments, **keywords):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        return real(*arguments, **keywords)
    finally:
        top = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (top, top))
{module}.{function} = on_a_full_disk
with DatabaseManager(sys.argv[1]) as db:
    try:
        db.delete_user_data("jo", certificate=sys.argv[2])
    except MlmcscError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    ("module", "function", "error"),
    [("ledger", "_add", "StoreError"), ("certificates", "write_private", "ValidationError")],
)
def test_a_full_disk_is_told_and_the_erasure_goes_on_later(place, url, module, function, error):
    pytest.importorskip("resource")
    program = FULL.format(module=module, function=function)
    path = place / "certificate.json"
    ran = subprocess.run(
        [sys.executable, "-c", program, url, path], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith(error), ran.stdout + ran.stderr
    assert not path.exists()
    with DatabaseManager(url) as db:
        with db._database.store.read() as view:
            who = view.conn.exec_driver_sql("SELECT subject_id FROM erasures").scalar()
        assert db.delete_user_data(who, certificate=path).finished_at is not None
        assert path.exists()
        assert db.erasure.unreplayed() == []


def test_a_certificate_that_cannot_be_written_is_refused_beforehand(place, url):
    (place / "there.json").write_text("{}")
    with DatabaseManager(url) as db, pytest.raises(ValidationError, match="exists already"):
        db.delete_user_data("jo", certificate=place / "there.json")


def test_a_long_reader_delays_the_end_and_no_more(place, url, monkeypatch):
    monkeypatch.setenv("MLMCSC_DATABASE__BUSY_TIMEOUT_SECONDS", "1")
    with DatabaseManager(url) as reader, DatabaseManager(url) as db:
        with reader._database.store.read() as view:
            view.conn.exec_driver_sql("SELECT count(*) FROM erasures").all()
            with pytest.raises(StoreError, match="traces may be left"):
                db.delete_user_data("jo")
        assert db.delete_user_data("jo").finished_at is not None
