"""What goes, goes whole; what stays can be restored; interrupted anywhere, both hold."""

from __future__ import annotations

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.backup_store import LocalStore, open_store
from mlmcsc.errors import ConflictError, StoreError
from mlmcsc.services.backups import waiting


def names(lab):
    return [entry.name for entry in lab.db.backups.list()]


@pytest.fixture
def aged(lab):
    """Three backups, two days apart; each has an image that the next has no more."""
    for name in ("first", "second", "third"):
        lab.db.backups.create(name, with_images=name != "third")
        lab.db.backups.verify(name)
        lab.later(days=2)
    return lab


def test_what_is_old_goes_and_what_nobody_refers_to_with_it(aged):
    images = {name for name in aged.files("objects/") if ".parquet" not in name}
    report = aged.keeping(days=1).prune()
    assert [each.name for each in report.pruned] == ["first", "second"]
    assert [(each.name, each.reason) for each in report.kept] == [("third", "newest")]
    assert names(aged) == ["third"]
    assert report.n_objects == 3
    assert len(images) >= 3
    assert aged.db.backups.verify("third", deep=True).whole
    listed = {"third/" + n for n in ("manifest.json", "files.jsonl.zst")}
    assert listed <= aged.files()


def test_a_dry_run_tells_the_same_and_does_nothing(aged):
    before = aged.files()
    planned = aged.keeping(days=1).prune(dry_run=True)
    assert aged.files() == before
    done = aged.keeping(days=1).prune()
    assert (planned.pruned, planned.kept) == (done.pruned, done.kept)
    assert planned.n_objects == done.n_objects
    assert planned.freed_bytes == done.freed_bytes


def test_the_settings_decide(aged):
    assert aged.keeping(days=30).prune().pruned == ()
    assert [e.name for e in aged.keeping(days=5).prune().pruned] == ["first"]


def test_the_trail_and_the_versions_tell_of_it(aged):
    path = aged.db.versions.get("v1").backup_path
    assert path == str(aged.place / "third")
    aged.db.backups.create("fourth", to=aged.folder / "elsewhere")
    aged.keeping(days=1).prune()
    assert aged.db.versions.get("v1").backup_path == str(aged.folder / "elsewhere" / "fourth")
    event = next(
        e for e in aged.db.audit.list(limit=1000).items
        if e.operation == "BACKUP" and e.record_id is None
    )  # fmt: skip
    assert event.new_values["pruned"] == ["first", "second"]


def test_a_version_falls_back_to_the_next_newest_backup_that_holds_it(lab):
    lab.db.backups.create("first")
    lab.later(days=5)
    kind = {"kind": "safety"}
    lab.db.backups.create("second", **kind)
    lab.later(days=5)
    lab.db.versions.create("v2")
    lab.db.backups.create("third", **kind)
    assert lab.db.versions.get("v1").backup_path == str(lab.place / "third")
    lab.later(days=40)
    # The newest stays though it is a safety backup; the second is what nobody keeps.
    report = lab.keeping(days=1, weekly=1).prune()
    assert [each.name for each in report.pruned] == ["second"]
    assert lab.db.versions.get("v1").backup_path == str(lab.place / "third")


def test_a_version_that_only_pruned_backups_held_is_in_none(lab):
    lab.db.backups.create("first")
    lab.later(days=5)
    rows = next((lab.folder / "lab.db.versions" / "rows").iterdir())
    rows.rename(lab.folder / "lost")
    lab.db.backups.create("second")
    lab.db.backups.verify("second")
    assert lab.db.versions.get("v1").backup_path == str(lab.place / "first")
    lab.later(days=1)
    lab.keeping(days=1).prune()
    record = lab.db.versions.get("v1")
    assert (record.backup_path, record.backup_size, record.backup_checksum) == (None, None, None)


def test_other_databases_backups_and_their_files_are_left_alone(lab):
    with DatabaseManager(f"sqlite:///{lab.folder / 'other.db'}") as other:
        other.images.add(lab.draw("in/2.png", seed=2), storage="managed")
        other.backups.create("theirs", to=lab.place, with_images=True)
        lab.db.backups.create("mine", with_images=True)
        lab.later(days=400)
        lab.db.backups.create("newer")
        report = lab.keeping(days=1).prune()
        assert [each.name for each in report.pruned] == ["mine"]
        assert [each.name for each in report.left_alone] == ["theirs"]
        assert other.backups.verify("theirs", lab.place, deep=True).whole


