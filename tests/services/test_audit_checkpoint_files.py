"""A checkpoint's file never takes the place of anything but an earlier checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import ConflictError, MlmcscError
from mlmcsc.services.audit_proof.keeping import keep_outside


@pytest.fixture
def db(sqlite_url, tmp_path):
    with DatabaseManager(sqlite_url) as opened:
        opened.register_specimen("S1")
        yield opened


@pytest.fixture
def file(db):
    return Path(db.url.removeprefix("sqlite:///"))


@pytest.mark.parametrize("overwrite", [False, True])
def test_databases_keys_and_their_companions_are_never_overwritten(db, file, overwrite):
    with db._database.store.read() as view:
        key_file = Path(db._database.store.vault.keys(view).place)
    (file.parent / f"{file.name}.images").mkdir(exist_ok=True)
    taken = [file, key_file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))]
    for target in [*taken, file.with_name(f"{file.name}.images") / "new.json"]:
        before = target.read_bytes() if target.exists() else None
        events = len(db.audit.list().items)
        with pytest.raises(MlmcscError):
            db.audit_proof.checkpoint(target, overwrite=overwrite)
        if before is not None:
            with pytest.raises(MlmcscError):
                db.audit_proof.evidence("specimen", "S1", target, overwrite=overwrite)
            with pytest.raises(MlmcscError):
                db.audit.export(target, format="csv", overwrite=overwrite)
        assert (target.read_bytes() if target.exists() else None) == before
        assert len(db.audit.list().items) in {events, events + 1}  # evidence makes a checkpoint


def test_a_link_to_the_database_is_the_database(db, file, tmp_path):
    (tmp_path / "kept.json").symlink_to(file)
    with pytest.raises(ConflictError):
        db.audit_proof.checkpoint(tmp_path / "kept.json", overwrite=True)


def test_an_earlier_checkpoint_is_replaced_only_on_demand(db, tmp_path):
    kept = tmp_path / "kept.json"
    first = db.audit_proof.checkpoint(kept)
    db.register_specimen("S2")
    with pytest.raises(ConflictError, match="exists"):
        db.audit_proof.checkpoint(kept)
    assert db.audit_proof.checkpoints() == [first]

    second = db.audit_proof.checkpoint(kept, overwrite=True)
    assert orjson.loads(kept.read_bytes()) == second.to_dict()
    assert len(db.audit_proof.checkpoints()) == 2
    assert db.audit_proof.verify(kept).exit_code == 0


def test_other_checkpoints_and_other_files_stay(db, tmp_path):
    with DatabaseManager(f"sqlite:///{tmp_path}/other.db") as other:
        other.audit_proof.checkpoint(tmp_path / "other.json")
    (tmp_path / "note.txt").write_text("mine")
    for name in ("other.json", "note.txt"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(ConflictError, match="not overwritten"):
            db.audit_proof.checkpoint(tmp_path / name, overwrite=True)
        assert (tmp_path / name).read_bytes() == before


def test_a_larger_checkpoint_is_not_replaced_by_a_smaller_one(db, tmp_path):
    signed = db.audit_proof.checkpoint(tmp_path / "kept.json")
    with pytest.raises(ConflictError, match="rolled back"):
        keep_outside(replace(signed, tree_size=1), tmp_path / "kept.json", overwrite=True)
