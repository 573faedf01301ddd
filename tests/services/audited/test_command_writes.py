"""Every command that writes leaves its audit events; the commands are found by looking."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import click
import pytest
import structlog

from mlmcsc.cli import main
from mlmcsc.cli.app import mlmcsc

pytestmark = pytest.mark.sqlite_tells

WRITES = {
    "quality update-scores": ["--threshold", "1", "--invalidate"],
    "images add": ["{folder}/new/7.png", "--specimen-id", "S9"],
    "images ingest": ["{folder}/new"],
    "images set": ["1", "--magnification", "20"],
    "specimens set": ["S9", "--heat", "H"],
    "specimens measure": ["S1", "--a-mm", "4.2", "--b-mm", "5.1"],
    "technician register": ["t9", "--name", "Al"],
    "technician set": ["t1", "--name", "Al"],
    "models register": ["v9", "--name", "net", "--model-path", "/m"],
    "models activate": ["v2"],
    "predictions add": ["1", "0.5", "--confidence", "0.5", "--model-number", "1"],
    "labels add": ["1", "0.5", "--technician", "t1"],
    "labels correct": ["1", "--label", "0.4", "--reason", "misread"],
    "labels verify": ["1", "--by", "chief"],
    "import": ["labels", "{folder}/l.csv", "--set", "technician=t1"],
    "import dataset": ["{folder}/new", "--technician", "t1"],
    "export": ["labels", "{folder}/out.csv"],
    "database validate": ["--fix", "--yes"],
    "version auto": [],
    "version create": ["v1.0", "--description", "Initial dataset", "--tag", "production"],
    "backup create": ["--name", "manual_backup"],
    "archive create": ["labels", "--older-than", "365d", "--confirm"],
    "retention apply": ["--confirm"],
    "audit export": ["{folder}/trail.jsonl"],
    "privacy export-user-data": ["t1", "--output", "{folder}/t1.json"],
    "privacy requests add": ["t1", "--kind", "access"],
}
READS = {
    "quality scores",
    "version exports",
    "database status",
    "images list",
    "images show",
    "images thumbnail",
    "specimens list",
    "specimens show",
    "specimens table",
    "specimens curve",
    "technician list",
    "technician show",
    "models active",
    "models lineage",
    "models list",
    "models show",
    "predictions list",
    "labels history",
    "quality suspicious",
    "labels list",
    "labels show",
    "features list",
    "features duplicates",
    "features sets",
    "features similar",
    "features show",
    "training features",
    "training split",
    "audit list",
    "audit search",
    "audit verify",
    "audit prove",
    "audit show",
    "version diff",
    "version list",
    "version show",
    "version status",
    "version verify",
    "archive find",
    "retention plan",
    "archive list",
    "backup list",
    "backup show",
    "backup history",
    "quality check",
    "quality drift",
    "privacy holds",
    "privacy keys",
    "privacy record",
    "privacy report",
    "privacy requests",
    "config generate",
    "config show",
    "config validate",
}
ELSEWHERE = {
    "quality agreement": "test_service_writes.py: agreement.update_accuracy",
    "quality accuracy": "test_service_writes.py: agreement.update_accuracy",
    "labels queue": "test_service_writes.py: label_queue.next",
    "labels consensus": "test_service_writes.py: consensus.create",
    "backup drill": "tests/services/backup_drills: what is restored bears the witness too",
    "backup auto": "tests/services/backup_drills: likewise",
    "version export": "test_service_writes.py: dataset_exports.export",
    "database init": "test_schema_writes.py: a new database commits together with its event",
    "demo": "fills a database of its own through the services of test_service_writes.py",
    "audit checkpoint": "writes the trail itself",
    "version checkout": "test_service_writes.py: version_checks.checkout",
    "version tag": "test_service_writes.py: versions.tag",
    "version untag": "test_service_writes.py: versions.untag",
    "version delete": "test_service_writes.py: versions.delete",
    "privacy restrict": "test_service_writes.py: holds.restrict",
    "privacy hold": "test_service_writes.py: holds.hold",
    "privacy release": "test_service_writes.py: holds.release",
    "privacy delete-user-data": "tests of erasure",
    "privacy abandon": "tests of erasure",
    "privacy anonymize": "tests of erasure",
    "privacy replay": "tests of erasure",
    "privacy requests extend": "test_service_writes.py: requests.extend",
    "privacy requests close": "test_service_writes.py: requests.close",
    "privacy seal": "tests of privacy: rows of raw SQL are sealed",
    "privacy rotate-key": "tests of privacy: keys wrapped anew, in batches with their events",
    "backup verify": "test_service_writes.py: backups.verify",
    "backup restore": "tests/services/restores: the event is in the restored database",
    "backup prune": "test_service_writes.py: backups.prune",
    "backup scrub": "test_service_writes.py: backups.scrub",
    "archive restore": "test_service_writes.py: archives.restore",
    "backup base": "tests/store/backups/test_point_in_time.py: a server that archives its log",
    "backup archiving": "tests/store/backups/test_point_in_time.py: likewise, reads only",
}


def commands():
    context = click.Context(mlmcsc)
    for home in mlmcsc.homes:
        yield from within(home, mlmcsc.get_command(context, home))


def within(words, command):
    """Each command line that does something; a group that lists by itself is one."""
    if hasattr(command, "example"):
        yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from within(f"{words} {name}", inner)


@pytest.fixture
def laboratory(lab, monkeypatch):
    """Files to store and import; a file that was touched; a version that is due."""
    monkeypatch.setenv("MLMCSC_VERSIONING__AUTO_NEW_LABELS", "1")
    lab.draw("new/7.png", seed=7)
    lab.file("new/metadata.csv", "file_name,label\n7.png,0.5\n")
    for year in (2010, 2024):  # beyond every period; old enough for an archive
        lab.db.store_label(1, lab.technician, 0.5, timestamp=datetime(year, 1, 1, tzinfo=UTC))
    lab.file("l.csv", "image_id,label\n1,0.1\n2,0.2\n")
    os.utime(lab.db.get_image(1).path, ns=(1, 1))
    yield lab
    structlog.reset_defaults()  # commands send log lines to this test's stderr


def test_every_command_is_told_here():
    assert sorted(commands()) == sorted([*WRITES, *READS, *ELSEWHERE])


@pytest.mark.parametrize("command", WRITES)
def test_a_command_that_writes_is_told_by_events(laboratory, witness, command):
    witness.watch(laboratory.db._database.store)
    words = [word.format(folder=laboratory.folder) for word in WRITES[command]]
    code = main(["--database", laboratory.db.url, *command.split(), *words, "--reason", "a test"])
    assert code == 0
    assert witness.gaps() == []
    assert witness.events
    assert {event["reason"] for event in witness.events} <= {"a test", "misread"}