def test_while_a_set_cannot_tell_what_it_needs_no_shared_file_goes(aged):
    index = aged.place / "third" / "files.jsonl.zst"
    index.write_bytes(b"?")
    objects = aged.files("objects/")
    report = aged.keeping(days=1).prune()
    assert aged.files("objects/") == objects
    assert [each.name for each in report.left_alone] == ["third"]


@pytest.mark.parametrize("after", range(8))
def test_interrupted_anywhere_what_stays_is_whole_and_the_next_run_ends_it(
    aged, monkeypatch, after
):
    remove, calls = LocalStore.remove, []

    def dies(self, keys):
        for key in list(keys):
            if len(calls) >= after:
                raise StoreError("killed")
            calls.append(key)
            remove(self, [key])

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "remove", dies)
        with pytest.raises(StoreError, match="killed"):
            aged.keeping(days=1).prune()
    for entry in aged.db.backups.list():
        if entry.state != "missing":
            assert aged.db.backups.verify(entry.name).whole, entry.name
    aged.keeping(days=1).prune()
    assert names(aged) == ["third"]
    assert aged.db.backups.scrub().whole
    assert aged.db.backups.scrub().unknown == ()


def test_a_folder_of_somebody_else_in_the_place_is_left_alone(aged):
    strange = aged.place / "notes"
    strange.mkdir()
    (strange / "readme.txt").write_text("mine")
    aged.keeping(days=1).prune()
    assert (strange / "readme.txt").read_text() == "mine"


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


@pytest.mark.parametrize("check", ["verify", "scrub", "drill"])
def test_what_a_check_found_damaged_is_not_kept_in_place_of_a_whole_one(lab, check):
    for name in ("good", "bad"):
        lab.db.backups.create(name, full=True)
        lab.later(days=2)
    flip(lab.place / "bad" / "database" / "mlmcsc.db.zst")
    look = {
        "verify": lambda: lab.db.backups.verify("bad"),
        "scrub": lab.db.backups.scrub,
        "drill": lambda: lab.db.backup_drills.drill("bad"),
    }
    look[check]()
    report = lab.keeping(days=1).prune(dry_run=True)
    assert report.pruned == ()
    assert {each.name: each.reason for each in report.kept} == {
        "bad": "newest",
        "good": "newest that is not known to be damaged",
    }


def test_a_proof_in_the_place_keeps_what_the_register_has_forgotten(lab):
    lab.db.backups.create("good")
    lab.db.backup_drills.drill("good")
    with lab.db._database.store.write(lab.db.backups.actor) as tx:
        tx.conn.exec_driver_sql("DELETE FROM backup_drills")
        tx.conn.exec_driver_sql("DELETE FROM backups")
    lab.later(days=5)
    lab.db.backups.create("unread")
    assert lab.keeping(days=1).prune().pruned == ()


def test_names_that_nobody_gives_backups_are_told_and_passed_over(aged):
    odd = aged.place / "a\nb" / "c"
    odd.mkdir(parents=True)
    (odd / "file").write_text("mine")
    inside = aged.place / "first" / "database" / "a\nb"
    inside.write_text("?")
    report = aged.keeping(days=1).prune()
    assert [each.name for each in report.pruned] == ["first", "second"]
    assert "'a\\nb'" in [each.name for each in report.left_alone]
    assert (odd / "file").exists()


def test_only_files_that_are_shared_go_from_among_the_shared_ones(aged):
    strange = aged.place / "objects" / "set" / "manifest.json"
    strange.parent.mkdir()
    strange.write_text("{}")
    aged.keeping(days=1).prune()
    assert strange.exists()


def test_who_is_waited_for_is_told(lab, monkeypatch):
    lab.db.backups.create("first")
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0.3)
    monkeypatch.setattr(waiting, "TOLD_AFTER_SECONDS", 0.1)
    told = []
    store = open_store(lab.place)
    with store.leased("a long copy", "somebody"), pytest.raises(ConflictError):
        lab.db.backups.prune(progress=lambda *each: told.append(each))
    ((doing, *_),) = told
    assert "held by somebody for a long copy" in doing


def test_one_who_holds_the_place_is_waited_for_and_then_named(lab, monkeypatch):
    lab.db.backups.create("first")
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0.3)
    store = open_store(lab.place)
    with store.leased("a long copy", "somebody"), pytest.raises(ConflictError, match="somebody"):
        lab.db.backups.prune()
