"""Every write of every service leaves an audit event in its own transaction; reads leave nothing.

The services and their methods are found by looking: one that is new must be told in
`service_calls.py`, which it is.
"""

from __future__ import annotations

import importlib.util
import inspect
from functools import cached_property
from pathlib import Path

import pytest

from mlmcsc import bootstrap

pytestmark = pytest.mark.sqlite_tells


def _calls():
    place = Path(__file__).with_name("service_calls.py")
    spec = importlib.util.spec_from_file_location("audited_service_calls", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.WRITES, module.READS


WRITES, READS = _calls()
ELSEWHERE = {
    # They write the trail itself: places in the tree, and signed checkpoints.
    "audit_proof.checkpoint",
    "audit_proof.inclusion_proof",
    "audit_proof.consistency_proof",
    # With the same witness, and traces in every place: tests/services/privacy/erasure.
    "archives.erase_person",
    "erasure.abandon",
    "erasure.delete_user_data",
    "erasure.anonymize",
    "erasure.unreplayed",
    "erasure.untold",
    "erasure.replay",
    # Keys wrapped anew, and texts sealed that raw SQL wrote: in the tests of privacy.
    "vault_keys.rotate",
    "vault_keys.destroy_retired",
    "sealing.seal",
    # Of a PostgreSQL server that archives its log: tests/store/backups/test_point_in_time.py.
    "base_backups.archiving",
    "base_backups.create",
    "base_backups.list",
    "base_backups.prune",
    # What they restore to scratch bears the witness too: in tests/services/backup_drills.
    "backup_drills.drill",
    "backup_drills.drill_all",
    "backup_drills.create_due",
}
FILES = {
    "access.export_user_data",
    "access.write",
    "exchange.export_file",
    "audit.export",
    "audit_proof.evidence",
}
"""They give a file or a document away, and write the event that tells of it."""
SCENARIOS = [(method, name) for method, cases in WRITES.items() for name in cases]


def public_methods(db):
    parts = inspect.getmembers(bootstrap.Services, lambda each: isinstance(each, cached_property))
    return {
        f"{part}.{name}"
        for part, _ in parts
        for name, member in vars(type(getattr(db, part))).items()
        if callable(member) and not name.startswith("_")
    }


def test_every_method_of_every_service_is_either_a_write_or_a_read(db):
    assert not WRITES.keys() & READS.keys()
    assert public_methods(db) == WRITES.keys() | READS.keys() | ELSEWHERE


@pytest.mark.parametrize(("method", "scenario"), SCENARIOS)
def test_a_write_is_told_by_an_event_of_its_transaction(lab, witness, method, scenario):
    witness.watch(lab.db._database.store)
    WRITES[method][scenario](lab)
    assert witness.gaps() == []
    assert witness.events
    assert witness.written or method in FILES


def test_reads_write_nothing(lab, witness):
    witness.watch(lab.db._database.store)
    for name, read in READS.items():
        read(lab)
        kept = KEPT_SUMS if name == "quality.check" else frozenset[str]()
        witness.commits[:] = [
            commit
            for commit in witness.commits
            if not commit.written or {row.table for row in commit.written} - kept
        ]
        assert witness.commits == [], name


KEPT_SUMS = frozenset({"quality_marks", "quality_aggregates"})
"""What a check of quality keeps, so that the next is quick: no data of anybody."""


def test_checkpoints_and_proofs_write_nothing_but_the_trail(lab, witness):
    witness.watch(lab.db._database.store)
    size = lab.db.audit_proof.checkpoint().tree_size
    lab.db.audit_proof.inclusion_proof(1)
    lab.db.audit_proof.consistency_proof(size)
    assert witness.commits
    assert witness.written == []
