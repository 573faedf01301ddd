"""What is listed is what lies there; what was changed by a single byte is found."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.backup_store import open_store
from mlmcsc.domain.backups.manifest import read_manifest
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.backups import identity, signed_sets
from mlmcsc.store.queries import backups as queries


def flip(path, at=None):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 if at is None else at] ^= 4
    path.write_bytes(raw)


def states(lab):
    return {entry.name: entry.state for entry in lab.db.backups.list()}


def test_the_newest_stands_first(lab):
    for name in ("a", "c", "b"):
        lab.db.backups.create(name)
    assert list(states(lab)) == ["b", "c", "a"]


def test_nothing_is_no_error(lab):
    assert lab.db.backups.list() == ()
    assert lab.db.backups.list(lab.folder / "nowhere") == ()


def test_an_unknown_one_is_told_with_those_that_there_are(lab):
    lab.db.backups.create("a")
    with pytest.raises(UnknownRecordError, match="There are: a"):
        lab.db.backups.show("b")
    with pytest.raises(ValidationError, match="name="):
        lab.db.backups.verify("../a")


def test_a_changed_manifest_is_listed_as_damaged(lab):
    lab.db.backups.create("a")
    path = lab.place / "a" / "manifest.json"
    document = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps(document | {"taken_at": "2020-01-01T00:00:00+00:00"}))
    assert states(lab) == {"a": "damaged"}
    found = lab.db.backups.verify("a")
    assert not found.whole
    assert "changed after it was signed" in found.faults[0].problem


def test_a_renamed_set_is_damaged(lab):
    lab.db.backups.create("a")
    (lab.place / "a").rename(lab.place / "b")
    assert states(lab) == {"b": "damaged", "a": "missing"}


def test_one_that_was_removed_by_hand_is_missing(lab):
    lab.db.backups.create("a")
    shutil.rmtree(lab.place / "a")
    assert states(lab) == {"a": "missing"}


def test_another_databases_set_is_told_and_a_forged_one_is_unsigned(lab):
    lab.db.backups.create("mine")
    with DatabaseManager(f"sqlite:///{lab.folder / 'other.db'}") as other:
        other.backups.create("theirs", to=lab.place)
        assert {e.name: e.state for e in other.backups.list(lab.place)} == {
            "mine": "another database's",
            "theirs": "ok",
        }
    assert states(lab) == {"mine": "ok", "theirs": "another database's"}


def test_a_set_signed_by_another_key_is_not_trusted(lab):
    with DatabaseManager(f"sqlite:///{lab.folder / 'forger.db'}") as forger:
        forger.backups.create("forged", to=lab.place)
        raw = (lab.place / "forged" / "manifest.json").read_bytes()
        manifest, _ = read_manifest(raw, "forged", forger._database.store.vault.crypto.verify)
        lab.db.backups.create("mine")
        own = replace(manifest, database_id=lab.db.backups.show("mine").database_id)
        with forger._database.store.read() as view:
            signed = own.signed(lambda message: view.vault.sign(view, message))
    (lab.place / "forged" / "manifest.json").write_bytes(signed)
    assert states(lab) == {"mine": "ok", "forged": "unsigned"}
    assert not lab.db.backups.verify("forged").whole


@pytest.mark.parametrize("options", [{}, {"encrypt": True}, {"compress": False}])
def test_every_changed_byte_is_found_without_a_key(lab, options):
    lab.db.backups.create("a", with_images=True, **options)
    names = sorted(lab.files("a/") - {"a/manifest.json"}) + sorted(lab.files("objects/"))
    for name in names:
        path = lab.place / name
        before = path.read_bytes()
        flip(path)
        assert not lab.db.backups.verify("a").whole, name
        path.write_bytes(before[:-1])
        assert not lab.db.backups.verify("a").whole, name
        path.write_bytes(before + b"\0")
        assert not lab.db.backups.verify("a").whole, name
        path.unlink()
        assert not lab.db.backups.verify("a").whole, name
        path.write_bytes(before)
    assert lab.db.backups.verify("a", deep=True).whole


def test_a_file_that_the_manifest_does_not_list_is_told(lab):
    lab.db.backups.create("a")
    (lab.place / "a" / "database" / "more.db").write_bytes(b"?")
    (fault,) = lab.db.backups.verify("a").faults
    assert fault.name == "a/database/more.db"


def test_what_was_verified_is_noted(lab):
    lab.db.backups.create("a")
    before = lab.db.backups.show("a").verified_at
    lab.later(hours=1)
    lab.db.backups.verify("a")
    assert lab.db.backups.show("a").verified_at > before
    flip(Path(lab.place, "a", "database", "mlmcsc.db.zst"))
    assert not lab.db.backups.verify("a").whole
    shown = lab.db.backups.show("a")
    assert (shown.state, shown.verified_at, shown.found_damaged) == ("ok", None, True)


def test_a_drill_of_before_does_not_outweigh_that_it_was_found_damaged_since(lab):
    lab.db.backups.create("a")
    lab.db.backup_drills.drill("a")
    lab.later(hours=1)
    flip(Path(lab.place, "a", "database", "mlmcsc.db.zst"))
    assert not lab.db.backups.scrub().whole
    shown = lab.db.backups.show("a")
    assert (shown.verified_at, shown.found_damaged, shown.drill_passed) == (None, True, True)


def test_what_was_made_and_drilled_is_known_from_the_place_alone(lab):
    """As after a restore of a time before it."""
    lab.db.backups.create("a")
    lab.db.backup_drills.drill("a")
    before, held = lab.db.backups.show("a"), lab.db.versions.get("v1").backup_path
    store = lab.db._database.store
    with store.write(lab.db.backups.actor) as tx:
        for change in (
            "DELETE FROM backup_drills",
            "DELETE FROM backups",
            "UPDATE data_versions SET backup_path = NULL",
        ):
            tx.conn.exec_driver_sql(change)
    assert lab.db.backups.show("a").drill_passed
    assert lab.db.backups.show("a").verified_at == before.drilled_at
    place = open_store(lab.place)
    signed = signed_sets(place, identity(store))
    for entered in (["a"], []):
        with store.write(lab.db.backups.actor) as tx:
            assert queries.register(tx, place.place, signed) == entered
    (row,) = lab.db.backup_drills.history()
    assert (row.passed, row.rto_seconds) == (True, before.rto_seconds)
    assert lab.db.versions.get("v1").backup_path == held


def test_a_link_in_one_set_is_told_and_keeps_nobody_from_the_others(lab):
    lab.db.backups.create("a")
    (lab.place / "b").mkdir()
    (lab.place / "b" / "manifest.json").symlink_to("/etc/passwd")
    assert states(lab) == {"a": "ok", "b": "damaged"}
    assert lab.db.backups.create("c").left_out == ()
